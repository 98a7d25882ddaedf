#!/usr/bin/env python3
"""Writes chunk_v1_raw.bin and chunk_v1_zstd.bin beside itself, from the description of the format alone.

Chunk version 1 is final: these files show that every later program still reads it. It needs the zstd tool.
"""
import pathlib
import struct
import subprocess

FIXED, TEXT = "fixed", "text"
NULL = None

# name, kind, precision, scale, nullable, shape, values
COLUMNS = [
    ("flag", 1, 0, 0, 1, FIXED, [b"\1", NULL, b"\0"]),
    ("id", 2, 0, 0, 0, FIXED, [struct.pack("<q", v) for v in (-2**63, 0, 2**63 - 1)]),
    ("ratio", 3, 0, 0, 1, FIXED, [struct.pack("<d", v) for v in (-0.0, 1.5, float("inf"))]),
    ("amount", 4, 38, 2, 1, FIXED, [(v).to_bytes(16, "little", signed=True) for v in (10**38 - 1, -1250)] + [NULL]),
    ("big", 5, 0, 0, 1, TEXT, [b"-0.5", b"NaN", NULL]),
    ("näme", 6, 0, 0, 1, TEXT, ["Zoë ☃ 𝄞".encode(), b"", NULL]),
    ("raw", 7, 0, 0, 1, TEXT, [b"\x00\xff", NULL, b""]),
    ("day", 8, 0, 0, 1, FIXED, [struct.pack("<i", v) for v in (19782, -2440588)] + [NULL]),
    ("span", 9, 0, 0, 1, FIXED, [struct.pack("<q", v) for v in (-3020399000000, 3020399000000)] + [NULL]),
    ("at", 10, 0, 0, 1, FIXED, [struct.pack("<q", v) for v in (1709211600250000, 2**63 - 1, -2**63)]),
    ("instant", 11, 0, 0, 1, FIXED, [struct.pack("<q", v) for v in (0, -1, 253402300799999999)]),
    ("key", 12, 0, 0, 1, FIXED, [bytes(range(16)), NULL, b"\xff" * 16]),
    ("doc", 13, 0, 0, 1, TEXT, [b'{"a": 1.0}', b"null", NULL]),
]
ROWS = 3
WIDTHS = {1: 1, 2: 8, 3: 8, 4: 16, 8: 4, 9: 8, 10: 8, 11: 8, 12: 16}


def column_buffers(kind, shape, values):
    out = bytearray()
    has_nulls = any(v is NULL for v in values)
    out.append(1 if has_nulls else 0)
    if has_nulls:
        bits = sum(1 << row for row, v in enumerate(values) if v is not NULL)
        out += bits.to_bytes((ROWS + 7) // 8, "little")
    if shape is FIXED:
        for value in values:
            out += bytes(WIDTHS[kind]) if value is NULL else value
        return out
    end = 0
    out += struct.pack("<I", 0)
    for value in values:
        end += len(value or b"")
        out += struct.pack("<I", end)
    for value in values:
        out += value or b""
    return out


def body():
    out = bytearray(struct.pack("<I", len(COLUMNS)))
    for name, kind, precision, scale, nullable, _, _ in COLUMNS:
        out += struct.pack("<H", len(name.encode())) + name.encode()
        out += bytes([kind, precision, scale, nullable])
    out += struct.pack("<I", ROWS)
    for _, kind, _, _, _, shape, values in COLUMNS:
        out += column_buffers(kind, shape, values)
    return bytes(out)


def main():
    here = pathlib.Path(__file__).parent
    raw = body()
    (here / "chunk_v1_raw.bin").write_bytes(b"VMC\x01\x00" + raw)
    plain = here / "body.tmp"
    plain.write_bytes(raw)
    packed = subprocess.run(["zstd", "-1", "-q", "-c", "--content-size", "--no-check", plain], check=True, capture_output=True)
    plain.unlink()
    (here / "chunk_v1_zstd.bin").write_bytes(b"VMC\x01\x01" + packed.stdout)


main()

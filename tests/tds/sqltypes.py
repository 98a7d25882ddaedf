"""SQL Server's types: how one is declared, how TDS carries it (MS-TDS 2.2.5.5) and how SQLite keeps it here.

Kept: integers and floats as they are; decimals and money as text with all digits of their scale; text as text; bytes as
blobs, those of geometry and geography too, and hierarchyid as its path; times as text of fixed width ("2024-02-29 13:00:00.1234567", with an offset "…Z+02:00" behind the UTC time), so that text order is
their order; uniqueidentifier as upper-case text.
"""
import datetime
import re
import struct
import uuid
from decimal import Context, Decimal, ROUND_HALF_UP

LATIN1 = bytes([0x09, 0x04, 0xD0, 0x00, 0x34])  # SQL_Latin1_General_CP1_CI_AS
HALF_PAIR = "\uf8ff"  # stands for a surrogate without its other half, which SQL Server holds and SQLite does not
FOREVER = 0xFFFFFFFFFFFFFFFF
EPOCH = datetime.date(1, 1, 1).toordinal()
DAY0 = datetime.date(1900, 1, 1).toordinal()
INTEGERS = {"tinyint": 1, "smallint": 2, "int": 4, "integer": 4, "bigint": 8}
CLR_TYPES = {"hierarchyid": 128, "geometry": 129, "geography": 130}  # by user_type_id: all are of system type 240
TIMES = {"time", "date", "datetime2", "datetimeoffset", "datetime", "smalldatetime"}


class SqlError(Exception):
    def __init__(self, number, text, severity=16):
        super().__init__(text)
        self.number, self.text, self.severity = number, text, severity


def conversion_failed(name):
    return SqlError(245, f"Conversion failed when converting the value to data type {name}.")


class Type:
    def __init__(self, name, first=None, second=None, alias=None):
        self.name, self.first, self.second, self.alias = name, first, second, alias

    @staticmethod
    def parse(text):
        m = re.fullmatch(r"\s*([A-Za-z_]\w*)\s*(?:\(\s*(\w+)\s*(?:,\s*(\d+)\s*)?\))?\s*", text)
        if not m:
            raise SqlError(2715, f"Cannot find data type {text}.")
        name, first, second = m[1].lower(), m[2], m[3]
        name = {"integer": "int", "sysname": "nvarchar", "rowversion": "timestamp", "dec": "decimal", "double": "float"}.get(name, name)
        if m[1].lower() == "sysname":
            first = "128"
        if name not in KNOWN:
            raise SqlError(2715, f"Cannot find data type {text}.")
        if first is not None and first.lower() != "max":
            first = int(first)
        elif first is not None:
            first = "max"
        if name in ("decimal", "numeric"):
            first, second = first or 18, int(second or 0)
        elif name in ("time", "datetime2", "datetimeoffset"):
            first = 7 if first is None else first
        elif name in ("char", "varchar", "nchar", "nvarchar", "binary", "varbinary"):
            first = 1 if first is None else first
        elif name == "float":
            name, first = ("real", None) if first is not None and first <= 24 else ("float", None)
        return Type(name, first, second, "sysname" if m[1].lower() == "sysname" else None)

    def __str__(self):
        if self.name in ("decimal", "numeric"):
            return f"{self.name}({self.first},{self.second})"
        return self.name if self.first is None else f"{self.name}({self.first})"

    # ---- the catalogue's numbers -------------------------------------------------------------------------------------
    def max_length(self):
        if self.first == "max" or self.name in ("xml", "geometry", "geography"):
            return -1
        if self.name in ("nchar", "nvarchar"):
            return 2 * self.first
        if self.name in ("char", "varchar", "binary", "varbinary"):
            return self.first
        if self.name in ("decimal", "numeric"):
            return 1 + decimal_size(self.first)
        fixed = {"bit": 1, "float": 8, "real": 4, "money": 8, "smallmoney": 4, "datetime": 8, "smalldatetime": 4, "date": 3,
                 "uniqueidentifier": 16, "timestamp": 8, "text": 16, "ntext": 16, "image": 16, "sql_variant": 8016,
                 "hierarchyid": 892}
        if self.name in fixed:
            return fixed[self.name]
        if self.name in INTEGERS:
            return INTEGERS[self.name]
        return {"time": 0, "datetime2": 3, "datetimeoffset": 5}[self.name] + time_size(self.first)

    def precision(self):
        if self.name in ("decimal", "numeric"):
            return self.first
        return {"money": 19, "smallmoney": 10, "bigint": 19, "int": 10, "smallint": 5, "tinyint": 3, "float": 53, "real": 24}.get(self.name, 0)

    def scale(self):
        if self.name in ("decimal", "numeric"):
            return self.second
        if self.name in ("time", "datetime2", "datetimeoffset"):
            return self.first
        return {"money": 4, "smallmoney": 4, "datetime": 3}.get(self.name, 0)

    # ---- TYPE_INFO -----------------------------------------------------------------------------------------------------
    def info(self):
        n, first = self.name, self.first
        if n in INTEGERS:
            return bytes([0x26, INTEGERS[n]])
        simple = {"bit": b"\x68\x01", "float": b"\x6d\x08", "real": b"\x6d\x04", "money": b"\x6e\x08", "smallmoney": b"\x6e\x04",
                  "datetime": b"\x6f\x08", "smalldatetime": b"\x6f\x04", "uniqueidentifier": b"\x24\x10", "date": b"\x28",
                  "xml": b"\xf1\x00", "timestamp": b"\xad\x08\x00", "sql_variant": b"\x62" + struct.pack("<I", 8009),
                  "text": b"\x23" + struct.pack("<I", 0x7FFFFFFF) + LATIN1, "ntext": b"\x63" + struct.pack("<I", 0x7FFFFFFE) + LATIN1,
                  "image": b"\x22" + struct.pack("<I", 0x7FFFFFFF)}
        if n in simple:
            return simple[n]
        if n in ("decimal", "numeric"):
            return bytes([0x6A if n == "decimal" else 0x6C, 1 + decimal_size(first), first, self.second])
        if n in ("time", "datetime2", "datetimeoffset"):
            return bytes([{"time": 0x29, "datetime2": 0x2A, "datetimeoffset": 0x2B}[n], first])
        size = 0xFFFF if first == "max" else first * (2 if n in ("nchar", "nvarchar") else 1)
        token = {"nvarchar": 0xE7, "nchar": 0xEF, "varchar": 0xA7, "char": 0xAF, "varbinary": 0xA5, "binary": 0xAD}[n]
        return bytes([token]) + struct.pack("<H", size) + (b"" if n.endswith("binary") else LATIN1)

    def is_long(self):
        return self.name in ("text", "ntext", "image")

    # ---- values --------------------------------------------------------------------------------------------------------
    def encode(self, value):
        n = self.name
        if self.first == "max" or n == "xml":
            if value is None:
                return struct.pack("<Q", FOREVER)
            data = self.raw(value)
            out = struct.pack("<Q", len(data))
            for at in range(0, len(data), 8000):
                piece = data[at:at + 8000]
                out += struct.pack("<I", len(piece)) + piece
            return out + struct.pack("<I", 0)
        if self.is_long():
            if value is None:
                return b"\x00"
            data = self.raw(value)
            return b"\x10" + b"dummy textptr\0\0\0" + b"dummyTS\0" + struct.pack("<I", len(data)) + data
        if n == "sql_variant":
            if value is None:
                return struct.pack("<I", 0)
            data = str(value).encode("utf-16-le")
            return struct.pack("<I", len(data) + 9) + b"\xe7\x07" + LATIN1 + struct.pack("<H", 8000) + data
        if n in ("nvarchar", "nchar", "varchar", "char", "varbinary", "binary", "timestamp"):
            if value is None:
                return b"\xff\xff"
            data = self.raw(value)
            return struct.pack("<H", len(data)) + data
        if value is None:
            return b"\x00"
        data = self.raw(value)
        return bytes([len(data)]) + data

    def raw(self, value):
        n = self.name
        if n in INTEGERS:
            return struct.pack("<" + {1: "B", 2: "h", 4: "i", 8: "q"}[INTEGERS[n]], int(value))
        if n == "bit":
            return bytes([1 if value else 0])
        if n in ("float", "real"):
            return struct.pack("<d" if n == "float" else "<f", float(value))
        if n in ("decimal", "numeric"):
            unscaled = int(Decimal(value).scaleb(self.second, context=WIDE))
            return bytes([0 if unscaled < 0 else 1]) + abs(unscaled).to_bytes(decimal_size(self.first), "little")
        if n == "money":
            number = int(Decimal(value).scaleb(4, context=WIDE))
            return struct.pack("<iI", number >> 32, number & 0xFFFFFFFF)
        if n == "smallmoney":
            return struct.pack("<i", int(Decimal(value).scaleb(4)))
        if n in ("nvarchar", "nchar", "xml", "ntext"):
            return str(value).replace(HALF_PAIR, "\ud800").encode("utf-16-le", "surrogatepass")
        if n in ("varchar", "char", "text"):
            return str(value).encode("cp1252")
        if n in ("varbinary", "binary", "image", "timestamp"):
            return bytes(value)
        if n == "uniqueidentifier":
            return uuid.UUID(value).bytes_le
        return self.raw_time(value)

    def raw_time(self, value):
        n = self.name
        if n == "date":
            return days(value[:10], EPOCH).to_bytes(3, "little")
        if n == "time":
            return time_units(value, self.first)
        if n == "datetime2":
            return time_units(value[11:], self.first) + days(value[:10], EPOCH).to_bytes(3, "little")
        if n == "datetimeoffset":
            sign, hours, minutes = value[28], int(value[29:31]), int(value[32:34])
            offset = (hours * 60 + minutes) * (-1 if sign == "-" else 1)
            return time_units(value[11:27], self.first) + days(value[:10], EPOCH).to_bytes(3, "little") + struct.pack("<h", offset)
        since = ticks(value[11:])
        if n == "datetime":
            return struct.pack("<iI", days(value[:10], DAY0), round(since * 300 / 10_000_000))
        return struct.pack("<HH", days(value[:10], DAY0), since // 600_000_000)

    def convert(self, value, implicit=False):
        """A value of any kind as one of this type in the form it is kept; SqlError as the server would raise it."""
        n = self.name
        if value is None or n in CLR_TYPES:
            return value
        if n in INTEGERS:
            try:
                number = int(value)
            except (ValueError, TypeError):
                raise conversion_failed(n) from None
            low, high = {1: (0, 255)}.get(INTEGERS[n], (-(1 << (8 * INTEGERS[n] - 1)), (1 << (8 * INTEGERS[n] - 1)) - 1))
            if not low <= number <= high:
                raise SqlError(8115, f"Arithmetic overflow error converting expression to data type {n}.")
            return number
        if n == "bit":
            return 1 if value not in (0, "0", "false", "False") else 0
        if n == "float":
            return float(value)
        if n == "real":
            return struct.unpack("<f", struct.pack("<f", float(value)))[0]
        if n in ("decimal", "numeric", "money", "smallmoney"):
            return self.convert_decimal(value)
        if n in ("nvarchar", "nchar", "varchar", "char", "xml", "text", "ntext", "sql_variant"):
            return self.convert_text(value, implicit)
        if n in ("varbinary", "binary", "image", "timestamp"):
            if not isinstance(value, bytes):
                raise SqlError(257, f"Implicit conversion from data type nvarchar to {n} is not allowed.")
            if isinstance(self.first, int) and len(value) > self.first:
                if implicit:
                    raise SqlError(2628, "String or binary data would be truncated.")
                value = value[:self.first]
            return value.ljust(self.first, b"\0") if n == "binary" else value
        if n == "uniqueidentifier":
            try:
                return str(uuid.UUID(str(value))).upper()
            except ValueError:
                raise SqlError(8169, "Conversion failed when converting from a character string to uniqueidentifier.") from None
        return self.convert_time(str(value))

    def convert_decimal(self, value):
        scale = self.scale()
        try:
            number = Decimal(repr(value) if isinstance(value, float) else value)
            kept = number.quantize(Decimal(1).scaleb(-scale), ROUND_HALF_UP, context=WIDE)
        except ArithmeticError:
            raise SqlError(8114, f"Error converting data type nvarchar to {self.name}.") from None
        bits = {"money": 63, "smallmoney": 31}.get(self.name)
        unscaled, most = int(kept.scaleb(scale, context=WIDE)), (1 << bits) - 1 if bits else 10 ** self.precision() - 1
        if not -most - (1 if bits else 0) <= unscaled <= most:
            raise SqlError(8115, f"Arithmetic overflow error converting nvarchar to data type {self.name}.")
        return format(kept, "f")

    def convert_text(self, value, implicit):
        if isinstance(value, str) and (m := KEPT_INSTANT.fullmatch(value)):
            value = f"{local_text(m[1], m[2])} {m[2]}"
        if isinstance(value, bytes):
            value = value.decode("utf-16-le")
        elif isinstance(value, float):
            value = repr(value)
        value = str(value)
        if self.name in ("varchar", "char", "text"):
            value = value.encode("cp1252", "replace").decode("cp1252")
        if isinstance(self.first, int):
            wide = self.name.startswith("n")
            units = len(value.encode("utf-16-le", "surrogatepass")) // 2 if wide else len(value)
            if units > self.first:
                if implicit and value[self.first:].strip(" "):
                    raise SqlError(2628, "String or binary data would be truncated.")
                value = value.encode("utf-16-le")[:2 * self.first].decode("utf-16-le", "ignore")
            if self.name in ("char", "nchar"):
                units = len(value.encode("utf-16-le")) // 2 if self.name == "nchar" else len(value)
                value += " " * (self.first - units)
        return value

    def convert_time(self, text):
        m = re.fullmatch(r"(?:(\d{4})-(\d\d)-(\d\d))?[ T]?(?:(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,7}))?)?)?\s*(Z)?([+-]\d\d:\d\d)?", text)
        if not m or not text:
            raise SqlError(241, "Conversion failed when converting date and/or time from character string.")
        date = f"{m[1]}-{m[2]}-{m[3]}" if m[1] else "1900-01-01"
        clock = f"{m[4] or '00'}:{m[5] or '00'}:{m[6] or '00'}.{(m[7] or '').ljust(7, '0')}"
        units = ticks(clock)
        day = days(date, 0)
        if self.name == "datetimeoffset" and m[9] and not m[8]:  # as written: local time and offset
            units -= (int(m[9][1:3]) * 60 + int(m[9][4:6])) * (-1 if m[9][0] == "-" else 1) * 600_000_000
        digits = {"datetime2": self.first, "datetimeoffset": self.first, "time": self.first}.get(self.name, 7)
        step = 10 ** (7 - digits)
        units = (units + step // 2) // step * step
        if self.name == "datetime":
            milli = round(round(units * 300 / 10_000_000) * 1000 / 300)
            units = milli * 10_000
        if self.name == "smalldatetime":
            units = (units + 300_000_000) // 600_000_000 * 600_000_000
        day, units = day + units // (24 * 36_000_000_000), units % (24 * 36_000_000_000)
        clock = clock_text(units)
        if self.name == "date":
            return date
        if self.name == "time":
            return clock
        full = f"{datetime.date.fromordinal(day).isoformat()} {clock}"
        if self.name == "datetimeoffset":
            return f"{full}Z{m[9] or '+00:00'}"
        return full


WIDE = Context(prec=80)
KNOWN = set(INTEGERS) | TIMES | {"bit", "float", "real", "decimal", "numeric", "money", "smallmoney", "char", "varchar", "nchar", "nvarchar",
                                 "text", "ntext", "xml", "binary", "varbinary", "image", "timestamp", "uniqueidentifier", "sql_variant"} | set(CLR_TYPES)


KEPT_INSTANT = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{7})Z([+-]\d\d:\d\d)")


def local_text(utc, offset):
    minutes = (int(offset[1:3]) * 60 + int(offset[4:6])) * (-1 if offset[0] == "-" else 1)
    day, units = divmod(ticks(utc[11:]) + minutes * 600_000_000, 24 * 36_000_000_000)
    return f"{datetime.date.fromordinal(days(utc[:10], 0) + day).isoformat()} {clock_text(units)}"


def decimal_size(precision):
    return 4 if precision <= 9 else 8 if precision <= 19 else 12 if precision <= 28 else 16


def time_size(scale):
    return 3 if scale <= 2 else 4 if scale <= 4 else 5


def days(text, origin):
    return datetime.date.fromisoformat(text).toordinal() - origin


def ticks(clock):
    """'13:00:00.1234567' in units of 100 ns."""
    hours, minutes, seconds = clock[:16].split(":")
    whole, _, fraction = seconds.partition(".")
    return ((int(hours) * 60 + int(minutes)) * 60 + int(whole)) * 10_000_000 + int(fraction.ljust(7, "0")[:7])


def clock_text(units):
    seconds, fraction = divmod(units, 10_000_000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{fraction:07}"


def time_units(clock, scale):
    return (ticks(clock) // 10 ** (7 - scale)).to_bytes(time_size(scale), "little")


def read_value(reader):
    """TYPE_INFO and value of an RPC parameter: the value in the form it is kept."""
    return read_data(reader, *read_info(reader))


def read_info(reader):
    token = reader.u8()
    if token in (0x26, 0x68, 0x6D, 0x6E, 0x6F, 0x24):
        return token, reader.u8(), 0
    if token in (0x6A, 0x6C):
        size, _precision, scale = reader.u8(), reader.u8(), reader.u8()
        return token, size, scale
    if token == 0x28:
        return token, 3, 0
    if token in (0x29, 0x2A, 0x2B):
        return token, 0, reader.u8()
    if token in (0xA5, 0xAD):
        return token, reader.u16(), 0
    if token in (0xE7, 0xEF, 0xA7, 0xAF):
        size = reader.u16()
        reader.take(5)
        return token, size, 0
    if token in (0x63, 0x23):
        size = reader.u32()
        reader.take(5)
        return token, size, 0
    if token == 0x22:
        return token, reader.u32(), 0
    raise SqlError(8009, f"The incoming tabular data stream (TDS) protocol stream is incorrect. Unknown type 0x{token:02x}.")


def read_data(reader, token, size, extra):
    if token in (0xA5, 0xAD, 0xE7, 0xEF, 0xA7, 0xAF):
        if size == 0xFFFF:
            total = reader.number("Q")
            if total == FOREVER:
                return None
            data = b""
            while (piece := reader.u32()) != 0:
                data += reader.take(piece)
        else:
            length = reader.u16()
            if length == 0xFFFF:
                return None
            if length > size:
                raise SqlError(8009, "The incoming tabular data stream (TDS) protocol stream is incorrect.")
            data = reader.take(length)
        return text_of(token, data)
    if token in (0x63, 0x23, 0x22):
        length = reader.u32()
        return None if length == 0xFFFFFFFF else text_of(token, reader.take(length))
    length = reader.u8()
    return None if length == 0 else fixed_of(token, reader.take(length), extra)


def text_of(token, data):
    if token in (0xA5, 0xAD, 0x22):
        return bytes(data)
    return data.decode("utf-16-le" if token in (0xE7, 0xEF, 0x63) else "cp1252")


def fixed_of(token, data, extra):
    if token == 0x26:
        return int.from_bytes(data, "little", signed=len(data) > 1)
    if token == 0x68:
        return data[0]
    if token == 0x6D:
        number = struct.unpack("<d" if len(data) == 8 else "<f", data)[0]
        if number != number or abs(number) == float("inf") or 0 < abs(number) < 2.2250738585072014e-308:
            raise SqlError(8023, "The supplied value is not a valid instance of data type float.")
        return number
    if token == 0x24:
        return str(uuid.UUID(bytes_le=bytes(data))).upper()
    if token in (0x6A, 0x6C):
        number = int.from_bytes(data[1:], "little") * (1 if data[0] else -1)
        return format(Decimal(number).scaleb(-extra, context=WIDE), "f")
    if token == 0x28:
        return datetime.date.fromordinal(int.from_bytes(data, "little") + EPOCH).isoformat()
    if token in (0x29, 0x2A, 0x2B):
        width = time_size(extra)
        clock = clock_text(int.from_bytes(data[:width], "little") * 10 ** (7 - extra))
        if token == 0x29:
            return clock
        date = datetime.date.fromordinal(int.from_bytes(data[width:width + 3], "little") + EPOCH).isoformat()
        if token == 0x2A:
            return f"{date} {clock}"
        offset = struct.unpack("<h", data[width + 3:])[0]
        return f"{date} {clock}Z{'-' if offset < 0 else '+'}{abs(offset) // 60:02}:{abs(offset) % 60:02}"
    raise SqlError(8009, f"Parameters of type 0x{token:02x} are not taken.")

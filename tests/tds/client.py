"""A client of hand-made packets for the tests of the test server, and what these tests have in common."""
import json
import pathlib
import socket
import struct
import subprocess
import sys
import tempfile
import unittest

import wire
from sqltypes import read_data, read_info

HERE = pathlib.Path(__file__).parent
PRELOGIN = bytes([0, 0, 11, 0, 6, 1, 0, 17, 0, 1, 0xFF]) + bytes(6) + b"\x02"
HEADERS = struct.pack("<IIHQI", 22, 18, 2, 0, 1)  # ALL_HEADERS: a transaction descriptor


def text_parameter(value, name=""):
    data = value.encode("utf-16-le")
    return bytes([len(name)]) + name.encode("utf-16-le") + b"\0\xe7" + struct.pack("<H", 8000) + bytes(5) + struct.pack("<H", len(data)) + data


def table_of(reply):
    """Names of the columns and the rows of a reply's first result."""
    reader, names, infos, rows = wire.Reader(reply), [], [], []
    assert reader.u8() == 0x81, reply
    for _ in range(reader.u16()):
        reader.take(6)
        infos.append(read_info(reader))
        names.append(reader.b_varchar())
    while reader.u8() == 0xD1:
        rows.append([read_data(reader, *info) for info in infos])
    return names, rows


class Client:
    def __init__(self, port):
        self.sock = socket.create_connection(("127.0.0.1", port), 30)

    def close(self):
        self.sock.close()

    def send(self, kind, payload, size=4096):
        room = size - 8
        pieces = [payload[at:at + room] for at in range(0, len(payload), room)] or [b""]
        for number, piece in enumerate(pieces):
            last = number + 1 == len(pieces)
            self.sock.sendall(struct.pack(">BBHHBB", kind, 1 if last else 0, 8 + len(piece), 0, number + 1 & 255, 0) + piece)

    def read(self, size):
        data = b""
        while len(data) < size:
            piece = self.sock.recv(size - len(data))
            if not piece:
                raise EOFError
            data += piece
        return data

    def reply(self):
        payload = b""
        while True:
            kind, status, size, *_ = struct.unpack(">BBHHBB", self.read(8))
            assert kind == 4
            payload += self.read(size - 8)
            if status & 1:
                return payload

    def login(self, user="sa", password="secret", database="shop"):
        self.send(0x12, PRELOGIN)
        assert self.reply()[-2] == 2  # no encryption; MARS behind it
        hidden = bytes(((b << 4 | b >> 4) & 0xFF) ^ 0xA5 for b in password.encode("utf-16-le"))
        fields = [b"", user.encode("utf-16-le"), hidden, b"self-test".hex().encode("utf-16-le"), b"", b"", b"", b"", database.encode("utf-16-le")]
        head = struct.pack("<IIIIIIBBBBiI", 0, 0x74000004, 4096, 7, 1, 0, 0xE0, 3, 0, 0, 0, 0x409)
        offset, table, data = 94, b"", b""
        for field in fields:
            table += struct.pack("<HH", offset + len(data), len(field) // 2)
            data += field
        table += bytes(6) + struct.pack("<HHHHHHI", offset + len(data), 0, offset + len(data), 0, offset + len(data), 0, 0)
        payload = head + table + data
        self.send(0x10, struct.pack("<I", len(payload)) + payload[4:])
        return self.reply()

    def batch(self, text):
        self.send(1, HEADERS + text.encode("utf-16-le"))
        return self.reply()

    def call(self, procedure, **parameters):
        name = procedure.encode("utf-16-le")
        self.send(3, HEADERS + struct.pack("<H", len(procedure)) + name + b"\0\0"
                  + b"".join(text_parameter(value, "@" + key) for key, value in parameters.items()))
        return self.reply()

    def transaction(self, request, payload):
        """A transaction manager request."""
        self.send(14, HEADERS + struct.pack("<H", request) + payload)
        return self.reply()


class ServerTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.process = subprocess.Popen([sys.executable, "-B", HERE / "server.py", cls.folder.name], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        cls.port, cls.control_port = map(int, cls.process.stdout.readline().split())

    @classmethod
    def tearDownClass(cls):
        cls.process.stdin.close()
        cls.process.wait(30)
        cls.process.stdout.close()
        cls.folder.cleanup()

    def setUp(self):
        self.control(do="create", database="shop")
        self.control(do="run", database="shop", sql="CREATE TABLE t (a int NOT NULL PRIMARY KEY, b nvarchar(9)); INSERT INTO t VALUES (7, 'x'), (8, NULL)")

    def control(self, **request):
        with socket.create_connection(("127.0.0.1", self.control_port), 30) as sock, sock.makefile("rw") as stream:
            stream.write(json.dumps(request) + "\n")
            stream.flush()
            answer = json.loads(stream.readline())
        self.assertNotIn("error", answer)
        return answer["ok"]

    def client(self, **login):
        client = Client(self.port)
        self.addCleanup(client.close)
        return client, client.login(**login)

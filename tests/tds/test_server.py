#!/usr/bin/env python3
"""The TDS test server against hand-made packets: what MS-TDS says of each message, without any client library."""
import json
import pathlib
import socket
import struct
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).parent
PRELOGIN = bytes([0, 0, 11, 0, 6, 1, 0, 17, 0, 1, 0xFF]) + bytes(6) + b"\x02"
HEADERS = struct.pack("<IIHQI", 22, 18, 2, 0, 1)  # ALL_HEADERS: a transaction descriptor


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


class Server(unittest.TestCase):
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

    def test_a_login_is_acknowledged_with_tds_74(self):
        _, reply = self.client()
        at = reply.index(b"\xad", reply.index("us_english".encode("utf-16-le")))
        self.assertEqual(reply[at + 3:at + 8], b"\x01\x74\x00\x00\x04")
        self.assertEqual(reply[-13:], b"\xfd" + bytes(12))

    def test_a_wrong_password_is_error_18456_and_the_end(self):
        client, reply = self.client(password="wrong")
        self.assertEqual(reply[0], 0xAA)
        self.assertEqual(struct.unpack("<i", reply[3:7])[0], 18456)
        with self.assertRaises(EOFError):
            client.reply()

    def test_rows_come_as_colmetadata_rows_and_a_counted_done(self):
        client, _ = self.client()
        reply = client.batch("SELECT [a], [b] FROM [dbo].[t]")
        self.assertEqual(reply[:3], b"\x81\x02\x00")
        self.assertIn(b"\xd1\x04\x07\0\0\0\x02\0x\0", reply)     # INTN of 4 bytes, NVARCHAR of 2
        self.assertIn(b"\xd1\x04\x08\0\0\0\xff\xff", reply)      # CHARBIN_NULL
        self.assertEqual(reply[-13:], struct.pack("<BHHQ", 0xFD, 0x10, 0xC1, 2))

    def test_a_transaction_is_announced_by_envchange(self):
        client, _ = self.client()
        self.assertEqual(client.batch("BEGIN TRANSACTION")[:4], b"\xe3\x0b\x00\x08")
        self.assertEqual(client.batch("IF @@TRANCOUNT > 0 ROLLBACK TRANSACTION")[3], 10)

    def test_an_error_under_xact_abort_rolls_back(self):
        client, _ = self.client()
        client.batch("SET XACT_ABORT ON")
        client.batch("BEGIN TRANSACTION")
        reply = client.batch("SELECT [nothing] FROM [dbo].[t]")
        self.assertEqual(struct.unpack("<i", reply[3:7])[0], 207)
        self.assertIn(b"\xe3\x0b\x00\x0a", reply)

    def test_an_unknown_statement_is_error_40000_and_remembered(self):
        client, _ = self.client()
        reply = client.batch("DROP DATABASE shop")
        self.assertEqual(struct.unpack("<i", reply[3:7])[0], 40000)
        self.assertEqual(self.control(do="seen")["unknown"], ["DROP DATABASE shop"])

    def test_an_attention_ends_a_statement_and_is_acknowledged(self):
        self.control(do="run", database="shop", sql="CREATE VIEW endless AS WITH RECURSIVE n(v) AS (SELECT 1 UNION ALL SELECT v + 1 FROM n) SELECT count(*) AS v FROM n")
        client, _ = self.client()
        client.send(1, HEADERS + "SELECT [v] FROM [dbo].[endless]".encode("utf-16-le"))
        client.send(6, b"")
        replies = client.reply(), client.reply()
        self.assertEqual(struct.unpack("<BH", replies[1][:3]), (0xFD, 0x20))
        self.assertEqual(client.batch("SELECT [a] FROM [dbo].[t]")[0], 0x81)

    def test_sp_executesql_by_its_number_takes_typed_parameters(self):
        client, _ = self.client()
        def text(value, name=""):
            data = value.encode("utf-16-le")
            return bytes([len(name)]) + name.encode("utf-16-le") + b"\0\xe7" + struct.pack("<H", 8000) + bytes(5) + struct.pack("<H", len(data)) + data
        number = b"\x03" + "@p1".encode("utf-16-le") + b"\0\x26\x08\x08" + struct.pack("<q", -5)
        client.send(3, HEADERS + struct.pack("<HHH", 0xFFFF, 10, 0) + text("SELECT CAST(@p1 AS bigint) AS a") + text("@p1 bigint") + number)
        reply = client.reply()
        self.assertIn(b"\xd1\x08" + struct.pack("<q", -5) + b"\xff", reply)  # then DONEINPROC
        self.assertIn(b"\x79\0\0\0\0\xfe", reply)                          # RETURNSTATUS, DONEPROC


if __name__ == "__main__":
    unittest.main()

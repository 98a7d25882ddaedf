#!/usr/bin/env python3
"""The TDS test server against hand-made packets: what MS-TDS says of each message, without any client library."""
import struct
import tempfile
import unittest

from client import HEADERS, Client, ServerTest, table_of, text_parameter
from server import Server as InProcess
from server import listen
from session import Session


ENDLESS = "CREATE VIEW endless AS WITH RECURSIVE n(v) AS (SELECT 1 UNION ALL SELECT v + 1 FROM n) SELECT count(*) AS v FROM n"


class Server(ServerTest):
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

    def test_a_transaction_manager_request_begins_and_ends_like_a_statement(self):
        client, _ = self.client()
        begin, rollback, and_begin = (5, b"\0\0"), 8, b"\0\x01\0\0"
        self.assertEqual(client.transaction(*begin)[:4], b"\xe3\x0b\x00\x08")
        both = client.transaction(rollback, and_begin)  # the next transaction follows at once
        self.assertEqual((both[3], both[17]), (10, 8))
        self.assertEqual(client.transaction(rollback, b"\0\0")[3], 10)
        self.assertEqual(struct.unpack("<i", client.transaction(rollback, b"\0\0")[3:7])[0], 3903)
        self.assertEqual(struct.unpack("<i", client.transaction(0, b"")[3:7])[0], 40000)

    def test_names_in_double_quotes_are_names(self):
        client, _ = self.client()
        self.assertIn(b"\xd1\x04\x07\0\0\0", client.batch('SELECT "a" FROM "dbo"."t"'))
        reply = client.batch('SELECT "nothing" FROM "dbo"."t"')
        self.assertEqual(struct.unpack("<i", reply[3:7])[0], 207)

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

    def test_what_a_self_test_fires_is_done_until_the_rollback_or_is_error_15281(self):
        client, _ = self.client()
        client.batch("BEGIN TRANSACTION")
        both = client.batch("SELECT 1 AS n CREATE TABLE dbo.made (n int)")
        self.assertTrue(both.endswith(struct.pack("<BHHQ", 0xFD, 0x11, 0xC1, 1) + struct.pack("<BHHQ", 0xFD, 0, 0, 0)))
        client.batch("SELECT 2 AS n INTO dbo.copied")
        self.assertEqual(table_of(client.batch("SELECT n FROM [dbo].[copied]"))[1], [[2]])
        self.assertEqual(client.batch("WAITFOR DELAY '00:00:00'")[0], 0xFD)
        self.assertEqual(table_of(client.batch("sp_who"))[1][0][3], "sa")
        for text in ("EXEC xp_cmdshell 'exit 0'", "SELECT * FROM OPENROWSET('a', 'b', 'c') AS x"):
            self.assertEqual(struct.unpack("<i", client.batch(text)[3:7])[0], 15281)
        client.batch("IF @@TRANCOUNT > 0 ROLLBACK TRANSACTION")
        for name in ("made", "copied"):
            self.assertEqual(struct.unpack("<i", client.batch(f"SELECT [n] FROM [dbo].[{name}]")[3:7])[0], 208)

    def test_who_may_not_create_is_told_so(self):
        self.control(do="user", name="reader", password="word")
        client, _ = self.client(user="reader", password="word")
        for text in ("CREATE TABLE dbo.made (n int)", "SELECT 1 AS n INTO dbo.made", "SELECT 1 AS n CREATE TABLE dbo.made (n int)"):
            reply = client.batch(text)
            self.assertIn(struct.pack("<i", 262), reply)
        self.assertEqual(struct.unpack("<i", client.batch("EXEC xp_cmdshell 'exit 0'")[3:7])[0], 229)

    def test_an_attention_ends_a_statement_and_is_acknowledged(self):
        self.control(do="run", database="shop", sql=ENDLESS)
        client, _ = self.client()
        client.send(1, HEADERS + "SELECT [v] FROM [dbo].[endless]".encode("utf-16-le"))
        client.send(6, b"")
        replies = client.reply(), client.reply()
        self.assertEqual(struct.unpack("<BH", replies[1][:3]), (0xFD, 0x20))
        self.assertEqual(client.batch("SELECT [a] FROM [dbo].[t]")[0], 0x81)

    def test_sp_executesql_by_its_number_takes_typed_parameters(self):
        client, _ = self.client()
        number = b"\x03" + "@p1".encode("utf-16-le") + b"\0\x26\x08\x08" + struct.pack("<q", -5)
        client.send(3, HEADERS + struct.pack("<HHH", 0xFFFF, 10, 0) + text_parameter("SELECT CAST(@p1 AS bigint) AS a")
                    + text_parameter("@p1 bigint") + number)
        reply = client.reply()
        self.assertIn(b"\xd1\x08" + struct.pack("<q", -5) + b"\xff", reply)  # then DONEINPROC
        self.assertIn(b"\x79\0\0\0\0\xfe", reply)                          # RETURNSTATUS, DONEPROC


class Attention(unittest.TestCase):
    def test_one_that_comes_just_before_the_statement_begins_is_not_forgotten(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        server, sessions = InProcess(folder.name), []
        server.create("shop")
        server.do_run("shop", ENDLESS)

        class Log(list):
            def append(self, one):  # the statement is received, and not yet run
                super().append(one)
                client.send(6, b"")
                sessions[0].stopped.wait(30)

        def run(sock):
            sessions.append(Session(server, sock))
            sessions[0].run()

        client = Client(listen(run))
        self.addCleanup(client.close)
        client.login()
        server.log = Log()
        client.send(1, HEADERS + "SELECT [v] FROM [dbo].[endless]".encode("utf-16-le"))
        replies = client.reply(), client.reply()
        self.assertEqual(struct.unpack("<BH", replies[1][:3]), (0xFD, 0x20))


if __name__ == "__main__":
    unittest.main()

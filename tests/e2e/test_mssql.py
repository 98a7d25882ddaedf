"""SQL Server as its owner sees it, from `db add` to a workflow there and back. The server is the TDS server of tests/tds."""

import json
import pathlib
import socket
import subprocess
import sys
import tempfile
import unittest

from harness import StatementsTest, make_items, rows_of, vmc, workflow

SERVER = pathlib.Path(__file__).resolve().parent.parent / "tds/server.py"


class SqlServer:
    user, password = "sa", "secret"

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="vmc-e2e-tds-")
        self.process = subprocess.Popen([sys.executable, "-B", SERVER, self.folder.name], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.port, self.control_port = map(int, self.process.stdout.readline().split())

    def control(self, **request):
        with socket.create_connection(("127.0.0.1", self.control_port), 30) as sock, sock.makefile("rw") as stream:
            stream.write(json.dumps(request) + "\n")
            stream.flush()
            answer = json.loads(stream.readline())
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer["ok"]

    def close(self):
        self.process.stdin.close()
        self.process.wait(30)
        self.process.stdout.close()
        self.folder.cleanup()


class Mssql(StatementsTest):
    def setUp(self):
        super().setUp()
        self.server = SqlServer()
        self.addCleanup(self.server.close)
        self.server.control(do="create", database="shop", snapshot=True)
        self.server.control(do="run", database="shop", sql="CREATE TABLE items (id bigint NOT NULL PRIMARY KEY, name nvarchar(200),"
                            " price decimal(12,2), sold date, changed_at datetime2(6) NOT NULL)")
        self.cloud = self.world().start(worker=True)
        self.agent = self.cloud.agent("HQ", start=False)

    def add(self, connection, writable=(), stdin="secret\n", user="sa"):
        words = ["db", "add", connection, "--type", "mssql", "--host", "127.0.0.1", "--port", self.server.port, "--database", "shop",
                 "--user", user, "--sslmode", "disable", "--password-stdin"]
        for table in writable:
            words += ["--writable-table", table]
        self.agent.ok(*words, stdin=stdin)
        self.agent.tune(connection)

    def test_a_connection_is_tested_and_its_tables_are_shown(self):
        self.add("erp")
        self.add("wrong", stdin="another\n")
        found = self.agent.ok("db", "test", "erp").out
        self.assertIn("sysadmin", found)
        done = self.agent.cli("db", "test", "wrong")
        self.assertNotEqual(done.code, 0)
        self.assertIn("password", done.err)
        self.assertNotIn("another", done.err + done.out)
        self.assertIn("changed_at", self.agent.ok("schema", "show", "erp").out)

    def test_statements_pass_the_guard_or_do_not_run(self):
        self.server.control(do="run", database="shop", sql="INSERT INTO items VALUES (1, 'Zoë', 12.5, NULL, '2024-01-01 10:00:00.25')")
        self.add("erp")
        self.agent.publish("erp").start()
        self.agent.connected().wait_published("erp")
        self.assertEqual(self.rows("SELECT id, name FROM items WHERE id = @p1", "1"), [[1, "Zoë"]])
        self.refused("WRITE_KEYWORD_DETECTED", "SELECT 1 AS n DELETE FROM items", "sp_who")
        self.refused("WRITE_OPERATION_REJECTED", "SELECT * INTO copy FROM items", "SELECT * FROM OPENQUERY(x, 'SELECT 1')")
        self.refused("SCHEMA_ACCESS_DENIED", "SELECT id FROM nothing")
        mixed = "WITH Cheap AS (SELECT id FROM items) SELECT id FROM cheap"
        self.assertEqual(self.rows(mixed), [[1]])
        self.assertTrue(json.loads(self.agent.ok("schema", "export", "erp").out)["ignoresCase"])
        self.server.control(do="collate", database="shop", collation="Latin1_General_CS_AS")
        self.server.control(do="hang_up")
        self.refused("SCHEMA_ACCESS_DENIED", "SELECT id FROM items")
        self.assertEqual(self.agent.cli("schema", "diff", "erp").json["changes"], [{"change": "changed", "what": "capitals count"}])
        self.agent.publish("erp")
        self.refused("WRITE_OPERATION_REJECTED", mixed)
        self.assertEqual(self.server.control(do="seen")["unknown"], [])

    def test_the_self_test_shows_which_layers_hold(self):
        self.add("erp")
        tested, keywords, alone = self.self_tested()
        self.assertEqual(keywords, {"a new table", "a second statement without a semicolon", "a procedure without EXEC",
                                    "a command of the system", "waiting"})
        # There is no read-only session: what the user may do is done, and rolled back.
        self.assertEqual(alone, {"a new table", "SELECT INTO", "a second statement without a semicolon", "a procedure without EXEC", "waiting"})
        self.assertEqual(tested["grants"], "weak")
        left = "SELECT count(*) FROM sqlite_master WHERE name = 'vmc_self_test'"
        self.assertEqual(self.server.control(do="run", database="shop", sql=left), "0")
        text = vmc("--config", self.agent.config, "--state", self.agent.home, "agent", "guard", "self-test", "erp")
        self.assertIn("SQL Server has no read-only session: without the guard only the user's rights decide.", text.err)
        self.assertIn("sysadmin", text.err)
        self.server.control(do="user", name="reader", password="secret")
        self.add("small", user="reader")
        tested, _, alone = self.self_tested("small")
        self.assertEqual((alone, tested["grants"]), ({"a procedure without EXEC", "waiting"}, "strong"), tested)
        self.assertEqual(self.server.control(do="seen")["unknown"], [])

    def test_rows_go_there_and_back(self):
        a, b = make_items(self.folder / "a.db", 400), make_items(self.folder / "b.db", 0)
        self.agent.add_sqlite("a", a).add_sqlite("b", b, writable=["items"])
        self.add("erp", writable=["items"])
        self.agent.publish("a", "b", "erp").start()
        self.agent.connected().wait_published("a", "b", "erp")
        for name, source, target in (("There", "a", "erp"), ("Back", "erp", "b")):
            code, summary = self.cloud.run(workflow(name, ("HQ", source, "items"), ("HQ", target, "items"), rows_per_part=90))
            self.assertEqual((code, summary["status"], summary["rowsWritten"]), (0, "succeeded", 400), summary)
        moments = lambda rows: [tuple(c.removesuffix(".000000") if isinstance(c, str) else c for c in row) for row in rows]
        self.assertEqual(moments(rows_of(a, "items")), moments(rows_of(b, "items")))
        self.assertEqual(self.server.control(do="seen")["unknown"], [])

    def test_a_table_is_replaced(self):
        a, b = make_items(self.folder / "a.db", 400), make_items(self.folder / "b.db", 0)
        self.server.control(do="run", database="shop", sql="INSERT INTO items VALUES (1, 'old', NULL, NULL, '2020-01-01')")
        self.agent.add_sqlite("a", a).add_sqlite("b", b, writable=["items"])
        self.add("erp", writable=["items"])
        self.agent.publish("a", "b", "erp").start()
        self.agent.connected().wait_published("a", "b", "erp")
        for name, source, target, mode in (("There", "a", "erp", "replace"), ("Back", "erp", "b", "upsert")):
            code, summary = self.cloud.run(workflow(name, ("HQ", source, "items"), ("HQ", target, "items"), load_mode=mode))
            self.assertSucceeded(code, summary, rowsWritten=400)
        self.assertEqual([row[0] for row in rows_of(a, "items")], [row[0] for row in rows_of(b, "items")])
        self.assertEqual(self.server.control(do="seen")["unknown"], [])


if __name__ == "__main__":
    unittest.main()

"""SQL Server behind FreeTDS's ODBC driver, as its owner sees it. The server is the TDS server of tests/tds."""

import glob
import socket
import unittest

from harness import ITEM_COLUMNS, E2ETest, make_items, rows_of, workflow
from test_mssql import SqlServer

DRIVER = next(iter(glob.glob("/usr/lib/*/odbc/libtdsodbc.so")))
ITEMS = ("CREATE TABLE items (id bigint NOT NULL PRIMARY KEY, name nvarchar(200), price decimal(12,2), sold date,"
         " changed_at datetime2(6) NOT NULL)")
ODD = "se;c}r{et= x+%41'\"ü"

# Declared type; what discovery makes of it; a value as the test server's SQLite holds it, and as it arrives.
TYPES = (
    ("bigint", "int64", "-9223372036854775808", "-9223372036854775808"),
    ("tinyint", "int64", "255", 255),
    ("bit", "boolean", "1", True),
    ("decimal(38,10)", "decimal(38,10)", "'-1234567890123456789012345678.0123456789'", "-1234567890123456789012345678.0123456789"),
    ("money", "decimal(19,4)", "'-922337203685477.5808'", "-922337203685477.5808"),
    ("float", "float64", "0.1", 0.1),
    ("real", "float64", "0.5", 0.5),
    ("char(4)", "text", "'é   '", "é   "),
    ("varchar(20)", "text", "'é'", "é"),
    ("nvarchar(20)", "text", "'日本 😀'", "日本 😀"),
    ("varchar(max)", "text", "'" + 9000 * "x" + "'", 9000 * "x"),
    ("nvarchar(max)", "text", "'" + 9000 * "ł" + "'", 9000 * "ł"),
    ("text", "text", "'old'", "old"),
    ("xml", "text", "'<a/>'", "<a/>"),
    ("varbinary(20)", "bytes", "x'00ff'", "\\x00ff"),
    ("varbinary(max)", "bytes", "x'" + 5000 * "00ff" + "'", "\\x" + 5000 * "00ff"),
    ("date", "date", "'0001-02-03'", "0001-02-03"),
    ("time(6)", "time", "'13:00:00.1234560'", "13:00:00.123456"),
    ("time(7)", "text", "'13:00:00.1234567'", "13:00:00.1234567"),
    ("datetime2(6)", "timestamp", "'0001-01-01 13:00:00.1234560'", "0001-01-01 13:00:00.123456"),
    ("datetime2(7)", "text", "'0999-12-31 13:00:00.1234567'", "0999-12-31 13:00:00.1234567"),
    ("datetime", "timestamp", "'2024-02-29 13:00:00.1230000'", "2024-02-29 13:00:00.123"),
    ("smalldatetime", "timestamp", "'2024-02-29 13:00:00.0000000'", "2024-02-29 13:00:00"),
    ("datetimeoffset(6)", "timestamptz", "'2024-02-29 13:00:00.1234560Z+02:00'", "2024-02-29 13:00:00.123456+00"),
    ("datetimeoffset(7)", "text", "'2024-02-29 13:00:00.1234567Z+02:00'", "2024-02-29 15:00:00.1234567 +02:00"),
    ("uniqueidentifier", "uuid", "'6F9619FF-8B86-D011-B42D-00C04FC964FF'", "6f9619ff-8b86-d011-b42d-00c04fc964ff"),
)


class OdbcMssql(E2ETest):
    def setUp(self):
        super().setUp()
        self.server = SqlServer()
        self.addCleanup(self.server.close)
        self.server.control(do="create", database="shop", snapshot=True)
        self.cloud = self.world().start()
        self.agent = self.cloud.agent("HQ", start=False)

    def run_sql(self, *statements):
        for statement in statements:
            self.server.control(do="run", database="shop", sql=statement)

    def add(self, connection="erp", *, password="secret", user="sa", host="127.0.0.1", port=None, database="shop", writable=None):
        self.agent.ok("db", "add", connection, "--type", "odbc", "--driver", DRIVER, "--host", host, "--port", port or self.server.port,
                      "--database", database, "--user", user, "--password-stdin", *(["--writable-table", writable] if writable else []),
                      stdin=password + "\n")
        self.agent.tune(connection)

    def serve(self, *others):
        self.agent.publish("erp", *others).start()
        self.agent.connected().wait_published("erp", *others)

    def query(self, table, columns, *words):
        return self.cloud.cli("connector", "query", "HQ", "erp", "--table", table, "--columns", columns, *words)

    def test_rows_are_asked_for_and_moved_and_no_sql_is_taken(self):
        source, target = make_items(self.folder / "source.db", 400), make_items(self.folder / "target.db", 0)
        self.run_sql(ITEMS)
        self.agent.add_sqlite("source", source).add_sqlite("target", target, writable=["items"])
        self.add(writable="items")
        self.serve("source", "target")
        for name, read, write in (("There", "source", "erp"), ("Back", "erp", "target")):
            summary = self.cloud.run(workflow(name, ("HQ", read, "items"), ("HQ", write, "items"), rows_per_part=90))
            self.assertSucceeded(*summary, rowsRead=400, rowsWritten=400)
        moments = lambda rows: [tuple(c.removesuffix(".000000") if isinstance(c, str) else c for c in row) for row in rows]
        self.assertEqual(moments(rows_of(source, "items")), moments(rows_of(target, "items")))
        limited = self.query("items", ITEM_COLUMNS.replace(" ", ""), "--limit", "3")
        self.assertEqual(len(limited.json["rows"]), 3)
        by_hand = self.cloud.cli("connector", "query", "HQ", "erp", "--sql", "-", stdin="DELETE FROM items")
        self.assertEqual(by_hand.error["code"], "WRITE_OPERATION_REJECTED")
        self.assertEqual(self.server.control(do="seen")["unknown"], [])

    def test_every_type_arrives_exactly_or_its_column_is_left_out(self):
        columns = ", ".join(f"c{number} {kind}" for number, (kind, *_) in enumerate(TYPES))
        self.run_sql(f"CREATE TABLE types (k int NOT NULL PRIMARY KEY, {columns}, v sql_variant)",
                     f"INSERT INTO types VALUES (1, {', '.join(value for _, _, value, _ in TYPES)}, 'any')",
                     "INSERT INTO types (k) VALUES (2)")
        self.add()
        self.serve()
        shown = {c["name"]: c["type"] for t in self.agent.ok("schema", "show", "erp").json["tables"] for c in t["columns"]}
        self.assertNotIn("v", shown)  # a variant has as many types as rows
        for number, (kind, ours, _, expected) in enumerate(TYPES):
            with self.subTest(kind):
                self.assertEqual(shown[f"c{number}"], ours)
                done = self.query("types", f"k,c{number}")
                self.assertEqual(done.code, 0, done)
                self.assertEqual(sorted(done.json["rows"]), [[1, expected], [2, None]])
        self.assertEqual(self.server.control(do="seen")["unknown"], [])

    def test_keys_and_views_are_discovered_and_the_servers_own_tables_are_not(self):
        self.run_sql("CREATE TABLE parent (a int NOT NULL, b int NOT NULL, c int UNIQUE, PRIMARY KEY (b, a))",
                     "CREATE TABLE child (k int NOT NULL PRIMARY KEY, pa int, pb int, FOREIGN KEY (pb, pa) REFERENCES parent (b, a))",
                     "CREATE VIEW shown AS SELECT k FROM child")
        self.add()
        tables = {t["name"]: t for t in self.agent.ok("schema", "show", "erp").json["tables"]}
        self.assertEqual(sorted(tables), ["child", "parent", "shown"])
        self.assertEqual((tables["parent"]["primaryKey"], tables["parent"]["uniqueKeys"]), (["b", "a"], [["c"]]))
        self.assertEqual(tables["child"]["foreignKeys"], [{"columns": ["pb", "pa"], "table": "parent", "referenced": ["b", "a"]}])
        self.assertTrue(tables["shown"]["view"])

    def test_what_is_wrong_is_told_apart(self):
        self.server.control(do="user", name="odd", password=ODD)
        self.add("odd", user="odd", password=ODD)
        self.agent.ok("db", "test", "odd")
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            for name, code, says, settings in (
                    ("password", "AUTH_FAILED", "password", {"password": "not-the-word"}),
                    ("database", "NOT_FOUND", "'nothing'", {"database": "nothing"}),
                    ("host", "UNAVAILABLE", "does not resolve", {"host": "no-such-host.invalid"}),
                    ("port", "UNAVAILABLE", "nothing listens", {"port": closed.getsockname()[1]}),
                    # The driver's connection strings have no way to write this password.
                    ("braces", "INVALID_REQUEST", "'};'", {"password": "a};b"})):
                with self.subTest(name):
                    self.add(name, **settings)
                    refused = self.agent.cli("db", "test", name)
                    self.assertEqual(refused.error["code"], code, refused)
                    self.assertIn(says, refused.error["message"])
                    self.assertNotIn("not-the-word", refused.err)

    def test_rights_are_the_servers_own_word_roles_included(self):
        self.run_sql(ITEMS)
        for name, rights in (("reader", {}), ("writer", {"writes": ["[dbo].[items]"]}), ("member", {"database_roles": ["db_datawriter"]})):
            self.server.control(do="user", name=name, password="secret", **rights)
            self.add(name, user=name)
            findings = " ".join(self.agent.ok("db", "test", name).json["findings"])
            self.assertEqual("dbo.items" in findings, name != "reader", findings)
            self.assertIn("only a hint", findings)

    def test_a_time_limit_stops_the_statement_on_the_server(self):
        self.run_sql("CREATE VIEW endless AS WITH RECURSIVE n(v) AS (SELECT 1 UNION ALL SELECT v + 1 FROM n)"
                     " SELECT CAST(count(*) AS TEXT) AS v FROM n")
        self.add()
        self.serve()
        done = self.query("endless", "v", "--timeout-ms", "500")
        self.assertEqual(done.error["code"], "QUERY_TIMEOUT", done)
        self.assertEqual(self.server.control(do="seen")["attentions"], 1)

    def test_a_lost_connection_is_told_and_the_next_one_works(self):
        self.run_sql(ITEMS)
        self.add()
        self.serve()
        self.assertEqual(self.query("items", "id").json["rows"], [])
        self.server.control(do="hang_up")
        lost = self.query("items", "id")
        self.assertEqual((lost.error["code"], "lost" in lost.error["message"]), ("UNAVAILABLE", True), lost)
        self.assertEqual(self.query("items", "id").json["rows"], [])


if __name__ == "__main__":
    unittest.main()

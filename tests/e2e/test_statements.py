"""SQL statements sent to an agent: what its guard passes runs and answers, everything else is refused before the
database hears of it."""

import json
import unittest

from harness import StatementsTest, Postgres, rows_of, sqlite, vmc, wait_until

PG = None

SHOP = """
CREATE TABLE customers (id bigint PRIMARY KEY, name text NOT NULL, email text, country text, credit numeric(12,2));
CREATE TABLE orders (id bigint PRIMARY KEY, customer_id bigint NOT NULL REFERENCES customers, at timestamptz NOT NULL,
                     total numeric(12,2), "update" text, extra jsonb);
CREATE TABLE salaries (person text PRIMARY KEY, amount numeric(12,2));
INSERT INTO customers SELECT n, 'Zoë ' || n, 'c' || n || '@example.com', CASE WHEN n % 2 = 0 THEN 'DE' ELSE 'FR' END,
                             CASE WHEN n % 5 = 0 THEN NULL ELSE n * 1.25 END FROM generate_series(1, 20) n;
INSERT INTO orders SELECT n, n % 20 + 1, timestamptz '2024-01-01 00:00:00+00' + n * interval '1 hour', n / 4.0, 'u' || n,
                          jsonb_build_object('n', n) FROM generate_series(1, 100) n;
INSERT INTO salaries VALUES ('Ada', 90000);
CREATE VIEW mailing AS SELECT id, lower(email) AS harmless FROM customers;
CREATE VIEW addresses AS SELECT * FROM mailing;
CREATE VIEW by_country AS SELECT country, count(*) AS n FROM customers GROUP BY country;
CREATE FUNCTION pay_of(text) RETURNS numeric LANGUAGE sql STABLE AS 'SELECT amount FROM salaries WHERE person = $1';
CREATE VIEW pay AS SELECT pay_of('Ada') AS amount;
CREATE FUNCTION log(text) RETURNS text LANGUAGE sql AS 'SELECT $1';
CREATE FUNCTION vat_of(numeric) RETURNS numeric LANGUAGE sql IMMUTABLE AS 'SELECT $1 * 0.19';
"""


def setUpModule():
    global PG
    PG = Postgres()
    unittest.addModuleCleanup(PG.close)


class Statements(StatementsTest):
    """One agent with a shop in PostgreSQL, parts of it private."""

    def shop(self, **options):
        PG.database("shop", SHOP)
        self.cloud = self.world().start(worker=False)
        self.agent = self.cloud.agent("HQ", start=False).add_postgres(
            "erp", PG, "shop", private=["customers.email", "salaries"], **options)
        self.agent.publish("erp").start()
        self.agent.connected()
        self.agent.wait_published("erp")


class Postgres_(Statements):
    def test_what_people_write_is_answered_exactly(self):
        self.shop()
        done = self.ask('SELECT id, name, credit, "country" FROM customers WHERE id <= 2 ORDER BY id; -- both')
        self.assertEqual(done.code, 0, done)
        self.assertEqual([(c["name"], c["type"]) for c in done.json["columns"]],
                         [("id", "int64"), ("name", "text"), ("credit", "decimal(12,2)"), ("country", "text")])
        self.assertEqual(done.json["rows"], [[1, "Zoë 1", "1.25", "FR"], [2, "Zoë 2", "2.50", "DE"]])
        self.assertEqual(done.json["rowCount"], 2)
        self.assertEqual(self.rows("""
            WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3)
            SELECT i, i::bigint * 9007199254740993, row_number() OVER (ORDER BY i DESC), NULL::text,
                   timestamptz '2024-02-29 10:00:00.25+02', date '2024-02-29', 0.10::numeric, true, 'x' AS i FROM n ORDER BY 1"""),
            [[1, "9007199254740993", 3, None, "2024-02-29 08:00:00.25+00", "2024-02-29", "0.1", True, "x"],
             [2, "18014398509481986", 2, None, "2024-02-29 08:00:00.25+00", "2024-02-29", "0.1", True, "x"],
             [3, "27021597764222979", 1, None, "2024-02-29 08:00:00.25+00", "2024-02-29", "0.1", True, "x"]])
        self.assertEqual(self.rows("""
            SELECT c.country, count(*) AS orders, sum(o.total) FROM customers c
            JOIN LATERAL (SELECT total FROM orders WHERE customer_id = c.id AND "update" <> 'DROP TABLE orders') o ON true
            GROUP BY GROUPING SETS ((c.country), ()) ORDER BY 1 NULLS LAST"""),
            [["DE", 50, "625"], ["FR", 50, "637.5"], [None, 100, "1262.5"]])
        self.assertEqual(self.rows("SELECT extra->>'n', extra FROM orders WHERE extra @> '{\"n\": 7}'"), [["7", '{"n": 7}']])
        self.assertEqual(self.rows("SELECT * FROM orders WHERE id = 1"),
                         [[1, 2, "2024-01-01 01:00:00+00", "0.25", "u1", '{"n": 1}']])
        self.assertEqual(self.rows("SHOW transaction_read_only"), [["on"]])
        self.assertEqual(self.rows("SELECT name FROM customers WHERE false"), [])

    def test_parameters_are_bound_never_written_into_the_text(self):
        self.shop()
        self.assertEqual(self.rows("SELECT name FROM customers WHERE id = $1 AND country = $2", "2", "DE"), [["Zoë 2"]])
        self.assertEqual(self.rows("SELECT name FROM customers WHERE name = $1", "x' OR '1'='1"), [])
        self.assertEqual(self.ask("SELECT name FROM customers WHERE id = $1").error["code"], "INVALID_REQUEST")
        done = self.ask("SELECT name\nFROM customers WHERE id = nothing(1)")
        self.assertIn("WRITE_OPERATION_REJECTED", done.error["code"])
        done = self.ask("SELECT name\nFROM customers WHERE id = 'two'")
        self.assertEqual(done.error["code"], "INVALID_REQUEST", done)
        self.assertIn("line 2, column 27: invalid input syntax for type bigint", done.error["message"])
        self.assertEqual(self.ask("SELECT name FROM customers WHERE id = $1", "two").error["code"], "DATABASE_ERROR")

    def test_a_function_of_the_owners_runs_where_they_say_so(self):
        self.shop()
        done = self.ask("SELECT vat_of(10)")
        self.assertEqual(done.error["code"], "WRITE_OPERATION_REJECTED", done)
        self.assertIn("functions = [...]", done.error["next"] + done.error["message"])
        self.agent.stop()
        with open(self.agent.config.parent / "conf.d" / "erp.toml", "a") as file:
            file.write('functions = ["vat_of", "public.vat_of"]\n')
        self.agent.start()
        self.agent.connected()
        wait_until("the function to be allowed", lambda: self.ask("SELECT public.vat_of(10)").code == 0)
        self.assertEqual(self.rows("SELECT vat_of(100)"), [["19"]])
        self.refused("WRITE_OPERATION_REJECTED", "SELECT pay_of('Ada')", "SELECT other.vat_of(1)", "SELECT log('mine')")
        self.assertEqual(self.rows("SELECT pg_catalog.log(100)"), [[2]])

    def test_what_writes_is_refused_before_the_database_hears_of_it(self):
        self.shop()
        self.refused("WRITE_KEYWORD_DETECTED", "DELETE FROM orders", "update orders set total = 0", "/* x */ TRUNCATE orders",
                     "DO $$ BEGIN END $$", "COPY orders TO '/tmp/x'", "SELECT 1; DELETE FROM orders", "SELECT 1; DROP TABLE orders",
                     "WITH gone AS (DELETE FROM orders RETURNING id) SELECT * FROM gone")
        self.refused("WRITE_OPERATION_REJECTED", "SELECT 1; SELECT 2", "SELECT * INTO copy FROM orders", "SELECT id FROM orders FOR UPDATE",
                     "SELECT pg_terminate_backend(1)", "SELECT lo_import('/etc/passwd')", "SELECT nextval('s')",
                     "SELECT pg_sleep(100)", "EXPLAIN ANALYZE SELECT 1", "SELEC 1")
        self.assertEqual(PG.sql("shop", "SELECT count(*) FROM orders").strip(), "100")
        self.agent.stop()  # the next one has never looked at the database
        PG.stop()
        self.addCleanup(PG.start)
        self.agent.start()
        self.agent.connected()
        self.refused("WRITE_KEYWORD_DETECTED", "DELETE FROM orders")
        self.refused("SCHEMA_ACCESS_DENIED", "SELECT email FROM customers")
        self.refused("UNAVAILABLE", "SELECT id FROM orders")

    def test_what_is_private_is_reached_by_no_statement(self):
        self.shop()
        self.refused("SCHEMA_ACCESS_DENIED", "SELECT email FROM customers", "SELECT * FROM customers", "SELECT c FROM customers c",
                     "SELECT row_to_json(c) FROM customers c", "SELECT 1 FROM customers WHERE email LIKE 'c1%'",
                     "SELECT id FROM customers ORDER BY CAST(email AS int)", "SELECT amount FROM salaries", "TABLE salaries",
                     "SELECT count(*) FROM salaries", 'SELECT "email" FROM public.customers', "SELECT rolname FROM pg_authid",
                     "SELECT x.a FROM customers AS x(b, c, a)", "SELECT * FROM pg_stats")

    def test_a_view_shows_nothing_private_and_the_owner_is_told(self):
        self.shop()
        self.refused("SCHEMA_ACCESS_DENIED", "SELECT harmless FROM mailing", "SELECT count(*) FROM addresses", "SELECT amount FROM pay")
        for table, column in (("mailing", "harmless"), ("pay", "amount")):
            done = self.cloud.cli("connector", "query", "HQ", "erp", "--table", table, "--columns", column)
            self.assertEqual(done.error["code"], "SCHEMA_ACCESS_DENIED", done)
        self.assertEqual(self.rows("SELECT n FROM by_country ORDER BY country"), [[10], [10]])
        shown = self.agent.ok("schema", "show", "erp").json["tables"]
        self.assertEqual([t["name"] for t in shown], ["by_country", "customers", "orders"])
        published = self.agent.ok("schema", "publish", "erp").json
        self.assertEqual((published["tables"], published["privateViews"]), (3, ["addresses", "mailing", "pay"]))

        # The same, tried by hand with what the owner exports.
        exported = self.agent.ok("schema", "export", "erp")
        (self.folder / "erp.json").write_text(exported.out)
        reads = {t["name"]: t.get("reads") for t in exported.json["tables"]}
        self.assertEqual(reads["by_country"], {"customers": ["country"]})
        self.assertEqual(reads["pay"], {"*": ["*"]})
        done = vmc("guard", "check", "--dialect", "postgres", "--schema", self.folder / "erp.json", "--private", "customers.email",
                   stdin='{"id": 1, "sql": "SELECT harmless FROM addresses"}\n{"id": 2, "sql": "TABLE by_country"}\n')
        self.assertEqual([json.loads(line)["verdict"] for line in done.out.splitlines()], ["reject", "accept"], done)

    def test_a_value_never_comes_back_in_an_error(self):
        self.shop()
        done = self.ask("SELECT CAST(name AS int) FROM customers")
        self.assertEqual(done.error["code"], "DATABASE_ERROR", done)
        self.assertNotIn("Zoë", done.err)

    def test_a_star_never_reaches_a_column_that_was_added_later(self):
        self.shop()
        self.assertEqual(len(self.rows("SELECT * FROM orders LIMIT 1")[0]), 6)
        PG.sql("shop", "ALTER TABLE orders ADD COLUMN secret text DEFAULT 'hidden'")
        self.refused("SCHEMA_ACCESS_DENIED", "SELECT * FROM orders", "SELECT secret FROM orders", "SELECT o FROM orders o",
                     "SELECT x.b FROM orders AS x(a, b)")
        PG.sql("shop", "ALTER TABLE orders ADD COLUMN name text DEFAULT 'hidden'")  # what is meant from outside, until now
        self.refused("SCHEMA_ACCESS_DENIED", "SELECT (SELECT name FROM orders LIMIT 1) FROM customers")
        self.assertEqual(self.rows("SELECT id FROM orders WHERE id = 5"), [[5]])
        self.agent.publish("erp")
        wait_until("the new schema to be in force", lambda: self.ask("SELECT * FROM orders LIMIT 1").code == 0)

    def test_the_self_test_shows_which_layers_hold(self):
        self.shop()
        tested, keywords, alone = self.self_tested()
        self.assertEqual(keywords, {"a new table", "a deletion", "a writing CTE", "a second statement", "a program on the server"})
        # What PostgreSQL's read-only transactions let through: here only the guard, and the user's rights, stand in the way.
        self.assertEqual(alone, {"a large object", "an advisory lock", "a file of the server", "a program on the server", "waiting"})
        self.assertEqual(tested["grants"], "weak")  # a superuser
        self.assertIn("superuser", " ".join(tested["findings"]))
        self.assertEqual(PG.sql("shop", "SELECT count(*) FROM pg_class WHERE relname = 'vmc_self_test'").strip(), "0")
        self.assertEqual(PG.sql("shop", "SELECT count(*) FROM pg_largeobject_metadata").strip(), "0")
        PG.sql("shop", "CREATE USER reader PASSWORD 'reader-word'; GRANT SELECT ON orders TO reader; REVOKE TEMPORARY ON DATABASE shop FROM PUBLIC")
        self.agent.add_postgres("small", PG, "shop", user="reader", password="reader-word")
        tested, _, alone = self.self_tested("small")
        self.assertEqual((alone, tested["grants"]), ({"a large object", "an advisory lock", "waiting"}, "strong"), tested)

    def test_an_owner_may_take_intents_only(self):
        self.shop(queries="intents")
        self.refused("WRITE_OPERATION_REJECTED", "SELECT 1")
        done = self.cloud.cli("connector", "query", "HQ", "erp", "--table", "orders", "--columns", "id", "--limit", 1)
        self.assertEqual(done.code, 0, done)


LITTLE_SHOP = """
CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT NOT NULL, email TEXT, credit DECIMAL_TEXT(12,2));
CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL, at TIMESTAMP NOT NULL, total REAL, "update" TEXT);
INSERT INTO customers VALUES (1, 'Zoë', 'zoe@example.com', '12.50'), (2, 'Łódź', NULL, NULL), (9007199254740993, 'big', 'b', '0.10');
INSERT INTO orders VALUES (1, 1, '2024-01-01 10:00:00', 1.5, 'x'), (2, 1, '2024-01-02 10:00:00', NULL, 'DROP TABLE'), (3, 2, '2024-01-03', 3, '');
CREATE VIEW mailing AS SELECT id, lower(email) AS harmless FROM customers WHERE name LIKE 'z%';
CREATE VIEW upper_names AS SELECT id, upper(name) AS n FROM customers WHERE name LIKE 'z%';
"""


class Sqlite_(Statements):
    """The same with a file."""

    def shop(self, private=("customers.email",), **options):
        self.file = self.folder / "shop.db"
        with sqlite(self.file) as db:
            db.executescript(LITTLE_SHOP)
        self.cloud = self.world().start(worker=False)
        self.agent = self.cloud.agent("HQ", start=False).add_sqlite("erp", self.file, private=private, **options)
        self.agent.publish("erp").start()
        self.agent.connected()
        self.agent.wait_published("erp")

    def test_what_people_write_is_answered_exactly(self):
        self.shop()
        self.assertEqual(self.rows("SELECT id, name, credit FROM customers ORDER BY id;"),
                         [[1, "Zoë", "12.50"], [2, "Łódź", None], ["9007199254740993", "big", "0.10"]])
        done = self.ask("""WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 3)
                           SELECT i, count(o.id) AS n, sum(o.total) AS total, max("update") FROM n LEFT JOIN orders o ON o.customer_id = i
                           GROUP BY i ORDER BY i""")
        self.assertEqual(done.code, 0, done)
        self.assertEqual([(c["name"], c["type"]) for c in done.json["columns"]],
                         [("i", "int64"), ("n", "int64"), ("total", "float64"), ('max("update")', "text")])
        self.assertEqual(done.json["rows"], [[1, 2, 1.5, "x"], [2, 1, 3.0, ""], [3, 0, None, None]])
        self.assertEqual(self.rows("SELECT n FROM upper_names"), [["ZOë"]])
        self.assertEqual(self.rows("SELECT name FROM customers WHERE name LIKE ?1 AND id = ?2", "Z%", "1"), [["Zoë"]])

    def test_what_writes_or_is_private_is_refused(self):
        self.shop()
        self.refused("WRITE_KEYWORD_DETECTED", "DELETE FROM orders", "ATTACH 'x.db' AS x", "VACUUM", "ROLLBACK")
        self.refused("WRITE_OPERATION_REJECTED", "SELECT load_extension('x')", "SELECT randomblob(1000000000)", "EXPLAIN SELECT 1",
                     "PRAGMA journal_mode = DELETE")
        self.refused("SCHEMA_ACCESS_DENIED", "SELECT email FROM customers", "SELECT * FROM customers", "SELECT harmless FROM mailing",
                     "SELECT 1 FROM customers WHERE email > 'a'", "SELECT sql FROM sqlite_master", "SELECT name FROM sqlite_schema")
        self.assertEqual(len(rows_of(self.file, "orders", "id")), 3)

    def test_the_self_test_shows_which_layers_hold(self):
        self.shop()
        tested, keywords, alone = self.self_tested()
        self.assertEqual(keywords, {"a new table", "a deletion", "a second statement", "another file", "a copy", "ending the transaction"})
        self.assertEqual((alone, tested["grants"]), (set(), "weak"), tested)
        text = vmc("--config", self.agent.config, "--state", self.agent.home, "agent", "guard", "self-test", "erp")
        self.assertEqual(text.code, 0, text)
        new_table = next(line for line in text.out.splitlines() if line.startswith("a new table"))
        self.assertRegex(new_table, r"a new table +refused +refused \(syntax\) +refused$")
        self.assertRegex(text.out, r"foreign code +no writing verb +refused \(functions\) +refused")
        self.assertIn("The guard refused 9 of 9: 6 by a keyword; without its keywords it refused 9.", text.err)
        self.assertIn("Without the guard the database itself refused 9", text.err)
        self.assertIn("Nothing is fired at them alone, as a statement may commit by itself: they were looked at.", text.err)

    def test_the_catalogue_may_be_asked_while_nothing_is_private(self):
        self.shop(private=())
        self.assertEqual(self.rows("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY 1"), [["customers"], ["orders"]])
        self.assertEqual([row[1] for row in self.rows("PRAGMA table_info(orders)")], ["id", "customer_id", "at", "total", "update"])
        self.assertEqual(self.rows("SELECT count(*) FROM mailing"), [[1]])

    def test_a_star_never_reaches_a_column_that_was_added_later(self):
        self.shop()
        self.assertEqual(len(self.rows("SELECT * FROM orders LIMIT 1")[0]), 5)
        with sqlite(self.file) as db:
            db.execute("ALTER TABLE orders ADD COLUMN name TEXT DEFAULT 'hidden'")
        self.refused("SCHEMA_ACCESS_DENIED", "SELECT * FROM orders", "SELECT orders.name FROM orders",
                     "SELECT (SELECT name FROM orders LIMIT 1) FROM customers")
        self.assertEqual(self.rows("SELECT id FROM orders WHERE id = 2"), [[2]])


if __name__ == "__main__":
    unittest.main()

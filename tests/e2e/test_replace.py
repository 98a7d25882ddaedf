"""Workflows that replace a table: laid aside part by part, shown all at once, whatever dies in between."""

import unittest

from harness import E2ETest, Mariadb, Postgres, make_items, sqlite, wait_until, workflow

ROWS = 400
OLD = [["1", "old 1"], ["2", "old 2"]]
COLUMNS = "(id BIGINT PRIMARY KEY, name VARCHAR(200){extra}, price DECIMAL(12,2), sold DATE, changed_at {moment} NOT NULL)"
FILL = "INSERT INTO items VALUES (1, 'old 1', NULL, NULL, '2020-01-01'), (2, 'old 2', NULL, NULL, '2020-01-01')"


class OnPostgres:
    server, moment, add = Postgres, "timestamp", "add_postgres"
    asides = "SELECT count(*) FROM pg_catalog.pg_tables WHERE tablename LIKE 'vmc\\_aside\\_%'"
    rows = "SELECT id || E'\\t' || COALESCE(name, '') FROM items WHERE name NOT LIKE E'%\\n%' OR name IS NULL ORDER BY id"


class OnMariadb:
    server, moment, add = Mariadb, "DATETIME(6)", "add_mysql"
    asides = "SELECT count(*) FROM information_schema.tables WHERE table_name LIKE 'vmc\\_aside\\_%'"
    rows = "SELECT id, COALESCE(name, '') FROM items WHERE name NOT LIKE '%\\n%' OR name IS NULL ORDER BY id"


class Replacing:
    """Against one server; the table has two old rows and a view over it."""

    @classmethod
    def setUpClass(cls):
        cls.db = cls.on.server()
        cls.addClassCleanup(cls.db.close)

    def setUp(self):
        super().setUp()
        self.source = make_items(self.folder / "a.db", ROWS)

    def target(self, extra=""):
        self.db.database("shop", f"CREATE TABLE items {COLUMNS.format(extra=extra, moment=self.on.moment)}", FILL,
                         "CREATE VIEW counted AS SELECT count(*) AS n FROM items")
        self.cloud = self.world().start()
        self.agent = self.cloud.agent("HQ", start=False).add_sqlite("a", self.source)
        getattr(self.agent, self.on.add)("t", self.db, "shop", writable=["items"]).publish("a", "t").start()
        self.agent.connected().wait_published("a", "t")

    def replace(self, **options):
        options = {"key": None, "load_mode": "replace", **options}
        return workflow("Replace", ("HQ", "a", "items"), ("HQ", "t", "items"), **options)

    def restart_agent(self, **env):
        self.agent.stop()
        self.agent.start(**env)
        self.agent.connected()

    def content(self):
        return [line.split("\t") for line in self.db.sql("shop", self.on.rows).splitlines()]

    def expected(self):
        with sqlite(self.source) as db:
            rows = db.execute("SELECT id, COALESCE(name, '') FROM items WHERE name NOT LIKE '%\n%' OR name IS NULL ORDER BY id")
            return [[str(number), name] for number, name in rows]

    def assertReplaced(self):
        self.assertEqual(self.content(), self.expected())
        with sqlite(self.source) as db:
            rows, = db.execute("SELECT count(*) FROM items").fetchone()
        self.assertEqual(self.db.sql("shop", "SELECT n FROM counted").strip(), str(rows))
        wait_until("nothing to lie aside", lambda: self.asides() == 0)

    def asides(self):
        return int(self.db.sql("shop", self.on.asides))

    def test_the_table_holds_what_the_source_holds_and_nothing_else(self):
        self.target()
        self.assertSucceeded(*self.cloud.run(self.replace()), parts=4, partsLoaded=4, rowsRead=ROWS, rowsWritten=ROWS)
        self.assertReplaced()
        with sqlite(self.source) as db:
            db.execute("DELETE FROM items WHERE id % 3 = 0")
            left, = db.execute("SELECT count(*) FROM items").fetchone()
        self.assertSucceeded(*self.cloud.run(self.replace(key="id")), rowsWritten=left)
        self.assertReplaced()
        with sqlite(self.source) as db:
            db.execute("DELETE FROM items")
        self.assertSucceeded(*self.cloud.run(self.replace()), rowsRead=0, rowsWritten=0)
        self.assertReplaced()

    def test_an_agent_killed_after_the_last_part_and_inside_the_swap_goes_on_where_it_was(self):
        self.target()
        for point, swapped in (("agent.load_committed:4", False), ("swap.filled", False), ("swap.committed", True)):
            with self.subTest(point):
                self.db.sql("shop", f"DELETE FROM items; {FILL}")
                self.restart_agent(VMC_CRASH_AT=point)
                execution = self.cloud.submit(self.replace())
                self.assertEqual(self.agent.wait_end(), -9)
                self.assertEqual(self.content(), self.expected() if swapped else OLD)
                self.agent.start()
                self.agent.connected()
                self.assertSucceeded(*self.cloud.finish(execution), rowsRead=ROWS, rowsWritten=ROWS)
                self.assertReplaced()

    def test_a_run_that_fails_leaves_the_old_rows_and_nothing_aside(self):
        self.target(extra=" UNIQUE")
        code, summary = self.cloud.run(self.replace())
        self.assertFailed(code, summary, "CONFLICT")
        self.assertEqual(summary["rowsWritten"], 0)
        self.assertEqual(self.content(), OLD)
        wait_until("nothing to lie aside", lambda: self.asides() == 0)

    def test_a_table_that_somebody_changes_behind_the_swap_fails_the_proof(self):
        self.target()
        self.restart_agent(VMC_CRASH_AT="swap.committed")
        execution = self.cloud.submit(self.replace())
        self.assertEqual(self.agent.wait_end(), -9)
        self.db.sql("shop", "UPDATE items SET name = 'changed' WHERE id = (SELECT m FROM (SELECT min(id) AS m FROM items) AS o)")
        self.agent.start()
        code, summary = self.cloud.finish(execution)
        self.assertFailed(code, summary, "BUFFER_INTEGRITY")
        self.assertIn("the replaced table", summary["message"])


class InPostgres(Replacing, E2ETest):
    on = OnPostgres


class InMariadb(Replacing, E2ETest):
    on = OnMariadb


class InPostgresOverOdbc(Replacing, E2ETest):
    class on(OnPostgres):
        add = "add_odbc"


class InMariadbOverOdbc(Replacing, E2ETest):
    class on(OnMariadb):
        add = "add_odbc"


if __name__ == "__main__":
    unittest.main()

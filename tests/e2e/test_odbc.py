"""ODBC as its owner sees it: any driver's database read by intents and moved into another one, and loaded; no SQL."""

import unittest

from harness import E2ETest, Mariadb, make_items, rows_of, workflow

MY = None

STOCK = """
CREATE TABLE items (id BIGINT PRIMARY KEY, name VARCHAR(200), price DECIMAL(12,2), sold DATE,
                    changed_at DATETIME(6) NOT NULL, secret TEXT);
INSERT INTO items SELECT seq, CONCAT('Ł', seq), seq * 1.25, '2024-02-29', '2024-02-29 10:00:00.000001', 'canary'
    FROM seq_1_to_400;
"""


def setUpModule():
    global MY
    MY = Mariadb()
    unittest.addModuleCleanup(MY.close)


class Odbc(E2ETest):
    def test_rows_behind_a_driver_are_asked_for_and_moved_and_no_sql_is_taken(self):
        target = self.folder / "target.db"
        make_items(target, 0)
        MY.database("stock", STOCK)
        cloud = self.world().start()
        agent = cloud.agent("HQ", start=False).add_sqlite("b", target, writable=["items"])
        agent.add_odbc("legacy", MY, "stock", "--options", "CONN_TIMEOUT=5", "--private", "items.secret")
        tested = agent.ok("db", "test", "legacy").json
        self.assertIn("only a hint", " ".join(tested["findings"]))
        agent.publish("b", "legacy").start()
        agent.connected()
        agent.wait_published("b", "legacy")
        asked = cloud.ok("connector", "query", "HQ", "legacy", "--table", "items", "--columns", "id,name,price",
                         "--limit", "1")
        self.assertEqual(asked["rows"], [[1, "Ł1", "1.25"]])
        private = cloud.cli("connector", "query", "HQ", "legacy", "--table", "items", "--columns", "secret")
        self.assertEqual(private.error["code"], "SCHEMA_ACCESS_DENIED")
        by_hand = cloud.cli("connector", "query", "HQ", "legacy", "--sql", "-", stdin="SELECT id FROM items")
        self.assertEqual(by_hand.error["code"], "WRITE_OPERATION_REJECTED")
        untested = agent.cli("guard", "self-test", "legacy").error
        self.assertEqual(untested["code"], "WRITE_OPERATION_REJECTED")
        self.assertIn("takes intents only, no SQL", untested["message"])
        summary = cloud.run(workflow("In", ("HQ", "legacy", "items"), ("HQ", "b", "items")))
        self.assertSucceeded(*summary, rowsRead=400, rowsWritten=400)
        self.assertEqual(len(rows_of(target, "items")), 400)
        self.assertNotIn(MY.password, agent.text() + (agent.config.parent / "conf.d" / "legacy.toml").read_text())

    def test_rows_are_loaded_into_the_tables_the_owner_listed_and_proven(self):
        source = make_items(self.folder / "source.db", 400)
        MY.database("depot", "CREATE TABLE items (id BIGINT PRIMARY KEY, name VARCHAR(200), price DECIMAL(12,2), sold DATE, "
                             "changed_at DATETIME(6) NOT NULL); CREATE TABLE others LIKE items")
        cloud = self.world().start()
        agent = cloud.agent("HQ", start=False).add_sqlite("a", source)
        agent.add_odbc("depot", MY, "depot", writable=["items"])
        agent.publish("a", "depot").start()
        agent.connected().wait_published("a", "depot")
        for name in ("There", "Again"):
            summary = cloud.run(workflow(name, ("HQ", "a", "items"), ("HQ", "depot", "items"), rows_per_part=90))
            self.assertSucceeded(*summary, rowsRead=400, rowsWritten=400)
        self.assertEqual(MY.sql("depot", "SELECT COUNT(*), SUM(price), MIN(name) FROM items"),
                         MY.sql("depot", "SELECT 400, SUM(price), MIN(name) FROM items"))
        self.assertEqual(MY.sql("depot", "SELECT COUNT(*) FROM vmc_applied").strip(), "10")
        unlisted = cloud.run(workflow("Aside", ("HQ", "a", "items"), ("HQ", "depot", "others")))
        self.assertIn("WRITE_NOT_PERMITTED", str(unlisted))
        MY.sql("depot", "INSERT INTO items VALUES (9000, 'stale', NULL, NULL, NOW(6))")
        replaced = cloud.run(workflow("Swap", ("HQ", "a", "items"), ("HQ", "depot", "items"), rows_per_part=90, load_mode="replace"))
        self.assertSucceeded(*replaced, rowsRead=400, rowsWritten=400)
        self.assertEqual(MY.sql("depot", "SELECT COUNT(*), SUM(name = 'stale') FROM items").split(), ["400", "0"])
        self.assertEqual(MY.sql("depot", "SHOW TABLES LIKE 'vmc_aside%'"), "")

    def test_what_cannot_be_is_refused_when_it_is_added(self):
        agent = self.world().start(worker=False).agent("HQ", start=False)
        for words, says in (((), "--dsn or --driver"), (("--dsn", "x", "--driver", "y"), "exclude each other"),
                            (("--driver", "x", "--options", "PWD=hunter2"), "holds a password")):
            with self.subTest(words):
                refused = agent.cli("db", "add", "legacy", "--type", "odbc", *words)
                self.assertNotEqual(refused.code, 0)
                self.assertIn(says, refused.err)
                self.assertNotIn("hunter2", refused.err)
        agent.add_odbc("wrong", MY, "stock", password="not-the-word")
        refused = agent.cli("db", "test", "wrong")
        self.assertEqual(refused.error["code"], "AUTH_FAILED")
        self.assertNotIn("not-the-word", refused.err)
        agent.ok("db", "add", "gone", "--type", "odbc", "--dsn", "no_such_source")
        self.assertEqual(agent.cli("db", "test", "gone").error["code"], "NOT_FOUND")
        for kind in ("oracle", "hana"):
            agent.ok("db", "add", kind, "--type", kind, "--host", "127.0.0.1", "--database", "x", "--user", "reader")
            refused = agent.cli("db", "test", kind)
            self.assertEqual(refused.error["code"], "UNAVAILABLE")
            self.assertIn("driver", refused.err)


if __name__ == "__main__":
    unittest.main()

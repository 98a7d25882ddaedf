"""MariaDB as its owner sees it: statements behind the guard, and rows moved there and back, from a real server."""

import unittest

from harness import E2ETest, Mariadb, StatementsTest, make_items, rows_of, workflow

MY = None

SHOP = """
CREATE TABLE customers (id BIGINT PRIMARY KEY, name VARCHAR(80) NOT NULL, email VARCHAR(80), credit DECIMAL(12,2));
CREATE TABLE orders (id BIGINT PRIMARY KEY, customer_id BIGINT NOT NULL, at DATETIME(6) NOT NULL, `update` VARCHAR(20));
INSERT INTO customers VALUES (1, 'Zoë', 'zoe@example.com', 12.50), (2, 'Łódź', NULL, NULL), (9007199254740993, '😀', 'b', 0.10);
INSERT INTO orders VALUES (1, 1, '2024-01-01 10:00:00', 'x'), (2, 1, '2024-01-02 10:00:00.25', 'DROP TABLE'), (3, 2, '2024-01-03', '');
CREATE VIEW mailing AS SELECT id, LOWER(email) AS harmless FROM customers;
CREATE VIEW per_customer AS SELECT customer_id, COUNT(*) AS n FROM orders GROUP BY customer_id;
"""


def setUpModule():
    global MY
    MY = Mariadb()
    unittest.addModuleCleanup(MY.close)


class Statements(StatementsTest):
    def setUp(self):
        super().setUp()
        MY.database("shop", SHOP)
        self.cloud = self.world().start(worker=False)
        self.agent = self.cloud.agent("HQ", start=False).add_mysql("erp", MY, "shop", private=["customers.email"])
        self.agent.publish("erp").start()
        self.agent.connected()
        self.agent.wait_published("erp")

    def test_what_people_write_is_answered_exactly(self):
        self.assertEqual(self.rows("SELECT id, name, credit FROM shop.customers ORDER BY id; -- all"),
                         [[1, "Zoë", "12.50"], [2, "Łódź", None], ["9007199254740993", "😀", "0.10"]])
        self.assertEqual(self.rows("SELECT c.name, COUNT(o.id) AS n, MAX(o.`update`) FROM customers c LEFT JOIN orders o "
                                   "ON o.customer_id = c.id WHERE c.id < ? GROUP BY c.id HAVING n > 0 ORDER BY 1 DESC", "5"),
                         [["Łódź", 1, ""], ["Zoë", 2, "x"]])
        self.assertEqual(self.rows("SELECT at FROM orders WHERE id = 2"), [["2024-01-02 10:00:00.25"]])
        self.assertEqual(self.rows("SELECT n FROM per_customer ORDER BY customer_id"), [[2], [1]])
        self.assertEqual([row[0] for row in self.rows("SHOW COLUMNS FROM orders")], ["id", "customer_id", "at", "update"])
        self.assertEqual(self.rows("SELECT name FROM customers WHERE name = ?", "x' OR '1'='1"), [])
        self.assertIn("CREATE TABLE `orders`", self.rows("SHOW CREATE TABLE orders")[0][1])

    def test_what_writes_or_is_private_is_refused(self):
        self.refused("WRITE_KEYWORD_DETECTED", "DELETE FROM orders", "SET GLOBAL read_only = 0", "CALL x()")
        self.refused("WRITE_OPERATION_REJECTED", "SELECT 1 INTO OUTFILE '/tmp/x'", "SELECT id FROM orders FOR UPDATE", "SELECT @a := 1",
                     "SELECT 1 /*! INTO @a */", "SELECT SLEEP(9)", "SELECT LOAD_FILE('/etc/passwd')")
        self.refused("SCHEMA_ACCESS_DENIED", "SELECT email FROM customers", "SELECT * FROM customers", "SELECT harmless FROM mailing",
                     "SELECT EMAIL FROM Customers", "SELECT 1 FROM customers WHERE `email` > 'a'", "SELECT user FROM mysql.user",
                     "SHOW COLUMNS FROM customers")
        self.assertEqual(MY.sql("shop", "SELECT COUNT(*) FROM orders").strip(), "3")

    def test_the_self_test_shows_which_layers_hold(self):
        tested, keywords, alone = self.self_tested()
        self.assertEqual(keywords, {"a new table", "a deletion", "a second statement", "switching to writing"})
        self.assertEqual(tested["grants"], "weak", tested)
        # What MariaDB's read-only transactions let through.
        self.assertEqual(alone, {"a variable", "an executable comment", "a lock", "a file of the server", "waiting"})


class Moving(E2ETest):
    def test_rows_go_into_mariadb_and_come_back_the_same(self):
        source, back = self.folder / "source.db", self.folder / "back.db"
        make_items(source, 400)
        make_items(back, 0)
        MY.database("mid", "CREATE TABLE items (id BIGINT PRIMARY KEY, name VARCHAR(200), price DECIMAL(12,2), sold DATE,"
                           " changed_at DATETIME(6) NOT NULL)")
        cloud = self.world().start()
        agent = cloud.agent("HQ", start=False).add_sqlite("a", source).add_sqlite("b", back, writable=["items"])
        agent.add_mysql("m", MY, "mid", writable=["items"]).publish("a", "b", "m").start()
        agent.connected()
        agent.wait_published("a", "b", "m")
        self.assertSucceeded(*cloud.run(workflow("In", ("HQ", "a", "items"), ("HQ", "m", "items"))), rowsRead=400, rowsWritten=400)
        self.assertSucceeded(*cloud.run(workflow("Out", ("HQ", "m", "items"), ("HQ", "b", "items"))), rowsRead=400, rowsWritten=400)
        self.assertEqual(rows_of(source, "items"), rows_of(back, "items"))


if __name__ == "__main__":
    unittest.main()

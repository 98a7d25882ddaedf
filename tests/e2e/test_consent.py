"""What the owner decides beside a running agent: which statements run, what is private, what of a schema is approved."""

import json
import pty
import os
import subprocess
import unittest

from harness import BINARY, E2ETest, sqlite, vmc, wait_until

SHOP = """
CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT, email TEXT);
INSERT INTO customers VALUES (1, 'Ada', 'ada@example.com'), (2, 'Bob', 'bob@example.com');
CREATE VIEW shown AS SELECT id, name FROM customers;
"""


class Consent(E2ETest):
    def shop(self, private=(), queries=None, more=""):
        self.db = self.folder / "shop.db"
        self.sql(SHOP)
        self.cloud = self.world().start(worker=False)
        self.agent = self.cloud.agent("HQ", start=False).add_sqlite("shop", self.db, private=private, queries=queries)
        with open(self.agent.config.parent / "conf.d" / "shop.toml", "a") as file:
            file.write(more)
        self.agent.publish("shop").start()
        self.agent.connected()
        self.agent.wait_published("shop")

    def sql(self, text):
        with sqlite(self.db) as db:
            db.executescript(text)

    def ask(self, statement, *params):
        words = [w for p in params for w in ("--param", p)]
        return self.cloud.cli("connector", "query", "HQ", "shop", "--sql", "-", *words, stdin=statement)

    def rows(self, statement, *params):
        done = self.ask(statement, *params)
        self.assertEqual(done.code, 0, done)
        return done.json["rows"]

    def refused(self, code, statement):
        done = self.ask(statement)
        self.assertEqual((done.code != 0, done.error["code"]), (True, code), done)
        return json.dumps(done.error, ensure_ascii=False)

    def shared(self):
        return {t["name"]: [c["name"] for c in t["columns"]] for t in self.cloud.ok("schema", "show", "HQ", "shop")["tables"]}

    def test_a_new_statement_waits_for_the_owners_yes_and_its_values_are_not_kept(self):
        self.shop(queries="approved")
        said = self.refused("APPROVAL_DENIED", "SELECT name FROM customers WHERE email = 'ada@example.com' -- now")
        self.refused("APPROVAL_DENIED", "select name from CUSTOMERS where email = 'bob@example.com'")
        listed = self.agent.ok("approvals", "list")
        self.assertNotIn("example.com", listed.out)
        (waiting,) = listed.json["items"]
        self.assertEqual((waiting["statement"], waiting["times"], waiting["state"], waiting["reads"]),
                         ("select name from customers where email = ?", 2, "waiting", {"customers": ["email", "name"]}))
        self.assertIn(f"vmc agent approvals approve {waiting['id']}", said)
        self.assertEqual(self.agent.ok("approvals", "approve", waiting["id"]).json["items"][0]["state"], "approved")
        self.assertEqual(self.rows("SELECT name FROM customers WHERE email = ?", "bob@example.com"), [["Bob"]])
        self.refused("APPROVAL_DENIED", "SELECT name, email FROM customers WHERE email = ''")
        # Intents need no yes.
        done = self.cloud.cli("connector", "query", "HQ", "shop", "--table", "customers", "--columns", "id")
        self.assertEqual(done.json["rows"], [[1], [2]], done)

        self.agent.ok("approvals", "deny", waiting["id"])
        self.assertIn("has denied this statement", self.refused("APPROVAL_DENIED", "SELECT name FROM customers WHERE email = 'x'"))
        self.assertEqual(len(self.agent.ok("approvals", "list", "--connection", "shop").json["items"]), 1)
        self.assertEqual(len(self.agent.ok("approvals", "list", "--all").json["items"]), 2)
        text = vmc("--config", self.agent.config, "--state", self.agent.home, "agent", "approvals", "list", "--all")
        self.assertRegex(text.out, r"ID +CONNECTION +STATE +TIMES +SINCE +REACHES +STATEMENT\n")
        self.assertEqual(self.agent.cli("approvals", "approve", "ffffffff").code, 5)

    def test_the_policy_is_changed_beside_the_running_agent(self):
        self.shop()
        self.assertEqual(self.rows("SELECT count(*) FROM customers"), [[2]])
        self.agent.ok("db", "policy", "shop", "approved")
        wait_until("the policy", lambda: self.ask("SELECT count(*) FROM customers").code != 0)
        self.refused("APPROVAL_DENIED", "SELECT count(*) FROM customers")
        self.agent.ok("db", "policy", "shop", "intents")
        wait_until("the policy", lambda: self.ask("SELECT count(*) FROM customers").error["code"] == "WRITE_OPERATION_REJECTED")
        self.agent.ok("db", "policy", "shop", "select")
        wait_until("the policy", lambda: self.ask("SELECT count(*) FROM customers").code == 0)
        self.assertEqual(self.agent.cli("db", "policy", "shop", "everything").code, 2)

    def test_what_becomes_private_is_out_of_reach_and_no_longer_shared(self):
        self.shop()
        self.assertEqual(self.rows("SELECT email FROM customers WHERE id = 1"), [["ada@example.com"]])
        done = self.agent.ok("schema", "private", "shop", "customers.email", "nothing.*")
        self.assertEqual((done.json["private"], done.json["matchNothing"]), (["customers.email", "nothing.*"], ["nothing.*"]))
        wait_until("it is private", lambda: self.ask("SELECT email FROM customers").code != 0)
        self.refused("SCHEMA_ACCESS_DENIED", "SELECT email FROM customers")
        wait_until("the cloud forgets it", lambda: self.shared()["customers"] == ["id", "name"])
        self.assertEqual([(i["connection"], i["tables"], i["privateColumns"]) for i in self.agent.ok("schema", "list").json["items"]],
                         [("shop", 2, 1)])
        self.agent.ok("schema", "private", "shop", "--remove", "customers.email")
        wait_until("it is shared again", lambda: self.ask("SELECT email FROM customers").code == 0)
        wait_until("the cloud hears of it", lambda: self.shared()["customers"] == ["id", "name", "email"])
        self.assertEqual(self.agent.cli("schema", "private", "shop", "--remove", "customers.email").code, 5)

    def test_a_redefined_view_is_refused_until_its_owner_has_seen_and_approved_the_change(self):
        self.shop(private=["customers.email"])
        self.assertEqual(self.rows("SELECT name FROM shown ORDER BY id"), [["Ada"], ["Bob"]])
        self.assertEqual(self.agent.cli("schema", "diff", "shop").code, 0)
        self.sql("DROP VIEW shown; CREATE VIEW shown AS SELECT id, email AS name FROM customers")
        said = self.refused("SCHEMA_ACCESS_DENIED", "SELECT name FROM shown")
        self.assertIn("vmc agent schema publish", said)
        done = self.cloud.cli("connector", "query", "HQ", "shop", "--table", "shown", "--columns", "name")
        self.assertEqual(done.error["code"], "SCHEMA_ACCESS_DENIED", done)
        diff = self.agent.cli("schema", "diff", "shop")
        self.assertEqual((diff.code, len(diff.json["changes"])), (1, 1), diff)
        self.assertIn("reads customers(id, name) -> customers(email, id)", diff.json["changes"][0]["what"])
        refused = self.agent.cli("schema", "publish", "shop")
        self.assertEqual((refused.code, refused.error["code"]), (2, "INVALID_REQUEST"), refused)
        self.assertIn("--yes", str(refused.error))
        self.assertEqual(self.agent.ok("schema", "publish", "--yes", "shop").json["privateViews"], ["shown"])
        self.assertIn("SCHEMA_ACCESS_DENIED", self.refused("SCHEMA_ACCESS_DENIED", "SELECT name FROM shown"))
        self.sql("DROP VIEW shown; CREATE VIEW shown AS SELECT id, name FROM customers WHERE id > 1")
        self.agent.publish("shop")
        wait_until("the view is back", lambda: self.ask("SELECT name FROM shown").code == 0)
        self.assertEqual(self.rows("SELECT name FROM shown"), [["Bob"]])
        self.agent.ok("schema", "private", "shop", "shown_2024")
        self.assertEqual(self.agent.ok("schema", "publish", "--yes", "shop").json["matchNothing"], ["shown_2024"])

    def test_on_a_terminal_the_owner_is_asked(self):
        self.shop()
        self.sql("CREATE TABLE notes (id INTEGER PRIMARY KEY)")
        words = [BINARY, "--config", self.agent.config, "--state", self.agent.home, "agent", "schema", "publish", "shop"]
        for answer, code in (("n", 3), ("", 3), ("j\nn", 3), ("y", 0)):
            near, far = pty.openpty()
            process = subprocess.Popen([str(w) for w in words], stdin=far, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            os.write(near, (answer + "\n").encode())
            _, err = process.communicate(timeout=60)
            os.close(near)
            os.close(far)
            self.assertEqual(process.returncode, code, err)
            self.assertIn("+ notes: table of 1 columns", err)
            self.assertIn("Approve 1 changes of 'shop'? [y/N", err)
            if answer.startswith("j"):
                sent = json.loads(err[err.index("{"):err.rindex("}") + 1])
                self.assertEqual(sent, self.agent.ok("schema", "show", "shop").json)

    def test_a_schema_written_by_hand_is_approved_where_it_is_valid(self):
        self.shop()
        file = self.folder / "schema.json"
        file.write_text(json.dumps({"tables": [{"name": "customers", "columns": [{"name": "id", "type": "int64"}]}]}))
        done = self.agent.ok("schema", "publish", "--yes", "shop", "--from", file)
        self.assertEqual((done.json["tables"], done.json["columns"]), (1, 1))
        wait_until("it is shared", lambda: self.shared() == {"customers": ["id"]})
        self.assertEqual(self.rows("SELECT id FROM customers WHERE id = 1"), [[1]])
        self.refused("SCHEMA_ACCESS_DENIED", "SELECT name FROM customers")
        for bad in ("{", "[]", '{"tables": []}', '{"tables": [{"name": "x", "columns": [{"name": "a", "type": "nothing"}]}]}',
                    "[" * 1000, '{"tables": [{"name": "x", "columns": [], "definition": "zz"}]}'):
            file.write_text(bad)
            self.assertEqual(self.agent.cli("schema", "publish", "--yes", "shop", "--from", file).code, 2, bad)

    def test_additions_are_approved_where_the_owner_wants_that_and_only_told_where_not(self):
        self.shop(private=["*.secret"], more='auto_approve_additions = true\n')
        self.agent.stop()
        self.agent.config.write_text(self.agent.config.read_text().replace("heartbeat =", 'discover_every = "200ms"\nheartbeat =', 1))
        self.agent.start()
        self.agent.connected()
        self.sql("ALTER TABLE customers ADD COLUMN city TEXT; ALTER TABLE customers ADD COLUMN secret TEXT;"
                 "CREATE TABLE notes (id INTEGER PRIMARY KEY, secret TEXT)")
        wait_until("the additions are shared", lambda: self.shared().get("notes") == ["id"] and "city" in self.shared()["customers"])
        self.assertEqual(self.shared()["customers"], ["id", "name", "email", "city"])
        self.assertRegex(self.agent.text(), r"an addition to the schema was approved")
        wait_until("what is left is told", lambda: self.agent.cli("status").json["connections"][0]["schemaChanges"] == 2)

        self.sql("DROP VIEW shown; CREATE VIEW shown AS SELECT id, email AS name FROM customers")
        wait_until("a change is told", lambda: self.agent.cli("status").json["connections"][0]["schemaChanges"] == 3)
        self.agent.wait_log(r"the schema has changed since it was approved.*vmc agent schema diff shop")
        self.refused("SCHEMA_ACCESS_DENIED", "SELECT name FROM shown")


if __name__ == "__main__":
    unittest.main()

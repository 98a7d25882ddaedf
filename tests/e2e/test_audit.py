"""The audit log of an agent: every command stands in it, before its database is touched, and without its values."""

import contextlib
import http.client
import json
import shutil
import signal
import threading
import unittest

from harness import E2ETest, make_items, rows_of, sqlite, vmc, wait_until, workflow

ITEMS = 3
COPY = workflow("Copy", ("HQ", "copy", "wares"), ("HQ", "copy", "items"))


class Audit(E2ETest):
    def site(self):
        self.shop = make_items(self.folder / "shop.db", ITEMS)
        self.copy = make_items(self.folder / "copy.db", ITEMS, "wares", others=["items"])
        self.cloud = self.world().start()
        self.agent = self.cloud.agent("HQ", start=False)
        self.agent.add_sqlite("shop", self.shop, private=["items.price"]).add_sqlite("copy", self.copy, writable=["items"])
        self.agent.publish("shop", "copy").start()
        self.agent.connected().wait_published("shop", "copy")
        self.folder_of_log = self.agent.home / "audit"

    def query(self, statement):
        return self.cloud.cli("connector", "query", "HQ", "shop", "--sql", "-", stdin=statement)

    def shown(self, *words):
        return self.agent.ok("audit", "show", *words).json["items"]

    def verified(self):
        done = self.agent.cli("audit", "verify")
        self.assertEqual(done.code, 0 if done.json["holds"] else 1, done)
        return done.json

    def files(self):
        return sorted(self.folder_of_log.iterdir())

    def test_what_commands_read_and_wrote_is_shown_without_their_values(self):
        self.site()
        self.assertEqual(self.query("SELECT count(*) FROM items WHERE name <> 'a secret word'").json["rows"], [[ITEMS]])
        refused = self.query("SELECT price FROM items")
        self.assertEqual(refused.error["code"], "SCHEMA_ACCESS_DENIED", refused)
        by_intent = self.cloud.cli("connector", "query", "HQ", "shop", "--table", "items", "--columns", "id")
        self.assertEqual(by_intent.json["rowCount"], ITEMS, by_intent)
        code, summary = self.cloud.run(COPY)
        self.assertSucceeded(code, summary, rowsRead=ITEMS)
        with sqlite(self.shop) as db:
            db.execute("DROP TABLE items")
        self.assertNotEqual(self.query("SELECT id FROM items").code, 0)

        done = {(i["operation"], i["outcome"]): i for i in self.shown("--connection", "shop")}
        first = self.shown("--connection", "shop")[0]
        self.assertEqual((first["operation"], first["outcome"], first["reads"], first["rows"]),
                         ("query", "DONE", {"items": ["name"]}, 1), first)
        self.assertGreater(first["bytes"], 10)
        self.assertRegex(first["fingerprint"], "^[0-9a-f]{64}$")
        self.assertNotIn("reads", done["query", "SCHEMA_ACCESS_DENIED"])  # nothing was started
        self.assertEqual(self.shown("--connection", "shop")[2]["reads"], {"items": ["id"]})
        self.assertEqual(self.shown("--connection", "shop")[-1]["outcome"], self.query("SELECT id FROM items").error["code"])
        self.assertEqual(self.shown("--command", first["command"]), [first])
        self.assertEqual(len(self.shown("--last", "2")), 2)
        operations = {i["operation"] for i in self.shown("--connection", "copy")}
        self.assertLessEqual({"extract", "load"}, operations)
        load = next(i for i in self.shown("--connection", "copy") if i["operation"] == "load")
        self.assertEqual((load["workflow"], "id" in load["writes"]["items"], load["outcome"]), ("Copy", True, "DONE"), load)

        text = "".join(file.read_text() for file in self.files())
        self.assertNotIn("secret word", text)
        exported = vmc("--config", self.agent.config, "--state", self.agent.home, "agent", "audit", "export")
        self.assertEqual(exported.out, text)
        for line in text.splitlines():
            json.loads(line)
        self.assertTrue(self.verified()["holds"])
        table = vmc("--config", self.agent.config, "--state", self.agent.home, "agent", "audit", "show")
        self.assertRegex(table.out, r"TIME +COMMAND +CONNECTION +OPERATION +TABLES +ROWS +BYTES +OUTCOME\n")
        self.assertRegex(table.out, r"copy +load +items \(written\) +3 +\d+ +DONE")
        said = vmc("--config", self.agent.config, "--state", self.agent.home, "agent", "audit", "verify")
        self.assertIn("follow each other and were made by this agent", said.err)

    def test_a_changed_and_a_missing_record_are_found(self):
        self.site()
        for _ in range(3):
            self.assertEqual(self.query("SELECT count(*) FROM items").code, 0)
        self.agent.stop()
        (file,) = self.files()
        whole = file.read_text()
        self.assertTrue(self.verified()["holds"])
        file.write_text(whole.replace('"reads":{"items":[]}', '"reads":{"wares":[]}', 1).replace('"rows":1', '"rows":0', 1))
        self.assertNotEqual(file.read_text(), whole)
        self.assertIn("was changed, or not made by this agent", self.verified()["faults"][0])
        lines = whole.splitlines(keepends=True)
        file.write_text("".join(lines[:2] + lines[3:]))
        self.assertIn("does not follow", self.verified()["faults"][0])
        file.write_text("")
        self.assertIn("the log ends with record 0", self.verified()["faults"][0])
        # It goes on after what is missing, and that stays to be seen.
        self.agent.start()
        self.agent.connected()
        self.assertEqual(self.query("SELECT count(*) FROM items").code, 0)
        self.assertIn("others were gone", self.verified()["faults"][0])

    def test_what_cannot_be_recorded_does_not_run(self):
        self.site()
        shutil.rmtree(self.folder_of_log)
        self.folder_of_log.write_text("no folder")
        refused = self.query("SELECT count(*) FROM items")
        self.assertEqual(refused.error["code"], "UNAVAILABLE", refused)
        self.assertIn("the audit log cannot be written", refused.error["message"])
        execution = self.cloud.submit(COPY)
        wait_until("the workflow's command is refused, too", lambda: "operation=split" in self.agent.text() and "audit log cannot be written" in self.agent.text().split("operation=split")[-1])
        self.assertEqual(rows_of(self.copy, "items"), [])
        self.folder_of_log.unlink()
        wait_until("commands run again", lambda: self.query("SELECT count(*) FROM items").code == 0)
        self.assertIn("others were gone", self.verified()["faults"][0])
        self.cloud.finish(execution)

    def test_a_folder_in_which_no_agent_has_run_is_told_and_left_as_it_is(self):
        empty = self.folder / "empty"
        for verb in ("verify", "show"):
            done = vmc("--state", empty, "--json", "agent", "audit", verb)
            self.assertEqual(done.code, {"verify": 5, "show": 0}[verb], done)
        self.assertEqual(list(empty.rglob("*")), [])

    def test_what_is_cut_off_by_its_time_or_by_the_agents_end_has_an_end(self):
        self.site()
        endless = "WITH RECURSIVE n(v) AS (SELECT 1 UNION ALL SELECT v + 1 FROM n) SELECT count(*) FROM n"
        done = self.cloud.cli("connector", "query", "HQ", "shop", "--sql", "-", "--timeout-ms", "300", stdin=endless)
        self.assertEqual(done.error["code"], "QUERY_TIMEOUT", done)
        self.assertEqual(self.shown()[-1]["outcome"], "QUERY_TIMEOUT")
        token = self.cloud.token()

        def ask():
            with contextlib.suppress(OSError, http.client.HTTPException):  # the gateway ends
                self.cloud.http("POST", "/api/v1/connectors/HQ/query", {"connection": "shop", "query": endless}, token=token)

        asked = threading.Thread(target=ask)
        asked.start()
        wait_until("it runs", lambda: "outcome" not in self.shown()[-1])
        since = self.agent.here()
        self.agent.signal(signal.SIGTERM)
        self.agent.wait_log("once more to stop at once", since=since)
        self.agent.signal(signal.SIGTERM)
        self.agent.wait_end()
        self.assertEqual(self.shown()[-1]["outcome"], "CANCELLED")
        self.assertTrue(self.verified()["holds"])
        self.cloud.close()  # who asked is told
        asked.join()

    def test_a_kill_after_the_start_is_recorded_leaves_it_without_an_end(self):
        self.site()
        self.agent.stop()
        self.agent.start(VMC_CRASH_AT="agent.audited:2")
        self.agent.connected()
        execution = self.cloud.submit(COPY)
        self.assertEqual(self.agent.wait_end(), -9)
        cut = self.shown()[-1]
        self.assertNotIn("outcome", cut)
        self.agent.start()
        self.assertSucceeded(*self.cloud.finish(execution), rowsRead=ITEMS)
        again = self.shown("--command", cut["command"])
        self.assertEqual([i.get("outcome") for i in again], [None, "DONE"])
        self.assertTrue(self.verified()["holds"])
        text = vmc("--config", self.agent.config, "--state", self.agent.home, "agent", "audit", "show")
        self.assertIn("no end is recorded", text.out)


if __name__ == "__main__":
    unittest.main()

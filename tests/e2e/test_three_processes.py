"""Gateway, worker and agent as three processes with files of their own, set up through the command line as their
owners do it: rows between SQLite and PostgreSQL, whole and incremental; control; outages of every part."""

import json
import unittest

from harness import (FIRST_ID, BINARY, E2ETest, Postgres, free_port, item, make_items, rows_of, sqlite, vmc, wait_until, workflow)

PG = None


def setUpModule():
    global PG
    PG = Postgres()


def tearDownModule():
    PG.close()


PG_ORDERS = """CREATE TABLE {table} (id bigint PRIMARY KEY, customer text, amount numeric(12,2), anything numeric, at timestamptz NOT NULL,
               day date, flag boolean, ratio double precision, token uuid, raw bytea, doc jsonb, local_at timestamp)"""
PG_COLUMNS = "id, customer, amount, trim_scale(anything), at, day, flag, ratio, token, raw, doc, local_at"
PG_FILL = """INSERT INTO orders SELECT 9007199254740993 + n,
  CASE n % 6 WHEN 0 THEN NULL WHEN 1 THEN 'Łódź' WHEN 2 THEN '東京 ''quoted'' \\ back' WHEN 3 THEN '' WHEN 4 THEN E'tab\\tline\\nend' ELSE 'x' || n END,
  CASE WHEN n % 7 = 0 THEN NULL ELSE (n * 37 % 999983)::numeric / 100 - 1234.56 END,
  CASE WHEN n % 4 = 0 THEN NULL ELSE ('0.' || repeat('3', 30))::numeric * n + 1e20 END,
  timestamptz '2024-03-31 00:59:59.123456+00' + (n / 3) * interval '7 seconds 13 microseconds',
  CASE WHEN n % 5 = 0 THEN NULL ELSE date '1900-01-01' + n * 17 END, CASE n % 3 WHEN 0 THEN NULL ELSE n % 3 = 1 END,
  CASE WHEN n % 9 = 0 THEN NULL ELSE n / 7.0 END, md5(n::text)::uuid, decode(md5(n::text), 'hex'),
  jsonb_build_object('n', n, 'name', 'é' || n), timestamp '2024-01-01 00:00:00.000001' + n * interval '1 hour'
  FROM generate_series(1, {rows}) AS n"""


class Site(E2ETest):
    """A platform and one agent, "HQ"."""

    def site(self, *, start_agent=True, worker=True, **options):
        self.cloud = self.world(**options).start(worker=worker)
        self.agent = self.cloud.agent("HQ", start=False)
        return self.cloud

    def go(self, *connections):
        self.agent.publish(*connections).start()
        self.agent.connected().wait_published(*connections)

    def two_sqlites(self, rows=400, **options):
        self.a, self.b = make_items(self.folder / "a.db", rows), make_items(self.folder / "b.db", 0)
        self.site(**options)
        self.agent.add_sqlite("a", self.a).add_sqlite("b", self.b, writable=["items"])

    def copy(self, name="Copy", **options):
        return workflow(name, ("HQ", "a", "items"), ("HQ", "b", "items"), **options)

    def assertSame(self):
        self.assertEqual(rows_of(self.a, "items"), rows_of(self.b, "items"))


class Moving(Site):
    def test_sqlite_to_sqlite_whole(self):
        self.two_sqlites()
        self.go("a", "b")
        code, summary = self.cloud.run(self.copy(rows_per_part=100))
        self.assertSucceeded(code, summary, parts=4, partsLoaded=4, rowsRead=400, rowsWritten=400, rowsRefused=0, rowsSkipped=0, failedParts=[])
        self.assertSame()
        code, summary = self.cloud.run(self.copy(rows_per_part=100))  # once more: the same rows again
        self.assertSucceeded(code, summary, rowsRead=400, rowsWritten=400)
        self.assertSame()

    def test_an_empty_table(self):
        self.two_sqlites(rows=0)
        self.go("a", "b")
        self.assertSucceeded(*self.cloud.run(self.copy()), rowsRead=0, rowsWritten=0)
        self.assertSucceeded(*self.cloud.run(self.copy("Increments", mode="incremental", cursor="changed_at")), rowsRead=0, rowsWritten=0)

    def test_a_filter_and_chosen_columns(self):
        self.two_sqlites()
        self.go("a", "b")
        where = {"op": "all", "filters": [{"op": "is_not_null", "column": "price"}, {"op": "eq", "column": "name", "value": "東京 ネジ"}]}
        code, summary = self.cloud.run(self.copy(where=where))
        expected = [r for r in rows_of(self.a, "items") if r[2] == "東京 ネジ" and r[4] is not None]
        self.assertTrue(expected)
        self.assertSucceeded(code, summary, rowsWritten=len(expected))
        self.assertEqual(rows_of(self.b, "items"), expected)

    def test_insert_mode_twice_fails_at_the_second_time_and_changes_nothing(self):
        self.two_sqlites(rows=50)
        self.go("a", "b")
        self.assertSucceeded(*self.cloud.run(self.copy(load_mode="insert")), rowsWritten=50)
        code, summary = self.cloud.run(self.copy(load_mode="insert"))
        self.assertFailed(code, summary, "CONFLICT")
        self.assertSame()

    def test_sqlite_to_sqlite_incremental_loses_no_equal_timestamp_and_moves_nothing_twice(self):
        self.two_sqlites(rows=300)
        self.go("a", "b")
        increments = self.copy("Increments", mode="incremental", cursor="changed_at", rows_per_part=70)
        self.assertSucceeded(*self.cloud.run(increments), rowsRead=300, rowsWritten=300, rowsSkipped=0)
        self.assertSame()
        self.assertSucceeded(*self.cloud.run(increments), rowsWritten=0)
        self.assertSame()

        # At the very moment where the last run ended, one row comes and one changes; others later.
        with sqlite(self.a) as db:
            last, = db.execute("SELECT max(changed_at) FROM items").fetchone()
            db.execute("INSERT INTO items VALUES (?, 'late', '1.50', NULL, ?)", (FIRST_ID + 1000, last))
            db.execute("UPDATE items SET name = 'changed', changed_at = ? WHERE id = ?", (last, FIRST_ID + 7))
            db.executemany("INSERT INTO items VALUES (?,?,?,?,?)", (item(n, "2024-05-01 00:00:00") for n in range(2000, 2100)))
        self.assertSucceeded(*self.cloud.run(increments), rowsWritten=102)
        self.assertSame()
        self.assertSucceeded(*self.cloud.run(increments), rowsWritten=0)

    def test_postgres_to_postgres_every_type_whole_and_incremental(self):
        PG.database("source", PG_ORDERS.format(table="orders"), PG_FILL.format(rows=500))
        PG.database("target", PG_ORDERS.format(table="orders"))
        self.site()
        self.agent.add_postgres("s", PG, "source").add_postgres("t", PG, "target", writable=["orders"])
        done = self.agent.ok("db", "test", "s")
        self.assertIn("superuser", " ".join(done.json["findings"]))
        self.go("s", "t")
        move = workflow("PG", ("HQ", "s", "orders"), ("HQ", "t", "orders"), rows_per_part=120)
        self.assertSucceeded(*self.cloud.run(move), rowsRead=500, rowsWritten=500)
        same = lambda: self.assertEqual(PG.rows("source", "orders", PG_COLUMNS), PG.rows("target", "orders", PG_COLUMNS))
        same()

        increments = workflow("PG increments", ("HQ", "s", "orders"), ("HQ", "t", "orders"), mode="incremental", cursor="at", rows_per_part=120)
        self.assertSucceeded(*self.cloud.run(increments), rowsRead=500, rowsWritten=500)
        PG.sql("source", "UPDATE orders SET customer = 'changed', at = (SELECT max(at) FROM orders) + interval '1 microsecond' "
                         "WHERE id % 10 = 0; INSERT INTO orders (id, at) SELECT -n, (SELECT max(at) FROM orders) FROM generate_series(1, 30) n")
        self.assertSucceeded(*self.cloud.run(increments), rowsWritten=80)
        same()
        self.assertSucceeded(*self.cloud.run(increments), rowsWritten=0)

    def test_postgres_replace_without_a_key_makes_the_table_new(self):
        PG.database("source", "CREATE TABLE t (a int, b text)", "INSERT INTO t SELECT n % 3, 'x' || n % 5 FROM generate_series(1, 100) n")
        PG.database("target", "CREATE TABLE t (a int, b text)", "INSERT INTO t VALUES (99, 'old')")
        self.site()
        self.agent.add_postgres("s", PG, "source").add_postgres("t", PG, "target", writable=["t"])
        self.go("s", "t")
        code, summary = self.cloud.run(workflow("Whole", ("HQ", "s", "t"), ("HQ", "t", "t"), key=None, load_mode="insert"))
        self.assertEqual((code, summary["status"], summary["proofDetail"], summary["rowsWritten"]), (0, "succeeded", "source only", 100), summary)

    def test_sqlite_to_postgres_and_back(self):
        self.a, self.b = make_items(self.folder / "a.db", 400), make_items(self.folder / "b.db", 0)
        PG.database("between", "CREATE TABLE items (id bigint PRIMARY KEY, name text, price numeric(12,2), sold date, changed_at timestamp NOT NULL)")
        self.site()
        self.agent.add_sqlite("a", self.a).add_sqlite("b", self.b, writable=["items"]).add_postgres("pg", PG, "between", writable=["items"])
        self.go("a", "b", "pg")
        there = workflow("There", ("HQ", "a", "items"), ("HQ", "pg", "items"), mode="incremental", cursor="changed_at", rows_per_part=90)
        back = workflow("Back", ("HQ", "pg", "items"), ("HQ", "b", "items"), mode="incremental", cursor="changed_at", rows_per_part=110)
        for changes, expected in (((), 400), (((FIRST_ID + 3, "Ż"), (FIRST_ID + 399, "京")), 2)):
            with sqlite(self.a) as db:
                for key, name in changes:
                    db.execute("UPDATE items SET name = ?, changed_at = '2025-01-01 00:00:00' WHERE id = ?", (name, key))
            self.assertSucceeded(*self.cloud.run(there), rowsWritten=expected)
            self.assertSucceeded(*self.cloud.run(back), rowsWritten=expected)
            moments = lambda rows: [tuple(c.removesuffix(".000000") if isinstance(c, str) else c for c in row) for row in rows]
            self.assertEqual(moments(rows_of(self.a, "items")), moments(rows_of(self.b, "items")))

    def test_between_two_agents(self):
        self.two_sqlites()
        branch = self.cloud.agent("Büro Łódź 2", start=False).add_sqlite("b", self.b, writable=["items"]).publish("b").start()
        branch.connected().wait_published("b")
        self.go("a")
        code, summary = self.cloud.run(workflow("Between", ("HQ", "a", "items"), ("Büro Łódź 2", "b", "items")))
        self.assertSucceeded(code, summary, rowsWritten=400)
        self.assertSame()

    def test_a_connector_called_mini_is_the_only_one(self):
        self.two_sqlites()
        self.go("a", "b")
        self.assertSucceeded(*self.cloud.run(workflow("Mini", ("mini", "a", "items"), ("mini", "b", "items"))), rowsWritten=400)


class CommandLine(Site):
    def setUp(self):
        super().setUp()
        self.two_sqlites()
        self.go("a", "b")

    def test_looking_at_everything(self):
        file = self.cloud.definition_file(self.copy())
        self.assertEqual(self.cloud.ok("workflow", "lint", file)["complaints"], [])
        wrong = self.copy()
        wrong["steps"][1]["dependsOn"] = ["7"]
        wrong["activities"][0]["params"]["rowsPerPart"] = 0
        done = self.cloud.cli("workflow", "lint", self.cloud.definition_file(wrong))
        self.assertEqual(done.code, 2, done)
        self.assertGreaterEqual(len(done.json["complaints"]), 2)
        self.assertTrue(all(c["pointer"].startswith("/") and c["message"] for c in done.json["complaints"]), done.json)
        done = self.cloud.cli("workflow", "run", self.cloud.definition_file(wrong))
        self.assertEqual((done.code, done.error["code"]), (2, "WORKFLOW_INVALID"), done)

        done = self.cloud.cli("workflow", "run", file)
        self.assertSucceeded(done.code, done.json, rowsWritten=400)
        execution = done.json["executionId"]
        self.assertEqual([w["name"] for w in self.cloud.ok("workflow", "list")["items"]], ["Copy"])
        exported = self.cloud.ok("workflow", "export", "Copy")
        self.assertEqual(self.cloud.ok("workflow", "lint", self.cloud.definition_file(exported))["complaints"], [])
        self.assertEqual([(e["executionId"], e["status"]) for e in self.cloud.ok("execution", "list")["items"]], [(execution, "succeeded")])
        shown = self.cloud.show(execution)
        self.assertEqual((shown["status"], shown["workflowName"], shown["summary"]["proof"]), ("succeeded", "Copy", True))
        events = self.cloud.events(execution)
        self.assertEqual([e["seq"] for e in events], list(range(1, len(events) + 1)))
        self.assertEqual((events[0]["type"], events[-1]["type"]), ("started", "finished"))
        self.assertEqual(len([e for e in events if e["type"] == "part_verified" and e["ok"]]), 4)

        self.assertEqual([t["name"] for t in self.cloud.ok("schema", "show", "HQ", "a")["tables"]], ["items"])
        keys = self.cloud.ok("key", "list")["items"]
        self.assertEqual([(k["keyId"], k["connectorName"], k["revokedAt"]) for k in keys], [(self.agent.key_id, "HQ", None)])
        self.assertIsNotNone(keys[0]["usedAt"])
        self.assertEqual([(c["name"], c["online"]) for c in self.cloud.ok("connector", "list")["items"]], [("HQ", True)])
        self.assertEqual([c["id"] for c in self.agent.ok("db", "list").json["items"]], ["a", "b"])
        for words in (("execution", "show", "exe_none"), ("workflow", "export", "None"), ("schema", "show", "HQ", "none"), ("key", "revoke", "none")):
            self.assertEqual(self.cloud.cli(*words).code, 5, words)
        done = self.cloud.cli("key", "create", "--name", "HQ")
        self.assertEqual((done.code, done.error["code"]), (6, "CONFLICT"), done)

    def test_texts_for_people(self):
        words = ["--state", self.cloud.state]
        done = vmc(*words, "workflow", "run", self.cloud.definition_file(self.copy()))
        self.assertEqual(done.code, 0, done)
        self.assertRegex(done.out, r"exe_\w+ succeeded: 400 rows read, 400 written, 0 refused, 0 left out; proof: holds")
        for command in (("execution", "list"), ("workflow", "list"), ("connector", "list"), ("key", "list")):
            done = vmc(*words, *command)
            self.assertEqual(done.code, 0, done)
            self.assertRegex(done.out, r"HQ|Copy")
        execution = self.cloud.ok("execution", "list")["items"][0]["executionId"]
        for verb in ("show", "logs", "wait"):
            self.assertEqual(vmc(*words, "execution", verb, execution).code, 0)
        done = vmc(*words, "connector", "query", "HQ", "a", "--table", "items", "--columns", "id,name", "--limit", 3)
        self.assertEqual((done.code, len(done.out.splitlines())), (0, 4), done)

    def test_a_query(self):
        done = self.cloud.cli("connector", "query", "HQ", "a", "--table", "items", "--columns", "id,price,name", "--limit", 4)
        self.assertEqual(done.code, 0, done)
        self.assertEqual([c["name"] for c in done.json["columns"]], ["id", "price", "name"])
        with sqlite(self.a) as db:
            rows = {str(r[0]): r[1:] for r in db.execute("SELECT id, price, name FROM items")}
        self.assertEqual(done.json["rowCount"], 4)
        for key, *others in done.json["rows"]:  # beyond 2^53 a number travels as text
            self.assertEqual(tuple(others), rows[key])
        intent = self.folder / "intent.json"
        intent.write_text(json.dumps({"table": "items", "columns": ["id"], "order": [{"column": "id", "descending": True}], "limit": 1,
                                      "filter": {"op": "lt", "column": "price", "value": {"decimal": "1.00"}}}))
        with sqlite(self.a) as db:
            expected, = db.execute("SELECT max(id) FROM items WHERE CAST(price AS REAL) < 1").fetchone()
        self.assertEqual(self.cloud.ok("connector", "query", "HQ", "a", "--intent", intent)["rows"], [[str(expected)]])

    def test_the_same_over_the_network_with_a_token(self):
        token = self.folder / "token"
        token.write_text(self.cloud.token() + "\n")
        done = self.cloud.remote(token, "workflow", "run", self.cloud.definition_file(self.copy()))
        self.assertSucceeded(done.code, done.json, rowsWritten=400)
        self.assertEqual([k["keyId"] for k in self.cloud.remote(token, "key", "list").json["items"]], [self.agent.key_id])
        self.assertEqual(self.cloud.remote(token, "connector", "query", "HQ", "a", "--table", "items", "--columns", "id").json["rowCount"], 20)
        execution = self.cloud.remote(token, "execution", "list").json["items"][0]["executionId"]
        self.assertEqual(self.cloud.remote(token, "execution", "wait", execution).code, 0)
        done = self.cloud.remote(token, "key", "create", "--name", "Büro 2, Łódź & Söhne")
        self.assertEqual(done.code, 0, done)
        done = self.cloud.remote(token, "schema", "show", "Büro 2, Łódź & Söhne", "x")
        self.assertEqual((done.code, done.error["code"]), (5, "NOT_FOUND"), done)
        self.assertNotIn("there is nothing at", done.error["message"])
        self.assertEqual(self.cloud.remote(token, "tenant", "list").error["code"], "FORBIDDEN")
        done = vmc("--gateway", self.cloud.url, "--ca", self.cloud.authority, "--json", "key", "list", env={"VMC_TOKEN": token.read_text().strip()})
        self.assertEqual(done.code, 0, done)
        done = vmc("--gateway", self.cloud.url, "--ca", self.cloud.authority, "--json", "key", "list")
        self.assertEqual((done.code, done.error["code"]), (4, "AUTH_FAILED"), done)
        token.write_text("vmt_wrong")
        self.assertEqual(self.cloud.remote(token, "key", "list").error["code"], "AUTH_FAILED")

    def test_the_rest_api(self):
        token = self.cloud.token()
        call = lambda method, path, body=None, **headers: self.cloud.http(method, path, body, token, headers)
        status, _, saved = call("POST", "/api/v1/workflows", self.copy())
        self.assertEqual(status, 200, saved)
        workflow_id = saved["workflowId"]
        self.assertEqual(call("POST", "/api/v1/workflows", self.copy())[2]["version"], saved["version"], "nothing has changed")
        status, _, started = call("POST", f"/api/v1/workflows/{workflow_id}/executions", {}, **{"Idempotency-Key": "once"})
        self.assertEqual(status, 202, started)
        again = call("POST", f"/api/v1/workflows/{workflow_id}/executions", {}, **{"Idempotency-Key": "once"})[2]
        self.assertEqual(again["executionId"], started["executionId"])
        execution_id, after = started["executionId"], 0
        while True:  # a long poll answers whenever something has happened
            status, _, shown = call("GET", f"/api/v1/executions/{execution_id}?wait=20&after={after}")
            self.assertEqual(status, 200, shown)
            if shown["finishedAt"]:
                break
            self.assertGreater(shown["lastSeq"], after)
            after = shown["lastSeq"]
        self.assertEqual((shown["status"], shown["summary"]["proof"]), ("succeeded", True), shown)
        events = call("GET", f"/api/v1/executions/{execution_id}/events?after=0&limit=5")[2]["items"]
        self.assertEqual([e["seq"] for e in events], [1, 2, 3, 4, 5])
        for verb in ("cancel", "pause", "resume"):
            self.assertEqual(call("POST", f"/api/v1/executions/{execution_id}/{verb}", {})[0], 409)
        self.assertEqual(call("POST", "/api/v1/executions/" + execution_id + "/cancel", {})[0], 409)

        status, _, made = call("POST", "/api/v1/keys", {"name": "Second"})
        self.assertEqual(status, 201, made)
        key_id = made["keyId"]
        self.assertEqual(call("POST", "/api/v1/keys/" + key_id + "/revoke", {})[0], 200)
        self.assertEqual(call("POST", f"/api/v1/keys/{key_id}/revoke", {})[0], 200, "twice is once")
        self.assertEqual({k["keyId"] for k in call("GET", "/api/v1/keys")[2]["items"]}, {key_id, self.agent.key_id})
        self.assertEqual(call("POST", "/api/v1/tokens", {"name": "another"})[0], 201)
        name, connection = "HQ", "a"
        self.assertEqual(call("GET", "/api/v1/connectors")[0], 200)
        self.assertTrue(call("GET", f"/api/v1/connectors/{name}")[2]["online"])
        self.assertEqual([s["connection"] for s in call("GET", f"/api/v1/connectors/{name}/schemas")[2]["items"]], ["a", "b"])
        self.assertEqual(call("GET", f"/api/v1/connectors/{name}/schemas/{connection}")[2]["schema"]["tables"][0]["name"], "items")
        status, _, answer = call("POST", f"/api/v1/connectors/{name}/query",
                                 {"connection": "a", "intent": {"table": "items", "columns": ["id"], "limit": 2}, "timeoutMs": 5000})
        self.assertEqual((status, answer["rowCount"]), (200, 2), answer)
        self.assertEqual([w["workflowId"] for w in call("GET", "/api/v1/workflows")[2]["items"]], [workflow_id])
        self.assertEqual(call("GET", f"/api/v1/workflows/{workflow_id}")[2]["definition"]["name"], "Copy")
        self.assertEqual(len(call("GET", "/api/v1/executions?limit=50")[2]["items"]), 1)
        self.assertIn("KEY_REVOKED", [n["code"] for n in call("GET", "/api/v1/notices")[2]["items"]])
        self.assertEqual((call("GET", "/api/v1/tenants")[0], call("POST", "/api/v1/tenants", {"tenant": "x", "name": "X"})[0]), (403, 403))
        for path, status in (("/healthz", 200), ("/readyz", 200), ("/openapi.json", 200), ("/nothing", 404), ("/api/v1/executions?limt=5", 400),
                             ("/api/v1/executions?limit=x", 400), ("/api/v1/executions/" + "x" * 500, 404)):
            self.assertEqual(self.cloud.http("GET", path, token=token)[0], status, path)
        for body in ("", "{", "[]", '{"name": 7}', '{"name": "x", "more": 1}', '{"name": ""}', '{"name": "mini"}'):
            self.assertEqual(call("POST", "/api/v1/keys", body)[0], 400, body)
        self.assertEqual(call("DELETE", "/api/v1/keys")[0], 405)


class Control(Site):
    def test_cancel_what_waits_for_an_agent_that_is_away(self):
        self.two_sqlites()
        self.go("a", "b")
        self.agent.stop()
        execution = self.cloud.submit(self.copy())
        self.cloud.wait_status(execution, "waiting")
        self.cloud.ok("execution", "cancel", execution)
        code, summary = self.cloud.finish(execution)
        self.assertEqual((code, summary["status"], summary["proof"]), (3, "cancelled", False), summary)
        self.assertEqual(self.cloud.cli("execution", "cancel", execution).error["code"], "CONFLICT")
        self.agent.start()
        self.agent.connected()
        self.assertSucceeded(*self.cloud.run(self.copy()), rowsWritten=400)

    def test_cancel_reaches_a_statement_that_runs(self):
        PG.database("source", PG_ORDERS.format(table="orders"), PG_FILL.format(rows=50))
        PG.database("target", PG_ORDERS.format(table="orders"))
        self.site()
        self.agent.add_postgres("s", PG, "source").add_postgres("t", PG, "target", writable=["orders"])
        self.go("s", "t")
        with PG.lock("source", "orders"):
            execution = self.cloud.submit(workflow("Locked", ("HQ", "s", "orders"), ("HQ", "t", "orders")))
            blocked = "SELECT count(*) FROM pg_stat_activity WHERE datname = 'source' AND wait_event_type = 'Lock'"
            wait_until("the statement to wait for the lock", lambda: PG.sql("postgres", blocked).strip() == "1")
            self.cloud.ok("execution", "cancel", execution)
            code, summary = self.cloud.finish(execution)
            self.assertEqual((code, summary["status"]), (3, "cancelled"), summary)
            self.agent.wait_log(r"a command was cancelled")
            wait_until("the statement to be stopped", lambda: PG.sql("postgres", blocked).strip() == "0")
        self.assertSucceeded(*self.cloud.run(workflow("Free", ("HQ", "s", "orders"), ("HQ", "t", "orders"))), rowsWritten=50)

    def test_pause_and_resume(self):
        self.two_sqlites()
        self.go("a", "b")
        self.agent.stop()
        execution = self.cloud.submit(self.copy())
        self.cloud.wait_status(execution, "waiting")
        self.cloud.ok("execution", "pause", execution)
        self.cloud.wait_status(execution, "paused")
        self.agent.start()  # it answers what was asked before the pause, and is asked nothing more
        self.agent.wait_log(r"command done.*operation=split")
        self.cloud.wait_event(execution, "parts_fixed")
        self.cloud.wait_status(execution, "paused")
        self.assertEqual([e["purpose"] for e in self.cloud.events(execution, "command_issued")], ["split"])
        self.cloud.ok("execution", "resume", execution)
        self.assertSucceeded(*self.cloud.finish(execution), rowsWritten=400)
        self.assertSame()


class Outages(Site):
    def test_an_execution_waits_for_an_agent_that_is_started_later(self):
        self.two_sqlites()
        self.go("a", "b")
        self.agent.stop()
        execution = self.cloud.submit(self.copy())
        shown = self.cloud.wait_status(execution, "waiting")
        self.assertIn("agent", shown["waitingOn"], shown)
        self.agent.start()
        self.assertSucceeded(*self.cloud.finish(execution), rowsWritten=400)
        self.assertEqual(self.cloud.show(execution)["waitingOn"], "")
        self.assertSame()

    def test_an_execution_waits_for_a_worker_that_is_started_later(self):
        self.two_sqlites(worker=False)
        self.go("a", "b")
        execution = self.cloud.submit(self.copy())
        self.assertEqual(self.cloud.show(execution)["status"], "queued")
        self.cloud.start_worker()
        self.assertSucceeded(*self.cloud.finish(execution), rowsWritten=400)
        self.assertSame()

    def test_the_gateway_is_restarted_under_a_connected_agent(self):
        self.two_sqlites(rows=4000)
        self.go("a", "b")
        execution = self.cloud.submit(self.copy(rows_per_part=100))
        self.cloud.wait_event(execution, "part_loaded")
        here = self.agent.here()
        self.assertTrue(self.cloud.gateway.stop())
        self.agent.wait_log(r"not connected.*going away|not connected.*UNAVAILABLE", since=here)
        self.cloud.start_gateway()
        self.agent.connected(since=here)
        self.assertSucceeded(*self.cloud.finish(execution), parts=40, rowsWritten=4000)
        self.assertSame()

    def test_the_worker_is_restarted_and_another_one_helps(self):
        self.two_sqlites(rows=4000)
        self.go("a", "b")
        execution = self.cloud.submit(self.copy(rows_per_part=100))
        self.cloud.wait_event(execution, "part_loaded")
        self.assertTrue(self.cloud.worker.stop())
        self.assertIsNone(self.cloud.show(execution)["finishedAt"])
        self.cloud.start_worker()
        self.assertSucceeded(*self.cloud.finish(execution), parts=40, rowsWritten=4000)
        self.assertSame()
        # Nothing was done twice: each part was extracted and loaded once.
        self.assertEqual(len(self.cloud.events(execution, "part_loaded")), 40)

        second = self.process("worker2", self.cloud.worker.words).start()
        second.wait_log(r"worker +ready")
        runs = [self.cloud.submit(self.copy(f"Copy {n}")) for n in range(4)]
        self.cloud.worker.kill()  # its runs go on at the second one
        for run in runs:
            self.assertSucceeded(*self.cloud.finish(run), rowsWritten=4000)

    def test_the_agent_is_restarted_in_the_middle(self):
        self.two_sqlites(rows=4000)
        self.go("a", "b")
        execution = self.cloud.submit(self.copy(rows_per_part=100))
        self.cloud.wait_event(execution, "part_loaded")
        self.assertTrue(self.agent.stop())
        self.agent.start()
        self.assertSucceeded(*self.cloud.finish(execution), parts=40, rowsWritten=4000)
        self.assertSame()

    def test_a_gateway_that_cannot_be_reached_yet(self):
        self.two_sqlites()
        self.cloud.gateway.stop()
        self.agent.publish("a", "b").start()
        self.agent.wait_log(r"not connected.*UNAVAILABLE")
        self.agent.wait_log(r"(?s)not connected.*not connected.*not connected")
        self.assertTrue(self.agent.alive())
        self.cloud.start_gateway()
        self.agent.connected().wait_published("a", "b")
        self.assertSucceeded(*self.cloud.run(self.copy()), rowsWritten=400)

    def test_a_cloud_that_is_frozen_and_an_agent_that_is_silent(self):
        self.two_sqlites(heartbeat_timeout="2s")
        self.go("a", "b")
        self.agent.freeze()
        wait_until("the silent agent to count as gone", lambda: not self.cloud.ok("connector", "list")["items"][0]["online"])
        self.cloud.gateway.wait_log(r"agent disconnected")
        execution = self.cloud.submit(self.copy())
        here = self.agent.here()
        self.agent.thaw()
        self.agent.connected(since=here)
        self.assertSucceeded(*self.cloud.finish(execution), rowsWritten=400)

    def test_a_database_that_is_down(self):
        server = Postgres()
        self.addCleanup(server.close)
        server.database("shop", "CREATE TABLE items (id bigint PRIMARY KEY, name text, price numeric(12,2), sold date, changed_at timestamp)",
                        "INSERT INTO items SELECT n, 'x', n, NULL, now() FROM generate_series(1, 100) n")
        server.sql("postgres", "CREATE ROLE reader LOGIN PASSWORD 'reader-secret'")
        server.sql("shop", "GRANT SELECT ON items TO reader; REVOKE CREATE ON SCHEMA public FROM PUBLIC")
        self.b = make_items(self.folder / "b.db", 0)
        self.site()
        self.agent.add_postgres("pg", server, "shop", user="reader", password="reader-secret").add_sqlite("b", self.b, writable=["items"])
        self.assertEqual(self.agent.ok("db", "test", "pg").json["findings"], [], "a user that may only read")
        self.go("pg", "b")
        move = workflow("From the shop", ("HQ", "pg", "items"), ("HQ", "b", "items"))

        for connection, options, code, name, words in (
                ("closed", {"port": free_port()}, 7, "UNAVAILABLE", "nothing listens at 127.0.0.1:"),
                ("password", {"user": "reader", "password": "wrong-word"}, 4, "AUTH_FAILED", "password of user 'reader'"),
                ("nobody", {"user": "nobody", "password": "x"}, 4, "AUTH_FAILED", "'nobody'"),
                ("database", {"database": "shopp"}, 5, "NOT_FOUND", "no database 'shopp'")):
            with self.subTest(connection):
                options = {"database": "shop"} | options
                self.agent.add_postgres(connection, server, options.pop("database"), **options)
                done = self.agent.cli("db", "test", connection)
                self.assertEqual((done.code, done.error["code"]), (code, name), done)
                self.assertIn(words, done.error["message"])
                self.assertNotIn("wrong-word", done.err)
                (self.agent.config.parent / "conf.d" / f"{connection}.toml").unlink()

        server.stop()
        execution = self.cloud.submit(move)  # it comes back before the tries are used up
        self.assertEqual(self.cloud.wait_event(execution, "command_failed")[0]["code"], "UNAVAILABLE")
        server.start()
        self.assertSucceeded(*self.cloud.finish(execution), rowsWritten=100)

        server.stop()
        code, summary = self.cloud.run(move)
        self.assertFailed(code, summary, "UNAVAILABLE")
        self.assertIn(f"127.0.0.1:{server.port}", summary["message"])
        self.assertIn("'HQ'", summary["message"])
        server.start()
        self.assertSucceeded(*self.cloud.run(move), rowsWritten=100)

        # The database turns the agent away: that says nothing about the token of who asks.
        server.sql("postgres", "ALTER ROLE reader PASSWORD 'another'")
        server.stop()  # cuts the sessions that are open
        server.start()
        body = {"connection": "pg", "intent": {"table": "items", "columns": ["id"]}}
        ask = lambda: self.cloud.http("POST", "/api/v1/connectors/HQ/query", body, token=self.cloud.token())
        # The first use finds out that the pool's connection was cut.
        status, headers, problem = wait_until("a new connection", lambda: (got := ask())[0] != 503 and got)
        self.assertEqual((status, problem["code"]), (502, "DATABASE_ERROR"), problem)
        self.assertNotIn("WWW-Authenticate", headers)

    def test_a_sqlite_file_that_is_gone(self):
        self.two_sqlites()
        self.go("a", "b")
        self.a.rename(self.folder / "moved.db")
        done = self.agent.cli("db", "test", "a")
        self.assertEqual((done.code, done.error["code"]), (5, "NOT_FOUND"), done)
        self.agent.stop()
        self.agent.start()
        self.agent.connected()
        code, summary = self.cloud.run(self.copy())
        self.assertFailed(code, summary, "NOT_FOUND")
        self.assertIn("connection 'a'", summary["message"])


class AllInOne(E2ETest):
    def test_one_process_with_its_agent_inside(self):
        make_items(self.folder / "a.db", 100, others=("copies",))
        port = free_port()
        state, etc = self.folder / "state", self.folder / "etc"
        etc.mkdir()
        config = etc / "all.toml"
        config.write_text(f'[gateway]\nlisten = "127.0.0.1:{port}"\nsweep = "200ms"\n[worker]\nsweep = "200ms"\n')
        words = ["--state", state, "--json"]
        # First without an agent: the gateway makes its certificate.
        process = self.process("all-in-one", [BINARY, "--config", config, "--state", state, "all-in-one"])
        process.start().wait_log(r"gateway +ready")
        made = vmc(*words, "key", "create", "--name", "Here").json
        process.stop()
        self.assertEqual(process.running.returncode, 0)
        with open(config, "a") as file:
            file.write(f'[agent]\nname = "Here"\ncloud_url = "wss://127.0.0.1:{port}/ws"\nca_file = "{state}/state/tls/authority.pem"\n'
                       f'api_key = "file:{self.folder}/key"\nreconnect_min = "50ms"\n'
                       f'[[connections]]\nid = "a"\ntype = "sqlite"\nfile = "{self.folder}/a.db"\nwritable_tables = ["copies"]\nprivate = []\n')
        (self.folder / "key").write_text(made["key"])
        done = vmc("--config", config, "--state", state / "agent", "--json", "agent", "schema", "publish", "--yes", "a")
        self.assertEqual(done.code, 0, done)
        process.start().wait_log(r"agent +connected ")
        wait_until("the schema", lambda: vmc(*words, "schema", "show", "Here", "a").code == 0)
        file = self.folder / "workflow.json"
        file.write_text(json.dumps(workflow("Copy", ("Here", "a", "items"), ("Here", "a", "copies"))))
        done = vmc(*words, "workflow", "run", file)
        self.assertEqual(done.code, 0, done)
        self.assertSucceeded(done.code, done.json, rowsWritten=100)
        self.assertEqual(rows_of(self.folder / "a.db", "items"), rows_of(self.folder / "a.db", "copies"))
        self.assertTrue(process.stop())


if __name__ == "__main__":
    unittest.main()

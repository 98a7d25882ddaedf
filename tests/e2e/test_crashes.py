"""kill -9 at every named place of every role, and at random moments: the role is started again, the run ends with a
proof, and the destination equals the source.

VMC_SEED repeats a random run; it is printed at its start."""

import contextlib
import http.client
import os
import random
import re
import unittest

from harness import CEILING, ROOT, E2ETest, Postgres, make_items, rows_of, sqlite, wait_until, workflow

ROWS = 400
KILLS = 20


def crash_points():
    """Every name in the sources, and the files it stands in."""
    points = {}
    for file in sorted((ROOT / "src").rglob("*.cpp")):
        for name in re.findall(r'crash_point\("([^"]+)"\)', file.read_text()):
            points.setdefault(name, []).append(file)
    return points


# Which roles come by a place, for places that belong to no single role; `visit` is late enough to be inside a run.
SHARED = {
    "load.rows_written": [("agent", 2)], "load.committed": [("agent", 2)],
    "objects.put": [("gateway", 2), ("worker", 2)], "objects.synced": [("gateway", 2), ("worker", 2)],
    "store.commit": [("gateway", 9), ("worker", 9), ("agent", 9)],
    "store.committed": [("gateway", 9), ("worker", 9), ("agent", 9)],
}
ENROLMENT = {"agent.enrolled": "agent", "gateway.enrolled": "gateway"}
SWAP = ("swap.filled", "swap.committed")  # only a load that replaces its table comes by
VAULT = ("vault.temp_written", "vault.renamed")
AT_FIRST_VISIT = {"worker.leased", "worker.before_finish", "worker.finished", "worker.parked"}
ANSWER = "gateway.answers_told"  # of a query by hand: its caller has the answer, the state not yet
# Only a command that takes its time is acknowledged: an answer that comes at once says more.
WITH_SLOW_LOAD = {"agent.command_acked", "gateway.command_acked"}


class Crashes(E2ETest):
    def setUp(self):
        super().setUp()
        self.source, self.copy = make_items(self.folder / "a.db", ROWS), make_items(self.folder / "b.db", 0)

    def platform(self, **options):
        self.cloud = self.world(**options).start()
        self.agent = self.cloud.agent("HQ", start=False)
        self.agent.add_sqlite("a", self.source).add_sqlite("b", self.copy, writable=["items"]).publish("a", "b")
        return self.cloud

    def connect(self, **env):
        self.agent.start(**env)
        self.agent.connected().wait_published("a", "b")

    def role(self, name):
        return {"gateway": self.cloud.gateway, "worker": self.cloud.worker, "agent": self.agent}[name]

    def restart(self, name, **env):
        """Ends a role in order and starts it again, to die where VMC_CRASH_AT says."""
        self.role(name).stop()
        {"gateway": self.cloud.start_gateway, "worker": self.cloud.start_worker, "agent": self.agent.start}[name](**env)
        if name == "agent":
            self.agent.connected()

    @contextlib.contextmanager
    def held_destination(self):
        """Somebody else writes to the destination, which is empty, while the block runs: loads wait."""
        with sqlite(self.copy) as db:
            db.execute("DELETE FROM items")
        with sqlite(self.copy) as db:
            db.execute("BEGIN IMMEDIATE")
            yield

    def submit(self, rows_per_part=ROWS // 4, load_mode="upsert"):
        with sqlite(self.copy) as db:
            if db.execute("SELECT count(*) FROM items").fetchone() != (0,):
                db.execute("DELETE FROM items")
        return self.cloud.submit(workflow("Copy", ("HQ", "a", "items"), ("HQ", "b", "items"), rows_per_part=rows_per_part,
                                          load_mode=load_mode))

    def assertMoved(self, execution, rows=ROWS):
        code, summary = self.cloud.finish(execution)
        self.assertSucceeded(code, summary, rowsRead=rows, rowsRefused=0)
        self.assertEqual(summary["rowsWritten"], rows)
        self.assertEqual(rows_of(self.source, "items"), rows_of(self.copy, "items"))

    def visited(self):
        return set(self.cloud.crash_log.read_text().split())

    def test_every_named_place_of_every_role(self):
        points = crash_points()
        self.assertGreater(len(points), 20)
        plan = []
        for name in points:
            if name in ENROLMENT or name in VAULT or name in SWAP or name == ANSWER:
                continue
            owner = name.split(".")[0]
            visit = 1 if name in AT_FIRST_VISIT | WITH_SLOW_LOAD else 2
            plan += [(name, role, n) for role, n in SHARED.get(name, [(owner, visit)])]
        for name, role, _ in plan:
            self.assertIn(role, ("agent", "gateway", "worker"), f"no test knows which role comes by {name}")

        self.platform()
        self.vault_places()
        self.enrolment_places()
        self.answer_place()
        self.swap_places()
        for name, role, visit in plan:
            with self.subTest(point=name, role=role):
                self.restart(role, VMC_CRASH_AT=f"{name}:{visit}")
                with self.held_destination() if name in WITH_SLOW_LOAD else contextlib.nullcontext():
                    execution = self.submit()
                    self.assertEqual(self.role(role).wait_end(), -9, f"{role} has not come by {name}")
                self.restart(role)
                self.assertMoved(execution)
        self.assertEqual(set(points) - self.visited(), set(), "never visited")

    def vault_places(self):
        """The vault is written by the command line: what it was doing is done again."""
        for name in VAULT:
            with self.subTest(point=name):
                done = self.agent.configure(self.agent.key, force=True, env={"VMC_CRASH_AT": name, "VMC_CRASH_LOG": self.cloud.crash_log})
                self.assertEqual(done.code, -9, done)
                self.assertIn(name, self.visited())
        # The agent's own first start makes its keys: cut off there, it makes them at the next.
        self.assertEqual(self.agent.start(VMC_CRASH_AT="vault.renamed").wait_end(), -9)
        done = self.agent.configure(self.agent.key, force=True)
        self.assertEqual(done.code, 0, done)

    def enrolment_places(self):
        """The key is used at the first login: a gateway or an agent that dies there must not have used it up."""
        self.cloud.gateway.stop()
        self.cloud.start_gateway(VMC_CRASH_AT="gateway.enrolled")
        self.agent.start()
        self.assertEqual(self.cloud.gateway.wait_end(), -9)
        self.cloud.start_gateway()
        self.agent.connected().wait_published("a", "b")
        self.agent.stop()
        # A second one, to die on the other side.
        other = self.cloud.agent("Second", start=False)
        self.assertEqual(other.start(VMC_CRASH_AT="agent.enrolled").wait_end(), -9)
        other.start()
        other.connected()
        other.stop()
        self.agent.start()
        self.agent.connected()

    def answer_place(self):
        """What the gateway told and had not recorded comes from the agent again."""
        token = self.cloud.token()

        def answer():
            with contextlib.suppress(OSError, http.client.HTTPException):  # the gateway may be gone
                body = {"connection": "a", "intent": {"table": "items", "columns": ["id"]}}
                status, _, answer = self.cloud.http("POST", "/api/v1/connectors/HQ/query", body, token=token)
                return answer if status == 200 else None

        self.restart("gateway", VMC_CRASH_AT=ANSWER)
        wait_until("the answer before the end, or the end", lambda: answer() or not self.cloud.gateway.alive())
        self.assertEqual(self.cloud.gateway.wait_end(), -9)
        self.restart("gateway")
        with sqlite(self.cloud.state / "state" / "vmc.db") as db:
            states = lambda: [state for state, in db.execute("SELECT status FROM commands WHERE execution_id = 'query'")]
            wait_until(lambda: f"the query is {states()}", lambda: states() == ["done"])
        self.assertEqual(wait_until("an answer of the gateway started again", answer)["rowCount"], ROWS)

    def swap_places(self):
        for name in SWAP:
            with self.subTest(point=name):
                self.restart("agent", VMC_CRASH_AT=name)
                execution = self.submit(load_mode="replace")
                self.assertEqual(self.agent.wait_end(), -9)
                self.restart("agent")
                self.assertMoved(execution)

    def test_a_load_into_postgres_that_dies_around_its_commit(self):
        server = Postgres()
        self.addCleanup(server.close)
        server.database("shop", "CREATE TABLE items (id bigint PRIMARY KEY, name text, price numeric(12,2), sold date, "
                                "changed_at timestamp NOT NULL)")
        self.platform()
        self.agent.add_postgres("pg", server, "shop", writable=["items"]).publish("pg")
        self.connect()
        self.agent.wait_published("pg")
        expected = None
        for name in ("load.rows_written", "load.committed"):
            for mode in ("upsert", "insert"):
                with self.subTest(point=name, mode=mode):
                    server.sql("shop", "TRUNCATE items")
                    self.restart("agent", VMC_CRASH_AT=f"{name}:2")
                    execution = self.cloud.submit(workflow(f"To PostgreSQL, {mode}", ("HQ", "a", "items"), ("HQ", "pg", "items"),
                                                           load_mode=mode))
                    self.assertEqual(self.agent.wait_end(), -9)
                    self.restart("agent")
                    code, summary = self.cloud.finish(execution)
                    self.assertSucceeded(code, summary, rowsRead=ROWS, rowsWritten=ROWS)
                    rows = server.rows("shop", "items", "id, name, price, sold, changed_at")
                    self.assertEqual(len(rows), ROWS)
                    expected = expected or rows
                    self.assertEqual(rows, expected)
        with sqlite(self.source) as db:
            self.assertEqual([r.split("\t")[0] for r in expected],
                             [str(i) for i, in db.execute("SELECT id FROM items ORDER BY id")])

    def test_random_kills_during_a_long_run(self):
        seed = int(os.environ.get("VMC_SEED") or random.SystemRandom().randrange(1 << 32))
        print(f"\nVMC_SEED={seed}", flush=True)
        dice = random.Random(seed)
        rows = 6_000
        with sqlite(self.source) as db:
            db.execute("DELETE FROM items")
        self.source.unlink()
        make_items(self.source, rows)
        self.platform()
        self.connect()
        execution = self.submit(rows_per_part=rows // 60)
        struck = 0
        for kill in range(KILLS):
            # Some events later, whatever they are: progress says when, not the clock.
            before = self.cloud.show(execution)["lastSeq"]
            ahead = dice.randrange(1, 12)
            wait_until(lambda: f"progress before kill {kill}: {self.cloud.show(execution)}",
                       lambda: (shown := self.cloud.show(execution))["finishedAt"] or shown["lastSeq"] >= before + ahead, CEILING * 2)
            name = dice.choice(("agent", "gateway", "worker"))
            struck += self.cloud.show(execution)["finishedAt"] is None
            self.role(name).kill()
            self.restart_after_kill(name)
        self.assertGreaterEqual(struck, KILLS // 2, f"only {struck} kills struck a run; VMC_SEED={seed}")
        self.assertMoved(execution, rows)

    def restart_after_kill(self, name):
        {"gateway": self.cloud.start_gateway, "worker": self.cloud.start_worker, "agent": self.agent.start}[name]()


if __name__ == "__main__":
    unittest.main()

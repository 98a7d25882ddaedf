"""Incremental extraction while others write: equal instants, transactions that commit after a run although they began
before it, and values out of order. When the writers have stopped, one more run makes the destination equal."""

import os
import random
import sqlite3
import subprocess
import threading
import unittest

from harness import E2ETest, Mariadb, Postgres, _die_with_parent, sqlite, workflow
from test_mssql import SqlServer
from test_odbc_mssql import DRIVER as FREETDS

PG = MY = None
SEED = int(os.environ.get("VMC_SEED", 0)) or random.SystemRandom().randrange(1, 1 << 32)

TABLE = """CREATE TABLE items (id BIGINT NOT NULL PRIMARY KEY, note VARCHAR(40) NOT NULL, changed_at {time} NOT NULL,
           version BIGINT NOT NULL)"""
COLUMNS = "id, note, changed_at, version"
OWNERS = 4  # writers; each changes rows of its own only, so that none waits for another
ROUNDS = 3


def setUpModule():
    global PG, MY
    PG = Postgres()
    unittest.addModuleCleanup(PG.close)
    MY = Mariadb()
    unittest.addModuleCleanup(MY.close)


# --- writers -----------------------------------------------------------------------------------------------------


class ClientWriter:
    """A connection of a database's own client program; run() returns when the server has answered."""

    def __init__(self, words, env=None):
        self.client = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                       env=os.environ | (env or {}), preexec_fn=_die_with_parent)
        self.answers = 0

    def run(self, *statements):
        self.answers += 1
        mark = f"answer {self.answers}"
        self.client.stdin.write("".join(s + ";\n" for s in (*statements, f"SELECT '{mark}'")).encode())
        self.client.stdin.flush()
        while line := self.client.stdout.readline():
            if line.decode().strip() == mark:
                return
        raise AssertionError(self.client.stderr.read().decode())

    def begin(self):
        self.run("BEGIN")

    def close(self):
        self.client.stdin.close()
        self.client.wait(20)
        self.client.stdout.close()
        self.client.stderr.close()


class SqliteWriter:
    def __init__(self, file):
        self.db = sqlite3.connect(file, isolation_level=None, timeout=30, check_same_thread=False)

    def run(self, *statements):
        for statement in statements:
            self.db.execute(statement)

    def begin(self):
        self.run("BEGIN IMMEDIATE")

    def close(self):
        self.db.close()


class PostgresShop:
    time, writers_at_once = "TIMESTAMP(0)", True

    def __init__(self, test):
        PG.database("shop", TABLE.format(time=self.time))

    def add_to(self, agent):
        agent.add_postgres("s", PG, "shop")

    def writer(self):
        return ClientWriter(["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", str(PG.port), "-U",
                             PG.user, "-d", "shop"], {"PGPASSWORD": PG.password, "PGSSLMODE": "disable"})

    def rows(self):
        return [tuple(line.split("|")) for line in PG.sql("shop", f"SELECT {COLUMNS} FROM items ORDER BY id").splitlines()]


class MariadbShop:
    time, writers_at_once = "DATETIME", True

    def __init__(self, test):
        MY.database("shop", TABLE.format(time=self.time))

    def add_to(self, agent):
        agent.add_mysql("s", MY, "shop")

    def writer(self):
        return ClientWriter(["mariadb", f"--defaults-file={MY.folder / 'client.cnf'}", "-N", "-B", "-n", "shop"])

    def rows(self):
        return [tuple(line.split("\t")) for line in MY.sql("shop", f"SELECT {COLUMNS} FROM items ORDER BY id").splitlines()]


class SqliteShop:
    time, writers_at_once = "TIMESTAMP", False  # one transaction that writes at a time

    def __init__(self, test):
        self.file = test.folder / "shop.db"
        with sqlite(self.file) as db:
            db.execute("PRAGMA journal_mode=WAL")
            db.execute(TABLE.format(time=self.time))

    def add_to(self, agent):
        agent.add_sqlite("s", self.file)

    def writer(self):
        return SqliteWriter(self.file)

    def rows(self):
        return text_rows(self.file)


def text_rows(file):
    with sqlite(file) as db:
        return [tuple(str(c) for c in row) for row in db.execute(f"SELECT {COLUMNS} FROM items ORDER BY id")]


class OdbcPostgresShop(PostgresShop):
    def add_to(self, agent):
        agent.add_odbc("s", PG, "shop")


class OdbcMariadbShop(MariadbShop):
    def add_to(self, agent):
        agent.add_odbc("s", MY, "shop")


class MssqlShop:
    """The TDS server of tests/tds; who writes does so behind its back, to the SQLite file that it serves."""

    time, writers_at_once = "DATETIME2(0)", False

    def __init__(self, test):
        self.server = SqlServer()
        test.addCleanup(self.server.close)
        self.server.control(do="create", database="shop", snapshot=True)
        self.server.control(do="run", database="shop", sql=TABLE.format(time=self.time))
        self.file = f"{self.server.folder.name}/shop.db"

    def add_to(self, agent):
        agent.add_server("mssql", "s", self.server, "shop")

    def writer(self):
        return SqliteWriter(self.file)

    def rows(self):
        return text_rows(self.file)


class OdbcMssqlShop(MssqlShop):
    def add_to(self, agent):
        agent.ok("db", "add", "s", "--type", "odbc", "--driver", FREETDS, "--host", "127.0.0.1", "--port", self.server.port,
                 "--database", "shop", "--user", self.server.user, "--password-stdin", stdin=self.server.password + "\n")
        agent.tune("s")


class Changes:
    """Random inserts and updates. Instants repeat and go back by up to two minutes; versions are taken in order, as
    from a sequence, and become visible in the order of the commits."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.lock = threading.Lock()
        self.version = 0
        self.free = list(range(1, 4000))
        self.random.shuffle(self.free)
        self.owned = {n: [] for n in range(OWNERS)}
        self.minute = 10

    def statement(self, owner):
        with self.lock:
            self.version += 1
            note = f"{owner}-{self.version}"
            second = self.minute * 60 - self.random.choice((0, 0, 0, 1, 2, 60, 120))
            at = f"2024-03-01 {second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}"
            if self.free and (not self.owned[owner] or self.random.random() < 0.6):
                key = self.free.pop()
                self.owned[owner].append(key)
                return f"INSERT INTO items VALUES ({key}, '{note}', '{at}', {self.version})"
            key = self.random.choice(self.owned[owner])
            return f"UPDATE items SET note = '{note}', changed_at = '{at}', version = {self.version} WHERE id = {key}"

    def some(self, owner):
        return [self.statement(owner) for _ in range(self.random.randrange(1, 5))]


# --- tests -------------------------------------------------------------------------------------------------------


class Cursors(E2ETest):
    def start(self, shop):
        self.target = self.folder / "target.db"
        with sqlite(self.target) as db:
            db.execute(TABLE.format(time="TIMESTAMP"))
        self.cloud = self.world().start()
        agent = self.cloud.agent("HQ", start=False).add_sqlite("t", self.target, writable=["items"])
        shop.add_to(agent)
        agent.publish("s", "t").start()
        agent.connected().wait_published("s", "t")

    def increments(self, cursor, **options):
        return workflow("Increments", ("HQ", "s", "items"), ("HQ", "t", "items"), mode="incremental", cursor=cursor,
                        rows_per_part=40, **options)

    def writers(self, shop, count):
        writers = [shop.writer() for _ in range(count)]
        for writer in writers:
            self.addCleanup(writer.close)
        return writers

    def run_among_writers(self, definition, writers, changes):
        """A run while the writers commit one transaction after another: what it reads and what it proves is one snapshot."""
        over, broken = threading.Event(), []

        def write():
            try:
                for _ in range(150):
                    for owner, writer in writers:
                        writer.begin()
                        writer.run(*changes.some(owner), "COMMIT")
                    if over.is_set():
                        return
            except Exception as error:  # told by the main thread
                broken.append(error)

        thread = threading.Thread(target=write)
        thread.start()
        try:
            self.assertSucceeded(*self.cloud.run(definition))
        finally:
            over.set()
            thread.join()
        self.assertEqual(broken, [])

    def lose_nothing(self, make_shop, cursor):
        print(f"VMC_SEED={SEED}")
        shop = make_shop(self)
        self.start(shop)
        changes = Changes(SEED)
        writers = list(enumerate(self.writers(shop, OWNERS)))
        increments = self.increments(cursor)
        for number in range(ROUNDS):
            changes.minute += 1
            late = writers[:2] if shop.writers_at_once else []
            for owner, writer in late:  # begun before the runs, committed after them
                writer.begin()
                writer.run(*changes.some(owner))
            self.run_among_writers(increments, [w for w in writers if w not in late], changes)
            if not shop.writers_at_once:
                late = writers[number % OWNERS:][:1]
                for owner, writer in late:
                    writer.begin()
                    writer.run(*changes.some(owner))
            self.assertSucceeded(*self.cloud.run(increments))  # the watermark passes what is not committed yet
            for _, writer in late:
                writer.run("COMMIT")
        self.assertSucceeded(*self.cloud.run(increments))
        self.assertTrue(shop.rows())
        self.assertEqual(shop.rows(), text_rows(self.target), f"VMC_SEED={SEED}")
        self.assertSucceeded(*self.cloud.run(increments), rowsWritten=0)

    def test_postgres_by_an_instant(self):
        self.lose_nothing(PostgresShop, "changed_at")

    def test_postgres_by_a_number(self):
        self.lose_nothing(PostgresShop, "version")

    def test_mariadb_by_an_instant(self):
        self.lose_nothing(MariadbShop, "changed_at")

    def test_mariadb_by_a_number(self):
        self.lose_nothing(MariadbShop, "version")

    def test_sqlite_by_an_instant(self):
        self.lose_nothing(SqliteShop, "changed_at")

    def test_sqlite_by_a_number(self):
        self.lose_nothing(SqliteShop, "version")

    def test_sql_server_by_an_instant(self):
        self.lose_nothing(MssqlShop, "changed_at")

    def test_postgres_over_odbc_by_an_instant(self):
        self.lose_nothing(OdbcPostgresShop, "changed_at")

    def test_mariadb_over_odbc_by_a_number(self):
        self.lose_nothing(OdbcMariadbShop, "version")

    def test_sql_server_over_odbc_by_a_number(self):
        self.lose_nothing(OdbcMssqlShop, "version")

    def test_the_overlap_is_what_saves_late_commits(self):
        shop = PostgresShop(self)
        self.start(shop)
        early, late = self.writers(shop, 2)
        late.begin()
        late.run("INSERT INTO items VALUES (1, 'late', '2024-03-01 10:00:00', 1)")
        early.run("INSERT INTO items VALUES (2, 'early', '2024-03-01 10:10:00', 50)")
        for cursor, short, long in (("changed_at", "9m", "11m"), ("version", 48, 50)):
            with self.subTest(cursor):
                with sqlite(self.target) as db:
                    db.execute("DELETE FROM items")
                narrow, wide = (self.increments(cursor, overlap=o) | {"name": f"{cursor} {o}"} for o in (short, long))
                for each in (narrow, wide):
                    self.assertSucceeded(*self.cloud.run(each), rowsWritten=1)
                late.run("COMMIT")
                self.assertSucceeded(*self.cloud.run(narrow), rowsWritten=0)
                self.assertNotEqual(shop.rows(), text_rows(self.target))
                self.assertSucceeded(*self.cloud.run(wide), rowsWritten=1)
                self.assertEqual(shop.rows(), text_rows(self.target))
                late.run("DELETE FROM items WHERE id = 1")
                late.begin()
                late.run("INSERT INTO items VALUES (1, 'late', '2024-03-01 10:00:00', 1)")
        late.run("ROLLBACK")

    def test_without_overlap_rows_of_the_watermarks_own_value_are_still_told_apart(self):
        shop = SqliteShop(self)
        self.start(shop)
        writer, = self.writers(shop, 1)
        for cursor, overlap in (("changed_at", "0s"), ("version", 0)):
            with self.subTest(cursor):
                writer.run("DELETE FROM items", "INSERT INTO items VALUES (5, 'first', '2024-03-01 10:00:00', 7)")
                with sqlite(self.target) as db:
                    db.execute("DELETE FROM items")
                increments = self.increments(cursor, overlap=overlap) | {"name": cursor}
                self.assertSucceeded(*self.cloud.run(increments), rowsWritten=1)
                writer.run("INSERT INTO items VALUES (1, 'lower key', '2024-03-01 10:00:00', 7)")
                self.assertSucceeded(*self.cloud.run(increments), rowsWritten=1)
                self.assertEqual(shop.rows(), text_rows(self.target))

    def test_a_cursor_that_cannot_be_read_again_from_a_little_before_is_refused(self):
        shop = SqliteShop(self)
        self.start(shop)
        for cursor, overlap in (("note", None), ("version", "1m"), ("changed_at", 5)):
            with self.subTest(cursor):
                code, summary = self.cloud.run(self.increments(cursor, overlap=overlap) | {"name": cursor})
                self.assertFailed(code, summary, "WORKFLOW_INVALID")
                self.assertIn(f"'{cursor}'", summary["message"])


class Runs(E2ETest):
    """Runs of one incremental workflow that overlap, or end before their time: steps of the worker are few and known."""

    EXTRACT, LOAD = 2, 3  # which answer of the agent the worker takes in

    def setUp(self):
        super().setUp()
        self.source, self.target = self.folder / "source.db", self.folder / "target.db"
        for file in (self.source, self.target):
            with sqlite(file) as db:
                db.execute("PRAGMA journal_mode=WAL")
                db.execute("CREATE TABLE items (id INTEGER NOT NULL PRIMARY KEY, note TEXT, changed_on DATE NOT NULL)")
        self.write("INSERT INTO items VALUES (1, 'open', '2024-03-01')")
        self.cloud = self.world().start(worker=False)
        agent = self.cloud.agent("HQ", start=False).add_sqlite("s", self.source).add_sqlite("t", self.target, writable=["items"])
        agent.publish("s", "t").start()
        agent.connected().wait_published("s", "t")

    def write(self, statement):
        with sqlite(self.source) as db:
            db.execute(statement)

    def rows(self, file):
        with sqlite(file) as db:
            return db.execute("SELECT * FROM items ORDER BY id").fetchall()

    def increments(self, **options):
        return workflow("Increments", ("HQ", "s", "items"), ("HQ", "t", "items"), mode="incremental", cursor="changed_on", **options)

    def work_until(self, answer):
        self.cloud.start_worker(VMC_CRASH_AT=f"worker.results_taken:{answer}")
        self.cloud.worker.wait_end()

    def test_a_run_waits_for_the_one_before_and_goes_on_where_that_has_ended(self):
        first = self.cloud.submit(self.increments())
        self.work_until(self.EXTRACT)
        self.cloud.ok("execution", "pause", first)
        self.write("UPDATE items SET note = 'closed'")
        second = self.cloud.submit(self.increments())
        self.cloud.start_worker()
        waiting = self.cloud.wait_status(second, "waiting")
        self.assertIn(f"an earlier run of this workflow is under way: {first}", waiting["waitingOn"])
        self.cloud.ok("execution", "resume", first)
        self.assertSucceeded(*self.cloud.finish(first), rowsWritten=1)
        self.assertSucceeded(*self.cloud.finish(second), rowsWritten=1)
        self.assertEqual(self.rows(self.target), self.rows(self.source))

    def test_rows_that_are_only_inserted_come_once_however_many_runs_are_waiting(self):
        runs = [self.cloud.submit(self.increments(key=None, load_mode="insert")) for _ in range(3)]
        self.cloud.start_worker()
        for run in runs:
            code, summary = self.cloud.finish(run)
            self.assertEqual((code, summary["status"]), (0, "succeeded"), summary)
        self.assertEqual(self.rows(self.target), self.rows(self.source))

    def test_a_run_that_waits_can_be_cancelled(self):
        first = self.cloud.submit(self.increments())
        self.work_until(self.EXTRACT)
        self.cloud.ok("execution", "pause", first)
        second = self.cloud.submit(self.increments())
        self.cloud.start_worker()
        self.cloud.wait_status(second, "waiting")
        self.cloud.ok("execution", "cancel", second)
        self.assertEqual(self.cloud.finish(second)[1]["status"], "cancelled")

    def test_what_a_cancelled_run_has_loaded_is_not_taken_for_what_was_there_before(self):
        self.cloud.start_worker()
        self.assertSucceeded(*self.cloud.run(self.increments()), rowsWritten=1)
        self.cloud.worker.stop()
        self.write("UPDATE items SET note = 'closed'")
        cancelled = self.cloud.submit(self.increments())
        self.work_until(self.LOAD)
        self.cloud.ok("execution", "cancel", cancelled)
        self.cloud.start_worker()
        self.assertEqual(self.cloud.finish(cancelled)[1]["status"], "cancelled")
        self.write("UPDATE items SET note = 'open'")
        self.assertSucceeded(*self.cloud.run(self.increments()), rowsWritten=1)
        self.assertEqual(self.rows(self.target), self.rows(self.source))


if __name__ == "__main__":
    unittest.main()

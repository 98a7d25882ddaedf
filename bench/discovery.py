"""A large schema, discovered: vmc agent schema export on PostgreSQL, MariaDB and SQLite, beside the database's own
program that writes a schema out, in the same run.

    bench/discovery.py [--tables 2000] [--json FILE] [--check]

Tables have 12 columns, a primary and a unique key, and a reference to the table before; a twentieth as many views stand
over them. Seconds are of the whole program, from its start to the end of its output; medians of three."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from small_site import options

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests/e2e"))
import harness  # noqa: E402

SECONDS_LIMIT = 5
ROUNDS = 3
COLUMNS = ", ".join(f"c{n} {kind}" for n, kind in enumerate(
    ["varchar(40) NOT NULL", "decimal(12,2)", "integer DEFAULT 7", "timestamp NULL", "date", "varchar(200)", "smallint", "decimal(8,3)",
     "varchar(10)", "bigint"]))


def statements(tables):
    for n in range(tables):
        before = f", FOREIGN KEY (parent) REFERENCES t{n - 1} (id)" if n else ""
        yield f"CREATE TABLE t{n} (id bigint PRIMARY KEY, parent bigint, {COLUMNS}, UNIQUE (c0){before});"
    for n in range(tables // 20):
        yield f"CREATE VIEW v{n} AS SELECT a.id, b.c0, a.c1 + 1 AS more FROM t{n} a JOIN t{n + 1} b ON b.id = a.parent;"


def seconds(words, env=None):
    start = time.monotonic()
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env)
    assert done.returncode == 0, done.stderr.decode()
    return time.monotonic() - start, done.stdout


def measured(agent, connection, dump, env=None, tables=0):
    ours, theirs = [], []
    for _ in range(ROUNDS):
        took, found = seconds([str(w) for w in (harness.BINARY, "--config", agent.config, "--state", agent.home, "--json", "agent", "schema",
                                                "export", connection)])
        schema = json.loads(found)
        assert len(schema["tables"]) == tables + tables // 20, len(schema["tables"])
        ours.append(took)
        theirs.append(seconds(dump, env)[0])
    return statistics.median(ours), statistics.median(theirs)


def measure(folder, tables):
    text = "\n".join(statements(tables))
    (folder / "world").mkdir()
    world = harness.World(folder / "world", watched=False)
    postgres, mariadb = harness.Postgres(), None
    try:
        world.start(worker=False)
        agent = world.agent("HQ", start=False)
        mariadb = harness.Mariadb()
        agent.add_postgres("pg", postgres, postgres.database("large", text))
        agent.add_mysql("my", mariadb, mariadb.database("large", text))
        with harness.sqlite(folder / "large.db") as db:
            db.executescript("BEGIN;" + text + "COMMIT;")
        agent.add_sqlite("file", folder / "large.db")
        dsn = f"host=127.0.0.1 port={postgres.port} dbname=large user={postgres.user}"
        return {
            "PostgreSQL": (*measured(agent, "pg", ["pg_dump", "--schema-only", dsn],
                                     {**os.environ, "PGPASSWORD": postgres.password}, tables), "pg_dump --schema-only"),
            "MariaDB": (*measured(agent, "my", ["mariadb-dump", f"--defaults-file={mariadb.folder / 'client.cnf'}", "--no-data", "large"],
                                  None, tables), "mariadb-dump --no-data"),
            "SQLite": (*measured(agent, "file", [sys.executable, "-c", "import sqlite3,sys; d=sqlite3.connect(sys.argv[1]); "
                       "[d.execute(f'pragma table_xinfo({n})').fetchall() for n, in d.execute('select name from sqlite_master where type in "
                       "(\"table\",\"view\")').fetchall()]", str(folder / "large.db")], None, tables), "Python, pragma table_xinfo"),
        }
    finally:
        world.close()
        postgres.close()
        if mariadb:
            mariadb.close()


def main():
    given = options(__doc__, tables=2000)
    with tempfile.TemporaryDirectory(prefix="vmc-bench-") as folder:
        result = measure(Path(folder), given.tables)
    print(f"{given.tables} tables, {given.tables // 20} views, seconds")
    for name, (ours, theirs, peer) in result.items():
        print(f"  {name:<11} {ours:6.2f}   {peer}: {theirs:.2f}")
    if given.json:
        given.json.write_text(json.dumps(result, indent=1))
    return 1 if given.check and any(ours >= SECONDS_LIMIT for ours, _, _ in result.values()) else 0


if __name__ == "__main__":
    sys.exit(main())

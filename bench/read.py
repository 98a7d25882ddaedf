"""Reading a table of 12 columns: by the agent's own code into batches that are dropped and into sealed chunks that go
nowhere, beside the clients of the databases and Node, on the same server in the same rounds.

    bench/read.py [--rows 5000000] [--mariadb-rows 2000000] [--rounds 3] [--only postgres|mariadb] [--json FILE] [--check]

The limit of PostgreSQL is a client that takes the bytes of the same SELECT off the socket and does not look at them.
MB/s are the bytes on the wire, of values, of batches and of sealed chunks. The limits printed are what the product
promises; --check makes them the exit code."""

import argparse
import contextlib
import json
import sys
from pathlib import Path

from sales import COLUMNS, FILL, MARIADB_COLUMNS, MARIADB_FILL, MARIADB_OPTIONS, POSTGRES_OPTIONS, ROOT, harness
from sides import PROGRAMS, Limits, libpq, mysql, psql, rounds, show, told, transfers, watched

RAW, MYSQL = "raw socket", "mysql -q -N"
BATCHES, CHUNKS = "vmc, into batches", "vmc, into sealed chunks"
RATIOS = {"postgres": {BATCHES: 0.85, CHUNKS: 0.6}, "mariadb": {BATCHES: 1.0, CHUNKS: 0.8}}
PEAK_LIMIT_MB = 64
PEAK_SPREAD_LIMIT = 0.10
NODE_ROWS_MAX = 1_000_000  # it is slow, and its speed does not depend on their number


def ours(kind, server, rows):
    def side(work, count):
        run = transfers(kind, server, "source", work, rows=count)
        assert run["rows"] == count, f"{run['rows']} rows were read, {count} are there"
        return run

    sides = {BATCHES: lambda: side("batches", rows), CHUNKS: lambda: side("chunks", rows)}
    return sides, lambda: side("chunks", rows // 5)


def node(server, scheme, rows):
    url = f"{scheme}://{server.user}:{server.password}@127.0.0.1:{server.port}/source"
    rows = min(rows, NODE_ROWS_MAX)
    return watched(["node", ROOT / "bench/node/read.js", url, str(rows)], {"TZ": "UTC"}, rows, f"rows {rows}\n")


def drain(server, how, rows, *options):
    conninfo, env = libpq(server, "source")
    run = told([PROGRAMS / "bench_drain", how, "--conninfo", conninfo, "--select", "SELECT * FROM sales", *options], env)
    assert run["rows"] == rows, run
    return run


def copy(server, rows, form):
    return psql(server, "source", [rf"\copy (SELECT * FROM sales) TO '/dev/null' WITH (FORMAT {form})"], rows, f"COPY {rows}\n")


@contextlib.contextmanager
def postgres(rows):
    with contextlib.closing(harness.Postgres(POSTGRES_OPTIONS)) as server:
        server.database("source", f"CREATE TABLE sales ({COLUMNS.format(extra='note text')})", FILL.format(rows=rows), "VACUUM ANALYZE sales",
                        "CHECKPOINT")
        yield {RAW: lambda: drain(server, "raw", rows),
               "raw socket, binary": lambda: drain(server, "raw", rows, "--binary"),
               "libpq, single rows": lambda: drain(server, "libpq", rows),
               "libpq, single rows, binary": lambda: drain(server, "libpq", rows, "--binary"),
               r"psql \copy, binary": lambda: copy(server, rows, "binary"),
               r"psql \copy, csv": lambda: copy(server, rows, "csv"),
               "node pg-query-stream": lambda: node(server, "postgres", rows)}, *ours("postgres", server, rows)


@contextlib.contextmanager
def mariadb(rows):
    with contextlib.closing(harness.Mariadb(MARIADB_OPTIONS)) as server:
        server.database("source", f"CREATE TABLE sales ({MARIADB_COLUMNS})", MARIADB_FILL.format(rows=rows), "ANALYZE TABLE sales")
        words = ["sh", "-c", 'exec "$@" > /dev/null', "sh", *mysql(server, "source", "SELECT * FROM sales", "-q")]
        yield {MYSQL: lambda: watched(words, {}, rows),
               "node mysql2 stream": lambda: node(server, "mysql", rows)}, *ours("mysql", server, rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--mariadb-rows", type=int, default=2_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", choices=["postgres", "mariadb"])
    parser.add_argument("--json", type=Path)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    results = {}
    for name, place, rows, limit in (("postgres", postgres, options.rows, RAW), ("mariadb", mariadb, options.mariadb_rows, MYSQL)):
        if options.only not in (None, name):
            continue
        with place(rows) as (others, ours_too, small):
            runs = rounds(options.rounds, others | ours_too)
            show(f"{name}: {rows:,} rows of 12 columns", runs, limit)
            results[name] = runs | {"a fifth of the rows": small()}
    if options.json:
        options.json.write_text(json.dumps(results, indent=1))
    limits = Limits()
    for name, runs in results.items():
        for side, least in RATIOS[name].items():
            limits.ratio(name, runs, side, RAW if name == "postgres" else MYSQL, least)
        limits.peaks(f"{name}, sealed chunks", [runs["a fifth of the rows"], runs[CHUNKS]], PEAK_LIMIT_MB, PEAK_SPREAD_LIMIT)
    return 1 if limits.broken and options.check else 0


if __name__ == "__main__":
    sys.exit(main())

"""Loading a table of 12 columns: sealed chunks by the agent's own code, beside the fastest that the databases' own clients
can do (COPY or LOAD DATA into a temporary table, and one statement that merges it), on the same server in the same rounds.

    bench/load.py [--rows 1000000] [--rounds 3] [--only postgres|mariadb] [--json FILE] [--check]

"insert" fills an empty table, "update" loads the same rows again. Every run starts from a table made anew and ends with
the source's content. The limits printed are what the product promises; --check makes them the exit code."""

import argparse
import contextlib
import json
import sys
import tempfile
from pathlib import Path

from sales import COLUMNS, FILL, MARIADB_COLUMNS, MARIADB_FILL, MARIADB_OPTIONS, POSTGRES_OPTIONS, harness
from sides import Limits, mysql, psql, rounds, show, transfers, watched

MERGE_INSERT, MERGE_UPDATE = "COPY or LOAD DATA + merge, insert", "COPY or LOAD DATA + merge, update"
UPSERT_INSERT, UPSERT_UPDATE, INSERT = "vmc upsert, insert", "vmc upsert, update", "vmc insert"
BESIDE = {UPSERT_INSERT: MERGE_INSERT, UPSERT_UPDATE: MERGE_UPDATE, INSERT: MERGE_INSERT}
RATIO_LIMIT = 0.9
REST = ("order_no", "customer_id", "product", "quantity", "unit_price", "discount", "note", "status", "region", "created_at", "updated_at")


class Place:
    """A server with the rows to load in its database `source`, and what fills `destination` from them."""

    def __init__(self, server, rows, folder):
        self.server, self.rows, self.folder, self.chunks = server, rows, folder, folder / "chunks"
        self.fill()
        transfers(self.kind, server, "source", "chunks", folder=self.chunks)
        self.wanted = server.sql("source", self.FINGERPRINT)

    def by_vmc(self, work):
        options = {"key": "id"} if work == "upsert" else {}
        return transfers(self.kind, self.server, "destination", work, folder=self.chunks, **options)

    def side(self, load, again=False):
        """A run of `load` into an empty table, or into one it has filled before."""
        def run():
            self.empty()
            if again:
                load()
                self.settle()
            done = load()
            assert done["rows"] == self.rows, done
            found = self.server.sql("destination", self.FINGERPRINT)
            assert found == self.wanted, f"the rows differ: {found} for {self.wanted}"
            return done
        return run

    def sides(self):
        upsert = lambda: self.by_vmc("upsert")  # noqa: E731
        return {self.STRAIGHT: self.side(self.straight), MERGE_INSERT: self.side(self.merge), INSERT: self.side(lambda: self.by_vmc("insert")),
                UPSERT_INSERT: self.side(upsert), MERGE_UPDATE: self.side(self.merge, again=True), UPSERT_UPDATE: self.side(upsert, again=True)}


class Postgres(Place):
    kind, STRAIGHT = "postgres", "psql: COPY alone"
    FINGERPRINT = "SELECT count(*), sum(hashtextextended(sales::text, 0)::numeric) FROM sales"
    TABLE = f"CREATE TABLE sales ({COLUMNS.format(extra='note text')})"

    def fill(self):
        self.server.database("source", self.TABLE, FILL.format(rows=self.rows), "VACUUM ANALYZE sales")
        self.server.database("destination")
        self.file = self.folder / "sales.copy"
        psql(self.server, "source", [rf"\copy sales TO '{self.file}' WITH (FORMAT binary)"], self.rows)

    def empty(self):
        self.server.sql("destination", f"DROP TABLE IF EXISTS sales; {self.TABLE}; CHECKPOINT")

    def settle(self):
        self.server.sql("destination", "CHECKPOINT")

    def straight(self):
        return psql(self.server, "destination", [rf"\copy sales FROM '{self.file}' WITH (FORMAT binary)"], self.rows, f"COPY {self.rows}\n")

    def merge(self):
        updates = ", ".join(f"{name} = EXCLUDED.{name}" for name in REST)
        return psql(self.server, "destination",
                    ["BEGIN", "CREATE TEMPORARY TABLE stage (LIKE sales) ON COMMIT DROP", rf"\copy stage FROM '{self.file}' WITH (FORMAT binary)",
                     f"INSERT INTO sales SELECT * FROM stage ON CONFLICT (id) DO UPDATE SET {updates}", "COMMIT"],
                    self.rows, f"INSERT 0 {self.rows}\n")


class Mariadb(Place):
    kind, STRAIGHT = "mysql", "mysql: LOAD DATA alone"
    FINGERPRINT = ("SELECT COUNT(*), SUM(CRC32(CONCAT_WS('|', " + ", ".join(("id", *REST[:5])) + ", IFNULL(discount, '-'), IFNULL(note, '-'), "
                   + ", ".join(REST[7:]) + "))) FROM sales")
    TABLE = f"CREATE TABLE sales ({MARIADB_COLUMNS})"

    def fill(self):
        self.server.database("source", self.TABLE, MARIADB_FILL.format(rows=self.rows))
        self.server.database("destination")
        self.file = self.folder / "sales.tsv"
        self.server.sql("source", f"SELECT * FROM sales INTO OUTFILE '{self.file}'")

    def empty(self):
        self.server.sql("destination", f"DROP TABLE IF EXISTS sales; {self.TABLE}")

    def settle(self):
        self.server.sql("destination", "FLUSH TABLES sales FOR EXPORT; UNLOCK TABLES")

    def _client(self, text):
        return watched(mysql(self.server, "destination", text, "--local-infile=1"), {}, self.rows)

    def straight(self):
        return self._client(f"LOAD DATA LOCAL INFILE '{self.file}' INTO TABLE sales CHARACTER SET utf8mb4")

    def merge(self):
        updates = ", ".join(f"{name} = VALUES({name})" for name in REST)
        return self._client("CREATE TEMPORARY TABLE stage AS SELECT * FROM sales LIMIT 0; START TRANSACTION; "
                            f"LOAD DATA LOCAL INFILE '{self.file}' INTO TABLE stage CHARACTER SET utf8mb4; "
                            f"INSERT INTO sales SELECT * FROM stage ON DUPLICATE KEY UPDATE {updates}; COMMIT")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", choices=["postgres", "mariadb"])
    parser.add_argument("--json", type=Path)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    results = {}
    for name, place, start in (("postgres", Postgres, lambda: harness.Postgres(POSTGRES_OPTIONS)),
                               ("mariadb", Mariadb, lambda: harness.Mariadb(MARIADB_OPTIONS))):
        if options.only not in (None, name):
            continue
        with tempfile.TemporaryDirectory(prefix="vmc-bench-") as folder, contextlib.closing(start()) as server:
            results[name] = rounds(options.rounds, place(server, options.rows, Path(folder)).sides())
        show(f"{name}: {options.rows:,} rows of 12 columns", results[name], MERGE_INSERT)
    if options.json:
        options.json.write_text(json.dumps(results, indent=1))
    limits = Limits()
    for name, runs in results.items():
        for side, beside in BESIDE.items():
            limits.ratio(name, runs, side, beside, RATIO_LIMIT)
    return 1 if limits.broken and options.check else 0


if __name__ == "__main__":
    sys.exit(main())

"""Programs measured side by side: each runs once a round, so that all meet the same machine; what counts is the median
of the rounds."""

import json
import os
import subprocess
import time
from pathlib import Path

from processes import Watch
from sales import harness

PROGRAMS = Path(harness.BINARY).parent / "bench"
PRODUCES = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE}


def told(words, env):
    """One run of a program that prints its own figures as JSON (and leaves starting and logging in out of them)."""
    done = subprocess.run(words, env=os.environ | env, **PRODUCES)
    assert done.returncode == 0, f"{words[0]} ended with {done.returncode}"
    return json.loads(done.stdout)


def watched(words, env, rows, tag=None):
    """One run of somebody else's program, from outside. `tag`: what it prints of itself when all went well."""
    start = time.monotonic()
    process = subprocess.Popen(words, env=os.environ | env, **PRODUCES)
    with Watch({"it": process.pid}) as watch:
        printed = process.stdout.read().decode()
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - start
    process.stdout.close()
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, f"{words[0]} ended with {process.returncode}"
    assert tag is None or tag in printed, f"{words[0]} did not say {tag}: {printed[-200:]}"
    return {"rows": rows, "seconds": seconds, "cpu_seconds": usage.ru_utime + usage.ru_stime, "peak_mb": watch.mb().get("it", 0)}


def transfers(kind, server, database, work, **options):
    """bench_transfers: the agent's own way, without the gateway."""
    words = [PROGRAMS / "bench_transfers", work, "--type", kind, "--port", str(server.port), "--user", server.user,
             "--database", database, "--table", "sales"]
    for name, value in options.items():
        words += [f"--{name}", str(value)]
    return told(words, {"VMC_BENCH_PASSWORD": server.password})


def libpq(server, database):
    """Connection words and environment for what speaks libpq."""
    return (f"host=127.0.0.1 port={server.port} user={server.user} dbname={database} sslmode=disable",
            {"PGPASSWORD": server.password, "PGTZ": "UTC", "PGCLIENTENCODING": "UTF8"})


def psql(server, database, text, rows, tag=None):
    conninfo, env = libpq(server, database)
    return watched(["psql", "-X", "-v", "ON_ERROR_STOP=1", "-d", conninfo, *(word for line in text for word in ("-c", line))], env, rows, tag)


def mysql(server, database, text, *options):
    """The words of MariaDB's own client."""
    return ["mariadb", f"--defaults-file={server.folder / 'client.cnf'}", "-N", "-B", "--default-character-set=utf8mb4", *options, database,
            "-e", text]


def rounds(count, sides):
    """name -> the run whose time is the median of `count`; sides: name -> a function that runs once."""
    runs = {name: [] for name in sides}
    for _ in range(count):
        for name, run in sides.items():
            runs[name].append(run())
    return {name: sorted(found, key=lambda run: run["seconds"])[(count - 1) // 2] for name, found in runs.items()}


def speed(run):
    return run["rows"] / run["seconds"]


def show(title, runs, limit):
    print(f"\n{title}\n  {'':34}{'rows/s':>10}{'ratio':>7}{'MB/s':>7}{'CPU s/1M':>10}{'peak MB':>9}")
    for name, run in runs.items():
        megabytes = f"{run['bytes'] / run['seconds'] / 1e6:7.0f}" if "bytes" in run else " " * 7
        print(f"  {name:34}{speed(run):10,.0f}{speed(run) / speed(runs[limit]):7.2f}{megabytes}"
              f"{run['cpu_seconds'] * 1e6 / run['rows']:10.2f}{run['peak_mb']:9.1f}", flush=True)


class Limits:
    """What the product promises, beside what was measured."""

    def __init__(self):
        self.broken = []
        print("\nlimits")

    def _say(self, holds, text):
        print(f"  {'holds ' if holds else 'BROKEN'}  {text}")
        if not holds:
            self.broken.append(text)

    def ratio(self, where, runs, name, beside, least):
        value = speed(runs[name]) / speed(runs[beside])
        self._say(value >= least, f"{where}, {name}: {value:.2f} of {beside}, at least {least}")

    def peaks(self, name, runs, below, spread):
        """`runs`: the same work at two sizes."""
        low, high = sorted(run["peak_mb"] for run in runs)
        self._say(high < below, f"{name}: peak {high:.1f} MB, under {below}")
        self._say(high / low - 1 <= spread, f"{name}: peaks {low:.1f} and {high:.1f} MB at the two sizes, within {spread:.0%}")

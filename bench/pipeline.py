"""PostgreSQL -> Lua transform -> PostgreSQL, rows of 12 columns, through agent, gateway and worker as three processes;
beside the same work by a plain Node script on the same server in the same run. Both results are compared by content:
times have milliseconds, because more would not survive JavaScript's Date.

    bench/pipeline.py [--rows 1000000,5000000] [--json FILE]

CPU seconds are user + system time of a process and its children (the script child), the database excluded; peaks
are what the kernel calls VmHWM. The limits printed are what the product promises; --check makes them the exit code."""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from processes import Watch, cpu_seconds
from sales import COLUMNS, FILL, POSTGRES_OPTIONS, ROOT, harness

CPU_LIMIT = 8.0  # s a million rows
NODE_RATIO_LIMIT = 0.7
PEAK_LIMIT_MB = 100
PEAK_SPREAD_LIMIT = 0.10

TRANSFORM = """function transform(row)
  local total = row.unit_price * row.quantity
  if row.discount ~= vmc.null then total = total - row.discount end
  row.total = total
  row.status = row.status:upper()
  row.note = nil
  return row
end
"""
FINGERPRINT = "SELECT count(*), sum(hashtextextended(sales::text, 0)::numeric) FROM sales"


def definition():
    return {
        "name": "Sales",
        "activities": [
            {"id": "read", "type": "extract", "connector": "HQ", "aggregator": "source", "operation": "select",
             "params": {"table": "sales", "mode": "full"}},
            {"id": "shape", "type": "transform", "function": TRANSFORM},
            {"id": "write", "type": "load", "connector": "HQ", "aggregator": "destination", "operation": "bulkInsert",
             "params": {"table": "sales", "mode": "upsert", "conflictKey": "id"}}],
        "steps": [{"id": "1", "activityId": "read", "dependsOn": []}, {"id": "2", "activityId": "shape", "dependsOn": ["1"]},
                  {"id": "3", "activityId": "write", "dependsOn": ["2"]}]}


def run_vmc(server, folder):
    """One run by fresh processes."""
    folder.mkdir()
    world = harness.World(folder, watched=False, command_timeout="10m", script_cpu="10s")
    world.start()
    try:
        agent = world.agent("HQ", start=False)
        agent.add_postgres("source", server, "source")
        agent.add_postgres("destination", server, "destination", writable=["sales"])
        agent.publish("source", "destination").start()
        agent.connected().wait_published("source", "destination")
        pids = {"agent": agent.pid, "gateway": world.gateway.pid, "worker": world.worker.pid}
        before = {name: cpu_seconds(pid) for name, pid in pids.items()}
        start = time.monotonic()
        with Watch(pids) as watch:
            execution = world.submit(definition())
            done = world.cli("execution", "wait", execution, ceiling=3600)
            seconds = time.monotonic() - start
            cpu = {name: round(cpu_seconds(pid) - before[name], 2) for name, pid in pids.items()}
        assert done.code == 0 and done.json["status"] == "succeeded", done
        return {"seconds": seconds, "cpu": cpu, "peak_mb": watch.mb()}
    finally:
        world.close()


def run_node(server):
    url = f"postgres://{server.user}:{server.password}@127.0.0.1:{server.port}/"
    start = time.monotonic()
    process = subprocess.Popen(["node", ROOT / "bench/node/pipeline.js", url + "source", url + "destination"],
                               env=os.environ | {"TZ": "UTC"})
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, f"the Node script ended with {process.returncode}"
    return {"seconds": time.monotonic() - start, "cpu": {"node": round(usage.ru_utime + usage.ru_stime, 2)},
            "peak_mb": {"node": round(usage.ru_maxrss / 1024, 1)}}


def run_stages(server, folder):
    """The stages one by one in one process: where the pipeline's seconds go, and what it could reach."""
    (folder / "transform.lua").write_text(TRANSFORM)
    words = [Path(harness.BINARY).parent / "bench/bench_stages", "--port", str(server.port), "--user", server.user, "--from", "source",
             "--to", "destination", "--table", "sales", "--key", "id", "--script", folder / "transform.lua", "--folder", folder / "chunks"]
    done = subprocess.run(words, stdout=subprocess.PIPE, env=os.environ | {"PGPASSWORD": server.password})
    assert done.returncode == 0, f"bench_stages ended with {done.returncode}"
    return json.loads(done.stdout)


def measure(server, rows, folder):
    server.database("source", f"CREATE TABLE sales ({COLUMNS.format(extra='note text')})", FILL.format(rows=rows), "VACUUM ANALYZE sales")
    runs, prints = {}, {}
    for who, run in (("node", lambda: run_node(server)), ("stages", lambda: run_stages(server, folder)), ("vmc", lambda: run_vmc(server, folder / "world"))):
        server.database("destination", f"CREATE TABLE sales ({COLUMNS.format(extra='total numeric(14,2) NOT NULL')})", "CHECKPOINT")
        runs[who] = run()
        prints[who] = server.sql("destination", FINGERPRINT)
    assert len(set(prints.values())) == 1 and prints["vmc"].startswith(f"{rows}|"), prints
    return runs


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", default="1000000,5000000")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    sizes = [int(size) for size in options.rows.split(",")]
    results = {}
    server = harness.Postgres(POSTGRES_OPTIONS)
    try:
        for rows in sizes:
            with tempfile.TemporaryDirectory(prefix="vmc-bench-") as folder:
                results[rows] = measure(server, rows, Path(folder))
            show(rows, results[rows])
    finally:
        server.close()
    if options.json:
        options.json.write_text(json.dumps(results, indent=1))
    failed = verdicts(results)
    return 1 if failed and options.check else 0


def show(rows, runs):
    print(f"\n{rows:,} rows of 12 columns; both destinations hold the same")
    print(f"  {'':10}{'seconds':>9}{'rows/s':>10}{'CPU s/1M':>10}   CPU s and peak MB by process")
    stages = runs["stages"]
    for name in stages:
        seconds, cpu = stages[name]["seconds"], stages[name]["cpu_seconds"]
        print(f"  {name:10}{seconds:9.2f}{rows / seconds:10,.0f}{cpu * 1e6 / rows:10.2f}   this stage alone")
    for who in ("vmc", "node"):
        run = runs[who]
        run["cpu_per_million"] = sum(run["cpu"].values()) * 1e6 / rows
        parts = ", ".join(f"{name} {run['cpu'].get(name, '')} / {mb}" for name, mb in run["peak_mb"].items())
        print(f"  {who:10}{run['seconds']:9.2f}{rows / run['seconds']:10,.0f}{run['cpu_per_million']:10.2f}   {parts}", flush=True)


def verdicts(results):
    failed = []

    def verdict(ok, text):
        print(f"  {'holds ' if ok else 'BROKEN'}  {text}")
        if not ok:
            failed.append(text)

    print("\nlimits")
    for rows, runs in results.items():
        mine, node = runs["vmc"]["cpu_per_million"], runs["node"]["cpu_per_million"]
        verdict(mine <= CPU_LIMIT, f"{rows:,} rows: {mine:.2f} CPU s a million, at most {CPU_LIMIT}")
        verdict(mine / node <= NODE_RATIO_LIMIT, f"{rows:,} rows: {mine / node:.2f} of Node's CPU, at most {NODE_RATIO_LIMIT}")
        for name, mb in runs["vmc"]["peak_mb"].items():
            verdict(mb < PEAK_LIMIT_MB, f"{rows:,} rows: {name} {mb} MB, under {PEAK_LIMIT_MB}")
    small, large = min(results), max(results)
    if small != large:
        for name, mb in results[large]["vmc"]["peak_mb"].items():
            first = results[small]["vmc"]["peak_mb"].get(name)
            if first is None:  # a child of milliseconds can be gone before the first look at it
                verdict(False, f"{name}: not seen at {small:,} rows, too few to judge it")
                continue
            spread = mb / first - 1
            verdict(abs(spread) <= PEAK_SPREAD_LIMIT, f"{name}: peak {spread:+.0%} between the sizes, within {PEAK_SPREAD_LIMIT:.0%}")
    return failed


if __name__ == "__main__":
    sys.exit(main())

"""How soon an agent is ready and what it holds when idle.

    bench/footprint.py [--starts 20] [--json FILE] [--check]

Ready: from exec to the line that says so. Idle: resident memory once it is connected and its schemas are told."""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests/e2e"))
import harness  # noqa: E402

READY_LIMIT_MS = 50
IDLE_LIMIT_MB = 20


def start_ms(agent):
    start = time.monotonic()
    process = subprocess.Popen(agent.words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        for line in process.stderr:
            if b" ready " in line:
                return (time.monotonic() - start) * 1000
        raise AssertionError(f"the agent ended with {process.wait()}")
    finally:
        process.terminate()
        process.wait(30)
        process.stderr.close()


def resident_mb(pid):
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")) / 1024


def measure(starts, folder):
    items = harness.make_items(folder / "items.db", 100)
    world = harness.World(folder / "world", watched=False)
    world.start(worker=False)
    try:
        agent = world.agent("HQ", start=False)
        agent.add_sqlite("items", items).publish("items").start()
        agent.connected().wait_published("items")
        idle = resident_mb(agent.pid)
        agent.stop()
        return {"ready_ms": [start_ms(agent) for _ in range(starts)], "idle_mb": idle}
    finally:
        world.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--starts", type=int, default=20)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="vmc-bench-") as folder:
        (Path(folder) / "world").mkdir()
        result = measure(options.starts, Path(folder))
    ready, idle = statistics.median(result["ready_ms"]), result["idle_mb"]
    print(f"ready: median {ready:.1f} ms, slowest {max(result['ready_ms']):.1f} ms, under {READY_LIMIT_MS}")
    print(f"idle:  {idle:.1f} MB resident, under {IDLE_LIMIT_MB}")
    if options.json:
        options.json.write_text(json.dumps(result, indent=1))
    return 1 if options.check and (ready >= READY_LIMIT_MS or idle >= IDLE_LIMIT_MB) else 0


if __name__ == "__main__":
    sys.exit(main())

"""How soon an agent is ready and what it holds when idle.

    bench/footprint.py [--starts 20] [--json FILE] [--check]

Ready: from exec to the line that says so. Idle: resident memory once it is connected and its schemas are told."""

import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

from small_site import options, small_site

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


def measure(starts):
    with small_site() as (_, agent, _):
        idle = resident_mb(agent.pid)
        agent.stop()
        return {"ready_ms": [start_ms(agent) for _ in range(starts)], "idle_mb": idle}


def main():
    given = options(__doc__, starts=20)
    result = measure(given.starts)
    ready, idle = statistics.median(result["ready_ms"]), result["idle_mb"]
    print(f"ready: median {ready:.1f} ms, slowest {max(result['ready_ms']):.1f} ms, under {READY_LIMIT_MS}")
    print(f"idle:  {idle:.1f} MB resident, under {IDLE_LIMIT_MB}")
    if given.json:
        given.json.write_text(json.dumps(result, indent=1))
    return 1 if given.check and (ready >= READY_LIMIT_MS or idle >= IDLE_LIMIT_MB) else 0


if __name__ == "__main__":
    sys.exit(main())

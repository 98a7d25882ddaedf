"""A small query's round trip over TLS (API -> durable command -> agent -> SQLite -> answer), with gateway and agent
as two processes, beside a bare TLS echo and fdatasync in the same rounds.

    bench/roundtrip.py [--rounds 2000] [--json FILE] [--check]

The run is void when its own wake-up probe was disturbed: then only the machine was measured."""

import json
import os
import subprocess
import sys
from pathlib import Path

from small_site import QUERY, harness, options, small_site

SYNCS_LIMIT = 8  # fdatasyncs a round trip may take beyond the echo
QUIET_P90_US = 500  # a wake-up beside other work waits for a scheduler tick of milliseconds


def measure(rounds):
    with small_site() as (world, _, folder):
        tls = world.state / "state" / "tls"
        words = [Path(harness.BINARY).parent / "bench/bench_roundtrip", "--url", world.url, "--ca", world.authority,
                 "--certificate", tls / "certificate.pem", "--key", tls / "key.pem", "--connector", "HQ",
                 "--body", json.dumps(QUERY), "--folder", folder, "--rounds", str(rounds)]
        done = subprocess.run(words, stdout=subprocess.PIPE, env=os.environ | {"VMC_TOKEN": world.token()})
        assert done.returncode == 0, f"bench_roundtrip ended with {done.returncode}"
        return json.loads(done.stdout)


def main():
    given = options(__doc__, rounds=2000)
    result = measure(given.rounds)
    print(f"{'':20}{'p50 us':>10}{'p90 us':>10}{'p99 us':>10}")
    for name, figures in result.items():
        print(f"{name:20}" + "".join(f"{figures[p]:10.0f}" for p in ("p50_us", "p90_us", "p99_us")))
    p50 = {name: figures["p50_us"] for name, figures in result.items()}
    limit = p50["echo"] + SYNCS_LIMIT * p50["fdatasync"]
    quiet = result["wake_up"]["p90_us"] < QUIET_P90_US
    if given.json:
        given.json.write_text(json.dumps(result | {"void": not quiet}, indent=1))
    if not quiet:
        print("void: the wake-up probe was disturbed; run it on a quiet machine")
        return 2 if given.check else 0
    print(f"{'holds' if p50['query'] <= limit else 'BROKEN'}: {p50['query']:.0f} us, at most echo + {SYNCS_LIMIT} fdatasync = {limit:.0f} us")
    return 1 if given.check and p50["query"] > limit else 0


if __name__ == "__main__":
    sys.exit(main())

"""Runs every libFuzzer target for a while, from the corpora and what earlier runs found: run.py BUILD_FOLDER SECONDS [NAME…]"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def seeds_of(name, folder):
    """The statements of a guard's corpora, one a file."""
    if not name.startswith("guard_"):
        return
    for file in sorted((ROOT / "tests/corpora/guard" / name.split("_")[1]).glob("*.ndjson")):
        for number, line in enumerate(file.read_text().rstrip("\n").split("\n")):
            (folder / f"{file.stem}{number}").write_text(json.loads(line)["sql"])


def run(program, seconds):
    with tempfile.TemporaryDirectory(prefix="vmc-fuzz-") as folder:
        seeds = Path(folder) / "seeds"
        seeds.mkdir()
        seeds_of(program.name, seeds)
        words = [program, seeds, f"-max_total_time={seconds}", "-max_len=4096", "-timeout=10", "-rss_limit_mb=4096", "-print_final_stats=1",
                 f"-artifact_prefix={folder}/"]
        done = subprocess.run(words, capture_output=True, text=True, errors="replace",
                              env=os.environ | {"ASAN_OPTIONS": "detect_leaks=1", "UBSAN_OPTIONS": "print_stacktrace=1"})
        runs = [line.split()[-1] for line in done.stderr.splitlines() if "stat::number_of_executed_units" in line]
        print(f"{program.name:24} {runs[0] if runs else '?':>10} runs in {seconds} s: {'ok' if done.returncode == 0 else 'FAILED'}", flush=True)
        if done.returncode == 0 and runs and int(runs[0]) > 0:
            return True
        print(done.stderr[-8000:])
        for found in Path(folder).glob("*-*"):
            if found.is_file():
                print(f"{found.name}: {found.read_bytes()[:2000]!r}")
        return False


def main():
    folder, seconds, names = Path(sys.argv[1]) / "tests/fuzz", int(sys.argv[2]), sys.argv[3:]
    programs = sorted(p for p in folder.glob("*_fuzz") if p.is_file() and (not names or p.name.removesuffix("_fuzz") in names))
    if not programs:
        sys.exit(f"no fuzz target in {folder}")
    results = [run(program, seconds) for program in programs]
    sys.exit(0 if all(results) else 1)


main()

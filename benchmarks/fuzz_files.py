"""Damaged files in numbers: ``python -m benchmarks.fuzz_files [--cases 50000] [--first 0] [--processes 1]``.

The cases are those of tests/io/fuzzing.py, of which the test suite runs the first 2,000. Prints what they were and did;
ends with 1 if one was neither refused in a sentence nor read, or took a gigabyte.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[1]
EACH = 2500  # cases for a process, so that one that is killed says which it ran


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=50_000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--processes", type=int, default=1)
    chosen = parser.parse_args()
    starts = list(range(chosen.first, chosen.first + chosen.cases, EACH))
    counts: Counter[str] = Counter()
    wrong: list[str] = []
    peak = 0
    for at in range(0, len(starts), chosen.processes):
        batch = [(first, start(first)) for first in starts[at : at + chosen.processes]]
        for first, process in batch:
            out, err = process.communicate()
            if process.returncode:
                wrong.append(f"cases from {first}: exit code {process.returncode}\n{err[-2000:]}")
                continue
            found = json.loads(out.splitlines()[-1])
            counts.update(found["counts"])
            wrong += found["wrong"]
            peak = max(peak, found["peak"])
        print(f"{sum(counts.values())} cases, {len(wrong)} wrong, peak {peak / 1e6:.0f} MB", flush=True)
    for name, count in sorted(counts.items()):
        print(f"{count:7}  {name}")
    print(*wrong, sep="\n")
    return int(bool(wrong) or peak >= 1_000_000_000)


def start(first: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-W", "ignore", "-m", "tests.io.fuzzing", str(first), str(EACH)]
    env = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    return subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


if __name__ == "__main__":
    sys.exit(main())

"""Damaged files of every kind: each is refused in a sentence or read, and none takes a gigabyte.

More of them: ``python -m benchmarks.fuzz_files``.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("n_cases", [400, pytest.param(2000, marks=pytest.mark.slow)])
def test_damaged_files_are_refused_or_read_in_less_than_a_gigabyte(n_cases: int) -> None:
    """In a process of its own, whose peak of memory is then that of the cases."""
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tests.io.fuzzing", "0", str(n_cases)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert run.returncode == 0, run.stderr[-3000:]
    found = json.loads(run.stdout.splitlines()[-1])
    assert found["wrong"] == []
    assert found["peak"] < 1_000_000_000
    assert sum(found["counts"].values()) == n_cases
    kinds = {name.rpartition(":")[0] for name in found["counts"]}
    assert len(kinds) >= 20, kinds  # every kind of file was drawn

"""Nothing in a file runs, and no file takes a gigabyte: hostile files of every kind, opened as all they could be."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.io.hostile import HOSTILE

ROOT = Path(__file__).parents[2]
HARMLESS = {"trust", "kernel", "positions", "empty giant.safetensors"}  # what is hostile in them is not looked at


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What came of every file, in a process of its own; made only of what is smaller than its peak."""
    folder = tmp_path_factory.mktemp("hostile")
    sentinel = tmp_path_factory.mktemp("outside") / "sentinel"
    for name, write in HOSTILE.items():
        write(folder / name, sentinel)
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tests.io.hostile", str(folder)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
        stdin=subprocess.DEVNULL,
    )
    assert run.returncode == 0, run.stderr[-3000:]
    result: dict[str, Any] = json.loads(run.stdout.splitlines()[-1])
    return {**result, "ran": sentinel.exists() or (ROOT / "x").exists()}


def test_nothing_ran(opened: dict[str, Any]) -> None:
    assert not opened["ran"]


def test_no_file_took_a_gigabyte(opened: dict[str, Any]) -> None:
    assert opened["peak"] < 1_000_000_000


@pytest.mark.parametrize("name", list(HOSTILE))
def test_it_is_refused_in_one_sentence(name: str, opened: dict[str, Any]) -> None:
    outcomes = opened["found"][name]
    assert all("\n" not in text and len(text) < 1000 for text in outcomes)
    _, *opening = outcomes  # to describe it is no harm
    if name not in HARMLESS:
        assert [text for text in opening if not text.startswith("refused: ")] == []


def test_the_sentinel_would_be_there_if_something_ran(tmp_path: Path) -> None:
    """The hostile pickle is one: unpickled, it leaves its sentinel."""
    HOSTILE["call.pkl"](tmp_path / "call.pkl", tmp_path / "sentinel")
    code = "import pickle, sys; pickle.load(open(sys.argv[1], 'rb'))"
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "call.pkl")], cwd=ROOT, check=True, timeout=60)
    assert (tmp_path / "sentinel").exists()

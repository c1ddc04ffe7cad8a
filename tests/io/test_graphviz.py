"""Layouts by ``dot``, with a stand-in that answers as it does, and its faults as sentences."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from explorer.errors import ExplorerError
from explorer.io import graphviz
from explorer.io.graphviz import dot_text, laid_out
from explorer.session.layered import Slab, Tie

SLABS = [Slab("low “a”", -1.0, 0.0, 144.0, 36.0), Slab("high", 5.0, 0.0, 72.0, 36.0)]
TIES = [Tie("low “a”", "high", -0.5)]


def program(folder: Path, body: str) -> str:
    """A program that answers what ``body`` prints."""
    path = folder / "dot"
    path.write_text(f"#!{sys.executable}\nimport sys, time\nasked = sys.stdin.read()\n{body}\n")
    path.chmod(0o755)
    return str(path)


def test_places_are_read_in_pixels_with_y_down(tmp_path: Path) -> None:
    answer = "graph 1 3 4\\nnode b0 1.0 0.5 2 0.5 x solid box black lightgrey\\nnode b1 1.5 2.5 1 0.5 x\\nstop"
    found = laid_out(SLABS, TIES, program(tmp_path, f"assert 'b0 -> b1' in asked; print('{answer}')"))
    assert found == {"low “a”": (72.0, -36.0), "high": (108.0, -180.0)}


def test_sizes_and_weights_are_told_and_no_name_is() -> None:
    text = dot_text(SLABS, TIES)
    assert "b0 [width=2.0000, height=0.5000]" in text
    assert "b0 -> b1 [weight=50]" in text
    assert "low" not in text


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ("sys.stderr.write('syntax error\\n'); sys.exit(1)", "syntax error"),
        ("print('node b0 1 1 1 1')", "missing"),
        ("print('node b0 one 1 1 1')", "made no layout"),
        ("print('node b7 1 1 1 1')", "made no layout"),
    ],
)
def test_a_fault_is_a_sentence(tmp_path: Path, body: str, sentence: str) -> None:
    with pytest.raises(ExplorerError, match=sentence):
        laid_out(SLABS, TIES, program(tmp_path, body))


def test_one_that_hangs_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graphviz, "SECONDS", 0.3)
    with pytest.raises(ExplorerError, match="took more than"):
        laid_out(SLABS, TIES, program(tmp_path, "time.sleep(30)"))


def test_one_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ExplorerError, match="made no layout"):
        laid_out(SLABS, TIES, str(tmp_path / "dot"))


@pytest.mark.skipif(shutil.which("dot") is None, reason="graphviz is not installed")
def test_the_real_one_puts_the_target_above() -> None:
    found = laid_out(SLABS, TIES)
    assert found["high"][1] < found["low “a”"][1]

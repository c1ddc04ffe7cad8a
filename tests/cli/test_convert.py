"""``convert``: sets of other layouts in circuit-tracer's, what they do not say by --tell, nothing left of a fault."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from explorer.cli import run_command
from explorer.io.transcoders import read
from tests.io.transcoders import layouts_circuit_tracer, layouts_gemma_scope


@pytest.fixture
def renamed(tmp_path: Path) -> Path:
    """A set of Gemma Scope of which nothing says what it is of."""
    return layouts_gemma_scope.first(tmp_path / "renamed").path


def test_what_the_files_do_not_say_is_told_once(
    renamed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["convert", str(renamed), "-o", str(tmp_path / "out")]
    assert run_command(arguments) == 1
    assert "tell it with kind=transcoders or res or mlp or att" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    assert run_command([*arguments, "--tell", "kind=transcoders", "--model", "google/gemma-2-2b"]) == 0
    assert "out: plt, 3 layers" in capsys.readouterr().out
    converted = read(tmp_path / "out")
    assert converted.model_name == "google/gemma-2-2b"
    for mine, theirs in zip(read(renamed).layers, converted.layers, strict=True):
        assert torch.equal(mine.W_enc, theirs.W_enc)
        assert torch.equal(mine.activation.threshold, theirs.activation.threshold)
    assert run_command(["convert", str(renamed), "-o", str(tmp_path / "again")]) == 0


def test_an_answer_that_is_none_is_refused(renamed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for answer, words in {"kind=neurons": "kind is “neurons”; say one of", "kind": "write it as NAME=VALUE"}.items():
        assert run_command(["convert", str(renamed), "-o", str(tmp_path / "out"), "--tell", answer]) == 1
        assert words in capsys.readouterr().err
    assert run_command(["convert", str(renamed), "-o", str(tmp_path / "out")]) == 1  # nothing wrong was remembered


def test_a_folder_that_holds_something_is_said_before_anything_is_read(
    renamed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(["convert", str(tmp_path / "none"), "-o", str(renamed)]) == 1
    assert "exists already" in capsys.readouterr().err


def test_what_the_layout_cannot_hold_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "sweep").mkdir()
    layouts_circuit_tracer.sweep(tmp_path / "sweep", skip=True)
    assert run_command(["convert", str(tmp_path / "sweep"), "-o", str(tmp_path / "out")]) == 1
    assert "has no skip weights across layers" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["sweep"]

"""After pairing: the shipped sets fit their model, and deliberately wrong ones are told, in words and soon."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest

from explorer.cli import run_command
from explorer.engine.inprocess import run_job
from explorer.engine.state import EngineState
from explorer.io.samples import SAMPLES, model_folder, transcoder_folder
from explorer.io.transcoders import circuit_tracer
from tests import tiny

SAMPLE = SAMPLES[0]
MODEL = str(model_folder(SAMPLE))


def changed(folder: Path, old: str, new: str) -> str:
    """The sample's per-layer set with another line in its settings."""
    shutil.copytree(transcoder_folder(SAMPLE), folder)
    config = folder / "config.yaml"
    text = config.read_text()
    assert old in text
    config.write_text(text.replace(old, new))
    return str(folder)


@pytest.mark.parametrize("kind", SAMPLE.kinds)
@pytest.mark.parametrize("text", ["", SAMPLE.prompt])
def test_the_shipped_sets_fit(kind: str, text: str) -> None:
    found = run_job("fit", EngineState(), model=MODEL, transcoders=str(transcoder_folder(SAMPLE, kind)), text=text)
    assert found["fit_warning"] == ""
    assert max(found["fvu"]) < 0.3
    assert all(1 < count < 30 for count in found["l0"])


def test_a_wrong_hook_is_told(tmp_path: Path) -> None:
    wrong = changed(tmp_path / "set", "feature_input_hook: mlp.hook_in", "feature_input_hook: hook_resid_mid")
    found = run_job("fit", EngineState(), model=MODEL, transcoders=wrong)
    assert "its hook, gain or scale is wrong" in found["fit_warning"]
    assert sorted(found["fvu"])[1] > 1


def test_another_model_is_told(tmp_path: Path) -> None:
    wrong = changed(tmp_path / "set", "model_name: us-cities", "model_name: google/gemma-2-2b")
    found = run_job("fit", EngineState(), model=MODEL, transcoders=wrong)
    assert found["fit_warning"].endswith("was made for “google/gemma-2-2b”; the open model is called “us-cities”.")


def test_it_takes_less_than_half_a_second_once_both_are_open(tmp_path: Path) -> None:
    state, where = EngineState(), {"model": MODEL, "transcoders": str(transcoder_folder(SAMPLE))}
    run_job("open", state, **where)
    run_job("fit", state, **where, text=SAMPLE.prompt)
    started = time.perf_counter()
    run_job("fit", state, **where, text=SAMPLE.prompt)
    assert time.perf_counter() - started < 0.5


def test_a_model_without_a_tokenizer_speaks_for_itself(tmp_path: Path) -> None:
    circuit_tracer.write(tiny.transcoders(tiny.model("gpt2"), "clt"), tmp_path / "clt", "gpt2")
    found = run_job("fit", EngineState(), model=str(tiny.saved("gpt2")), transcoders=str(tmp_path / "clt"))
    assert len(found["fvu"]) == 3
    assert "its hook, gain or scale is wrong" in found["fit_warning"]  # random transcoders fit nothing


def test_the_command_line_says_both_numbers_and_warns(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = changed(tmp_path / "set", "feature_input_hook: mlp.hook_in", "feature_input_hook: hook_resid_mid")
    out = str(tmp_path / "a.circuit")
    assert run_command(["attribute", "us-cities", "--prompt", SAMPLE.prompt, "-o", out]) == 0
    said, warned = capsys.readouterr()
    assert "transcoders miss 0.3% of the MLPs (FVU, middle layer), 14 features on at a token" in said
    assert "hook" not in warned
    arguments = ["attribute", "us-cities", "--transcoders", wrong, "--prompt", SAMPLE.prompt, "-o", out]
    assert run_command(arguments) == 0
    assert "its hook, gain or scale is wrong" in capsys.readouterr().err

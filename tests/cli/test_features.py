"""The command features, on the index that the sample comes with."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from explorer.cli import run_command
from explorer.io.arrays import ArrayFile
from explorer.io.feature_build import BUILDING
from explorer.io.feature_files import cantor
from explorer.io.feature_index import open_index
from explorer.io.feature_labels import Labels
from explorer.io.samples import SAMPLES, model_folder
from tests.speller import speller

SHIPPED = model_folder(SAMPLES[0]).parent / "features-plt"


@pytest.fixture
def index(tmp_path: Path) -> Path:
    shutil.copytree(SHIPPED, tmp_path / "index")
    return tmp_path / "index"


@pytest.fixture(scope="module")
def place() -> str:
    """The most active feature of layer 1."""
    held = open_index(SHIPPED).layer(1)
    features = np.flatnonzero(held.all("row") >= 0)
    return f"1:{features[held.all('active').argmax()]}"


def said(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    capsys.readouterr()
    code = run_command(["features", *map(str, arguments)])
    return code, *capsys.readouterr()


def asked(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict[str, Any]:
    code, out, _ = said(capsys, *arguments, "--json")
    assert code == 0
    found: dict[str, Any] = json.loads(out)
    return found


def test_a_text_becomes_an_index(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("the state containing Dallas is Texas.\nFact: Houston is in Texas.\n")
    to = tmp_path / "index"
    where = ("--text", tmp_path / "a.txt", "-o", to, "--lines", "--context", 12, "--top", 3, "--random", 2)
    found = asked(capsys, "build", "us-cities", *where)
    assert (found["n_windows"], found["n_documents"]) == (2, 2)
    assert found["n_tokens"] == 7 + 7
    assert open_index(to).n_tokens == 14
    code, _, err = said(capsys, "build", "us-cities", *where)
    assert code == 1
    assert "holds an index already" in err


@pytest.mark.slow
def test_builds_killed_anywhere_lose_a_shard_at_most_and_end_with_the_same_bytes(tmp_path: Path) -> None:
    """Three kills of the command, each some time after one more shard was kept: none that was kept is lost."""
    text, draw = tmp_path / "a.txt", random.Random(0)
    lines = [f"Fact: {city} is in {state}.\n" for city in ("Dallas", "Ames", "Provo") for state in ("Texas", "Utah")]
    text.write_text("".join(lines * 130))

    def start(index: Path) -> subprocess.Popen[bytes]:
        where = ["us-cities", "--text", str(text), "-o", str(index), "--lines", "--context", "16", "--shard", "1"]
        command = [sys.executable, "-m", "explorer", "features", "build", *where, "--threads", "1"]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def kept(index: Path) -> int:
        """Batches that the unfinished index has."""
        place = index / BUILDING
        return json.loads(ArrayFile(place, {}).metadata["counts"])["n_batches"] if place.exists() else 0

    assert start(tmp_path / "whole").wait() == 0
    index, before, end = tmp_path / "index", 0, time.monotonic() + 400
    for _ in range(3):
        process = start(index)
        while kept(index) < before + 2 and process.poll() is None:
            assert time.monotonic() < end, "no shard was kept"
            time.sleep(0.005)
        seen = kept(index)
        time.sleep(draw.uniform(0, 0.15))
        process.kill()
        assert process.wait() == -signal.SIGKILL
        assert kept(index) >= seen > before
        before = kept(index)
    assert start(index).wait() == 0
    assert {file.name: file.read_bytes() for file in index.iterdir() if not file.name.endswith(".tmp")} == {
        file.name: file.read_bytes() for file in (tmp_path / "whole").iterdir()
    }


def test_a_feature_is_shown_with_its_examples_and_label(capsys: pytest.CaptureFixture[str], place: str) -> None:
    code, out, _ = said(capsys, "show", SHIPPED, place)
    assert code == 0
    assert "strongest:" in out
    assert "75–100 %:" in out
    assert "raises:" in out
    assert "decoder norms: layer 1 " in out
    assert "active with it: " in out
    found = asked(capsys, "show", SHIPPED, place)["evidence"]
    label = found["label"]
    assert label["text"] in out
    assert label["source"] == "auto"
    assert len(found["histogram"]) == len(found["edges"]) + 1
    assert sum(found["histogram"]) == found["active"]
    for example in found["top"]:
        assert example["activations"][example["peak"]] == max(example["activations"])


def test_own_labels_win_and_are_found(capsys: pytest.CaptureFixture[str], index: Path, place: str) -> None:
    assert said(capsys, "label", index, "--set", f"{place}=my own words")[0] == 0
    hits = asked(capsys, "search", index, "MY OWN")["hits"]
    assert [(f"{hit['layer']}:{hit['feature']}", hit["label"]) for hit in hits] == [(place, "my own words")]
    assert asked(capsys, "show", index, place)["evidence"]["label"]["source"] == "own"
    assert said(capsys, "label", index, "--set", f"{place}=")[0] == 0
    assert asked(capsys, "show", index, place)["evidence"]["label"]["source"] == "auto"


def test_a_language_model_is_asked_for_labels(
    capsys: pytest.CaptureFixture[str], index: Path, tmp_path: Path
) -> None:
    who, where = speller(tmp_path / "speller", "Maine"), ("label", index, "--model", "us-cities")
    code, out, _ = said(capsys, *where, "--language-model", who, "--features", "1:387", "0:133")
    assert (code, out.strip()) == (0, "2 asked of “speller”; its label scored best at 1")
    label = asked(capsys, "show", index, "1:387")["evidence"]["label"]
    assert (label["text"], label["source"], label["rules"][0]["kind"]) == ("Maine", "auto", "model")
    code, _, err = said(capsys, *where, "--features", "1:387")
    assert (code, len(err.strip().splitlines())) == (1, 1)


def test_labels_are_not_made_of_fewer_examples_than_before(
    capsys: pytest.CaptureFixture[str], index: Path, place: str
) -> None:
    before = asked(capsys, "show", index, place)
    code, out, err = said(capsys, "label", index, "--model", "us-cities")
    assert (code, out) == (1, "")
    assert "keeps 3 of the 20 examples" in err
    assert asked(capsys, "show", index, place) == before


def test_search_finds_tokens_and_logit_effects(capsys: pytest.CaptureFixture[str]) -> None:
    peaks = asked(capsys, "search", SHIPPED, "token:containing")["hits"]
    effects = asked(capsys, "search", SHIPPED, "logit:Austin")["hits"]
    assert {hit["where"] for hit in peaks} == {"token"}
    assert {hit["where"] for hit in effects} == {"logit"}
    strengths = [hit["strength"] for hit in effects]
    assert strengths == sorted(strengths, reverse=True)


@pytest.mark.parametrize("form", ["circuit-tracer", "neuronpedia", "saedashboard"])
def test_labels_come_back_from_every_form_that_is_written(
    capsys: pytest.CaptureFixture[str], index: Path, tmp_path: Path, place: str, form: str
) -> None:
    said(capsys, "label", index, "--set", f"{place}=my own words")
    to = tmp_path / "written"
    assert asked(capsys, "export", index, "-o", to, "--format", form, "--features", place)["files"] == 1
    said(capsys, "label", index, "--set", f"{place}=")
    assert asked(capsys, "import", index, *to.iterdir())["labels"] == 1
    layer, feature = map(int, place.split(":"))
    found = Labels(open_index(index)).record(layer, feature)
    assert found is not None
    assert (found["text"], found["source"]) == ("my own words", "imported")


def test_a_circuit_tracer_file_has_what_the_viewer_reads(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, place: str
) -> None:
    to = tmp_path / "written"
    asked(capsys, "export", SHIPPED, "-o", to, "--features", place)
    layer, feature = map(int, place.split(":"))
    found = json.loads((to / f"{cantor(layer, feature)}.json").read_text())
    assert found["index"] == (layer + feature) * (layer + feature + 1) // 2 + feature
    example = found["examples_quantiles"][0]["examples"][0]
    assert len(example["tokens"]) == len(example["tokens_acts_list"])
    assert example["tokens_acts_list"][example["train_token_ind"]] == max(example["tokens_acts_list"])


def test_a_batch_has_the_fields_of_saedashboards(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, place: str
) -> None:
    """The names are those of SAEDashboard's tests/acceptance/test_simple/batch-1.json."""
    to = tmp_path / "written"
    asked(capsys, "export", SHIPPED, "-o", to, "--features", place, "--format", "saedashboard")
    found = json.loads((to / "batch-0.json").read_text())
    assert (found["model_id"], found["layer"], found["sae_set"]) == ("us-cities", 1, "plt")
    (feature,) = found["features"]
    fields = "feature_index pos_str pos_values neg_str neg_values frac_nonzero freq_hist_data_bar_values"
    fields += " freq_hist_data_bar_heights n_prompts_total n_tokens_in_prompt dataset activations"
    assert set(fields.split()) <= set(feature)
    assert (feature["n_prompts_total"], feature["n_tokens_in_prompt"]) == (10984, 20)
    assert len(feature["freq_hist_data_bar_values"]) == len(feature["freq_hist_data_bar_heights"])
    known = open_index(SHIPPED).evidence(*map(int, place.split(":")))
    assert len(feature["activations"]) == len(known.top) + sum(len(band.examples) for band in known.bands)
    for one in feature["activations"]:
        peak = one["values"][one["qualifying_token_index"]]
        assert len(one["tokens"]) == len(one["values"])
        assert one["bin_min"] <= peak <= one["bin_max"]
        assert one["bin_contains"] == -1 or 0 <= one["bin_contains"] <= known.frequency


def test_files_of_other_tools_give_their_labels(
    capsys: pytest.CaptureFixture[str], index: Path, tmp_path: Path
) -> None:
    files = {
        "ct.json": {"index": cantor(2, 5), "clerp": "one", "examples_quantiles": []},
        "np.json": {"layer": "1-some-set", "index": "7", "explanations": [{"description": "two"}]},
        "sae.json": {"features": [{"feature_index": 3, "label": "three"}, {"feature_index": 4}], "layer": 0},
    }
    for name, value in files.items():
        (tmp_path / name).write_text(json.dumps(value))
    asked(capsys, "import", index, *(tmp_path / name for name in files))
    assert Labels(open_index(index)).listed("imported.json") == {"0:3": "three", "1:7": "two", "2:5": "one"}


@pytest.mark.parametrize(
    "wrong",
    [["show", SHIPPED, "9:1"], ["show", SHIPPED, "1:99999"], ["show", SHIPPED, "x"], ["search", SHIPPED, " "],
     ["show", SHIPPED.parent, "1:1"], ["label", SHIPPED, "--set", "1:1"], ["label", SHIPPED],
     ["import", SHIPPED, SHIPPED / "index.json"], ["import", SHIPPED, SHIPPED / "tokens.safetensors"]],
)  # fmt: skip
def test_faults_are_one_line_and_exit_code_1(capsys: pytest.CaptureFixture[str], wrong: list[object]) -> None:
    code, out, err = said(capsys, *wrong)
    assert (code, out) == (1, "")
    assert len(err.strip().splitlines()) == 1

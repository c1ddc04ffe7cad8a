"""Every row of the table of specimens leads to files that are what it says."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

from explorer.errors import LoadError
from explorer.io import samples, specimens
from explorer.models.loader import open_language_model
from explorer.specimens.catalogue import SPECIMENS, Specimen, find
from explorer.specimens.network import run
from sample_models.training.us_cities.files import sha256

each = pytest.mark.parametrize("specimen", SPECIMENS, ids=lambda specimen: specimen.name)


def test_no_name_is_given_twice() -> None:
    names = [row.name for row in (*SPECIMENS, *samples.SAMPLES)]
    assert len(set(names)) == len(names)
    assert find("letters") is SPECIMENS[0]
    assert find("nowhere") is None


@each
def test_the_files_are_those_that_origin_lists(specimen: Specimen) -> None:
    folder = specimens.folder(specimen.name)
    listed = re.findall(r"^([0-9a-f]{64})  (\S+)$", (folder / "ORIGIN.md").read_text("utf-8"), re.M)
    files = {file for file in folder.rglob("*") if file.is_file() and file.name != "ORIGIN.md"}
    assert {name: digest for digest, name in listed} == {
        file.relative_to(folder).as_posix(): sha256(file) for file in files
    }


@pytest.mark.parametrize("specimen", [row for row in SPECIMENS if row.prompt], ids=lambda row: row.name)
def test_a_specimen_with_a_prompt_opens_as_a_model_and_computes_what_is_read(specimen: Specimen) -> None:
    model = open_language_model(specimens.model_folder(specimen))
    assert model.tokenizer is not None
    network = specimens.network(specimen.name)
    assert f"{network.n_parameters:,} parameters" in specimen.facts
    assert f"{network.n_layers} layer" in specimen.facts
    ids = model.tokenizer.encode(specimen.prompt).ids
    found = run(network, np.array([ids])).logits[0]
    np.testing.assert_allclose(found, model.run(ids).logits, atol=1e-3, rtol=1e-4)


def test_all_samples_and_specimens_together_stay_small() -> None:
    files = samples.located("sample_models").rglob("*")
    assert sum(file.stat().st_size for file in files if file.is_file()) < 40e6


def test_a_specimen_without_prompts_opens_as_no_model() -> None:
    with pytest.raises(LoadError, match="The specimen letters takes no prompts"):
        specimens.model_folder(SPECIMENS[0])


def test_a_damaged_history_is_named(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(specimens, "located", lambda name: tmp_path)
    with pytest.raises(LoadError, match="does not exist"):
        specimens.history("x")
    folder = specimens.folder("x")
    folder.mkdir()
    for damaged in ("{", json.dumps([1, 2])):
        (folder / "history.json").write_text(damaged)
        with pytest.raises(LoadError, match="is damaged; install Circuit Explorer again"):
            specimens.history("x")

"""Every row of the table of samples leads to files that are what it says."""

from __future__ import annotations

from pathlib import Path

import pytest

import explorer
from explorer.errors import LoadError
from explorer.io.inspect import describe
from explorer.io.samples import SAMPLES, Sample, find, located, model_folder, resources, transcoder_folder


def test_names_are_unique_and_the_first_is_us_cities() -> None:
    assert SAMPLES[0].name == "us-cities"
    assert len({sample.name for sample in SAMPLES}) == len(SAMPLES)
    assert find("us-cities") is SAMPLES[0]
    assert find("nowhere") is None


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_facts_are_those_of_the_files(sample: Sample) -> None:
    model = describe(model_folder(sample))
    assert model.kind == "model"
    assert f"{model.n_layers} layers" in sample.facts
    assert f"{model.n_parameters:,} parameters" in sample.facts


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_transcoders_fit_the_model(sample: Sample) -> None:
    model = describe(model_folder(sample))
    for kind in sample.kinds:
        found = describe(transcoder_folder(sample, kind))
        assert found.kind == "transcoders"
        assert found.format.endswith("across layers" if kind == "clt" else "per layer")
        assert (found.n_layers, found.d_model) == (model.n_layers, model.d_model)


def test_a_kind_that_a_sample_lacks_is_named() -> None:
    with pytest.raises(LoadError, match="us-cities has no transcoders “sae”; it has plt and clt"):
        transcoder_folder(SAMPLES[0], "sae")


def test_an_installed_program_uses_its_own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "explorer"
    (package / "resources").mkdir(parents=True)
    (tmp_path / "resources").mkdir()
    (tmp_path / "sample_models").mkdir()
    monkeypatch.setattr(explorer, "__file__", str(package / "__init__.py"))
    assert resources() == package / "resources"
    assert located("sample_models") == tmp_path / "sample_models"
    with pytest.raises(LoadError, match="folder nothing is missing"):
        located("nothing")

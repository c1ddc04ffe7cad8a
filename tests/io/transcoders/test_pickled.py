"""Pickled sets: nothing in them runs, packed ones open, and what is no set is refused."""

from __future__ import annotations

import gzip
import json
import os
import pickle
from pathlib import Path

import pytest
import torch

from explorer.errors import LoadError, UnsupportedTranscoder
from explorer.io.transcoder_formats import find
from explorer.io.transcoders import read
from tests.io.transcoders.layouts import draw
from tests.io.transcoders.layouts_pickled import PARAMETERS, checkpoint, circuits, dictionaries


class Payload:
    """Makes a folder when it is unpickled as Python does."""

    def __init__(self, folder: Path) -> None:
        self.folder = str(folder)

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (self.folder,)


def layer(number: int) -> dict[str, object]:
    return checkpoint(number, draw(number, **PARAMETERS, b_dec_out=PARAMETERS["b_dec"]), transcodes=True)


def test_a_packed_pickle_opens(tmp_path: Path) -> None:
    file = tmp_path / "transcoder.pkl.gz"
    file.write_bytes(gzip.compress(pickle.dumps(layer(0))))
    held = read(file)
    assert (held.n_layers, held.model_name) == (1, "gpt2-small")


def test_nothing_in_a_file_runs(tmp_path: Path) -> None:
    held = layer(0)
    torch.save({"cfg": held["cfg"], "state_dict": Payload(tmp_path / "run")}, tmp_path / "transcoder.pt")
    with pytest.raises(LoadError):
        read(tmp_path)
    folder = dictionaries(tmp_path / "dictionary", "BatchTopKSAE").path
    torch.save({"k": Payload(tmp_path / "run")}, next(folder.rglob("ae.pt")))
    with pytest.raises(LoadError):
        read(folder)
    assert not (tmp_path / "run").exists()


def test_other_pickles_beside_it_are_not_of_the_set(tmp_path: Path) -> None:
    folder = circuits(tmp_path).path
    torch.save({"weight": torch.ones(2)}, folder / "other.pt")
    assert read(folder).n_layers == 2
    assert find(folder / "other.pt") is None


def test_settings_without_a_layer_are_refused(tmp_path: Path) -> None:
    held = layer(0)
    held["cfg"].hook_point = "hook_embed"  # type: ignore[attr-defined]
    torch.save(held, tmp_path / "transcoder.pt")
    with pytest.raises(UnsupportedTranscoder, match="hook_embed"):
        read(tmp_path)


def test_a_threshold_that_training_has_not_found_yet_is_refused(tmp_path: Path) -> None:
    folder = dictionaries(tmp_path, "BatchTopKSAE").path
    file = next(folder.rglob("ae.pt"))
    torch.save({**torch.load(file), "threshold": torch.tensor(-1.0)}, file)
    with pytest.raises(UnsupportedTranscoder, match="threshold"):
        read(folder)


def test_decoders_get_norm_1_as_their_producer_makes_them(tmp_path: Path) -> None:
    held = read(dictionaries(tmp_path, "AutoEncoder").path)
    assert torch.allclose(held.layers[0].W_dec.norm(dim=-1), torch.ones(1, dtype=torch.float64))


def test_the_class_and_the_layer_must_be_said(tmp_path: Path) -> None:
    folder = dictionaries(tmp_path, "AutoEncoderNew").path
    file = next(folder.rglob("config.json"))
    before = json.loads(file.read_text("utf-8"))
    for said in ({"dict_class": "CrossCoder"}, {"layer": None}):
        file.write_text(json.dumps({"trainer": {**before["trainer"], **said}}), "utf-8")
        with pytest.raises(UnsupportedTranscoder):
            read(folder)

"""Folders of Gemma Scope say model, layer, width and sparsity; what they do not say is asked."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch

from explorer.errors import LoadError, Unsaid, UnsupportedTranscoder
from explorer.io.transcoders import read
from tests.io.transcoders import layouts_gemma_scope
from tests.io.transcoders.layouts import N_LAYERS, D, N, load, save


def test_the_repository_says_model_and_kind(tmp_path: Path) -> None:
    held = read(layouts_gemma_scope.first(tmp_path, repository="gemma-scope-9b-pt-transcoders").path)
    assert (held.model_name, held.kind, held.zero_positions) == ("google/gemma-2-9b", "plt", 1)
    held = read(layouts_gemma_scope.first(tmp_path, repository="gemma-scope-9b-it-res").path)
    assert (held.model_name, held.kind) == ("google/gemma-2-9b-it", "sae")


@pytest.mark.parametrize(("l0", "row"), [("1", 0), ("90", 0), ("200", 1), ("9999", 1)])
def test_of_several_sparsities_the_nearest_is_taken(tmp_path: Path, l0: str, row: int) -> None:
    path = layouts_gemma_scope.first(tmp_path, sparsities=(20, 300)).path
    held = read(path, told={"kind": "transcoders", "l0": l0})
    expected = layouts_gemma_scope.drawn(100 + row, **layouts_gemma_scope.FIRST)["W_dec"]
    assert torch.equal(held.layers[0].W_dec[:, 0], expected)


def test_of_several_widths_one_is_asked(tmp_path: Path) -> None:
    path = layouts_gemma_scope.first(tmp_path).path
    shutil.copytree(path / "layer_2/width_16k", path / "layer_2/width_65k")
    with pytest.raises(Unsaid) as caught:
        read(path, told={"kind": "transcoders"})
    assert (caught.value.name, caught.value.choices) == ("variant", ("width_16k", "width_65k"))


def test_folders_that_were_renamed_are_refused(tmp_path: Path) -> None:
    path = layouts_gemma_scope.first(tmp_path).path
    (path / "layer_1/width_16k/average_l0_76").rename(path / "layer_1/width_16k/second")
    with pytest.raises(LoadError, match="does not lie in folders like layer_0/width_16k/average_l0_76"):
        read(path, told={"kind": "transcoders"})


def test_the_second_scope_says_its_model(tmp_path: Path) -> None:
    assert read(layouts_gemma_scope.second(tmp_path).path).model_name == "google/gemma-3-270m-pt"


def test_the_last_layer_of_a_set_across_layers_is_read(tmp_path: Path) -> None:
    held = read(layouts_gemma_scope.second_across(tmp_path, affine=True).path)
    assert [layer.n_targets for layer in held.layers] == [3, 2, 1]
    assert all(layer.W_skip is not None for layer in held.layers)


def test_a_decoder_of_another_number_of_layers_is_refused(tmp_path: Path) -> None:
    written = layouts_gemma_scope.second_across(tmp_path, affine=False)
    file = written.files()[1]
    save({**load(file), "w_dec": torch.ones(N, N_LAYERS + 1, D)}, file)
    with pytest.raises(UnsupportedTranscoder, match=r"w_dec has shape \(7, 4, 4\) where \(7, 3, 4\) belongs"):
        read(written.path)


def test_what_the_second_scope_is_of_is_asked_if_nothing_says_it(tmp_path: Path) -> None:
    path = layouts_gemma_scope.second(tmp_path, said=None).path.rename(tmp_path / "mine")
    with pytest.raises(Unsaid) as caught:
        read(path)
    assert caught.value.name == "kind"
    assert read(path, told={"kind": "attn_out"}).kind == "sae"
    assert read(path, told={"kind": "transcoder"}).kind == "plt"

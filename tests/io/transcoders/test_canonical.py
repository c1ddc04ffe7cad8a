"""Layers become a set: in order, without a gap, of one width and one precision each."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from explorer.errors import Unsaid, UnsupportedTranscoder
from explorer.io.transcoders import canonical
from explorer.io.transcoders.canonical import Piece
from explorer.transcoders.activations import Activation
from explorer.transcoders.transcoder import ReadPoint, Transcoder, WritePoint

SET = Path("set")


def pieces(*layers: int, variant: str = "") -> list[Piece]:
    return [Piece(Path(f"{variant}{layer}"), layer, variant) for layer in layers]


def made(d: int) -> Transcoder:
    return canonical.transcoder(torch.ones(3, d), torch.ones(3), torch.ones(3, d), torch.ones(d), Activation("relu"))


def test_layers_stand_in_order() -> None:
    assert canonical.in_order(SET, pieces(2, 0, 1), {}) == [Path("0"), Path("1"), Path("2")]


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (pieces(0, 2), "“set” lacks layer 1 of a set that goes up to layer 2"),
        (pieces(12), "lacks layer 0, 1, 2, 3, 4, 5, 6, 7, ... of a set that goes up to layer 12"),
        ([*pieces(0, 1), Piece(Path("more"), 1)], "“set” holds a layer twice"),
    ],
)
def test_gaps_and_layers_that_are_there_twice_are_refused(found: list[Piece], words: str) -> None:
    with pytest.raises(UnsupportedTranscoder, match=words):
        canonical.in_order(SET, found, {})


def test_which_of_several_sets_is_asked() -> None:
    found = [*pieces(0, 1, variant="16k"), *pieces(1, 0, variant="64k")]
    with pytest.raises(Unsaid) as caught:
        canonical.in_order(SET, found, {})
    assert (caught.value.name, caught.value.choices) == ("variant", ("16k", "64k"))
    assert canonical.in_order(SET, found, {"variant": "64k"}) == [Path("64k0"), Path("64k1")]


def test_layers_that_are_there_once_are_one_set_whatever_their_folders_are_called() -> None:
    found = [*pieces(1, variant="16k"), *pieces(0, variant="64k")]
    assert canonical.in_order(SET, found, {}) == [Path("64k0"), Path("16k1")]


def test_a_layer_has_the_widest_precision_among_its_tensors() -> None:
    threshold = torch.tensor([0.1, 0.2, 0.3], dtype=torch.float64)
    narrow = [torch.ones(3, 2), torch.ones(3), torch.ones(3, 2), torch.ones(2)]
    one = canonical.transcoder(*(tensor.bfloat16() for tensor in narrow), Activation("jumprelu", threshold))
    assert {one.W_enc.dtype, one.b_enc.dtype, one.W_dec.dtype, one.b_dec.dtype} == {torch.float64}
    assert one.activation.threshold is not None
    assert torch.equal(one.activation.threshold, threshold)
    assert one.W_dec.shape == (3, 1, 2)


def test_layers_of_different_width_are_refused() -> None:
    with pytest.raises(UnsupportedTranscoder, match="“set”: layer 1 is 5 wide and layer 0 4"):
        canonical.whole(SET, [made(4), made(5)], ReadPoint.MLP_IN, WritePoint.MLP_OUT, ())


def test_first_positions_follow_the_model_unless_the_files_say() -> None:
    points, name = (ReadPoint.MLP_IN, WritePoint.MLP_OUT), "google/gemma-3-4b-it"
    assert canonical.whole(SET, [made(4)], *points, (), name).zero_positions == 4
    assert canonical.whole(SET, [made(4)], *points, (), name, first=0).zero_positions == 0
    assert canonical.whole(SET, [made(4)], *points, ()).zero_positions == 1

"""Matrices are turned by their shapes; what a shape cannot say is taken from the format, or refused."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from explorer.errors import UnsupportedTranscoder
from explorer.io.transcoders.weights_file import WeightsFile, check_alike

W = torch.arange(12.0).reshape(4, 3)
SQUARE = torch.arange(9.0).reshape(3, 3)


def held(**tensors: torch.Tensor) -> WeightsFile:
    return WeightsFile(Path("layer"), tensors)


@pytest.mark.parametrize("stored", ["as is", "transposed", ""])
def test_a_matrix_is_turned_by_its_shape_whatever_the_format_says(stored: str) -> None:
    assert torch.equal(held(W=W).matrix("W", 4, 3, stored), W)
    turned = held(W=W.T).matrix("W", 4, 3, stored)
    assert torch.equal(turned, W)
    assert turned.is_contiguous()


def test_a_square_matrix_lies_as_its_format_says() -> None:
    assert torch.equal(held(W=SQUARE).matrix("W", 3, 3, "as is"), SQUARE)
    assert torch.equal(held(W=SQUARE).matrix("W", 3, 3, "transposed"), SQUARE.T)
    with pytest.raises(UnsupportedTranscoder, match=r"“layer”: W is as high as wide \(3\), so how it lies"):
        held(W=SQUARE).matrix("W", 3, 3, "")


def test_a_matrix_of_neither_shape_is_refused() -> None:
    with pytest.raises(UnsupportedTranscoder, match=r"W has shape \(4, 3\) where \(4, 5\) belongs"):
        held(W=W).matrix("W", 4, 5, "as is")


def test_a_threshold_may_be_one_number_or_one_for_each_feature() -> None:
    assert held().threshold("t", 3) is None
    one = held(t=torch.tensor([0.5])).threshold("t", 3)
    assert one is not None
    assert (one.shape, float(one)) == ((), 0.5)
    each = held(t=torch.tensor([0.0, 0.5, 1.0])).threshold("t", 3)
    assert each is not None
    assert each.tolist() == [0.0, 0.5, 1.0]
    with pytest.raises(UnsupportedTranscoder, match="2 values below 0, logarithms perhaps"):
        held(t=torch.tensor([-1.0, 0.5, -2.0])).threshold("t", 3)


def test_what_nobody_took_is_refused() -> None:
    file = held(W=W, more=torch.ones(2))
    file.take("W")
    with pytest.raises(UnsupportedTranscoder, match="also holds more, which its layout does not have"):
        file.done()
    file.take("more")
    file.done()


def test_layers_hold_the_same_tensors() -> None:
    names = {Path("a"): frozenset({"W", "skip"}), Path("b"): frozenset({"W"})}
    with pytest.raises(UnsupportedTranscoder, match="“b” lacks the tensor skip, which other layers of the set have"):
        check_alike(names)
    check_alike({Path("a"): frozenset({"W"}), Path("b"): frozenset({"W"})})

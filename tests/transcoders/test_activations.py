"""Activation functions, at their edges too."""

from __future__ import annotations

import pytest
import torch

from explorer.errors import UnsupportedTranscoder
from explorer.transcoders.activations import Activation

PRE = torch.tensor([[-2.0, -0.5, 0.0, 0.5, 2.0], [3.0, 1.0, 2.0, -4.0, 0.5]])


def test_relu_keeps_the_positive() -> None:
    assert Activation("relu")(PRE).tolist() == [[0, 0, 0, 0.5, 2.0], [3.0, 1.0, 2.0, 0, 0.5]]


@pytest.mark.parametrize("threshold", [torch.tensor(0.5), torch.full((5,), 0.5)])
def test_jumprelu_keeps_what_is_strictly_above_its_threshold(threshold: torch.Tensor) -> None:
    assert Activation("jumprelu", threshold)(PRE).tolist() == [[0, 0, 0, 0, 2.0], [3.0, 1.0, 2.0, 0, 0]]


def test_each_feature_has_its_own_threshold() -> None:
    threshold = torch.tensor([2.5, 1.5, 0.0, 0.0, 0.0])
    assert Activation("jumprelu", threshold)(PRE[1]).tolist() == [3.0, 0, 2.0, 0, 0.5]


def test_topk_keeps_the_largest_with_their_sign() -> None:
    assert Activation("topk", k=2)(PRE).tolist() == [[0, 0, 0, 0.5, 2.0], [3.0, 0, 2.0, 0, 0]]
    assert Activation("topk", k=4)(PRE)[0].tolist() == [0, -0.5, 0, 0.5, 2.0]


def test_rectified_topk_drops_negative_ones_among_the_largest() -> None:
    assert Activation("topk", k=4, rectified=True)(PRE)[0].tolist() == [0, 0, 0, 0.5, 2.0]


def test_an_offset_is_added_to_what_is_on_alone() -> None:
    offset = torch.tensor([1.0, 1.0, 1.0, -1.0, -5.0])
    function = Activation("topk", k=3, rectified=True, offset=offset)
    assert function(PRE).tolist() == [[0, 0, 0, -0.5, -3.0], [4.0, 2.0, 3.0, 0, 0]]


def test_topk_of_more_than_there_are_keeps_all() -> None:
    assert torch.equal(Activation("topk", k=9)(PRE), PRE)


def test_an_activation_does_not_change_its_input() -> None:
    before = PRE.clone()
    for function in (Activation("relu"), Activation("jumprelu", torch.tensor(0.1)), Activation("topk", k=1)):
        function(PRE)
    assert torch.equal(PRE, before)


def test_the_threshold_follows_the_precision() -> None:
    function = Activation("jumprelu", torch.tensor([0.1, 0.2])).to(torch.zeros(1, dtype=torch.float64))
    assert function.threshold is not None
    assert function.threshold.dtype is torch.float64
    function = Activation("relu", offset=torch.tensor([0.1, 0.2])).to(torch.zeros(1, dtype=torch.float64))
    assert function.offset is not None
    assert function.offset.dtype is torch.float64
    plain = Activation("relu")
    assert plain.to(torch.zeros(1)) is plain


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"kind": "tanh"}, "“tanh” is not one of relu, jumprelu, topk"),
        ({"kind": "jumprelu"}, "needs a threshold"),
        ({"kind": "relu", "threshold": torch.tensor(0.1)}, "has no threshold"),
        ({"kind": "topk"}, "k = 0"),
        ({"kind": "topk", "k": -3}, "k = -3"),
        ({"kind": "relu", "k": 3}, "k = 3"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(settings: dict[str, object], words: str) -> None:
    with pytest.raises(UnsupportedTranscoder, match=words):
        Activation(**settings)  # type: ignore[arg-type]

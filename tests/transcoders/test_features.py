"""The active features of a prompt."""

from __future__ import annotations

import pytest
import torch

from explorer.errors import UnsupportedTranscoder
from explorer.transcoders.activations import Activation
from explorer.transcoders.features import encode
from explorer.transcoders.transcoder import ReadPoint, Transcoder, TranscoderSet, WritePoint


def identity(activation: Activation, b_enc: float = 0.0) -> Transcoder:
    """Three features that read one coordinate each."""
    return Transcoder(torch.eye(3), torch.full((3,), b_enc), torch.zeros(3, 1, 3), torch.zeros(3), activation)


def of(*layers: Transcoder, zero_positions: int = 1) -> TranscoderSet:
    return TranscoderSet(layers, ReadPoint.MLP_IN, WritePoint.MLP_OUT, zero_positions, origin="My set")


READ = torch.tensor([[9.0, 9.0, 9.0], [1.0, -1.0, 2.0], [0.0, 3.0, -4.0]])


def test_active_features_are_sorted_with_their_values() -> None:
    found = encode(of(identity(Activation("relu")), identity(Activation("relu"), 1.5)), (READ, READ))
    rows = list(zip(found.layer.tolist(), found.pos.tolist(), found.feature.tolist(), strict=True))
    assert rows == [(0, 1, 0), (0, 1, 2), (0, 2, 1), (1, 1, 0), (1, 1, 1), (1, 1, 2), (1, 2, 0), (1, 2, 1)]
    assert rows == sorted(rows)
    assert found.activation.tolist() == [1.0, 2.0, 3.0, 2.5, 0.5, 3.5, 1.5, 4.5]
    assert found.b_enc.tolist() == [0.0] * 3 + [1.5] * 5
    assert len(found) == 8


def test_negative_activations_of_topk_count() -> None:
    found = encode(of(identity(Activation("topk", k=3))), (READ,))
    assert found.activation.tolist() == [1.0, -1.0, 2.0, 3.0, -4.0]


def test_jumprelu_keeps_the_preactivation() -> None:
    found = encode(of(identity(Activation("jumprelu", torch.tensor(1.0)))), (READ,))
    assert found.activation.tolist() == found.pre.tolist() == [2.0, 3.0]


@pytest.mark.parametrize(("zero", "count"), [(0, 6), (1, 3), (2, 1), (3, 0), (9, 0)])
def test_first_positions_have_no_features(zero: int, count: int) -> None:
    found = encode(of(identity(Activation("relu")), zero_positions=zero), (READ,))
    assert len(found) == count
    assert (found.pos >= zero).all()


def test_of_layer_is_where_its_features_stand() -> None:
    silent = identity(Activation("jumprelu", torch.tensor(100.0)))
    found = encode(of(identity(Activation("relu")), silent, identity(Activation("relu"))), (READ, READ, READ))
    assert [found.of_layer(layer) for layer in range(3)] == [slice(0, 3), slice(3, 3), slice(3, 6)]


def test_features_are_computed_in_the_precision_of_the_read() -> None:
    found = encode(of(identity(Activation("jumprelu", torch.tensor(0.5)), 0.1)), (READ.double(),))
    assert {column.dtype for column in (found.activation, found.pre, found.b_enc)} == {torch.float64}


def test_a_read_of_another_width_is_refused() -> None:
    with pytest.raises(UnsupportedTranscoder, match="My set is 3 wide and the model 4; choose transcoders made for"):
        encode(of(identity(Activation("relu"))), (torch.zeros(2, 4),))

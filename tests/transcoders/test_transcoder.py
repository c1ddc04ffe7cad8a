"""The canonical form refuses what does not fit together, by name."""

from __future__ import annotations

from typing import Any

import jaxtyping
import pytest
import torch

from explorer.errors import UnsupportedTranscoder
from explorer.transcoders.activations import Activation
from explorer.transcoders.transcoder import ReadPoint, Site, Transcoder, TranscoderSet, WritePoint

N, D = 5, 3


def made(n_targets: int = 1, **changes: Any) -> Transcoder:
    weights = {
        "W_enc": torch.zeros(N, D),
        "b_enc": torch.zeros(N),
        "W_dec": torch.zeros(N, n_targets, D),
        "b_dec": torch.zeros(D),
        "activation": Activation("relu"),
    }
    return Transcoder(**{**weights, **changes})


def of(*n_targets: int) -> TranscoderSet:
    return TranscoderSet(tuple(map(made, n_targets)), ReadPoint.MLP_IN, WritePoint.MLP_OUT, origin="My set")


@pytest.mark.parametrize(
    ("name", "shape"),
    [("b_enc", (D,)), ("W_dec", (N + 1, 1, D)), ("W_dec", (N, 1, D + 1)), ("b_dec", (N,)), ("W_skip", (D, N))],
)
def test_shapes_that_do_not_fit_the_encoder_are_named(
    name: str, shape: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in the shipped program, where jaxtyping checks nothing."""
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    with pytest.raises(UnsupportedTranscoder) as caught:
        made(**{name: torch.zeros(shape)})
    assert name in str(caught.value)
    assert str(shape) in str(caught.value)


def test_sizes_are_read_off_the_weights() -> None:
    transcoder = made(4)
    assert (transcoder.d_transcoder, transcoder.d_model, transcoder.n_targets) == (N, D, 4)


@pytest.mark.parametrize(
    ("n_targets", "kind"), [((1, 1, 1), "plt"), ((3, 2, 1), "clt"), ((1,), "plt"), ((3, 1, 1), "clt")]
)
def test_a_set_that_writes_ahead_is_cross_layer(n_targets: tuple[int, ...], kind: str) -> None:
    held = of(*n_targets)
    assert held.kind == kind
    assert held.n_layers == len(n_targets)


@pytest.mark.parametrize(("n_targets", "layer"), [((2, 1, 1), 0), ((3, 3, 1), 1), ((3, 2, 2), 2)])
def test_writing_beyond_the_last_layer_is_refused(n_targets: tuple[int, ...], layer: int) -> None:
    with pytest.raises(UnsupportedTranscoder, match=f"My set: layer {layer} writes to"):
        of(*n_targets)


def test_a_set_that_reads_what_it_writes_is_one_of_sparse_autoencoders() -> None:
    held = TranscoderSet((made(), made()), Site.RESID_POST, Site.RESID_POST)
    assert held.kind == "sae"
    with pytest.raises(UnsupportedTranscoder, match=r"My set reads hook_resid_post and writes mlp\.hook_out"):
        TranscoderSet((made(),), Site.RESID_POST, WritePoint.MLP_OUT, origin="My set")
    with pytest.raises(UnsupportedTranscoder, match="reads hook_resid_pre and writes hook_resid_post"):
        TranscoderSet((made(),), Site.RESID_PRE, Site.RESID_POST)


def test_decoder_rows_are_those_of_the_features() -> None:
    W_dec = torch.arange(N * 2 * D, dtype=torch.float32).view(N, 2, D)
    assert torch.equal(made(2, W_dec=W_dec).decoder_rows(torch.tensor([4, 1])), W_dec[[4, 1]])


def test_points_have_circuit_tracers_names() -> None:
    assert [point.value for point in ReadPoint] == ["hook_resid_mid", "mlp.hook_in", "ln2.hook_normalized"]
    assert [point.value for point in WritePoint] == ["mlp.hook_out", "hook_mlp_out"]

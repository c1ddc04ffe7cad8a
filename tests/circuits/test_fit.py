"""How well transcoders fit: none miss their own MLP, and a wrong hook, gain or scale is seen."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from explorer.circuits.fit import Fit, fit, same_model, warning
from explorer.models.loader import LanguageModel
from explorer.transcoders.activations import Activation
from explorer.transcoders.transcoder import ReadPoint, Transcoder, TranscoderSet, WritePoint
from tests import tiny


def relu_model() -> LanguageModel:
    return tiny.model("gpt2", "float64", activation_function="relu")


def own_mlps(model: LanguageModel, *, scale: float = 1.0) -> TranscoderSet:
    """The model's ReLU MLPs as transcoders, which are therefore exact; encoders times ``scale``."""
    layers = []
    for block in model.network.transformer.h:  # type: ignore[union-attr]
        up, down = block.mlp.c_fc, block.mlp.c_proj
        W_enc, W_dec = scale * up.weight.T.detach(), down.weight.detach()[:, None]
        layers.append(
            Transcoder(W_enc, scale * up.bias.detach(), W_dec, down.bias.detach(), Activation("relu"))
        )
    return TranscoderSet(tuple(layers), ReadPoint.MLP_IN, WritePoint.MLP_OUT, 1, "tiny", "own MLPs")


def fitted(held: TranscoderSet) -> Fit:
    return fit(tiny.replaced(relu_model(), held)[1])


def test_a_models_own_mlps_miss_nothing() -> None:
    found = fitted(own_mlps(relu_model()))
    assert float(found.fvu.max()) < 1e-24
    assert not found.is_poor


@pytest.mark.parametrize(
    ("name", "held"),
    [
        ("hook", replace(own_mlps(relu_model()), read=ReadPoint.RESID_MID)),
        ("gain", replace(own_mlps(relu_model()), read=ReadPoint.NORMALIZED)),
        ("scale", own_mlps(relu_model(), scale=3.0)),
    ],
)
def test_a_wrong_hook_gain_or_scale_is_seen(name: str, held: TranscoderSet) -> None:
    found = fitted(held)
    assert found.typical_fvu > 0.2, name
    if name != "gain":  # a gain near 1 misses less
        assert found.is_poor
        assert "its hook, gain or scale is wrong" in warning(found, held, "tiny", Path("tiny"))


def test_the_numbers_are_those_of_the_definition() -> None:
    """From the MLPs' own inputs and outputs in the Hugging Face network, taken by hooks."""
    model, seen = relu_model(), []
    blocks = list(model.network.transformer.h)  # type: ignore[union-attr]
    keep = lambda _m, args, out: seen.append((args[0][0], out[0]))  # noqa: E731
    hooks = [block.mlp.register_forward_hook(keep) for block in blocks]
    with torch.no_grad():
        model.network(torch.tensor([tiny.PROMPT]))
    for hook in hooks:
        hook.remove()
    held = tiny.transcoders(model, write=WritePoint.MLP_OUT)
    found = fitted(held)
    for layer, (x, y) in enumerate(seen):
        one = held.layers[layer]
        active = np.maximum(x.numpy() @ one.W_enc.numpy().T + one.b_enc.numpy(), 0)[1:]
        missed = y.numpy()[1:] - active @ one.W_dec[:, 0].numpy() - one.b_dec.numpy()
        variance = y.numpy()[1:].var(axis=0).sum() * len(active)
        assert float(found.fvu[layer]) == pytest.approx((missed**2).sum() / variance, rel=1e-9)
        assert float(found.l0[layer]) == pytest.approx((active > 0).sum() / len(active))


def test_a_text_of_one_token_says_nothing() -> None:
    model = relu_model()
    found = fit(tiny.replaced(model, own_mlps(model), (1, 2))[1])
    assert np.isnan(found.typical_fvu)
    assert not found.is_poor


@pytest.mark.parametrize(
    ("said", "name", "path", "same"),
    [
        ("google/gemma-2-2b", "gemma-2-2b", "/m/gemma-2-2b", True),
        ("gemma-2-2b", "9f2c", "/hub/models--google--gemma-2-2b/snapshots/9f2c", True),
        ("gpt2-small", "gpt2", "/m/gpt2", True),
        ("m", "m", "/m", True),
        ("", "gpt2", "/m/gpt2", True),
        ("gemma-2-2b", "Llama-3.2-1B", "/m/Llama-3.2-1B", False),
        ("gpt2", "pythia-70m", "/m/pythia-70m", False),
    ],
)
def test_names_of_models_are_compared_without_their_owners(said: str, name: str, path: str, same: bool) -> None:
    assert same_model(said, name, Path(path)) is same


def test_another_model_than_the_set_says_is_told() -> None:
    held = replace(own_mlps(relu_model()), model_name="google/gemma-2-2b")
    text = warning(fitted(held), held, "gpt2", Path("/m/gpt2"))
    assert text == "own MLPs says that it was made for “google/gemma-2-2b”; the open model is called “gpt2”."

"""What decoders do to logits, against the weights by name."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from explorer.features.vocabulary import logit_effects, token_lookup, writes
from explorer.models.loader import LanguageModel
from explorer.transcoders.activations import Activation
from explorer.transcoders.transcoder import Site, Transcoder, TranscoderSet
from tests import tiny


def heads(model: LanguageModel, width: int) -> TranscoderSet:
    """An autoencoder of what the heads hold in each layer."""
    draw = torch.Generator().manual_seed(3)
    layers = [
        Transcoder(torch.randn(5, width, generator=draw), torch.zeros(5), torch.randn(5, 1, width, generator=draw),
                   torch.zeros(width), Activation("relu"))
        for _ in range(model.n_layers)
    ]  # fmt: skip
    return TranscoderSet(tuple(layers), Site.ATTN_Z, Site.ATTN_Z)


def by_hand(family: str, network: Tensor | torch.nn.Module, layer: int, decoder: Tensor) -> Tensor:
    """The change of each logit: output projection, norm's gain, unembedding less its mean."""
    if family == "gpt2":
        out = decoder @ network.transformer.h[layer].attn.c_proj.weight
        out = (out - out.mean(-1, keepdim=True)) * network.transformer.ln_f.weight
        effect = out @ network.lm_head.weight.T
    else:
        out = network.model.layers[layer].self_attn.o_proj.weight @ decoder
        effect = network.lm_head.weight @ (network.model.norm.weight * out)
    return effect - effect.mean()


@pytest.mark.parametrize(("family", "width"), [("gpt2", 21), ("llama", 36)])
def test_what_heads_hold_reaches_the_logits_through_the_output_projection(family: str, width: int) -> None:
    """Also where heads are together as wide as the stream, as in GPT-2."""
    model = tiny.model(family)
    held, layer = heads(model, width), 1
    rows = writes(model, held, layer, torch.arange(5))
    found = logit_effects(model, rows.sum(1), 3)
    for feature in range(5):
        with torch.no_grad():
            wanted = by_hand(family, model.network, layer, held.layers[layer].W_dec[feature, 0]).topk(3)
        assert found.top[feature].tolist() == wanted.indices.tolist()
        assert found.top_value[feature].tolist() == pytest.approx(wanted.values.tolist(), abs=1e-4)
    assert token_lookup(model, held, layer, torch.arange(5), 3) is None

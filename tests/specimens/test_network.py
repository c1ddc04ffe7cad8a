"""The network in numpy does what explorer/models/tiny.py does in torch."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from explorer.errors import UnsupportedModel
from explorer.models.tiny import TinyConfig, TinyForCausalLM
from explorer.specimens import network
from explorer.specimens.network import Network

SIZES = {
    "vocab_size": 11, "hidden_size": 12, "num_hidden_layers": 2, "num_attention_heads": 3, "intermediate_size": 7,
    "max_position_embeddings": 9,
}  # fmt: skip
KINDS = [
    {"norm": "layer", "hidden_act": "gelu_pytorch_tanh", "tie_word_embeddings": True},
    {"norm": "none", "hidden_act": "relu", "attention_bias": False, "n_outputs": 5},
    {"norm": "layer", "hidden_act": "relu", "positions": "none", "mlp_bias": False},
]


def pair(kind: dict[str, object]) -> tuple[TinyForCausalLM, Network]:
    torch.manual_seed(0)
    model = TinyForCausalLM(TinyConfig(**SIZES, **kind)).double()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.7)
    weights = {name: weight.numpy() for name, weight in model.state_dict().items()}
    if model.config.tie_word_embeddings:
        del weights["head.weight"]
    return model.eval().requires_grad_(False), Network(model.config.to_dict(), weights)


@pytest.fixture(params=KINDS, ids=lambda kind: f"{kind['norm']} {kind['hidden_act']}")
def both(request: pytest.FixtureRequest) -> tuple[TinyForCausalLM, Network]:
    return pair(request.param)


IDS = np.random.default_rng(0).integers(0, 11, (4, 8))


def test_logits_are_those_of_torch(both: tuple[TinyForCausalLM, Network]) -> None:
    model, numpy = both
    np.testing.assert_allclose(network.run(numpy, IDS).logits, model(torch.from_numpy(IDS)).logits, atol=1e-10)


def test_every_part_is_that_of_torch(both: tuple[TinyForCausalLM, Network]) -> None:
    model, numpy = both
    seen: dict[str, list[np.ndarray]] = {"resid": [], "mixed": [], "neurons": []}
    for block in model.blocks:
        block.register_forward_pre_hook(lambda _, given: seen["resid"].append(given[0].numpy()))
        block.attention.output.register_forward_pre_hook(lambda _, given: seen["mixed"].append(given[0].numpy()))
        block.mlp.down.register_forward_pre_hook(lambda _, given: seen["neurons"].append(given[0].numpy()))
    model(torch.from_numpy(IDS))
    found = network.run(numpy, IDS)
    for layer in range(2):
        np.testing.assert_allclose(found.resid[layer], seen["resid"][layer], atol=1e-10)
        np.testing.assert_allclose(found.mixed[layer].reshape(4, 8, -1), seen["mixed"][layer], atol=1e-10)
        np.testing.assert_allclose(found.neurons[layer], seen["neurons"][layer], atol=1e-10)
        np.testing.assert_allclose(found.pattern[layer].sum(-1), 1)
        assert not np.triu(found.pattern[layer], 1).any()


def test_a_change_acts_on_all_that_comes_after_it(both: tuple[TinyForCausalLM, Network]) -> None:
    model, numpy = both

    def change(site: str, layer: int, x: np.ndarray) -> np.ndarray:
        return np.where(np.arange(7) < 4, 0.0, x) if (site, layer) == ("neuron", 0) else x

    model.blocks[0].mlp.down.register_forward_pre_hook(lambda _, given: (given[0] * (torch.arange(7) >= 4),))
    found = network.run(numpy, IDS, change).logits
    np.testing.assert_allclose(found, model(torch.from_numpy(IDS)).logits, atol=1e-10)
    assert abs(found - network.run(numpy, IDS).logits).max() > 1e-3


def test_what_it_does_not_read_is_refused() -> None:
    with pytest.raises(UnsupportedModel, match="positions “rotary”, which is read as learned or none only"):
        Network({**TinyConfig(**SIZES).to_dict(), "positions": "rotary"}, {})

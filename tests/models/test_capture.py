"""One captured pass holds what the model computed, and leaves the model as it was."""

from __future__ import annotations

import pytest
import torch

from explorer.models.loader import LanguageModel
from explorer.models.trace import Trace
from tests import tiny

FAMILIES = ("llama", "gpt2", "gemma2")


@pytest.fixture(params=FAMILIES)
def model(request: pytest.FixtureRequest) -> LanguageModel:
    return tiny.model(request.param)


@pytest.fixture
def trace(model: LanguageModel) -> Trace:
    return model.run(tiny.PROMPT)


def test_logits_are_the_models_own(model: LanguageModel, trace: Trace) -> None:
    with torch.no_grad():
        logits = model.network(torch.tensor([tiny.PROMPT])).logits[0]
    torch.testing.assert_close(trace.logits, logits, rtol=0, atol=0)


def test_head_out_comes_before_the_softcap() -> None:
    trace, cap = tiny.model("gemma2").run(tiny.PROMPT), 30.0
    torch.testing.assert_close(trace.logits, cap * (trace.head_out / cap).tanh())
    for family in ("llama", "gpt2"):
        plain = tiny.model(family).run(tiny.PROMPT)
        assert torch.equal(plain.logits, plain.head_out)


def test_patterns_are_causal_distributions(trace: Trace) -> None:
    for layer in trace.layers:
        assert not layer.pattern.triu(1).any()
        torch.testing.assert_close(layer.pattern.sum(-1), torch.ones(layer.pattern.shape[:2]))


def test_a_sliding_window_is_in_the_pattern() -> None:
    """Gemma 2 looks four tokens back in its even layers only."""
    layers = tiny.model("gemma2").run(tiny.PROMPT).layers
    assert not layers[0].pattern.tril(-4).any()
    assert layers[1].pattern.tril(-4).any()


def test_frozen_norms_reproduce_what_the_mlps_read(trace: Trace) -> None:
    for layer in trace.layers:
        assert layer.mlp_norm is not None
        torch.testing.assert_close(layer.mlp_norm(layer.resid_mid.double()).float(), layer.mlp_in)


def test_the_residual_stream_adds_up(model: LanguageModel, trace: Trace) -> None:
    """Without attention biases in between: what a later layer reads is never less than the writes before it."""
    x = trace.embedding.double()
    x = x if trace.position is None else x + trace.position
    from explorer.circuits.frozen import freeze

    frozen = freeze(model, trace, torch.float64)
    for number, layer in enumerate(frozen.layers):
        mid = x + frozen.attention_output(number, x)
        torch.testing.assert_close(mid, layer.resid_mid, rtol=1e-5, atol=1e-5)
        x = mid + (layer.mlp_out if layer.mlp_post_norm is None else layer.mlp_post_norm(layer.mlp_out))
    torch.testing.assert_close(
        trace.final_norm(x) @ model.head.W_U.double().T, trace.head_out.double(), rtol=1e-5, atol=1e-5
    )


def test_embeddings_carry_their_scale() -> None:
    """Gemma multiplies them by the root of its width."""
    model = tiny.model("gemma2")
    stored = model.network.get_submodule("model.embed_tokens").weight.detach()
    assert isinstance(stored, torch.Tensor)
    scaled = stored[list(tiny.PROMPT)] * model.d_model**0.5
    torch.testing.assert_close(model.run(tiny.PROMPT).embedding, scaled, rtol=1e-3, atol=1e-3)


def test_only_gpt2_has_positions() -> None:
    assert tiny.model("llama").run(tiny.PROMPT).position is None
    position = tiny.model("gpt2").run(tiny.PROMPT).position
    assert position is not None
    assert position.shape == (7, 21)


def test_a_capture_leaves_no_hook_and_no_graph(model: LanguageModel) -> None:
    trace = model.run(tiny.PROMPT)
    assert not trace.logits.requires_grad
    assert not any(module._forward_hooks for module in model.network.modules())


def test_a_failed_pass_leaves_no_hook(model: LanguageModel) -> None:
    head = model.network.get_submodule(model.family.head)
    handle = head.register_forward_pre_hook(lambda module, args: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        model.run(tiny.PROMPT)
    handle.remove()
    assert not any(module._forward_hooks for module in model.network.modules())


def test_two_captures_of_a_prompt_are_the_same(model: LanguageModel, trace: Trace) -> None:
    again = model.run(tiny.PROMPT)
    assert torch.equal(again.logits, trace.logits)
    pairs = zip(again.layers, trace.layers, strict=True)
    assert all(torch.equal(one.pattern, other.pattern) for one, other in pairs)


def test_causality_of_a_capture(model: LanguageModel, trace: Trace) -> None:
    """A prefix gives the same values at its positions."""
    prefix = model.run(tiny.PROMPT[:4])
    torch.testing.assert_close(prefix.logits, trace.logits[:4], rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(prefix.layers[2].mlp_out, trace.layers[2].mlp_out[:4], rtol=1e-4, atol=1e-4)

"""State dicts of TransformerLens compute what its components compute; what they do not hold is asked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from explorer.errors import LoadError, Unsaid, UnsupportedModel
from explorer.io import answers, models
from tests.certificate import certify

PROMPT = (1, 4, 2, 2, 6, 0, 3)
V, D, H, DH, M, CTX = 7, 12, 3, 5, 17, 16


@pytest.fixture(autouse=True)
def _own_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "answers_path", lambda: tmp_path / "answers" / "answers.json")


@dataclass
class HookedTransformerConfig:
    """Stands for TransformerLens's own class of settings, which is pickled whole."""

    act_fn: str = "relu"
    normalization_type: str | None = None
    eps: float = 1e-5
    attn_scale: float = 2.0
    n_ctx: int = CTX
    attention_dir: str = "causal"


@dataclass(frozen=True)
class Form:
    """Which parts a model has."""

    norm: str = "layer"  # layer, folded, rms, none
    rotary: str = ""  # halves, adjacent
    gated: bool = False
    shared: int = H
    act: str = "gelu"


FORMS = {
    "GPT-2": Form(),
    "folded": Form(norm="folded", act="relu"),
    "no norm": Form(norm="none", act="relu"),
    "Llama": Form(norm="rms", rotary="halves", gated=True, shared=1, act="silu"),
    "GPT-J": Form(rotary="adjacent", act="gelu_new"),
}
TOLD = {
    "GPT-2": {"act_fn": "gelu"},
    "folded": {"act_fn": "relu", "normalization_type": "LNPre"},
    "no norm": {"act_fn": "relu", "normalization_type": "none"},
    "Llama": {"act_fn": "silu"},
    "GPT-J": {"act_fn": "gelu_new"},
}
ACT = {"gelu": F.gelu, "gelu_new": lambda x: F.gelu(x, approximate="tanh"), "silu": F.silu, "relu": F.relu}


def rotary_tables(form: Form, rotary: int = 4, base: float = 10000.0) -> tuple[Tensor, Tensor]:
    """Sines and cosines [n_ctx, rotary] as TransformerLens's calculate_sin_cos_rotary lays them out."""
    pos = torch.arange(CTX, dtype=torch.float64)
    freq = base ** (torch.arange(rotary // 2, dtype=torch.float64) / (rotary / 2))
    freq = freq.repeat_interleave(2) if form.rotary == "adjacent" else freq.repeat(2)
    angles = pos[:, None] / freq[None, :]
    return angles.sin(), angles.cos()


def weights(form: Form, n_layers: int = 2) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(5)

    def draw(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    state = {"embed.W_E": draw(V, D), "unembed.W_U": draw(D, V), "unembed.b_U": draw(V)}
    if not form.rotary:
        state["pos_embed.W_pos"] = draw(CTX, D)
    for layer in range(n_layers):
        at = f"blocks.{layer}"
        mark = "" if form.shared == H else "_"
        for letter, n, own in (("Q", H, ""), ("K", form.shared, mark), ("V", form.shared, mark)):
            state[f"{at}.attn.{own}W_{letter}"] = draw(n, D, DH) / D**0.5
            state[f"{at}.attn.{own}b_{letter}"] = 0.3 * draw(n, DH)
        state |= {f"{at}.attn.W_O": draw(H, DH, D) / D**0.5, f"{at}.attn.b_O": 0.3 * draw(D)}
        state |= {f"{at}.attn.mask": torch.ones(CTX, CTX).tril().bool(), f"{at}.attn.IGNORE": torch.tensor(-torch.inf)}
        if form.rotary:
            state[f"{at}.attn.rotary_sin"], state[f"{at}.attn.rotary_cos"] = rotary_tables(form)
        state |= {f"{at}.mlp.W_in": draw(D, M) / D**0.5, f"{at}.mlp.b_in": 0.3 * draw(M)}
        state |= {f"{at}.mlp.W_out": draw(M, D) / M**0.5, f"{at}.mlp.b_out": 0.3 * draw(D)}
        if form.gated:
            state[f"{at}.mlp.W_gate"] = draw(D, M) / D**0.5
    for name in [f"blocks.{layer}.ln{i}" for layer in range(n_layers) for i in (1, 2)] + ["ln_final"]:
        if form.norm in ("layer", "rms"):
            state[f"{name}.w"] = 1 + 0.3 * draw(D)
        if form.norm == "layer":
            state[f"{name}.b"] = 0.3 * draw(D)
    return state


def forward(state: dict[str, Tensor], form: Form, n_layers: int = 2, scale: float = DH**0.5) -> Tensor:
    """Logits by the formulas of TransformerLens's components, in its own einsums."""

    def norm(x: Tensor, name: str) -> Tensor:
        if form.norm == "none":
            return x
        x = x if form.norm == "rms" else x - x.mean(-1, keepdim=True)
        x = x / (x.pow(2).mean(-1, keepdim=True) + 1e-5).sqrt()
        return x * state.get(f"{name}.w", torch.ones(D)) + state.get(f"{name}.b", torch.zeros(D))

    def turn(x: Tensor, at: str) -> Tensor:
        """apply_rotary of AbstractAttention, x [pos, head, d_head]."""
        sin, cos = state[f"{at}.rotary_sin"][: len(x), None], state[f"{at}.rotary_cos"][: len(x), None]
        n = sin.shape[-1]
        head, rest = x[..., :n], x[..., n:]
        other = head.clone()
        if form.rotary == "adjacent":
            other[..., ::2], other[..., 1::2] = -head[..., 1::2], head[..., ::2]
        else:
            other[..., : n // 2], other[..., n // 2 :] = -head[..., n // 2 :], head[..., : n // 2]
        return torch.cat([head * cos + other * sin, rest], -1)

    x = state["embed.W_E"][list(PROMPT)]
    if not form.rotary:
        x = x + state["pos_embed.W_pos"][: len(PROMPT)]
    for layer in range(n_layers):
        at = f"blocks.{layer}.attn"
        mark = "" if form.shared == H else "_"
        read, parts = norm(x, f"blocks.{layer}.ln1"), {}
        for letter, own in (("Q", ""), ("K", mark), ("V", mark)):
            part = torch.einsum("pd,hde->phe", read, state[f"{at}.{own}W_{letter}"]) + state[f"{at}.{own}b_{letter}"]
            parts[letter] = part.repeat_interleave(H // part.shape[1], 1)
        if form.rotary:
            parts["Q"], parts["K"] = turn(parts["Q"], at), turn(parts["K"], at)
        scores = torch.einsum("qhe,khe->hqk", parts["Q"], parts["K"]) / scale
        scores = scores.masked_fill(torch.ones_like(scores, dtype=torch.bool).triu(1), -torch.inf)
        z = torch.einsum("hqk,khe->qhe", scores.softmax(-1), parts["V"])
        x = x + torch.einsum("qhe,hed->qd", z, state[f"{at}.W_O"]) + state[f"{at}.b_O"]
        at = f"blocks.{layer}.mlp"
        read = norm(x, f"blocks.{layer}.ln2")
        if form.gated:
            post = ACT[form.act](read @ state[f"{at}.W_gate"]) * (read @ state[f"{at}.W_in"]) + state[f"{at}.b_in"]
        else:
            post = ACT[form.act](read @ state[f"{at}.W_in"] + state[f"{at}.b_in"])
        x = x + post @ state[f"{at}.W_out"] + state[f"{at}.b_out"]
    return norm(x, "ln_final") @ state["unembed.W_U"] + state["unembed.b_U"]


def save(folder: Path, value: object) -> Path:
    torch.save(value, folder / "model.pt")
    return folder / "model.pt"


@pytest.mark.parametrize("name", list(FORMS))
def test_logits_are_those_of_the_formula(tmp_path: Path, name: str) -> None:
    state = weights(FORMS[name])
    model = models.read(save(tmp_path, state), dtype="float64", told=TOLD[name])
    torch.testing.assert_close(model.run(PROMPT).logits, forward(state, FORMS[name]), rtol=0, atol=1e-11)
    assert (model.name, model.n_layers, model.d_model, model.context) == ("model", 2, D, CTX)
    certify(model, PROMPT)


def test_what_it_does_not_hold_is_asked_once_and_remembered(tmp_path: Path) -> None:
    file = save(tmp_path, weights(FORMS["folded"]))
    with pytest.raises(Unsaid, match="act_fn=relu or gelu"):
        models.read(file)
    with pytest.raises(Unsaid, match="normalization_type=LNPre or RMSPre or none"):
        models.read(file, told={"act_fn": "relu"})
    with pytest.raises(LoadError, match="act_fn is “tanh”; say one of relu"):
        models.read(file, told={"act_fn": "tanh", "normalization_type": "LNPre"})
    models.read(file, told=TOLD["folded"])
    assert models.read(file).config.hidden_act == "relu"


def test_settings_in_the_file_are_not_asked(tmp_path: Path) -> None:
    form = FORMS["no norm"]
    state = weights(form)
    file = save(tmp_path, {"model": state, "config": HookedTransformerConfig(), "train_losses": [1.0]})
    model = models.read(file, dtype="float64")
    torch.testing.assert_close(model.run(PROMPT).logits, forward(state, form, scale=2.0), rtol=0, atol=1e-11)


def test_a_model_that_predicts_fewer_tokens_than_it_reads(tmp_path: Path) -> None:
    """As the modular addition of the grokking papers: the equals sign is read and never said."""
    form = FORMS["no norm"]
    state = weights(form)
    state |= {"unembed.W_U": state["unembed.W_U"][:, :5], "unembed.b_U": state["unembed.b_U"][:5]}
    model = models.read(save(tmp_path, state), dtype="float64", told=TOLD["no norm"])
    torch.testing.assert_close(model.run(PROMPT).logits, forward(state, form), rtol=0, atol=1e-11)
    assert (model.d_vocab, model.n_tokens) == (5, 7)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"blocks.0.mlp.W_in": None}, "lacks the tensor blocks.0.mlp.W_in"),
        ({"blocks.1.attn.W_O": torch.ones(3)}, "W_O has shape"),
        ({"blocks.0.attn.q_norm.w": torch.ones(5)}, "also holds blocks.0.attn.q_norm.w"),
        ({"embed.W_E": torch.full((V, D), torch.nan)}, "not finite"),
        ({"blocks.99999.mlp.W_in": torch.ones(1)}, "100000 layers"),
        ({"blocks.0.attn.W_Q": torch.ones(0, D, DH)}, "W_Q has shape"),
    ],
)
def test_damaged_state_dicts_are_refused(tmp_path: Path, change: dict[str, Any], words: str) -> None:
    state = {name: item for name, item in {**weights(FORMS["GPT-2"]), **change}.items() if item is not None}
    with pytest.raises(LoadError, match=words):
        models.read(save(tmp_path, state), told=TOLD["GPT-2"])


def test_what_the_tiny_model_has_not_is_refused_by_name(tmp_path: Path) -> None:
    settings = HookedTransformerConfig(attention_dir="bidirectional")
    with pytest.raises(UnsupportedModel, match="attention_dir set to 'bidirectional'"):
        models.read(save(tmp_path, {"model": weights(FORMS["no norm"]), "config": settings}))

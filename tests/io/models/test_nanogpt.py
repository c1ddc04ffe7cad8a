"""nanoGPT's checkpoints compute what nanoGPT's model.py computes."""

from __future__ import annotations

import math
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from explorer.errors import LoadError, PromptError, UnsupportedModel
from explorer.io import models
from tests.certificate import certify

PROMPT = (1, 4, 2, 2, 6, 0, 3)
SIZES = {"n_layer": 2, "n_head": 3, "n_embd": 12, "block_size": 16, "vocab_size": 7, "dropout": 0.0}
CHARACTERS = "abc de\n"


def weights(*, bias: bool, n_layer: int = 2, d: int = 12) -> dict[str, Tensor]:
    """A state dict by nanoGPT's model.py: nn.Linear matrices [out, in], one embedding for both ends."""
    generator = torch.Generator().manual_seed(3)

    def draw(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    state = {"transformer.wte.weight": draw(7, d), "transformer.wpe.weight": draw(16, d)}
    linear = {"attn.c_attn": (3 * d, d), "attn.c_proj": (d, d), "mlp.c_fc": (4 * d, d), "mlp.c_proj": (d, 4 * d)}
    for layer in range(n_layer):
        at = f"transformer.h.{layer}"
        for name, shape in linear.items():
            state[f"{at}.{name}.weight"] = draw(*shape) / shape[1] ** 0.5
            if bias:
                state[f"{at}.{name}.bias"] = 0.3 * draw(shape[0])
        for name in (f"{at}.ln_1", f"{at}.ln_2"):
            state |= {f"{name}.weight": 1 + 0.3 * draw(d)} | ({f"{name}.bias": 0.3 * draw(d)} if bias else {})
        state[f"{at}.attn.bias"] = torch.ones(16, 16).tril()[None, None]  # the mask of versions without flash attention
    state |= {"transformer.ln_f.weight": 1 + 0.3 * draw(d)} | ({"transformer.ln_f.bias": 0.3 * draw(d)} if bias else {})
    state["lm_head.weight"] = state["transformer.wte.weight"]
    return state


def forward(state: dict[str, Tensor], ids: tuple[int, ...], n_layer: int = 2, n_head: int = 3) -> Tensor:
    """Logits (n_pos, vocab) by the formulas of nanoGPT's model.py."""

    def linear(x: Tensor, name: str) -> Tensor:
        return F.linear(x, state[f"{name}.weight"], state.get(f"{name}.bias"))

    def norm(x: Tensor, name: str) -> Tensor:
        return F.layer_norm(x, x.shape[-1:], state[f"{name}.weight"], state.get(f"{name}.bias"), 1e-5)

    x = state["transformer.wte.weight"][list(ids)] + state["transformer.wpe.weight"][: len(ids)]
    for layer in range(n_layer):
        at = f"transformer.h.{layer}"
        parts = linear(norm(x, f"{at}.ln_1"), f"{at}.attn.c_attn").chunk(3, -1)
        q, k, v = (part.unflatten(-1, (n_head, -1)).transpose(0, 1) for part in parts)
        scores = (q @ k.transpose(1, 2)) / math.sqrt(q.shape[-1])
        hidden = torch.ones(scores.shape[1:], dtype=torch.bool).triu(1)
        mixed = scores.masked_fill(hidden, -torch.inf).softmax(-1) @ v
        x = x + linear(mixed.transpose(0, 1).flatten(1), f"{at}.attn.c_proj")
        x = x + linear(F.gelu(linear(norm(x, f"{at}.ln_2"), f"{at}.mlp.c_fc")), f"{at}.mlp.c_proj")
    return linear(norm(x, "transformer.ln_f"), "lm_head")


def save(folder: Path, state: dict[str, Tensor], **changes: Any) -> Path:
    args = {**SIZES, "bias": "transformer.ln_f.bias" in state, **changes}
    whole = {"model": state, "optimizer": {"state": {}}, "model_args": args, "iter_num": 5, "config": {"device": "cpu"}}
    torch.save(whole, folder / "ckpt.pt")
    return folder / "ckpt.pt"


@pytest.mark.parametrize("bias", [True, False])
def test_logits_are_those_of_the_formula(tmp_path: Path, bias: bool) -> None:
    state = weights(bias=bias)
    model = models.read(save(tmp_path, state), dtype="float64")
    torch.testing.assert_close(model.run(PROMPT).logits, forward(state, PROMPT), rtol=0, atol=1e-12)
    assert (model.name, model.n_layers, model.d_model, model.d_vocab, model.context) == ("ckpt", 2, 12, 7, 16)
    certify(model, PROMPT)


def test_compiled_checkpoints_and_the_folder_around_open_alike(tmp_path: Path) -> None:
    state = weights(bias=False)
    save(tmp_path, {f"_orig_mod.{name}": tensor for name, tensor in state.items()})
    model = models.read(tmp_path, dtype="float64")
    torch.testing.assert_close(model.run(PROMPT).logits, forward(state, PROMPT), rtol=0, atol=1e-12)


def test_characters_lie_beside_it(tmp_path: Path) -> None:
    file = save(tmp_path, weights(bias=True))
    table = {"vocab_size": 7, "itos": dict(enumerate(CHARACTERS)), "stoi": {c: i for i, c in enumerate(CHARACTERS)}}
    (tmp_path / "meta.pkl").write_bytes(pickle.dumps(table))
    tokenizer = models.read(file).tokenizer
    assert tokenizer is not None
    found = tokenizer.encode("dad\nace")
    assert (found.ids, found.texts, found.n_special) == ((4, 0, 4, 6, 0, 2, 5), tuple("dad\nace"), 0)
    assert tokenizer.single("e") == 5
    with pytest.raises(PromptError, match="“z” is no token"):
        tokenizer.encode("az")


@pytest.mark.parametrize(
    ("itos", "words"),
    [({0: 3}, "does not list"), ({1: "a", 2: "b"}, "number the tokens"), ({0: "a", 1: "a"}, "“a” is listed twice")],
)
def test_a_damaged_list_of_characters_is_named(tmp_path: Path, itos: object, words: str) -> None:
    file = save(tmp_path, weights(bias=True))
    (tmp_path / "meta.pkl").write_bytes(pickle.dumps({"itos": itos}))
    with pytest.raises(LoadError, match=words):
        models.read(file)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"n_head": None}, "does not say n_head"),
        ({"n_layer": 3}, "transformer.h.2"),
        ({"n_layer": 10**9}, "1000000000 layers"),
        ({"n_embd": 24}, "another shape"),
        ({"block_size": 2**31}, "transformer.wpe.weight .* another shape"),
        ({"n_layer": 1}, "more layers"),
    ],
)
def test_settings_that_contradict_the_weights_are_refused(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(UnsupportedModel, match=words):
        models.read(save(tmp_path, weights(bias=True), **changes))

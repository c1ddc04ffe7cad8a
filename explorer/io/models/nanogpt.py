"""nanoGPT's ckpt.pt, opened as the GPT-2 that it is.

Layout (github.com/karpathy/nanoGPT, train.py and model.py): ``model`` with nn.Linear weights [out, in] where
transformers' GPT-2 has [in, out], ``model_args`` with the sizes, the exact GELU, an unembedding tied to the
embedding, and no shifts at all with ``bias=False``. Texts of tokens lie beside it in meta.pkl, of a data set of
characters.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer.errors import LoadError, UnsupportedModel
from explorer.io import inert
from explorer.io.model_files import count
from explorer.io.model_formats import checkpoint
from explorer.io.models import Opening
from explorer.io.models.hugging_face import build, check_layers

if TYPE_CHECKING:
    from torch import Tensor

    from explorer.models.loader import LanguageModel
    from explorer.models.tokenizer import Tokenizer

TURNED = ("attn.c_attn.weight", "attn.c_proj.weight", "mlp.c_fc.weight", "mlp.c_proj.weight")
SHIFTED = ("ln_1", "ln_2", "attn.c_attn", "attn.c_proj", "mlp.c_fc", "mlp.c_proj")
META = "meta.pkl"


def read(file: Path, opening: Opening) -> LanguageModel:
    """The model in ``file``; UnsupportedModel if it is no whole checkpoint."""
    from explorer.models import loader

    found = checkpoint(inert.load(file, opening.pause))
    assert found is not None  # so it was found by
    sizes = {name: count(found.settings, name) for name in ("n_layer", "n_head", "n_embd", "block_size", "vocab_size")}
    missing = [name for name, value in sizes.items() if not value]
    if missing:
        raise UnsupportedModel(f"“{file}” does not say {', '.join(missing)} in its model_args; save it again.")
    check_layers(file, sizes["n_layer"], len(found.tensors))
    config = loader.made_config(
        {
            **{"model_type": "gpt2", "n_layer": sizes["n_layer"], "n_head": sizes["n_head"]},
            **{"n_embd": sizes["n_embd"], "n_positions": sizes["block_size"], "vocab_size": sizes["vocab_size"]},
            **{"activation_function": "gelu", "bos_token_id": None, "eos_token_id": None},
        },
        file,
    )
    return build(file, config, _state(found.tensors), _tokenizer(file, opening), opening)


def _state(held: Mapping[str, Any]) -> dict[str, Tensor]:
    """``held`` as transformers' GPT-2 has it; the causal masks stay behind, and shifts that are not there are 0."""
    import torch

    state: dict[str, Tensor] = {}
    for name, tensor in held.items():
        if name.endswith((".attn.bias", ".attn.masked_bias")):
            continue
        state[name] = tensor.T.contiguous() if name.endswith(TURNED) and tensor.ndim == 2 else tensor
    for name in list(state):
        stem, _, last = name.rpartition(".")
        if last == "weight" and (stem.endswith(SHIFTED) or stem == "transformer.ln_f"):
            state.setdefault(f"{stem}.bias", torch.zeros(state[name].shape[-1], dtype=state[name].dtype))
    return state


def _tokenizer(file: Path, opening: Opening) -> Tokenizer | None:
    """From meta.pkl beside ``file``, or from tokenizer files there; None without either."""
    from explorer.models import loader, word_tokenizer

    meta = file.parent / META
    if not meta.is_file():
        return loader.read_tokenizer(file.parent)
    table = inert.load(meta, opening.pause)
    texts = table.get("itos") if isinstance(table, Mapping) else None
    if not isinstance(texts, Mapping) or not all(isinstance(text, str) and text for text in texts.values()):
        raise LoadError(f"“{meta}” does not list the texts of the tokens; copy it again, or take it away.")
    if sorted(texts, key=str) != sorted(range(len(texts)), key=str):
        raise LoadError(f"“{meta}” does not number the tokens from 0; copy it again, or take it away.")
    return word_tokenizer.of([texts[token] for token in range(len(texts))])

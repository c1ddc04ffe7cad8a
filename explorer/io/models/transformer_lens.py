"""A state dict of TransformerLens's HookedTransformer, opened as the "tiny" model, which has all of its parts.

Names and orientations: transformer_lens/components of TransformerLens 2 and 3 (W_Q, W_K, W_V [head, d_model, d_head],
W_O [head, d_head, d_model], W_in and W_gate [d_model, d_mlp], W_out [d_mlp, d_model], W_U [d_model, d_vocab]; a gated
MLP adds b_in behind the product). What the tensors cannot tell is read off the configuration, if the file has one, or
asked: the activation, and the norm whose gains were folded away.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer.errors import UnsupportedModel
from explorer.io import answers, inert, tensors
from explorer.io.magic import sniff
from explorer.io.model_formats import Checkpoint, checkpoint
from explorer.io.models import Opening
from explorer.io.models.hugging_face import build, check_layers

if TYPE_CHECKING:
    from torch import Tensor

    from explorer.models.loader import LanguageModel

ACTIVATIONS = ("relu", "gelu", "gelu_new", "gelu_fast", "gelu_pytorch_tanh", "silu")
NORMS = {"LN": "layer", "LNPre": "layer", "RMS": "rms", "RMSPre": "rms", "none": "none"}
BUFFERS = (".mask", ".IGNORE", ".rotary_sin", ".rotary_cos")
# Settings that change what is computed in a way that the tiny model does not have; the values that do not.
PLAIN: Mapping[str, tuple[Any, ...]] = {
    "attn_only": (False,),
    "attention_dir": ("causal",),
    "use_local_attn": (False,),
    "scale_attn_by_inverse_layer_idx": (False,),
    "post_embedding_ln": (False,),
    "use_qk_norm": (False,),
    "use_normalization_before_and_after": (False,),
    "attn_scores_soft_cap": (-1, -1.0, 0, 0.0),
    "output_logits_soft_cap": (-1, -1.0, 0, 0.0),
    "num_experts": (None, 0),
    "positional_embedding_type": ("standard", "rotary"),
}


def read(file: Path, opening: Opening) -> LanguageModel:
    """The model in ``file``; Unsaid for what it does not hold, UnsupportedModel for what the tiny model cannot be."""
    from explorer.models import loader

    found = _checkpoint(file, opening)
    for name, plain in PLAIN.items():
        if found.settings.get(name, plain[0]) not in plain:
            raise UnsupportedModel(
                f"“{file}” has {name} set to {found.settings[name]!r}, which cannot be frozen exactly yet."
            )
    held = _Held(file, {name: item for name, item in found.tensors.items() if not name.endswith(BUFFERS)})
    n_layers = 1 + max((int(part[1]) for name in held.names if (part := _layer(name))), default=-1)
    check_layers(file, n_layers, len(held.names))
    settings = _settings(held, found, n_layers, opening.told or {})
    state = _state(held, settings)
    held.done()
    config = loader.made_config(settings, file)
    return build(file, config, state, loader.read_tokenizer(file.parent), opening)


def _checkpoint(file: Path, opening: Opening) -> Checkpoint:
    if sniff(file) == "safetensors":
        return Checkpoint("transformer_lens", tensors.read(file), {})
    found = checkpoint(inert.load(file, opening.pause))
    assert found is not None  # so it was found by
    return found


def _layer(name: str) -> list[str]:
    parts = name.split(".")
    return parts if len(parts) > 2 and parts[0] == "blocks" and parts[1].isdecimal() and len(parts[1]) < 6 else []


class _Held:
    """The tensors of the file, handed out once, each with its shape checked."""

    def __init__(self, file: Path, tensors: Mapping[str, Tensor]) -> None:
        self.file = file
        self._left = dict(tensors)
        self.names = frozenset(tensors)

    def shape(self, name: str, n_axes: int) -> tuple[int, ...]:
        if name not in self.names:
            raise UnsupportedModel(f"“{self.file}” lacks the tensor {name}; save the model again.")
        shape = tuple(self._left[name].shape)
        if len(shape) != n_axes or 0 in shape:
            raise self._misshapen(name, shape, f"{n_axes} axes")
        return shape

    def take(self, name: str, *shape: int) -> Tensor:
        self.shape(name, len(shape))
        tensor = self._left.pop(name)
        if tuple(tensor.shape) != shape:
            raise self._misshapen(name, tuple(tensor.shape), str(shape))
        return tensor

    def done(self) -> None:
        """Refuse what is left over: it would change what the model computes."""
        if self._left:
            names = ", ".join(sorted(self._left)[:3])
            raise UnsupportedModel(f"“{self.file}” also holds {names}, which are not known here; report the model.")

    def _misshapen(self, name: str, shape: tuple[int, ...], expected: str) -> UnsupportedModel:
        return UnsupportedModel(f"“{self.file}”: {name} has shape {shape} where {expected} belongs; save it again.")


def _settings(held: _Held, found: Checkpoint, n_layers: int, told: Mapping[str, str]) -> dict[str, Any]:
    """The configuration of the tiny model: from shapes and names, else as the file or the user says."""
    first, said = "blocks.0.attn.", found.settings
    n_vocab, d = held.shape("embed.W_E", 2)
    n_heads, _, d_head = held.shape(f"{first}W_Q", 3)
    shared = held.shape(f"{first}_W_K", 3)[0] if f"{first}_W_K" in held.names else n_heads
    d_mlp = held.shape("blocks.0.mlp.W_in", 2)[1]
    scale = said.get("attn_scale", -1) if said.get("use_attn_scale", True) else 1.0
    n_positions = said.get("n_ctx")
    learned = "pos_embed.W_pos" in held.names
    if learned:
        n_positions = held.shape("pos_embed.W_pos", 2)[0]
    mask = found.tensors.get(f"{first}mask")
    if not n_positions and mask is not None:
        n_positions = int(mask.shape[-1])
    return {
        **{"model_type": "tiny", "vocab_size": n_vocab, "hidden_size": d, "num_hidden_layers": n_layers},
        **{"num_attention_heads": n_heads, "num_key_value_heads": shared, "head_dim": d_head},
        **{"intermediate_size": d_mlp, "n_outputs": held.shape("unembed.W_U", 2)[1]},
        "max_position_embeddings": n_positions or answers.count(told, held.file, "n_ctx", "how long a prompt may be"),
        "gated_mlp": "blocks.0.mlp.W_gate" in held.names,
        "hidden_act": _choice(said, told, held.file, "act_fn", "what its MLPs activate with", ACTIVATIONS),
        "norm": _norm(held, said, told),
        "norm_eps": float(said.get("eps", 1e-5)),
        "parallel": bool(said.get("parallel_attn_mlp", False)),
        "attention_scale": 1 / scale if isinstance(scale, int | float) and scale > 0 else d_head**-0.5,
        "head_bias": "unembed.b_U" in held.names,
        **({"positions": "learned"} if learned else _rotary(found, told, held.file)),
    }


def _choice(
    said: Mapping[str, Any], told: Mapping[str, str], file: Path, name: str, question: str, known: tuple[str, ...]
) -> str:
    value = said.get(name)
    if value is None:
        return answers.choice(told, file, name, question, known)
    if value not in known:
        raise UnsupportedModel(f"“{file}” has {name} set to {value!r}; only {', '.join(known)} are known here.")
    return str(value)


def _norm(held: _Held, said: Mapping[str, Any], told: Mapping[str, str]) -> str:
    """The norm by its gains and shifts; without any they were folded into other weights, or there is no norm."""
    if "ln_final.w" in held.names:
        return "layer" if "ln_final.b" in held.names else "rms"
    if "normalization_type" in said and said["normalization_type"] is None:
        return "none"
    question = "whether it normalizes before each part (LNPre, RMSPre) or not at all (none)"
    known = ("LNPre", "RMSPre", "none")
    return NORMS[_choice(said, told, held.file, "normalization_type", question, known)]


def _rotary(found: Checkpoint, told: Mapping[str, str], file: Path) -> dict[str, Any]:
    """How positions turn queries and keys, read off the table of sines that the file holds of them."""
    table = found.tensors.get("blocks.0.attn.rotary_sin")
    if table is None:
        question = "how it knows positions: it holds no table of them, so they can only be missing (none)"
        return {"positions": answers.choice(told, file, "positions", question, ("none",))}
    if table.ndim != 2 or table.shape[0] < 2 or table.shape[1] < 2:
        raise UnsupportedModel(f"“{file}”: rotary_sin has shape {tuple(table.shape)}; save the model again.")
    n, row = int(table.shape[1]), [math.asin(max(-1.0, min(1.0, float(value)))) for value in table[1]]
    adjacent = n > 2 and row[0] == row[1]
    second = row[2 if adjacent else 1]  # base ** (-2 / n): the second speed
    if n > 2 and not 0 < second < math.pi / 2:
        raise UnsupportedModel(f"“{file}”: rotary_sin is not the table of one base; it cannot be frozen exactly yet.")
    base = second ** (-n / 2) if n > 2 else 10000.0
    base = round(base) if abs(base - round(base)) < 1e-3 * base else base  # stored in float32
    return {"positions": "rotary", "rotary_dim": n, "rotary_base": float(base), "rotary_adjacent": adjacent}


def _state(held: _Held, settings: Mapping[str, Any]) -> dict[str, Tensor]:
    """The tensors of the file under the tiny model's names, turned as nn.Linear has them."""
    n, d, n_out = settings["vocab_size"], settings["hidden_size"], settings["n_outputs"]
    state = {"embed.weight": held.take("embed.W_E", n, d), "head.weight": held.take("unembed.W_U", d, n_out).T}
    if settings["head_bias"]:
        state["head.bias"] = held.take("unembed.b_U", n_out)
    if settings["positions"] == "learned":
        state["positions.weight"] = held.take("pos_embed.W_pos", settings["max_position_embeddings"], d)
    norms: dict[str, str] = {"final_norm": "ln_final"}
    for layer in range(settings["num_hidden_layers"]):
        to, at = f"blocks.{layer}", f"blocks.{layer}"
        state |= _attention(held, settings, f"{to}.attention", f"{at}.attn")
        state |= _mlp(held, settings, f"{to}.mlp", f"{at}.mlp")
        both = settings["parallel"] and f"{at}.ln2.w" not in held.names
        norms |= {f"{to}.attention_norm": f"{at}.ln1", f"{to}.mlp_norm": f"{at}.ln1" if both else f"{at}.ln2"}
    if settings["norm"] != "none":
        taken: dict[str, Tensor] = {}
        for to, at in norms.items():
            state |= _gains(held, settings, to, at, taken)
    return {name: tensor.contiguous() for name, tensor in state.items()}


def _attention(held: _Held, settings: Mapping[str, Any], to: str, at: str) -> dict[str, Tensor]:
    d, d_head, n_query = settings["hidden_size"], settings["head_dim"], settings["num_attention_heads"]
    state = {}
    for part, letter in (("query", "Q"), ("key", "K"), ("value", "V")):
        own = part == "query" or f"{at}._W_K" not in held.names
        n, mark = (n_query, "") if own else (settings["num_key_value_heads"], "_")
        weight = held.take(f"{at}.{mark}W_{letter}", n, d, d_head)
        state[f"{to}.{part}.weight"] = weight.permute(0, 2, 1).reshape(n * d_head, d)
        state[f"{to}.{part}.bias"] = _or_zero(held, f"{at}.{mark}b_{letter}", weight, n, d_head).reshape(-1)
    weight = held.take(f"{at}.W_O", n_query, d_head, d)
    state[f"{to}.output.weight"] = weight.reshape(n_query * d_head, d).T
    state[f"{to}.output.bias"] = _or_zero(held, f"{at}.b_O", weight, d)
    return state


def _mlp(held: _Held, settings: Mapping[str, Any], to: str, at: str) -> dict[str, Tensor]:
    d, n = settings["hidden_size"], settings["intermediate_size"]
    up, down = held.take(f"{at}.W_in", d, n), held.take(f"{at}.W_out", n, d)
    b_up, b_down = _or_zero(held, f"{at}.b_in", up, n), _or_zero(held, f"{at}.b_out", down, d)
    state = {f"{to}.up.weight": up.T, f"{to}.down.weight": down.T}
    if settings["gated_mlp"]:
        gate = held.take(f"{at}.W_gate", d, n)
        b_down = b_down + b_up @ down
        b_up = b_up.new_zeros(n)
        state |= {f"{to}.gate.weight": gate.T, f"{to}.gate.bias": b_up}
    return {**state, f"{to}.up.bias": b_up, f"{to}.down.bias": b_down}


def _gains(
    held: _Held, settings: Mapping[str, Any], to: str, at: str, taken: dict[str, Tensor]
) -> dict[str, Tensor]:
    """A norm's gain and shift; 1 and 0 where they were folded away. Parallel blocks may share one norm."""
    import torch

    d = settings["hidden_size"]
    made: dict[str, Tensor] = {}
    fills: dict[str, tuple[str, Callable[..., Tensor]]] = {"w": ("weight", torch.ones)}
    if settings["norm"] == "layer":
        fills["b"] = ("bias", torch.zeros)
    for letter, (name, fill) in fills.items():
        key = f"{at}.{letter}"
        if key not in taken:
            taken[key] = held.take(key, d) if key in held.names else fill(d)
        made[f"{to}.{name}"] = taken[key].clone()
    return made


def _or_zero(held: _Held, name: str, like: Tensor, *shape: int) -> Tensor:
    return held.take(name, *shape) if name in held.names else like.new_zeros(shape)

"""The "tiny" model: one small transformer with its parts declared in a config.json (docs/tiny-models.md).

It is what one-layer and hand-made models are opened as, and those of TransformerLens, whatever their parts: norms
or none, learned, rotary or no positions, MLP plain or gated, beside or behind attention.
"""

from __future__ import annotations

from typing import Any, no_type_check

import torch
import transformers
from torch import Tensor, nn
from transformers.activations import ACT2FN
from transformers.modeling_outputs import CausalLMOutput

MODEL_TYPE = "tiny"
NORMS = ("none", "layer", "rms")
POSITIONS = ("none", "learned", "rotary")


@no_type_check  # _check does it; a checker around __init__ would refuse what else a config.json holds
class TinyConfig(transformers.PreTrainedConfig):
    """The settings of a tiny model, as docs/tiny-models.md declares them; 0 stands for "as usual"."""

    model_type = MODEL_TYPE

    vocab_size: int = 0
    n_outputs: int = 0
    hidden_size: int = 0
    num_hidden_layers: int = 1
    num_attention_heads: int = 1
    num_key_value_heads: int = 0
    head_dim: int = 0
    intermediate_size: int = 0
    max_position_embeddings: int = 0
    hidden_act: str = "relu"
    gated_mlp: bool = False
    norm: str = "none"
    norm_eps: float = 1e-5
    positions: str = "learned"
    rotary_dim: int = 0
    rotary_base: float | int = 10000.0
    rotary_adjacent: bool = False
    parallel: bool = False
    attention_scale: float | int = 0.0
    attention_bias: bool = True
    mlp_bias: bool = True
    head_bias: bool = False
    tie_word_embeddings: bool = False
    tokens: list[str] | None = None

    def __post_init__(self, **kwargs: Any) -> None:
        super().__post_init__(**kwargs)  # type: ignore[no-untyped-call]
        for name, kind in _KINDS.items():
            if type(getattr(self, name)) not in kind:
                raise ValueError(f"{name} is {getattr(self, name)!r}, where {kind[0].__name__} belongs")
        self.num_key_value_heads = self.num_key_value_heads or self.num_attention_heads
        self.head_dim = self.head_dim or self.hidden_size // max(self.num_attention_heads, 1)
        self.n_outputs = self.n_outputs or self.vocab_size
        self.rotary_dim = self.rotary_dim or self.head_dim
        self.attention_scale = self.attention_scale or max(self.head_dim, 1) ** -0.5
        self._check()

    def _check(self) -> None:
        counts = ("vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size")
        for name in (*counts, "head_dim", "num_key_value_heads", "max_position_embeddings", "n_outputs"):
            if not 0 < getattr(self, name) < 2**31:
                raise ValueError(f"{name} is {getattr(self, name)}, where a number above 0 belongs")
        if self.num_attention_heads % self.num_key_value_heads:
            raise ValueError("num_attention_heads is no multiple of num_key_value_heads")
        if self.positions == "rotary" and (self.rotary_dim > self.head_dim or self.rotary_dim % 2):
            raise ValueError(f"rotary_dim is {self.rotary_dim}, where an even number up to head_dim belongs")
        choices = {"norm": NORMS, "positions": POSITIONS, "hidden_act": tuple(ACT2FN)}
        for name, known in choices.items():
            if getattr(self, name) not in known:
                raise ValueError(f"{name} is {getattr(self, name)!r}, not one of {', '.join(known)}")
        if self.tie_word_embeddings and self.n_outputs != self.vocab_size:
            raise ValueError("tie_word_embeddings needs as many outputs as tokens")
        if self.tokens is not None and len(self.tokens) != self.vocab_size:
            raise ValueError(f"tokens lists {len(self.tokens)} texts for a vocabulary of {self.vocab_size}")


_KINDS: dict[str, tuple[type, ...]] = {
    **dict.fromkeys(("vocab_size", "n_outputs", "hidden_size", "num_hidden_layers", "num_attention_heads"), (int,)),
    **dict.fromkeys(("num_key_value_heads", "head_dim", "intermediate_size", "max_position_embeddings"), (int,)),
    **dict.fromkeys(("norm_eps", "rotary_base", "attention_scale"), (float, int)),
    **dict.fromkeys(("hidden_act", "norm", "positions"), (str,)),
    **dict.fromkeys(("gated_mlp", "rotary_adjacent", "parallel", "tie_word_embeddings"), (bool,)),
    **dict.fromkeys(("attention_bias", "mlp_bias", "head_bias"), (bool,)),
    "rotary_dim": (int,),
    "tokens": (type(None), list),
}


class TinyForCausalLM(transformers.PreTrainedModel):
    """The network; ``logits`` [batch, pos, n_outputs] of token ids [batch, pos]."""

    config_class = TinyConfig
    _tied_weights_keys = {"head.weight": "embed.weight"}  # noqa: RUF012 (transformers reads it off the class)

    def __init__(self, config: TinyConfig) -> None:
        super().__init__(config)
        d = config.hidden_size
        self.embed = nn.Embedding(config.vocab_size, d)
        learned = config.positions == "learned"
        self.positions = nn.Embedding(config.max_position_embeddings, d) if learned else None
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.num_hidden_layers))
        self.final_norm = _norm(config)
        self.head = nn.Linear(d, config.n_outputs, bias=config.head_bias)
        self.post_init()  # type: ignore[no-untyped-call]

    def get_input_embeddings(self) -> nn.Module:
        return self.embed

    def get_output_embeddings(self) -> nn.Module:
        return self.head

    def forward(self, input_ids: Tensor, use_cache: bool = False, **_: Any) -> CausalLMOutput:
        x = self.embed(input_ids)
        if self.positions is not None:
            x = x + self.positions(torch.arange(input_ids.shape[1], device=input_ids.device))
        for block in self.blocks:
            x = block(x)
        return CausalLMOutput(logits=self.head(_through(self.final_norm, x)))


class Block(nn.Module):
    """One layer: attention, then the MLP on what it left, or both on the same residual (parallel)."""

    def __init__(self, config: TinyConfig) -> None:
        super().__init__()
        self.parallel = config.parallel
        self.attention_norm = _norm(config)
        self.attention = Attention(config)
        self.mlp_norm = _norm(config)
        self.mlp = Mlp(config)

    def forward(self, x: Tensor) -> Tensor:
        attended: Tensor = x + self.attention(_through(self.attention_norm, x))
        added: Tensor = self.mlp(_through(self.mlp_norm, x if self.parallel else attended))
        return attended + added


class Attention(nn.Module):
    """Causal attention; query head h uses the key-value head ``h // (heads // key-value heads)``."""

    def __init__(self, config: TinyConfig) -> None:
        super().__init__()
        self.config = config
        d, bias = config.hidden_size, config.attention_bias
        n_query, n_shared = (n * config.head_dim for n in (config.num_attention_heads, config.num_key_value_heads))
        self.query = nn.Linear(d, n_query, bias=bias)
        self.key = nn.Linear(d, n_shared, bias=bias)
        self.value = nn.Linear(d, n_shared, bias=bias)
        self.output = nn.Linear(n_query, d, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        query, key, value = (self._heads(module(x)) for module in (self.query, self.key, self.value))
        if self.config.positions == "rotary":
            query, key = rotated(query, self.config), rotated(key, self.config)
        group = query.shape[1] // key.shape[1]
        mixed, _ = self._attn(query, key.repeat_interleave(group, 1), value.repeat_interleave(group, 1))
        result: Tensor = self.output(mixed.transpose(1, 2).flatten(2))
        return result

    def _heads(self, x: Tensor) -> Tensor:
        """[batch, head, pos, head_dim]"""
        heads: Tensor = x.unflatten(-1, (-1, self.config.head_dim))
        return heads.transpose(1, 2)

    def _attn(self, query: Tensor, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        """What each head gathers, and the pattern [batch, head, query, key]; captures watch this method."""
        scores = query @ key.transpose(-1, -2) * self.config.attention_scale
        later = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).triu(1)
        pattern = scores.masked_fill(later, -torch.inf).softmax(-1)
        return pattern @ value, pattern


class Mlp(nn.Module):
    """``down(act(up(x)))``, or ``down(act(gate(x)) * up(x))`` with a gate."""

    def __init__(self, config: TinyConfig) -> None:
        super().__init__()
        d, n, bias = config.hidden_size, config.intermediate_size, config.mlp_bias
        self.up = nn.Linear(d, n, bias=bias)
        self.gate = nn.Linear(d, n, bias=bias) if config.gated_mlp else None
        self.act = ACT2FN[config.hidden_act]
        self.down = nn.Linear(n, d, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        up = self.up(x)
        result: Tensor = self.down(self.act(up) if self.gate is None else self.act(self.gate(x)) * up)
        return result


def rotated(x: Tensor, config: TinyConfig) -> Tensor:
    """The first ``rotary_dim`` entries of ``x`` [batch, head, pos, head_dim] turned by their position.

    Entry i turns with entry i + rotary_dim / 2 (Llama, GPT-NeoX), with ``rotary_adjacent`` with its neighbour (GPT-J).
    """
    n, dtype = config.rotary_dim, torch.promote_types(x.dtype, torch.float32)
    speed = config.rotary_base ** (-torch.arange(0, n, 2, device=x.device, dtype=dtype) / n)
    angle = torch.arange(x.shape[2], device=x.device, dtype=dtype)[:, None] * speed
    cos, sin = angle.cos().to(x.dtype), angle.sin().to(x.dtype)
    turned, rest = x[..., :n], x[..., n:]
    if config.rotary_adjacent:
        a, b = turned[..., ::2], turned[..., 1::2]
        turned = torch.stack([a * cos - b * sin, b * cos + a * sin], -1).flatten(-2)
    else:
        a, b = turned[..., : n // 2], turned[..., n // 2 :]
        turned = torch.cat([a * cos - b * sin, b * cos + a * sin], -1)
    return torch.cat([turned, rest], -1)


def register() -> None:
    """Make transformers open folders of this model_type; may be called again."""
    transformers.AutoConfig.register(MODEL_TYPE, TinyConfig, exist_ok=True)
    transformers.AutoModelForCausalLM.register(TinyConfig, TinyForCausalLM, exist_ok=True)


def _norm(config: TinyConfig) -> nn.Module | None:
    if config.norm == "none":
        return None
    return (nn.LayerNorm if config.norm == "layer" else nn.RMSNorm)(config.hidden_size, eps=config.norm_eps)


def _through(norm: nn.Module | None, x: Tensor) -> Tensor:
    return x if norm is None else norm(x)

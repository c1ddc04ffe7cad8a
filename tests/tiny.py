"""Tiny random models and transcoders of every family, with odd sizes and weights that leave no term small."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from explorer.circuits.replacement import LocalReplacementModel, replace_locally
from explorer.circuits.targets import LogitTarget, chosen_tokens
from explorer.models.loader import LanguageModel, open_language_model
from explorer.models.trace import Trace
from explorer.transcoders.activations import Activation
from explorer.transcoders.transcoder import ReadPoint, Transcoder, TranscoderSet, WritePoint

N_LAYERS = 3
D_VOCAB = 37
PROMPT = (1, 17, 4, 30, 4, 22, 9)


def config(family: str, **changes: Any) -> Any:
    """The transformers configuration of the tiny model of ``family``."""
    import transformers

    rotary = {
        "vocab_size": D_VOCAB,
        "num_hidden_layers": N_LAYERS,
        "intermediate_size": 29,
        "num_key_value_heads": 2,
        "head_dim": 6,
        "attention_bias": True,
        "max_position_embeddings": 64,
        "bos_token_id": 1,
        "eos_token_id": 2,
        "pad_token_id": 0,
    }
    if family == "llama":
        own = {"hidden_size": 18, "num_attention_heads": 6}
        return transformers.LlamaConfig(**{**rotary, **own, **changes})
    if family == "gemma2":
        own = {"hidden_size": 20, "num_attention_heads": 4, "sliding_window": 4, "query_pre_attn_scalar": 6}
        return transformers.Gemma2Config(**{**rotary, **own, **changes})
    own = {"vocab_size": D_VOCAB, "n_layer": N_LAYERS, "n_embd": 21, "n_head": 3, "n_positions": 64}
    ends = {"bos_token_id": 1, "eos_token_id": 2}
    return transformers.GPT2Config(**{**own, **ends, **changes})


def network(family: str, seed: int = 0, **changes: Any) -> nn.Module:
    """A network of ``family`` with random weights: norm gains, shifts and every bias included."""
    import transformers

    made: nn.Module = transformers.AutoModelForCausalLM.from_config(config(family, **changes))
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in made.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            parameter.copy_(_drawn(family, name, noise))
    return made


def _drawn(family: str, name: str, noise: Tensor) -> Tensor:
    if "norm" in name or "ln_" in name:
        gain = name.endswith("weight") and family != "gemma2"
        return 0.4 * noise + (1.0 if gain else 0.0)
    if noise.ndim == 1:
        return 0.4 * noise
    peaky = 2.0 if any(part in name for part in ("q_proj", "k_proj", "c_attn")) else 1.0
    is_conv = any(part in name for part in ("c_attn", "c_proj", "c_fc"))
    return peaky * noise / noise.shape[0 if is_conv else 1] ** 0.5


@cache
def saved(family: str, **changes: Any) -> Path:
    """The folder of a tiny model as transformers saves it; kept for the run of the tests."""
    folder = _root() / "-".join([family, *(f"{name}={value}" for name, value in changes.items())])
    network(family, **changes).save_pretrained(folder)
    return folder


@cache
def _root() -> Path:
    root = Path(tempfile.mkdtemp(prefix="tiny-models-"))
    atexit.register(shutil.rmtree, root, ignore_errors=True)
    return root


@cache
def model(family: str, dtype: str = "float32", **changes: Any) -> LanguageModel:
    """The tiny model of ``family``, opened the way every model is."""
    return open_language_model(saved(family, **changes), dtype=dtype)


def transcoders(
    of: LanguageModel,
    kind: str = "plt",
    activation: str = "relu",
    read: ReadPoint = ReadPoint.MLP_IN,
    write: WritePoint = WritePoint.RESIDUAL,
    *,
    skip: bool = False,
    zero_positions: int = 1,
    d_transcoder: int = 13,
    seed: int = 0,
) -> TranscoderSet:
    """A random set for ``of``; layers differ in the number of features."""
    generator = torch.Generator().manual_seed(seed)
    dtype = of.dtype

    def draw(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64).to(dtype)

    layers, d = [], of.d_model
    for layer in range(of.n_layers):
        n = d_transcoder + 2 * layer
        layers.append(
            Transcoder(
                W_enc=draw(n, d) / d**0.5,
                b_enc=0.3 * draw(n),
                W_dec=draw(n, of.n_layers - layer if kind == "clt" else 1, d) / d**0.5,
                b_dec=0.5 * draw(d),
                activation=_activation(activation, draw(n)),
                W_skip=0.5 * draw(d, d) / d**0.5 if skip else None,
            )
        )
    return TranscoderSet(tuple(layers), read, write, zero_positions, origin="tiny set")


def _activation(kind: str, noise: Tensor) -> Activation:
    if kind == "jumprelu":
        return Activation("jumprelu", 0.3 * noise.abs())
    if kind == "offset":
        return Activation("topk", k=5, rectified=True, offset=0.3 * noise)
    return Activation("topk", k=5) if kind == "topk" else Activation(kind)


def replaced(
    of: LanguageModel, held: TranscoderSet, prompt: tuple[int, ...] = PROMPT, dtype: torch.dtype | None = None
) -> tuple[Trace, LocalReplacementModel]:
    """A pass of ``prompt`` and its local replacement model, in the precision of the weights unless told."""
    trace = of.run(prompt)
    return trace, replace_locally(of, trace, held, dtype or of.dtype)


def logits(of: LanguageModel, trace: Trace, tokens: tuple[int, ...] = (3, 20, 36)) -> tuple[LogitTarget, ...]:
    """Three tokens after the last position and one after the one before."""
    last = trace.n_pos - 1
    return (
        *chosen_tokens(of.head, trace.logits, last, list(tokens)),
        *chosen_tokens(of.head, trace.logits, last - 1, [5]),
    )

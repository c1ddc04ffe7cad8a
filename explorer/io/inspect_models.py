"""What a model is, from its settings and the headers of its weights. No torch."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from explorer.io import gguf_header, model_files
from explorer.io.descriptions import Description, dtypes
from explorer.io.model_files import PICKLED, WEIGHTS, count, weight_files
from explorer.io.model_formats import TITLE, Checkpoint
from explorer.io.stand_ins import SIZES
from explorer.io.tensors import TensorInfo
from explorer.models.families import FAMILIES, REFUSED


def folder(path: Path, n_bytes: int) -> Description | None:
    """The Hugging Face model in ``path``; None if its config.json is of something else. LoadError if it is damaged."""
    config = model_files.json_table(path / model_files.CONFIG)
    family = config.get("model_type")
    if not isinstance(family, str):
        return None
    infos = [info for header in model_files.headers(path) for info in header.tensors.values()]
    pickled = () if infos else weight_files(path, PICKLED)
    stored = "" if infos else " in PyTorch files" if pickled else f" without its weights ({WEIGHTS[0]})"
    n_layers, d_model = model_files.sizes(config)
    refused = "" if family in FAMILIES else f" of a family that cannot be frozen exactly{_reason(family)}"
    readable = bool(infos or pickled) and not refused and "auto_map" not in config
    own = path.resolve()
    return _model(
        path, TITLE["hugging_face"] + stored + refused, readable, n_bytes, family, n_layers, d_model, infos,
        name=own.parent.name if own.name == "model" else own.name,
    )  # fmt: skip


def gguf(path: Path, n_bytes: int) -> Description:
    """The GGUF model in ``path``; LoadError if it is damaged."""
    found = gguf_header.header(path)
    name = found.settings.get("general.name")
    return _model(
        path, TITLE["gguf"], bool(found.tensors), n_bytes, found.family, found.count("block_count"),
        found.count("embedding_length"), found.tensors.values(), name=str(name) if name else path.stem,
    )  # fmt: skip


def checkpoint(path: Path, found: Checkpoint, n_bytes: int) -> Description:
    """A model in one PyTorch or safetensors file."""
    infos = {name: _info(item) for name, item in found.tensors.items()}
    if found.kind == "nanogpt":
        family, n_layers, d_model = "gpt2", count(found.settings, "n_layer"), count(found.settings, "n_embd")
    else:
        layers = {name.split(".")[1] for name in infos if name.startswith("blocks.") and name.count(".") > 1}
        shape = infos["embed.W_E"].shape
        family, n_layers, d_model = "tiny", len(layers), shape[-1] if len(shape) == 2 else 0
    return _model(
        path, TITLE[found.kind], True, n_bytes, family, n_layers, d_model, infos.values(), name=path.stem
    )  # fmt: skip


def _model(
    path: Path,
    title: str,
    readable: bool,
    n_bytes: int,
    family: str,
    n_layers: int,
    d_model: int,
    infos: Iterable[TensorInfo],
    name: str,
) -> Description:
    held = list(infos)
    return Description(
        path=str(path),
        kind="model",
        format=title,
        readable=readable,
        n_bytes=n_bytes,
        family=family,
        model_name=name,
        n_layers=n_layers,
        d_model=d_model,
        n_parameters=sum(info.n_values for info in held),
        dtype=dtypes(held),
        pairs_with=f"transcoders for {n_layers} layers of width {d_model}" if n_layers and d_model else "",
    )


def _reason(family: str) -> str:
    return f": {REFUSED[family]}" if family in REFUSED else ""


def _info(item: Any) -> TensorInfo:
    """Of a tensor of safetensors, or of one in a PyTorch file that was not read."""
    if isinstance(item, TensorInfo):
        return item
    shape = tuple(item.shape)
    return TensorInfo(item.dtype, shape, math.prod(shape) * SIZES[item.dtype])



"""A GGUF file, its weights unpacked by transformers; needs the optional package gguf."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from explorer.errors import UnsupportedModel
from explorer.io.gguf_header import header
from explorer.io.models import Opening
from explorer.io.models.hugging_face import check_layers

if TYPE_CHECKING:
    from explorer.models.loader import LanguageModel


def read(file: Path, opening: Opening) -> LanguageModel:
    """The model in ``file``; LoadError if it is damaged, UnsupportedModel without the package or for its family."""
    from explorer.models import loader

    found = header(file)
    if find_spec("gguf") is None:
        raise UnsupportedModel(
            f"“{file}” is a GGUF model, which needs the Python package gguf; install it beside Circuit Explorer "
            "(pip install gguf; for pipx: pipx inject circuit-explorer gguf)."
        )
    check_layers(file, found.count("block_count"), len(found.tensors))
    return loader.open_gguf(
        file,
        stored={name: info.shape for name, info in found.tensors.items()},
        has_tokens="tokenizer.ggml.tokens" in found.settings,
        dtype=opening.dtype,
        device=opening.device,
        pause=opening.pause,
    )

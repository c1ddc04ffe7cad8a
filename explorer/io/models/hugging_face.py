"""A model folder as transformers saves it: config.json, weights in one or several files, a tokenizer."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer.errors import UnsupportedModel
from explorer.io import inert
from explorer.io.model_files import PICKLED, checked_config, headers, sizes, weight_files
from explorer.io.models import Opening

if TYPE_CHECKING:
    from torch import Tensor

    from explorer.models.loader import LanguageModel
    from explorer.models.tokenizer import Tokenizer


def read(folder: Path, opening: Opening) -> LanguageModel:
    """The model in ``folder``; LoadError if a file is missing, incomplete or damaged, UnsupportedModel otherwise."""
    from explorer.models import loader

    config = checked_config(folder)
    stored = {name: info.shape for header in headers(folder) for name, info in header.tensors.items()}
    if stored:
        check_layers(folder, sizes(config)[0], len(stored))
        return loader.open_language_model(
            folder, stored=stored, dtype=opening.dtype, device=opening.device, pause=opening.pause
        )
    state = _pickled(folder, opening)
    check_layers(folder, sizes(config)[0], len(state))
    return build(folder, loader.stored_config(folder), state, loader.read_tokenizer(folder), opening)


def build(
    path: Path, config: Any, state: Mapping[str, Tensor], tokenizer: Tokenizer | None, opening: Opening
) -> LanguageModel:
    """The model of ``config`` with the weights ``state``, in the precision and place of ``opening``."""
    from explorer.models import loader

    return loader.build_language_model(
        path, config, state, tokenizer, dtype=opening.dtype, device=opening.device, pause=opening.pause
    )


def check_layers(path: Path, n_layers: int, n_tensors: int) -> None:
    """UnsupportedModel if there are more layers to build than tensors to fill them: building takes for ever."""
    if n_layers > n_tensors:
        raise UnsupportedModel(
            f"“{path}” is to have {n_layers} layers and holds {n_tensors} tensors; copy the model again."
        )


def _pickled(folder: Path, opening: Opening) -> Mapping[str, Tensor]:
    """The weights of a folder that has them as PyTorch files."""
    files = weight_files(folder, PICKLED)
    if not files:
        raise UnsupportedModel(
            f"“{folder}” has no model.safetensors; copy the weights there too, or save the model with save_pretrained."
        )
    state: dict[str, Tensor] = {}
    for file in files:
        held = inert.load(file, opening.pause)
        if not isinstance(held, Mapping) or not all(hasattr(item, "shape") for item in held.values()):
            raise UnsupportedModel(f"“{file}” holds more than tensors; save the model with save_pretrained.")
        state.update({str(name): item for name, item in held.items()})
    return state

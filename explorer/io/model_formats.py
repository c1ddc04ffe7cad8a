"""What kind of model a path holds, told by first bytes, then siblings, then the names of tensors; needs no torch."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeGuard

from explorer.errors import UnsupportedModel
from explorer.io import inert, tensors
from explorer.io.inert import Bag
from explorer.io.magic import TITLES, sniff
from explorer.io.model_files import CONFIG
from explorer.work import Pause, go_on

TITLE = {
    "hugging_face": "a Hugging Face model",
    "gguf": "a GGUF model",
    "nanogpt": "a nanoGPT checkpoint",
    "transformer_lens": "a TransformerLens state dict",
}
ALONE = (".gguf", ".pt", ".pth", ".ckpt")  # a folder of just one of these is opened as that file
EMBEDDING = "embed.W_E"  # TransformerLens's
COMPILED = "_orig_mod."  # what torch.compile puts before each name


@dataclass(frozen=True)
class Checkpoint:
    """The tensors of one file by name, and what it says of the model: of ``kind`` nanogpt or transformer_lens."""

    kind: str
    tensors: Mapping[str, Any]
    settings: Mapping[str, Any]


def find(path: Path, pause: Pause = go_on) -> tuple[str, Path]:
    """The kind of model, one of TITLE, and its own file or folder; UnsupportedModel if ``path`` holds none."""
    path = alone(path)
    if path.is_dir():
        return "hugging_face", path
    magic = sniff(path)
    if magic == "gguf":
        return "gguf", path
    if magic == "safetensors" and EMBEDDING in tensors.header(path).tensors:
        return "transformer_lens", path
    found = checkpoint(inert.outline(path, pause)) if magic in inert.KINDS else None
    if found is not None:
        return found.kind, path
    if (path.parent / CONFIG).is_file():
        raise UnsupportedModel(f"“{path}” is one file of a model; open its folder, the one with the {CONFIG}.")
    raise UnsupportedModel(f"“{path}” is {TITLES[magic]} and no model that is known here; pick a model's folder.")


def alone(path: Path) -> Path:
    """``path``, or the one model file in it if it is a folder without a config.json."""
    if not path.is_dir() or (path / CONFIG).is_file():
        return path
    try:
        inside = [name for name in os.listdir(path) if name.endswith(ALONE)]
    except OSError:
        return path  # what reads it says why
    return path / inside[0] if len(inside) == 1 else path


def files(path: Path) -> tuple[Path, ...]:
    """The files with the weights of the model that ``path`` holds."""
    own = alone(path)
    if not own.is_dir():
        return (own,)
    return tuple(sorted(own.glob("*.safetensors")) or sorted(own.glob("*.bin")))


def checkpoint(value: object) -> Checkpoint | None:
    """The model in what io.inert found in a file (tensors read or not), if it is one that is known."""
    if not isinstance(value, Mapping):
        return None
    held, arguments = value.get("model"), value.get("model_args")
    if _is_state(held) and isinstance(arguments, Mapping):
        return Checkpoint("nanogpt", _plain(held), arguments)
    if _is_state(value) and EMBEDDING in value:
        return Checkpoint("transformer_lens", _plain(value), {})
    for name in ("model", "state_dict", "model_state_dict"):
        inner = value.get(name)
        if _is_state(inner) and EMBEDDING in inner:
            return Checkpoint("transformer_lens", _plain(inner), _settings(value.get("config", value.get("cfg"))))
    return None


def _is_state(value: object) -> TypeGuard[Mapping[str, Any]]:
    return isinstance(value, Mapping) and bool(value) and all(isinstance(name, str) for name in value)


def _plain(state: Mapping[str, Any]) -> dict[str, Any]:
    """What has a shape, by the names that it had before torch.compile."""
    return {name.removeprefix(COMPILED): item for name, item in state.items() if hasattr(item, "shape")}


def _settings(value: object) -> Mapping[str, Any]:
    """The attributes of a configuration object, or a table as it is."""
    value = value.state if isinstance(value, Bag) else value
    return value if isinstance(value, Mapping) else {}

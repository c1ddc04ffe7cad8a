"""What lies in the folders of the shipped specimens."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.errors import LoadError
from explorer.io import json_stream, tensors
from explorer.io.magic import unreadable
from explorer.io.samples import located
from explorer.specimens.catalogue import Specimen
from explorer.specimens.network import Network
from explorer.specimens.superposition import Toy


def folder(name: str) -> Path:
    return located("sample_models") / name


def model_folder(specimen: Specimen) -> Path:
    """The folder that opens as a model; LoadError if the specimen is none that takes prompts."""
    if not specimen.prompt:
        raise LoadError(f"The specimen {specimen.name} takes no prompts; read it with: specimen {specimen.name}.")
    return folder(specimen.name) / "model"


def network(name: str) -> Network:
    """The tiny transformer of the specimen ``name``, in double precision."""
    path = folder(name) / "model"
    weights = tensors.arrays(path / "model.safetensors")
    return Network(_object(path / "config.json"), {key: weight.astype(float) for key, weight in weights.items()})


def letters() -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """The letter model's matrix and the names that it was trained on."""
    held = tensors.arrays(folder("letters") / "letters.safetensors")
    return held["logits"].astype(float), tuple(_text(folder("letters") / "names.txt").split())


def superposition() -> tuple[Toy, ...]:
    """The shipped models of five features in two dimensions, the densest features first."""
    held = tensors.arrays(folder("superposition") / "superposition.safetensors")
    columns = (held[name].astype(float) for name in ("density", "W", "b", "loss"))
    return tuple(Toy(float(density), W, b, float(loss)) for density, W, b, loss in zip(*columns, strict=True))


def history(name: str) -> dict[str, NDArray[np.float64]]:
    """Columns by name: what was measured while the specimen ``name`` was trained."""
    held = _object(folder(name) / "history.json")
    return {column: np.array(values, dtype=float) for column, values in held.items()}


def _object(path: Path) -> dict[str, Any]:
    try:
        held = json_stream.loads(_text(path).encode())
    except json_stream.NotJson as error:
        raise LoadError(f"“{path}” is damaged; install Circuit Explorer again.") from error
    if not isinstance(held, dict):
        raise LoadError(f"“{path}” is damaged; install Circuit Explorer again.")
    return held


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise LoadError(unreadable(path, error)) from error
    except UnicodeDecodeError as error:
        raise LoadError(f"“{path}” is damaged; install Circuit Explorer again.") from error

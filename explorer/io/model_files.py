"""A model folder in the Hugging Face layout, judged by its config.json and the headers of its weights; no torch."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from explorer.errors import LoadError, UnsupportedModel
from explorer.io import json_stream, tensors
from explorer.io.magic import unreadable
from explorer.models.families import check_kind

CONFIG = "config.json"
ADAPTER = "adapter_config.json"
WEIGHTS = ("model.safetensors", "model.safetensors.index.json")
PICKLED = ("pytorch_model.bin", "pytorch_model.bin.index.json")

MAX_JSON = 50_000_000


def json_table(path: Path, most: int = MAX_JSON) -> dict[str, Any]:
    """The table in the JSON file ``path``; empty if it holds something else; LoadError if it is damaged."""
    try:
        if path.stat().st_size > most:
            raise LoadError(f"“{path}” is too large to be what its name says; download it again.")
        value = json_stream.loads(path.read_bytes())
    except OSError as error:
        raise LoadError(unreadable(path, error)) from error
    except json_stream.NotJson as error:
        raise LoadError(f"“{path}” is damaged: it is not valid JSON; download or copy it again.") from error
    return value if isinstance(value, dict) else {}


def optional_table(path: Path) -> dict[str, Any]:
    """The table in the JSON file ``path``; empty if there is none; LoadError if it is damaged."""
    return json_table(path) if path.is_file() else {}


def checked_config(folder: Path) -> dict[str, Any]:
    """config.json of ``folder``; UnsupportedModel if it is none of a family that opens, or asks for its own code."""
    file = folder / CONFIG
    if (folder / ADAPTER).is_file():
        raise UnsupportedModel(f"“{folder}” is an adapter ({ADAPTER}); merge it into its model and open that.")
    if not file.is_file():
        raise UnsupportedModel(f"“{folder}” has no {CONFIG}, so it is no model folder; pick the folder that has one.")
    config = json_table(file)
    if not config:
        raise UnsupportedModel(f"“{file}” holds no settings; copy the model again.")
    if "auto_map" in config:
        raise UnsupportedModel(f"“{folder}” needs code of its own to run, which is not supported for safety's sake.")
    kind = config.get("model_type")
    if not isinstance(kind, str):
        raise UnsupportedModel(f"“{file}” does not say which model_type it is; copy the model again.")
    check_kind(kind, f"“{folder.name}”")
    return config


def weight_files(folder: Path, names: tuple[str, str] = WEIGHTS) -> tuple[Path, ...]:
    """The files of the weights, by the index if there is one; none if neither is there.

    LoadError names those that the index lists and the folder lacks.
    """
    single, index = folder / names[0], folder / names[1]
    if not index.is_file():
        return (single,) if single.is_file() else ()
    listed = json_table(index).get("weight_map")
    if not isinstance(listed, dict) or not listed or not all(isinstance(name, str) for name in listed.values()):
        raise LoadError(f"“{index}” is damaged: it does not list the files of the weights; copy or download it again.")
    files = sorted(set(listed.values()))
    if any(name in ("", ".", "..") or Path(name).name != name for name in files):
        raise LoadError(f"“{index}” names files outside its own folder; copy or download the model again.")
    missing = [name for name in files if not (folder / name).is_file()]
    if missing:
        raise LoadError(
            f"“{folder}” lacks {', '.join(missing)}, which its index lists; copy or download the missing files."
        )
    return tuple(folder / name for name in files)


def headers(folder: Path) -> tuple[tensors.Header, ...]:
    """The checked headers of the safetensors weights; LoadError if one is incomplete or damaged."""
    return tuple(tensors.header(file) for file in weight_files(folder))


def sizes(config: Mapping[str, Any]) -> tuple[int, int]:
    """Layers and width that a configuration says, 0 where it does not; of the language part of a wrapper."""
    inner = config.get("text_config")
    table = inner if isinstance(inner, Mapping) else config
    layers = count(table, "num_hidden_layers", "n_layer", "num_layers")
    return layers, count(table, "hidden_size", "n_embd", "d_model")


def count(table: Mapping[str, Any], *names: str) -> int:
    """The first of ``names`` that is a count in ``table``; 0 if none is."""
    found = (table.get(name) for name in names)
    return next((value for value in found if type(value) is int and value > 0), 0)

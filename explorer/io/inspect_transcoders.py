"""What a set of transcoders is, of whatever format, from names, settings and the headers of its tensors. No torch.

Formats differ in names and orientation. What all share is enough here: a layer has one encoder, a matrix whose longer
side counts features unless its shift says otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from explorer.errors import LoadError
from explorer.io import inert, tensors
from explorer.io.descriptions import Description, dtypes
from explorer.io.npz import shapes
from explorer.io.tensors import TensorInfo
from explorer.io.transcoder_config import NAME as CONFIG
from explorer.io.transcoder_config import numbered, read_config
from explorer.io.transcoder_formats import settings

MANY = 500  # files looked into at most
SUFFIXES = (".safetensors", ".npz", ".pt", ".pth")
ENCODER = re.compile(r"(.*\.)?(W_enc(_\d+)?|w_enc|W_E|encoder(_linear)?\.(weight|W)|encoders\.\d+\.weight)")
SHIFT = re.compile(r"(.*\.)?(b_enc(_\d+)?|b_E|latent_bias|encoder(_linear)?\.(bias|b)|encoders\.\d+\.bias_param)")
LAYER = re.compile(r"(?:layers?[._]?|\bh\.|\bL|W_enc_|encoders\.)(\d+)")
SETTINGS = ("cfg.json", "config.json", "hyperparams.json")
MODEL_NAMES = ("model_name", "lm_name", "model")


def describe(path: Path, title: str, n_bytes: int) -> Description:
    """The description of the set in ``path``; LoadError if a file of it is incomplete or damaged."""
    across = False
    if (path / CONFIG).is_file() and title == "circuit-tracer":
        title, across, model_name, files = _circuit_tracer(path)
    else:
        title, model_name = f"transcoders of {title}", _model_name(path)
        files = [path] if path.is_file() else list(islice(_files(path), MANY))
    safe = [file for file in files if file.suffix == ".safetensors"]
    held = {file: tensors.header(file).tensors for file in safe} or _one_of(files)
    n_layers, d_model, d_transcoder = _sizes(path, held, files)
    infos = [info for table in held.values() for info in table.values()] if safe else []
    if across and not d_model:
        raise LoadError(f"“{files[0]}” lacks a matrix W_enc_0; download or convert it again.")
    return Description(
        path=str(path),
        kind="transcoders",
        format=title,
        readable=True,
        n_bytes=n_bytes,
        model_name=model_name,
        n_layers=n_layers,
        d_model=d_model,
        d_transcoder=d_transcoder,
        n_parameters=sum(info.n_values for info in infos),
        dtype=dtypes(infos),
        pairs_with=_pairs(n_layers, d_model, model_name),
    )


def _pairs(n_layers: int, d_model: int, model_name: str) -> str:
    if not d_model:
        return ""
    said = f" (the set says “{model_name}”)" if model_name else ""
    layers = f"{n_layers} layers" if n_layers != 1 else "1 layer"
    return f"a model of {layers} of width {d_model}{said}"


def _circuit_tracer(path: Path) -> tuple[str, bool, str, list[Path]]:
    """Title, whether it writes across layers, the model's name and the files, by config.yaml."""
    config = read_config(path)
    across = config.kind == "clt"
    files = list(config.files or numbered(path, "W_enc_" if across else "layer_"))
    title = f"circuit-tracer transcoders {'across layers' if across else 'per layer'}"
    decoders = numbered(path, "W_dec_") if across and not config.files else ()
    return title, across, config.model_name, [*files, *decoders]


def _files(path: Path) -> Iterator[Path]:
    """The files of tensors in ``path`` and three levels below, in order."""
    for depth in range(4):
        yield from sorted(file for file in path.glob("*/" * depth + "*") if file.suffix in SUFFIXES and file.is_file())


def _one_of(files: Iterable[Path]) -> dict[Path, Mapping[str, TensorInfo]]:
    """The tensors of the first file that is no safetensors: looking into each would take a while."""
    file = next(iter(files), None)
    if file is None:
        return {}
    if file.suffix == ".npz":
        return {file: shapes(file)}
    found = inert.outline(file)
    return {file: dict(_shaped(found)) if isinstance(found, Mapping) else {}}


def _shaped(table: Mapping[Any, Any], depth: int = 0) -> Iterator[tuple[str, TensorInfo]]:
    """Tensors in the outline of a PyTorch file, two tables deep."""
    for name, item in table.items():
        if isinstance(item, inert.StoredArray):
            yield str(name), TensorInfo(item.dtype, item.shape, 0)
        elif isinstance(item, Mapping) and depth < 2:
            yield from _shaped(item, depth + 1)


def _sizes(
    path: Path, held: Mapping[Path, Mapping[str, TensorInfo]], files: Iterable[Path]
) -> tuple[int, int, int]:
    """Layers, width and features of the first layer; 0 where no encoder is found."""
    layers: set[str] = set()
    first: tuple[int, int] = (0, 0)
    for file, table in held.items():
        shifts = {info.shape[-1] for name, info in table.items() if SHIFT.fullmatch(name) and info.shape}
        for name, info in sorted(table.items()):
            if not ENCODER.fullmatch(name) or len(info.shape) not in (2, 3):
                continue
            one, other = sorted(info.shape[-2:])
            first = first if any(first) else ((other, one) if shifts == {one} else (one, other))
            where = str(file.relative_to(path)) if file != path and file.is_relative_to(path) else file.name
            stacked = info.shape[0] if len(info.shape) == 3 else 1
            layers |= {str(layer) for layer in range(stacked)} if stacked > 1 else {_layer(f"{where}/{name}")}
    rest = {_layer(file.name if file == path else str(file.relative_to(path))) for file in files if file not in held}
    return (len(layers | rest) if layers else 0), *first


def _layer(where: str) -> str:
    """The layer's number as a path or name says it, or the whole of it."""
    match = LAYER.search(where)
    return str(int(match[1])) if match else where


def _model_name(path: Path) -> str:
    """The model that the settings in ``path``, or of the first layer below, name."""
    folders = [path] if path.is_dir() else [path.parent]
    below = (file.parent for depth in (1, 2, 3) for name in SETTINGS for file in path.glob("*/" * depth + name))
    for folder in [*folders, *islice(below, 3)]:
        for name in SETTINGS:
            table = settings(folder / name)
            for inner in (table, table.get("metadata"), table.get("trainer")):
                named = [inner.get(key) for key in MODEL_NAMES] if isinstance(inner, Mapping) else []
                found = next((value for value in named if isinstance(value, str) and value), "")
                if found:
                    return found
    return ""

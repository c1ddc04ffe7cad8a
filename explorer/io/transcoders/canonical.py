"""From the tensors of a layout to the canonical form: one precision, layers in order without a gap, one width."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from explorer.errors import UnsupportedTranscoder
from explorer.io import answers
from explorer.io.digest import digest
from explorer.io.transcoder_config import zero_positions
from explorer.transcoders.activations import Activation
from explorer.transcoders.transcoder import ReadPoint, Site, Transcoder, TranscoderSet, WritePoint
from explorer.work import Pause, go_on


@dataclass(frozen=True)
class Piece:
    """A file or folder that holds one layer; ``variant`` tells the sets apart that lie in one folder."""

    path: Path
    layer: int
    variant: str = ""


def transcoder(
    W_enc: Tensor,
    b_enc: Tensor,
    W_dec: Tensor,
    b_dec: Tensor,
    activation: Activation,
    W_skip: Tensor | None = None,
) -> Transcoder:
    """The layer with everything in the widest precision among its tensors; ``W_dec`` may lack the axis of targets."""
    dtype = W_enc.dtype
    for tensor in (b_enc, W_dec, b_dec, W_skip, activation.threshold, activation.offset):
        dtype = dtype if tensor is None else torch.promote_types(dtype, tensor.dtype)
    like = W_enc.new_empty(0, dtype=dtype)
    return Transcoder(
        W_enc=W_enc.to(like),
        b_enc=b_enc.to(like),
        W_dec=(W_dec if W_dec.ndim == 3 else W_dec[:, None]).to(like),
        b_dec=b_dec.to(like),
        activation=activation.to(like),
        W_skip=None if W_skip is None else W_skip.to(like),
    )


def variant(path: Path, folder: Path, layer: int) -> str:
    """Where ``folder`` of that layer lies in ``path``, the layer's number left out."""
    inside = folder.relative_to(path).as_posix() if path.is_dir() else ""
    return re.sub(rf"(?<!\d){layer}(?!\d)", "*", inside, count=1)


def in_order(path: Path, found: Iterable[Piece], told: Mapping[str, str]) -> list[Path]:
    """The pieces of the layers 0, 1, 2, ... in the folder ``path``; which set is asked if a layer is there twice."""
    pieces = list(found)
    variants = tuple(sorted({piece.variant for piece in pieces}))
    if len(variants) > 1 and len({piece.layer for piece in pieces}) < len(pieces):
        chosen = answers.choice(told, path, "variant", "which of its sets to open", variants)
        pieces = [piece for piece in pieces if piece.variant == chosen]
    by_layer = {piece.layer: piece.path for piece in pieces}
    if len(by_layer) < len(pieces):
        raise UnsupportedTranscoder(f"“{path}” holds a layer twice; open a folder with one file for each layer.")
    missing = [layer for layer in range(max(by_layer)) if layer not in by_layer]
    if missing:
        named = ", ".join(map(str, missing[:8])) + (", ..." if len(missing) > 8 else "")
        raise UnsupportedTranscoder(
            f"“{path}” lacks layer {named} of a set that goes up to layer {max(by_layer)}; "
            "open the folder with all layers, or download the missing ones."
        )
    return [by_layer[layer] for layer in range(len(by_layer))]


def whole(
    path: Path,
    layers: Sequence[Transcoder],
    read: ReadPoint | Site,
    write: WritePoint | Site,
    files: Iterable[Path],
    model_name: str = "",
    first: int | None = None,
    pause: Pause = go_on,
) -> TranscoderSet:
    """The set of ``layers`` that lie in ``path``; ``files`` are what its fingerprint is made of.

    ``first`` is the number of positions without features, if the files say it. ``pause`` is called while the
    fingerprint is made. UnsupportedTranscoder if the layers differ in width.
    """
    for layer, one in enumerate(layers):
        if one.d_model != layers[0].d_model:
            raise UnsupportedTranscoder(
                f"“{path}”: layer {layer} is {one.d_model} wide and layer 0 {layers[0].d_model}; "
                "they belong to different sets."
            )
    return TranscoderSet(
        layers=tuple(layers),
        read=read,
        write=write,
        zero_positions=zero_positions(model_name) if first is None else first,
        model_name=model_name,
        origin="/".join(path.resolve().parts[-2:]),
        sha256=digest(files, pause),
    )

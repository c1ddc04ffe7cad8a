"""transcoder_circuits (Dunefsky, Chlenski, Nanda): one .pt or .pkl.gz for each layer, a pickle that is never run.

A table of cfg, an object of a class of its own, and state_dict: W_enc (d, n), b_enc, W_dec (n, d), b_dec (d) of the
INPUT, which is subtracted in front of the encoder, and of transcoders b_dec_out (d) of the output. ReLU. cfg says
hook_point, out_hook_point (of transcoders) and model_name. Source: jacobdunefsky/transcoder_circuits,
sae_training/sparse_autoencoder.py and config.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from explorer.errors import UnsupportedTranscoder
from explorer.io import inert
from explorer.io.transcoder_formats import circuits_files
from explorer.io.transcoders import canonical, folds, hooks, pickled
from explorer.io.transcoders.weights_file import WeightsFile
from explorer.transcoders.activations import Activation
from explorer.transcoders.transcoder import Transcoder, TranscoderSet
from explorer.work import Pause, go_on


def read(path: Path, told: Mapping[str, str], pause: Pause = go_on) -> TranscoderSet:
    """The set in ``path``: a folder with a file for each layer, or one of these files."""
    found: dict[Path, tuple[Mapping[str, Any], object]] = {}
    for file in circuits_files(path):
        pause()
        found[file] = _opened(file, pause)
    places = {file: _places(file, config) for file, (config, _) in found.items()}
    pieces = [
        canonical.Piece(file, layer, f"{places[file][1]} to {places[file][2]}")
        for file, (layer, _, _) in places.items()
    ]
    ordered = canonical.in_order(path, pieces, told)
    layers = []
    for file in ordered:
        pause()
        config, tensors = found[file]
        layers.append(_layer(pickled.from_table(file, tensors), transcodes=config.get("is_transcoder") is True))
    _, read_name, write_name = places[ordered[0]]
    name = found[ordered[0]][0].get("model_name")
    points = hooks.points(path, read_name, write_name)
    return canonical.whole(path, layers, *points, ordered, name if isinstance(name, str) else "", pause=pause)


def _opened(file: Path, pause: Pause) -> tuple[Mapping[str, Any], object]:
    """The attributes of cfg, and the tensors; nothing of its class runs."""
    held = inert.load(file, pause)
    config = held.get("cfg") if isinstance(held, dict) else None
    config = config.state if isinstance(config, inert.Bag) else config
    if not isinstance(held, dict) or not isinstance(config, dict):
        raise UnsupportedTranscoder(f"“{file}” lacks its settings, cfg; download it again.")
    return config, held.get("state_dict")


def _places(file: Path, config: Mapping[str, Any]) -> tuple[int, str, str]:
    """The layer, and where it reads and writes."""
    names = [config.get("hook_point"), config.get("out_hook_point")]
    names = names if config.get("is_transcoder") is True else names[:1] * 2
    split = [hooks.split(name) for name in names if isinstance(name, str)]
    if len(split) < 2 or split[0][0] is None or config.get("hook_point_head_index") is not None:
        raise UnsupportedTranscoder(
            f"“{file}” is of {names[0]} and {names[1]}, not of a layer's place in the model; choose another set."
        )
    return split[0][0], split[0][1], split[1][1]


def _layer(held: WeightsFile, *, transcodes: bool) -> Transcoder:
    b_enc, before = held.vector("b_enc"), held.vector("b_dec")
    n, d = len(b_enc), len(before)
    b_dec = held.shaped("b_dec_out", (d,)) if transcodes else before
    W_enc, W_dec = held.matrix("W_enc", n, d, "transposed"), held.matrix("W_dec", n, d, "as is")
    held.done()
    return folds.shifted(canonical.transcoder(W_enc, b_enc, W_dec, b_dec, Activation("relu")), before)

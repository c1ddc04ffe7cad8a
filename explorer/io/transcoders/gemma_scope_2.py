"""Gemma Scope 2: JumpReLU transcoders and sparse autoencoders of Gemma 3, perhaps with an affine skip connection.

Per layer: layer_3_width_16k_l0_small_affine/params.safetensors with w_enc (d, n), w_dec (n, d), b_enc, b_dec,
threshold, perhaps affine_skip_connection (in, out), and config.json with the hook points. Across layers:
clt/width_262k_l0_small/params_layer_3.safetensors, where w_dec is (n, L, d): its second axis is the target layer
itself, and what stands below the own layer is unused. A layout of circuit-tracer may list these files, too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from explorer.errors import UnsupportedTranscoder
from explorer.io import answers
from explorer.io.model_files import optional_table
from explorer.io.transcoder_formats import folders
from explorer.io.transcoders import canonical, hooks
from explorer.io.transcoders.weights_file import WeightsFile, check_alike
from explorer.transcoders.activations import Activation
from explorer.transcoders.transcoder import Transcoder, TranscoderSet
from explorer.work import Pause, go_on

NAME = "params.safetensors"
ACROSS = re.compile(r"params_layer_(\d{1,4})\.safetensors")
KINDS = {
    "transcoder": ("mlp.hook_in", "hook_mlp_out"),
    "clt": ("mlp.hook_in", "hook_mlp_out"),
    "resid_post": ("hook_resid_post", "hook_resid_post"),
    "mlp_out": ("hook_mlp_out", "hook_mlp_out"),
    "attn_out": ("attn.hook_z", "attn.hook_z"),
}
_LAYER = re.compile(r"layer_(\d{1,4})_?")


def read(path: Path, told: Mapping[str, str], pause: Pause = go_on) -> TranscoderSet:
    """The set in ``path``: a folder of layers, or of sets of layers, of which one is asked."""
    pieces = [canonical.Piece(folder / NAME, *_place(path, folder)) for folder in folders(path, NAME, depth=2)]
    pieces += [piece for folder in folders(path, depth=2) for piece in _across(path, folder)]
    files = canonical.in_order(path, pieces, told)
    config = optional_table(files[0].parent / "config.json")
    said = [config.get(name) for name in ("hf_hook_point_in", "hf_hook_point_out")]
    if isinstance(said[0], str):
        names = [hooks.split(name)[1] for name in (said[0], said[1] if isinstance(said[1], str) else said[0])]
    else:
        names = list(KINDS[_kind(path, files[0], told)])
    points = hooks.points(path, *names)
    made = layers(files, pause, across=ACROSS.fullmatch(files[0].name) is not None)
    return canonical.whole(path, made, *points, files, _model(config, files[0]), pause=pause)


def layers(files: Sequence[Path], pause: Pause, *, across: bool) -> list[Transcoder]:
    """The layers in ``files``, one each in their order; ``across`` if each writes to all that follow, too."""
    made, names = [], {}
    for source, file in enumerate(files):
        pause()
        held = WeightsFile(file)
        names[file] = held.names
        made.append(_layer(held, (source, len(files)) if across else None))
    check_alike(names)
    return made


def _layer(held: WeightsFile, place: tuple[int, int] | None) -> Transcoder:
    """``place`` is the own layer and the number of layers in a set across layers."""
    b_enc, b_dec = held.vector("b_enc"), held.vector("b_dec")
    n, d = len(b_enc), len(b_dec)
    W_enc = held.matrix("w_enc", n, d, "transposed")
    if place is None:
        W_dec = held.matrix("w_dec", n, d, "as is")
    else:
        W_dec = held.shaped("w_dec", (n, place[1], d))[:, place[0] :].contiguous()
    threshold = held.needed_threshold("threshold", n)
    W_skip = held.shaped("affine_skip_connection", (d, d)) if "affine_skip_connection" in held else None
    held.done()
    return canonical.transcoder(W_enc, b_enc, W_dec, b_dec, Activation("jumprelu", threshold), W_skip)


def _place(path: Path, folder: Path) -> tuple[int, str]:
    """Layer and variant of the folder of one layer; the variant is its path without the layer."""
    match = _LAYER.search(folder.absolute().name)
    if match is None:
        raise UnsupportedTranscoder(
            f"“{folder}” is not named like layer_0_width_16k_l0_small, which says its layer; "
            "keep the folders as they were downloaded."
        )
    inside = folder.relative_to(path) if folder != path and path.is_dir() else Path(folder.name)
    return int(match[1]), _LAYER.sub("", inside.as_posix())


def _across(path: Path, folder: Path) -> list[canonical.Piece]:
    variant = "" if folder == path else folder.relative_to(path).as_posix()
    found = ((file, ACROSS.fullmatch(file.name)) for file in sorted(folder.iterdir()))
    return [canonical.Piece(file, int(match[1]), variant) for file, match in found if match is not None]


def _kind(path: Path, file: Path, told: Mapping[str, str]) -> str:
    """What the files are of, from the folders they lie in as published; asked if those were renamed."""
    if ACROSS.fullmatch(file.name):
        return "clt"
    for part in reversed(file.absolute().parts[-4:-1]):
        name = part.removesuffix("_all")
        if name in KINDS:
            return name
    question = "whether it holds transcoders or autoencoders of the residual stream, MLPs or attention"
    return answers.choice(told, path, "kind", question, tuple(KINDS))


def _model(config: Mapping[str, object], file: Path) -> str:
    """google/gemma-3-1b-pt, from config.json (where it is gemma-v3-1b-pt) or the repository's name."""
    said = config.get("model_name")
    if isinstance(said, str):
        return f"google/{said.rpartition('/')[2].replace('-v3', '-3')}"
    match = re.search(r"gemma-scope-2-(\w+-(?:pt|it))\b", file.absolute().as_posix())
    return f"google/gemma-3-{match[1]}" if match else ""

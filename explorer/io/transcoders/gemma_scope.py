"""Gemma Scope: JumpReLU transcoders and sparse autoencoders of Gemma 2, one params.npz for each layer.

W_enc (d, n), W_dec (n, d), b_enc, b_dec, threshold; b_dec is not subtracted in front of the encoder. Transcoders read
the norm's output before its gain and write what is added to the residual stream (arXiv 2408.05147, page 18). Folders
are layer_3/width_16k/average_l0_72 in repositories google/gemma-scope-2b-pt-{res,mlp,att,transcoders}; nothing in a
file says which, nor which of several widths and sparsities makes up a set.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from explorer.errors import UnsupportedTranscoder
from explorer.io import answers
from explorer.io.transcoder_formats import folders
from explorer.io.transcoders import canonical, folds, hooks
from explorer.io.transcoders.npz_file import read_npz
from explorer.io.transcoders.weights_file import WeightsFile, check_alike
from explorer.transcoders.activations import Activation
from explorer.transcoders.transcoder import Transcoder, TranscoderSet
from explorer.work import Pause, go_on

NAME = "params.npz"
KINDS = {
    "transcoders": ("ln2.hook_normalized", "hook_mlp_out"),
    "res": ("hook_resid_post", "hook_resid_post"),
    "mlp": ("hook_mlp_out", "hook_mlp_out"),
    "att": ("attn.hook_z", "attn.hook_z"),
}
_REPOSITORY = re.compile(rf"gemma-scope-(2b|9b|27b)-(pt|it)-({'|'.join(KINDS)})\b")
_FOLDER = re.compile(r"layer_(\d{1,4})/(.*?)/?average_l0_(\d{1,9})")


def read(path: Path, told: Mapping[str, str], pause: Pause = go_on) -> TranscoderSet:
    """The set in ``path``, a folder of layers or one layer's params.npz."""
    files = [folder / NAME for folder in folders(path, NAME, depth=3)]
    repository = _REPOSITORY.search(files[0].absolute().as_posix())
    kind = repository[3] if repository else answers.choice(
        told, path, "kind", "whether it holds transcoders or autoencoders of the residual stream, MLPs or attention",
        tuple(KINDS),
    )  # fmt: skip
    name = f"google/gemma-2-{repository[1]}{'-it' if repository[2] == 'it' else ''}" if repository else ""
    ordered = canonical.in_order(path, _sparsest(path, files, told), told)
    made = layers(ordered, pause)
    return canonical.whole(path, made, *hooks.points(path, *KINDS[kind]), ordered, name, pause=pause)


def layers(files: Sequence[Path], pause: Pause) -> list[Transcoder]:
    """The layers in ``files``, one params.npz each in their order."""
    made, names = [], {}
    for file in files:
        pause()
        held = WeightsFile(file, read_npz(file))
        names[file] = held.names
        made.append(_layer(held))
    check_alike(names)
    return made


def _layer(held: WeightsFile) -> Transcoder:
    b_enc, b_dec = held.vector("b_enc"), held.vector("b_dec")
    n, d = len(b_enc), len(b_dec)
    W_enc, W_dec = held.matrix("W_enc", n, d, "transposed"), held.matrix("W_dec", n, d, "as is")
    threshold = held.needed_threshold("threshold", n)
    made = canonical.transcoder(W_enc, b_enc, W_dec, b_dec, Activation("jumprelu", threshold))
    if "scaling_factor" in held:
        made = folds.rescaled(made, held.shaped("scaling_factor", (n,)))
    held.done()
    return made


def _sparsest(path: Path, files: list[Path], told: Mapping[str, str]) -> list[canonical.Piece]:
    """One piece for each layer and width: of several sparsities that nearest to the answer ``l0``."""
    by_place: dict[tuple[int, str], list[tuple[int, Path]]] = {}
    for file in files:
        match = _FOLDER.search(file.absolute().as_posix())
        if match is None:
            raise UnsupportedTranscoder(
                f"“{file}” does not lie in folders like layer_0/width_16k/average_l0_76, which say its layer; "
                "keep them as they were downloaded."
            )
        by_place.setdefault((int(match[1]), match[2]), []).append((int(match[3]), file))
    wanted = 0
    if any(len(found) > 1 for found in by_place.values()):
        question = "how many active features (average L0) to take where it holds several"
        wanted = answers.count(told, path, "l0", question)
    return [
        canonical.Piece(min(found, key=lambda one: abs(one[0] - wanted))[1], number, width)
        for (number, width), found in by_place.items()
    ]

"""EleutherAI's sparsify: one folder for each module, such as layers.3.mlp, with cfg.json and sae.safetensors.

encoder.weight (n, d), encoder.bias, W_dec (n, d), b_dec, perhaps W_skip (out, in). ReLU, then TopK. Transcoders read
their module's input and write its output; autoencoders read and write the output, and b_dec is subtracted in front of
the encoder. Decoders are normalised in training only. Source: EleutherAI/sparsify, sparsify/sparse_coder.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from explorer.errors import UnsupportedTranscoder
from explorer.io.transcoders import canonical, eleuther, folds
from explorer.io.transcoders.weights_file import WeightsFile, check_alike
from explorer.transcoders.activations import Activation
from explorer.transcoders.transcoder import ReadPoint, Site, Transcoder, TranscoderSet, WritePoint
from explorer.work import Pause, go_on

SITES = {"": Site.RESID_POST, "mlp": Site.MLP_OUT, **dict.fromkeys(("attn", "self_attn", "attention"), Site.ATTN_OUT)}


def read(path: Path, told: Mapping[str, str], pause: Pause = go_on) -> TranscoderSet:
    """The set in ``path``: the folder of a run, or of one module."""
    folders, module = eleuther.ordered(path, told)
    configs = [eleuther.config(folder) for folder in folders]
    transcodes = {config.get("transcode") is True for config in configs}
    if len(transcodes) > 1:
        raise UnsupportedTranscoder(f"“{path}” holds transcoders and autoencoders; open one kind alone.")
    layers, names = [], {}
    for folder, config in zip(folders, configs, strict=True):
        pause()
        held = WeightsFile(folder / eleuther.WEIGHTS)
        names[held.file] = held.names
        made = _layer(held, eleuther.activation(path, config, told))
        layers.append(made if True in transcodes else folds.shifted(made, made.b_dec))
    check_alike(names)
    files = [folder / name for folder in folders for name in (eleuther.CONFIG, eleuther.WEIGHTS)]
    points = _points(path, module, True in transcodes)
    return canonical.whole(path, layers, *points, files, eleuther.model_name(path), pause=pause)


def _layer(held: WeightsFile, activation: Activation) -> Transcoder:
    b_enc, b_dec = held.vector("encoder.bias"), held.vector("b_dec")
    n, d = len(b_enc), len(b_dec)
    W_enc, W_dec = held.matrix("encoder.weight", n, d, "as is"), held.matrix("W_dec", n, d, "as is")
    W_skip = held.shaped("W_skip", (d, d)).T.contiguous() if "W_skip" in held else None
    held.done()
    return canonical.transcoder(W_enc, b_enc, W_dec, b_dec, activation, W_skip)


def _points(path: Path, module: str, transcodes: bool) -> tuple[ReadPoint | Site, WritePoint | Site]:
    if transcodes and module == "mlp":
        return ReadPoint.MLP_IN, WritePoint.MLP_OUT
    site = None if transcodes else SITES.get(module)
    if site is None:
        kind = "transcoders" if transcodes else "autoencoders"
        raise UnsupportedTranscoder(f"“{path}” holds {kind} of “{module or 'layers'}”, which are not read here.")
    return site, site

"""dictionary_learning (saprmarks): one folder for each autoencoder with ae.pt, a pickle of tensors, and config.json.

By trainer.dict_class in config.json, b being what is added behind the decoder:

    AutoEncoder             encoder.weight (n, d) and .bias, decoder.weight (d, n), bias; ReLU; decoders of norm 1
    AutoEncoderNew          the same with decoder.bias; b is not subtracted in front of the encoder, as it is elsewhere
    GatedAutoEncoder        no encoder.bias but r_mag, gate_bias, mag_bias; decoder_bias
    AutoEncoderTopK         b_dec, k; ReLU, then TopK
    BatchTopKSAE            b_dec, k, threshold: what is above it is kept, for a top-k of a batch would depend on it
    MatryoshkaBatchTopKSAE  W_enc (d, n), b_enc, W_dec (n, d), b_dec, k, threshold, group_sizes, all groups in use
    JumpReluAutoEncoder     W_enc (d, n), b_enc, W_dec (n, d), b_dec, threshold (n); b is not subtracted

Source: saprmarks/dictionary_learning, dictionary.py and trainers/{top_k,batch_top_k,matryoshka_batch_top_k}.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from explorer.errors import UnsupportedTranscoder
from explorer.io import answers
from explorer.io.transcoder_formats import folders, settings
from explorer.io.transcoders import canonical, folds, hooks, pickled
from explorer.io.transcoders.weights_file import WeightsFile
from explorer.transcoders.activations import Activation
from explorer.transcoders.transcoder import Transcoder, TranscoderSet
from explorer.work import Pause, go_on

CONFIG, WEIGHTS = "config.json", "ae.pt"
SITES = {"resid_post": "hook_resid_post", "mlp_out": "hook_mlp_out", "attention_out": "hook_attn_out"}


def read(path: Path, told: Mapping[str, str], pause: Pause = go_on) -> TranscoderSet:
    """The set in ``path``: the folder of an autoencoder, or one with such folders up to three levels below it."""
    found = {folder: _trainer(folder) for folder in folders(path, CONFIG, WEIGHTS, depth=3)}
    ordered = canonical.in_order(path, (_piece(path, folder, found[folder]) for folder in found), told)
    sites = {_site(found[folder]) for folder in ordered}
    if len(sites) > 1:
        raise UnsupportedTranscoder(f"“{path}” holds layers of different places in the model; choose one set.")
    site = sites.pop() or answers.choice(told, path, "site", "what the autoencoders reconstruct", hooks.SITES)
    layers = []
    for folder in ordered:
        pause()
        kind = str(found[folder].get("dict_class"))
        if kind not in KINDS:
            raise UnsupportedTranscoder(
                f"“{folder / CONFIG}”: dict_class is “{kind}”, not one that is read here ({', '.join(KINDS)})."
            )
        held = pickled.weights(folder / WEIGHTS, drop=("group_sizes",))
        layers.append(KINDS[kind](held))
        held.done()
    files = [folder / name for folder in ordered for name in (CONFIG, WEIGHTS)]
    name = found[ordered[0]].get("lm_name")
    points = hooks.points(path, site, site)
    return canonical.whole(path, layers, *points, files, name if isinstance(name, str) else "", pause=pause)


def _trainer(folder: Path) -> Mapping[str, Any]:
    said = settings(folder / CONFIG).get("trainer")
    if not isinstance(said, dict):
        raise UnsupportedTranscoder(f"“{folder / CONFIG}” does not say how it was trained; download it again.")
    return said


def _piece(path: Path, folder: Path, trainer: Mapping[str, Any]) -> canonical.Piece:
    layer = trainer.get("layer")
    if type(layer) is not int or not 0 <= layer < 10_000:
        raise UnsupportedTranscoder(f"“{folder / CONFIG}” does not say the layer; add it to its trainer.")
    return canonical.Piece(folder, layer, canonical.variant(path, folder, layer))


def _site(trainer: Mapping[str, Any]) -> str:
    """The place that submodule_name says, such as resid_post_layer_3; empty if it does not."""
    said = trainer.get("submodule_name")
    return next((site for word, site in SITES.items() if isinstance(said, str) and word in said), "")


def _linear(held: WeightsFile, bias: str) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Encoder (n, d) and bias, decoder (n, d) and bias, of torch's Linear modules."""
    b_enc, b_dec = held.vector("encoder.bias"), held.vector(bias)
    n, d = len(b_enc), len(b_dec)
    W_enc = held.matrix("encoder.weight", n, d, "as is")
    return W_enc, b_enc, held.matrix("decoder.weight", n, d, "transposed"), b_dec


def _parameters(held: WeightsFile) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The same of W_enc, b_enc, W_dec, b_dec."""
    b_enc, b_dec = held.vector("b_enc"), held.vector("b_dec")
    n, d = len(b_enc), len(b_dec)
    return held.matrix("W_enc", n, d, "transposed"), b_enc, held.matrix("W_dec", n, d, "as is"), b_dec


def _subtracted(made: Transcoder) -> Transcoder:
    return folds.shifted(made, made.b_dec)


def _relu(held: WeightsFile) -> Transcoder:
    return folds.unit_decoders(_subtracted(canonical.transcoder(*_linear(held, "bias"), Activation("relu"))))


def _relu_unshifted(held: WeightsFile) -> Transcoder:
    return canonical.transcoder(*_linear(held, "decoder.bias"), Activation("relu"))


def _gated(held: WeightsFile) -> Transcoder:
    b_gate, b_dec = held.vector("gate_bias"), held.vector("decoder_bias")
    n, d = len(b_gate), len(b_dec)
    r_mag, b_mag = held.shaped("r_mag", (n,)), held.shaped("mag_bias", (n,))
    W_enc, b_enc, activation = folds.gated(held.matrix("encoder.weight", n, d, "as is"), r_mag, b_gate, b_mag)
    W_dec = held.matrix("decoder.weight", n, d, "transposed")
    return _subtracted(canonical.transcoder(W_enc, b_enc, W_dec, b_dec, activation))


def _topk(held: WeightsFile) -> Transcoder:
    k = int(held.shaped("k", ()))
    if not 0 < k < 2**31:
        raise UnsupportedTranscoder(f"“{held.file}” says k = {k}; download it again.")
    if "threshold" in held:
        held.take("threshold")  # for another way to encode, which is not its producer's default
    return _subtracted(canonical.transcoder(*_linear(held, "b_dec"), Activation("topk", k=k, rectified=True)))


def _threshold(held: WeightsFile) -> Activation:
    """JumpReLU at the threshold that training found; it is -1 until it has found one."""
    held.take("k")
    threshold = held.shaped("threshold", ())
    if float(threshold) < 0:
        raise UnsupportedTranscoder(
            f"“{held.file}”: training has not yet found the threshold that stands for its BatchTopK; "
            "open a later checkpoint."
        )
    return Activation("jumprelu", threshold)


def _batch_topk(held: WeightsFile) -> Transcoder:
    return _subtracted(canonical.transcoder(*_linear(held, "b_dec"), _threshold(held)))


def _matryoshka(held: WeightsFile) -> Transcoder:
    return _subtracted(canonical.transcoder(*_parameters(held), _threshold(held)))


def _jumprelu(held: WeightsFile) -> Transcoder:
    weights = _parameters(held)
    stored = held.shaped("threshold", tuple(weights[1].shape))
    return canonical.transcoder(*weights, Activation("jumprelu", stored.relu()))


KINDS: Mapping[str, Callable[[WeightsFile], Transcoder]] = {
    "AutoEncoder": _relu,
    "AutoEncoderNew": _relu_unshifted,
    "GatedAutoEncoder": _gated,
    "AutoEncoderTopK": _topk,
    "BatchTopKSAE": _batch_topk,
    "MatryoshkaBatchTopKSAE": _matryoshka,
    "JumpReluAutoEncoder": _jumprelu,
}

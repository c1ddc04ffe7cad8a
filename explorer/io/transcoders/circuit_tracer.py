"""circuit-tracer's layout: per-layer sets and cross-layer transcoders as safetensors with a config.yaml.

Per layer: ``layer_{i}.safetensors`` with W_enc (n, d), W_dec (n, d), b_enc, b_dec, perhaps
activation_function.threshold, k and W_skip (out, in). Across layers: ``W_enc_{i}.safetensors`` with
W_enc_i (n, d), b_enc_i, b_dec_i, perhaps threshold_i, and ``W_dec_{i}.safetensors`` with W_dec_i (n, L - i, d),
whose entry j writes to layer i + j. Source: decoderesearch/circuit-tracer 0.4.1; older sets store W_dec as (d, n).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

import torch
import yaml
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor

from explorer.errors import SaveError, UnsupportedTranscoder
from explorer.io import answers, tensors
from explorer.io.atomic import new_folder
from explorer.io.transcoder_config import KINDS, NAME, TranscoderConfig, numbered, read_config, zero_positions
from explorer.io.transcoder_formats import keys
from explorer.io.transcoders import canonical, gemma_scope, gemma_scope_2, hooks
from explorer.io.transcoders.weights_file import WeightsFile, check_alike
from explorer.transcoders.activations import Activation
from explorer.transcoders.transcoder import ReadPoint, Transcoder, TranscoderSet, WritePoint
from explorer.work import Pause, Progress, Work, go_on, run

TITLE = "circuit-tracer"  # in sentences on what its layout cannot hold

Point = TypeVar("Point", ReadPoint, WritePoint)

THRESHOLD = "activation_function.threshold"


def read(path: Path, told: Mapping[str, str], pause: Pause = go_on) -> TranscoderSet:
    """The set in the folder ``path``, in the dtype it is stored in; UnsupportedTranscoder or LoadError otherwise.

    Without config.yaml, as older sets are, the points are asked.
    """
    said = (path / NAME).is_file()
    config = read_config(path) if said else _without_config(path)
    read_at = _point(path, "feature_input_hook", hooks.read_name(told, path, config.read), ReadPoint)
    write_at = _point(path, "feature_output_hook", hooks.write_name(told, path, config.write), WritePoint)
    if config.kind == "clt" and not config.files:
        files: tuple[Path, ...] = (*numbered(path, "W_enc_"), *numbered(path, "W_dec_"))
        layers = _cross_layer(path, config, pause)
    else:
        files = config.files or numbered(path, "layer_")
        layers = _listed(files, config, told, pause)
    files = (path / NAME, *files) if said else files
    return canonical.whole(path, layers, read_at, write_at, files, config.model_name, config.zero_positions, pause)


def write(transcoders: TranscoderSet, folder: Path, model_name: str = "") -> None:
    """Write the set into the new or empty ``folder``, which circuit-tracer and ``read`` can open.

    SaveError if the folder cannot be written, UnsupportedTranscoder if the layout cannot hold the set.
    """
    run(writing(transcoders, folder, model_name))


def writing(transcoders: TranscoderSet, folder: Path, model_name: str = "") -> Work[None]:
    """The work of ``write``, a step for each layer; if it is stopped, ``folder`` is as it was."""
    settings = {**_settings(transcoders, model_name or transcoders.model_name), "scan": folder.name}
    with new_folder(folder) as new:
        (new / NAME).write_text(yaml.safe_dump(settings), "utf-8")
        for layer in range(transcoders.n_layers):
            yield Progress(layer, transcoders.n_layers, f"Writing layer {layer}")
            for file, held in _files(transcoders, layer).items():
                plain = {key: tensor.detach().cpu().contiguous() for key, tensor in held.items()}
                try:
                    save_file(plain, new / file)
                except SafetensorError as error:
                    raise SaveError(f"“{folder}” could not be saved: {error}.") from error


def _without_config(folder: Path) -> TranscoderConfig:
    kind = "clt" if (folder / "W_enc_0.safetensors").is_file() else "plt"
    return TranscoderConfig(
        kind=kind, read="", write="", model_name="", scan="", activation="", k=0, zero_positions=1, files=()
    )


def _listed(
    files: tuple[Path, ...], config: TranscoderConfig, told: Mapping[str, str], pause: Pause
) -> list[Transcoder]:
    """The layers in ``files``, one each; config.yaml may also list files of Gemma Scope."""
    if files[0].suffix == ".npz":
        return gemma_scope.layers(files, pause)
    if config.kind == "clt" or "w_enc" in keys(files[0]):
        return gemma_scope_2.layers(files, pause, across=config.kind == "clt")
    layers = [_per_layer(file, config, told, pause) for file in files]
    check_alike({file: frozenset(tensors.header(file).tensors) for file in files})
    return layers


def _per_layer(file: Path, config: TranscoderConfig, told: Mapping[str, str], pause: Pause) -> Transcoder:
    pause()
    held = WeightsFile(file)
    b_enc, b_dec = held.vector("b_enc"), held.vector("b_dec")
    n, d = len(b_enc), len(b_dec)
    W_enc, W_dec = held.shaped("W_enc", (n, d)), held.matrix("W_dec", n, d, "as is")
    threshold = held.threshold(THRESHOLD, n)
    k = _stored_k(held) if "k" in held else 0
    # circuit-tracer uses it as x @ W_skip.T; when d_in == d_out the shape cannot tell, the layout does
    W_skip = held.shaped("W_skip", (d, d)).T.contiguous() if "W_skip" in held else None
    held.done()
    return canonical.transcoder(W_enc, b_enc, W_dec, b_dec, _activation(file, config, threshold, k, told), W_skip)


def _stored_k(held: WeightsFile) -> int:
    """The k of TopK, one whole number above 0; UnsupportedTranscoder otherwise."""
    values = held.take("k").flatten().tolist()
    if len(values) != 1 or not 0 < values[0] < 2**31 or values[0] != int(values[0]):
        raise UnsupportedTranscoder(f"“{held.file}”: k is no whole number above 0; download it again.")
    return int(values[0])


def _cross_layer(folder: Path, config: TranscoderConfig, pause: Pause) -> list[Transcoder]:
    encoders, decoders = numbered(folder, "W_enc_"), numbered(folder, "W_dec_")
    if len(encoders) != len(decoders):
        raise UnsupportedTranscoder(
            f"“{folder}” holds {len(encoders)} files W_enc_* and {len(decoders)} files W_dec_*; "
            "download the missing ones."
        )
    layers = []
    for layer, (encoder, decoder) in enumerate(zip(encoders, decoders, strict=True)):
        pause()
        held = WeightsFile(encoder)
        b_enc, b_dec = held.vector(f"b_enc_{layer}"), held.vector(f"b_dec_{layer}")
        n, d = len(b_enc), len(b_dec)
        W_enc = held.shaped(f"W_enc_{layer}", (n, d))
        threshold = held.threshold(f"threshold_{layer}", n)
        held.done()
        held = WeightsFile(decoder)
        W_dec = held.shaped(f"W_dec_{layer}", (n, len(encoders) - layer, d))
        held.done()
        layers.append(
            canonical.transcoder(W_enc, b_enc, W_dec, b_dec, _activation(encoder, config, threshold, 0, {}))
        )
    check_alike({file: frozenset(map(_without_layer, tensors.header(file).tensors)) for file in encoders})
    return layers


def _without_layer(name: str) -> str:
    return name.rpartition("_")[0]


def _activation(
    file: Path, config: TranscoderConfig, threshold: Tensor | None, k: int, told: Mapping[str, str]
) -> Activation:
    """A threshold means JumpReLU; else what config.yaml says; else TopK if the file stores k; else ReLU."""
    said = config.activation
    if said not in ("", "relu", "jumprelu", "jump_relu", "topk"):
        raise UnsupportedTranscoder(
            f"“{file.parent / NAME}”: the activation “{said}” is not one of relu, topk, jumprelu; "
            "correct that line."
        )
    if threshold is not None:
        return Activation("jumprelu", threshold)
    if said.startswith("jump"):
        raise UnsupportedTranscoder(f"“{file}” lacks the threshold of its JumpReLU; convert it again.")
    if said == "topk" or (not said and (k or config.k)):
        if config.k and k and config.k != k:
            raise UnsupportedTranscoder(f"“{file}” says k = {k} and {NAME} {config.k}; correct {NAME}.")
        return Activation("topk", k=config.k or k or answers.kept_by_topk(told, file.parent))
    return Activation("relu")


def _point(folder: Path, name: str, said: str, points: type[Point]) -> Point:
    try:
        return points(said)
    except ValueError:
        known = ", ".join(point.value for point in points)
        raise UnsupportedTranscoder(
            f"“{folder / NAME}”: {name} is “{said}”, which this version does not know ({known})."
        ) from None


def _settings(transcoders: TranscoderSet, model_name: str) -> dict[str, object]:
    """What config.yaml says of the set; UnsupportedTranscoder if the layout cannot hold it."""
    _check_fits(transcoders)
    settings: dict[str, object] = {
        "model_kind": next(name for name, kind in KINDS.items() if kind == transcoders.kind),
        "model_name": model_name,
        "feature_input_hook": transcoders.read.value,
        "feature_output_hook": transcoders.write.value,
    }
    activation = transcoders.layers[0].activation
    if activation.kind == "topk":
        settings.update(activation="topk", k=activation.k)
    if transcoders.zero_positions != zero_positions(model_name):
        settings["zero_positions"] = transcoders.zero_positions
    return settings


def _check_fits(transcoders: TranscoderSet) -> None:
    layers = transcoders.layers
    activations = [layer.activation for layer in layers]
    topk = {one.k for one in activations if one.kind == "topk"}
    if transcoders.kind not in KINDS.values():
        kind = {"sae": "sparse autoencoders"}.get(transcoders.kind, transcoders.kind)
        raise _unfit(transcoders, f"is one of transcoders, not of {kind}")
    if topk and (len(topk) > 1 or transcoders.kind == "clt" or any(one.kind != "topk" for one in activations)):
        raise _unfit(transcoders, "takes TopK per layer only, with one k for all")
    if topk and any(one.offset is not None for one in activations):
        raise _unfit(transcoders, "has no offset that is added to what TopK keeps")
    if transcoders.kind == "clt" and any(layer.W_skip is not None for layer in layers):
        raise _unfit(transcoders, "has no skip weights across layers")
    if any(bool((_jump(layer)[1] < 0).any()) for layer in layers if layer.activation.offset is not None):
        raise _unfit(transcoders, "has no offset that is more negative than its threshold")


def _unfit(transcoders: TranscoderSet, what: str) -> UnsupportedTranscoder:
    return UnsupportedTranscoder(f"“{transcoders.origin or 'The set'}”: {TITLE}'s layout {what}.")


def _jump(transcoder: Transcoder) -> tuple[Tensor, Tensor]:
    """Bias and thresholds (n) of the JumpReLU that computes the same as a ReLU or JumpReLU, offset included.

    Keeping p + c where p > t is keeping q where q > t + c, with q = p + c.
    """
    activation, b_enc = transcoder.activation, transcoder.b_enc
    threshold = b_enc.new_zeros(()) if activation.threshold is None else activation.threshold
    if activation.offset is None:
        return b_enc, threshold.expand(len(b_enc))
    return b_enc.float() + activation.offset, (threshold.float() + activation.offset).expand(len(b_enc))


def _encoder(transcoders: TranscoderSet, layer: int) -> dict[str, Tensor]:
    """W_enc, b_enc and perhaps the threshold, alike in all layers."""
    one, activations = transcoders.layers[layer], [other.activation for other in transcoders.layers]
    if not any(other.kind == "jumprelu" or other.offset is not None for other in activations):
        return {"W_enc": one.W_enc, "b_enc": one.b_enc}
    b_enc, threshold = _jump(one)
    return {"W_enc": one.W_enc, "b_enc": b_enc, "threshold": threshold}


def _files(transcoders: TranscoderSet, layer: int) -> dict[str, dict[str, Tensor]]:
    """The tensors of one layer by file and name."""
    one, encoder = transcoders.layers[layer], _encoder(transcoders, layer)
    if transcoders.kind == "plt":
        names = {"threshold": THRESHOLD}
        held = {names.get(name, name): tensor for name, tensor in encoder.items()}
        held |= {"W_dec": one.W_dec[:, 0], "b_dec": one.b_dec}
        held |= {} if one.W_skip is None else {"W_skip": one.W_skip.T}
        return {f"layer_{layer}.safetensors": _rectified(held, one.activation)}
    n_targets = transcoders.n_layers - layer
    nothing = one.W_dec.new_zeros(one.d_transcoder, n_targets - one.n_targets, one.d_model)
    held = {f"{name}_{layer}": tensor for name, tensor in {**encoder, "b_dec": one.b_dec}.items()}
    W_dec = {f"W_dec_{layer}": torch.cat([one.W_dec, nothing], dim=1)}
    return {f"W_enc_{layer}.safetensors": held, f"W_dec_{layer}.safetensors": W_dec}


def _rectified(held: dict[str, Tensor], activation: Activation) -> dict[str, Tensor]:
    """With k features that are always 0 behind the others, which outrank what a ReLU behind TopK would make 0."""
    if not activation.rectified:
        return held
    return {
        name: torch.cat([tensor, tensor.new_zeros(activation.k, *tensor.shape[1:])])
        if name in ("W_enc", "b_enc", "W_dec")
        else tensor
        for name, tensor in held.items()
    }

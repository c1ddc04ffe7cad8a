"""OpenMOSS's Language-Model-SAEs (llamascopium): config.json with the weights beside it or in checkpoints/.

sae, which is a transcoder where hook_point_in and hook_point_out differ, one folder for each layer: W_E (d, n), b_E,
W_D (n, d), b_D unless use_decoder_bias is false. clt, all layers in one file: W_E (L, d, n), b_E (L, n), W_D.t
(t + 1, n, d) of the sources 0 to t that write to layer t, b_D.t. Both: activation_function.log_jumprelu_threshold, and
with norm_activation dataset-wise dataset_average_activation_norm.HOOK, the average norm at that hook:

    x sqrt(d) / norm_in is encoded, and what is decoded times norm_out / sqrt(d) is written

With sparsity_include_decoder_norm the activation function decides by activation times decoder norm, over all targets
jointly. TopK is applied behind a ReLU; BatchTopK and TopK over several layers are refused, for they depend on other
tokens or layers. Source: OpenMOSS/Language-Model-SAEs, src/llamascopium/models/{sae,clt,sparse_dictionary}.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from explorer.errors import UnsupportedTranscoder
from explorer.io.model_files import optional_table
from explorer.io.transcoder_formats import OPENMOSS_WEIGHTS, folders, settings
from explorer.io.transcoders import canonical, folds, hooks, pickled
from explorer.io.transcoders.weights_file import WeightsFile, check_alike
from explorer.transcoders.activations import Activation
from explorer.transcoders.transcoder import ReadPoint, Site, Transcoder, TranscoderSet, WritePoint
from explorer.work import Pause, go_on

CONFIG = "config.json"
THRESHOLD = "activation_function.log_jumprelu_threshold"
NORM = "dataset_average_activation_norm."
Points = tuple[ReadPoint | Site, WritePoint | Site]


def read(path: Path, told: Mapping[str, str], pause: Pause = go_on) -> TranscoderSet:
    """The set in ``path``: the folder of a layer, of a cross-layer transcoder, or one with folders of layers."""
    configs = {folder: optional_table(folder / CONFIG) for folder in folders(path, CONFIG, depth=2)}
    found = [folder for folder in configs if "sae_type" in configs[folder]]
    kinds = {str(configs[folder]["sae_type"]) for folder in found}
    if kinds == {"clt"}:
        return _across(path, found, pause)
    if kinds != {"sae"}:
        named = ", ".join(sorted(kinds))
        raise UnsupportedTranscoder(f"“{path}” holds {named}; only sae or clt, one of them, can be read here.")
    pieces = [canonical.Piece(folder, *_place(folder, configs[folder])) for folder in found]
    layers, names, files = [], {}, []
    ordered = canonical.in_order(path, pieces, told)
    for folder in ordered:
        pause()
        held = _opened(folder)
        names[held.file] = frozenset(name for name in held.names if not name.startswith(NORM))
        layers.append(_layer(held, folder / CONFIG, configs[folder]))
        files += [held.file, folder / CONFIG]
    check_alike(names)
    found_at = points(path, [configs[folder] for folder in ordered])
    return canonical.whole(path, layers, *found_at, files, pause=pause)


def _opened(folder: Path) -> WeightsFile:
    """The weights of ``folder`` that its producer would take."""
    names = [name for name in OPENMOSS_WEIGHTS if (folder / name).is_file()]
    file = folder / (names or OPENMOSS_WEIGHTS)[0]
    return WeightsFile(file) if file.suffix == ".safetensors" else pickled.weights(file, "sae")


def points(path: Path, configs: Sequence[Mapping[str, Any]]) -> Points:
    """Where all layers of the set read and write."""
    names = {(_hook(path, config, "hook_point_in")[1], _hook(path, config, "hook_point_out")[1]) for config in configs}
    if len(names) > 1:
        raise UnsupportedTranscoder(f"“{path}” holds layers of different places in the model; choose one set.")
    return hooks.points(path, *names.pop())


def layer_of(folder: Path, config: Mapping[str, Any]) -> int:
    """The layer that ``config`` of ``folder`` is of."""
    layer, _ = _hook(folder, config, "hook_point_in")
    if layer is None:
        raise UnsupportedTranscoder(f"“{folder}” names no layer in hook_point_in; download it again.")
    return layer


def _place(folder: Path, config: Mapping[str, Any]) -> tuple[int, str]:
    _, read_name = _hook(folder, config, "hook_point_in")
    _, write_name = _hook(folder, config, "hook_point_out")
    return layer_of(folder, config), f"{read_name} to {write_name}, {config.get('expansion_factor')}x"


def _hook(path: Path, config: Mapping[str, Any], name: str) -> tuple[int | None, str]:
    said = config.get(name)
    if not isinstance(said, str):
        raise UnsupportedTranscoder(f"“{path}” does not say {name}; download its settings again.")
    return hooks.split(said)


def _layer(held: WeightsFile, file: Path, config: Mapping[str, Any]) -> Transcoder:
    b_E = held.vector("b_E")
    n = len(b_E)
    b_D = held.vector("b_D") if config.get("use_decoder_bias", True) else b_E.new_zeros(_width(file, config))
    W_E, W_D = held.matrix("W_E", n, len(b_D), "transposed"), held.matrix("W_D", n, len(b_D), "as is")
    log_threshold = held.shaped(THRESHOLD, (n,)) if THRESHOLD in held else None
    made = canonical.transcoder(W_E, b_E, W_D, b_D, activation(file, config, log_threshold))
    if config.get("sparsity_include_decoder_norm", True):
        made = folds.decoder_norms_included(made)
    if config.get("apply_decoder_bias_to_pre_encoder"):
        made = folds.shifted(made, made.b_dec)
    names = [str(config[name]) for name in ("hook_point_in", "hook_point_out")]
    norms = {name: _norm(held, file, config, name) for name in dict.fromkeys(names)}
    held.done()
    return folds.scaled(made, norms[names[0]], 1 / norms[names[1]])


def activation(file: Path, config: Mapping[str, Any], log_threshold: Tensor | None) -> Activation:
    """The activation function that the settings name, with its threshold or k; UnsupportedTranscoder."""
    said, k = str(config.get("act_fn", "relu")).lower(), config.get("top_k", 50)
    if said == "jumprelu":
        if log_threshold is None:
            raise UnsupportedTranscoder(f"“{file}”: the weights lack {THRESHOLD}; download them again.")
        return Activation("jumprelu", folds.precise(log_threshold).exp())
    if said == "relu":
        return Activation("relu")
    if said == "topk" and type(k) is int and 0 < k < 2**31:
        return Activation("topk", k=k, rectified=True)
    raise UnsupportedTranscoder(
        f"“{file}”: the activation is “{said}”, which depends on other tokens or layers or lacks its k; "
        "choose a set with jumprelu, relu or topk, or convert it to jumprelu as its producer does."
    )


def _across(path: Path, found: Sequence[Path], pause: Pause) -> TranscoderSet:
    """The cross-layer transcoder in the one folder ``found``."""
    if len(found) > 1:
        raise UnsupportedTranscoder(f"“{path}” holds {len(found)} cross-layer transcoders; open the folder of one.")
    folder, file = found[0], found[0] / CONFIG
    config = settings(file)
    hooks_in, hooks_out = _hooks(file, config, "hook_points_in"), _hooks(file, config, "hook_points_out")
    if len(hooks_in) != len(hooks_out):
        raise UnsupportedTranscoder(f"“{file}” lists {len(hooks_in)} inputs and {len(hooks_out)} outputs.")
    if config.get("apply_decoder_bias_to_pre_encoder"):
        raise UnsupportedTranscoder(f"“{file}” takes decoder biases off its inputs, which is not read across layers.")
    held, L = _opened(folder), len(hooks_in)
    b_E = held.take("b_E")
    n, d = b_E.shape[-1] if b_E.ndim else 0, _width(file, config)
    b_D = [held.shaped(f"b_D.{layer}", (d,)) for layer in range(L)]
    if tuple(b_E.shape) != (L, n):
        raise UnsupportedTranscoder(f"“{held.file}”: b_E has shape {tuple(b_E.shape)}, which is not of {L} layers.")
    W_E, W_D = held.shaped("W_E", (L, d, n)), [held.shaped(f"W_D.{to}", (to + 1, n, d)) for to in range(L)]
    log_threshold = held.shaped(THRESHOLD, (L, n)) if THRESHOLD in held else None
    into, out = ([_norm(held, file, config, hook) for hook in names] for names in (hooks_in, hooks_out))
    held.done()
    written = 1 / torch.tensor(out, dtype=torch.float64)[:, None]
    layers = []
    for source in range(L):
        pause()
        W_dec = torch.stack([W_D[target][source] for target in range(source, L)], dim=1)
        chosen = activation(file, config, None if log_threshold is None else log_threshold[source])
        made = canonical.transcoder(W_E[source].T.contiguous(), b_E[source], W_dec, b_D[source], chosen)
        if config.get("sparsity_include_decoder_norm", True):
            made = folds.decoder_norms_included(made)
        layers.append(folds.scaled(made, into[source], written[source:]))
    configs = [{"hook_point_in": a, "hook_point_out": b} for a, b in zip(hooks_in, hooks_out, strict=True)]
    return canonical.whole(path, layers, *points(path, configs), [held.file, file], pause=pause)


def _hooks(file: Path, config: Mapping[str, Any], name: str) -> list[str]:
    said = config.get(name)
    if not isinstance(said, list) or not said or [hooks.split(str(hook))[0] for hook in said] != [*range(len(said))]:
        raise UnsupportedTranscoder(f"“{file}”: {name} does not list a hook for each layer from 0 on.")
    return [str(hook) for hook in said]


def _norm(held: WeightsFile, file: Path, config: Mapping[str, Any], hook: str) -> float:
    """What activations at ``hook`` are multiplied by: sqrt(d) / their average norm, or 1 if that is folded already."""
    value = float(held.shaped(f"{NORM}{hook}", ())) if f"{NORM}{hook}" in held else None
    return norm_factor(file, config, value)


def norm_factor(file: Path, config: Mapping[str, Any], average: object) -> float:
    """sqrt(d) / ``average`` if norm_activation is dataset-wise, 1 if it is inference; UnsupportedTranscoder."""
    said = config.get("norm_activation", "dataset-wise")
    if said == "inference":
        return 1.0
    if said != "dataset-wise":
        raise UnsupportedTranscoder(
            f"“{file}”: norm_activation is “{said}”, which scales every token by itself; choose another set."
        )
    if not isinstance(average, int | float) or not 0 < average < 1e9:
        raise UnsupportedTranscoder(
            f"“{file}” says norm_activation dataset-wise, but the average norm that it needs is not there; "
            "download the set again or copy it from where it was trained."
        )
    return float(_width(file, config) ** 0.5 / average)


def _width(file: Path, config: Mapping[str, Any]) -> int:
    said = config.get("d_model")
    if not (type(said) is int and 0 < said < 2**31):
        raise UnsupportedTranscoder(f"“{file}” does not say d_model; download it again.")
    return said

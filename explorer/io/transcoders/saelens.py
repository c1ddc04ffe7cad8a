"""SAELens: one folder for each layer with cfg.json and sae_weights.safetensors; versions 2 to 6.

W_enc (d, n), W_dec (n, d), b_enc, b_dec, by architecture also threshold, b_gate with b_mag and r_mag, W_skip (out, in),
and in older files scaling_factor (n), which multiplies activations if they were fine-tuned so. All activations end in
a ReLU. Below version 6 cfg.json has other names and defaults. Source: sae_lens 6.54, saes/*.py and
handle_pre_6_0_config.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from explorer.errors import UnsupportedTranscoder
from explorer.io import answers
from explorer.io.model_files import optional_table
from explorer.io.transcoder_formats import folders, settings
from explorer.io.transcoders import canonical, folds, hooks
from explorer.io.transcoders.weights_file import WeightsFile
from explorer.transcoders.activations import Activation
from explorer.transcoders.transcoder import Transcoder, TranscoderSet
from explorer.work import Pause, go_on

_LAYER = re.compile(r"(?:layer|layers|blocks|h|L)[_.]?(\d{1,4})")
CONFIG, WEIGHTS, SCALER = "cfg.json", "sae_weights.safetensors", "activation_scaler.json"
AUTOENCODERS = ("standard", "topk", "jumprelu", "gated")
TRANSCODERS = ("transcoder", "skip_transcoder", "jumprelu_transcoder", "jumprelu_skip_transcoder")
_OLDER = {"hook_name": "hook_point", "activation_fn": "activation_fn_str"}
_UNFOLDABLE = {
    "layer_norm": "normalises every token by itself",
    "constant_norm_rescale": "rescales every token by itself",
    "covariance_whitening": "whitens its input",
}


@dataclass(frozen=True)
class Config:
    """What cfg.json says; ``scale`` multiplies the input. Hooks are empty and ``k`` is 0 if it does not say them."""

    architecture: str
    hook: str
    hook_out: str
    model_name: str
    k: int
    subtract: bool
    scaled_by_norms: bool
    scale: float
    finetuned: bool

    @property
    def transcodes(self) -> bool:
        return self.architecture in TRANSCODERS


def read(path: Path, told: Mapping[str, str], pause: Pause = go_on) -> TranscoderSet:
    """The set in ``path``: a folder of one layer, or one with such folders up to three levels below it."""
    found = folders(path, CONFIG, WEIGHTS, depth=3)
    configs = {folder: _config(folder) for folder in found}
    ordered = canonical.in_order(path, (_piece(path, folder, configs[folder]) for folder in found), told)
    layers = []
    for folder in ordered:
        pause()
        layers.append(_layer(folder / WEIGHTS, configs[folder], told))
    first = configs[ordered[0]]
    points = hooks.points(path, *_points(path, first, told))
    for folder in ordered:
        if _places(configs[folder]) != _places(first):
            raise UnsupportedTranscoder(f"“{folder}” is of another place in the model than layer 0; choose one set.")
    files = [folder / name for folder in ordered for name in (CONFIG, WEIGHTS)]
    return canonical.whole(path, layers, *points, files, first.model_name, pause=pause)


def _piece(path: Path, folder: Path, config: Config) -> canonical.Piece:
    """The layer that the hook says, or else the folder's name; the variant is the folder's path without the layer."""
    layer = hooks.split(config.hook)[0]
    inside = folder.relative_to(path).as_posix() if path.is_dir() else ""
    named = _LAYER.search(folder.absolute().name)
    if layer is None and named is None and inside not in ("", "."):
        raise UnsupportedTranscoder(
            f"Neither “{folder / CONFIG}” nor its folder names a layer; name the folders layer_0, layer_1 and so on."
        )
    if layer is None:
        layer = int(named[1]) if named is not None else 0
    return canonical.Piece(folder, layer, canonical.variant(path, folder, layer))


def _places(config: Config) -> tuple[str, str]:
    return hooks.split(config.hook)[1], hooks.split(config.hook_out)[1]


def _points(path: Path, config: Config, told: Mapping[str, str]) -> tuple[str, str]:
    read, write = _places(config)
    if not config.transcodes:
        site = read or answers.choice(told, path, "site", "what the autoencoders reconstruct", hooks.SITES)
        return site, site
    return hooks.read_name(told, path, read), hooks.write_name(told, path, write)


def _layer(file: Path, config: Config, told: Mapping[str, str]) -> Transcoder:
    held = WeightsFile(file)
    b_dec = held.vector("b_dec")
    d = len(b_dec)
    if config.architecture == "gated":
        made = _gated(held, d, b_dec)
    else:
        b_enc = held.vector("b_enc")
        n = len(b_enc)
        W_enc, W_dec = held.matrix("W_enc", n, d, "transposed"), held.matrix("W_dec", n, d, "as is")
        W_skip = held.shaped("W_skip", (d, d)).T.contiguous() if "skip" in config.architecture else None
        made = canonical.transcoder(W_enc, b_enc, W_dec, b_dec, _activation(held, n, config, told), W_skip)
    if "scaling_factor" in held:
        made = _finetuned(made, held, config)
    held.done()
    if config.scaled_by_norms:
        made = folds.decoder_norms_included(made)
    if config.subtract:
        made = folds.shifted(made, made.b_dec)
    return made if config.scale == 1 else folds.scaled(made, config.scale, 1 / config.scale)


def _activation(held: WeightsFile, n: int, config: Config, told: Mapping[str, str]) -> Activation:
    if config.architecture == "topk":
        k = config.k or answers.kept_by_topk(told, held.file.parent)
        return Activation("topk", k=k, rectified=True)
    if "jumprelu" not in config.architecture:
        return Activation("relu")
    return Activation("jumprelu", held.needed_threshold("threshold", n, " of its JumpReLU"))


def _finetuned(made: Transcoder, held: WeightsFile, config: Config) -> Transcoder:
    factor = held.shaped("scaling_factor", (made.d_transcoder,))
    if bool((factor == 1).all()):
        return made
    if not config.finetuned:
        raise UnsupportedTranscoder(
            f"“{held.file}” holds a scaling_factor, but {CONFIG} does not say finetuning_scaling_factor; "
            "add it if the set was fine-tuned so."
        )
    return folds.rescaled(made, factor)


def _gated(held: WeightsFile, d: int, b_dec: Tensor) -> Transcoder:
    b_gate = held.vector("b_gate")
    n = len(b_gate)
    b_mag, r_mag = held.shaped("b_mag", (n,)), held.shaped("r_mag", (n,))
    W_enc, W_dec = held.matrix("W_enc", n, d, "transposed"), held.matrix("W_dec", n, d, "as is")
    W_enc, b_enc, activation = folds.gated(W_enc, r_mag, b_gate, b_mag)
    return canonical.transcoder(W_enc, b_enc, W_dec, b_dec, activation)


def _config(folder: Path) -> Config:
    file = folder / CONFIG
    table = settings(file)
    if not table:
        raise UnsupportedTranscoder(f"“{file}” is no table of settings in JSON; download it again.")
    metadata = table.get("metadata")
    table = {**table, **(metadata if isinstance(metadata, dict) else {})}
    for name, older in _OLDER.items():
        table.setdefault(name, table.get(older))
    current = _is_current(table.get("sae_lens_version"))
    k = table.get("k")
    if not current and table.get("activation_fn") == "topk":
        kwargs = table.get("activation_fn_kwargs")
        table["architecture"], k = "topk", kwargs.get("k") if isinstance(kwargs, dict) else None
    architecture = _architecture(file, table, current)
    return Config(
        architecture=architecture,
        hook=_hook(table, "hook_name", "hf_hook_name"),
        hook_out=_hook(table, "hook_name_out", "hf_hook_name_out"),
        model_name=_text(table.get("model_name")),
        k=_k(k) if architecture == "topk" else 0,
        subtract=architecture in AUTOENCODERS and table.get("apply_b_dec_to_input", True) is not False,
        scaled_by_norms=architecture == "topk" and table.get("rescale_acts_by_decoder_norm") is True,
        scale=_scale(folder, table),
        finetuned=table.get("finetuning_scaling_factor") is True,
    )


def _k(said: object) -> int:
    """0 if the file does not say it."""
    return said if isinstance(said, int) and not isinstance(said, bool) and 0 < said < 2**31 else 0


def _is_current(version: object) -> bool:
    """Whether cfg.json has the names and defaults of version 6."""
    first = version.partition(".")[0] if isinstance(version, str) else ""
    return first.isascii() and first.isdigit() and int(first) >= 6


def _architecture(file: Path, table: Mapping[str, Any], current: bool) -> str:
    """The architecture, if it is one that the canonical form can hold; UnsupportedTranscoder says why not."""
    said = table.get("architecture", "" if current else "standard")
    if said not in (*AUTOENCODERS, *TRANSCODERS):
        known = ", ".join((*AUTOENCODERS, *TRANSCODERS))
        raise UnsupportedTranscoder(f"“{file}”: the architecture is “{said}”, not one that is read here ({known}).")
    activation = table.get("activation_fn") or "relu"
    if not current and activation not in ("relu", "topk"):
        raise UnsupportedTranscoder(f"“{file}”: the activation “{activation}” is not one of relu, topk.")
    return str(said)


def _scale(folder: Path, table: Mapping[str, Any]) -> float:
    """What multiplies the input; UnsupportedTranscoder if the file does not say or its step is not linear."""
    said = table.get("normalize_activations")
    if said in (None, False, "none"):
        return 1.0
    if isinstance(said, str) and said in _UNFOLDABLE:
        raise UnsupportedTranscoder(
            f"“{folder / CONFIG}”: normalize_activations is “{said}”, which {_UNFOLDABLE[said]}, "
            "so the set is no function of the model's activations alone; choose another set."
        )
    factor = optional_table(folder / SCALER).get("scaling_factor")
    if said not in (True, "expected_average_only_in") or not isinstance(factor, int | float) or not 0 < factor < 1e9:
        raise UnsupportedTranscoder(
            f"“{folder / CONFIG}”: normalize_activations is “{said}” but no {SCALER} says by which factor; "
            "copy it from where the set was trained."
        )
    return float(factor)


def _hook(table: Mapping[str, Any], name: str, of_hugging_face: str) -> str:
    """The hook as TransformerLens calls it, unless that name means two things and the other one is there."""
    own, other = _text(table.get(name)), _text(table.get(of_hugging_face))
    unclear = hooks.split(own)[1] in ("", "hook_mlp_in")
    return other if other and unclear else own


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""

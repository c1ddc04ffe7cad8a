"""crosslayer-coding (curt-tigges): a cross-layer transcoder in one file, with cfg.json and perhaps norm_stats.json.

encoder_module.encoders.s.weight (n, d) and .bias_param; decoder_module.decoders.X.weight (d, n) and .bias_param, where
X is s->t, or by decoder_tying the source s or the target t alone; theta_manager.log_threshold (L, n). Every decoder
adds its bias, so that the target's is the sum of them. JumpReLU keeps what is at its threshold, too. feature_offset.t
and feature_scale.t change active features on their way to layer t (all of them if decoders are tied by target, which
is refused). With normalization_method mean_std inputs and
outputs are standardised by norm_stats.json, which lies with the activations trained on (1e-6 is added to its std).
TopK and BatchTopK rank by pre-activations standardised over the tokens of a batch and are refused. Sources:
curt-tigges/crosslayer-coding and utahnlp/crosslayer-coding, clt/models/{clt,encoder,decoder,activations}.py and
clt/training/data/manifest_activation_store.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from explorer.errors import UnsupportedTranscoder
from explorer.io import answers
from explorer.io.model_files import optional_table
from explorer.io.transcoder_formats import coding_files, settings
from explorer.io.transcoders import canonical, folds, hooks, pickled
from explorer.io.transcoders.weights_file import WeightsFile
from explorer.transcoders.activations import Activation
from explorer.transcoders.transcoder import TranscoderSet
from explorer.work import Pause, go_on

CONFIG, STATISTICS = "cfg.json", "norm_stats.json"
LATEST = ("clt_checkpoint_latest", "model", "clt")
DECODER = "decoder_module.decoders"
EPSILON = 1e-6
_READS = {"ln_2.input": "hook_resid_mid", "post_layernorm.input": "hook_resid_mid"}


def read(path: Path, told: Mapping[str, str], pause: Pause = go_on) -> TranscoderSet:
    """The set in ``path``, a folder of checkpoints or one of its files."""
    file = _file(path, told)
    config = settings(file.parent / CONFIG)
    held = WeightsFile(file) if file.suffix == ".safetensors" else pickled.weights(file)
    L = _count(file.parent / CONFIG, config, "num_layers")
    _check(file.parent / CONFIG, config)
    n, d = (_count(file.parent / CONFIG, config, name) for name in ("num_features", "d_model"))
    b_enc = [held.shaped(f"encoder_module.encoders.{layer}.bias_param", (n,)) for layer in range(L)]
    biases = {name: held.shaped(f"{DECODER}.{name}.bias_param", (d,)) for name in _decoders(config, L)}
    W_enc = [held.matrix(f"encoder_module.encoders.{layer}.weight", n, d, "as is") for layer in range(L)]
    decoders = {name: held.matrix(f"{DECODER}.{name}.weight", n, d, "transposed") for name in biases}
    thresholds = _thresholds(held, config, L, n)
    scales, offsets = (_affine(held, f"feature_{what}", L, n) for what in ("scale", "offset"))
    held.done()
    layers = []
    for source in range(L):
        pause()
        names = [_name(config, source, target) for target in range(source, L)]
        parts = [
            decoders[name] if scale is None else folds.precise(decoders[name]) * folds.precise(scale)[:, None]
            for name, scale in zip(names, scales[source:], strict=True)
        ]
        offset = _offset(file, config, offsets[source:])
        theta = thresholds[source]
        activation = Activation("relu" if theta is None else "jumprelu", theta, offset=offset)
        b_dec = _bias(config, biases, source)
        layers.append(canonical.transcoder(W_enc[source], b_enc[source], torch.stack(parts, 1), b_dec, activation))
    if config.get("normalization_method") in ("mean_std", "auto", "estimated_mean_std"):
        layers = _standardised(file.parent, layers)
    used = [item for item in (file, file.parent / CONFIG, file.parent / STATISTICS) if item.is_file()]
    name = config.get("model_name")
    points = hooks.points(path, *_points(path, config, told))
    return canonical.whole(path, layers, *points, used, name if isinstance(name, str) else "", pause=pause)


def _file(path: Path, told: Mapping[str, str]) -> Path:
    """The checkpoint to read: ``path`` itself, the latest, the only one, or which is asked."""
    found = {file.name: file for file in coding_files(path)}
    latest = [file for stem in LATEST for file in found.values() if file.stem == stem]
    if latest or len(found) == 1:
        return (latest or [*found.values()])[0]
    return found[answers.choice(told, path, "checkpoint", "which of its checkpoints to open", tuple(sorted(found)))]


def _count(file: Path, config: Mapping[str, Any], name: str) -> int:
    said = config.get(name)
    if type(said) is not int or not 0 < said < 10_000_000:
        raise UnsupportedTranscoder(f"“{file}” does not say {name}; download it again.")
    return said


def _check(file: Path, config: Mapping[str, Any]) -> None:
    """UnsupportedTranscoder for settings whose effect the canonical form cannot hold."""
    said = config.get("activation_fn", "jumprelu")
    if said not in ("relu", "jumprelu"):
        raise UnsupportedTranscoder(
            f"“{file}”: the activation is “{said}”, which depends on the other tokens of a batch; "
            "convert it to jumprelu as its producer does (scripts/convert_batchtopk_to_jumprelu.py)."
        )
    if config.get("decoder_tying", "none") not in ("none", "per_source", "per_target"):
        raise UnsupportedTranscoder(f"“{file}”: decoder_tying is “{config['decoder_tying']}”, which is not read here.")
    if config.get("skip_connection"):
        raise UnsupportedTranscoder(f"“{file}” has skip connections across layers, which are not read here.")
    method = config.get("normalization_method", "none")
    if config.get("sqrt_d_model_normalize") or method not in ("none", "mean_std", "auto", "estimated_mean_std"):
        raise UnsupportedTranscoder(f"“{file}”: normalization_method is “{method}”, which is not read here.")


def _name(config: Mapping[str, Any], source: int, target: int) -> str:
    tied = {"per_source": str(source), "per_target": str(target)}
    return tied.get(str(config.get("decoder_tying")), f"{source}->{target}")


def _decoders(config: Mapping[str, Any], L: int) -> list[str]:
    return list(dict.fromkeys(_name(config, source, target) for target in range(L) for source in range(target + 1)))


def _bias(config: Mapping[str, Any], biases: Mapping[str, Tensor], target: int) -> Tensor:
    """The sum of what each decoder that writes to ``target`` adds."""
    names = dict.fromkeys(_name(config, source, target) for source in range(target + 1))
    return torch.stack([folds.precise(biases[name]) for name in names]).sum(0)


def _thresholds(held: WeightsFile, config: Mapping[str, Any], L: int, n: int) -> list[Tensor | None]:
    """Just below the stored thresholds, so that what is at one is above it; none for ReLU."""
    if config.get("activation_fn", "jumprelu") == "relu":
        return [None] * L
    logarithm = held.shaped("theta_manager.log_threshold", (L, n))
    theta = folds.precise(logarithm).exp()
    return list(torch.nextafter(theta, torch.zeros_like(theta)))


def _affine(held: WeightsFile, what: str, L: int, n: int) -> list[Tensor | None]:
    names = [f"decoder_module.{what}.{target}" for target in range(L)]
    return [held.shaped(name, (n,)) if name in held else None for name in names]


def _offset(file: Path, config: Mapping[str, Any], offsets: list[Tensor | None]) -> Tensor | None:
    """What is added to a source's active features on the way to any target, of one value each."""
    if all(offset is None or not bool(offset.any()) for offset in offsets):
        return None
    if config.get("decoder_tying") == "per_target":
        raise UnsupportedTranscoder(
            f"“{file}”: feature_offset goes to inactive features too when decoders are tied by target; "
            "choose a set trained without it."
        )
    if any(offset is None or not torch.equal(offset, offsets[0]) for offset in offsets):  # type: ignore[arg-type]
        raise UnsupportedTranscoder(
            f"“{file}”: feature_offset differs from target to target, so that a feature has no one activation; "
            "choose a set trained without it."
        )
    return offsets[0]


def _standardised(folder: Path, layers: list[Any]) -> list[Any]:
    """The layers with the statistics of norm_stats.json folded in."""
    table = optional_table(folder / STATISTICS)
    d = layers[0].d_model
    rows = [_statistics(folder / STATISTICS, table.get(str(layer)), d) for layer in range(len(layers))]
    std_out = torch.stack([row[3] for row in rows])
    return [
        folds.standardised(one, mean_in, std_in, mean_out, std_out[layer : layer + one.n_targets])
        for layer, (one, (mean_in, std_in, mean_out, _)) in enumerate(zip(layers, rows, strict=True))
    ]


def _statistics(file: Path, row: object, d: int) -> list[Tensor]:
    """Mean and standard deviation of a layer's inputs, then of its targets, in float64."""
    found = []
    for what in ("inputs", "targets"):
        half = row.get(what) if isinstance(row, dict) else None
        for name in ("mean", "std"):
            values = half.get(name) if isinstance(half, dict) else None
            if not isinstance(values, list) or len(values) != d or not all(type(v) in (int, float) for v in values):
                raise UnsupportedTranscoder(
                    f"“{file}” does not hold the {name} of the {what} of every layer, by which they are standardised; "
                    "copy the file from the folder of the activations that the set was trained on."
                )
            found.append(torch.tensor(values, dtype=torch.float64) + (EPSILON if name == "std" else 0))
    if not all(bool(tensor.isfinite().all()) for tensor in found) or bool((torch.stack(found[1::2]) <= 0).any()):
        raise UnsupportedTranscoder(f"“{file}” holds values that cannot be; copy it anew.")
    return found


def _points(path: Path, config: Mapping[str, Any], told: Mapping[str, str]) -> tuple[str, str]:
    """Where it reads and writes, by TransformerLens's names or the modules', or asked."""
    ways = (("input", hooks.READS, hooks.read_name), ("output", hooks.WRITES, hooks.write_name))
    found = []
    for what, known, asked in ways:
        said = [config.get(f"{whose}_{what}_template") for whose in ("tl", "mlp")]
        names = [hooks.split(name.replace("{}", "0"))[1] for name in said if isinstance(name, str)]
        clear = [_READS.get(name, name) for name in names]
        found.append(asked(told, path, next((name for name in clear if name in known), "")))
    return found[0], found[1]

"""Sets as crosslayer-coding (curt-tigges) and crosslayer-transcoder (Goreg12345) write them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import torch
import yaml
from torch import Tensor

from tests.io.transcoders.layouts import N_LAYERS, D, Held, Layout, N, Written, draw, jump, largest, save

K = 3
PAIRS = [(source, target) for target in range(N_LAYERS) for source in range(target + 1)]
Shapes = dict[str, tuple[int, ...]]


@dataclass(frozen=True)
class Coding:
    """A set of crosslayer-coding: its settings, and what it computes from the tensors ``held``."""

    activation: str
    tying: str = "none"
    standardised: bool = False
    affine: bool = False

    def name(self, source: int, target: int) -> str:
        return {"per_source": f"{source}", "per_target": f"{target}"}.get(self.tying, f"{source}->{target}")

    def tensors(self) -> Held:
        shapes: Shapes = {}
        for layer in range(N_LAYERS):
            encoder = f"encoder_module.encoders.{layer}"
            shapes |= {f"{encoder}.weight": (N, D), f"{encoder}.bias_param": (N,)}
            shapes |= {f"decoder_module.feature_scale.{layer}": (N,)} if self.affine else {}
        for pair in PAIRS:
            decoder = f"decoder_module.decoders.{self.name(*pair)}"
            shapes |= {f"{decoder}.weight": (D, N), f"{decoder}.bias_param": (D,)}
        shapes |= {"theta_manager.log_threshold": (N_LAYERS, N)} if self.activation == "jumprelu" else {}
        offset = draw(6, offset=(N,))["offset"]
        offsets = {f"decoder_module.feature_offset.{layer}": offset.clone() for layer in range(N_LAYERS)}
        return draw(5, **shapes) | (offsets if self.affine else {})

    def statistics(self) -> dict[int, dict[str, dict[str, list[float]]]]:
        table = {}
        for layer in range(N_LAYERS):
            row = draw(30 + layer, a=(D,), b=(D,), c=(D,), d=(D,))
            a, b, c, d = (row[key].tolist() for key in "abcd")
            spread = [[abs(value) for value in values] for values in (b, d)]
            table[layer] = {"inputs": {"mean": a, "std": spread[0]}, "targets": {"mean": c, "std": spread[1]}}
        return table

    def encode(self, held: Held, layer: int, rows: Tensor) -> Tensor:
        if self.standardised:
            mean, std = self.of(layer, "inputs")
            rows = (rows - mean) / std
        weight, bias = (held[f"encoder_module.encoders.{layer}.{part}"] for part in ("weight", "bias_param"))
        pre = rows @ weight.T + bias
        if self.activation == "relu":
            return pre.relu()
        return pre * (pre >= held["theta_manager.log_threshold"][layer].exp())

    def decode(self, held: Held, acts: list[Tensor], target: int) -> Tensor:
        sources = [self.changed(held, a, target) for a in acts[: target + 1]]
        if self.tying == "per_target":
            sources = [torch.stack(sources).sum(0)]
        out = torch.zeros(len(acts[0]), D, dtype=torch.float64)
        for source, a in enumerate(sources):
            key = f"decoder_module.decoders.{self.name(source, target)}"
            out = out + a @ held[f"{key}.weight"].T + held[f"{key}.bias_param"]
        if self.standardised:
            mean, std = self.of(target, "targets")
            out = out * std + mean
        return out

    def changed(self, held: Held, a: Tensor, target: int) -> Tensor:
        if not self.affine:
            return a
        moved = (a != 0) * (a + held[f"decoder_module.feature_offset.{target}"])
        return moved * held[f"decoder_module.feature_scale.{target}"]

    def of(self, layer: int, what: str) -> tuple[Tensor, Tensor]:
        row = self.statistics()[layer][what]
        mean, std = (torch.tensor(row[key], dtype=torch.float64) for key in ("mean", "std"))
        return mean, std + 1e-6

    def write(self, folder: Path) -> Written:
        held = self.tensors()
        save(held, folder / "clt_checkpoint_latest.safetensors")
        config = {"num_features": N, "num_layers": N_LAYERS, "d_model": D, "activation_fn": self.activation}
        config |= {"decoder_tying": self.tying, "normalization_method": "mean_std" if self.standardised else "none"}
        config |= {"model_name": "tiny", "mlp_input_template": "transformer.h.{}.ln_2.input"}
        config |= {"mlp_output_template": "transformer.h.{}.mlp.output"}
        (folder / "cfg.json").write_text(json.dumps(config), "utf-8")
        if self.standardised:
            (folder / "norm_stats.json").write_text(json.dumps(self.statistics()), "utf-8")

        def formula(x: Tensor) -> Tensor:
            acts = [self.encode(held, layer, rows) for layer, rows in enumerate(x)]
            return torch.stack([self.decode(held, acts, target) for target in range(N_LAYERS)])

        # a scale that is not there does nothing
        optional = (*(f"feature_scale.{layer}" for layer in range(N_LAYERS)),) if self.affine else ()
        places = ("hook_resid_mid", "mlp.hook_out")
        return Written(folder, "crosslayer_coding", formula, *places, kind="clt", optional=optional)


@dataclass(frozen=True)
class Transcoder:
    """A set of crosslayer-transcoder: the classes that its config.yaml names, and what they compute."""

    nonlinearity: str
    standardizer: str = ""
    across: bool = True

    def tensors(self) -> Held:
        shapes: Shapes = {"encoder.W": (N_LAYERS, D, N), "encoder.b": (N_LAYERS, N)}
        decoders: Shapes = {f"decoder.W_{to}": (to + 1, N, D) for to in range(N_LAYERS)} | {"decoder.b": (N_LAYERS, D)}
        shapes |= decoders if self.across else {"decoder.W": (N_LAYERS, N, D)}
        shapes |= {
            "JumpReLU": {"nonlinearity.theta": (1, N_LAYERS, N)},
            "BatchTopK": {"nonlinearity.threshold": (1,)},
            "PerLayerBatchTopK": {"nonlinearity.threshold": (N_LAYERS,)},
        }.get(self.nonlinearity, {})
        rows = (N_LAYERS, D) if self.standardizer == "Dimensionwise" else (N_LAYERS,)
        sides = [f"{side}_standardizer" for side in ("input", "output") if self.standardizer]
        spread = {f"{side}.std": draw(9, std=rows)["std"].abs() + 0.1 for side in sides}
        return draw(8, **shapes, **{f"{side}.mean": rows for side in sides}) | spread

    def write(self, folder: Path) -> Written:
        held = self.tensors()
        save(held, folder / "checkpoint.safetensors")
        package = "crosslayer_transcoder.model"
        parts = {"nonlinearity": {"class_path": f"{package}.any.{self.nonlinearity}", "init_args": {"k": K}}}
        for side in ("Input", "Output"):
            kind = f"{self.standardizer}{side}Standardizer" if self.standardizer else "Standardizer"
            parts[f"{side.lower()}_standardizer"] = {"class_path": f"{package}.standardize.{kind}"}
        model = {"class_path": f"{package}.clt.CrossLayerTranscoder", "init_args": parts}
        (folder / "config.yaml").write_text(yaml.safe_dump({"model": model}), "utf-8")
        told = {"read": "hook_resid_mid", "write": "mlp.hook_out"}
        kind = "clt" if self.across else "plt"
        return Written(
            folder,
            "crosslayer_transcoder",
            lambda x: self.computed(held, x),
            *told.values(),
            kind=kind,
            told=told,
        )

    def computed(self, held: Held, x: Tensor) -> Tensor:
        if self.standardizer:
            mean, std = (_rows(held[f"input_standardizer.{what}"]) for what in ("mean", "std"))
            x = (x - mean) / std
        acts = self.activated(held, torch.einsum("lbd,ldn->lbn", x, held["encoder.W"]) + held["encoder.b"][:, None])
        if self.across:
            by_target = [torch.einsum("sbn,snd->bd", acts[: to + 1], held[f"decoder.W_{to}"]) for to in range(N_LAYERS)]
            out = torch.stack(by_target) + held["decoder.b"][:, None]
        else:
            out = torch.einsum("lbn,lnd->lbd", acts, held["decoder.W"])
        if self.standardizer:
            mean, std = (_rows(held[f"output_standardizer.{what}"]) for what in ("mean", "std"))
            out = out * std + mean
        return out

    def activated(self, held: Held, pre: Tensor) -> Tensor:
        if self.nonlinearity == "JumpReLU":
            return jump(pre, held["nonlinearity.theta"][0][:, None]).relu()
        if self.nonlinearity == "PerLayerTopK":
            return largest(pre, K).relu()
        return jump(pre, held["nonlinearity.threshold"].clamp(min=0).reshape(-1, 1, 1))


def _rows(statistic: Tensor) -> Tensor:
    return statistic[:, None, :] if statistic.ndim == 2 else statistic[:, None, None]


LAYOUTS: dict[str, Layout] = {
    "crosslayer-coding": Coding("jumprelu", standardised=True).write,
    "crosslayer-coding, ReLU": Coding("relu").write,
    "crosslayer-coding, tied by source": Coding("jumprelu", "per_source", affine=True).write,
    "crosslayer-coding, tied by target": Coding("relu", "per_target", standardised=True).write,
    "crosslayer-transcoder": Transcoder("JumpReLU", "Dimensionwise").write,
    "crosslayer-transcoder, TopK": Transcoder("PerLayerTopK", "Layerwise").write,
    "crosslayer-transcoder, BatchTopK": Transcoder("BatchTopK").write,
    "crosslayer-transcoder per layer": Transcoder("PerLayerBatchTopK", across=False).write,
}

"""EleutherAI's clt-training: cross-layer transcoders, one folder for each module with cfg.json and sae.safetensors.

encoder.weight (n, d), encoder.bias; then, by cfg.json, in one of four ways, decoders (n, d):

    W_decs.j, b_decs.j          j layers above the own one
    W_dec, b_decs.j             the same decoder for all targets (per_source_tied)
    W_dec (n_sources n, d)      of all sources that write to this layer, one after the other (coalesce_topk per-layer)
    W_dec                       the same for all sources that write to this layer (coalesce_topk concat)

    a   = topk(relu(x sqrt(d) / in_norm @ encoder.weight.T + encoder.bias))
    a_j = (a + post_encs.j where a > 0) * post_enc_scales.j
    y   = (sum of a_j @ decoder + bias, and x sqrt(d) / in_norm @ W_skip.T) * out_norm / sqrt(d)

where the norms are there with normalize_io only, those of a target are its own, and with divide_cross_layer what
reaches layer t from below is divided by t. Nothing in the files says whether x is in front of the norm or behind it.
Source: EleutherAI/clt-training, sparsify/sparse_coder.py and sparsify/runner.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from explorer.errors import UnsupportedTranscoder
from explorer.io.transcoders import canonical, eleuther, folds, hooks
from explorer.io.transcoders.weights_file import WeightsFile
from explorer.transcoders.transcoder import Transcoder, TranscoderSet
from explorer.work import Pause, go_on

TARGETED = ("concat", "per-layer")  # decoders lie with the layer they write to


@dataclass(frozen=True)
class Layer:
    """One module's file and settings, its encoder taken out; it writes to ``n_targets`` layers, its own among them."""

    held: WeightsFile
    config: Mapping[str, Any]
    W_enc: Tensor
    b_enc: Tensor
    many: bool

    @property
    def n_targets(self) -> int:
        return int(self.config["n_targets"]) if self.many else 1

    @property
    def way(self) -> str:
        return str(self.config.get("coalesce_topk", "none"))

    @property
    def divides(self) -> bool:
        return self.config.get("divide_cross_layer") is True and self.way not in TARGETED

    def vector(self, name: str, number: int = 0) -> Tensor:
        """The (d,) tensor ``name``, of one target if there are several."""
        return self.held.shaped(f"{name}s.{number}" if self.many else name, self.W_enc.shape[1:])

    def per_feature(self, name: str, number: int) -> Tensor | None:
        name = f"{name}s.{number}" if self.many else name
        return self.held.shaped(name, self.b_enc.shape) if name in self.held else None


def read(path: Path, told: Mapping[str, str], pause: Pause = go_on) -> TranscoderSet:
    """The set in ``path``: the folder of a run with all its modules."""
    folders, module = eleuther.ordered(path, told)
    if module != "mlp":
        raise UnsupportedTranscoder(f"“{path}” holds transcoders of “{module or 'layers'}”, which are not read here.")
    layers = []
    for folder in folders:
        pause()
        layers.append(_opened(folder))
    _check(layers)
    decoders, biases = _decoders(layers), _biases(layers)
    made = []
    for source, layer in enumerate(layers):
        pause()
        scales, offset = _after_encoder(layer)
        parts = [
            W if scale is None else folds.precise(W) * scale[:, None]
            for W, scale in zip(decoders[source], scales, strict=True)
        ]
        W_dec = torch.stack(parts, dim=1)
        activation = replace(eleuther.activation(path, layer.config, told), offset=offset)
        skip = _skip(layer)
        one = canonical.transcoder(layer.W_enc, layer.b_enc, W_dec, biases[source], activation, skip)
        made.append(one)
    made = _scaled(layers, made)
    for layer in layers:
        layer.held.done()
    points = hooks.points(path, hooks.read_name(told, path, ""), "mlp.hook_out")
    files = [folder / name for folder in folders for name in (eleuther.CONFIG, eleuther.WEIGHTS)]
    return canonical.whole(path, made, *points, files, eleuther.model_name(path), pause=pause)


def _opened(folder: Path) -> Layer:
    config, file = eleuther.config(folder), folder / eleuther.CONFIG
    if config.get("transcode") is not True:
        raise UnsupportedTranscoder(f"“{file}” is of an autoencoder across layers, which is not read here.")
    for name in ("topk_coalesced", "secondary_target_tied"):
        if config.get(name):
            raise UnsupportedTranscoder(f"“{file}” has {name}, which mixes features of layers; choose another set.")
    if config.get("coalesce_topk", "none") not in ("none", *TARGETED):
        raise UnsupportedTranscoder(f"“{file}”: coalesce_topk is “{config['coalesce_topk']}”, which is not read here.")
    held = WeightsFile(folder / eleuther.WEIGHTS)
    W_enc, b_enc = held.take("encoder.weight"), held.vector("encoder.bias")
    if W_enc.ndim != 2 or len(W_enc) != len(b_enc):
        raise UnsupportedTranscoder(
            f"“{held.file}”: encoder.weight {tuple(W_enc.shape)} and encoder.bias ({len(b_enc)},) do not fit together."
        )
    n_targets = config.get("n_targets")
    layer = Layer(held, config, W_enc, b_enc, many=type(n_targets) is int and 0 < n_targets < 10_000)
    for name in ("W_dec", "b_dec", "W_skip"):  # the module's names for the first of its lists
        if name in held and f"{name}s.0" in held:
            held.take(name)
    return layer


def _check(layers: Sequence[Layer]) -> None:
    """UnsupportedTranscoder if the layers are not of one set, across all of them or each of its own."""
    first = layers[0]
    for name in ("coalesce_topk", "per_source_tied", "normalize_io", "divide_cross_layer"):
        if any(layer.config.get(name) != first.config.get(name) for layer in layers):
            raise UnsupportedTranscoder(f"“{first.held.file}” and other layers differ in {name}; choose one set.")
    n_targets = [layer.n_targets for layer in layers]
    if n_targets not in ([1] * len(layers), list(range(len(layers), 0, -1))):
        raise UnsupportedTranscoder(
            f"The {len(layers)} layers beside “{first.held.file}” write to {', '.join(map(str, n_targets))} layers, "
            "not to all that follow; open the folder with all layers of the set."
        )
    for layer in layers:
        if layer.W_enc.shape != first.W_enc.shape:
            raise UnsupportedTranscoder(
                f"“{layer.held.file}”: encoder.weight has shape {tuple(layer.W_enc.shape)}, "
                f"layer 0 {tuple(first.W_enc.shape)}; they belong to different sets."
            )


def _decoders(layers: Sequence[Layer]) -> list[list[Tensor]]:
    """For each source the decoders (n, d) to its own and to later layers, divided as divide_cross_layer says."""
    if layers[0].way in TARGETED:
        return _by_target(layers)
    rows = [_by_source(layer) for layer in layers]
    if not layers[0].divides:
        return rows
    return [[folds.precise(W) / max(1, s + j) if j else W for j, W in enumerate(row)] for s, row in enumerate(rows)]


def _by_source(layer: Layer) -> list[Tensor]:
    shape = tuple(layer.W_enc.shape)
    if layer.many and not layer.config.get("per_source_tied"):
        return [layer.held.shaped(f"W_decs.{offset}", shape) for offset in range(layer.n_targets)]
    return [layer.held.shaped("W_dec", shape)] * layer.n_targets


def _by_target(layers: Sequence[Layer]) -> list[list[Tensor]]:
    rows: list[list[Tensor]] = [[] for _ in layers]
    for target, layer in enumerate(layers):
        sources = range(target + 1) if layers[0].n_targets > 1 else (target,)
        n, d = layer.W_enc.shape
        if layer.way == "concat":
            parts = [layer.held.shaped("W_dec", (n, d))] * len(sources)
        else:
            parts = list(layer.held.shaped("W_dec", (len(sources) * n, d)).split(n))
        for source, part in zip(sources, parts, strict=True):
            rows[source].append(part)
    return rows


def _biases(layers: Sequence[Layer]) -> list[Tensor]:
    """The bias of each target: the sum of what its sources add."""
    if layers[0].way in TARGETED:
        return [layer.held.shaped("b_dec", layer.W_enc.shape[1:]) for layer in layers]
    total = [folds.precise(layer.vector("b_dec")) for layer in layers]
    for source, layer in enumerate(layers):
        for target in range(source + 1, source + layer.n_targets):
            added = folds.precise(layer.vector("b_dec", target - source))
            total[target] = total[target] + (added / target if layer.divides else added)
    return total


def _after_encoder(layer: Layer) -> tuple[list[Tensor | None], Tensor | None]:
    """What multiplies activations (n) on the way to each target, and what is added to active ones for all of them.

    What a file lacks of either does nothing, as its producer has it.
    """
    numbers = range(layer.n_targets)
    offsets = [layer.per_feature("post_enc", number) for number in numbers]
    scales = [layer.per_feature("post_enc_scale", number) for number in numbers]
    known = [torch.zeros_like(layer.b_enc) if offset is None else offset for offset in offsets]
    if any(not torch.equal(offset, known[0]) for offset in known):
        raise UnsupportedTranscoder(
            f"“{layer.held.file}”: post_encs differ from target to target, so that a feature has no one activation; "
            "choose a set trained without them."
        )
    return scales, known[0] if known[0].any() else None


def _skip(layer: Layer) -> Tensor | None:
    """The own layer's skip weights (in, out); those to other layers must be zero."""
    shape = (layer.W_enc.shape[1],) * 2
    for number in range(1, layer.n_targets):
        name = f"W_skips.{number}"
        if name in layer.held and bool(layer.held.shaped(name, shape).any()):
            raise UnsupportedTranscoder(
                f"“{layer.held.file}”: {name} skips from one layer to another, which is not read here; "
                "choose a set without skip connections across layers."
            )
    name = "W_skips.0" if layer.many and layer.way not in TARGETED else "W_skip"
    return layer.held.shaped(name, shape).T.contiguous() if layer.config.get("skip_connection") else None


def _scaled(layers: Sequence[Layer], made: Sequence[Transcoder]) -> list[Transcoder]:
    """The layers with normalize_io folded in."""
    if not layers[0].config.get("normalize_io"):
        return list(made)
    root = made[0].d_model ** 0.5
    into, out = ([_positive(layer.held, name) for layer in layers] for name in ("in_norm", "out_norm"))
    written = torch.tensor(out, dtype=torch.float64)[:, None] / root
    return [
        folds.scaled(one, root / into[source], written[source : source + one.n_targets])
        for source, one in enumerate(made)
    ]


def _positive(held: WeightsFile, name: str) -> float:
    value = float(held.shaped(name, (1,)))
    if value <= 0:
        raise UnsupportedTranscoder(f"“{held.file}”: {name} is {value}, not above 0; download it again.")
    return value

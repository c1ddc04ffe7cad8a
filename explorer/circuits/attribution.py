"""attribute: the attribution graph of a prompt by the explicit adjoint of its frozen model.

1. Each target (logit direction or active feature) becomes a direction in the residual stream at its position.
2. Targets are taken by layer, the outputs first, sorted by position, in chunks; the gradient of a chunk is carried
   down through the frozen attention layers, over the positions of its causal cone only. At each layer one batched
   product with the source vectors gives the direct effects of that layer's features and errors.
3. Token embeddings and bias nodes are carried forward once and read at every target.
4. Each row is checked against the frozen model's own forward pass (the books).

Edges: ``activation_s * decoder_s . J . encoder_t``, the change of t's pre-activation when s is removed or added
(transformer-circuits.pub/2025/attribution-graphs/methods.html). No autograd, no copies of the prompt.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from explorer.circuits.graph import BiasClass, Floats, Graph, NodeKind, Nodes, Rows
from explorer.circuits.replacement import LocalReplacementModel
from explorer.circuits.roots import N_BIAS, Written, sweep, written_by_biases
from explorer.circuits.sources import Sources, lay_out
from explorer.circuits.targets import FeatureTarget, LogitTarget
from explorer.errors import GraphError
from explorer.work import Progress, Work

CHUNK_ROWS = 4096  # rows x positions of one chunk's gradient; 1024 to 8192 are within 5 %
ROOT_BUDGET = 2**28  # bytes of one forward tangent block


@dataclass(frozen=True)
class Targets:
    """All targets of a graph as directions in the residual stream in front of their layer's MLP.

    Rows are the active features, then the logits (``layer`` n_layers: read at the end). ``direct`` is what the
    norm's shift adds to a target without passing through the residual stream.
    """

    layer: Int[Tensor, " n_targets"]
    pos: Int[Tensor, " n_targets"]
    seed: Float[Tensor, "n_targets d_model"]
    constant: Float[Tensor, " n_targets"]
    direct: Float[Tensor, " n_targets"]
    preactivation: Float[Tensor, " n_targets"]


@dataclass(frozen=True)
class Block:
    """Rows of finished targets: dense effects of features, errors, embeddings and biases on ``targets``."""

    targets: Int[Tensor, " n_rows"]
    effects: Float[Tensor, "n_rows n_sources"]


def attribute(
    local: LocalReplacementModel,
    logits: tuple[LogitTarget, ...],
    features: tuple[FeatureTarget, ...] = (),
    *,
    chunk_rows: int = CHUNK_ROWS,
) -> Work[Graph]:
    """The full graph of ``logits`` (and of the active ``features``); token texts are filled in by the caller.

    GraphError if there is nothing to explain or a feature target is not active.
    """
    if not logits and not features:
        raise GraphError("There is nothing to explain; choose at least one target.")
    targets = _targets(local, logits)
    rows: dict[int, tuple[np.ndarray, np.ndarray]] = {}
    total, done = len(targets.layer), 0
    yield Progress(0, total, "Tracing features")
    for block in _blocks(local, targets, chunk_rows):
        rows.update(_compressed(block))
        done += len(block.targets)
        yield Progress(done, total, "Tracing features")
    return _graph(local, logits, features, targets, rows)


def _targets(local: LocalReplacementModel, logits: tuple[LogitTarget, ...]) -> Targets:
    active, frozen = local.features, local.frozen
    mids, last = local.replay()
    seeds, direct, pre = [], [], []
    for layer in range(frozen.n_layers):
        own = active.of_layer(layer)
        pos = active.pos[own]
        rows = local.transcoders.layers[layer].W_enc[active.feature[own]].to(local.error)
        shift = local.read_shift(layer)
        direct.append(rows @ shift if shift is not None else rows.new_zeros(len(rows)))
        seeds.append(local.read_seed(layer, rows, pos))
        pre.append((local.read(layer, mids[layer])[pos] * rows).sum(-1) + active.b_enc[own])
    norm = frozen.final_norm
    rows = torch.stack([target.direction.to(local.error) for target in logits]) if logits else local.error[0, :0]
    at = torch.tensor([target.pos for target in logits], dtype=torch.long, device=rows.device)
    constant = torch.tensor([target.constant for target in logits], dtype=rows.dtype, device=rows.device)
    seeds.append(norm.centre(rows * norm.gain) / norm.scale[at][:, None])
    direct.append(rows @ norm.shift if norm.shift is not None else rows.new_zeros(len(rows)))
    pre.append((norm(last)[at] * rows).sum(-1) + constant)
    return Targets(
        layer=torch.cat([active.layer, torch.full_like(at, frozen.n_layers)]),
        pos=torch.cat([active.pos, at]),
        seed=torch.cat(seeds),
        constant=torch.cat([active.b_enc, constant]),
        direct=torch.cat(direct),
        preactivation=torch.cat(pre),
    )


def _blocks(local: LocalReplacementModel, targets: Targets, chunk_rows: int) -> Iterator[Block]:
    """Finished rows, the outputs first."""
    sources = lay_out(local)
    roots = _root_effects(local, targets)
    for layer in reversed(range(local.frozen.n_layers + 1)):
        for chunk in _chunks(targets, layer, chunk_rows):
            mlp = _source_effects(local, sources, targets, layer, chunk)
            yield Block(chunk, torch.cat([mlp, roots[chunk]], dim=1))


def _chunks(targets: Targets, layer: int, chunk_rows: int) -> Iterator[Tensor]:
    """The targets of ``layer`` in chunks of near positions, so that each is trimmed to its own cone."""
    own = (targets.layer == layer).nonzero().flatten()
    own = own[targets.pos[own].argsort(stable=True)]
    first = 0
    while first < len(own):
        count = max(1, chunk_rows // (int(targets.pos[own[min(first + 63, len(own) - 1)]]) + 1))
        yield own[first : first + count]
        first += count


def _source_effects(
    local: LocalReplacementModel, sources: Sources, targets: Targets, layer: int, chunk: Tensor
) -> Float[Tensor, "n_rows n_sources"]:
    """Direct effects of every feature and error on the targets of ``chunk``, which all read at ``layer``."""
    first, n_pos = sources.first, int(targets.pos[chunk].max()) + 1 - sources.first
    if n_pos <= 0 or layer == 0:
        return local.error.new_zeros(len(chunk), len(sources.gather_pos))
    held = local.error.new_zeros(n_pos, len(chunk), sources.width)
    seed, pos = targets.seed[chunk], targets.pos[chunk]
    gradient = _start_gradient(local, seed, pos, layer, first, n_pos)
    for below in reversed(range(layer)):
        source = sources.layers[below]
        dots = gradient @ source.vectors[:n_pos].transpose(1, 2)
        held[:, :, below] = dots[:, :, 0]
        held[:, :, source.column : source.column + dots.shape[2] - 1] += dots[:, :, 1:]
        if below > 0:
            gradient = _through_block(local, gradient, below, first)
    reachable = sources.gather_pos < n_pos
    effects = held[sources.gather_pos.clamp_max(n_pos - 1), :, sources.gather_column]
    return (effects * reachable[:, None]).T


def _start_gradient(
    local: LocalReplacementModel, seed: Tensor, pos: Tensor, layer: int, first: int, n_pos: int
) -> Float[Tensor, "n_pos n_rows d_model"]:
    """The gradient at the output of the layer below: the seed, moved through the target's own attention."""
    frozen = local.frozen
    if layer < frozen.n_layers and not frozen.parallel:
        gradient = frozen.attention[layer].adjoint_from(seed, pos, first, n_pos)
    else:
        gradient = seed.new_zeros(n_pos, len(seed), frozen.d_model)
    inside = pos >= first
    rows = torch.arange(len(seed), device=seed.device)[inside]
    gradient[pos[inside] - first, rows] += seed[inside]
    return gradient


def _through_block(local: LocalReplacementModel, gradient: Tensor, layer: int, first: int) -> Tensor:
    """The gradient at the output of block ``layer`` carried to its input."""
    frozen = local.frozen
    pos = torch.arange(first, first + len(gradient), device=gradient.device)
    onward = frozen.onward_adjoint(layer, gradient, pos)
    W_skip = local.skip(layer)
    if W_skip is None:
        return frozen.attention[layer].carry(onward, first)
    skipped = _skip_adjoint(local, gradient, layer, pos, W_skip)
    if frozen.parallel:
        return frozen.attention[layer].carry(onward, first) + skipped
    return frozen.attention[layer].carry(onward + skipped, first)


def _skip_adjoint(local: LocalReplacementModel, gradient: Tensor, layer: int, pos: Tensor, W_skip: Tensor) -> Tensor:
    rows, d_model = gradient.shape[1:]
    at_read = local.write_adjoint(layer, gradient, pos) @ W_skip.T
    return local.read_seed(layer, at_read.reshape(-1, d_model), pos.repeat_interleave(rows)).view_as(gradient)


def _root_effects(local: LocalReplacementModel, targets: Targets) -> Float[Tensor, "n_targets n_roots"]:
    """Direct effects of the embeddings (n_pos columns) and the bias nodes on every target."""
    frozen, written = local.frozen, written_by_biases(local)
    n_pos = frozen.n_pos
    effects = local.error.new_zeros(len(targets.layer), n_pos + N_BIAS)
    per_root = n_pos * frozen.d_model * local.error.element_size()
    step = max(1, ROOT_BUDGET // per_root - N_BIAS)
    for start in range(0, n_pos, step):
        tokens = slice(start, min(start + step, n_pos))
        _read_roots(local, written, targets, effects, tokens, biases=start == 0)
    effects[:, n_pos + BiasClass.NORM_SHIFT] += targets.direct
    return effects


def _read_roots(
    local: LocalReplacementModel, written: Written, targets: Targets, effects: Tensor, tokens: slice, *, biases: bool
) -> None:
    n_pos = local.frozen.n_pos
    columns = list(range(tokens.start, tokens.stop)) + (list(range(n_pos, n_pos + N_BIAS)) if biases else [])
    column = torch.tensor(columns, device=effects.device)
    for layer, residual in sweep(local, written, tokens, biases=biases):
        own = (targets.layer == layer).nonzero().flatten()
        for pos in targets.pos[own].unique():
            here = own[targets.pos[own] == pos]
            effects[here[:, None], column] = targets.seed[here] @ residual[pos].T


def _compressed(block: Block) -> dict[int, tuple[np.ndarray, np.ndarray]]:
    """Each row's nonzero sources and effects."""
    effects = block.effects.cpu().numpy()
    rows = {}
    for row, target in enumerate(block.targets.tolist()):
        source = np.flatnonzero(effects[row])
        rows[target] = (source.astype(np.int32), effects[row, source])
    return rows


def _graph(
    local: LocalReplacementModel,
    logits: tuple[LogitTarget, ...],
    features: tuple[FeatureTarget, ...],
    targets: Targets,
    rows: dict[int, tuple[np.ndarray, np.ndarray]],
) -> Graph:
    nodes = _nodes(local, logits)
    n, n_features = len(nodes), len(local.features)
    n_roots = n - len(logits)
    node_of_target = np.concatenate([np.arange(n_features), np.arange(n_roots, n)])
    constant, preactivation = np.zeros(n), np.full(n, np.nan)
    constant[node_of_target] = targets.constant.double().cpu().numpy()
    preactivation[node_of_target] = targets.preactivation.double().cpu().numpy()
    weight, probability = np.zeros(n), np.full(n, np.nan)
    weight[n_roots:] = [target.weight for target in logits]
    probability[n_roots:] = [target.probability for target in logits]
    _weigh_features(nodes, features, weight)
    return Graph(
        nodes=nodes,
        rows=_rows(n, node_of_target, rows),
        constant=constant,
        preactivation=preactivation,
        target_weight=weight,
        probability=probability,
        token_ids=_token_ids(local),
        tokens=tuple("" for _ in range(local.frozen.n_pos)),
        logit_tokens=tuple(target.text for target in logits),
        n_layers=local.frozen.n_layers,
        zero_positions=local.transcoders.zero_positions,
    )


def _token_ids(local: LocalReplacementModel) -> np.ndarray:
    return local.frozen.token_ids.cpu().numpy().astype(np.int64)


def _nodes(local: LocalReplacementModel, logits: tuple[LogitTarget, ...]) -> Nodes:
    active, n_layers, n_pos = local.features, local.frozen.n_layers, local.frozen.n_pos
    counts = [len(active), n_layers * n_pos, n_pos, N_BIAS, len(logits)]
    layers, positions = np.arange(n_layers), np.arange(n_pos)
    own = [column.cpu().numpy() for column in (active.layer, active.pos, active.feature)]
    none = np.full
    at = np.array([target.pos for target in logits], dtype=np.int64)
    token = np.array([target.token_id for target in logits], dtype=np.int64)
    layer = [own[0], np.repeat(layers, n_pos), none(n_pos, -1), none(N_BIAS, -1), none(len(logits), n_layers)]
    pos = [own[1], np.tile(positions, n_layers), positions, none(N_BIAS, -1), at]
    feature = [own[2], none(n_layers * n_pos, -1), _token_ids(local), np.arange(N_BIAS), token]
    activation = np.full(sum(counts), np.nan, dtype=np.float32)
    activation[: len(active)] = active.activation.float().cpu().numpy()
    return Nodes(
        kind=np.repeat(np.arange(len(NodeKind)), counts).astype(np.int8),
        layer=np.concatenate(layer).astype(np.int32),
        pos=np.concatenate(pos).astype(np.int32),
        feature=np.concatenate(feature).astype(np.int64),
        activation=activation,
    )


def _rows(n: int, node_of_target: np.ndarray, rows: dict[int, tuple[np.ndarray, np.ndarray]]) -> Rows:
    lengths = np.zeros(n, dtype=np.int64)
    ordered = [rows[target] for target in range(len(node_of_target))]
    lengths[node_of_target] = [len(source) for source, _ in ordered]
    start = np.concatenate([[0], np.cumsum(lengths)])
    source = np.concatenate([source for source, _ in ordered]) if ordered else np.zeros(0, np.int32)
    weight = np.concatenate([weight for _, weight in ordered]) if ordered else np.zeros(0, np.float32)
    return Rows(start, source, weight, np.zeros(n), np.zeros(n))


def _weigh_features(nodes: Nodes, features: tuple[FeatureTarget, ...], weight: Floats) -> None:
    for target in features:
        found = np.flatnonzero(
            (nodes.kind == NodeKind.FEATURE)
            & (nodes.layer == target.layer)
            & (nodes.pos == target.pos)
            & (nodes.feature == target.feature)
        )
        if not found.size:
            raise GraphError(
                f"Feature {target.feature} of layer {target.layer} is not active at position {target.pos}; "
                "choose an active feature."
            )
        weight[found[0]] = target.weight

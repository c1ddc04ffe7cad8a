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

from explorer.circuits.aim import Targets, aim
from explorer.circuits.assembly import Row, assemble
from explorer.circuits.graph import BiasClass, Graph
from explorer.circuits.replacement import LocalReplacementModel
from explorer.circuits.roots import N_BIAS, Written, forward_sweep, written_by_biases
from explorer.circuits.sources import lay_out
from explorer.circuits.sweep import CHUNK_ROWS, chunks, source_effects
from explorer.circuits.targets import FeatureTarget, LogitTarget
from explorer.errors import GraphError
from explorer.work import Progress, Work

ROOT_BUDGET = 2**28  # bytes of one forward tangent block


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
    targets = aim(local, logits)
    rows: dict[int, Row] = {}
    total, done = len(targets.layer), 0
    yield Progress(0, total, "Tracing features")
    for block in _blocks(local, targets, chunk_rows):
        rows.update(_compressed(block))
        done += len(block.targets)
        yield Progress(done, total, "Tracing features")
    return assemble(local, logits, features, targets, rows)


def _blocks(local: LocalReplacementModel, targets: Targets, chunk_rows: int) -> Iterator[Block]:
    """Finished rows, the outputs first."""
    sources = lay_out(local)
    roots = _root_effects(local, targets)
    n_columns = len(sources.gather_pos) + roots.shape[1]
    for layer in reversed(range(local.frozen.n_layers + 1)):
        for chunk in chunks(targets, (targets.layer == layer).nonzero().flatten(), chunk_rows, n_columns):
            mlp = source_effects(local, sources, targets, layer, chunk)
            yield Block(chunk, torch.cat([mlp, roots[chunk]], dim=1))


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
    for layer, residual in forward_sweep(local, written, tokens, biases=biases):
        own = (targets.layer == layer).nonzero().flatten()
        for pos in targets.pos[own].unique():
            here = own[targets.pos[own] == pos]
            effects[here[:, None], column] = targets.seed[here] @ residual[pos].T


def _compressed(block: Block) -> dict[int, Row]:
    """Each row's nonzero sources and effects."""
    effects = block.effects.cpu().numpy()
    counted = effects[:, :-N_BIAS].astype(np.float64)
    totals, masses = counted.sum(1), np.abs(counted).sum(1)
    rows = {}
    for row, target in enumerate(block.targets.tolist()):
        source = np.flatnonzero(effects[row])
        rows[target] = Row(source.astype(np.int32), effects[row, source], float(totals[row]), float(masses[row]))
    return rows

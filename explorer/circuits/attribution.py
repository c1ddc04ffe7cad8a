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
from explorer.circuits.arrays import as_array
from explorer.circuits.assembly import Row, assemble
from explorer.circuits.graph import BiasClass, Graph
from explorer.circuits.replacement import LocalReplacementModel
from explorer.circuits.roots import N_BIAS, forward_sweep, written_by_biases
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
    for block in rows_of(local, targets, torch.arange(total), chunk_rows):
        rows.update(_compressed(block))
        done += len(block.targets)
        yield Progress(done, total, "Tracing features")
    return assemble(local, logits, features, targets, rows)


def rows_of(
    local: LocalReplacementModel, targets: Targets, wanted: Int[Tensor, " n_wanted"], chunk_rows: int = CHUNK_ROWS
) -> Iterator[Block]:
    """Finished rows of the targets ``wanted``, the outputs first.

    The embeddings' effects come from the forward sweep of the roots if that costs less than carrying every row down
    to them.
    """
    sources, frozen = lay_out(local), local.frozen
    forward = len(wanted) > frozen.n_layers * frozen.n_pos
    roots = root_effects(local, targets, embeddings=forward)
    n_columns = sources.n_columns + frozen.n_pos + N_BIAS
    for layer in reversed(range(frozen.n_layers + 1)):
        for chunk in chunks(targets, wanted[targets.layer[wanted] == layer], chunk_rows, n_columns):
            effects = source_effects(local, sources, targets, layer, chunk, to_embeddings=not forward)
            yield Block(chunk, torch.cat([effects, roots[chunk]], dim=1))


def root_effects(
    local: LocalReplacementModel, targets: Targets, *, embeddings: bool
) -> Float[Tensor, "n_targets n_roots"]:
    """Direct effects of the bias nodes, and before them of the embeddings if asked for, on every target."""
    frozen, written = local.frozen, written_by_biases(local)
    n_pos = frozen.n_pos if embeddings else 0
    effects = local.error.new_zeros(len(targets.layer), n_pos + N_BIAS)
    per_root = frozen.n_pos * frozen.d_model * local.error.element_size()
    step = max(1, ROOT_BUDGET // per_root - N_BIAS)
    for start in range(0, max(n_pos, 1), step):
        tokens = slice(start, min(start + step, n_pos))
        columns = torch.arange(tokens.start, tokens.stop)
        if start == 0:
            columns = torch.cat([columns, torch.arange(n_pos, n_pos + N_BIAS)])
        for layer, residual in forward_sweep(local, written, tokens, biases=start == 0):
            _read_roots(targets, layer, residual, effects, columns.to(effects.device))
    effects[:, n_pos + BiasClass.NORM_SHIFT] += targets.direct
    return effects


def _read_roots(targets: Targets, layer: int, residual: Tensor, effects: Tensor, columns: Tensor) -> None:
    """Read the tangents ``residual`` [pos, root, d_model] in front of ``layer``'s MLP at the targets there."""
    own = (targets.layer == layer).nonzero().flatten()
    own = own[targets.pos[own].argsort(stable=True)]
    at, counts = targets.pos[own].unique_consecutive(return_counts=True)
    for pos, here in zip(at.tolist(), own.split(counts.tolist()), strict=True):
        effects[here[:, None], columns] = targets.seed[here] @ residual[pos].T


def _compressed(block: Block) -> dict[int, Row]:
    """Each row's nonzero sources and effects."""
    effects = as_array(block.effects)
    counted = effects[:, :-N_BIAS].astype(np.float64)
    totals, masses = counted.sum(1), np.abs(counted).sum(1)
    rows = {}
    for row, target in enumerate(block.targets.tolist()):
        source = np.flatnonzero(effects[row])
        rows[target] = Row(source.astype(np.int32), effects[row, source], float(totals[row]), float(masses[row]))
    return rows

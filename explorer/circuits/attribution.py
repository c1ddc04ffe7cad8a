"""attribute: the attribution graph of a prompt by the explicit adjoint of its frozen model.

1. Each target (logit direction or active feature) becomes a direction in the residual stream at its position.
2. Targets are taken by layer, the outputs first, sorted by position, in chunks; the gradient of a chunk is carried
   down through the frozen attention layers, over the positions of its causal cone only. At each layer one batched
   product with the source vectors gives the direct effects of that layer's features and errors.
3. Bias nodes are further sources of every layer, read by the same product. Token embeddings, and what the biases add
   to them, are carried forward through the first layer, where the gradients of 2 meet them.
4. Each row is checked against the frozen model's own forward pass (the books).

Edges: ``activation_s * decoder_s . J . encoder_t``, the change of t's pre-activation when s is removed or added
(transformer-circuits.pub/2025/attribution-graphs/methods.html). No autograd, no copies of the prompt.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from explorer.circuits.aim import Targets, aim
from explorer.circuits.arrays import as_array
from explorer.circuits.assembly import Row, assemble
from explorer.circuits.found import Block, costs, nothing_found, put_together
from explorer.circuits.graph import Graph
from explorer.circuits.replacement import LocalReplacementModel
from explorer.circuits.roots import N_BIAS
from explorer.circuits.sources import lay_out
from explorer.circuits.sweep import CHUNK_ROWS, chunks, source_effects
from explorer.circuits.targets import FeatureTarget, LogitTarget
from explorer.errors import GraphError
from explorer.shapes import Int
from explorer.work import Pause, Progress, Work, go_on


def attribute(
    local: LocalReplacementModel,
    logits: tuple[LogitTarget, ...],
    features: tuple[FeatureTarget, ...] = (),
    *,
    chunk_rows: int = CHUNK_ROWS,
    pause: Pause = go_on,
) -> Work[Graph]:
    """The full graph of ``logits`` (and of the active ``features``); token texts are filled in by the caller.

    ``pause`` is called in front of each layer of each step, and of each layer that a chunk of rows is carried through.
    GraphError if there is nothing to explain or a feature target is not active.
    """
    if not logits and not features:
        raise GraphError("There is nothing to explain; choose at least one target.")
    targets = aim(local, logits, pause)
    found = nothing_found(local, targets, logits, features)
    cost, done, n_features = costs(targets), 0.0, len(local.features)
    yield Progress(0, 0, f"Tracing {n_features:,} features")
    for block in rows_of(local, targets, torch.arange(len(targets.layer)), chunk_rows, pause):
        rows = _compressed(block, pause)
        found.rows.update(rows)
        found.send(block, found.influence.new_tensor([row.mass for row in rows.values()]))
        done += float(cost[block.targets].sum())
        yield found.progress(done, f"Tracing {found.n_traced:,} of {n_features:,} features", n_features, pause)
    yield put_together()
    return assemble(local, logits, features, targets, found.rows, pause=pause)


def rows_of(
    local: LocalReplacementModel,
    targets: Targets,
    wanted: Int[Tensor, " n_wanted"],
    chunk_rows: int = CHUNK_ROWS,
    pause: Pause = go_on,
) -> Iterator[Block]:
    """Finished rows of the targets ``wanted``, the outputs first."""
    sources = lay_out(local, pause)
    n_columns = sources.n_columns + local.frozen.n_pos + N_BIAS
    for layer in reversed(range(local.frozen.n_layers + 1)):
        for chunk in chunks(targets, wanted[targets.layer[wanted] == layer], chunk_rows, n_columns):
            aimed = targets.aimed(chunk)
            effects = source_effects(local, sources, aimed, pause)
            yield Block(chunk, effects, aimed.preactivation)


def _compressed(block: Block, pause: Pause = go_on) -> dict[int, Row]:
    """Each row's nonzero sources and effects."""
    effects = as_array(block.effects.contiguous())  # a finished row lies across the columns of the sweep
    rows = {}
    for row, target, value in zip(effects, block.targets.tolist(), block.preactivation.tolist(), strict=True):
        pause()
        source = np.flatnonzero(row != 0)
        counted = row[:-N_BIAS].astype(np.float64)
        sums = float(counted.sum()), float(np.abs(counted, out=counted).sum())
        rows[target] = Row(source.astype(np.int32), row[source], *sums, value)
    return rows

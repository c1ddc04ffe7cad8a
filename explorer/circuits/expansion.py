"""attribute_strongest: the graph of the most influential features, without ever holding the full matrix.

Rows of the influence matrix are normalised by their own sum, and the graph is acyclic in layers, so once every layer
above is expanded the influence of a layer is final. One sweep from the outputs down therefore ranks the features:

1. compute the rows of the logits; each sends its weight to its sources in proportion to |effect|;
2. for each layer from the last to the first, expand the features that can still be among the K strongest: compute
   their rows, send their influence on, keep the strongest entries of each row and its exact sums;
3. what is not expanded keeps its influence; the sum of it bounds the error of every influence:
   0 <= true - found <= sum of the influence that was not sent on (rows sum to 1, a path visits a node once).

Effects of features outside the K strongest stay in the rows as their exact remainder ("not expanded").
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from explorer.circuits.aim import aim
from explorer.circuits.arrays import as_array
from explorer.circuits.assembly import Row, assemble
from explorer.circuits.found import Block, Found, costs, nothing_found, put_together, wide
from explorer.circuits.graph import Graph
from explorer.circuits.replacement import LocalReplacementModel
from explorer.circuits.roots import N_BIAS
from explorer.circuits.sources import lay_out
from explorer.circuits.sweep import CHUNK_ROWS, chunks, source_effects
from explorer.circuits.targets import FeatureTarget, LogitTarget
from explorer.errors import GraphError
from explorer.shapes import Float, Int
from explorer.work import Pause, Work, go_on

KEPT_ENTRIES = 4096  # strongest features and errors kept of each row, besides all embeddings and biases


def attribute_strongest(
    local: LocalReplacementModel,
    logits: tuple[LogitTarget, ...],
    k: int,
    features: tuple[FeatureTarget, ...] = (),
    *,
    chunk_rows: int = CHUNK_ROWS,
    pause: Pause = go_on,
) -> Work[Graph]:
    """The graph of the ``k`` features with the largest influence on ``logits`` and on the active ``features``.

    A feature that is a target counts with its own weight too, and is kept in any case.

    Its provenance holds ``influence_bound``, the largest possible error of any influence, and ``n_expanded``.
    ``pause`` is called in front of each layer of each step, and of each layer that a chunk of rows is carried through.
    GraphError without a target, for a feature target that is not active or for k < 1.
    """
    if not (logits or features) or k < 1:
        raise GraphError("There is nothing to explain: choose at least one target and keep at least one feature.")
    targets, n_features = aim(local, logits, pause), len(local.features)
    found, sources = nothing_found(local, targets, logits, features), lay_out(local, pause)
    n_columns = sources.n_columns + local.frozen.n_pos + N_BIAS
    n_kept, skipped = min(k, n_features), 0.0
    cost = costs(targets, n_kept / max(n_features, 1))
    for layer in reversed(range(local.frozen.n_layers + 1)):
        own, left = _worth_expanding(found, layer, n_kept)
        skipped += left
        done, whole = float(cost[targets.layer > layer].sum()), float(cost[targets.layer == layer].sum())
        for chunk in chunks(targets, own, chunk_rows, n_columns):
            text = f"Tracing the {n_kept:,} strongest features, {found.n_traced:,} so far"
            yield found.progress(done, text, n_kept, pause)
            aimed = targets.aimed(chunk)
            effects = source_effects(local, sources, aimed, pause)
            pause()
            _keep_strongest(found, Block(chunk, effects, aimed.preactivation), sources.n_columns, pause)
            done += whole * float(cost[chunk].sum() / cost[own].sum())
    yield put_together()
    strongest = found.strongest(n_kept).tolist()
    chosen = np.array([feature for feature in strongest if feature in found.rows], dtype=np.int64)
    graph = assemble(local, logits, features, targets, found.rows, chosen, pause)
    made = {"influence_bound": skipped, "n_expanded": found.n_traced, "n_active": n_features}
    return replace(graph, provenance=made)


def _worth_expanding(found: Found, layer: int, k: int) -> tuple[Tensor, float]:
    """The targets of ``layer`` that count at least the k-th largest lower bound known, and what is left.

    Feature targets are among them whatever they count. The second number is the influence of the layer's other
    features, which is not sent on.
    """
    own = (found.targets.layer == layer).nonzero().flatten()
    if layer == found.local.frozen.n_layers or not len(own):
        return own, 0.0
    counts, is_target = found.counts, found.weight[own] > 0
    chosen = (counts[own] >= counts.topk(k).values[-1]) & (counts[own] > 0) | is_target
    return own[chosen], float(counts[own[~chosen]].sum())


def _keep_strongest(found: Found, block: Block, n_sources: int, pause: Pause) -> None:
    """Send the influence of the rows of ``block`` on to their sources, and keep the rows' strongest entries."""
    effects, chunk = block.effects, block.targets
    counted = effects[:, :-N_BIAS].abs()
    mass = counted.sum(1, dtype=wide(counted))
    found.send(block, mass)
    pause()
    roots = torch.arange(n_sources, effects.shape[1], device=effects.device).expand(len(chunk), -1)
    column = torch.cat([_strongest_columns(counted[:, :n_sources]), roots], dim=1)
    pause()
    entries, columns = as_array(effects.gather(1, column)), column.int().cpu().numpy()
    sums = effects[:, :-N_BIAS].sum(1, dtype=wide(effects)).tolist(), mass.tolist(), block.preactivation.tolist()
    for target, source, effect, *of_row in zip(chunk.tolist(), columns, entries, *sums, strict=True):
        known = effect != 0
        found.rows[target] = Row(source[known], effect[known], *of_row)


def _strongest_columns(sizes: Float[Tensor, "n_rows n_sources"]) -> Int[Tensor, "n_rows n_kept"]:
    """The columns of each row's strongest entries, ascending; those that no row reaches are left out."""
    reached = sizes.any(0).nonzero().flatten()
    if len(reached) <= KEPT_ENTRIES:
        return reached.expand(len(sizes), -1)
    return reached[sizes[:, reached].topk(KEPT_ENTRIES, sorted=False).indices.sort().values]

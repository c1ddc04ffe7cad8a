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

from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from explorer.circuits.aim import Targets, aim
from explorer.circuits.arrays import as_array
from explorer.circuits.assembly import Row, assemble
from explorer.circuits.attribution import Block
from explorer.circuits.graph import Graph
from explorer.circuits.influence import CLAMP
from explorer.circuits.replacement import LocalReplacementModel
from explorer.circuits.roots import N_BIAS
from explorer.circuits.sources import lay_out
from explorer.circuits.sweep import CHUNK_ROWS, chunks, source_effects
from explorer.circuits.targets import LogitTarget
from explorer.errors import GraphError
from explorer.work import Pause, Progress, Work, go_on

KEPT_ENTRIES = 4096  # strongest features and errors kept of each row, besides all embeddings and biases


@dataclass
class _Sweep:
    """What the sweep has found so far: influence of every source column, and the rows that were expanded."""

    influence: Float[Tensor, " n_columns"]
    rows: dict[int, Row]
    skipped: float = 0.0


def attribute_strongest(
    local: LocalReplacementModel,
    logits: tuple[LogitTarget, ...],
    k: int,
    *,
    chunk_rows: int = CHUNK_ROWS,
    pause: Pause = go_on,
) -> Work[Graph]:
    """The graph of the ``k`` features with the largest influence on ``logits``.

    Its provenance holds ``influence_bound``, the largest possible error of any influence, and ``n_expanded``.
    ``pause`` is called in front of each layer that a chunk of rows is carried through. GraphError without a target
    or for k < 1.
    """
    if not logits or k < 1:
        raise GraphError("There is nothing to explain: choose at least one logit and keep at least one feature.")
    targets, n_features = aim(local, logits), len(local.features)
    sources = lay_out(local)
    n_columns = sources.n_columns + local.frozen.n_pos + N_BIAS
    found = _Sweep(torch.zeros(n_columns, dtype=torch.float64, device=local.error.device), {})
    weight = torch.tensor([target.weight for target in logits], dtype=torch.float64, device=local.error.device)
    sent = torch.cat([found.influence[:n_features], weight])
    total = min(k, n_features) + len(logits)
    for layer in reversed(range(local.frozen.n_layers + 1)):
        sent[:n_features] = found.influence[:n_features]
        own = _worth_expanding(targets, layer, found, k, n_features)
        for chunk in chunks(targets, own, chunk_rows, n_columns):
            yield Progress(min(len(found.rows), total), total, "Tracing the strongest features")
            aimed = targets.aimed(chunk)
            effects = source_effects(local, sources, aimed, pause)
            _send(found, sent, Block(chunk, effects, aimed.preactivation), sources.n_columns)
    strongest = found.influence[:n_features].topk(min(k, n_features)).indices.sort().values.tolist()
    chosen = np.array([feature for feature in strongest if feature in found.rows], dtype=np.int64)
    graph = assemble(local, logits, (), targets, found.rows, chosen)
    made = {"influence_bound": found.skipped, "n_expanded": len(found.rows) - len(logits), "n_active": n_features}
    return replace(graph, provenance=made)


def _worth_expanding(targets: Targets, layer: int, found: _Sweep, k: int, n_features: int) -> Tensor:
    """The targets of ``layer`` whose final influence is at least the k-th largest lower bound known."""
    own = (targets.layer == layer).nonzero().flatten()
    if not len(own) or int(own[0]) >= n_features:
        return own
    influence = found.influence[:n_features]
    least = influence.topk(min(k, n_features)).values[-1]
    chosen = (influence[own] >= least) & (influence[own] > 0)
    found.skipped += float(influence[own[~chosen]].sum())
    return own[chosen]


def _send(found: _Sweep, sent: Tensor, block: Block, n_sources: int) -> None:
    """Send the influence of the rows of ``block`` on to their sources, and keep the rows' strongest entries."""
    effects, chunk = block.effects, block.targets
    counted = effects[:, :-N_BIAS].abs()
    mass = counted.sum(1, dtype=torch.float64)
    found.influence[:-N_BIAS] += (sent[chunk] / mass.clamp_min(CLAMP)).to(counted) @ counted
    roots = torch.arange(n_sources, effects.shape[1], device=effects.device).expand(len(chunk), -1)
    column = torch.cat([_strongest_columns(counted[:, :n_sources]), roots], dim=1)
    entries, columns = as_array(effects.gather(1, column)), column.int().cpu().numpy()
    sums = effects[:, :-N_BIAS].sum(1, dtype=torch.float64).tolist(), mass.tolist(), block.preactivation.tolist()
    for target, source, effect, *of_row in zip(chunk.tolist(), columns, entries, *sums, strict=True):
        known = effect != 0
        found.rows[target] = Row(source[known], effect[known], *of_row)


def _strongest_columns(sizes: Float[Tensor, "n_rows n_sources"]) -> Int[Tensor, "n_rows n_kept"]:
    """The columns of each row's strongest entries, ascending; those that no row reaches are left out."""
    reached = sizes.any(0).nonzero().flatten()
    if len(reached) <= KEPT_ENTRIES:
        return reached.expand(len(sizes), -1)
    return reached[sizes[:, reached].topk(KEPT_ENTRIES, sorted=False).indices.sort().values]

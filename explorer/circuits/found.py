"""Found: what a run has found so far, and the graph that it makes by then."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor

from explorer.circuits.aim import Targets
from explorer.circuits.assembly import Row, assemble, nodes_of, target_weights
from explorer.circuits.graph import Graph, Ints, NodeKind
from explorer.circuits.influence import CLAMP
from explorer.circuits.replacement import LocalReplacementModel
from explorer.circuits.roots import N_BIAS
from explorer.circuits.targets import FeatureTarget, LogitTarget
from explorer.shapes import Float, Int
from explorer.work import Pause, Progress, go_on

PARTIAL_EDGES = 500_000  # about as many as a window takes in without being held up
STEPS = 1000  # of progress, all of one cost, of which
ROWS = 975  # are the rows; the rest is putting the graph together


@dataclass(frozen=True)
class Block:
    """Rows of finished targets: dense effects of features, errors, embeddings and biases on ``targets``."""

    targets: Int[Tensor, " n_rows"]
    effects: Float[Tensor, "n_rows n_sources"]
    preactivation: Float[Tensor, " n_rows"]


@dataclass
class Found:
    """Finished rows by target, and the influence that has reached each source column through them.

    ``weight`` is what each target counts by itself. The graph is acyclic in layers, so with all layers above finished
    the influence of a layer is final.
    """

    local: LocalReplacementModel
    targets: Targets
    logits: tuple[LogitTarget, ...]
    features: tuple[FeatureTarget, ...]
    influence: Float[Tensor, " n_columns"]
    weight: Float[Tensor, " n_targets"]
    rows: dict[int, Row] = field(default_factory=dict)

    @property
    def n_features(self) -> int:
        return len(self.local.features)

    @property
    def n_traced(self) -> int:
        """How many features have a row."""
        return max(len(self.rows) - len(self.logits), 0)

    @property
    def counts(self) -> Float[Tensor, " n_features"]:
        """The influence of each feature so far, and its own weight where it is a target."""
        return self.influence[: self.n_features] + self.weight[: self.n_features]

    def send(self, block: Block, mass: Tensor) -> None:
        """Send the influence of the rows of ``block``, whose sums of |effect| are ``mass``, on to their sources."""
        own = self.weight[block.targets]
        if int(block.targets[0]) < self.n_features:
            own = own + self.influence[block.targets]
        counted = block.effects[:, :-N_BIAS].abs()
        self.influence[:-N_BIAS] += (own / mass.clamp_min(CLAMP)).to(counted) @ counted

    def progress(self, cost_done: float, text: str, n_kept: int, pause: Pause = go_on) -> Progress:
        """How far the run is, as a share of its rows' cost; ``n_kept`` features are to be traced."""
        made = (lambda: self.partial(n_kept, pause)) if self.rows else None
        return Progress(round(ROWS * cost_done), STEPS, text, made)

    def partial(self, n_kept: int, pause: Pause = go_on) -> Graph:
        """The graph of the strongest features so far; those that are not traced yet have no inputs.

        It has at most about ``PARTIAL_EDGES`` edges; its provenance says under ``partial`` how many of the ``n_kept``
        features are traced. ``pause`` is called in front of each row.
        """
        chosen = self.strongest(min(n_kept, _most(self.local)))
        graph = assemble(self.local, self.logits, self.features, self.targets, self.rows, chosen, pause)
        return replace(graph, provenance={"partial": [min(self.n_traced, n_kept), n_kept]})

    def strongest(self, k: int) -> Ints:
        """At most ``k`` features by what they count so far, and the features that are targets; ascending."""
        counts = self.counts
        strongest = counts.topk(min(k, len(counts))).indices
        kept = torch.cat([strongest[counts[strongest] > 0], self.weight[: self.n_features].nonzero().flatten()])
        chosen: Ints = kept.unique().cpu().numpy()
        return chosen


def nothing_found(
    local: LocalReplacementModel,
    targets: Targets,
    logits: tuple[LogitTarget, ...],
    features: tuple[FeatureTarget, ...] = (),
) -> Found:
    """What a run has found before its first row; GraphError if a feature target is not active."""
    nodes = nodes_of(local, logits, np.arange(len(local.features)))
    weight = target_weights(nodes, logits, features)
    is_target = np.isin(nodes.kind, [NodeKind.FEATURE, NodeKind.LOGIT])
    like = local.error.new_zeros(0, dtype=wide(local.error))
    return Found(
        local=local,
        targets=targets,
        logits=logits,
        features=features,
        influence=like.new_zeros(len(nodes) - len(logits)),
        weight=like.new_tensor(weight[is_target]),
    )


def put_together() -> Progress:
    """All rows are there; how long the rest takes grows with the links and cannot be said."""
    return Progress(0, 0, "Putting the graph together")


def costs(targets: Targets, traced: float = 1.0) -> Float[Tensor, " n_targets"]:
    """Each row's share of the cost of a run in which the part ``traced`` of the features has rows.

    A row is carried through the attention of every layer below its own, over its own position and those before; its
    own attention and the first one cost about half.
    """
    steps = (2 * targets.layer - 1).clamp_min(1) * (targets.pos + 1)
    cost = steps.to(wide(steps))
    cost[: len(targets.local.features)] *= traced
    return cost / cost.sum()


def wide(tensor: Tensor) -> torch.dtype:
    """The precision of sums over many numbers: double where the device has it."""
    return torch.float32 if tensor.device.type == "mps" else torch.float64


def _most(local: LocalReplacementModel) -> int:
    """So many features that they, the errors and the roots have about ``PARTIAL_EDGES`` edges among them."""
    others = local.frozen.n_layers * local.frozen.n_pos + local.frozen.n_pos + N_BIAS
    return int((others**2 + 2 * PARTIAL_EDGES) ** 0.5) - others

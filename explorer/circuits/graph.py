"""Graph: an attribution graph as columns of nodes and sparse rows of direct effects.

Everything here is numpy, so that the window and the files need no torch.

Orientation: ``adjacency[target, source]`` is the direct effect of a source on a target, i.e. the change of
the target's pre-activation (or of its logit) when the source is removed or added with attention patterns,
norm scales and the other MLP outputs frozen
(transformer-circuits.pub/2025/attribution-graphs/methods.html).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from explorer.errors import GraphError

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Weights = NDArray[np.floating[Any]]
Bools = NDArray[np.bool_]

DENSE_LIMIT = 8_000


class NodeKind(IntEnum):
    """Kinds of nodes, in the order in which a graph holds them."""

    FEATURE = 0
    ERROR = 1
    EMBEDDING = 2
    BIAS = 3
    LOGIT = 4


class BiasClass(IntEnum):
    """Classes of constants that the model adds by itself; one bias node each."""

    B_DEC = 0
    ATTENTION = 1
    NORM_SHIFT = 2
    POSITION = 3
    BOS_BLOCK = 4
    SKIP_SHIFT = 5


BIAS_NAMES = {
    BiasClass.B_DEC: "decoder bias",
    BiasClass.ATTENTION: "attention bias",
    BiasClass.NORM_SHIFT: "norm shift",
    BiasClass.POSITION: "position",
    BiasClass.BOS_BLOCK: "MLP at the first token",
    BiasClass.SKIP_SHIFT: "skip shift",
}


class NodeKey(NamedTuple):
    """What a node is, whatever its row: edits, files and comparisons refer to nodes by this.

    ``layer`` is -1 for embeddings and biases and n_layers for logits; ``pos`` is -1 for biases;
    ``feature`` is the feature index, the vocabulary id (embedding, logit), the BiasClass, or -1 (error).
    """

    kind: int
    layer: int
    pos: int
    feature: int

    def __str__(self) -> str:
        return f"{NodeKind(self.kind).name.lower()}:{self.layer}:{self.pos}:{self.feature}"

    @classmethod
    def parse(cls, text: str) -> NodeKey:
        """The key that ``str`` wrote; GraphError if it is none."""
        try:
            kind, layer, pos, feature = text.split(":")
            return cls(int(NodeKind[kind.upper()]), int(layer), int(pos), int(feature))
        except (KeyError, ValueError) as error:
            raise GraphError(f"“{text}” is not a node: expected kind:layer:position:feature.") from error


@dataclass(frozen=True, eq=False)
class Nodes:
    """The columns of the nodes, each of length n_nodes, in the order of NodeKind.

    Features are sorted by layer, position, feature; errors by layer, position; embeddings by position;
    biases by class; logits as asked for. ``activation`` is NaN off features.
    """

    kind: NDArray[np.int8]
    layer: NDArray[np.int32]
    pos: NDArray[np.int32]
    feature: Ints
    activation: NDArray[np.float32]

    def __post_init__(self) -> None:
        lengths = {len(column) for column in (self.kind, self.layer, self.pos, self.feature, self.activation)}
        if len(lengths) != 1:
            raise GraphError("The columns of the nodes differ in length.")
        if np.any(np.diff(self.kind.astype(np.int64)) < 0):
            raise GraphError("The nodes are not ordered as features, errors, embeddings, biases, logits.")

    def __len__(self) -> int:
        return len(self.kind)


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows of the adjacency in compressed form: row t holds ``source[start[t]:start[t + 1]]`` with ``weight``.

    ``rest_sum`` and ``rest_abs`` (n_nodes) are the signed and absolute sums of what a row leaves out, so that
    row sums stay exact when only the strongest edges are kept; both are 0 in a full graph.
    """

    start: Ints
    source: NDArray[np.int32]
    weight: Weights
    rest_sum: Floats
    rest_abs: Floats

    def __post_init__(self) -> None:
        if len(self.start) == 0 or self.start[0] != 0 or self.start[-1] != len(self.source):
            raise GraphError("The rows of the graph do not cover its edges.")
        if len(self.source) != len(self.weight):
            raise GraphError("The graph has not as many weights as edges.")


@dataclass(frozen=True, eq=False)
class Graph:
    """An attribution graph. ``rows`` hold the direct effects into each target.

    constant        each target's own constant (encoder bias, or logit constant); 0 off targets
    preactivation   what the frozen model computed for the target; NaN off targets or if unknown
    target_weight   weight of the node as a target to explain (a probability, usually); 0 elsewhere
    probability     next-token probability on logit nodes; NaN elsewhere
    token_ids       (n_pos), and ``tokens`` their texts; ``logit_tokens`` the texts of the logit nodes
    n_special       how many tokens in front were added by the tokenizer
    zero_positions  positions below it have no features; their MLP output is the BOS block bias
    provenance      what made this graph: versions, hashes, dtype, device, settings, fidelity; of a run under way also
                    ``partial``: how many features are traced, and how many will be
    extra           what an imported file says beyond all this; written again on export (io.graph_json_extra)
    """

    nodes: Nodes
    rows: Rows
    constant: Floats
    preactivation: Floats
    target_weight: Floats
    probability: Floats
    token_ids: Ints
    tokens: tuple[str, ...]
    logit_tokens: tuple[str, ...]
    n_layers: int
    n_special: int = 1
    zero_positions: int = 1
    provenance: Mapping[str, Any] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        n = len(self.nodes)
        for name in ("constant", "preactivation", "target_weight", "probability"):
            if len(getattr(self, name)) != n:
                raise GraphError(f"The graph's {name} has {len(getattr(self, name))} entries for {n} nodes.")
        if len(self.rows.start) != n + 1:
            raise GraphError(f"The graph has {len(self.rows.start) - 1} rows for {n} nodes.")
        if len(self.tokens) != len(self.token_ids):
            raise GraphError("The graph has not as many token texts as tokens.")
        if len(self.logit_tokens) != self.count(NodeKind.LOGIT):
            raise GraphError("The graph has not as many token texts as logits.")

    def __len__(self) -> int:
        return len(self.nodes)

    @property
    def n_pos(self) -> int:
        return len(self.token_ids)

    @property
    def n_edges(self) -> int:
        return len(self.rows.source)

    def block(self, kind: NodeKind) -> slice:
        """Where the nodes of ``kind`` stand."""
        first, last = np.searchsorted(self.nodes.kind, [int(kind), int(kind) + 1])
        return slice(int(first), int(last))

    def count(self, kind: NodeKind) -> int:
        block = self.block(kind)
        return int(block.stop - block.start)

    def key(self, node: int) -> NodeKey:
        nodes = self.nodes
        return NodeKey(
            int(nodes.kind[node]), int(nodes.layer[node]), int(nodes.pos[node]), int(nodes.feature[node])
        )

    @cached_property
    def index(self) -> Mapping[NodeKey, int]:
        """From key to row."""
        columns = (self.nodes.kind, self.nodes.layer, self.nodes.pos, self.nodes.feature)
        keys = zip(*(column.tolist() for column in columns), strict=True)
        return {NodeKey(*key): node for node, key in enumerate(keys)}

    @cached_property
    def edge_target(self) -> NDArray[np.int32]:
        """The target of each edge; ``rows.source`` is its source."""
        return np.repeat(np.arange(len(self), dtype=np.int32), np.diff(self.rows.start))

    @property
    def traced(self) -> tuple[int, int] | None:
        """How many features of how many are traced in a run under way; None of a finished graph."""
        match self.provenance.get("partial"):
            case [int(done), int(total)]:
                return done, total
        return None

    @cached_property
    def untraced(self) -> Bools:
        """The targets (n_nodes) to which a run under way has not come yet: they have no inputs so far."""
        if self.traced is None:
            return np.zeros(len(self), dtype=bool)
        return np.isin(self.nodes.kind, [NodeKind.FEATURE, NodeKind.LOGIT]) & np.isnan(self.preactivation)

    def inputs(self, node: int) -> tuple[NDArray[np.int32], Weights]:
        """Sources of ``node`` and their direct effects on it."""
        span = slice(int(self.rows.start[node]), int(self.rows.start[node + 1]))
        return self.rows.source[span], self.rows.weight[span]

    def outputs(self, node: int) -> tuple[NDArray[np.int32], Weights]:
        """Targets of ``node`` and its direct effects on them."""
        found = np.flatnonzero(self.rows.source == node)
        return self.edge_target[found], self.rows.weight[found]

    def adjacency(self) -> Weights:
        """The dense matrix [target, source]; GraphError above 8,000 nodes."""
        n = len(self)
        if n > DENSE_LIMIT:
            raise GraphError(f"A dense matrix of {n} nodes is too large; at most {DENSE_LIMIT} nodes are shown dense.")
        dense = np.zeros((n, n), dtype=self.rows.weight.dtype)
        dense[self.edge_target, self.rows.source] = self.rows.weight
        return dense

    def levels(self) -> Iterator[slice]:
        """Blocks of targets from the outputs down: logits, then features of the last layer to the first.

        No target feeds another of its block or of an earlier one, so one pass over the levels suffices for
        everything that flows from the targets to the roots.
        """
        yield self.block(NodeKind.LOGIT)
        features = self.block(NodeKind.FEATURE)
        bounds = np.searchsorted(self.nodes.layer[features], np.arange(self.n_layers + 1))
        for layer in reversed(range(self.n_layers)):
            yield slice(int(bounds[layer]), int(bounds[layer + 1]))

"""A graph as plain numpy arrays for scripts: what ``export OUT.npz`` writes."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from explorer.circuits.graph import Graph, NodeKind
from explorer.circuits.pruning import prune
from explorer.errors import LoadError
from explorer.io.atomic import replacing
from explorer.session.edits import Edits


def arrays(graph: Graph, edits: Edits) -> dict[str, NDArray[Any]]:
    """The arrays by name, nodes in the graph's order; GraphError if it is too large for dense matrices.

    ``adjacency`` and ``edge_mask`` are [target, source]; ``influence`` is that on the unpruned graph without the
    target weight itself; the masks are those of the thresholds alone, whatever is pinned or hidden by hand.
    """
    adjacency = graph.adjacency()
    pruned = prune(graph, edits.node_threshold, edits.edge_threshold, count_bias=edits.count_bias)
    edge_mask = np.zeros(adjacency.shape, dtype=bool)
    edge_mask[graph.edge_target[pruned.edges], graph.rows.source[pruned.edges]] = True
    names = np.array([kind.name.lower() for kind in NodeKind])
    return {
        "kind": names[graph.nodes.kind],
        "layer": graph.nodes.layer,
        "pos": graph.nodes.pos,
        "feature": graph.nodes.feature,
        "activation": graph.nodes.activation,
        "adjacency": adjacency,
        "input_tokens": graph.token_ids,
        "logit_probs": graph.probability[graph.block(NodeKind.LOGIT)],
        "influence": pruned.influence,
        "node_mask": pruned.nodes,
        "edge_mask": edge_mask,
        "constant": graph.constant,
    }


def write(path: Path, graph: Graph, edits: Edits) -> None:
    """Write ``arrays`` to ``path`` as a compressed .npz; SaveError says why not."""
    held = arrays(graph, edits)
    with replacing(path) as file:
        np.savez_compressed(file, allow_pickle=False, **held)


def read_vector(path: Path) -> NDArray[np.floating[Any]]:
    """The one-dimensional array of numbers in a .npy file; LoadError if it holds anything else."""
    try:
        vector = np.load(path, allow_pickle=False)
    except FileNotFoundError as error:
        raise LoadError(f"There is no file {path}; check the path.") from error
    except (OSError, ValueError, EOFError, BadZipFile) as error:
        raise LoadError(f"{path} is not a .npy file of numbers; save the direction with numpy.save.") from error
    if not isinstance(vector, np.ndarray) or vector.ndim != 1 or vector.dtype.kind != "f":
        raise LoadError(f"{path} does not hold one row of floating-point numbers; save the direction as one row.")
    if not np.isfinite(vector).all():
        raise LoadError(f"{path} holds values that are not finite; compute the direction again.")
    return vector

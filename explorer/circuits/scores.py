"""How much of the model a graph explains, and whether its books balance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from explorer.circuits.graph import Bools, Floats, Graph, NodeKind
from explorer.circuits.influence import node_influence, rest_influence, row_mass
from explorer.circuits.removal import with_rest_as_error


@dataclass(frozen=True)
class Scores:
    """Shares in [0, 1]; NaN where nothing can be said.

    replacement          influence of embeddings / influence of embeddings and errors
    replacement_no_bos   the same without the tokens that the tokenizer put in front
    completeness         input that is not error, averaged over all nodes by influence, as circuit-tracer does:
                         nodes without inputs (errors and embeddings themselves) count as complete
    completeness_paper   the same over nodes that have inputs (methods paper, section on graph scores)

    What the rows leave out ("not expanded") counts as error: it is not explained. A full graph leaves nothing out.
    """

    replacement: float
    replacement_no_bos: float
    completeness: float
    completeness_paper: float


def scores(graph: Graph, *, count_bias: bool = False) -> Scores:
    """Scores of the whole (unpruned) graph. With ``count_bias`` bias nodes count as explained."""
    return _scores(graph, graph.nodes.kind == NodeKind.ERROR, count_bias)


def part_scores(graph: Graph, kept: Bools, *, count_bias: bool = False) -> Scores:
    """Scores of the graph without the features that are not ``kept`` (n_nodes): what they did counts as error.

    Tokens, errors, biases and targets stay, whatever ``kept`` says of them.
    """
    part, is_error = with_rest_as_error(graph, kept)
    return _scores(part, is_error, count_bias)


def _scores(graph: Graph, is_error: Bools, count_bias: bool) -> Scores:
    influence = node_influence(graph, count_bias=count_bias)
    errors = float(influence[is_error].sum())
    errors += rest_influence(graph, influence, count_bias=count_bias)
    tokens = influence[graph.block(NodeKind.EMBEDDING)]
    bias = float(influence[graph.block(NodeKind.BIAS)].sum())
    mass = row_mass(graph, count_bias=count_bias)
    complete = 1.0 - _error_share(graph, is_error, mass)
    reach = influence + graph.target_weight
    has_inputs = mass > 0
    return Scores(
        replacement=_ratio(float(tokens.sum()) + bias, errors),
        replacement_no_bos=_ratio(float(tokens[graph.n_special :].sum()) + bias, errors),
        completeness=_mean(complete, reach),
        completeness_paper=_mean(complete[has_inputs], reach[has_inputs]),
    )


BOOKS_LIMIT = {"float32": 1e-5, "float64": 1e-12}  # the certificate of docs/decisions/003


def books_limit(graph: Graph) -> float:
    """The largest residual at which the books of ``graph`` hold, by the precision it was computed in."""
    return BOOKS_LIMIT.get(str(graph.provenance.get("dtype")), BOOKS_LIMIT["float32"])


def residual(h: Floats, constant: Floats, signed: Floats, mass: Floats) -> Floats:
    """``|h - constant - signed| / mass`` of targets; the sums ``signed`` and ``mass`` are over every in-edge."""
    off: Floats = np.abs(h - constant - signed) / np.where(mass > 0, mass, 1.0)
    return off


def balance(graph: Graph) -> Floats:
    """Residual of each target's books (n_nodes); NaN off targets.

    The sums run over every in-edge, bias nodes included, in float64. The constants come from the weights, never as
    the remainder. Source: the certificate of docs/decisions/003.
    """
    weight = graph.rows.weight.astype(np.float64)
    signed = np.bincount(graph.edge_target, weight, minlength=len(graph)) + graph.rows.rest_sum
    mass = np.bincount(graph.edge_target, np.abs(weight), minlength=len(graph)) + graph.rows.rest_abs
    return residual(graph.preactivation, graph.constant, signed, mass)


def worst_residual(graph: Graph) -> float:
    """The largest residual of the books; NaN if the graph does not hold what is needed to check."""
    known = balance(graph)
    known = known[~np.isnan(known)]
    return float(known.max()) if known.size else float("nan")


def _error_share(graph: Graph, is_error: Bools, mass: Floats) -> Floats:
    from_error = np.abs(graph.rows.weight) * is_error[graph.rows.source]
    error = np.bincount(graph.edge_target, from_error, minlength=len(graph))
    return (error + graph.rows.rest_abs) / np.where(mass > 0, mass, 1.0)


def _ratio(explained: float, errors: float) -> float:
    total = explained + errors
    return explained / total if total > 0 else float("nan")


def _mean(value: Floats, weight: Floats) -> float:
    total = float(weight.sum())
    return float((value * weight).sum()) / total if total > 0 else float("nan")

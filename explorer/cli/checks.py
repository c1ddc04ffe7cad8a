"""The command that checks the certificate of a graph."""

from __future__ import annotations

import argparse
import sys
from typing import Any

import numpy as np

from explorer.circuits.graph import Graph, NodeKind
from explorer.circuits.graph_arrays import to_arrays
from explorer.circuits.influence import node_influence, rest_influence
from explorer.circuits.scores import books_limit, worst_residual
from explorer.cli.places import model_folder, transcoder_folder
from explorer.cli.say import ProgressLine, result
from explorer.errors import ExplorerError, GraphError


def verify(chosen: argparse.Namespace) -> int:
    """Residuals and conservation of a graph; with the model, spot checks. Exit code 1 if one fails."""
    from explorer.io.circuit_file import open_circuit

    if chosen.transcoders and not chosen.model:
        raise ExplorerError("--transcoders checks nothing by itself; say the model too with --model.")
    graph, _ = open_circuit(chosen.input)
    if chosen.neurons and graph.provenance.get("transcoder_kind") != "neurons":
        raise GraphError(f"The features of “{chosen.input}” are no neurons; name its --transcoders.")
    preview = bool(graph.provenance.get("preview"))
    found = {
        "preview": preview,
        "residual": worst_residual(graph),
        "residual_limit": None if preview else books_limit(graph),
        "conservation": conservation(graph),
        "spot_checks": _spot_checks(graph, chosen) if chosen.model else None,
    }
    faults = _faults(found)
    result({**found, "ok": not faults}, _text(found, faults), as_json=chosen.json)
    if faults:
        print(f"{chosen.input} does not hold: {'; '.join(faults)}.", file=sys.stderr)
    return 1 if faults else 0


def conservation(graph: Graph) -> float:
    """Relative difference between the influence of all roots and the weight of all targets that have inputs.

    Every path from a target ends in a root, so the influence of the roots (embeddings, errors, features that nothing
    feeds, and what was not expanded) must sum to the weight that is sent.
    """
    influence = node_influence(graph)
    fed = np.zeros(len(graph), dtype=bool)
    real = graph.nodes.kind[graph.rows.source] != NodeKind.BIAS
    fed[graph.edge_target[real & (graph.rows.weight != 0)]] = True
    sent = float(graph.target_weight[fed].sum())
    arrived = float(influence[~fed].sum()) + rest_influence(graph, influence)
    return abs(arrived - sent) / sent if sent else float("nan")


def _spot_checks(graph: Graph, chosen: argparse.Namespace) -> dict[str, Any]:
    from explorer.engine.inprocess import run_job
    from explorer.engine.state import EngineState
    from explorer.io import answers

    head, arrays = to_arrays(graph)
    neurons = graph.provenance.get("transcoder_kind") == "neurons"
    line = ProgressLine()
    try:
        return run_job(
            "check",
            EngineState(),
            line,
            head=head,
            arrays=arrays,
            model=str(model_folder(chosen.model)),
            transcoders="" if neurons else str(transcoder_folder(chosen.model, chosen.transcoders)),
            device=chosen.device,
            dtype=str(graph.provenance.get("dtype", chosen.dtype)),
            told=answers.parse(chosen.tell),
        )
    finally:
        line.close()


def _faults(found: dict[str, Any]) -> list[str]:
    faults, limit = [], found["residual_limit"]
    if limit is not None and not found["residual"] <= found["residual_limit"] and not np.isnan(found["residual"]):
        faults.append(f"the books are off by {found['residual']:.1e}, limit {found['residual_limit']:.0e}")
    if not found["conservation"] <= 1e-5:
        faults.append(f"influence is not conserved ({found['conservation']:.1e})")
    spots = found["spot_checks"]
    if limit is not None and spots is not None and not spots["worst"] <= limit:
        faults.append(f"an edge differs from the frozen model by {spots['worst']:.1e}")
    if spots is not None and spots["changed"]:
        faults.append(f"it was made with other weights of the {' and of the '.join(spots['changed'])}")
    return faults


def _text(found: dict[str, Any], faults: list[str]) -> str:
    if found["preview"]:
        books = f"preview: measured residual {found['residual']:.1e}, no limit applies"
    else:
        books = f"books balance to {found['residual']:.1e} (limit {found['residual_limit']:.0e})"
    if np.isnan(found["residual"]):
        books = "books: cannot be checked, the graph does not hold its pre-activations"
    spots = found["spot_checks"]
    checked = "spot checks: not run"
    if spots is not None:
        count, worst = spots["sources"], spots["worst"]
        checked = f"spot checks: {count} sources doubled in the frozen model, off by {worst:.1e} at most"
    holds = "What can be checked holds." if np.isnan(found["residual"]) else "The graph holds."
    if found["preview"]:
        holds = "This is a preview; compute the graph in float32 for one that holds."
    verdict = holds if not faults else f"The graph does not hold: {'; '.join(faults)}."
    return "\n".join([books, f"influence conserved to {found['conservation']:.1e}", checked, verdict])

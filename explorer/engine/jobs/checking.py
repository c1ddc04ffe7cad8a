"""The check of a stored graph against its model: spot checks of edges by the frozen model's own forward pass."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from explorer.circuits.graph_arrays import from_arrays
from explorer.engine.jobs.opening import Setting, changed_weights, model_of
from explorer.engine.jobs.replacing import replaced
from explorer.engine.state import EngineState
from explorer.work import Progress, Work

N_SOURCES = 25


def check(
    state: EngineState,
    *,
    head: Mapping[str, Any],
    arrays: Mapping[str, Any],
    model: str,
    transcoders: str = "",
    n_sources: int = N_SOURCES,
    device: str = "auto",
    dtype: str = "float32",
    told: Mapping[str, str] | None = None,
) -> Work[Mapping[str, object]]:
    """Double ``n_sources`` random sources, one at a time, in the frozen model; compare every target with its edge.

    ``worst`` is the largest difference, relative to the target's whole input as in the books' residual. Sources are
    drawn with seed 0. A graph of neurons needs no ``transcoders``. ``changed`` names what has another fingerprint than
    the graph's own had. GraphError if the graph is of a model of another shape.
    """
    import numpy as np

    from explorer.circuits.doubling import active_rows, double_source
    from explorer.circuits.influence import row_mass

    graph = from_arrays(head, arrays)
    yield Progress(0, 0, f"Reading “{Path(model).name}”")
    setting = Setting(device, dtype, told=told or {})
    opened = model_of(state, model, setting)
    neurons = int(graph.provenance.get("neurons_per_cell", 0))
    ids = tuple(graph.token_ids.tolist())
    _, local = yield from replaced(state, opened, ids, "" if neurons else transcoders, neurons, setting)
    active_rows(local, graph)
    unembedding = opened.head
    feeding = np.unique(graph.rows.source[graph.nodes.kind[graph.rows.source] <= 2])
    sources = np.random.default_rng(0).permutation(feeding)[:n_sources]
    mass, worst, n_edges = row_mass(graph, count_bias=True), 0.0, 0
    for done, source in enumerate(sources.tolist()):
        yield Progress(done, len(sources), "Doubling sources")
        targets, weights = graph.outputs(source)
        moved = double_source(local, unembedding, graph, source)[targets]
        known = ~np.isnan(moved)  # targets that are no single token are not measured
        off = np.abs(moved - weights)[known] / mass[targets][known]
        worst, n_edges = max(worst, float(off.max(initial=0.0))), n_edges + int(known.sum())
    worst = worst if n_edges else float("nan")
    return {
        "sources": len(sources),
        "edges": n_edges,
        "worst": worst,
        "fidelity": local.fidelity(),
        "changed": changed_weights(state, graph, model, local.transcoders),
    }

"""The check of a stored graph against its model: spot checks of edges by the frozen model's own forward pass."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from explorer.circuits.graph_arrays import from_arrays
from explorer.engine.jobs.opening import Setting, model_of, transcoders_of
from explorer.engine.state import EngineState
from explorer.errors import GraphError
from explorer.work import Progress, Work

if TYPE_CHECKING:
    from explorer.circuits.graph import Graph
    from explorer.circuits.replacement import LocalReplacementModel

N_SOURCES = 25


def check(
    state: EngineState,
    *,
    head: Mapping[str, Any],
    arrays: Mapping[str, Any],
    model: str,
    transcoders: str,
    n_sources: int = N_SOURCES,
    device: str = "auto",
    dtype: str = "float32",
) -> Work[Mapping[str, object]]:
    """Double ``n_sources`` random sources, one at a time, in the frozen model; compare every target with its edge.

    ``worst`` is the largest difference, relative to the target's whole input as in the books' residual. Sources are
    drawn with seed 0.
    """
    import numpy as np

    from explorer.circuits.doubling import double_source
    from explorer.circuits.influence import row_mass

    graph = from_arrays(head, arrays)
    yield Progress(0, n_sources, "Running the prompt")
    setting = Setting(device, dtype)
    local = _local(state, graph, model, transcoders, setting)
    unembedding = model_of(state, model, setting).head
    feeding = np.unique(graph.rows.source[graph.nodes.kind[graph.rows.source] <= 2])
    sources = np.random.default_rng(0).permutation(feeding)[:n_sources]
    mass, worst = row_mass(graph, count_bias=True), 0.0
    for done, source in enumerate(sources.tolist()):
        yield Progress(done, len(sources), "Doubling sources")
        targets, weights = graph.outputs(source)
        moved = double_source(local, unembedding, graph, source)[targets]
        worst = max(worst, float(np.nanmax(np.abs(moved - weights) / mass[targets])))
    return {"sources": len(sources), "worst": worst, "fidelity": local.fidelity()}


def _local(
    state: EngineState, graph: Graph, model: str, transcoders: str, setting: Setting
) -> LocalReplacementModel:
    import torch

    from explorer.circuits.replacement import replace_locally

    opened, held = model_of(state, model, setting), transcoders_of(state, transcoders)
    trace = opened.run(tuple(graph.token_ids.tolist()))
    local = replace_locally(opened, trace, held, getattr(torch, setting.dtype))
    n_features = int((graph.nodes.kind == 0).sum())
    if len(local.features) != n_features:
        raise GraphError(
            f"The graph has {n_features} active features and this model with these transcoders {len(local.features)}; "
            "name the model and the transcoders that the graph was made with."
        )
    return local

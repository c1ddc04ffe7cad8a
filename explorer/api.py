"""The Python interface: the program's jobs as functions, for notebooks and scripts (docs/python.md).

    import explorer

    model = explorer.open_model("us-cities")
    transcoders = explorer.open_transcoders("us-cities/plt")
    view = explorer.attribute(model, transcoders, "Fact: the capital of the state containing Dallas is")
    explorer.save(explorer.prune(view, 0.8, 0.98), "dallas.circuit")
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer.circuits.graph_arrays import from_arrays
from explorer.engine.inprocess import run_job
from explorer.engine.state import EngineState
from explorer.errors import GraphError
from explorer.io import graphs, samples
from explorer.io.circuit_file import SUFFIX
from explorer.session.edits import Edits, set_thresholds
from explorer.session.view import GraphView, resolve
from explorer.work import run

if TYPE_CHECKING:
    from explorer.models.loader import LanguageModel
    from explorer.transcoders.transcoder import TranscoderSet


@dataclass(frozen=True, eq=False)
class Model:
    """An open model; ``info`` says what it is (name, family, n_layers, device, ...)."""

    path: str
    info: Mapping[str, Any]
    setting: Mapping[str, Any] = field(repr=False)
    state: EngineState = field(repr=False)

    @property
    def network(self) -> LanguageModel:
        """The model itself, for one's own experiments."""
        (held,) = self.state.models.values()
        return held  # type: ignore[return-value]


@dataclass(frozen=True, eq=False)
class Transcoders:
    """Open transcoders."""

    path: str
    state: EngineState = field(repr=False)

    @property
    def held(self) -> TranscoderSet:
        """The set itself."""
        (held,) = self.state.transcoders.values()
        return held  # type: ignore[return-value]


def open_model(
    path: str | Path,
    *,
    device: str = "auto",
    dtype: str = "float32",
    threads: int = 0,
    told: Mapping[str, str] | None = None,
) -> Model:
    """The model in a folder or file, or a sample's by its name; ``told`` answers what the files do not say."""
    setting, state = {"device": device, "dtype": dtype, "threads": threads}, EngineState()
    where = _place(path)
    return Model(where, run_job("open", state, model=where, told=dict(told or {}), **setting), setting, state)


def open_transcoders(path: str | Path, *, told: Mapping[str, str] | None = None) -> Transcoders:
    """The transcoders in a folder, or a sample's as ``us-cities/plt``; ``told`` answers what the files do not say."""
    from explorer.engine.jobs.opening import transcoders_of

    state, where = EngineState(), _place(path)
    transcoders_of(state, where, told)
    return Transcoders(where, state)


def attribute(
    model: Model,
    transcoders: Transcoders | None,
    text: str = "",
    *,
    token_ids: Sequence[int] | None = None,
    targets: Mapping[str, Any] | None = None,
    max_features: int = 0,
    neurons_per_cell: int = 64,
) -> GraphView:
    """The attribution graph of a prompt, shown at the usual thresholds; without transcoders of the model's neurons.

    ``targets`` is as for the job (explorer.engine.jobs.attributing.attribute): by default the most probable tokens.
    ``max_features`` keeps the most influential ones alone (0: all).
    """
    more = {"targets": targets, "max_features": max_features, "neurons_per_cell": neurons_per_cell}
    answer = run_job("attribute", model.state, **_prompt(model, transcoders, text, token_ids), **more)
    return resolve(from_arrays(answer["head"], answer["arrays"]), Edits())


def prune(view: GraphView, node_threshold: float = 0.8, edge_threshold: float = 0.98) -> GraphView:
    """The graph at other thresholds; nothing is deleted."""
    for threshold in (node_threshold, edge_threshold):
        if not 0.0 <= threshold <= 1.0:
            raise GraphError(f"The threshold {threshold} makes no sense; it must lie between 0 and 1.")
    return resolve(view.graph, set_thresholds(view.edits, node_threshold, edge_threshold))


def intervene(
    model: Model,
    transcoders: Transcoders | None,
    text: str = "",
    interventions: Sequence[Mapping[str, Any]] = (),
    *,
    token_ids: Sequence[int] | None = None,
    neurons_per_cell: int = 64,
    **how: Any,
) -> dict[str, Any]:
    """The next tokens before, now and predicted (docs/interventions.md, job ``intervene``).

    ``how``: mode, layers, attention, norms, other, substitution, at, top, changed, all_logits.
    """
    more = {"interventions": list(interventions), "neurons_per_cell": neurons_per_cell, **how}
    return run_job("intervene", model.state, **_prompt(model, transcoders, text, token_ids), **more)


def open_graph(path: str | Path) -> GraphView:
    """The graph in a document (with its edits), a graph JSON or a .pt of circuit-tracer."""
    return resolve(*run(graphs.reading(Path(path))))


def save(view: GraphView, path: str | Path) -> None:
    """Write a document (.circuit), or the graph for other programs (.json, .npz, .graphml, .gexf)."""
    if Path(path).suffix.lower() == SUFFIX:
        graphs.save(Path(path), view)
    else:
        graphs.write(Path(path), view)


def _prompt(
    model: Model, transcoders: Transcoders | None, text: str, token_ids: Sequence[int] | None
) -> dict[str, Any]:
    """What a job is told of its prompt; the open set is handed to the model's side, so that it is not read again."""
    if transcoders is not None:
        model.state.transcoders = transcoders.state.transcoders
    return {
        "model": model.path,
        "transcoders": "" if transcoders is None else transcoders.path,
        "neurons": transcoders is None,
        "text": text,
        "token_ids": None if token_ids is None else list(token_ids),
        **model.setting,
    }


def _place(path: str | Path) -> str:
    """A path as it is, or where the sample (or its set) of that name lies."""
    name, _, kind = str(path).partition("/")
    sample = samples.find(name)
    if sample is None or Path(path).exists():
        return str(path)
    return str(samples.transcoder_folder(sample, kind) if kind else samples.model_folder(sample))

"""The command that tests a graph against its model: predicted and measured effects, necessity, sufficiency, layers."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from explorer.circuits.graph import Graph
from explorer.circuits.graph_arrays import to_arrays
from explorer.cli.outputs import check_apart
from explorer.cli.places import model_folder, transcoder_folder
from explorer.cli.say import ProgressLine, result
from explorer.errors import ExplorerError
from explorer.session.agreement import agreement, agreement_sentences
from explorer.session.figure import Figure
from explorer.session.figure_validation import effects_figure, layers_figure
from explorer.session.theme import PRINT
from explorer.session.validation import Validation, question, to_message, validation_of
from explorer.session.verdict import sentences, verdict
from explorer.session.view import GraphView, resolve

PICTURES = (".svg", ".png", ".pdf")


def validate(chosen: argparse.Namespace) -> int:
    """Measure what is asked for, as far as it was not measured before, and print what it comes to."""
    from explorer.io.atomic import check_writable
    from explorer.io.circuit_file import open_circuit

    wanted = ((chosen.output, False), (chosen.figure, False), (chosen.layers, True))
    writers = [(path, _writer(path, layers=layers)) for path, layers in wanted if path is not None]
    for path, _ in writers:
        check_writable(path)
        check_apart(path, chosen.input, *([chosen.against] if chosen.against else []))
    views = [resolve(*open_circuit(path)) for path in (chosen.input, chosen.against) if path is not None]
    line = ProgressLine()
    try:
        found = [
            _run(view, chosen, folder, chosen.only if len(views) == 1 else "cells", line)
            for view, folder in zip(views, (chosen.transcoders, chosen.against_transcoders), strict=False)
        ]
    finally:
        line.close()
    for _, write in writers:
        write(found[0])
    answer: dict[str, Any] = to_message(found[0]) | {"verdict": _plain(verdict(found[0]))}
    said = sentences(found[0])
    if len(views) == 2:
        agreed = agreement(views[0].graph, views[1].graph, *found)
        answer["agreement"] = _plain(agreed)
        said = agreement_sentences(agreed)
    result(answer, "\n".join([*said, *(str(path) for path, _ in writers)]), as_json=chosen.json)
    return 0


def _run(
    view: GraphView, chosen: argparse.Namespace, transcoders: str, only: str, line: ProgressLine
) -> Validation:
    from explorer.engine.inprocess import run_job
    from explorer.engine.state import EngineState
    from explorer.io import answers

    how = {name: getattr(chosen, name) for name in ("factor", "mode", "controls", "seed", "counterpart")}
    head, arrays = to_arrays(view.graph)
    answer = run_job(
        "validate",
        EngineState(),
        line,
        head=head,
        arrays=arrays,
        question=to_message(question(view, only, **how)),
        afresh=chosen.afresh,
        layers=only != "cells",
        model=str(model_folder(_model(view.graph, chosen.model))),
        transcoders=_transcoders(view.graph, chosen.model, transcoders),
        device=chosen.device,
        dtype=str(view.graph.provenance.get("dtype", chosen.dtype)),
        told=answers.parse(chosen.tell),
    )
    answer.pop("journal")
    return validation_of(answer)


def _model(graph: Graph, named: str) -> str:
    """The model that was named, or the sample that the graph is of."""
    from explorer.io.samples import SAMPLES

    own = str(graph.provenance.get("model", ""))
    if named:
        return named
    for sample in SAMPLES:
        if own == model_folder(sample.name).name or own == sample.name:
            return sample.name
    raise ExplorerError(f"The graph is of “{own or 'an unnamed model'}”, which is no sample; say where it is: --model.")


def _transcoders(graph: Graph, model: str, named: str) -> str:
    """Their folder: the one named, or the sample's set of the kind that the graph was made with."""
    if graph.provenance.get("transcoder_kind") == "neurons":
        return ""
    kind = str(graph.provenance.get("transcoder_kind", ""))
    name = _model(graph, model)
    return str(transcoder_folder(name, named or (kind if not Path(name).exists() else "")))


def _writer(path: Path, *, layers: bool = False) -> Callable[[Validation], None]:
    """What writes the effects, or the layers, to a file of that name; ExplorerError if nothing does."""
    from explorer.io.validation_csv import write_csv, write_layers_csv

    if path.suffix.lower() == ".csv":
        return lambda found: (write_layers_csv if layers else write_csv)(found, path)
    if path.suffix.lower() in PICTURES:
        return lambda found: _write_figure((layers_figure if layers else effects_figure)(found, PRINT), path)
    raise ExplorerError(f"“{path.name}” names no format; end it in .csv, .svg, .png or .pdf.")


def _write_figure(figure: Figure, path: Path) -> None:
    from explorer.io.svg import write_svg

    if path.suffix.lower() == ".svg":
        write_svg(figure, path)
        return
    from explorer.ui.export import write_figure

    write_figure(figure, path)


def _plain(value: Any) -> dict[str, Any]:
    from dataclasses import asdict

    made: dict[str, Any] = asdict(value)
    return made


def arguments(command: argparse.ArgumentParser) -> None:
    """The command's own arguments."""
    command.add_argument("input", type=Path, metavar="IN.circuit")
    command.add_argument("--model", default="", help="a model folder or a sample's name (default: the graph's sample)")
    command.add_argument("--transcoders", metavar="DIR", default="", help="a folder; for a sample also plt or clt")
    command.add_argument(
        "--only", default="shown", metavar="WHICH", help="pinned, shown (default) or all nodes, or cells; groups always"
    )
    command.add_argument("--factor", type=float, default=0.0, help="what things are set to, times themselves (0: off)")
    command.add_argument("--mode", default="iterative", help="of knock-on effects: iterative (default) or free")
    command.add_argument("--controls", type=int, default=20, metavar="N", help="draws of matched controls (20)")
    command.add_argument("--seed", type=int, default=0)
    text = "what lies outside the circuit is as in this prompt, of as many tokens (default: zero)"
    command.add_argument("--counterpart", default="", metavar="TEXT", help=text)
    command.add_argument("--afresh", action="store_true", help="forget what was measured before")
    command.add_argument("-o", "--output", type=Path, metavar="OUT.csv", help="one row for each thing")
    command.add_argument("--figure", type=Path, metavar="OUT.{svg,png,pdf}", help="predicted against measured")
    text = "how the replacement model answers, layer by layer"
    command.add_argument("--layers", type=Path, metavar="OUT.{csv,svg,png,pdf}", help=text)
    text = "a graph of the same prompt by another set of transcoders; prints how far both agree"
    command.add_argument("--against", type=Path, metavar="OTHER.circuit", help=text)
    command.add_argument("--against-transcoders", metavar="DIR", default="")

"""Commands on graphs: attribute, prune, export, import, convert."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from explorer.circuits.graph import Graph, NodeKind
from explorer.circuits.graph_arrays import from_arrays
from explorer.circuits.scores import books_limit, scores, worst_residual
from explorer.cli.hints import check_numbers, explained
from explorer.cli.outputs import check_apart, check_document
from explorer.cli.places import model_folder, transcoder_folder
from explorer.cli.say import ProgressLine, result
from explorer.cli.targets import targets
from explorer.errors import ExplorerError, GraphError, PromptError
from explorer.session.edits import Edits, set_thresholds
from explorer.session.view import GraphView, resolve
from explorer.work import Progress, run


def attribute(chosen: argparse.Namespace) -> int:
    """Compute a graph and save it with default edits."""
    from explorer.engine.inprocess import run_job
    from explorer.engine.state import EngineState
    from explorer.io import answers
    from explorer.io.graphs import save

    check_numbers(chosen)
    check_document(chosen.output)
    line = ProgressLine()
    try:
        answer = run_job(
            "attribute",
            EngineState(),
            line,
            model=str(model_folder(chosen.model)),
            transcoders="" if chosen.neurons else str(transcoder_folder(chosen.model, chosen.transcoders)),
            neurons=chosen.neurons,
            neurons_per_cell=chosen.neurons_per_cell,
            text=chosen.prompt if chosen.prompt is not None else "",
            token_ids=token_ids(chosen.tokens) if chosen.tokens is not None else None,
            targets=targets(chosen),
            device=chosen.device,
            dtype=chosen.dtype,
            threads=chosen.threads,
            max_features=chosen.max_features,
            told=answers.parse(chosen.tell),
        )
    except (GraphError, PromptError) as error:
        raise explained(error, chosen) from error
    finally:
        line.close()
    graph = from_arrays(answer["head"], answer["arrays"])
    view = resolve(graph, Edits())
    save(chosen.output, view)
    summary = _summary(view, chosen.output)
    result(summary, _attribute_text(graph, summary), as_json=chosen.json)
    if graph.provenance.get("fit_warning"):
        print(graph.provenance["fit_warning"], file=sys.stderr)
    return 0


def prune(chosen: argparse.Namespace) -> int:
    """Save the graph with other thresholds."""
    from explorer.io.circuit_file import open_circuit
    from explorer.io.graphs import save

    for name in ("node_threshold", "edge_threshold"):
        value = getattr(chosen, name)
        if not 0.0 <= value <= 1.0:
            raise GraphError(f"--{name.replace('_', '-')} is {value}; it must lie between 0 and 1.")
    check_document(chosen.output, chosen.input)
    graph, edits = open_circuit(chosen.input)
    edits = set_thresholds(edits, chosen.node_threshold, chosen.edge_threshold)
    view = resolve(graph, edits)
    save(chosen.output, view)
    summary = _summary(view, chosen.output)
    text = f"{chosen.output}: {_kept(summary)}"
    result(summary, text, as_json=chosen.json)
    return 0


def export(chosen: argparse.Namespace) -> int:
    """Write a graph in the format that the suffix names; as .py its interventions."""
    from explorer.cli.pictures import PAGE, PICTURES, write_picture
    from explorer.cli.scripts import export_script
    from explorer.io.atomic import check_writable
    from explorer.io.circuit_file import open_circuit
    from explorer.io.graphs import DATA, write

    if chosen.format and chosen.output.suffix.lower() != f".{chosen.format}":
        chosen.output = chosen.output.with_name(f"{chosen.output.name}.{chosen.format}")
    if chosen.output.suffix.lower() == ".py":
        return export_script(chosen)
    formats = (*PICTURES, PAGE, *DATA)
    if chosen.output.suffix.lower() not in formats:
        listed = f"{', '.join(formats[:-1])} or {formats[-1]}"
        raise ExplorerError(f"“{chosen.output.name}” names no format; end it in {listed}.")
    check_writable(chosen.output)
    check_apart(chosen.output, chosen.input)
    graph, edits = open_circuit(chosen.input)
    view = resolve(graph, edits)
    if chosen.output.suffix.lower() not in DATA:
        write_picture(view, chosen)
    elif note := write(chosen.output, view):
        print(note, file=sys.stderr)
    print(chosen.output)
    return 0


def import_graph(chosen: argparse.Namespace) -> int:
    """Read another tool's graph and save it as a document; what had to be repaired is printed below."""
    from explorer.io.graph_json_story import Story, apply, read_story
    from explorer.io.graphs import reading, save

    check_document(chosen.output, chosen.input)
    story = read_story(chosen.subgraph) if chosen.subgraph else Story()
    line = ProgressLine()
    try:
        graph, edits = run(reading(chosen.input), line)
    finally:
        line.close()
    edits, missing = apply(story, graph, edits)
    notes = [*graph.provenance.get("import_notes", ()), *missing]
    save(chosen.output, resolve(graph, edits))
    said = {"pinned": edits.pinned, "supernodes": edits.supernodes, "labels": edits.labels}
    left = "".join(f", {len(held)} {name}" for name, held in said.items() if held)
    print(f"{chosen.output}: {len(graph)} nodes, {graph.n_edges} links{left}", *notes, sep="\n")
    return 0


def convert(chosen: argparse.Namespace) -> int:
    """Read transcoders of any known layout and write them in circuit-tracer's."""
    from explorer.io import answers, transcoders
    from explorer.io.atomic import check_new
    from explorer.io.transcoders import circuit_tracer

    check_new(chosen.output)
    line, reading = ProgressLine(), Progress(0, 0, f"Reading “{chosen.input.name}”")
    try:
        held = transcoders.read(chosen.input, lambda: line(reading), answers.parse(chosen.tell))
        run(circuit_tracer.writing(held, chosen.output, chosen.model), line)
    finally:
        line.close()
    print(f"{chosen.output}: {held.kind}, {held.n_layers} layers")
    return 0


def token_ids(text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",") if part.strip()]
    except ValueError as error:
        raise PromptError(f"--tokens takes ids with commas between them, such as 1,2,3; got “{text}”.") from error


def books(graph: Graph, residual: float) -> str:
    """The line about a graph's residual; a preview has no limit to keep."""
    if graph.provenance.get("preview"):
        dtype = graph.provenance.get("dtype", "low precision")
        return f"Preview in {dtype}: measured residual {residual:.1e} (largest of all targets)"
    limit = books_limit(graph)
    if residual > limit:
        return f"Books are off by {residual:.1e} (limit {limit:.0e}). Do not cite this graph."
    return f"books balance to {residual:.1e} (largest residual of all targets)"


def _summary(view: GraphView, path: Path) -> dict[str, Any]:
    """What a finished graph is, for --json."""
    graph, found = view.graph, scores(view.graph)
    logits = graph.block(NodeKind.LOGIT)
    pairs = zip(graph.logit_tokens, graph.probability[logits].tolist(), strict=True)
    return {
        "file": str(path),
        "tokens": list(graph.tokens),
        "token_ids": graph.token_ids.tolist(),
        "n_nodes": len(graph),
        "n_features": graph.count(NodeKind.FEATURE),
        "n_edges": graph.n_edges,
        "kept_nodes": int(view.pruned.nodes.sum()),
        "kept_edges": int(view.pruned.edges.sum()),
        "node_threshold": view.edits.node_threshold,
        "edge_threshold": view.edits.edge_threshold,
        "targets": [{"text": text, "probability": chance} for text, chance in pairs] + _feature_targets(graph),
        "residual": worst_residual(graph),
        "replacement_score": found.replacement,
        "replacement_score_without_special_tokens": found.replacement_no_bos,
        "completeness_score": found.completeness,
        "completeness_score_paper": found.completeness_paper,
        "provenance": dict(graph.provenance),
    }


def _feature_targets(graph: Graph) -> list[dict[str, Any]]:
    """The features that are explained, as --target names them."""
    nodes = graph.nodes
    rows = np.flatnonzero((nodes.kind == NodeKind.FEATURE) & (graph.target_weight != 0))
    names = (f"{nodes.layer[row]}:{nodes.pos[row]}:{nodes.feature[row]}" for row in rows)
    return [{"text": name, "probability": float("nan")} for name in names]


def _kept(summary: dict[str, Any]) -> str:
    return (
        f"{summary['kept_nodes']} of {summary['n_nodes']} nodes and {summary['kept_edges']} of "
        f"{summary['n_edges']} links at {summary['node_threshold']:g} / {summary['edge_threshold']:g}"
    )


def _attribute_text(graph: Graph, summary: dict[str, Any]) -> str:
    targets = ", ".join(_target_text(row) for row in summary["targets"][:4])
    lines = [
        f"{' '.join(graph.tokens)} → {targets}",
        books(graph, summary["residual"]),
        *_fit(graph),
        f"replacement {summary['replacement_score']:.2f}, completeness {summary['completeness_score']:.2f} "
        f"(circuit-tracer's convention; the paper's: {summary['completeness_score_paper']:.2f})",
        f"{summary['file']}: {_kept(summary)}",
    ]
    return "\n".join(lines)


def _fit(graph: Graph) -> list[str]:
    """How well the transcoders stand for the MLPs at the middle layer; nothing for neurons, which are the MLPs."""
    fvu = [value for value in graph.provenance.get("fvu", ()) if value is not None]
    if not fvu:
        return []
    active = median(graph.provenance["l0"])
    return [f"transcoders miss {median(fvu):.1%} of the MLPs (FVU, middle layer), {active:.0f} features on at a token"]


def _target_text(row: dict[str, Any]) -> str:
    """A target with its probability, if it is a token and has one."""
    known = row["probability"] == row["probability"]
    return f"“{row['text']}”" + (f" {row['probability']:.3f}" if known else "")

"""Graphs in files of every kind: which reader and writer a file has, and how a document gets its picture.

Each is imported when a file is of its kind: the window, which names the kinds, opens faster without.
"""

from __future__ import annotations

from pathlib import Path

from explorer.circuits.graph import Graph
from explorer.errors import ExplorerError
from explorer.io.magic import CIRCUIT, sniff
from explorer.session.edits import Edits
from explorer.session.theme import PRINT
from explorer.session.view import GraphView
from explorer.work import Pause, Progress, Work, go_on

SUFFIXES = (CIRCUIT, ".json", ".pt")  # of what is opened
XML = (".graphml", ".gexf")
DATA = (".json", ".npz", *XML)  # of what is written for other programs, pictures aside
THUMBNAIL_MM = 80.0
NEURONPEDIA_TAKES = 100_000_000  # bytes


def reading(path: Path, pause: Pause = go_on) -> Work[tuple[Graph, Edits]]:
    """The graph in a document, a graph JSON or a .pt of circuit-tracer, whatever its name is; LoadError."""
    from explorer.io import circuit_file, graph_json_import, graph_pt
    from explorer.io.inert import KINDS

    yield Progress(0, 0, f"Reading “{path.name}”")
    kind = sniff(path)
    if kind == "zip" and (path.suffix.lower() == CIRCUIT or circuit_file.is_circuit(path)):
        return circuit_file.open_circuit(path)
    if kind in KINDS:
        return (yield from graph_pt.reading(path, pause))
    if path.suffix.lower() == CIRCUIT and kind != "json":
        return circuit_file.open_circuit(path)  # which says what it is instead
    return (yield from graph_json_import.reading(path, pause))


def write(path: Path, view: GraphView) -> str:
    """Write what ``view`` shows as the suffix of ``path`` says, one of DATA; SaveError says why not.

    What the user should know of the file, or an empty text.
    """
    from explorer.io import graph_json, graph_xml, npz

    suffix = path.suffix.lower()
    if suffix == ".json":
        graph_json.write(path, view.graph, view.edits)
    elif suffix == ".npz":
        npz.write(path, view.graph, view.edits)
    elif suffix in XML:
        graph_xml.write(path, view)
    else:
        raise ExplorerError(f"“{path.name}” names no format; end it in {', '.join(DATA[:-1])} or {DATA[-1]}.")
    n_bytes = path.stat().st_size
    if suffix == ".json" and n_bytes > NEURONPEDIA_TAKES:
        return f"“{path.name}” has {n_bytes / 1e6:,.0f} MB and Neuronpedia takes at most 100; prune it further."
    return ""


def save(path: Path, view: GraphView) -> None:
    """Write the graph and edits of ``view`` as a document with a small picture of it; SaveError says why not."""
    from explorer.io import circuit_file
    from explorer.io.svg import svg_text
    from explorer.session.figure_graph import graph_figure

    picture = svg_text(graph_figure(view, theme=PRINT, width_mm=THUMBNAIL_MM))
    circuit_file.save(path, view.graph, view.edits, thumbnail=picture.encode())

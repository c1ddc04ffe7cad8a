"""The command ``compare``: what two graphs have in common, and where they differ most."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from explorer.circuits.compare import Status
from explorer.circuits.graph import Bools, Floats, Ints
from explorer.cli.outputs import check_apart
from explorer.cli.pictures import PICTURES, draw, page_of
from explorer.cli.say import ProgressLine, result
from explorer.errors import GraphError, SaveError
from explorer.io.atomic import check_writable
from explorer.session.overlay import SIDES, STATUS_WORDS, Compared, compare_views, compared
from explorer.session.pictures import Material
from explorer.session.prompt import prompt_text
from explorer.session.view import GraphView, resolve
from explorer.work import run

COUNTED = {Status.BOTH: "both", Status.ONLY_A: "only_a", Status.ONLY_B: "only_b"}


def compare(chosen: argparse.Namespace) -> int:
    """Print what is in one of two graphs, what is in both, and the largest differences."""
    if chosen.top < 0:
        raise GraphError(f"--top is {chosen.top}; it says how many differences are listed, 0 or more.")
    if chosen.output is not None:
        _check_picture(chosen.output, chosen.a, chosen.b)
    a, b = _read(chosen.a), _read(chosen.b)
    pair = compared(a, *compare_views(a, b))
    values = {
        "graphs": [_about(chosen.a, a), _about(chosen.b, b)],
        "said": list(pair.found.said),
        "nodes": _counts(pair.found.status),
        "links": _counts(pair.found.link_status),
        **_differences(pair, chosen.top),
    }
    if chosen.output is not None:
        draw(Material(pair.a, pair=pair), "compare", page_of(chosen), chosen.output)
    result(values, "\n".join(_lines(values)), as_json=chosen.json)
    return 0


def _check_picture(output: Path, *inputs: Path) -> None:
    if output.suffix.lower() not in PICTURES:
        raise SaveError(f"“{output.name}” names no kind of picture; end it in .svg, .png or .pdf.")
    check_writable(output)
    check_apart(output, *inputs)


def _read(path: Path) -> GraphView:
    from explorer.io.graphs import reading

    line = ProgressLine()
    try:
        return resolve(*run(reading(path), line))
    finally:
        line.close()


def _about(path: Path, view: GraphView) -> dict[str, Any]:
    graph = view.graph
    return {"file": str(path), "prompt": prompt_text(graph), "n_nodes": len(graph), "n_links": graph.n_edges}


def _counts(status: np.ndarray[Any, Any]) -> dict[str, int]:
    return {name: int((status == which).sum()) for which, name in COUNTED.items()}


def _differences(pair: Compared, top: int) -> dict[str, list[dict[str, Any]]]:
    """The first ``top`` of each list: nodes in one graph by influence, and in both by what differs; links by weight."""
    found = pair.found
    both, only_a, only_b = (found.status == which for which in COUNTED)
    influence = found.influence_a, found.influence_b
    activation = found.activation_a, found.activation_b
    lists = {
        "only_a": (only_a, found.influence_a, influence),
        "only_b": (only_b, found.influence_b, influence),
        "influence": (both, found.influence, influence),
        "activation": (both & np.isfinite(found.activation), found.activation, activation),
    }
    nodes = {
        name: [_node(pair, node) | _values(*sides, node) for node in _largest(among, size, top)]
        for name, (among, size, sides) in lists.items()
    }
    links = _largest(np.ones(len(found.target), dtype=np.bool_), found.weight, top)
    return {**nodes, "weight": [_link(pair, link) for link in links]}


def _largest(among: Bools, size: Floats, top: int) -> list[int]:
    """Of those ``among`` the ``top`` whose size, without its sign, is largest; what differs in nothing is left out."""
    rows: Ints = np.flatnonzero(among & (size != 0))
    return [int(row) for row in rows[np.argsort(-np.abs(size[rows]), kind="stable")[:top]]]


def _values(a: Floats, b: Floats, row: int) -> dict[str, float]:
    return {"a": float(a[row]), "b": float(b[row]), "difference": float(b[row]) - float(a[row])}


def _node(pair: Compared, node: int) -> dict[str, Any]:
    """What a node is called, and its key in each graph; null where it is not."""
    rows = [(view.graph, pair.own_row(side, node)) for side, view in enumerate((pair.a, pair.b))]
    keys = [str(graph.key(row)) if row >= 0 else None for graph, row in rows]
    return {"label": pair.label(node), "in_a": keys[0], "in_b": keys[1]}


def _link(pair: Compared, link: int) -> dict[str, Any]:
    found = pair.found
    ends = {"source": _node(pair, int(found.source[link])), "target": _node(pair, int(found.target[link]))}
    status = COUNTED[Status(found.link_status[link])]
    return {**ends, "status": status, **_values(found.weight_a, found.weight_b, link)}


def _lines(values: dict[str, Any]) -> Iterable[str]:
    for side, held in zip(SIDES, values["graphs"], strict=True):
        yield f"{side}  {held['file']}: “{held['prompt']}”, {held['n_nodes']:,} nodes, {held['n_links']:,} links"
    yield from values["said"]
    for what in ("nodes", "links"):
        counts = (f"{values[what][name]:,} {STATUS_WORDS[status]}" for status, name in COUNTED.items())
        yield f"{what}: {', '.join(counts)}"
    for name, title, scale in (
        ("only_a", "only in A, by influence (per cent of that on A's outputs)", 100),
        ("only_b", "only in B, by influence (per cent of that on B's outputs)", 100),
        ("influence", "in both, by difference of influence (A, B, B less A, per cent)", 100),
        ("activation", "in both, by difference of activation (A, B, B less A)", 1),
    ):
        if values[name]:
            yield f"\n{title}"
            yield from (f"{_numbers(name, row, scale)}  {_named(row)}" for row in values[name])
    if values["weight"]:
        yield "\nlinks, by difference of weight (A, B, B less A)"
        for row in values["weight"]:
            yield f"{_numbers('weight', row, 1)}  {_named(row['source'])} → {_named(row['target'])}"


def _numbers(name: str, row: dict[str, Any], scale: float) -> str:
    names = {"only_a": ("a",), "only_b": ("b",)}.get(name, ("a", "b", "difference"))
    return "".join(f"{scale * row[each]:{'+' if each == 'difference' else ''}9.3f}" for each in names)


def _named(row: dict[str, Any]) -> str:
    """A node's name and its key, or both keys where they differ."""
    keys = dict.fromkeys(key for key in (row["in_a"], row["in_b"]) if key)
    return f"{row['label']} ({' | '.join(keys)})"

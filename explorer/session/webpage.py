"""The subgraph as plain values for a page in a browser: boxes with what is in them, links, prompt and caption."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite
from typing import Any

from explorer.circuits.graph import Floats, NodeKey, NodeKind
from explorer.errors import ExplorerError
from explorer.session.diagram import Diagram, diagram, main_outputs
from explorer.session.figure_links import heads
from explorer.session.figure_marks import strengths
from explorer.session.figure_subgraph import EMPTY, Shown, told
from explorer.session.figure_text import plain
from explorer.session.figure_words import question
from explorer.session.plates import Plate
from explorer.session.prompt import prompt_text
from explorer.session.query import influence_share
from explorer.session.subgraph import Box, subgraph
from explorer.session.supernodes import by_id, children
from explorer.session.theme import LIGHT, ramp_step
from explorer.session.view import GraphView, place

DIGITS = 6


@dataclass(frozen=True, eq=False)
class _Nodes:
    """Nodes as the page tells of them: ``share`` (n_nodes) of the influence, ``strength`` (n_nodes) of the effect."""

    view: GraphView
    share: Floats
    strength: Floats

    def members(self, id: str) -> Iterator[dict[str, Any]]:
        """What is directly in a supernode: those within it first, each with its own members."""
        groups = self.view.edits.supernodes
        for child in children(groups, id):
            yield {"name": child.name, "note": child.note, "members": list(self.members(child.id))}
        for key in by_id(groups, id).members:
            if key in self.view.graph.index:
                yield self.node(key)

    def node(self, key: NodeKey) -> dict[str, Any]:
        view, graph = self.view, self.view.graph
        row = graph.index[key]
        activation = float(graph.nodes.activation[row])
        label = view.edits.labels.get(key)
        token = plain(graph.tokens[key.pos]) if 0 <= key.pos < graph.n_pos and key.kind != NodeKind.LOGIT else ""
        return {
            "name": view.label(row),
            "place": place(graph, row),
            "token": token,
            "feature": key.feature if key.kind == NodeKind.FEATURE else None,
            "status": label.status if label is not None else "",
            "note": view.edits.notes.get(key, ""),
            "activation": _n(activation) if isfinite(activation) else None,
            "influence": _n(float(self.share[row])),
            "mark": self.mark(row),
        }

    def mark(self, row: int) -> list[Any]:
        """Kind, sign of the effect on the target, and the step of its strength (0 to 4)."""
        strength = float(self.strength[row])
        sign = (strength > 0) - (strength < 0)
        return [NodeKind(int(self.view.graph.nodes.kind[row])).name.lower(), sign, int(ramp_step([strength])[0])]


def webpage(view: GraphView, shown: Shown) -> dict[str, Any]:
    """What the page of the subgraph shows, as JSON can hold it; ExplorerError if there is nothing."""
    drawn = shown.drawn if shown.drawn is not None else main_outputs(view, subgraph(view))
    if drawn.is_empty:
        raise ExplorerError(EMPTY)
    laid = diagram(view, drawn, shown.over)
    graph, nodes = view.graph, _Nodes(view, influence_share(view), strengths(view))
    return {
        "title": question(view),
        "prompt": prompt_text(graph),
        "tokens": [{"text": plain(token), "special": at < graph.n_special} for at, token in enumerate(graph.tokens)],
        "outputs": [_output(view, node) for node in heads(graph).tolist()[:4]],
        "boxes": [_box(laid, box, nodes) for box in drawn.boxes],
        "links": list(_links(laid)),
        "hidden": len(drawn.links) - len(laid.links),
        "over": _n(shown.over),
        "caption": [paragraph.words for paragraph in told(laid, LIGHT)],
    }


def _output(view: GraphView, node: int) -> dict[str, Any]:
    chance = float(view.graph.probability[node])
    return {"name": view.label(node).strip("“”"), "probability": _n(chance) if isfinite(chance) else None}


def _box(laid: Diagram, box: Box, nodes: _Nodes) -> dict[str, Any]:
    """Where it stands and what is on it, what it is, and what is in it."""
    area, plate, graph = laid.areas[box.id], laid.plates[box.id], laid.view.graph
    values: dict[str, Any] = {
        "id": box.id,
        "name": box.name,
        "kind": "group" if box.kind is None else box.kind.name.lower(),
        "note": box.note,
        "colour": box.colour,
        "where": plate.caption,
        "influence": _n(box.influence),
        "activation": _n(box.activation) if isfinite(box.activation) else None,
        "probability": _n(box.probability) if isfinite(box.probability) else None,
        "loose": _n(box.loose),
        "missing": box.missing,
        "nodes": len(box.rows),
        "x": round(area.x0, 1),
        "y": round(area.y0, 1),
        "w": round(area.x1 - area.x0, 1),
        "h": round(area.y1 - area.y0, 1),
        "aim": box.kind == NodeKind.LOGIT and box.rows[0] in heads(graph),
        **_words(plate),
    }
    if box.kind is None:
        values["members"] = list(nodes.members(box.id))
    else:
        values["node"] = nodes.node(graph.key(box.rows[0]))
    values["dots"] = [nodes.mark(row) for row in box.rows[: plate.n_dots]]
    return values


def _words(plate: Plate) -> dict[str, Any]:
    return {"lines": list(plate.lines), "more": plate.more, "beside": plate.beside}


def _links(laid: Diagram) -> Iterator[dict[str, Any]]:
    """The links that are drawn, strongest first, with the cubics that they run along."""
    for link, route in zip(laid.links, laid.routes, strict=True):
        yield {
            "source": link.source,
            "target": link.target,
            "share": _n(link.share),
            "weight": _n(link.weight),
            "label": link.label,
            "note": link.note,
            "path": [round(value, 1) for value in route.points],
            "rises": bool(route.rises),
        }


def _n(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")

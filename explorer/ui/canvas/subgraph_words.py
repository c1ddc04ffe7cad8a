"""What the subgraph says of a box or a link: lines of a card, sentences for assistive technology, what is selected."""

from __future__ import annotations

from collections.abc import Iterator

from explorer.circuits.graph import Graph, NodeKind
from explorer.session.diagram import Diagram
from explorer.session.figure import Curve, Ink, Item
from explorer.session.figure_boxes import Lens
from explorer.session.figure_ties import percent, tie_ink
from explorer.session.plates import odds, share_text, where
from explorer.session.subgraph import Box, BoxLink, Subgraph
from explorer.session.theme import Theme
from explorer.ui.widgets.look import per_cent, plain, signed

AROUND = 6.0  # how much wider what is selected is, in its own colour
KINDS = {
    NodeKind.FEATURE: "Feature",
    NodeKind.ERROR: "Error",
    NodeKind.EMBEDDING: "Token",
    NodeKind.BIAS: "Bias",
    NodeKind.LOGIT: "Output",
}


def box_lines(diagram: Diagram, box: Box) -> list[str]:
    """What the card of a box says, its name first."""
    graph = diagram.view.graph
    lines = [box.name, _what(graph, box)]
    if box.kind == NodeKind.LOGIT:
        lines.append(f"probability {odds(box)}" if odds(box) else "probability unknown")
    else:
        active = "" if box.activation != box.activation else f"activation {plain(box.activation)} · "
        lines.append(f"{active}influence {share_text(box.influence)}")
    if box.outside > 0:
        lines.append(f"{per_cent(box.loose)} of its input is not in a group")
    if box.missing:
        lines.append(f"{box.missing} of its nodes are not in this graph")
    if box.kind is not None and (status := diagram.view.status(box.rows[0])):
        lines.append(f"label: {status}")
    return [*lines, box.note] if box.note else lines


def link_lines(drawn: Subgraph, link: BoxLink) -> list[str]:
    """What the card of a link says."""
    source, target = drawn.box(link.source), drawn.box(link.target)
    lines = [link.label or f"{source.name} → {target.name}"]
    if link.label:
        lines.append(f"{source.name} → {target.name}")
    name = target.name.strip("“”")  # a token's has its own
    lines.append(f"{percent(link.share)} of the input of “{name}” from outside of it")
    lines.append(f"direct effects add up to {signed(link.weight)}")
    return [*lines, link.note] if link.note else lines


def chosen_items(diagram: Diagram, lens: Lens, theme: Theme, link: BoxLink | None) -> Iterator[Item]:
    """What lies below a link that is selected."""
    if link is None:
        return
    shift = lens.dx, lens.dy
    points = diagram.routes[diagram.links.index(link)].points
    seen = tuple(value * lens.scale + shift[at % 2] for at, value in enumerate(points))
    yield Curve(seen, Ink(stroke=theme.select, width=tie_ink(link.share, theme).width + AROUND))
    yield Curve(seen, Ink(stroke=theme.surface_canvas, width=tie_ink(link.share, theme).width + AROUND / 2))


def spoken_box(diagram: Diagram, box: Box) -> str:
    """One sentence that says what a box is."""
    graph, drawn = diagram.view.graph, diagram.drawn
    said = [box.name, _what(graph, box).replace(" · ", ", ")]
    said.append(f"influence {share_text(box.influence)}")
    n_in, n_out = len(drawn.inputs(box.id)), len(drawn.outputs(box.id))
    said.append(f"{n_in} inputs and {n_out} outputs in the diagram, selected")
    return ", ".join(said)


def _what(graph: Graph, box: Box) -> str:
    layers = where(graph, box).split(" · ")[0]
    if box.kind is None:
        n = len(box.rows)
        return f"Supernode · {n} {'node' if n == 1 else 'nodes'} · {layers}"
    at = f" · token {box.pos[0]}" if box.kind in (NodeKind.FEATURE, NodeKind.ERROR) else ""
    return f"{KINDS[box.kind]} · {layers}{at}"

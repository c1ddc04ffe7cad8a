"""What the canvas says about a node: the lines of its card and the sentence for assistive technology."""

from __future__ import annotations

import numpy as np

from explorer.circuits.compare import Status
from explorer.circuits.graph import Graph, NodeKind
from explorer.session.overlay import STATUS_WORDS, Overlay, Side
from explorer.session.unexplained import unexplained_line
from explorer.session.view import GraphView, HiddenBy, rule_words

KIND_WORDS = {
    NodeKind.FEATURE: "feature",
    NodeKind.ERROR: "error",
    NodeKind.EMBEDDING: "token",
    NodeKind.BIAS: "bias",
    NodeKind.LOGIT: "output",
}


def signed(value: float, digits: int = 2) -> str:
    """A number with its sign, as the window writes it."""
    return f"{value:+.{digits}f}".replace("-", "−")


def probability_text(value: float) -> str:
    """Three decimals without the leading zero."""
    return "" if np.isnan(value) else f"{value:.3f}".removeprefix("0")


def token_text(text: str) -> str:
    """A token as a label: no space in front, a newline by its name."""
    shown = text.strip(" ").replace("\n", "newline").replace("\t", "tab")
    return shown or ("space" if text else "")


def influence_share(view: GraphView, node: int) -> float:
    """Share of the whole influence, in per cent."""
    total = float(view.influence.sum())
    return 100 * float(view.influence[node]) / total if total > 0 else 0.0


def hidden_reason(view: GraphView, node: int) -> str:
    """Why a node is not drawn; empty if it is."""
    if isinstance(view, Side) and not view.present[node]:
        return f"not in {view.name}"
    rule = HiddenBy(int(view.hidden_by[node]))
    if rule == HiddenBy.HAND:
        return "hidden by hand"
    if rule == HiddenBy.NO_LINKS:
        return "hidden: no links are left"
    return f"hidden: {rule_words(view.edits, rule)}" if rule else ""


def card_lines(view: GraphView, node: int, current: int | None) -> list[str]:
    """What the card of a hovered node says, the name first."""
    graph = view.graph
    lines = [view.label(node), _what(view, node)]
    if isinstance(view, Overlay):
        return [*lines, *difference_lines(view, node, current)]
    activation = float(graph.nodes.activation[node])
    numbers = [] if np.isnan(activation) else [f"activation {activation:.2f}"]
    if graph.nodes.kind[node] == NodeKind.LOGIT:
        numbers.append(f"probability {probability_text(float(graph.probability[node]))}")
    else:
        numbers.append(f"influence {influence_share(view, node):.2f} %")
    lines.append(" · ".join(numbers))
    if graph.nodes.kind[node] == NodeKind.ERROR:
        lines.append(unexplained_line(view, node)[0])
    reason = hidden_reason(view, node)
    if reason:
        lines.append(reason)
    elif current is not None and current != node:
        lines.append(_relation(view, node, current))
    if status := view.status(node):
        lines.append(f"label: {status}")
    note = view.edits.notes.get(graph.key(node), "")
    return [*lines, note.strip().splitlines()[0]] if note.strip() else lines


def spoken(view: GraphView, node: int, selected: bool) -> str:
    """One sentence that says what a node is, for assistive technology."""
    graph, key = view.graph, view.graph.key(node)
    words = [KIND_WORDS[NodeKind(key.kind)] + (f" {key.feature}" if key.kind == NodeKind.FEATURE else "")]
    if status := view.status(node):
        words[:0] = [view.label(node), f"label {status}"]
    elif key.kind in (NodeKind.BIAS, NodeKind.LOGIT):
        words.append(view.label(node))
    if key.kind in (NodeKind.FEATURE, NodeKind.ERROR):
        words.append(f"layer {key.layer}")
    if 0 <= key.pos < graph.n_pos and key.kind != NodeKind.LOGIT:
        words.append(f"token {view.position(key.pos)} {token_text(graph.tokens[key.pos])}")
    if isinstance(view, Overlay):
        words.extend(difference_lines(view, node, None))
    else:
        words.append(f"influence {influence_share(view, node):.2f} per cent")
    words.append(hidden_reason(view, node))
    words.append("selected" if selected else "")
    return ", ".join(word for word in words if word)


def difference_lines(view: Overlay, node: int, current: int | None) -> list[str]:
    """In which of two graphs a node is, and its numbers in A and in B."""
    found = view.found
    where = Status(found.status[node])
    numbers = [("influence", 100 * found.influence_a[node], 100 * found.influence_b[node], " %")]
    if view.graph.nodes.kind[node] == NodeKind.FEATURE:
        numbers.append(("activation", found.activation_a[node], found.activation_b[node], ""))
    edges = _between(view.graph, node, current) if current is not None and current != node else ()
    if edges:
        numbers.append(("link to the selection", found.weight_a[edges[0]], found.weight_b[edges[0]], ""))
    return [STATUS_WORDS[where], *(_in_both(where, *number) for number in numbers)]


def _in_both(where: Status, what: str, a: float, b: float, unit: str) -> str:
    if where != Status.BOTH:
        return f"{what} {(b if where == Status.ONLY_B else a):.2f}{unit}".replace("-", "−")
    return f"{what} {a:.2f}{unit} in A, {b:.2f}{unit} in B ({signed(float(b - a))})".replace("-", "−")


def _between(graph: Graph, one: int, other: int) -> list[int]:
    """The edges from ``one`` to ``other`` and back."""
    ends = ((one, other), (other, one))
    spans = [range(int(graph.rows.start[target]), int(graph.rows.start[target + 1])) for _, target in ends]
    pairs = zip(ends, spans, strict=True)
    return [edge for (source, _), span in pairs for edge in span if graph.rows.source[edge] == source]


def _what(view: GraphView, node: int) -> str:
    graph = view.graph
    key = graph.key(node)
    token = f"“{token_text(graph.tokens[key.pos])}”" if 0 <= key.pos < graph.n_pos else ""
    if key.kind == NodeKind.FEATURE:
        return f"Feature {key.feature} · layer {key.layer} · {token}"
    if key.kind == NodeKind.ERROR:
        return f"What layer {key.layer} leaves unexplained · {token}"
    if key.kind == NodeKind.EMBEDDING:
        return f"Token {view.position(key.pos)}, its embedding"
    return "Added by the model itself" if key.kind == NodeKind.BIAS else "Next token"


def _relation(view: GraphView, node: int, current: int) -> str:
    graph = view.graph
    for source, target, words in (
        (node, current, "of the selection’s input"),
        (current, node, "of its input"),
    ):
        sources, weights = graph.inputs(target)
        found = np.flatnonzero(sources == source)
        if len(found):
            edge = int(graph.rows.start[target]) + int(found[0])
            share = abs(float(view.share[edge]))
            way = "to the selection" if target == current else "from it"
            return f"{signed(float(weights[found[0]]))} {way}, {share:.0%} {words}".replace("%", " %")
    return "no direct link to the selection"

"""What the canvas says about a node: the lines of its card and the sentence for assistive technology."""

from __future__ import annotations

import numpy as np

from explorer.circuits.graph import Graph, NodeKind
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
    rule = HiddenBy(int(view.hidden_by[node]))
    if rule == HiddenBy.HAND:
        return "hidden by hand"
    if rule == HiddenBy.NO_LINKS:
        return "hidden: no links are left"
    return f"hidden: {rule_words(view.edits, rule)}" if rule else ""


def card_lines(view: GraphView, node: int, current: int | None) -> list[str]:
    """What the card of a hovered node says, the name first."""
    graph = view.graph
    lines = [view.label(node), _what(graph, node)]
    activation = float(graph.nodes.activation[node])
    numbers = [] if np.isnan(activation) else [f"activation {activation:.2f}"]
    if graph.nodes.kind[node] == NodeKind.LOGIT:
        numbers.append(f"probability {probability_text(float(graph.probability[node]))}")
    else:
        numbers.append(f"influence {influence_share(view, node):.2f} %")
    lines.append(" · ".join(numbers))
    reason = hidden_reason(view, node)
    if reason:
        lines.append(reason)
    elif current is not None and current != node:
        lines.append(_relation(view, node, current))
    return lines


def spoken(view: GraphView, node: int, selected: bool) -> str:
    """One sentence that says what a node is, for assistive technology."""
    graph, key = view.graph, view.graph.key(node)
    words = [KIND_WORDS[NodeKind(key.kind)] + (f" {key.feature}" if key.kind == NodeKind.FEATURE else "")]
    if key in view.edits.labels or key in view.named:
        words.insert(0, view.label(node))
    elif key.kind in (NodeKind.BIAS, NodeKind.LOGIT):
        words.append(view.label(node))
    if key.kind in (NodeKind.FEATURE, NodeKind.ERROR):
        words.append(f"layer {key.layer}")
    if 0 <= key.pos < graph.n_pos and key.kind != NodeKind.LOGIT:
        words.append(f"token {key.pos} {token_text(graph.tokens[key.pos])}")
    words.append(f"influence {influence_share(view, node):.2f} per cent")
    words.append(hidden_reason(view, node))
    words.append("selected" if selected else "")
    return ", ".join(word for word in words if word)


def _what(graph: Graph, node: int) -> str:
    key = graph.key(node)
    token = f"“{token_text(graph.tokens[key.pos])}”" if 0 <= key.pos < graph.n_pos else ""
    if key.kind == NodeKind.FEATURE:
        return f"Feature {key.feature} · layer {key.layer} · {token}"
    if key.kind == NodeKind.ERROR:
        return f"What layer {key.layer} leaves unexplained · {token}"
    if key.kind == NodeKind.EMBEDDING:
        return f"Token {key.pos}, its embedding"
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

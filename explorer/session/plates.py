"""Plates: what is written on a box of the subgraph, wrapped, and the room that it takes; nobody's font is asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from explorer.circuits.graph import Graph, NodeKind
from explorer.session.figure_text import elide, text_width, visible
from explorer.session.subgraph import Box

Measure = Callable[[str, int, int], float]  # the width of a text in pixels at a size and a weight

NAME, SMALL, FLOOR = 12, 11, 11
LEADING = 16.0
PAD_X, PAD_Y = 13.0, 9.0
NARROW, WIDE = 64.0, 170.0  # of the words
LINES = 3
DOT, DOT_APART = 3.9, 11.0
DOTS = 12  # in a row of them; what is beyond is a number
PILL = 28.0


@dataclass(frozen=True)
class Plate:
    """A box's words: its name in lines, how many dots, and the caption; sizes at 100 %.

    ``beside`` says that the caption stands at the right of the dots.
    """

    lines: tuple[str, ...]
    n_dots: int
    more: str
    caption: str
    beside: bool
    width: float
    height: float


def plate(graph: Graph, box: Box, measure: Measure = text_width) -> Plate:
    """What stands on ``box``."""
    if box.kind == NodeKind.LOGIT:
        words = visible(box.name).strip("“”")
        words = elide(words, WIDE, NAME, 600)
        width = measure(words, NAME, 600) + measure(f" {odds(box)}", NAME, 400)
        return Plate((words,), 0, "", odds(box), True, width + 2 * PAD_X, PILL)
    lines = tuple(wrapped(visible(box.name), WIDE, NAME, measure))
    caption = where(graph, box)
    n_dots = min(len(box.rows), DOTS)
    more = f"+{len(box.rows) - n_dots}" if len(box.rows) > n_dots else ""
    dots = n_dots * DOT_APART + (measure(more, SMALL, 400) + 4 if more else 0.0)
    foot = measure(caption, SMALL, 400)
    name = max(measure(line, NAME, 600) for line in lines)
    beside = dots + 12 + foot <= max(WIDE, name)
    inside = max(NARROW, name, dots + 12 + foot if beside else max(dots, foot))
    height = (len(lines) + (1 if beside else 2)) * LEADING + 2 * PAD_Y + 4
    return Plate(lines, n_dots, more, caption, beside, inside + 2 * PAD_X, height)


def where(graph: Graph, box: Box) -> str:
    """Layers and share of influence of what is in a box, as its caption."""
    low, high = box.layers
    names = ["token" if layer < 0 else "output" if layer >= graph.n_layers else f"L{layer}" for layer in (low, high)]
    if box.kind == NodeKind.EMBEDDING:
        names = [f"token {box.pos[0]}"] * 2
    layers = names[0] if names[0] == names[1] else f"{names[0]} to {names[1]}"
    return f"{layers} · {share_text(box.influence)}"


def share_text(share: float) -> str:
    """A share of influence in per cent, with as many digits as say something."""
    percent = 100 * share
    return f"{percent:.0f} %" if percent >= 9.95 else f"{percent:.1f} %" if percent >= 0.05 else "< 0.1 %"


def odds(box: Box, digits: int = 3) -> str:
    """The probability of an output, as .875; empty if it is not known."""
    return "" if box.probability != box.probability else f"{box.probability:.{digits}f}".removeprefix("0")


def wrapped(text: str, width: float, size: int, measure: Measure, most: int = LINES) -> list[str]:
    """``text`` in at most ``most`` lines as wide as ``width``; only what is beyond them ends in an ellipsis."""
    lines: list[str] = []
    rest = " ".join(text.split())
    while len(lines) < most - 1 and measure(rest, size, 600) > width:
        end = _line_end(rest, width, size, measure)
        lines.append(rest[:end])
        rest = rest[end:].lstrip()
    return [*lines, shortened(rest, width, size, measure)]


def _line_end(text: str, width: float, size: int, measure: Measure) -> int:
    """Where the first line of ``text`` ends: after a word, or within one that is wider than the line."""
    fitting = [end for end in range(1, len(text)) if measure(text[:end], size, 600) <= width]
    words = [end for end in fitting if text[end] == " "]
    return (words or fitting or [1])[-1]


def shortened(text: str, width: float, size: int, measure: Measure, weight: int = 600) -> str:
    """``text``, cut and ended with an ellipsis so that it fits; empty if not even one character does."""
    if measure(text, size, weight) <= width:
        return text
    for end in range(len(text) - 1, 0, -1):
        if measure(short := text[:end].rstrip() + "…", size, weight) <= width:
            return short
    return ""

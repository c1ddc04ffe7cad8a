"""The subgraph as a figure for paper or slides: boxes, links with their shares, a legend and what it is of."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import ceil

import numpy as np

from explorer.circuits.graph import Ints, NodeKind
from explorer.errors import ExplorerError
from explorer.session.diagram import OVER, Diagram, diagram, main_outputs
from explorer.session.figure import PX_PER_MM, Figure, Group, Ink, Item, Line, Rect, Run, Text
from explorer.session.figure_boxes import RADIUS, Lens, Lit, box_items
from explorer.session.figure_links import Choice, Strongest
from explorer.session.figure_marks import fill, mark
from explorer.session.figure_text import text_width
from explorer.session.figure_ties import share_texts, tie_ink, tie_items
from explorer.session.figure_words import Paragraph, caption_lines, paragraphs, question, record
from explorer.session.subgraph import Subgraph, drawn_rows, subgraph
from explorer.session.theme import Theme
from explorer.session.view import GraphView

SMALLEST = 11
EDGE = 14.0
LEAST_SCALE = 0.8
EMPTY = "The subgraph is empty, so there is nothing to draw; pin nodes in the graph or group them first."


@dataclass(frozen=True)
class Shown:
    """What of the subgraph is drawn: links of at least that share, and the diagram with what is opened in it."""

    over: float = OVER
    drawn: Subgraph | None = None


def subgraph_figure(
    view: GraphView,
    *,
    theme: Theme,
    width_mm: float = 190.0,
    title: str = "",
    caption: str = "",
    over: float = OVER,
    drawn: Subgraph | None = None,
    with_legend: bool = True,
    with_caption: bool = True,
) -> Figure:
    """The diagram of ``view`` as a figure: as wide as asked, or as its boxes need at 0.8 of their size.

    ``title`` and ``caption`` replace what opens the caption. ``drawn`` is the diagram with what is opened in it.
    """
    drawn = drawn if drawn is not None else main_outputs(view, subgraph(view))
    if drawn.is_empty:
        raise ExplorerError(EMPTY)
    laid = diagram(view, drawn, over)
    room = width_mm * PX_PER_MM - 2 * EDGE
    bounds = laid.bounds
    scale = min(1.0, max(LEAST_SCALE, room / (bounds.x1 - bounds.x0)))
    width = max(room, scale * (bounds.x1 - bounds.x0)) + 2 * EDGE
    lens = Lens(scale, width / 2 - scale * (bounds.x0 + bounds.x1) / 2, EDGE - scale * bounds.y0)
    lit = Lit()
    parts: dict[str, tuple[Item, ...]] = {
        "links": tuple(tie_items(laid, lens, theme, lit)),
        "boxes": tuple(box_items(laid, lens, theme, lit)),
        "labels": tuple(share_texts(laid, lens, theme, laid.links)),
    }
    bottom = lens.point(0.0, bounds.y1)[1] + 1.5 * EDGE
    if with_legend:
        parts["legend"], bottom = legend(laid, theme, SMALLEST, EDGE, bottom, width - EDGE)
    said = told(laid, theme, title, caption)
    if with_caption:
        parts["caption"], bottom = caption_lines(said, EDGE, bottom, width - EDGE, SMALLEST)
    rows = drawn_rows(drawn)
    return Figure(
        width=float(ceil(width - 0.01)),
        height=float(ceil(bottom + EDGE / 2)),
        background=theme.surface_canvas,
        title=title or question(view),
        summary=f"{said[0].words} {counts(laid)}. Later layers stand higher.",
        groups=tuple(Group(name, items) for name, items in parts.items()),
        provenance={**record(view, _choice(view, rows), Strongest()), "figure": _facts(laid)},
    )


def counts(laid: Diagram) -> str:
    """How much is drawn: 3 supernodes and 4 nodes, 12 of 30 links."""
    n_groups = sum(box.kind is None for box in laid.drawn.boxes)
    n_nodes = len(laid.drawn.boxes) - n_groups
    parts = [_number(n, word) for n, word in ((n_groups, "supernode"), (n_nodes, "node")) if n]
    return f"{' and '.join(parts)}, {len(laid.links):,} of {_number(len(laid.drawn.links), 'link')}"


def legend(
    laid: Diagram, theme: Theme, size: int, left: float, top: float, right: float, *, one_line: bool = False
) -> tuple[tuple[Item, ...], float]:
    """The marks that are drawn between ``left`` and ``right`` below ``top``, and where the legend ends.

    ``one_line`` leaves out what would begin a second line.
    """
    items: list[Item] = [Line(left, top, right, top, Ink(stroke=theme.line, width=0.5))]
    x, y = left, top + 16.0
    for sample, draw, words in _entries(laid, theme):
        width = sample + 5.0 + text_width(words, size) if words else sample
        if x > left and x + width > right:
            if one_line:
                break
            x, y = left, y + 17.0
        items += draw(x, y)
        items.append(Text(x + sample + (5.0 if sample else 0.0), y + 0.36 * size, (Run(words, theme.text_2),), size))
        x += width + 16.0
    return tuple(items), y + 9.0


def _entries(laid: Diagram, theme: Theme) -> Iterator[tuple[float, Callable[[float, float], list[Item]], str]]:
    kinds = laid.view.graph.nodes.kind[drawn_rows(laid.drawn)]
    ink = fill(0.0, theme)
    for kind, word in ((NodeKind.FEATURE, "feature"), (NodeKind.EMBEDDING, "token"), (NodeKind.ERROR, "error")):
        if (kinds == kind).any():
            yield 9.0, lambda x, y, kind=kind: [mark(kind, x + 4.5, y, 3.9, ink)], word  # type: ignore[misc]
    if any(box.kind is None for box in laid.drawn.boxes):
        outline = Ink(fill=theme.surface_panel, stroke=theme.line_strong)
        yield 20.0, lambda x, y: [Rect(x, y - 6.0, 20.0, 12.0, outline, RADIUS / 2)], "supernode"
    for sign, word in ((1.0, "raises"), (-1.0, "lowers")):
        if any(link.share * sign > 0 for link in laid.links):
            yield 24.0, lambda x, y, s=sign: [Line(x, y, x + 24.0, y, tie_ink(0.08 * s, theme))], word  # type: ignore[misc]
    if laid.links:
        yield 0.0, lambda x, y: [], "width, % = share of the target’s outside input"
    if laid.over > 0 and len(laid.links) < len(laid.drawn.links):
        yield 0.0, lambda x, y: [], f"under {100 * laid.over:.3g} % not drawn"
    yield 0.0, lambda x, y: [], "up = later layer"


def told(laid: Diagram, theme: Theme, title: str = "", caption: str = "") -> list[Paragraph]:
    """The caption of the whole graph's figure, with what is drawn in place of its second paragraph."""
    view, rows = laid.view, drawn_rows(laid.drawn)
    said = paragraphs(view, _choice(view, rows), Strongest(), theme, title, caption)
    share = sum(box.influence for box in laid.drawn.boxes)
    words = f"{counts(laid)}. The boxes hold {100 * share:.0f} % of the influence of all nodes."
    bias = "counted" if view.edits.count_bias else "left out"
    words += f" Shares are of all that feeds a box from outside of it, bias nodes {bias}."
    said[1] = Paragraph("", words, theme.text_2)
    return said


def _choice(view: GraphView, rows: Ints) -> Choice:
    nodes = np.zeros(len(view.graph), dtype=bool)
    nodes[rows] = True
    inside = view.links & nodes[view.graph.edge_target] & nodes[view.graph.rows.source]
    return Choice(np.flatnonzero(inside), nodes, cut=False)


def _facts(laid: Diagram) -> dict[str, object]:
    return {"view": "subgraph", "boxes": len(laid.drawn.boxes), "links": len(laid.links), "over": laid.over}


def _number(n: int, word: str) -> str:
    return f"{n:,} {word}" if n == 1 else f"{n:,} {word}s"

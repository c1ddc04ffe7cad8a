"""Layout: where a graph is drawn, in pixels, computed once from the unpruned graph for a given size.

Rows are layers from the bottom up, columns are tokens. Pruning never moves anything, because nothing here
knows of it. Within a cell the strongest node is first, from left to right and then down; marks are spaced by
their size, so they never overlap; what does not fit into a cell stands at its last place, written "+n".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from explorer.circuits.graph import Bools, Floats, Graph, Ints, NodeKind
from explorer.session.theme import RADII, TOKEN_STEP, size_step

AXIS = 52.0  # left of the columns: the names of the layers
BIAS_AXIS = 22.0  # added to it where there are bias nodes
RIGHT = 10.0
OUTPUT = 34.0  # above the layers: the outputs
BIAS_ROW = 20.0  # below the layers, where there are bias nodes
TOKEN_ROW = 22.0
TOKEN_TEXT = 40.0  # token and position below the squares
COLUMN = 33.0
LEAST_COLUMN = 10.0
EVEN = 0.6  # of the width is dealt out evenly where there is not enough for all
LEAST_ROW = 10.0
EMPTY_ROW = 0.35  # height of a layer without nodes, relative to others
INDENT = 7.0
GAP = 1.6
BAR_SPACE = 5.0  # at the foot of a cell, for the bar of its error
MORE_WIDTH = 22.0
MORE_NARROW = 8.0  # in a column too narrow for the number
PILL_HEIGHT = 22.0
PILL_GAP = 6.0


@dataclass(frozen=True, eq=False)
class More:
    """The nodes of one cell that found no place; x, y and width of the "+n" or "+" that stands for them."""

    x: float
    y: float
    width: float
    nodes: Ints


@dataclass(frozen=True, eq=False)
class Layout:
    """Places in a drawing of ``width`` by ``height``, y down.

    x, y      (n_nodes) centre of the mark; an error's is the left end of its bar
    step      (n_nodes) which of RADII the mark has; ``placed`` is False for nodes that are in a "+n"
    bar       (n_nodes) length of an error's bar, 0 off errors
    columns   (n_pos + 1) borders of the columns; ``rows`` (n_layers + 1) borders of the layers, bottom first
    pills     (n_logits, 4) left, top, width and height of each output, always as at detail 1, for they hold
              text; width 0 where there is no room
    """

    width: float
    height: float
    x: Floats
    y: Floats
    step: NDArray[np.int8]
    placed: Bools
    bar: Floats
    columns: Floats
    rows: Floats
    pills: Floats
    more: tuple[More, ...]
    bias_y: float
    token_y: float
    detail: float = 1.0
    marks: float = 1.0  # how large marks are drawn, relative to RADII

    @property
    def radius(self) -> Floats:
        """(n_nodes) radius of the mark."""
        return np.array(RADII)[self.step] * self.marks

    def column_middle(self) -> Floats:
        return (self.columns[:-1] + self.columns[1:]) / 2

    def row_middle(self) -> Floats:
        return (self.rows[:-1] + self.rows[1:]) / 2


def layout(
    graph: Graph,
    influence: Floats,
    width: float,
    height: float,
    *,
    token_widths: Sequence[float] = (),
    pill_widths: Sequence[float] = (),
    bias_open: bool = False,
) -> Layout:
    """Places for ``graph`` in at least ``width`` by ``height``; more if its rows or columns need it.

    ``influence`` is that of the unpruned graph. ``token_widths`` and ``pill_widths`` are the widths of the
    tokens' and outputs' texts where they are known. Bias nodes share one place left of the first column
    unless ``bias_open``.
    """
    step = _steps(graph, influence)
    has_bias = graph.count(NodeKind.BIAS) > 0
    left = AXIS + (BIAS_AXIS if has_bias else 0.0)
    columns = left + _column_borders(graph, step, width - left - RIGHT, token_widths)
    foot = TOKEN_ROW + TOKEN_TEXT + (BIAS_ROW if has_bias else 0.0)
    heights = _row_heights(graph, step, np.diff(columns), height - OUTPUT - foot)
    rows = OUTPUT + np.concatenate([[0.0], np.cumsum(heights[::-1])])[::-1]
    token_y = rows[0] + foot - TOKEN_TEXT - TOKEN_ROW / 2
    n = len(graph)
    base = Layout(
        width=float(columns[-1] + RIGHT),
        height=float(rows[0] + foot),
        x=np.zeros(n),
        y=np.zeros(n),
        step=_fit_cells(graph, step, heights, np.diff(columns)),
        placed=np.ones(n, dtype=np.bool_),
        bar=np.zeros(n),
        columns=columns,
        rows=rows,
        pills=_pills(graph, columns, pill_widths),
        more=(),
        bias_y=float(rows[0] + BIAS_ROW / 2),
        token_y=float(token_y),
    )
    _place_ends(graph, base, left, bias_open)
    _place_errors(graph, influence, base)
    return _place_features(graph, influence, base)


def enlarge(graph: Graph, influence: Floats, small: Layout) -> Layout:
    """The layout at twice the size: everything stays where it was but in full cells, which open."""
    large = replace(
        small,
        width=small.width * 2,
        height=small.height * 2,
        x=small.x * 2,
        y=small.y * 2,
        bar=small.bar * 2,
        columns=small.columns * 2,
        rows=small.rows * 2,
        bias_y=small.bias_y * 2,
        token_y=small.token_y * 2,
        detail=small.detail * 2,
        placed=small.placed | (graph.nodes.kind == NodeKind.FEATURE),
        more=(),
    )
    return _place_features(graph, influence, large, [more.nodes for more in small.more])


def _steps(graph: Graph, influence: Floats) -> NDArray[np.int8]:
    """Area is influence; tokens, outputs and biases are never small, for they are few and sought."""
    total = float(influence.sum())
    step = size_step(influence / total if total > 0 else influence).astype(np.int8)
    ends = graph.nodes.kind >= NodeKind.EMBEDDING
    step[ends] = np.maximum(step[ends], TOKEN_STEP)
    step[graph.block(NodeKind.BIAS)] = TOKEN_STEP
    step[graph.block(NodeKind.ERROR)] = 1
    return step


def _cells(graph: Graph) -> Ints:
    """Cell of each feature: layer * n_pos + pos."""
    block = graph.block(NodeKind.FEATURE)
    return graph.nodes.layer[block].astype(np.int64) * graph.n_pos + graph.nodes.pos[block]


def _cell_widths(graph: Graph, step: NDArray[np.int8]) -> Floats:
    """(n_layers, n_pos) width of each cell's features in one line."""
    pitch = 2 * np.array(RADII)[step[graph.block(NodeKind.FEATURE)]] + GAP
    widths = np.bincount(_cells(graph), pitch, minlength=graph.n_layers * graph.n_pos)
    return np.asarray(widths.reshape(graph.n_layers, graph.n_pos), dtype=np.float64)


def _column_borders(
    graph: Graph, step: NDArray[np.int8], width: float, token_widths: Sequence[float]
) -> Floats:
    """Borders from 0: 33 px each, and the rest by the widest row above layer 1 and by the number of nodes."""
    n_pos = graph.n_pos
    least = np.full(n_pos, COLUMN)
    if least.sum() > width:
        least[:] = max(LEAST_COLUMN, EVEN * width / max(n_pos, 1))
    elif len(token_widths) == n_pos:
        texts = np.maximum(least, np.minimum(np.asarray(token_widths) + 10, 90.0))
        least = texts if texts.sum() <= width else least
    cells = _cell_widths(graph, step)
    count = np.bincount(graph.nodes.pos[graph.block(NodeKind.FEATURE)], minlength=n_pos)
    wish = cells[min(2, graph.n_layers) :].max(axis=0, initial=0.0) + 2.2 * np.sqrt(count)
    rest = max(0.0, width - least.sum())
    share = wish / wish.sum() if wish.sum() > 0 else np.full(n_pos, 1 / max(n_pos, 1))
    return np.concatenate([[0.0], np.cumsum(least + rest * share)])


def _row_heights(graph: Graph, step: NDArray[np.int8], widths: Floats, height: float) -> Floats:
    """Equal rows, the two lowest up to 3.5 and 2 times as high if their features need several lines."""
    n_layers = graph.n_layers
    filled = np.bincount(graph.nodes.layer[_inside(graph)], minlength=n_layers)[:n_layers] > 0
    unit = np.where(filled, 1.0, EMPTY_ROW)
    equal = height / max(unit.sum(), 1.0)
    lines = np.ceil(_cell_widths(graph, step) / np.maximum(widths - 2 * INDENT, 1.0))
    for layer, most in ((0, 3.5), (1, 2.0)):
        if layer < n_layers and n_layers > 2:
            need = float(np.quantile(lines[layer], 0.9)) * (2 * RADII[1] + GAP) + BAR_SPACE
            unit[layer] = max(unit[layer], min(need / equal, most))
    unit_height = max(height / max(unit.sum(), 1.0), LEAST_ROW)
    return np.asarray(unit * unit_height, dtype=np.float64)


def _inside(graph: Graph) -> slice:
    return slice(graph.block(NodeKind.FEATURE).start, graph.block(NodeKind.ERROR).stop)


def _fit_cells(graph: Graph, step: NDArray[np.int8], heights: Floats, widths: Floats) -> NDArray[np.int8]:
    """Marks no higher than their row and no wider than their column."""
    step = step.copy()
    block = graph.block(NodeKind.FEATURE)
    room = np.minimum(heights[graph.nodes.layer[block]], widths[graph.nodes.pos[block]] - 2)
    highest = np.searchsorted(2 * np.array(RADII) + 1, room, side="right") - 1
    step[block] = np.minimum(step[block], np.maximum(highest, 0))
    return step


def _pills(graph: Graph, columns: Floats, widths: Sequence[float]) -> Floats:
    """Strongest first from the left, ending where the last column ends; the weakest may not fit."""
    n_logits = graph.count(NodeKind.LOGIT)
    pills = np.zeros((n_logits, 4))
    if not n_logits:
        return pills
    wide = np.asarray(widths if len(widths) == n_logits else [64.0] * n_logits, dtype=np.float64)
    probability = np.nan_to_num(graph.probability[graph.block(NodeKind.LOGIT)])
    order = np.argsort(-probability, kind="stable")
    room = columns[-1] - 8.0
    fitting = order[np.cumsum(wide[order] + PILL_GAP) - PILL_GAP <= max(room, wide[order[0]])]
    right = float(columns[-1])
    for logit in fitting[::-1].tolist():
        pills[logit] = (right - wide[logit], (OUTPUT - PILL_HEIGHT) / 2 - 2, wide[logit], PILL_HEIGHT)
        right -= wide[logit] + PILL_GAP
    return pills


def _place_ends(graph: Graph, base: Layout, left: float, bias_open: bool) -> None:
    """Outputs, tokens and biases, into the arrays of a layout that is being made."""
    tokens, biases, outputs = (graph.block(k) for k in (NodeKind.EMBEDDING, NodeKind.BIAS, NodeKind.LOGIT))
    base.x[tokens] = base.column_middle()[graph.nodes.pos[tokens]]
    base.y[tokens] = base.token_y
    spread = np.arange(biases.stop - biases.start) * 20.0 if bias_open else 0.0
    base.x[biases] = left - BIAS_AXIS / 2 + spread
    base.y[biases] = base.bias_y
    base.x[outputs] = base.pills[:, 0] + base.pills[:, 2] / 2
    base.y[outputs] = base.pills[:, 1] + base.pills[:, 3] / 2
    base.placed[outputs] = base.pills[:, 2] > 0
    unplaced = np.flatnonzero(~base.placed)
    base.x[unplaced], base.y[unplaced] = base.columns[-1], OUTPUT / 2


def _place_errors(graph: Graph, influence: Floats, base: Layout) -> None:
    """One scale for all bars, the largest at which each stays in its column."""
    block = graph.block(NodeKind.ERROR)
    if block.start == block.stop:
        return
    pos, layer = graph.nodes.pos[block], graph.nodes.layer[block]
    base.x[block] = base.columns[pos] + INDENT - 1
    base.y[block] = base.rows[layer] - 3.0
    mass = influence[block]
    room = np.maximum(np.diff(base.columns)[pos] - INDENT - 4, 4.0)
    with np.errstate(divide="ignore"):
        scale = float(np.min(room / mass)) if mass.max() > 0 else 0.0
    base.bar[block] = np.maximum(mass * scale, 2.0)


def _place_features(
    graph: Graph, influence: Floats, base: Layout, only: Sequence[Ints] | None = None
) -> Layout:
    """Fill the cells. ``only`` names the nodes that had no place: their cells alone are filled anew."""
    cells = _cells(graph)
    if not len(cells):
        return base
    order = np.lexsort((-influence[: len(cells)], cells))
    wanted = np.unique(cells[np.concatenate([nodes[:1] for nodes in only])]) if only else None
    if only is not None and wanted is None:
        return base
    borders = np.flatnonzero(np.diff(cells[order], prepend=-1, append=-1))
    more: list[More] = []
    x, y, placed = base.x.copy(), base.y.copy(), base.placed.copy()
    radius = base.radius
    foot = BAR_SPACE if graph.count(NodeKind.ERROR) else 0.0
    for start, stop in zip(borders[:-1].tolist(), borders[1:].tolist(), strict=True):
        nodes = order[start:stop]
        cell = int(cells[nodes[0]])
        if wanted is not None and cell not in wanted:
            continue
        layer, pos = divmod(cell, graph.n_pos)
        box = (base.columns[pos], base.rows[layer + 1], base.columns[pos + 1], base.rows[layer] - foot)
        px, py, n_placed = _fill(radius[nodes], box)
        x[nodes], y[nodes] = px, py
        if n_placed < len(nodes):
            left_out = nodes[n_placed:]
            placed[left_out] = False
            more.append(More(float(px[-1]), float(py[-1]), _more_width(box[2] - box[0]), left_out))
    return replace(base, x=x, y=y, placed=placed, more=tuple(more))


def _fill(radius: Floats, box: tuple[float, float, float, float]) -> tuple[Floats, Floats, int]:
    """Centres of marks in a box (left, top, right, bottom), strongest first, and how many found a place.

    The others get the place of the "+n", which needs room of its own at the end of the last line.
    """
    left, top, right, bottom = box
    indent = min(INDENT, max(0.3 * (right - left), float(radius[0]) + 1))
    width = right - left - indent + float(radius[0]) - 1
    lines = _lines(radius, width, bottom - top)
    placed = lines[-1][1]
    more = _more_width(right - left)
    if placed < len(radius):
        first, last, room = lines[-1][0], lines[-1][1], width - more
        while last > first and _line_width(radius[first:last]) > room:
            last -= 1
        lines[-1] = (first, last)
        placed = last
    heights = [2 * float(radius[first:last].max(initial=RADII[0])) + GAP for first, last in lines]
    y = (top + bottom) / 2 - (sum(heights) - GAP) / 2
    xs, ys = np.empty(len(radius)), np.empty(len(radius))
    for (first, last), line_height in zip(lines, heights, strict=True):
        reach = np.cumsum(2 * radius[first:last] + GAP)
        xs[first:last] = left + indent - radius[0] + reach - GAP - radius[first:last]
        ys[first:last] = y + (line_height - GAP) / 2
        y += line_height
        end = left + indent - radius[0] + (float(reach[-1]) if last > first else 0.0)
    if placed < len(radius):
        xs[placed:] = min(end + more / 2, right - more / 2)
        ys[placed:] = y - heights[-1] / 2 - GAP / 2
    return xs, ys, placed


def _more_width(column: float) -> float:
    return MORE_WIDTH if column >= COLUMN else MORE_NARROW


def _line_width(radius: Floats) -> float:
    return float((2 * radius + GAP).sum()) - GAP


def _lines(radius: Floats, width: float, height: float) -> list[tuple[int, int]]:
    """Greedy lines (first, last + 1) of marks that fit into width and height; at least one mark."""
    lines: list[tuple[int, int]] = []
    first, used = 0, 0.0
    while first < len(radius):
        reach = np.cumsum(2 * radius[first:] + GAP) - GAP
        last = first + max(1, int(np.searchsorted(reach, width, side="right")))
        tall = 2 * float(radius[first:last].max()) + GAP
        if lines and used + tall - GAP > height:
            break
        lines.append((first, last))
        first, used = last, used + tall
    return lines

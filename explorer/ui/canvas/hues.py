"""Hues: what colour a link has and how it is dashed; the sign of its weight, or in which of two graphs it is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PySide6.QtGui import QPen

from explorer.circuits.compare import Status
from explorer.circuits.graph import Floats, Ints
from explorer.session.overlay import Overlay, side_colour
from explorer.session.theme import Theme
from explorer.session.view import GraphView
from explorer.ui.canvas.curves import lines
from explorer.ui.theme import color

FINER = 3  # pieces of a dashed link to one of a whole one, about as many of which are left out
DASH = 5.0  # px of a wide link to a part of its dashes


@dataclass(frozen=True)
class Hue:
    """``dash``: how many parts of a link are drawn and how many left out, in turn; a part is a straight piece of it."""

    colour: str
    dash: tuple[int, int] = (1, 0)

    def lines(self, points: Floats, n_pieces: int) -> Floats:
        """(n, 4) the straight pieces of links from their control points, dashed; ``n_pieces`` are of a whole one."""
        drawn, left_out = self.dash
        if not left_out:
            return lines(points, n_pieces)
        n_pieces *= FINER
        kept = np.arange(n_pieces) % (drawn + left_out) < drawn
        return np.ascontiguousarray(lines(points, n_pieces).reshape(-1, n_pieces, 4)[:, kept].reshape(-1, 4))

    def pen(self, alpha: float, width: float) -> QPen:
        """The pen of a link that is drawn as one curve."""
        pen = QPen(color(self.colour, alpha), width)
        if self.dash[1]:
            pen.setDashPattern([max(part * DASH / max(width, 1.0), 0.1) for part in self.dash])
        return pen


def hues(view: GraphView, theme: Theme) -> tuple[Hue, ...]:
    """The hues that ``hue_of`` counts: raises and lowers, or each Status of a comparison."""
    if isinstance(view, Overlay):
        dashes = {Status.ONLY_A: (3, 1), Status.ONLY_B: (1, 1)}
        return tuple(Hue(side_colour(status, theme), dashes.get(status, (1, 0))) for status in Status)
    return Hue(theme.sign_raise), Hue(theme.sign_lower)


def hue_of(view: GraphView, edges: Ints) -> Ints:
    """Which of ``hues`` each edge has."""
    if isinstance(view, Overlay):
        return view.found.link_status[edges].astype(np.int64)
    return (view.graph.rows.weight[edges] < 0).astype(np.int64)

"""Frame: everything one painting of the canvas needs, as a value."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from PySide6.QtCore import QRectF

from explorer.circuits.graph import Floats, Graph, NodeKind
from explorer.session.layout import AXIS, BIAS_AXIS, TOKEN_ROW, TOKEN_TEXT, Layout
from explorer.session.theme import Theme
from explorer.session.view import rows_of
from explorer.ui.canvas.atlas import Atlas
from explorer.ui.canvas.curves import Ends
from explorer.ui.canvas.hues import Hue, hues
from explorer.ui.canvas.scene import Scene
from explorer.ui.canvas.viewport import Viewport

LEGEND = 28.0


@dataclass(frozen=True, eq=False)
class Frame:
    """``width`` and ``height`` are logical; ``ends`` are in device pixels, ``ratio`` of them to a logical one."""

    scene: Scene
    layout: Layout
    viewport: Viewport
    ends: Ends
    theme: Theme
    atlas: Atlas
    mark_scale: float
    width: float
    height: float
    ratio: float
    text_scale: float = 1.0
    is_out_of_date: bool = False

    @property
    def place_key(self) -> tuple[object, ...]:
        """What decides where everything stands, and in which colours."""
        look = (self.theme.name, self.width, self.height, self.ratio, self.text_scale)
        return (*look, self.viewport, self.layout)

    @property
    def graph(self) -> Graph:
        return self.scene.view.graph

    @cached_property
    def hues(self) -> tuple[Hue, ...]:
        """What the hue of a link counts."""
        return hues(self.scene.view, self.theme)

    @property
    def axis(self) -> float:
        """Where the strip with the names of the layers ends."""
        return AXIS + (BIAS_AXIS if self.graph.count(NodeKind.BIAS) else 0.0)

    @cached_property
    def token_y(self) -> float:
        return float(self.viewport.y(np.array(self.layout.token_y), self.layout.detail))

    @cached_property
    def strip_top(self) -> float:
        """Where the strip with the tokens' texts begins: below their squares, or at the foot of the view."""
        return min(self.token_y + TOKEN_ROW / 2, self.height - LEGEND - TOKEN_TEXT)

    @cached_property
    def plot(self) -> QRectF:
        """The part of the widget in which marks and links are drawn."""
        return QRectF(AXIS - 2, 0, self.width - AXIS + 2, self.strip_top)

    def columns(self) -> Floats:
        return self.viewport.x(self.layout.columns, self.layout.detail)

    def rows(self) -> Floats:
        return self.viewport.y(self.layout.rows, self.layout.detail)

    def place(self, node: int) -> tuple[float, float, float]:
        """Logical centre and radius of a mark; half the height of an output's pill."""
        x, y, half = self.ends.x[node], self.ends.y[node], self.ends.top[node]
        return float(x) / self.ratio, float(y) / self.ratio, float(half) / self.ratio

    def pill(self, row: int) -> QRectF:
        """The pill of the output of that row among the outputs; empty without room."""
        _, _, width, height = self.layout.pills[row].tolist()
        x, y, _ = self.place(self.graph.block(NodeKind.LOGIT).start + row)
        return QRectF(x - width / 2, y - height / 2, width, height) if width else QRectF()

    def pinned(self) -> list[int]:
        view = self.scene.view
        return [int(node) for node in rows_of(self.graph, view.edits.pinned)]

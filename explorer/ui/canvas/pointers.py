"""numpy arrays handed to Qt without a copy. The array must outlive the call that uses the pointer."""

from __future__ import annotations

from typing import cast

import shiboken6
from PySide6.QtCore import QLineF, QRectF
from PySide6.QtGui import QPainter

from explorer.circuits.graph import Floats


def draw_lines(painter: QPainter, lines: Floats) -> None:
    """Draw (n, 4) x1 y1 x2 y2. Set a clip rectangle before: unclipped translucent lines are ten times slower."""
    first = cast("QLineF", shiboken6.wrapInstance(lines.ctypes.data, QLineF))
    painter.drawLines(first, len(lines))


def draw_rects(painter: QPainter, rects: Floats) -> None:
    """Draw (n, 4) x y width height."""
    first = cast("QRectF", shiboken6.wrapInstance(rects.ctypes.data, QRectF))
    painter.drawRects(first, len(rects))


def as_fragments(fragments: Floats) -> QPainter.PixmapFragment:
    """(n, 10) as ``drawPixmapFragments`` takes them."""
    kind = QPainter.PixmapFragment
    return cast("QPainter.PixmapFragment", shiboken6.wrapInstance(fragments.ctypes.data, kind))

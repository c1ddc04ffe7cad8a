"""Figures painted with Qt, as PNG and PDF; one routine draws both."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from PySide6.QtCore import QBuffer, QIODevice, QMarginsF, QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import (
    QFont,
    QFontDatabase,
    QFontMetricsF,
    QGuiApplication,
    QImage,
    QPageSize,
    QPainter,
    QPainterPath,
    QPdfWriter,
    QPen,
    QPolygonF,
)

from explorer.errors import ExplorerError, SaveError
from explorer.io import atomic
from explorer.io.svg import HALO, write_svg
from explorer.session.figure import PX_PER_MM, Circle, Curve, Figure, Ink, Item, Line, Polygon, Rect, Run, Text
from explorer.session.figure_graph import graph_figure
from explorer.session.figure_subgraph import Shown, subgraph_figure
from explorer.session.theme import THEMES
from explorer.session.view import GraphView
from explorer.ui.theme import FAMILY, color, load_fonts

MM_PER_INCH = 25.4
PDF_DPI = 1200
LARGEST = 30_000  # pixels on a side
PICTURES = (".svg", ".png", ".pdf")


def export_graph(
    view: GraphView, path: Path, theme: str = "print", *, width_mm: float = 190.0, subgraph: Shown | None = None
) -> None:
    """Write the picture of ``view`` to ``path`` as its suffix says: .svg, .png or .pdf.

    ``theme`` is light, dark or print. ``subgraph`` asks for the diagram of what is pinned and grouped instead of the
    graph. ExplorerError for another suffix or theme.
    """
    suffix = path.suffix.lower()
    if suffix not in PICTURES:
        raise ExplorerError(f"“{path.name}” names no kind of picture; end it in .svg, .png or .pdf.")
    found = [each for each in THEMES if each.name == theme]
    if not found:
        raise ExplorerError(f"“{theme}” is no theme; choose light, dark or print.")
    if subgraph is None:
        write_figure(graph_figure(view, theme=found[0], width_mm=width_mm), path)
    else:
        figure = subgraph_figure(view, theme=found[0], width_mm=width_mm, over=subgraph.over, drawn=subgraph.drawn)
        write_figure(figure, path)


def write_figure(figure: Figure, path: Path) -> None:
    """Write ``figure`` to ``path`` as SVG, PDF or, for any other suffix, PNG."""
    writers = {".svg": write_svg, ".pdf": write_pdf}
    writers.get(path.suffix.lower(), write_png)(figure, path)


def write_png(figure: Figure, path: Path, dpi: float = 300.0) -> None:
    """Write ``figure`` as a PNG of its size in millimetres at ``dpi``, with its provenance as text."""
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    picture(figure, dpi).save(buffer, "PNG")  # type: ignore[call-overload]
    atomic.write(path, bytes(buffer.data().data()))


def picture(figure: Figure, dpi: float = 300.0) -> QImage:
    """``figure`` in pixels, of its size in millimetres at ``dpi``, with its provenance as text."""
    _application()
    scale = dpi / MM_PER_INCH / PX_PER_MM
    image = _blank(figure, scale)
    image.fill(color(figure.background))  # to the very edge, where paint may end within a pixel
    image.setDotsPerMeterX(round(dpi / MM_PER_INCH * 1000))
    image.setDotsPerMeterY(round(dpi / MM_PER_INCH * 1000))
    image.setText("Title", figure.title)
    image.setText("Description", figure.summary)
    image.setText("Provenance", json.dumps(dict(figure.provenance), ensure_ascii=False, sort_keys=True))
    painter = QPainter(image)
    painter.scale(scale, scale)
    paint(figure, painter)
    painter.end()
    return image


def write_pdf(figure: Figure, path: Path) -> None:
    """Write ``figure`` as one PDF page of its own size; text stays text."""
    _application()
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    writer = QPdfWriter(buffer)
    writer.setTitle(figure.title)
    writer.setCreator("Circuit Explorer")
    writer.setResolution(PDF_DPI)
    size = QSizeF(figure.width_mm, figure.height_mm)
    writer.setPageSize(QPageSize(size, QPageSize.Unit.Millimeter, "", QPageSize.SizeMatchPolicy.ExactMatch))
    writer.setPageMargins(QMarginsF())
    painter = QPainter(writer)
    painter.scale(*[PDF_DPI / MM_PER_INCH / PX_PER_MM] * 2)
    paint(figure, painter)
    painter.end()
    atomic.write(path, bytes(buffer.data().data()))


def paint(figure: Figure, painter: QPainter) -> None:
    """Draw ``figure`` in its own pixels from the origin of ``painter``."""
    painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.TextAntialiasing)
    painter.fillRect(QRectF(0, 0, figure.width, figure.height), color(figure.background))
    for group in figure.groups:
        paint_items(group.items, painter)


def paint_items(items: Iterable[Item], painter: QPainter) -> None:
    """Draw ``items`` in order, as ``painter`` stands."""
    for item in items:
        _paint(item, painter)


def _paint(item: Item, painter: QPainter) -> None:
    if isinstance(item, Text):
        _paint_text(item, painter)
        return
    _take(item.ink, painter)
    match item:
        case Line(x1, y1, x2, y2):
            painter.drawLine(QPointF(x1, y1), QPointF(x2, y2))
        case Curve((x, y, *rest)):
            path = QPainterPath(QPointF(x, y))
            for at in range(0, len(rest), 6):
                path.cubicTo(*rest[at : at + 6])
            painter.drawPath(path)
        case Circle(x, y, r):
            painter.drawEllipse(QPointF(x, y), r, r)
        case Rect(x, y, width, height, _, radius):
            painter.drawRoundedRect(QRectF(x, y, width, height), radius, radius)
        case Polygon(points):
            painter.drawPolygon(QPolygonF([QPointF(x, y) for x, y in points]))


def _take(ink: Ink, painter: QPainter) -> None:
    """Make ``ink`` the pen and brush of ``painter``."""
    painter.setBrush(color(ink.fill, ink.fill_alpha) if ink.fill else Qt.BrushStyle.NoBrush)
    if not ink.stroke:
        painter.setPen(Qt.PenStyle.NoPen)
        return
    pen = QPen(color(ink.stroke, ink.stroke_alpha), ink.width)
    pen.setCapStyle(Qt.PenCapStyle.FlatCap)
    pen.setJoinStyle(Qt.PenJoinStyle.MiterJoin)
    if ink.dash:
        pen.setDashPattern([length / ink.width for length in ink.dash])  # Qt counts in widths of the pen
    painter.setPen(pen)


def _paint_text(text: Text, painter: QPainter) -> None:
    fonts = [_font(text.size, run) for run in text.runs]
    widths = [QFontMetricsF(font).horizontalAdvance(run.text) for font, run in zip(fonts, text.runs, strict=True)]
    x = -sum(widths) * {"start": 0.0, "middle": 0.5, "end": 1.0}[text.anchor]
    painter.save()
    painter.translate(text.x, text.y)
    if not text.upright:
        painter.rotate(-90)
    for run, font, width in zip(text.runs, fonts, widths, strict=True):
        if text.halo:
            rim = QPainterPath()
            rim.addText(QPointF(x, 0), font, run.text)
            painter.strokePath(rim, _rim(text.halo))
        painter.setFont(font)
        painter.setPen(color(run.fill))
        painter.drawText(QPointF(x, 0), run.text)
        x += width
    painter.restore()


def _rim(halo: str) -> QPen:
    return QPen(color(halo), HALO, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin)


def _font(size: int, run: Run) -> QFont:
    font = QFont([FAMILY, QFontDatabase.systemFont(QFontDatabase.SystemFont.GeneralFont).family()])
    font.setPixelSize(size)
    font.setWeight(QFont.Weight.DemiBold if run.weight >= 600 else QFont.Weight.Normal)
    font.setUnderline(run.underline)
    font.setHintingPreference(QFont.HintingPreference.PreferNoHinting)
    font.setFeature(QFont.Tag("calt"), 0)  # a PDF cannot tell which character an alternate glyph stands for
    return font


def _blank(figure: Figure, scale: float) -> QImage:
    """An image for ``figure`` at ``scale``; SaveError if it is too large to hold."""
    width, height = round(figure.width * scale), round(figure.height * scale)
    image = QImage()
    if max(width, height) <= LARGEST:
        image = QImage(width, height, QImage.Format.Format_RGB32)
    if image.isNull():
        raise SaveError(f"A picture of {width} by {height} pixels is too large; choose fewer dots per inch.")
    return image


def _application() -> QGuiApplication:
    """The application that Qt needs to draw text, off screen where there is no display."""
    running = QGuiApplication.instance()
    if isinstance(running, QGuiApplication):
        application = running
    else:
        if sys.platform == "linux" and not {"DISPLAY", "WAYLAND_DISPLAY"} & os.environ.keys():
            os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
        application = QGuiApplication([])
    _load_fonts()
    return application


@cache
def _load_fonts() -> None:
    """Once, also where the system has the typeface, which may be another version of it."""
    load_fonts()

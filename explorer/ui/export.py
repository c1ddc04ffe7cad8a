"""Figures painted with Qt, as PNG and PDF; one routine draws both."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from PySide6.QtCore import QBuffer, QIODevice, QMarginsF, QPointF, QRectF, QSizeF, Qt, QUuid
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

from explorer.errors import SaveError
from explorer.io import atomic
from explorer.io.svg import HALO, write_svg
from explorer.session.figure import PX_PER_MM, Circle, Curve, Figure, Ink, Item, Line, Polygon, Rect, Run, Text
from explorer.session.page import MM_PER_INCH
from explorer.ui.theme import FAMILY, color, load_fonts

PDF_DPI = 1200
LARGEST = 30_000  # pixels on a side
DPI = 300.0
# QPdfWriter writes when it wrote; what stands in its place is as long, for the file counts its bytes.
PDF_DATES = (
    (rb"(/(?:Creation|Mod)Date \(D:)\d{14}", rb"\g<1>20000101000000"),
    (rb'(xmp:(?:Create|Modify|Metadata)Date=")\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d', rb"\g<1>2000-01-01T00:00:00"),
)
PDF_ID = QUuid("{c1c41700-0000-4000-8000-000000000000}")


def write_figure(figure: Figure, path: Path, dpi: float = DPI) -> None:
    """Write ``figure`` to ``path`` as SVG, PDF or, for any other suffix, PNG at ``dpi``; always the same bytes."""
    match path.suffix.lower():
        case ".svg":
            write_svg(figure, path)
        case ".pdf":
            write_pdf(figure, path)
        case _:
            write_png(figure, path, dpi)


def write_png(figure: Figure, path: Path, dpi: float = DPI) -> None:
    """Write ``figure`` as a PNG of its size in millimetres at ``dpi``, with its provenance as text."""
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    picture(figure, dpi).save(buffer, "PNG")  # type: ignore[call-overload]
    atomic.write(path, bytes(buffer.data().data()))


def picture(figure: Figure, dpi: float = DPI) -> QImage:
    """``figure`` in pixels, of its size in millimetres at ``dpi``, with its provenance as text."""
    _application()
    scale = dpi / MM_PER_INCH / PX_PER_MM * figure.zoom
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
    atomic.write(path, pdf_bytes(figure))


def pdf_bytes(figure: Figure) -> bytes:
    """``figure`` as a PDF of one page; the same figure always gives the same bytes."""
    _application()
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    writer = QPdfWriter(buffer)
    writer.setTitle(figure.title)
    writer.setCreator("Circuit Explorer")
    writer.setDocumentId(PDF_ID)
    writer.setResolution(PDF_DPI)
    size = QSizeF(figure.width_mm, figure.height_mm)
    writer.setPageSize(QPageSize(size, QPageSize.Unit.Millimeter, "", QPageSize.SizeMatchPolicy.ExactMatch))
    writer.setPageMargins(QMarginsF())
    painter = QPainter(writer)
    painter.scale(*[PDF_DPI / MM_PER_INCH / PX_PER_MM * figure.zoom] * 2)
    paint(figure, painter)
    painter.end()
    made = bytes(buffer.data().data())
    for found, instead in PDF_DATES:
        made = re.sub(found, instead, made)
    return made


def paint(figure: Figure, painter: QPainter) -> None:
    """Draw ``figure`` in its own pixels from the origin of ``painter``."""
    painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.TextAntialiasing)
    painter.fillRect(QRectF(0, 0, figure.width, figure.height), color(figure.background))
    for group in figure.groups:
        painter.save()
        if group.clip is not None:
            x, y, right, bottom = group.clip
            painter.setClipRect(QRectF(x, y, right - x, bottom - y))
        paint_items(group.items, painter)
        painter.restore()


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

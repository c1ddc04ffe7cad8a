"""What a window has written: every text with its place, size, ink and ground, and what is wrong with them.

Each visible widget is painted once more into an SVG, which keeps texts as texts whoever painted them (labels,
delegates, own painting); the ground is read off a picture of the window. The graph canvas keeps its own boxes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from xml.etree import ElementTree

from PySide6.QtCore import QBuffer, QPoint, QRect, QRectF, QSize
from PySide6.QtGui import QFont, QFontMetricsF, QImage, QPainter, QRegion, QTransform
from PySide6.QtSvg import QSvgGenerator
from PySide6.QtWidgets import QLineEdit, QWidget

from explorer.session.theme import blend, contrast
from explorer.ui import theme
from explorer.ui.canvas import GraphCanvas
from explorer.ui.theme import SMALLEST

LEAST_CONTRAST = 4.5  # WCAG 2, level AA
TOUCH = 1.0  # px by which boxes may overlap: what antialiasing and rounding take
SVG = "{http://www.w3.org/2000/svg}"


@dataclass(frozen=True)
class Text:
    """A text in a window: ``rect`` around its ink, ``px`` its font's size, colours as #RRGGBB, whose it is.

    ``cut`` is how many px of its width are out of sight.
    """

    text: str
    rect: QRectF
    px: float
    ink: str
    ground: str
    owner: str
    cut: float = 0.0

    def __str__(self) -> str:
        x, y, width, height = (round(value) for value in self.rect.getRect())
        return f"“{self.text}” ({self.owner}, {x} {y} {width}x{height})"


def texts(window: QWidget) -> list[Text]:
    """Every text that can be seen in ``window``, which is shown."""
    picture = window.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    found: list[Text] = []
    for widget in [window, *window.findChildren(QWidget)]:
        if not widget.isVisibleTo(window) or widget.window() is not window.window():
            continue
        if isinstance(widget, GraphCanvas):
            found.extend(_of_canvas(widget, window))
        else:
            found.extend(_of(widget, window, picture))
    return found


def faults(found: list[Text]) -> list[str]:
    """Texts that intersect, are too small, too faint or cut off, one sentence each."""
    small = [f"{text}: {text.px:g} px" for text in found if text.px < SMALLEST]
    faint = [
        f"{text}: {text.ink} on {text.ground} has contrast {contrast(text.ink, text.ground):.2f}"
        for text in found
        if contrast(text.ink, text.ground) < LEAST_CONTRAST
    ]
    crossing = [f"{one} and {other} intersect" for one, other in combinations(found, 2) if _cross(one.rect, other.rect)]
    cut = [f"{text}: {text.cut:.0f} px of it are cut off" for text in found if text.cut > TOUCH]
    return small + faint + cut + crossing


def _cross(one: QRectF, other: QRectF) -> bool:
    both = one & other
    return both.width() > TOUCH and both.height() > TOUCH


def _of_canvas(canvas: GraphCanvas, window: QWidget) -> Iterator[Text]:
    corner = canvas.mapTo(window, QPoint(0, 0)).toPointF()
    for box in canvas.text_boxes():
        yield Text(box.text, box.rect.translated(corner), box.px, box.foreground, box.background, "GraphCanvas")


def _of(widget: QWidget, window: QWidget, picture: QImage) -> Iterator[Text]:
    seen = QRectF(widget.visibleRegion().boundingRect())
    if seen.isEmpty():
        return
    corner = widget.mapTo(window, QPoint(0, 0)).toPointF()
    owner = widget.objectName() or widget.accessibleName() or type(widget).__name__
    for text, rect, px, ink, alpha in _written(_svg(widget)):
        shown = rect & seen
        if shown.height() < rect.height() / 2 or shown.width() <= 0:
            continue  # scrolled out
        place = shown.translated(corner)
        ground = _ground(picture, place.toAlignedRect())
        cut = 0.0 if isinstance(widget, QLineEdit) else rect.width() - shown.width()  # a line that scrolls
        yield Text(text, place, px, blend(ink, ground, alpha), ground, owner, cut)


def _svg(widget: QWidget) -> ElementTree.Element:
    """What ``widget`` paints, without its children."""
    buffer = QBuffer()
    generator = QSvgGenerator()
    generator.setOutputDevice(buffer)
    generator.setResolution(96)
    generator.setSize(QSize(widget.width(), widget.height()))
    generator.setViewBox(QRect(QPoint(0, 0), widget.size()))
    painter = QPainter(generator)
    QWidget.render(widget, painter, QPoint(0, 0), QRegion(), QWidget.RenderFlag.DrawWindowBackground)
    painter.end()
    return ElementTree.fromstring(bytes(buffer.data().data()))


def _written(svg: ElementTree.Element) -> Iterator[tuple[str, QRectF, float, str, float]]:
    """Text, place, size, ink and opacity of each text in ``svg``."""
    for group in svg.iter(f"{SVG}g"):
        shift = _transform(group.get("transform", ""))
        for row in group.findall(f"{SVG}text"):
            text = "".join(row.itertext())
            if not text.strip() or row.get("fill") in (None, "none"):
                continue
            font = theme.font()  # an SVG does not say that figures have equal width
            font.setFamily(row.get("font-family", "").strip("'").split(",")[0])
            font.setPixelSize(round(float(row.get("font-size", "0"))))
            font.setWeight(QFont.Weight(int(row.get("font-weight", "400"))))
            rect = _ink(QFontMetricsF(font), text)
            place = shift.mapRect(rect.translated(float(row.get("x", "0")), float(row.get("y", "0"))))
            alpha = float(row.get("fill-opacity", "1")) * float(row.get("opacity", "1"))
            yield text.strip(), place, font.pixelSize() * abs(shift.determinant()) ** 0.5, str(row.get("fill")), alpha


def _ink(metrics: QFontMetricsF, text: str) -> QRectF:
    """Where ``text`` has ink, from its origin; Qt counts the blanks around it too."""
    ink = text.strip()
    blank = metrics.horizontalAdvance(text.rstrip()) - metrics.horizontalAdvance(ink)
    return metrics.tightBoundingRect(ink).translated(blank, 0)


def _transform(text: str) -> QTransform:
    numbers = [float(number) for number in text.removeprefix("matrix(").removesuffix(")").split(",") if number]
    return QTransform(*numbers) if len(numbers) == 6 else QTransform()


def _ground(picture: QImage, rect: QRect) -> str:
    """The commonest colour around a text."""
    around = rect.adjusted(-2, -2, 2, 2) & picture.rect()
    colours = Counter(
        picture.pixel(x, y) & 0xFFFFFF
        for y in range(around.top(), around.bottom() + 1)
        for x in range(around.left(), around.right() + 1)
    )
    return f"#{colours.most_common(1)[0][0]:06X}" if colours else "#000000"

"""WordPairs: words before and after a lesion, each pair drawn with the same chances."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from explorer.specimens.letters import Word
from explorer.ui.theme import color
from explorer.ui.widgets.look import current_theme, font, px

LEAST, MOST = 17, 25  # the height of a row
APART = 12  # the two columns


class WordPairs(QWidget):
    """In the word after, what differs from the word before is strong."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setAccessibleName(name)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.pairs: list[tuple[str, str]] = []

    def show_words(self, before: Sequence[Word], after: Sequence[Word]) -> None:
        self.pairs = [(written(one), written(two)) for one, two in zip(before, after, strict=True)]
        said = (one if one == two else f"{one} becomes {two}" for one, two in self.pairs)
        self.setAccessibleDescription(", ".join(said))
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(px(240), px(LEAST) * len(self.pairs))

    def minimumSizeHint(self) -> QSize:
        return QSize(px(160), px(LEAST) * len(self.pairs))

    def paintEvent(self, event: QPaintEvent) -> None:
        if not self.pairs:
            return
        theme, apart = current_theme(), px(APART)
        width = (self.width() - apart) / 2
        height = min(self.height() / len(self.pairs), px(MOST))
        with QPainter(self) as painter:
            for at, (before, after) in enumerate(self.pairs):
                if at:
                    painter.setPen(color(theme.line))
                    painter.drawLine(0, round(at * height), self.width(), round(at * height))
                shared = beginning(before, after)
                left = QRectF(0, at * height, width, height)
                _write(painter, left, before, "body", theme.text)
                right = left.translated(width + apart, 0)
                right.setLeft(right.left() + _write(painter, right, shared, "body", theme.text_3))
                _write(painter, right, after[len(shared) :], "strong", theme.text)


def beginning(one: str, other: str) -> str:
    """The letters with which both begin."""
    return "".join(a for a, _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def written(word: Word) -> str:
    """A word, or as much of it as there is, with an ellipsis."""
    return word.text + ("" if word.ended else "…")


def _write(painter: QPainter, where: QRectF, text: str, role: str, ink: str) -> float:
    """Write as much as fits; how wide the text is."""
    painter.setFont(font(role))
    painter.setPen(color(ink))
    metrics = painter.fontMetrics()
    short = metrics.elidedText(text, Qt.TextElideMode.ElideRight, int(where.width()))
    painter.drawText(where, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, short)
    return float(metrics.horizontalAdvance(short))

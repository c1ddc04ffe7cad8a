"""HeadBars: how much a model foresees, whole and without heads, as bars; a click on a head's bar switches it off."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QSizePolicy, QWidget

from explorer.specimens.induction import Head, head_name
from explorer.ui.specimens.page import titled, words
from explorer.ui.theme import color
from explorer.ui.widgets.look import current_theme, font, per_cent, px

Accuracies = dict[tuple[Head, ...], float]  # by the heads that are off
WIDTH, NARROWEST, LOWEST = 34, 46, 132  # px: a bar, and the room of one with its words
FIGURE, NAME, EDGE = 22, 34, 4  # px: the lines above and below a bar, and the gap around them
MOST_NAMED = 2


class AccuracyBar(QWidget):
    """A share as a bar in a frame that all of it would fill, its figure above and its name below."""

    def __init__(self) -> None:
        super().__init__()
        self.share: float | None = None
        self.name = ""
        _grow(self)

    def show_share(self, name: str, share: float | None) -> None:
        """``share`` is None while it is being measured."""
        self.name, self.share = name, share
        self.setAccessibleName(f"{name}: {_figure(share)} foreseen")
        self.update()

    def sizeHint(self) -> QSize:
        return _size()

    minimumSizeHint = sizeHint

    def paintEvent(self, event: QPaintEvent) -> None:
        with QPainter(self) as painter:
            _paint(painter, self.rect(), self.name, self.share)


class HeadBar(QPushButton):
    """What is foreseen without one head. Checked is switched off."""

    def __init__(self, head: Head) -> None:
        super().__init__()
        self.head, self.name = head, head_name(head)
        self.share: float | None = None
        self.setCheckable(True)
        self.setProperty("chip", True)
        _grow(self)
        self.toggled.connect(self._describe)
        self._describe()

    def show_share(self, share: float | None) -> None:
        self.share = share
        self._describe()

    def sizeHint(self) -> QSize:
        return _size()

    minimumSizeHint = sizeHint

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        with QPainter(self) as painter:
            _paint(painter, self.rect(), f"{self.name} off" if self.isChecked() else self.name, self.share)

    def _describe(self) -> None:
        state = "off" if self.isChecked() else "on"
        self.setAccessibleName(f"Head {self.name}, {state}; without it alone {_figure(self.share)} foreseen")
        what = "Put it back" if self.isChecked() else "Put it to its mean"
        self.setToolTip(f"Head {self.head[1]} of layer {self.head[0]}. {what}")
        self.update()


class HeadBars(QWidget):
    """The whole model, the model without the chosen heads, and each head off alone. ``switched`` tells a click."""

    switched = Signal()

    def __init__(self, heads: Sequence[Head]) -> None:
        super().__init__()
        self.whole, self.together = AccuracyBar(), AccuracyBar()
        self.heads = {head: HeadBar(head) for head in heads}
        for bar in self.heads.values():
            bar.clicked.connect(self.switched)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(16)
        row.addWidget(_group("All heads at once", [self.whole, self.together]), 2)
        for layer in sorted({head[0] for head in heads}):
            own = [bar for head, bar in self.heads.items() if head[0] == layer]
            row.addWidget(_group(f"Layer {layer}, each head off alone", own), len(own))

    @property
    def chosen(self) -> tuple[Head, ...]:
        """The heads that are off."""
        return tuple(head for head, bar in self.heads.items() if bar.isChecked())

    def put_back(self) -> None:
        for bar in self.heads.values():
            bar.setChecked(False)
        self.switched.emit()

    def show_accuracies(self, found: Mapping[tuple[Head, ...], float]) -> None:
        """What is not among ``found`` is being measured."""
        chosen = self.chosen
        self.whole.show_share("whole model", found.get(()))
        many = len(chosen) > MOST_NAMED
        self.together.show_share(f"{len(chosen)} heads off" if many else f"{_listed(chosen)} off", found.get(chosen))
        for head, bar in self.heads.items():
            bar.show_share(found.get((head,)))


def off_words(off: Sequence[Head]) -> str:
    """“head 1.0 off”, “heads 0.3, 1.0 off”."""
    return f"head{'' if len(off) == 1 else 's'} {_listed(off)} off" if off else "nothing off"


def _listed(off: Sequence[Head]) -> str:
    return ", ".join(map(head_name, off)) or "nothing"


def _figure(share: float | None) -> str:
    return "…" if share is None else per_cent(share)


def _group(title: str, bars: Sequence[QWidget]) -> QWidget:
    row = QWidget()
    layout = QHBoxLayout(row)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(EDGE)
    for bar in bars:
        layout.addWidget(bar)
    return titled(words(title, "caption"), row)


def _grow(bar: QWidget) -> None:
    bar.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)


def _size() -> QSize:
    return QSize(px(NARROWEST), px(LOWEST))


def _paint(painter: QPainter, where: QRect, name: str, share: float | None) -> None:
    theme = current_theme()
    inner = where.adjusted(0, px(EDGE), 0, -px(EDGE))
    wide, high = min(px(WIDTH), inner.width() - 2 * px(EDGE)), inner.height() - px(FIGURE) - px(NAME)
    track = QRectF(inner.center().x() - wide / 2 + 0.5, inner.top() + px(FIGURE) + 0.5, wide, high)
    painter.setPen(QPen(color(theme.line_strong), 1))
    painter.drawRect(track)
    filled = max(1.0, high * (share or 0.0))
    painter.fillRect(QRectF(track.left(), track.bottom() - filled, wide, filled), color(theme.mark_ink))
    painter.setPen(color(theme.text))
    painter.setFont(font("strong"))
    painter.drawText(
        QRect(inner.left(), inner.top(), inner.width(), px(FIGURE)), Qt.AlignmentFlag.AlignCenter, _figure(share)
    )
    painter.setFont(font("caption"))
    below = QRect(inner.left(), inner.bottom() - px(NAME) + px(EDGE), inner.width(), px(NAME))
    flags = Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop | Qt.TextFlag.TextWordWrap
    painter.drawText(below, flags, name)

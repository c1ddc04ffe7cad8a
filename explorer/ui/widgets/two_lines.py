"""A list whose rows have a title, a figure at the right, and one or up to two lines of detail below."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QTextLayout
from PySide6.QtWidgets import QFrame, QListWidget, QListWidgetItem, QStyle, QStyledItemDelegate, QStyleOptionViewItem

from explorer.ui.widgets.look import current_theme, font, px
from explorer.ui.widgets.scaling import on_text_size

ROW, LINE, SIDE, TOP, BESIDE = Qt.ItemDataRole.UserRole, 15, 12, 5, 8


@dataclass(frozen=True)
class TwoLines:
    """``tone`` is the colour of the title in the theme; ``whole`` the tooltip and what a screen reader says.

    ``ticked`` is whether the box in front is; None for no box.
    """

    title: str
    right: str
    detail: str
    tone: str = "text"
    whole: str = ""
    ticked: bool | None = None


class TwoLineList(QListWidget):
    """``pointed`` carries the row under the mouse, else the current one; -1 for none. ``details`` lines are in a row.

    ``tick_changed``: a box was ticked or not, by a click on it or by Space.
    """

    pointed = Signal(int)
    tick_changed = Signal()

    def __init__(self, name: str, details: int = 2) -> None:
        super().__init__()
        self.details = details
        self.setAccessibleName(name)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setMouseTracking(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setItemDelegate(_Delegate(self))
        self.itemEntered.connect(self._entered)
        self.currentRowChanged.connect(self.pointed)
        self.itemChanged.connect(self.tick_changed)
        on_text_size(self, self._measure)

    def show_rows(self, rows: Iterable[TwoLines], current: int = -1) -> None:
        with QSignalBlocker(self):
            self.clear()
            for row in rows:
                item = QListWidgetItem()
                item.setData(ROW, row)
                item.setData(Qt.ItemDataRole.AccessibleTextRole, row.whole)
                item.setToolTip(row.whole)
                if row.ticked is not None:
                    item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
                    item.setCheckState(Qt.CheckState.Checked if row.ticked else Qt.CheckState.Unchecked)
                self.addItem(item)
            self.setCurrentRow(current)
        self._measure()

    def ticked(self) -> list[int]:
        """The rows whose box is ticked."""
        return [at for at in range(self.count()) if self.item(at).checkState() == Qt.CheckState.Checked]

    def leaveEvent(self, event: object) -> None:
        super().leaveEvent(event)  # type: ignore[arg-type]
        self.pointed.emit(self.currentRow())

    def _entered(self, item: QListWidgetItem) -> None:
        self.pointed.emit(self.row(item))

    def _measure(self) -> None:
        for at in range(self.count()):
            self.item(at).setSizeHint(QSize(0, px((1 + self.details) * LINE + 2 * TOP + 2)))


class _Delegate(QStyledItemDelegate):
    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        theme, row, rect = current_theme(), index.data(ROW), option.rect
        painter.save()
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(rect, QColor(theme.select_tint))
            painter.fillRect(QRect(rect.left(), rect.top(), 3, rect.height()), QColor(theme.select))
        elif option.state & QStyle.StateFlag.State_MouseOver:
            painter.fillRect(rect, QColor(theme.surface_sunken))
        inside = rect.adjusted(SIDE, px(TOP), -SIDE, -px(TOP))
        if row.ticked is not None:
            inside.setLeft(self._paint_box(painter, option, index) + BESIDE)
        first = QRect(inside.left(), inside.top(), inside.width(), px(LINE))
        caption = QFontMetrics(font("caption"))
        room = first.width() - caption.horizontalAdvance(row.right) - 8
        middle = int(Qt.AlignmentFlag.AlignVCenter)
        painter.setFont(font("strong"))
        painter.setPen(QColor(getattr(theme, row.tone)))
        title = painter.fontMetrics().elidedText(row.title, Qt.TextElideMode.ElideRight, room)
        painter.drawText(first, middle, title)
        painter.setFont(font("caption"))
        painter.setPen(QColor(theme.text_2))
        painter.drawText(first, middle | int(Qt.AlignmentFlag.AlignRight), row.right)
        for at, line in enumerate(self._detail(row.detail, inside.width(), caption)):
            painter.drawText(first.translated(0, px(LINE) * (at + 1) + 1), middle, line)
        painter.restore()

    def _detail(self, text: str, width: int, metrics: QFontMetrics) -> list[str]:
        listed = self.parent()
        if isinstance(listed, TwoLineList) and listed.details == 1:
            return [metrics.elidedText(text, Qt.TextElideMode.ElideRight, width)]
        return _broken(text, width, metrics)

    def _paint_box(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> int:
        """Paint the box where the style takes clicks on it; its right edge."""
        whole = QStyleOptionViewItem(option)
        self.initStyleOption(whole, index)
        style = whole.widget.style()
        whole.rect = style.subElementRect(QStyle.SubElement.SE_ItemViewItemCheckIndicator, whole, whole.widget)
        whole.state &= ~QStyle.StateFlag.State_HasFocus
        ticked = whole.checkState == Qt.CheckState.Checked
        whole.state |= QStyle.StateFlag.State_On if ticked else QStyle.StateFlag.State_Off
        style.drawPrimitive(QStyle.PrimitiveElement.PE_IndicatorItemViewItemCheck, whole, painter, whole.widget)
        return whole.rect.right()


def _broken(text: str, width: int, metrics: QFontMetrics) -> list[str]:
    """``text`` in at most two lines, the second cut with an ellipsis."""
    layout = QTextLayout(text, font("caption"))
    layout.beginLayout()
    line = layout.createLine()
    line.setLineWidth(width)
    length = line.textLength()
    layout.endLayout()
    rest = text[length:]
    return [text[:length].rstrip(), metrics.elidedText(rest, Qt.TextElideMode.ElideRight, width)] if rest else [text]

"""NextToken: the next tokens before, now and as predicted, with what they gain."""

from __future__ import annotations

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, QRect, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPen
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QHeaderView,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from explorer.session.outcome import Outcome, TokenRow, others
from explorer.ui.widgets.look import MINUS, current_theme, font, px, token_text
from explorer.ui.widgets.scaling import on_text_size

TOKEN, BEFORE, NOW, PREDICTED, GAIN = range(5)
TITLES = ("token", "before", "now (measured)", "predicted", "Δ")
SHARES = {TOKEN: 0.23, BEFORE: 0.22, NOW: 0.31, PREDICTED: 0.24}  # of the width that is left
GAIN_WIDTH = 56
ROOMY = 362
ROW = 19
FADED = 0.5
ROLE = Qt.ItemDataRole.UserRole + 1
LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
OTHERS = -1  # the id of the row of all other tokens

Index = QModelIndex | QPersistentModelIndex


class NextTokenModel(QAbstractTableModel):
    """The ``most`` strongest tokens of an outcome, then all others together."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.rows: tuple[TokenRow, ...] = ()
        self.faint = False
        self.most = 5
        self.is_short = False  # whether there is no room for all words of the titles
        self._outcome: Outcome | None = None

    def show_outcome(self, shown: Outcome | None, faint: bool) -> None:
        """``faint`` says that it is not of what the sliders hold now."""
        if shown is self._outcome and faint == self.faint and shown is not None and self.rows:
            return
        self._outcome, self.faint = shown, faint
        rows = () if shown is None else listed(shown, self.most)
        if len(rows) != len(self.rows):
            self.beginResetModel()
            self.rows = rows
            self.endResetModel()
            return
        self.rows = rows
        if rows:
            self.dataChanged.emit(self.index(0, 0), self.index(len(rows) - 1, GAIN))

    def set_most(self, most: int) -> None:
        if most != self.most:
            shown, self.most, self._outcome = self._outcome, most, None
            self.show_outcome(shown, self.faint)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 (Qt's own default)
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return len(TITLES)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return RIGHT if section == GAIN else LEFT
        title = TITLES[section].partition(" ")[0] if self.is_short else TITLES[section]
        return title if role == Qt.ItemDataRole.DisplayRole else None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        row, column = self.rows[index.row()], index.column()
        if role == ROLE:
            return row
        if role == Qt.ItemDataRole.DisplayRole:
            return written(row, column)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{TITLES[column]}: {written(row, column)}"
        return None


def listed(shown: Outcome, most: int) -> tuple[TokenRow, ...]:
    """The strongest of before and now, the most probable now first; then all others together."""
    strongest = sorted(shown.tokens, key=lambda one: -max(one.before, one.now))[:most]
    rows = tuple(sorted(strongest, key=lambda one: -one.now))
    return (*rows, TokenRow(OTHERS, "others", *others(rows)))


def written(row: TokenRow, column: int) -> str:
    """The text of a cell."""
    if column == TOKEN:
        return token_text(row.text).strip() or "blank"
    if column == GAIN:
        gain = row.now - row.before
        return f"{'+' if gain >= 0 else MINUS}{abs(gain):.3f}"
    return f"{(row.before, row.now, row.predicted)[column - 1]:.3f}"


class _Chance(QStyledItemDelegate):
    """A probability with its bar: grey before, ink now, an outline as predicted."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        row: TokenRow = index.data(ROLE)
        model = index.model()
        theme, column = current_theme(), index.column()
        rect: QRect = option.rect
        painter.save()
        if isinstance(model, NextTokenModel) and model.faint:
            painter.setOpacity(FADED)
        painter.setFont(font("strong" if index.row() == 0 and column == TOKEN else "body"))
        ink = theme.text_3 if row.token_id == OTHERS else theme.text
        if column == GAIN and row.token_id != OTHERS and abs(row.now - row.before) >= 5e-4:
            ink = theme.sign_raise if row.now > row.before else theme.sign_lower
        painter.setPen(QColor(ink))
        text = str(index.data())
        if column == TOKEN:
            text = QFontMetrics(painter.font()).elidedText(text, Qt.TextElideMode.ElideRight, rect.width() - 12)
        painter.drawText(rect.adjusted(6, 0, -6, 0), RIGHT if column == GAIN else LEFT, text)
        if column in (BEFORE, NOW, PREDICTED) and row.token_id != OTHERS:
            self._bar(painter, rect, column, (row.before, row.now, row.predicted)[column - 1])
        painter.restore()

    def _bar(self, painter: QPainter, rect: QRect, column: int, value: float) -> None:
        theme, left = current_theme(), rect.left() + px(46)
        length = max(1.0, min(value, 1.0) * (rect.right() - left - 8))
        box = QRectF(left, rect.center().y() - 3.5, length, 8)
        if column == PREDICTED:
            painter.setPen(QPen(QColor(theme.text), 1))
            painter.drawRect(box.adjusted(0.5, 0.5, -0.5, -0.5))
        else:
            painter.fillRect(box, QColor(theme.error_mass if column == BEFORE else theme.text))


class NextTokenTable(QTableView):
    """The table of an Outcome; as many tokens as there is room for. ``chosen`` are those of the selected rows."""

    painted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.rows = NextTokenModel(self)
        self.setModel(self.rows)
        self.setItemDelegate(_Chance(self))
        self.setAccessibleName("Next tokens before, now and predicted")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setShowGrid(False)
        self.setTabKeyNavigation(False)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.verticalHeader().hide()
        header = self.horizontalHeader()
        header.setSectionsClickable(False)
        header.setHighlightSections(False)
        header.setMinimumSectionSize(24)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        on_text_size(self, self._measure)

    def resizeEvent(self, event: object) -> None:
        super().resizeEvent(event)  # type: ignore[arg-type]
        self._measure()
        self.rows.set_most(max(1, self.viewport().height() // px(ROW) - 1))

    def paintEvent(self, event: object) -> None:
        super().paintEvent(event)  # type: ignore[arg-type]
        self.painted.emit()

    def _measure(self) -> None:
        self.verticalHeader().setMinimumSectionSize(px(ROW))
        self.verticalHeader().setDefaultSectionSize(px(ROW))
        self.rows.is_short = self.viewport().width() < px(ROOMY)
        room = self.viewport().width() - px(GAIN_WIDTH)
        for column, share in SHARES.items():
            self.horizontalHeader().resizeSection(column, int(room * share))
        self.horizontalHeader().resizeSection(GAIN, px(GAIN_WIDTH))

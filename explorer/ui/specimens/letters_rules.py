"""RulesTable: the rules of the letter model, one in a row, with the model's confidence beside the names' share."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt, Signal
from PySide6.QtWidgets import QFrame, QTableView

from explorer.specimens.letters import Rule
from explorer.ui.widgets.look import per_cent, px
from explorer.ui.widgets.scaling import at_least, on_text_size
from explorer.ui.widgets.share_bar import CELL, Cell, list_rows

ROW = 24
HEADERS = ("Rule", "Model", "Names", "Found", "But not in")
TIPS = (
    "The letter, and the one that comes after it",
    "How sure the model is; the bar is longest at 100 %",
    "The share of this letter in the names",
    "How often the names say so, of how often they could",
    "Names that say otherwise",
)
WIDTHS = (64, 62, 62, 74)
LEAST = 78  # of the names that say otherwise

Index = QModelIndex | QPersistentModelIndex


class RulesTable(QTableView):
    """``pointed`` tells the rule that the keys or a click made the current one."""

    pointed = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self._model = _Rules(self)
        self.setModel(self._model)
        list_rows(self, "Rules, the surest first", ROW, len(WIDTHS))
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        at_least(self, width=sum(WIDTHS) + LEAST)
        on_text_size(self, self._measure)
        self.selectionModel().currentRowChanged.connect(self._point)

    @property
    def rules(self) -> Sequence[Rule]:
        return self._model.rules

    def show_rules(self, rules: Sequence[Rule]) -> None:
        self._model.show_rules(rules)

    def _measure(self) -> None:
        self.verticalHeader().setDefaultSectionSize(px(ROW))
        for column, width in enumerate(WIDTHS):
            self.setColumnWidth(column, px(width))

    def _point(self, current: QModelIndex) -> None:
        if current.isValid():
            self.pointed.emit(self.rules[current.row()])


class _Rules(QAbstractTableModel):
    rules: Sequence[Rule] = ()

    def show_rules(self, rules: Sequence[Rule]) -> None:
        self.beginResetModel()
        self.rules = rules
        self.endResetModel()

    # Qt's side

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self.rules)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(HEADERS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = 0) -> object:
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignRight if section in (1, 2, 3) else Qt.AlignmentFlag.AlignLeft
            return int(side | Qt.AlignmentFlag.AlignVCenter)
        texts = {Qt.ItemDataRole.DisplayRole: HEADERS, Qt.ItemDataRole.ToolTipRole: TIPS}.get(Qt.ItemDataRole(role))
        return texts[section] if texts else None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid():
            return None
        rule = self.rules[index.row()]
        if role == CELL:
            return _cells(rule)[index.column()]
        if role == Qt.ItemDataRole.AccessibleTextRole and index.column() == 0:
            return rule_words(rule)
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return _cells(rule)[index.column()].text
        return rule_words(rule) if role == Qt.ItemDataRole.ToolTipRole else None


def _cells(rule: Rule) -> tuple[Cell, ...]:
    before, after = "start" if rule.before == "." else rule.before, "end" if rule.after == "." else rule.after
    return (
        Cell(f"{before} → {after}", strong=True),
        Cell(per_cent(rule.confidence), right=True, fill=rule.confidence),
        Cell(per_cent(rule.frequency), right=True, fill=rule.frequency),
        Cell(f"{rule.support} of {rule.n}", right=True, tone="text_2"),
        Cell(", ".join(rule.exceptions) or "–", tone="text_2"),
    )


def rule_words(rule: Rule) -> str:
    """A rule as a sentence, with what the names say for and against it."""
    before = "At the beginning" if rule.before == "." else f"After {rule.before}"
    after = "the name ends" if rule.after == "." else f"comes {rule.after}"
    against = f"; not in {', '.join(rule.exceptions)}" if rule.exceptions else ", without exception"
    sure = f"the model is {per_cent(rule.confidence)} sure, the names say so {rule.support} of {rule.n} times"
    return f"{before} {after}: {sure}{against}."

"""The nodes panel: the graph as a table to sort and filter, with the selection of the canvas."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QItemSelection, QItemSelectionModel, QObject, QSignalBlocker, Qt
from PySide6.QtGui import QContextMenuEvent, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QStackedWidget,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from explorer.circuits.graph import Bools
from explorer.errors import GraphError
from explorer.session.query import find, matches, parse
from explorer.session.view import GraphView, HiddenBy
from explorer.ui.document import Document
from explorer.ui.labelling import node_menu
from explorer.ui.panels.filters import FiltersButton
from explorer.ui.panels.nodes_model import AT, INFLUENCE, NAME, NodesModel
from explorer.ui.panels.supernodes import SupernodesPanel
from explorer.ui.widgets.filter_field import FilterField
from explorer.ui.widgets.look import px, set_property
from explorer.ui.widgets.scaling import on_text_size
from explorer.ui.widgets.share_bar import CellDelegate

ROW = 22


class NodesPanel(QWidget):
    """Every node that is drawn (or every node), filtered by a query and sorted by a column."""

    TITLE = "Nodes"

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._with_hidden = False
        self._refused = ("", "")  # a query that makes no sense, and why
        self.setProperty("panel", True)
        self.setAccessibleName("Nodes")
        self.model = NodesModel(self)
        self._build()
        self._connect()
        self._show()

    def focus_filter(self) -> None:
        self.filter.setFocus()
        self.filter.selectAll()

    def list_hidden(self, query: str = "is:hidden") -> None:
        """List the nodes that a query finds, those that are not drawn included."""
        self.filter.setText(query)
        self._include_hidden()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._count()

    # building

    def _build(self) -> None:
        self.pages = QStackedWidget()
        self.pages.addWidget(self._table())
        self.pages.addWidget(self._nothing())
        self.supernodes = SupernodesPanel(self._document)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(self._top())
        layout.addWidget(self.pages, 1)
        layout.addWidget(self.supernodes)
        self.setFocusProxy(self.table)
        on_text_size(self, self._measure)

    def _top(self) -> QVBoxLayout:
        title = QLabel("Nodes")
        title.setProperty("role", "section")
        self.count = QLabel()
        self.count.setProperty("role", "caption")
        head = QHBoxLayout()
        head.addWidget(title)
        head.addStretch()
        head.addWidget(self.count)
        self._make_filter()
        below = QHBoxLayout()
        below.addWidget(self.saved)
        below.addStretch()
        below.addWidget(self.select_all)
        top = QVBoxLayout()
        top.setContentsMargins(12, 12, 12, 8)
        top.setSpacing(8)
        top.addLayout(head)
        top.addWidget(self.filter)
        top.addLayout(below)
        top.addWidget(self.fault)
        return top

    def _make_filter(self) -> None:
        self.filter = FilterField("Filter nodes", "kind:feature layer>=1 pos:3 influence>0.5 reads:is is:pinned")
        self.fault = QLabel()
        self.fault.setProperty("role", "danger")
        self.fault.setWordWrap(True)
        self.fault.hide()
        self.saved = FiltersButton(self._document, self.filter.text)
        self.select_all = QPushButton()
        self.select_all.setProperty("link", True)
        self.select_all.setToolTip("Select every node that the filter finds, the most influential last")
        self.select_all.hide()

    def _table(self) -> QTableView:
        self.table = table = QTableView()
        table.setModel(self.model)
        table.setItemDelegate(CellDelegate(ROW, table))
        table.setAccessibleName("Table of nodes")
        table.setObjectName("nodes_table")
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        table.setShowGrid(False)
        table.setMouseTracking(True)
        table.setTabKeyNavigation(False)
        table.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerItem)
        table.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        table.setSortingEnabled(True)
        table.verticalHeader().hide()
        table.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        header = table.horizontalHeader()
        header.setHighlightSections(False)
        header.setMinimumSectionSize(30)
        header.setSectionResizeMode(NAME, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(AT, QHeaderView.ResizeMode.Fixed)
        header.setSectionResizeMode(INFLUENCE, QHeaderView.ResizeMode.Fixed)
        header.setSortIndicator(INFLUENCE, Qt.SortOrder.DescendingOrder)
        header.setSortIndicatorShown(False)  # the arrow would cover the name; the model writes it
        return table

    def _measure(self) -> None:
        self.table.verticalHeader().setDefaultSectionSize(px(ROW))
        self.table.setColumnWidth(AT, px(54))
        self.table.setColumnWidth(INFLUENCE, px(52))

    def _nothing(self) -> QWidget:
        page = QWidget()
        page.setProperty("panel", True)
        self.nothing = QLabel()
        self.nothing.setProperty("role", "second")
        self.nothing.setWordWrap(True)
        self.search_hidden = QPushButton("Search hidden too")
        layout = QVBoxLayout(page)
        layout.setContentsMargins(12, 8, 12, 12)
        layout.addWidget(self.nothing)
        layout.addWidget(self.search_hidden, 0, Qt.AlignmentFlag.AlignLeft)
        layout.addStretch()
        return page

    def _connect(self) -> None:
        document = self._document
        document.view_changed.connect(self._show)
        document.edits_changed.connect(self._relabel)
        document.selection_changed.connect(self._take_selection)
        self.filter.textChanged.connect(self._query_changed)
        self.filter.returnPressed.connect(self.table.setFocus)
        self.saved.used.connect(self.filter.setText)
        self.saved.select_asked.connect(self._select_found)
        self.select_all.clicked.connect(self._select_listed)
        self.table.installEventFilter(self)
        self.table.viewport().installEventFilter(self)
        self.search_hidden.clicked.connect(self._include_hidden)
        self.table.selectionModel().selectionChanged.connect(self._give_selection)
        self.table.entered.connect(self._hover)
        self.table.verticalScrollBar().valueChanged.connect(self._count)
        self.model.modelReset.connect(self._take_selection)

    # what it shows

    def _query_changed(self) -> None:
        self._with_hidden = False
        self._show()

    def _include_hidden(self) -> None:
        self._with_hidden = True
        self._show()

    def _show(self) -> None:
        view = self._document.view
        fault = ""
        if view is None:
            self.model.show(None, None)
        else:
            found, fault = self._found(view)
            self.model.show(view, found if self._with_hidden else found & view.shown)
        self.fault.setText(fault)
        self.fault.setVisible(bool(fault))
        set_property(self.filter, "faulty", bool(fault))
        self._show_nothing()
        self._count()

    def _found(self, view: GraphView) -> tuple[Bools, str]:
        """What the query finds; all that is shown where it makes no sense, and why not.

        What was refused is not tried again before the query changes: a slow pattern would hold every slider up.
        """
        text, fault = self._refused
        if text != self.filter.text():
            try:
                self._refused = ("", "")
                return matches(parse(self.filter.text()), view), ""
            except GraphError as error:
                fault = str(error)
                self._refused = (self.filter.text(), fault)
        elif not text:
            return matches((), view), ""
        return view.shown.copy(), fault

    def _relabel(self) -> None:
        view = self._document.view
        if view is not None and view is not self.model.view:
            self._show()

    def _show_nothing(self) -> None:
        view, query = self._document.view, self.filter.text().strip()
        empty = self.model.rowCount() == 0
        self.pages.setCurrentIndex(int(empty))
        if not empty:
            return
        hidden = 0 if view is None else view.hidden_count(HiddenBy.INFLUENCE) + view.hidden_count(HiddenBy.NO_LINKS)
        self.search_hidden.setVisible(bool(query) and hidden > 0 and not self._with_hidden)
        if view is None:
            self.nothing.setText("No graph yet.")
        elif self._with_hidden or not hidden:
            self.nothing.setText(f"No node matches “{query}”.")
        else:
            self.nothing.setText(f"No node matches “{query}”. {hidden:,} nodes are hidden by pruning.")

    def _count(self) -> None:
        n = self.model.rowCount()
        bottom = self.table.viewport().height() - 1
        last = self.table.rowAt(bottom) if bottom > 0 else -1
        below = n - 1 - last if last >= 0 else 0
        verb = "match" if self.filter.text().strip() else "shown"
        self.select_all.setText(f"Select all {n:,}")
        self.select_all.setVisible(n > 0 and bool(self.filter.text().strip()) and not self.fault.text())
        self.count.setText("" if n == 0 else f"{n:,} {verb}" + (f", {below:,} below" if below else ""))

    # selection, the same as the canvas's

    def _select_listed(self) -> None:
        view, rows = self._document.view, range(self.model.rowCount())
        if view is not None:
            nodes = [self.model.node(row) for row in rows]
            self._document.select(sorted(nodes, key=lambda node: float(view.influence[node])))

    def _select_found(self, query: str) -> None:
        """Select what a saved filter finds; what is wrong with it is said below the field, where it is put."""
        view = self._document.view
        self.filter.setText(query)
        if view is not None and not self.fault.text():
            self._document.select(find(view, query)[::-1].tolist())

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """The menu of the row under the mouse, or of the current one; the table would take a key's place wrongly."""
        if not isinstance(event, QContextMenuEvent):
            return False
        by_key = event.reason() == QContextMenuEvent.Reason.Keyboard
        index = self.table.currentIndex() if by_key else self.table.indexAt(event.pos())
        if index.isValid():
            at = self.table.visualRect(index).center() if by_key else event.pos()
            menu = node_menu(self.table, self._document, self.model.node(index.row()))
            menu.popup(self.table.viewport().mapToGlobal(at))
        return True

    def _take_selection(self) -> None:
        rows = self.model.rows_of(self._document.selection)
        selection = QItemSelection()
        for row in rows:
            selection.select(self.model.index(row, 0), self.model.index(row, self.model.columnCount() - 1))
        chosen = self.table.selectionModel()
        changed = {index.row() for index in chosen.selectedRows()} | set(rows)
        with QSignalBlocker(chosen):
            chosen.select(selection, QItemSelectionModel.SelectionFlag.ClearAndSelect)
            if rows and chosen.currentIndex().row() != rows[-1]:
                chosen.setCurrentIndex(self.model.index(rows[-1], 0), QItemSelectionModel.SelectionFlag.NoUpdate)
        self.model.set_current(self._document.current)
        if rows and not self.table.hasFocus():
            self.table.scrollTo(self.model.index(rows[-1], 0))
        self._repaint_rows(changed)

    def _repaint_rows(self, rows: set[int]) -> None:
        """Paint those of ``rows`` anew that are in view; the table was not told that they changed."""
        viewport, first = self.table.viewport(), max(self.table.rowAt(0), 0)
        for row in rows & set(range(first, first + viewport.height() // max(self.table.rowHeight(first), 1) + 2)):
            top = self.table.rowViewportPosition(row)
            viewport.update(0, top, viewport.width(), self.table.rowHeight(row))

    def _give_selection(self) -> None:
        rows = [index.row() for index in self.table.selectionModel().selectedRows()]
        current = self.table.selectionModel().currentIndex().row()
        rows.sort(key=lambda row: row == current)
        self._document.select(self.model.node(row) for row in rows)

    def _hover(self, index: object) -> None:
        self._document.hover(self.model.node(index.row()))  # type: ignore[attr-defined]

    def leaveEvent(self, event: object) -> None:
        self._document.hover(None)

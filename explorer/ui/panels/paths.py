"""The paths panel: the strongest ways between two ends, lit on the canvas, copied as text or as a table."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QGridLayout, QLabel, QMenu, QPushButton, QWidget

from explorer.circuits.graph import NodeKey
from explorer.session.paths import Paths, Way, as_csv, as_text, ends_of, paths
from explorer.session.view import rows_of
from explorer.ui.document import Document
from explorer.ui.panels.aside import AsidePanel
from explorer.ui.widgets.elided import ElidedLabel
from explorer.ui.widgets.icons import icon
from explorer.ui.widgets.look import per_cent
from explorer.ui.widgets.two_lines import TwoLines

Keys = tuple[NodeKey, ...]


class PathsPanel(AsidePanel):
    """``found`` is what is listed. An end that was not chosen, or that the graph lacks, is that of ``ends_of``."""

    TITLE = "Paths"

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(document, parent)
        self.found: Paths | None = None
        self._ends: tuple[Keys, Keys] = ((), ())
        self.start, self.end = ElidedLabel(), ElidedLabel()
        self.take_start, self.take_end = QPushButton("Selected"), QPushButton("Selected")
        self.take_start.clicked.connect(self._take_start)
        self.take_end.clicked.connect(self._take_end)
        self.copy = QPushButton(icon("copy"), "Copy")
        self.copy.setProperty("small", True)
        menu = QMenu(self.copy)
        menu.addAction("As text", self._copy_text)
        menu.addAction("As a table (CSV)", self._copy_table)
        self.copy.setMenu(menu)
        self.page.addLayout(self._ends_grid())
        self.page.addWidget(self.nothing)
        self.page.addWidget(self.list, 1)
        self.page.addStretch()
        foot = QGridLayout()
        foot.setContentsMargins(12, 0, 12, 0)
        foot.addWidget(self.copy, 0, 0)
        foot.setColumnStretch(1, 1)
        self.page.addLayout(foot)
        self.list.itemActivated.connect(self._select)
        document.selection_changed.connect(self._enable)
        self.look()

    def between(self) -> None:
        """Look for the paths that the selection asks for."""
        view = self._document.view
        if view is not None:
            start, end = ends_of(view, self._document.selection)
            self._ends = (tuple(map(view.graph.key, start)), tuple(map(view.graph.key, end)))
            self.look()

    def look(self) -> None:
        view = self._document.view
        self._enable()
        if view is None:
            self.found = None
            self._list()
            return
        chosen = [rows_of(view.graph, keys).tolist() for keys in self._ends]
        start, end = (own or usual for own, usual in zip(chosen, ends_of(view, ()), strict=True))
        self.found = paths(view, start, end)
        self._list()

    def nodes_of(self, row: int) -> tuple[int, ...]:
        return self.found.ways[row].nodes if self.found is not None and row < len(self.found.ways) else ()

    def is_path(self) -> bool:
        return True

    def beside(self) -> tuple[Sequence[Sequence[int]], str]:
        if self.found is None or not self.found.ways:
            return (), ""
        return tuple(way.nodes for way in self.found.ways), _whole(self.found)

    def _ends_grid(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setContentsMargins(12, 0, 12, 0)
        grid.setColumnStretch(1, 1)
        rows = (("From", self.start, self.take_start), ("To", self.end, self.take_end))
        for at, (name, words, button) in enumerate(rows):
            button.setProperty("small", True)
            button.setAccessibleName(f"{name} the selected nodes")
            button.setToolTip(f"{name} the selected nodes")
            caption = QLabel(name)
            caption.setProperty("role", "caption")
            for column, part in enumerate((caption, words, button)):
                grid.addWidget(part, at, column)
        return grid

    def _list(self) -> None:
        found = self.found
        ways = found.ways if found is not None else ()
        self.list.show_rows(map(_row, ways), 0 if ways else -1)
        self.start.set_text(found.start if found is not None else "")
        self.end.set_text(found.end if found is not None else "")
        self.count.setText(f"{len(ways)} hold {per_cent(found.share)} of all" if found is not None and ways else "")
        self.count.setToolTip("Share of these paths in all paths of the whole graph between the two ends")
        self.copy.setEnabled(bool(ways))
        nothing = "" if ways else "No drawn links lead there; prune looser, or choose other ends."
        self._say("No graph yet." if found is None else nothing)

    def _enable(self) -> None:
        for button in (self.take_start, self.take_end):
            button.setEnabled(bool(self._document.selection))

    def _take_start(self) -> None:
        self._ends = (self._selected(), self._ends[1])
        self.look()

    def _take_end(self) -> None:
        self._ends = (self._ends[0], self._selected())
        self.look()

    def _selected(self) -> Keys:
        graph = self._document.graph
        return tuple(graph.key(node) for node in self._document.selection) if graph is not None else ()

    def _select(self) -> None:
        """The nodes of the current path as a set."""
        self._document.select(self.nodes_of(self.list.currentRow()))

    def _copy_text(self) -> None:
        if self.found is not None:
            QGuiApplication.clipboard().setText(as_text(self.found))

    def _copy_table(self) -> None:
        if self.found is not None:
            QGuiApplication.clipboard().setText(as_csv(self.found))


def _whole(found: Paths) -> str:
    n = len(found.ways)
    return f"{n} {'paths hold' if n > 1 else 'path holds'} {per_cent(found.share)} of all"


def _row(way: Way) -> TwoLines:
    verb = "raises" if way.raises else "lowers"
    tone = "sign_raise" if way.raises else "sign_lower"
    chain = " → ".join(way.labels)
    right = f"{per_cent(way.error)} error"
    share = f"{100 * way.share:.2g} %"
    error = f"{right}: the chance that a walk back along it leaves into what is unexplained"
    return TwoLines(f"{share}  {verb}", right, chain, tone, f"{chain}; {share} of all paths, {verb}; {error}")

"""The validation panel: what the graph predicts of each thing, what the model does, and whether the circuit is it."""

from __future__ import annotations

from typing import Any

import numpy as np
from PySide6.QtCore import QModelIndex, Qt, Signal
from PySide6.QtWidgets import (
    QDoubleSpinBox,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from explorer.circuits.graph import Graph, NodeKey
from explorer.circuits.graph_arrays import to_arrays
from explorer.errors import ExplorerError
from explorer.io import validation_file as journal
from explorer.session.figure import Figure
from explorer.session.figure_validation import effects_figure, effects_places, effects_plot, layers_figure
from explorer.session.tested import mark_tested
from explorer.session.theme import Theme
from explorer.session.validation import Question, Validation, question, to_message, validation_of
from explorer.session.verdict import sentences
from explorer.ui.document import Document
from explorer.ui.panels.validation_model import MEASURED, NAME, EffectsModel
from explorer.ui.widgets.choice import choice_of
from explorer.ui.widgets.figure_view import FigureView
from explorer.ui.widgets.look import px
from explorer.ui.widgets.scaling import at_least, on_text_size
from explorer.ui.widgets.share_bar import list_rows

JOB = "validate"
ROW = 22
EXPORTS = ("table", "figure", "layers")
NEAR = 14.0  # pixels from a mark that still mean it
SCOPES = (("shown", "Nodes shown"), ("pinned", "Pinned and groups"), ("all", "All nodes"))
MODES = (("iterative", "Attention held"), ("free", "Attention free"))
EFFECTS = "Size of effects. Blue raises, orange lowers; a ring is another sign than predicted"
LAYERS = "Replacement model against model, cosine. Thick: large pushes; thin: small; dashed: MLPs held"
NO_GRAPH = "Run a prompt, or open a graph and its model, to test it."


class ValidationPanel(QWidget):
    """Runs, stops and resumes the job; what was measured before is there without an engine."""

    TITLE = "Validation"
    export_asked = Signal(str)  # one of EXPORTS

    def __init__(self, document: Document, engine: Any, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document, self._engine = document, engine
        self._of: Graph | None = None  # the graph whose run is under way
        self._asked: Question | str = NO_GRAPH
        self.found: Validation | None = None
        self.setProperty("panel", True)
        self.setAccessibleName("Validation")
        self.model = EffectsModel(self)
        self._build()
        self._connect()
        self.recall()

    # building

    def _build(self) -> None:
        self.scope, self.mode = choice_of("What is tested", SCOPES), choice_of("Mode of knock-on effects", MODES)
        self.factor = QDoubleSpinBox()
        self.factor.setRange(-10.0, 10.0)
        self.factor.setSingleStep(0.5)
        self.factor.setPrefix("× ")
        self.factor.lineEdit().setTextMargins(9, 0, 9, 0)  # the style sheet's padding does not reach it
        self.factor.setAccessibleName("Factor that each thing is set to")
        self.factor.setToolTip("0 switches each thing off, −1 turns it round, 2 doubles it")
        self.run, self.stop = QPushButton("Run"), QPushButton("Stop")
        self.run.setProperty("primary", True)
        self.exports = {what: QPushButton(f"Export {what}…") for what in EXPORTS}
        head = QHBoxLayout()
        head.setSpacing(8)
        for widget in (self.scope, self.factor, self.mode, self.run, self.stop):
            head.addWidget(widget)
        head.addStretch()
        for widget in self.exports.values():
            head.addWidget(widget)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName("Progress of the validation")
        self.words = QLabel(NO_GRAPH)
        self.words.setProperty("role", "caption")
        self.said = QLabel()
        self.said.setWordWrap(True)
        self.said.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 12, 12, 12)
        layout.setSpacing(8)
        layout.addLayout(head)
        layout.addWidget(self.bar)
        layout.addWidget(self.words)
        layout.addLayout(self._body(), 1)

    def _body(self) -> QHBoxLayout:
        self.scatter = FigureView("Predicted against measured effects", self._effects_figure)
        self.layers = FigureView("Faithfulness of the replacement model by layer", self._layers_figure)
        left = QVBoxLayout()
        left.setSpacing(4)
        for words, view, share in ((EFFECTS, self.scatter, 3), (LAYERS, self.layers, 2)):
            caption = QLabel(words)
            caption.setProperty("role", "caption")
            caption.setWordWrap(True)
            left.addWidget(caption)
            left.addWidget(view, share)
        at_least(self.scatter, width=300, height=200)
        at_least(self.layers, width=300, height=130)
        right = QVBoxLayout()
        right.setSpacing(8)
        right.addWidget(self.said)
        right.addWidget(self._table(), 1)
        body = QHBoxLayout()
        body.setSpacing(12)
        body.addLayout(left, 2)
        body.addLayout(right, 3)
        return body

    def _table(self) -> QTableView:
        self.table = table = QTableView()
        table.setModel(self.model)
        list_rows(table, "Table of tested things", ROW, NAME)
        table.setSortingEnabled(True)
        header = table.horizontalHeader()
        header.setSortIndicatorShown(False)  # the arrow would cover the name; the model writes it
        header.setSortIndicator(MEASURED, Qt.SortOrder.DescendingOrder)
        on_text_size(self, self._measure)
        return table

    def _measure(self) -> None:
        self.table.verticalHeader().setDefaultSectionSize(px(ROW))
        for column in range(1, self.model.columnCount()):
            self.table.setColumnWidth(column, px(74))

    def _connect(self) -> None:
        document, engine = self._document, self._engine
        document.graph_changed.connect(self._graph_changed)
        document.edits_changed.connect(self._edited)
        document.model_changed.connect(self._refresh)
        document.selection_changed.connect(self._point_out)
        engine.found.connect(self._take)
        engine.progress.connect(self._progress)
        engine.job_finished.connect(self._over)
        engine.job_failed.connect(self._over)
        engine.job_cancelled.connect(self._over)
        self.run.clicked.connect(self.start)
        self.stop.clicked.connect(self._stop)
        for control in (self.scope.currentIndexChanged, self.mode.currentIndexChanged, self.factor.valueChanged):
            control.connect(self.recall)
        self.scatter.pressed.connect(self._press)
        self.table.selectionModel().currentRowChanged.connect(self._row_chosen)
        self.exports["table"].clicked.connect(self._ask_table)
        self.exports["figure"].clicked.connect(self._ask_figure)
        self.exports["layers"].clicked.connect(self._ask_layers)

    # what is asked

    def start(self) -> None:
        """Measure what is not measured yet."""
        graph, asked = self._document.own_graph, self._question()
        if graph is None or isinstance(asked, str):
            return
        head, arrays = to_arrays(graph)
        self._of = graph
        self._engine.ask(JOB, head=head, arrays=arrays, question=to_message(asked))
        self._refresh()

    def recall(self) -> None:
        """Show what was measured before in this way."""
        graph, asked = self._document.own_graph, self._question()
        self.found, self._asked = None, asked
        if graph is not None and not isinstance(asked, str):
            model = self._document.model
            self.found = journal.recall(graph, asked, model.dtype if model is not None else "")
        self._show()

    def _question(self) -> Question | str:
        """What the controls ask, or why that cannot be."""
        view = self._document.view
        if view is None or self._document.is_partial:
            return NO_GRAPH
        factor, mode = self.factor.value(), str(self.mode.currentData())
        if factor == 1.0:
            return "At × 1 everything is as it is; choose another factor."
        try:
            return question(view, str(self.scope.currentData()), factor=factor, mode=mode)
        except ExplorerError as error:
            return str(error)

    def _stop(self) -> None:
        self._engine.cancel(JOB)

    def _ask_table(self) -> None:
        self.export_asked.emit("table")

    def _ask_figure(self) -> None:
        self.export_asked.emit("figure")

    def _ask_layers(self) -> None:
        self.export_asked.emit("layers")

    # what comes

    def _take(self, job: str, values: Any) -> None:
        if job == JOB and self._of is not None and self._of is self._document.own_graph:
            self.found = validation_of({name: value for name, value in values.items() if name != "journal"})
            self._show()

    def _progress(self, job: str, done: int, total: int, text: str, left: float) -> None:
        if job == JOB:
            self.bar.setRange(0, total)
            self.bar.setValue(done)
            more = f", {left:.0f} s left" if left >= 0 else ""
            self.words.setText(f"{text}, {done:,} of {total:,}{more}" if total else text)

    def _over(self, job: str) -> None:
        if job != JOB or self._of is None:
            return
        same, self._of = self._of is self._document.own_graph, None
        if same:
            self.recall()
            self._mark_tested()

    def _mark_tested(self) -> None:
        view = self._document.view
        if view is not None and self.found is not None and not self._document.is_partial:
            self._document.do("mark tested nodes", mark_tested(view, self.found))

    def _graph_changed(self) -> None:
        if self._of is not None and self._of is not self._document.own_graph:
            self._engine.cancel(JOB)
            self._of = None
        self.recall()

    def _edited(self) -> None:
        """Show what is asked now, if the edit changed that."""
        if self._of is None and self._question() != self._asked:
            self.recall()

    # what it shows

    def _show(self) -> None:
        self.model.show(self.found.effects if self.found is not None else ())
        self.said.setText("\n".join(sentences(self.found)) if self.found is not None else "")
        self.scatter.update()
        self.layers.update()
        self._refresh()
        self._point_out()

    def _refresh(self) -> None:
        running, asked = self._of is not None, self._question()
        n = len(self.found.measured) if self.found is not None else 0
        total = len(self.found.effects) if self.found is not None else 0
        can = not isinstance(asked, str) and self._document.model is not None and not running
        self.run.setEnabled(can)
        self.run.setText("Resume" if 0 < n < total else "Run")
        self.stop.setEnabled(running)
        for control in (self.scope, self.mode, self.factor):
            control.setEnabled(not running)
        for what, button in self.exports.items():
            button.setEnabled(bool(self.found is not None and self.found.layers) if what == "layers" else n > 0)
        if not running:
            self.bar.setRange(0, max(total, 1))
            self.bar.setValue(n)
            self.words.setText(self._state(asked, n, total))

    def _state(self, asked: Question | str, n: int, total: int) -> str:
        if isinstance(asked, str):
            return asked
        lacks = "" if self._document.model is not None else " Open its model to measure."
        return f"{n:,} of {total:,} measured.{lacks}"

    def _effects_figure(self, theme: Theme, width: float, height: float) -> Figure | None:
        if self.found is None or not self.found.measured:
            return None
        return effects_figure(self.found, theme, width, height, self._chosen())

    def _layers_figure(self, theme: Theme, width: float, height: float) -> Figure | None:
        return layers_figure(self.found, theme, width, height) if self.found is not None and self.found.layers else None

    # selection, the same as the canvas's

    def _chosen(self) -> str:
        graph, node = self._document.graph, self._document.current
        return "" if graph is None or node is None else str(graph.key(node))

    def _press(self, x: float, y: float) -> None:
        if self.found is None or not self.found.measured:
            return
        places = effects_places(self.found, effects_plot(self.found, *self.scatter.size_of_figure))
        away = np.hypot(*(places - [x, y]).T)
        nearest = int(away.argmin())
        if away[nearest] <= NEAR:
            self._select(self.found.measured[nearest].members)

    def _row_chosen(self, now: QModelIndex, before: QModelIndex) -> None:
        if now.isValid() and self.table.hasFocus():
            self._select(self.model.effect(now.row()).members)

    def _select(self, members: tuple[str, ...]) -> None:
        graph = self._document.graph
        if graph is not None:
            keys = [NodeKey.parse(text) for text in members]
            self._document.select([graph.index[key] for key in keys if key in graph.index])

    def _point_out(self) -> None:
        row = self.model.row_of(self._chosen())
        if row >= 0 and row != self.table.currentIndex().row():
            self.table.setCurrentIndex(self.model.index(row, 0))
        self.scatter.update()


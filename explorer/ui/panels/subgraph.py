"""The subgraph's page: the canvas, its legend, how much of the graph its boxes explain, and its part of the strip."""

from __future__ import annotations

import math

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QToolButton, QVBoxLayout, QWidget

from explorer.errors import ExplorerError
from explorer.io import graphviz
from explorer.session.diagram import slabs
from explorer.session.edits import move_boxes
from explorer.session.figure_subgraph import counts, legend
from explorer.session.layered import Tie
from explorer.session.subgraph import subgraph_scores
from explorer.ui.canvas.subgraph import SubgraphCanvas
from explorer.ui.document import Document
from explorer.ui.export import paint_items
from explorer.ui.widgets.elided import ElidedLabel
from explorer.ui.widgets.icons import icon
from explorer.ui.widgets.look import current_theme, px, text_scale
from explorer.ui.widgets.scaling import fixed
from explorer.ui.widgets.value_slider import ValueSlider

LEGEND, STRIP = 30, 26
MOST_OVER = 200  # thousandths: the slider's right end is 20 %
OUTSIDE = "everything outside of the boxes counted as error"


class SubgraphPage(QWidget):
    """What is drawn, and below it what the marks mean and how far the boxes explain the target."""

    TITLE = "Subgraph"

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self.setAccessibleName("Subgraph and its legend")
        self.canvas = SubgraphCanvas(document)
        self.legend = _Legend(self.canvas)
        self.scores = ElidedLabel(mode=Qt.TextElideMode.ElideRight)
        self.scores.setProperty("role", "caption")
        self.setProperty("panel", True)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.scores.setContentsMargins(12, 0, 12, 0)
        fixed(self.scores, height=STRIP)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.canvas, 1)
        layout.addWidget(self.legend)
        layout.addWidget(self.scores)
        self.canvas.changed.connect(self._show)
        self._show()

    def _show(self) -> None:
        shown = self.canvas.diagram
        self.legend.update()
        if shown is None:
            self.scores.set_text("")
            return
        found = subgraph_scores(shown.view, shown.drawn)
        said = f"{counts(shown)}"
        if not math.isnan(found.replacement):
            said += f"  ·  replacement {found.replacement:.2f}, completeness {found.completeness_paper:.2f}, {OUTSIDE}"
        self.scores.set_text(said)


class SubgraphBar(QFrame):
    """Which links are drawn, their weights, the layout, and the ways out."""

    export_asked = Signal()
    failed = Signal(str)

    def __init__(self, document: Document, canvas: SubgraphCanvas, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document, self._canvas = document, canvas
        self.setProperty("bar", True)
        self.setAccessibleName("Subgraph’s settings")
        self.over = ValueSlider("Links over", "Least share of a link that is drawn")
        self.over.slider.setRange(0, MOST_OVER)
        self.over.slider.setSingleStep(5)
        self.over.set_value(canvas.over)
        self.weights = QPushButton("Weights")
        self.weights.setCheckable(True)
        self.weights.setProperty("tab", True)
        self.weights.setToolTip("Write the share on every link, not only on those of what is selected")
        self.tidy = QPushButton(icon("tidy"), "Tidy layout")
        self.tidy.setProperty("tab", True)
        self.tidy.setToolTip("Leave the places of all boxes to the program again")
        self.fit = QToolButton()
        self.fit.setIcon(icon("fit"))
        self.fit.setProperty("quiet", True)
        self.fit.setAccessibleName("Fit the subgraph into the window")
        self.fit.setToolTip("Fit all (F), no smaller than names can be read")
        self.figure = QPushButton(icon("export"), "Figure")
        self.figure.setToolTip("Export as SVG, PDF, PNG or a web page (Ctrl+E)")
        self._lay_out()
        self.over.changed.connect(self._set_over)
        self.weights.toggled.connect(canvas.set_weights)
        self.tidy.clicked.connect(canvas.tidy)
        self.fit.clicked.connect(canvas.fit)
        self.figure.clicked.connect(self.export_asked)
        canvas.changed.connect(self._show)
        document.edits_changed.connect(self._show)
        self._show()

    def _lay_out(self) -> None:
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 4, 10, 4)
        row.setSpacing(8)
        self.dot = QPushButton("With dot")
        self.dot.setProperty("tab", True)
        self.dot.setToolTip("Put all boxes where graphviz’s dot would; Undo takes it back")
        self.dot.setVisible(graphviz.is_installed())
        self.dot.clicked.connect(self._lay_out_with_dot)
        for part in (self.over, self.weights, self.tidy, self.dot):
            row.addWidget(part)
        row.addStretch()
        row.addWidget(self.fit)
        row.addWidget(self.figure)

    def _lay_out_with_dot(self) -> None:
        """One step of the history; a fault leaves the layout as it was and is told."""
        shown = self._canvas.diagram
        if shown is None:
            return
        ties = [Tie(link.source, link.target, link.share) for link in shown.links]
        try:
            places = graphviz.laid_out(slabs(shown.view, shown.drawn, shown.plates), ties)
        except ExplorerError as error:
            self.failed.emit(str(error))
            return
        self._document.do("lay out with dot", move_boxes(self._document.edits, places))
        self._canvas.fit()

    def _set_over(self, share: float) -> None:
        self._canvas.over = share

    def _show(self) -> None:
        there = self._canvas.diagram is not None
        for part in (self.over, self.weights, self.fit):
            part.setEnabled(there)
        for part in (self.tidy, self.dot, self.figure):
            part.setEnabled(there and not self._document.is_partial)


class _Legend(QWidget):
    """The marks that are on the canvas."""

    def __init__(self, canvas: SubgraphCanvas) -> None:
        super().__init__()
        self._canvas = canvas
        self.setAccessibleName("Legend")
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)

    def sizeHint(self) -> QSize:
        return QSize(300, px(LEGEND))

    def minimumSizeHint(self) -> QSize:
        return QSize(0, px(LEGEND))

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = current_theme()
        with QPainter(self) as painter:
            painter.fillRect(self.rect(), QColor(theme.surface_canvas))
            painter.fillRect(0, 0, self.width(), 1, QColor(theme.line))
            if self._canvas.diagram is None:
                return
            painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.TextAntialiasing)
            size = round(11 * text_scale())
            right = self.width() - 12.0
            items, _ = legend(self._canvas.diagram, theme, size, 12.0, px(LEGEND) / 2 - 16.0, right, one_line=True)
            paint_items(items[1:], painter)  # without its hairline

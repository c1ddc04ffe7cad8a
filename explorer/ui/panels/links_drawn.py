"""How many of the strongest links are drawn: a slider from a few to all, and the same in steps."""

from __future__ import annotations

from math import log

from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSlider, QWidget

from explorer.session.edits import draw_links
from explorer.session.view import GraphView
from explorer.ui.document import Document
from explorer.ui.dragged import Dragged

TEXT = "change how many links are drawn"
FEWEST = 20
STEPS = 100


class LinksDrawn(QWidget):
    """Equal ways on the slider are equal factors; at its end all links are drawn, however many there will be."""

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document, self._dragged = document, Dragged(document)
        name, self.slider, self.value = QLabel("Links drawn"), QSlider(Qt.Orientation.Horizontal), QLabel()
        self.slider.setRange(0, STEPS)
        self.slider.setPageStep(10)
        self.slider.setAccessibleName("How many of the strongest links are drawn")
        self.setToolTip("Draw only the strongest links, or all; the weakest of very many become a grey shade")
        self.value.setProperty("role", "section")
        name.setBuddy(self.slider)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(name)
        row.addWidget(self.slider, 1)
        row.addWidget(self.value)
        self.slider.valueChanged.connect(self._take)
        self.slider.sliderReleased.connect(self._dragged.rest)
        document.view_changed.connect(self.show_drawn)
        self.show_drawn()

    def show_drawn(self) -> None:
        """Show what is drawn of the document's graph."""
        view = self._document.view
        self.setEnabled(view is not None and not self._document.is_partial)
        if view is None:
            return
        drawn, total = view.edits.drawn, int(view.links.sum())
        with QSignalBlocker(self.slider):
            self.slider.setValue(step_of(drawn, view.graph.n_edges))
        self.value.setText(f"all {total:,}" if drawn >= total else f"{drawn:,} of {total:,}")

    def _take(self, step: int) -> None:
        view = self._document.view
        if view is not None:
            self._dragged.step(TEXT, draw_links(self._document.edits, drawn_at(step, view.graph.n_edges)))


def step_of(drawn: int, total: int) -> int:
    """Where the slider stands for so many of ``total`` links."""
    if drawn <= FEWEST or total <= FEWEST:
        return STEPS if drawn >= total else 0
    return round(STEPS * min(1.0, log(drawn / FEWEST) / log(total / FEWEST)))


def drawn_at(step: int, total: int) -> int:
    """How many of ``total`` links are drawn at a step of the slider, to two figures; at the last one all."""
    if step >= STEPS or total <= FEWEST:
        return total
    count = FEWEST * (total / FEWEST) ** (step / STEPS)
    return int(float(f"{count:.2g}"))


def draw_more(document: Document, factor: float) -> None:
    """Draw ``factor`` times as many links, at least a few and at most all that are shown."""
    view = document.view
    if view is not None:
        drawn = round(min(view.edits.drawn, _shown(view)) * factor)
        document.do(TEXT, draw_links(document.edits, max(FEWEST, min(drawn, _shown(view)))))


def _shown(view: GraphView) -> int:
    return int(view.links.sum())

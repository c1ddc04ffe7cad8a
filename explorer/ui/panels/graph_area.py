"""The centre: the canvas, what it says while it is empty, and the note that it is out of date or a part."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QRect, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QApplication,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from explorer.session.prompt import prompt_text
from explorer.ui.document import Document
from explorer.ui.widgets.look import set_property, token_text

PROMPT_SHOWN = 60
BELOW_OUTPUTS = 40


class GraphArea(QWidget):
    """Shows ``canvas`` once there is a graph; ``run_asked`` comes from the note that it is out of date."""

    TITLE = "Graph"
    run_asked = Signal()
    model_asked = Signal()
    samples_asked = Signal()

    def __init__(self, document: Document, engine: Any, canvas: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._engine = engine
        self._progress = ""
        self.canvas = canvas
        self.setAccessibleName("Graph and its state")
        self.pages = QStackedWidget()
        self.pages.addWidget(canvas)
        self.pages.addWidget(self._empty())
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.pages)
        self.note = self._note()
        document.graph_changed.connect(self._show)
        document.model_changed.connect(self._show)
        document.prompt_changed.connect(self._show)
        engine.state_changed.connect(self._show)
        engine.job_started.connect(self._job_started)
        engine.progress.connect(self._job_progress)
        engine.job_finished.connect(self._job_over)
        engine.job_failed.connect(self._job_over)
        engine.job_cancelled.connect(self._job_over)
        self._show()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place_note()

    # building

    def _empty(self) -> QWidget:
        page = QWidget()
        page.setProperty("ground", "canvas")
        page.setAutoFillBackground(True)
        page.setBackgroundRole(page.palette().ColorRole.Base)
        self.words = QLabel()
        self.words.setProperty("role", "second")
        self.words.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.words.setWordWrap(True)
        self.open_model = QPushButton("Open a model\u2026")
        self.samples = QPushButton("Samples")
        self.open_model.clicked.connect(self.model_asked)
        self.samples.clicked.connect(self.samples_asked)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addStretch()
        buttons.addWidget(self.open_model)
        buttons.addWidget(self.samples)
        buttons.addStretch()
        layout = QVBoxLayout(page)
        layout.addStretch(2)
        layout.addWidget(self.words)
        layout.addSpacing(8)
        layout.addLayout(buttons)
        layout.addStretch(3)
        return page

    def _note(self) -> QFrame:
        note = QFrame(self)
        note.setProperty("note", True)
        self.note_words = QLabel()
        self.note_words.setTextFormat(Qt.TextFormat.PlainText)
        self.note_run = QPushButton("Run")
        set_property(self.note_run, "small", True)
        self.note_run.clicked.connect(self.run_asked)
        self.note_back = QPushButton("Show the graph before")
        set_property(self.note_back, "small", True)
        self.note_back.clicked.connect(self._engine.hide_partial)
        row = QHBoxLayout(note)
        row.setContentsMargins(10, 5, 6, 5)
        row.setSpacing(10)
        row.addWidget(self.note_words)
        row.addWidget(self.note_run)
        row.addWidget(self.note_back)
        note.hide()
        return note

    # what it shows

    def _show(self) -> None:
        graph = self._document.graph
        if graph is not None and self.pages.currentIndex() == 1:
            self.pages.setCurrentIndex(0)
            if not isinstance(QApplication.focusWidget(), QLineEdit):
                self.canvas.setFocus()
        elif graph is None:
            self.pages.setCurrentIndex(1)
        self._show_empty()
        partial, old = self._document.is_partial, self._document.is_out_of_date
        if partial:
            self.note_words.setText(self._how_far())
        elif old:
            self.note_words.setText(f"The prompt changed. This graph is for “{self._old_prompt()}”.")
        self.note_run.setVisible(not partial)
        self.note_back.setVisible(partial and self._document.own_graph is not None)
        self.note.setVisible(partial or old)
        self._place_note()

    def _show_empty(self) -> None:
        model = self._document.model
        nothing = model is None and self._engine.job != "open"
        self.open_model.setVisible(nothing)
        self.samples.setVisible(nothing)
        if self._engine.job in ("open", "attribute"):
            self.words.setText(self._progress)
        elif model is not None:
            self.words.setText("Type a prompt and press Run.")
        elif self._engine.state == "starting":
            self.words.setText("Loading the engine. You can open and browse documents now.")
        else:
            self.words.setText("Open a model, a graph or a sample to begin.")

    def _how_far(self) -> str:
        graph = self._document.graph
        done, total = graph.traced or (0, 0) if graph is not None else (0, 0)
        return f"Part of the graph: {done:,} of {total:,} features traced so far."

    def _old_prompt(self) -> str:
        graph = self._document.graph
        assert graph is not None
        text = token_text(prompt_text(graph)).strip()
        return text if len(text) <= PROMPT_SHOWN else text[: PROMPT_SHOWN - 1].rstrip() + "…"

    def _place_note(self) -> None:
        if self.note.isHidden():
            return
        size = self.note.sizeHint()
        width = min(size.width(), self.width() - 24)
        self.note.setGeometry(QRect((self.width() - width) // 2, BELOW_OUTPUTS, width, size.height()))
        self.note.raise_()

    # jobs

    def _job_started(self, job: str) -> None:
        self._progress = ""
        self._show_empty()

    def _job_progress(self, job: str, done: int, total: int, text: str, left: float) -> None:
        self._progress = text
        self._show_empty()

    def _job_over(self, job: str) -> None:
        self._progress = ""
        self._show()

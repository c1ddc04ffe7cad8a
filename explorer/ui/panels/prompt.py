"""The prompt bar: the model, the prompt in tokens, what to explain, and Run."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QSignalBlocker, Qt, QTimer, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QMenu, QPushButton, QToolButton, QVBoxLayout, QWidget

from explorer.session.model_info import NEURONS, ModelInfo
from explorer.session.prompt import Prompt
from explorer.session.targets import TargetChoice
from explorer.ui.document import Document
from explorer.ui.panels.target_picker import TargetPicker
from explorer.ui.widgets.elided import ElidedLabel
from explorer.ui.widgets.icons import icon
from explorer.ui.widgets.look import set_property
from explorer.ui.widgets.scaling import at_least, fixed
from explorer.ui.widgets.token_edit import TokenEdit

REST = 150
MODEL_WIDTH = 228
KINDS = {"plt": "per-layer transcoders", "clt": "cross-layer transcoders", NEURONS: "its own MLP neurons"}


class PromptPanel(QWidget):
    """``run_asked`` carries the TargetChoice; ``locate_asked`` asks for the model of a document."""

    TITLE = "Prompt"
    run_asked = Signal(object)
    cancel_asked = Signal()
    locate_asked = Signal()

    def __init__(self, document: Document, engine: Any, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._engine = engine
        self._asked: str | None = None  # what the engine is cutting now
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(REST)
        self.setProperty("panel", True)
        self.setAccessibleName("Prompt bar")
        self._build()
        self._connect()
        self._show_model()
        self._show_prompt()
        self._show_state()

    def set_text(self, text: str) -> None:
        """Write ``text`` as if it had been typed, and have it cut at once."""
        self.edit.setText(text)
        self._tokenize()

    def put(self, prompt: Prompt) -> None:
        """Show the prompt of what was opened in place of what is typed or still being cut."""
        self._rest.stop()
        self._asked = None
        self._document.set_prompt(prompt)

    def run(self) -> None:
        """Run, or while a run is under way nothing."""
        if self.action.isEnabled() and not self._running:
            self._tokenize()
            self.run_asked.emit(self.target.choice)

    @property
    def can_run(self) -> bool:
        return self.action.isEnabled() and not self._running

    @property
    def choice(self) -> TargetChoice:
        return self.target.choice

    # building

    def _build(self) -> None:
        self.model = QToolButton()
        self.model.setProperty("quiet", True)
        self.model.setAccessibleName("Model")
        self.model.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
        self.model.setIcon(icon("down"))
        self.model.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.model.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.menu = QMenu(self.model)
        self.model.setMenu(self.menu)
        self.about = ElidedLabel()
        self.about.setProperty("role", "caption")
        self.about.setContentsMargins(6, 0, 0, 0)
        self.locate = QPushButton("Locate\u2026")
        self.locate.setProperty("small", True)
        self.edit = TokenEdit()
        self.explain = QLabel("Explain")
        self.explain.setProperty("role", "second")
        self.target = TargetPicker()
        self.explain.setBuddy(self.target)
        self.action = QPushButton()
        at_least(self.action, width=106)
        self._lay_out()

    def _lay_out(self) -> None:
        names = QVBoxLayout()
        names.setContentsMargins(0, 0, 0, 0)
        names.setSpacing(0)
        names.addWidget(self.model, 0, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignAbsolute)
        names.addWidget(self.about)
        left = QWidget()
        fixed(left, width=MODEL_WIDTH)
        holder = QHBoxLayout(left)
        holder.setContentsMargins(0, 0, 0, 0)
        holder.addLayout(names, 1)
        holder.addWidget(self.locate)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(6, 6, 12, 6)
        layout.setSpacing(8)
        layout.addWidget(left)
        layout.addWidget(self.edit, 1)
        layout.addWidget(self.explain)
        layout.addWidget(self.target)
        layout.addWidget(self.action)
        for control in (self.edit, self.target, self.action):
            fixed(control, height=30)

    def _connect(self) -> None:
        self.edit.textEdited.connect(self._edited)
        self.edit.run_asked.connect(self.run)
        self._rest.timeout.connect(self._tokenize)
        self.action.clicked.connect(self._act)
        self.locate.clicked.connect(self.locate_asked)
        document, engine = self._document, self._engine
        document.model_changed.connect(self._show_model)
        document.graph_changed.connect(self._show_model)
        document.prompt_changed.connect(self._show_prompt)
        document.selection_changed.connect(self._show_current)
        engine.state_changed.connect(self._show_state)
        engine.job_started.connect(self._show_state)
        engine.job_finished.connect(self._show_state)
        engine.job_failed.connect(self._give_up)
        engine.job_cancelled.connect(self._show_state)

    # what it shows

    @property
    def _running(self) -> bool:
        return bool(self._engine.job == "attribute")

    def _show_model(self) -> None:
        model, graph = self._document.model, self._document.graph
        needed = str(graph.provenance.get("model", "")) if graph is not None else ""
        self.locate.setVisible(model is None and graph is not None)
        if model is not None:
            self.model.setText(model.name)
            self.about.set_text(about_transcoders(model))
        elif graph is not None:
            self.model.setText("Browsing only")
            self.about.set_text(f"“{needed or 'the model'}” is not open.")
        else:
            self.model.setText("No model")
            self.about.set_text("Open one to run prompts.")
        set_property(self.model, "strong", True)
        self.edit.setEnabled(model is not None)
        self.target.setEnabled(model is not None)
        self._show_prompt()
        self._show_state()

    def _show_prompt(self) -> None:
        prompt, model = self._document.prompt, self._document.model
        special = (model.special_name if model is not None else "") or "start of text"
        if prompt.text == self._asked:
            self._asked = None
        elif self._asked is None and not self._rest.isActive() and prompt.text != self.edit.text():
            with QSignalBlocker(self.edit):
                self.edit.setText(prompt.text)
        self.edit.show_prompt(prompt, special)
        self.target.show_prompt(prompt)
        self._show_current()
        self._show_state()

    def _show_current(self) -> None:
        graph, node = self._document.graph, self._document.current
        pos = int(graph.nodes.pos[node]) if graph is not None and node is not None else -1
        same = graph is not None and not self._document.is_out_of_date
        self.edit.show_current(pos if same and pos >= 0 else None)

    def _show_state(self) -> None:
        running = self._running
        self.action.setText("Cancel" if running else "Run  Ctrl \u21b5")
        self.action.setIcon(icon("cancel") if running else icon("run", "surface_panel"))
        self.action.setAccessibleName("Cancel the run" if running else "Run")
        set_property(self.action, "primary", not running)
        ready = self._engine.state == "ready" and self._document.model is not None
        self.action.setEnabled(running or (ready and bool(self.edit.text())))

    def _edited(self) -> None:
        self._rest.start()
        self._show_state()

    def _tokenize(self) -> None:
        self._rest.stop()
        if self._document.model is not None and self.edit.text() != self._document.prompt.text:
            self._asked = self.edit.text()
            self._engine.tokenize(self.edit.text())
        self._show_state()

    def _give_up(self) -> None:
        self._asked = None
        self._show_state()

    def _act(self) -> None:
        if self._running:
            self.cancel_asked.emit()
        else:
            self.run()


def about_transcoders(model: ModelInfo) -> str:
    """The line below the model's name: kind of the transcoders, their number of features, precision."""
    kind = KINDS.get(model.transcoder_kind)
    if kind is None:
        return f"no transcoders · {model.dtype}"
    count = model.d_transcoder * model.n_layers
    return f"{kind}{f', {compact(count)}' if count else ''} · {model.dtype}"


def compact(count: int) -> str:
    """2,500,000 as 2.5 M."""
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if count >= size:
            return f"{count / size:.1f}".removesuffix(".0") + f" {unit}"
    return str(count)

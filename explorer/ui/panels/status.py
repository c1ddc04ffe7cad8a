"""The status bar: a sentence from trust (books) to cost (memory, job)."""

from __future__ import annotations

import math
from typing import Any

from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtGui import QHideEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QProgressBar, QPushButton, QWidget

from explorer.circuits.graph import Graph, NodeKind
from explorer.circuits.scores import Scores, books_limit
from explorer.engine.memory import free_memory
from explorer.session.view import GraphView, HiddenBy, rule_words
from explorer.ui.document import Document
from explorer.ui.widgets.elided import ElidedLabel
from explorer.ui.widgets.icons import IconLabel, icon
from explorer.ui.widgets.look import px, residual, set_property

FIRST_TO_GO = (5, 4, 3, 1, 2)  # memory, device, hidden, scores, counts; the books stay
MESSAGE_MS = 6000
MEMORY_MS = 5000
PART_MS = 30  # between two sums of what is shown, which take 11 ms at 500,000 links
QUIET_JOBS = ("tokenize", "hello", "fit")
SCORES_TIP = (
    "Replacement: the share of what reaches the output that comes from tokens and not from errors.\n"
    "Completeness: the share of the nodes' inputs that is not error, averaged by influence.\n"
    "In brackets of what is shown: features that are hidden count as error.\n\n"
    "{tool}\n{paper}\nWithout the tokens put in front: replacement {no_bos}"
)


class StatusPanel(QWidget):
    """``hidden_asked`` asks to show what is hidden, ``worst_asked`` where the books fail."""

    TITLE = "Status"
    hidden_asked = Signal()
    worst_asked = Signal()
    cancel_asked = Signal()

    def __init__(self, document: Document, engine: Any, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._engine = engine
        self.setAccessibleName("Status")
        self._message_end = QTimer(self)
        self._message_end.setSingleShot(True)
        self._message_end.timeout.connect(self._clear_message)
        self._memory_tick = QTimer(self)
        self._memory_tick.setInterval(MEMORY_MS)
        self._memory_tick.timeout.connect(self._show_memory)
        self._build()
        document.graph_changed.connect(self._show)
        document.view_changed.connect(self._show)
        document.model_changed.connect(self._show)
        engine.state_changed.connect(self._show_engine)
        engine.memory_changed.connect(self._show_memory)
        engine.job_started.connect(self._job_started)
        engine.progress.connect(self._progress)
        engine.job_finished.connect(self._job_over)
        engine.job_failed.connect(self._job_over)
        engine.job_cancelled.connect(self._job_over)
        self._part_later = QTimer(self, singleShot=True, interval=PART_MS)
        self._part_later.timeout.connect(self._show_part)
        self._part_of: tuple[Graph | None, Scores | None] = (None, None)
        self._show()

    def say(self, text: str, tone: str = "") -> None:
        """Show ``text`` for six seconds; ``tone`` may be stale or danger."""
        set_property(self.message, "role", tone or "caption")
        self.message.set_text(text)
        self.message.show()
        self._message_end.start(MESSAGE_MS)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._show_memory()
        self._memory_tick.start()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._memory_tick.stop()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._make_room()

    # building

    def _build(self) -> None:
        self.books_icon = IconLabel("check")
        self.books = QLabel()
        self.show_where = self._link("Show where")
        self.scores = QLabel()
        self.counts = QLabel()
        self.hidden = self._link("")
        self.device = QLabel()
        self.memory = QLabel()
        self.message = ElidedLabel()
        self.job = ElidedLabel()
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setFixedSize(px(72), 4)
        self.bar.setAccessibleName("Progress of the job")
        self.left = QLabel()
        self.cancel = QPushButton(icon("cancel"), "Cancel")
        self.cancel.setProperty("small", True)
        self.cancel.setProperty("inline", True)
        self.message.hide()
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 8, 0)
        layout.setSpacing(0)
        self._parts = [
            self._part(layout, self.books_icon, self.books, self.show_where),
            self._part(layout, self.scores),
            self._part(layout, self.counts),
            self._part(layout, self.hidden),
            self._part(layout, self.device),
            self._part(layout, self.memory),
        ]
        layout.addSpacing(10)
        layout.addWidget(self.message, 1)
        layout.addStretch()
        self._job = QWidget()
        row = QHBoxLayout(self._job)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        for widget in (self.job, self.bar, self.left, self.cancel):
            row.addWidget(widget)
        layout.addWidget(self._job)
        self._job.hide()
        self.hidden.clicked.connect(self.hidden_asked)
        self.show_where.clicked.connect(self.worst_asked)
        self.cancel.clicked.connect(self.cancel_asked)

    def _part(self, layout: QHBoxLayout, *widgets: QWidget) -> QWidget:
        part = QFrame()
        part.setProperty("part", True)
        row = QHBoxLayout(part)
        row.setContentsMargins(10, 0, 10, 0)
        row.setSpacing(5)
        for widget in widgets:
            if isinstance(widget, QLabel):
                widget.setTextFormat(Qt.TextFormat.RichText)
            row.addWidget(widget)
        layout.addWidget(part)
        return part

    def _link(self, text: str) -> QPushButton:
        button = QPushButton(text)
        button.setProperty("link", True)
        return button

    # what it shows

    def _show(self) -> None:
        view = self._document.view
        self._show_books()
        self._show_scores()
        if not self._part_later.isActive():
            self._part_later.start()
        self.counts.setText(_counts(view) if view is not None else "")
        self.hidden.setText(_hidden(view)[0] if view is not None else "")
        self.hidden.setToolTip(_hidden(view)[1] if view is not None else "")
        self._show_engine()

    def _show_books(self) -> None:
        graph, off = self._document.graph, self._document.residual
        self.show_where.hide()
        self.books_icon.show()
        self.books.setToolTip("")
        if graph is None:
            self.books_icon.hide()
            model = self._document.model
            self.books.setText("No model open" if model is None else f"“{model.name}” is open")
            set_property(self.books, "role", "caption")
            return
        if self._document.is_partial:
            self._books("unknown", "text_2", "Part of a graph: the books are kept when it is whole.", "second")
        elif math.isnan(off):
            file = self._document.path.name if self._document.path is not None else "the graph"
            lacks = "has no bias nodes" if not graph.count(NodeKind.BIAS) else "does not hold the pre-activations"
            self._books("unknown", "text_2", f"Books cannot be checked: “{file}” {lacks}.", "second")
        elif graph.provenance.get("preview"):
            dtype = graph.provenance.get("dtype", "low precision")
            words = f"<b>Preview</b> in {dtype}: measured residual {residual(off)}. Do not cite this graph."
            self._books("warning", "stale", words, "stale")
            self.books.setToolTip("A preview keeps no limit. For a graph that can be cited, run it in float32.")
        elif off <= books_limit(graph):
            self._books("check", "text", f"<b>Books balance to {residual(off)}</b>", "second")
            self.books.setToolTip(
                "The inputs of every target, bias nodes included, add up to what the model computed.\n"
                f"The worst residual, over the sum of the inputs' sizes, is {residual(off)}."
            )
        else:
            words = f"Books are off by {residual(off)} (limit {residual(books_limit(graph))}). Do not cite this graph."
            self._books("warning", "danger", words, "danger")
            self.show_where.show()

    def _books(self, drawing: str, ink: str, words: str, role: str) -> None:
        self.books_icon.show_icon(drawing, ink)
        self.books.setText(words)
        set_property(self.books, "role", role)

    def _show_part(self) -> None:
        """The scores with those of what is shown, in time for the next picture of a drag."""
        view = self._document.view
        part = view.scores() if view is not None and not self._document.is_partial else None
        self._part_of = (self._document.graph, part)
        self._show_scores()
        self._make_room()

    def _show_scores(self) -> None:
        scores, (graph, part) = self._document.scores, self._part_of
        part = part if graph is self._document.graph else None
        if scores is None:
            self.scores.setText("")
            return
        if math.isnan(scores.replacement):
            self.scores.setText("Replacement unknown: the file does not hold the full graph.")
            return
        replaced, whole = ("", "") if part is None else (f" ({part.replacement:.2f})", f" ({part.completeness:.2f})")
        first = f"Replacement <b>{scores.replacement:.2f}</b>{replaced}"
        self.scores.setText(f"{first} · Completeness <b>{scores.completeness:.2f}</b>{whole}")
        self.scores.setToolTip(
            SCORES_TIP.format(
                tool=f"As circuit-tracer counts (all nodes): completeness {scores.completeness:.3f}",
                paper=f"As the paper counts (nodes with inputs): completeness {scores.completeness_paper:.3f}",
                no_bos=f"{scores.replacement_no_bos:.3f}",
            )
        )

    def _show_engine(self) -> None:
        model, state = self._document.model, self._engine.state
        words = {"starting": "Loading the engine", "stopped": "Engine stopped", "failing": "Engine failing"}
        if model is not None and state == "ready":
            threads = f", {model.threads} thread{'s' if model.threads != 1 else ''}" if model.device == "cpu" else ""
            name = "CPU" if model.device == "cpu" else model.device.upper()
            self.device.setText(f"{name}{threads}, {model.dtype}")
        else:
            self.device.setText(words.get(state, ""))
        self._make_room()

    def _show_memory(self) -> None:
        held, free = self._engine.memory, free_memory()
        parts = [f"{held / 2**30:.1f} GB used" if held else "", f"{free / 2**30:.1f} GB free" if free else ""]
        self.memory.setText(", ".join(part for part in parts if part))
        self.memory.setToolTip("Memory that the engine holds, and what the system has left")
        self._make_room()

    def minimumSizeHint(self) -> QSize:
        """Any width will do, for what does not fit is left out."""
        return QSize(0, super().minimumSizeHint().height())

    def _make_room(self) -> None:
        """Leave out what costs least to miss, where the bar is too narrow for all."""
        texts: tuple[QLabel | QPushButton, ...] = (
            self.books,
            self.scores,
            self.counts,
            self.hidden,
            self.device,
            self.memory,
        )
        shown = {at for at, text in enumerate(texts) if text.text()}
        busy = [part.sizeHint().width() for part in (self._job, self.message) if not part.isHidden()]
        room = self.width() - 30 - sum(busy)
        widths = [part.sizeHint().width() for part in self._parts]
        for at in FIRST_TO_GO:
            if sum(widths[each] for each in shown) > room:
                shown.discard(at)
        for at, part in enumerate(self._parts):
            if part.isHidden() == (at in shown):
                part.setVisible(at in shown)

    # jobs and messages

    def _job_started(self, job: str) -> None:
        if job in QUIET_JOBS:
            return
        self.job.set_text("")
        self.left.setText("")
        self.bar.setRange(0, 0)
        self.cancel.setEnabled(True)
        self._job.show()
        self._make_room()

    def _progress(self, job: str, done: int, total: int, text: str, left: float) -> None:
        if job in QUIET_JOBS:
            return
        self.job.set_text(text)
        self.bar.setRange(0, max(total, 0))
        self.bar.setValue(done)
        part = f"{100 * done // total} %" if total > 0 else ""
        remaining = f"{remaining_time(left)} left" if total > 0 and left and left > 0 else ""
        self.left.setText(", ".join(word for word in (part, remaining) if word))
        if self._job.isHidden():
            self._job.show()
        self._make_room()

    def _job_over(self, job: str) -> None:
        if job not in QUIET_JOBS:
            self._job.hide()
            self._make_room()

    def _clear_message(self) -> None:
        self.message.set_text("")
        self.message.hide()
        self._make_room()


def remaining_time(seconds: float) -> str:
    """40 s, 3 min, 1 h 20 min."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


def _counts(view: GraphView) -> str:
    links = int(view.links.sum())
    return (
        f"<b>{int(view.shown.sum()):,}</b> of {len(view.graph):,} nodes, "
        f"<b>{links:,}</b> of {view.graph.n_edges:,} links"
    )


def _hidden(view: GraphView) -> tuple[str, str]:
    """How many nodes are hidden by which rule: in one line, and each rule for itself."""
    order = sorted(view.hidden_counts().items(), key=lambda counted: counted[0] != HiddenBy.INFLUENCE)
    there = [(count, rule_words(view.edits, rule)) for rule, count in order]
    if not there:
        return "", ""
    total = sum(count for count, _ in there)
    details = "\n".join([*(f"{count:,} hidden: {words}" for count, words in there), *view.idle])
    line = f"{total:,} hidden: {there[0][1]}" + (", and more" if len(there) > 1 else "")
    return line, f"{details}\nClick to list them."

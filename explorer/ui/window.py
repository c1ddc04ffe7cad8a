"""MainWindow: the panels in their places, and what joins them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtCore import QByteArray, Qt, Signal
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent, QResizeEvent
from PySide6.QtWidgets import QMainWindow, QStackedWidget, QStatusBar, QWidget

from explorer.circuits.scores import balance
from explorer.io.samples import SAMPLES
from explorer.session.look import Look
from explorer.session.prompt import Prompt, prompt_text
from explorer.session.settings import Recent, Settings, remember, scaled
from explorer.session.targets import TargetChoice
from explorer.ui.action_set import ActionSet
from explorer.ui.asides import Asides
from explorer.ui.canvas import GraphCanvas
from explorer.ui.dialogs import Dialogs
from explorer.ui.document import Document
from explorer.ui.evidence import Evidence
from explorer.ui.features import Features
from explorer.ui.files import Files
from explorer.ui.job_watch import JobWatch
from explorer.ui.menu_row import MenuRow, title_of
from explorer.ui.notices import NoticeBanner
from explorer.ui.panels.centre import Centre
from explorer.ui.panels.graph_area import GraphArea
from explorer.ui.panels.history import HistoryPanel
from explorer.ui.panels.inspector import InspectorPanel
from explorer.ui.panels.intervene import IntervenePanel
from explorer.ui.panels.nodes import NodesPanel
from explorer.ui.panels.prompt import PromptPanel
from explorer.ui.panels.status import StatusPanel
from explorer.ui.panels.thresholds import ThresholdsPanel
from explorer.ui.panels.welcome import WelcomePanel
from explorer.ui.places import Places
from explorer.ui.question import Questions
from explorer.ui.widgets.bar import bar_of
from explorer.ui.widgets.scaling import fixed

SMALLEST = (1024, 700)
AS_DESIGNED = (1440, 900)
STATUS_HEIGHT = 26
CANCEL_HINT = "Press Escape again to cancel the job."


class MainWindow(QMainWindow):
    """The one window. ``keep`` writes settings; ``dressed`` asks to show them (theme and text size)."""

    dressed = Signal(object)
    closed = Signal()

    def __init__(
        self,
        document: Document,
        engine: Any,
        canvas: GraphCanvas,
        settings: Settings,
        keep: Callable[[Settings], None],
    ) -> None:
        super().__init__()
        self.document: Document = document
        self.engine: Any = engine
        self.canvas: GraphCanvas = canvas
        self.settings, self._keep = settings, keep
        self.files: Files = Files(self)
        self.dialogs: Dialogs = Dialogs(self)
        self.features: Features = Features(self)
        self.questions: Questions = Questions(self)
        self._run_after_open = False
        self.setObjectName("window")
        self.setAcceptDrops(True)
        self._build()
        self._connect()
        self.jobs = JobWatch(self)
        self.evidence: Evidence = Evidence(self)
        self.asides: Asides = Asides(self)
        self._restore()
        self.welcome.show_samples(SAMPLES)
        self.show_welcome()

    # building

    def _build(self) -> None:
        self.banner: NoticeBanner = NoticeBanner()
        self.welcome = WelcomePanel()
        self.prompt: PromptPanel = PromptPanel(self.document, self.engine)
        self.thresholds: ThresholdsPanel = ThresholdsPanel(self.document)
        self.area = GraphArea(self.document, self.engine, self.canvas)
        self.nodes = NodesPanel(self.document)
        self.inspector = InspectorPanel(self.document)
        self.history = HistoryPanel(self.document)
        self.intervene: IntervenePanel = IntervenePanel(self.document, self.engine)
        self.status = StatusPanel(self.document, self.engine)
        self._build_centre()
        self.places: Places = Places(self, self.nodes, self.inspector, self.history, self.intervene)
        self._build_bars()
        tables = (self.nodes.table, self.inspector.node.inputs, self.inspector.node.outputs)
        self.actions_set = ActionSet(self, self.canvas, tables)
        self.menu_row = MenuRow(self.actions_set)
        self.setMenuWidget(self.menu_row)
        self.setMinimumSize(*SMALLEST)
        self._order_tabs()

    def _build_centre(self) -> None:
        self.workspace: Centre = Centre(self.document, self.thresholds, self.area, self.canvas)
        self.pages = QStackedWidget()
        self.pages.addWidget(self.welcome)
        self.pages.addWidget(self.workspace)
        self.setCentralWidget(self.pages)

    def _build_bars(self) -> None:
        self.notice_bar = bar_of("notices", self.banner)
        self.prompt_bar = bar_of("prompt", self.prompt)
        self.addToolBar(Qt.ToolBarArea.TopToolBarArea, self.notice_bar)
        self.addToolBarBreak(Qt.ToolBarArea.TopToolBarArea)
        self.addToolBar(Qt.ToolBarArea.TopToolBarArea, self.prompt_bar)
        self.notice_bar.hide()
        bar = QStatusBar()
        bar.setSizeGripEnabled(False)
        bar.addWidget(self.status, 1)
        fixed(bar, height=STATUS_HEIGHT)
        self.setStatusBar(bar)

    def _order_tabs(self) -> None:
        prompt, nodes, bar = self.prompt, self.nodes, self.thresholds
        order: tuple[QWidget, ...] = (prompt.model, prompt.edit, prompt.target, prompt.action)
        order += (nodes.filter, nodes.table)
        order += (bar.nodes.slider, bar.links.slider, bar.fit, bar.figure, self.canvas, self.canvas.overview)
        for one, after in pairwise(order):
            QWidget.setTabOrder(one, after)

    def _connect(self) -> None:
        document, engine = self.document, self.engine
        for signal in (document.graph_changed, document.edits_changed, document.selection_changed):
            signal.connect(self._refresh)
        for signal in (document.model_changed, document.path_changed, document.graph_changed):
            signal.connect(self._show_title)
        document.interventions_changed.connect(self._refresh)
        for signal in (document.prompt_changed, document.model_changed, engine.state_changed, engine.unsaid):
            signal.connect(self._refresh)
        engine.job_started.connect(self._refresh)
        engine.job_finished.connect(self._job_finished)
        engine.job_failed.connect(self._job_failed)
        engine.job_cancelled.connect(self._job_failed)
        self.prompt.run_asked.connect(self._run)
        self.prompt.cancel_asked.connect(engine.cancel)
        self.prompt.locate_asked.connect(self.files.ask_model)
        self.area.run_asked.connect(self.prompt.run)
        self.area.model_asked.connect(self.files.ask_model)
        self.area.samples_asked.connect(self.show_welcome)
        self.thresholds.fit_asked.connect(self.canvas.fit)
        self.thresholds.export_asked.connect(self.files.export)
        self.workspace.export_asked.connect(self.files.export)
        self.workspace.customContextMenuRequested.connect(self.files.open_menu)
        self.workspace.failed.connect(self.status.say)
        self.workspace.turned.connect(self._refresh)
        self.status.cancel_asked.connect(self.cancel)
        self.status.hidden_asked.connect(self._list_hidden)
        self.thresholds.rules.listed.connect(self._list_hidden)
        self.status.worst_asked.connect(self._select_worst)
        self.banner.occupied.connect(self._show_notice_bar)
        self.intervene.fold_asked.connect(self.places.drawer.fold)
        self.intervene.wanted.connect(self.places.drawer.unfold)
        self.intervene.moved.connect(self.canvas.mark_moved)
        for row in ("open_model", "transcoders", "neurons", "restart"):
            self.prompt.menu.addAction(self.actions_set.by_id[row])
        self._connect_welcome()

    def _connect_welcome(self) -> None:
        self.welcome.model_asked.connect(self.files.ask_model)
        self.welcome.document_asked.connect(self.files.ask_document)
        self.welcome.recent_asked.connect(self.features.open_recent)
        self.welcome.clear_asked.connect(self._forget_recent)
        self.welcome.sample_asked.connect(self.files.open_sample)
        self.welcome.specimens.asked.connect(self.dialogs.specimens)
        self.welcome.keys_asked.connect(self.dialogs.keys)
        self.welcome.first_start.asked.connect(self.dialogs.choose_engine)
        self.welcome.first_start.follow(self.engine)

    # what is on screen

    @property
    def in_workspace(self) -> bool:
        return self.pages.currentWidget() is self.workspace

    def show_welcome(self) -> None:
        """The welcome page; what is open stays open behind it."""
        self._show_recent()
        self.pages.setCurrentWidget(self.welcome)
        self.prompt_bar.hide()
        self.places.hide()
        self._refresh()
        self._show_title()

    def show_workspace(self) -> None:
        if self.in_workspace:
            return
        self.pages.setCurrentWidget(self.workspace)
        self.prompt_bar.show()
        self.places.show()
        self.workspace.canvas.setFocus()
        self._refresh()
        self._show_title()

    def toggle(self, name: str) -> None:
        self.places.toggle(name, visible=self.in_workspace)
        self._refresh()

    def go_to(self, name: str) -> None:
        """Put the focus into a panel or the canvas."""
        if name in self.places.wanted and not self.places.wanted[name]:
            self.toggle(name)
        if name == "canvas":
            self.workspace.canvas.setFocus(Qt.FocusReason.ShortcutFocusReason)
        elif name == "nodes":
            self.places.unfold_nodes()
            self.nodes.table.setFocus()
        elif name == "intervene":
            self.places.drawer.unfold()
            self.intervene.take_focus()
        else:
            self.inspector.take_focus()

    def focus_filter(self) -> None:
        self.go_to("nodes")
        self.nodes.focus_filter()

    def edit_label(self) -> None:
        if self.workspace.rename():
            return
        if not self.places.wanted["inspector"]:
            self.toggle("inspector")
        self.inspector.edit_label()

    # opening

    def open_model(self, path: str, transcoders: str = "", prompt: str = "", neurons: bool = False) -> None:
        """Open a model; a ``prompt`` is written into the bar and run as soon as the model is there.

        ``neurons`` takes its own MLP neurons as features, as does the model of a graph that was made so.
        """
        neurons = neurons or (not transcoders and self.features.are_neurons_of_graph())
        if prompt:
            self.prompt.put(Prompt(prompt))
        self._run_after_open = bool(prompt)
        self.show_workspace()
        self.engine.open_model(path, transcoders, neurons)

    def show_graph(self, seen: Look, document: Path | None, opened: Path) -> None:
        """Show what was read from ``opened``; ``document`` is the .circuit file that Save writes."""
        graph = seen.graph
        self.engine.cancel("attribute")
        self.document.open_graph(graph, seen.view.edits, document, seen)
        words = prompt_text(graph)
        self.prompt.put(Prompt(words, tuple(graph.token_ids.tolist()), graph.tokens, graph.n_special))
        self.show_workspace()
        self.remember(opened, words, f"{len(graph):,} nodes")

    def close_document(self) -> None:
        self.files.reader.cancel()
        self.engine.cancel("attribute")
        self.document.open_graph(None)
        self.show_welcome()

    # settings and recent files

    def change_settings(self, settings: Settings) -> None:
        """Take over ``settings``, keep them, and show what they change."""
        old, self.settings = self.settings, settings
        self._keep(settings)
        if (old.theme, old.text_scale) != (settings.theme, settings.text_scale):
            self.dressed.emit(settings)
        if (old.device, old.dtype, old.threads) != (settings.device, settings.dtype, settings.threads):
            self.engine.set_setting(settings.device, settings.dtype, settings.threads)
        if old.engine_command != settings.engine_command:
            self.engine.set_command(settings.engine_command)

    def scale_text(self, step: int) -> None:
        """``step`` per cent larger or smaller; 0 is the size as designed."""
        size = self.settings.text_scale + step if step else 100
        self.change_settings(scaled(self.settings, size))

    def remember(self, path: Path, about: str = "", size: str = "", features: str = "") -> None:
        """Put ``path`` first among the recent ones."""
        opened = datetime.now(UTC).isoformat(timespec="seconds")
        self.change_settings(remember(self.settings, Recent(str(path), opened, about, size, features)))

    def _show_recent(self) -> None:
        self.welcome.show_recent(self.settings.recent, datetime.now().astimezone())

    def _forget_recent(self) -> None:
        self.change_settings(replace(self.settings, recent=()))
        self._show_recent()

    # what the panels ask

    def _run(self, choice: TargetChoice) -> None:
        self.engine.attribute(choice, self.prompt.edit.text())

    @property
    def job(self) -> str:
        """What runs and can be cancelled, or an empty text."""
        return self.files.reader.job or str(self.engine.job)

    def cancel(self) -> None:
        """Stop reading, or what the engine does."""
        stop = self.files.reader.cancel if self.files.reader.job else self.engine.cancel
        stop()

    def ask_to_cancel(self) -> None:
        """Escape once says how, twice cancels."""
        if self.status.message.whole == CANCEL_HINT:
            self.cancel()
        else:
            self.status.say(CANCEL_HINT)

    def _list_hidden(self, query: str = "is:hidden") -> None:
        self.focus_filter()
        self.nodes.list_hidden(query)

    def _select_worst(self) -> None:
        graph = self.document.graph
        if graph is not None:
            self.document.select([int(np.nanargmax(balance(graph)))])

    # what changes

    def _refresh(self) -> None:
        self.actions_set.refresh()

    def _job_finished(self, job: str) -> None:
        model = self.document.model
        if job == "open" and model is not None:
            self.features.opened()
            if self._run_after_open:
                self.engine.attribute(TargetChoice(), self.document.prompt.text)
            self._run_after_open = False
        self._refresh()

    def _job_failed(self, job: str) -> None:
        if job == "open":
            self._run_after_open = False
        self._refresh()

    def _show_notice_bar(self, shown: bool) -> None:
        self.notice_bar.actions()[0].setVisible(shown)
        self.notice_bar.setVisible(shown)

    def _show_title(self) -> None:
        self.menu_row.show_title(*title_of(self.document, welcome=not self.in_workspace))
        path = self.document.path
        self.setWindowTitle("Circuit Explorer" if path is None else f"{path.name} \u2013 Circuit Explorer")

    # Qt's side

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self.in_workspace:
            self.places.fit()

    def _restore(self) -> None:
        """Take the place that the settings hold."""
        self.resize(*AS_DESIGNED)
        if self.settings.geometry:
            self.restoreGeometry(QByteArray.fromBase64(self.settings.geometry.encode()))
        self.places.restore(self.settings.docks)
        self.notice_bar.hide()

    def closeEvent(self, event: QCloseEvent) -> None:
        self.document.settling.emit()
        self.files.reader.close()
        place = bytes(self.saveGeometry().toBase64().data()).decode()
        self._keep(replace(self.settings, geometry=place, docks=self.places.state()))
        super().closeEvent(event)
        self.closed.emit()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if event.mimeData().urls():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Open a file or folder, or take the story of a share link."""
        urls = event.mimeData().urls()
        if not urls:
            return
        event.acceptProposedAction()
        if urls[0].isLocalFile():
            self.files.open_path(Path(urls[0].toLocalFile()))
        else:
            self.files.take_story(bytes(urls[0].toEncoded().data()).decode())

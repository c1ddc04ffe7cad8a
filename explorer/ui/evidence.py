"""Evidence: opens, makes and remembers indexes of features for the window, and copies what they show."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject

from explorer.circuits.graph import NodeKind
from explorer.engine.child import STOPPED
from explorer.errors import ExplorerError
from explorer.session.figure import Figure
from explorer.ui.notices import DANGER, STALE, Notice

if TYPE_CHECKING:
    from explorer.ui.evidence_find import FeatureFinder
    from explorer.ui.evidence_index import EvidenceIndex
    from explorer.ui.panels.evidence import EvidencePanel
    from explorer.ui.window import MainWindow

JOB, TELL, KEY = "features_build", "features_tell", "evidence"


class Evidence(QObject):
    """Puts the panel into the inspector. A folder that was chosen or made is remembered for its transcoders."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._parts: tuple[EvidenceIndex, EvidencePanel] | None = None
        self._finder: FeatureFinder | None = None
        self._making: dict[str, object] = {}  # what an index is being made of
        self._told = ""  # the index whose labels a language model is asked for
        window.document.graph_changed.connect(self.begin)
        window.engine.found.connect(self._made)
        window.engine.job_cancelled.connect(self._stopped)
        window.engine.job_failed.connect(self._failed)
        window.engine.died.connect(self._died)

    def begin(self) -> tuple[EvidenceIndex, EvidencePanel]:
        """Index and panel, made when first asked for: a window opens faster without."""
        if self._parts is None:
            from explorer.ui.evidence_index import EvidenceIndex
            from explorer.ui.panels.evidence import EvidencePanel

            window = self._window
            index = EvidenceIndex(window.document, lambda: window.settings.evidence, self)
            panel = EvidencePanel(window.document, window.engine, index)
            window.inspector.node.evidence.addWidget(panel)
            panel.find_asked.connect(self.ask)
            panel.copy_asked.connect(self._copy)
            window.intervene.edits.maximum_of = index.maximum
            self._parts = (index, panel)
        return self._parts

    @property
    def index(self) -> EvidenceIndex:
        return self.begin()[0]

    @property
    def panel(self) -> EvidencePanel:
        return self.begin()[1]

    def find(self, text: str) -> list[tuple[int, str]]:
        """Nodes of the graph by what the index knows of their features, with what they were found by."""
        from explorer.ui.evidence_find import FeatureFinder

        self._finder = self._finder or FeatureFinder(self.index)
        return self._finder.find(self._window.document.view, text)

    def ask(self) -> None:
        """Open a folder, or ask for text and make an index of it."""
        from explorer.io import feature_places
        from explorer.ui.panels.evidence_dialog import EvidenceDialog

        window, model = self._window, self._window.document.model
        output = feature_places.own_folder(model.name, model.transcoder_name) if model is not None else Path()
        dialog = EvidenceDialog(self._shown(), self._why_not(), str(output), str(window.files.folder), window)
        dialog.offer_labels(len(self._features()) if self.index.index is not None else 0)
        dialog.folder_chosen.connect(self.use)
        dialog.wanted.connect(self.make)
        dialog.labels_wanted.connect(self.tell)
        window.dialogs.show_dialog(dialog)

    def use(self, folder: str) -> None:
        """Show the index in ``folder``, and remember it."""
        self._window.banner.withdraw(KEY)
        try:
            sha = self.index.use(Path(folder))
        except ExplorerError as error:
            self._window.banner.show_notice(Notice(str(error), DANGER, repr(error), key=KEY))
            return
        if sha:
            settings = self._window.settings
            self._window.change_settings(replace(settings, evidence={**settings.evidence, sha: folder}))

    def make(self, values: dict[str, object]) -> None:
        """Make an index of the open model and transcoders; it is shown when it is there."""
        self._window.banner.withdraw(KEY)
        self._making = values
        self._window.engine.ask(JOB, **values)

    def tell(self, language_model: str) -> None:
        """Ask the language model in that folder for labels of the graph's features; they are in the index."""
        index = self.index.index
        if index is not None:
            self._window.banner.withdraw(KEY)
            self._told = str(index.folder)
            where = {"index": self._told, "language_model": language_model}
            self._window.engine.ask(TELL, **where, features=[list(feature) for feature in self._features()])

    def _features(self) -> list[tuple[int, int]]:
        """Layer and number of the graph's features."""
        graph = self._window.document.own_graph
        if graph is None:
            return []
        nodes, block = graph.nodes, graph.block(NodeKind.FEATURE)
        return sorted(set(zip(nodes.layer[block].tolist(), nodes.feature[block].tolist(), strict=True)))

    def _shown(self) -> str:
        index = self.index.index
        if index is None:
            return self.index.fault or "No index is open for the features of this graph."
        return f"“{index.folder.name}”: {index.n_tokens:,} tokens of {', '.join(index.head['text'].get('files', ()))}"

    def _why_not(self) -> str:
        model = self._window.document.model
        if model is None or not model.transcoder_path:
            return "Open a model with its transcoders to make an index of their features."
        return "Another job is under way; wait until it is done." if self._window.job else ""

    def _made(self, job: str, values: dict[str, Any]) -> None:
        if job == TELL:
            self.use(self._told)
            asked, best, name = f"{values['asked']:,}", f"{values['best']:,}", values["language_model"]
            self._window.status.say(f"“{name}” was asked about {asked} features; at {best} its label scores best.")
        if job != JOB:
            return
        self.use(str(self._making["output"]))
        self._making = {}
        active, features, tokens = (f"{values[name]:,}" for name in ("active_features", "features", "n_tokens"))
        words = f"{active} of {features} features are active in {tokens} tokens."
        self._window.status.say(" ".join([words, *values.get("notes", ())]))

    def _stopped(self, job: str) -> None:
        if job == JOB and self._making:
            self._window.status.say("Cancelled. What was read is kept.")
            self._offer()
        if job == TELL:
            self.use(self._told)
            self._window.status.say("Cancelled. Labels that were made are kept.")

    def _failed(self, job: str, sentence: str, _details: str) -> None:
        if job == JOB and sentence != STOPPED:
            self._making = {}

    def _died(self, _sentence: str, _details: str) -> None:
        if self._making:
            self._offer()

    def _offer(self) -> None:
        """Offer to go on with the index that is not finished."""
        output, values = Path(str(self._making["output"])).name, self._making
        self._making = {}
        words = f"The index “{output}” is not finished; what was read is kept, and the same request goes on there."
        actions = (("Go on", lambda: self.make(values)),)
        self._window.banner.show_notice(Notice(words, STALE, actions=actions, key=KEY))

    def _copy(self, figure: Figure) -> None:
        from explorer.ui.clipboard import COPIED, put_figure  # only when asked for: a window opens faster without

        put_figure(figure)
        self._window.status.say(COPIED)

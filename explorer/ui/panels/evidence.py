"""The evidence panel: where the inspected feature fires, how strongly, what it writes, what it is like, its label."""

from __future__ import annotations

from typing import Any

import numpy as np
from PySide6.QtCore import QSignalBlocker, Qt, QTimer, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QLabel, QLineEdit, QPushButton, QVBoxLayout, QWidget

from explorer.circuits.graph import NodeKind
from explorer.features.evidence import Evidence, Example
from explorer.session.edits import Label
from explorer.session.figure import Figure
from explorer.session.figure_feature import (
    activity_words,
    examples_figure,
    feature_figure,
    fold,
    histogram_figure,
    norms_figure,
    norms_words,
    number,
    text_figure,
    tokens_figure,
)
from explorer.session.labels import Feature, Library, set_of, take
from explorer.session.model_info import NEURONS
from explorer.session.theme import PRINT, Theme
from explorer.session.view import GraphView
from explorer.ui.document import Document
from explorer.ui.evidence_index import EvidenceIndex
from explorer.ui.feature_answer import FeatureAnswer, Logits
from explorer.ui.panels.evidence_label import LabelPart, caption
from explorer.ui.panels.evidence_rows import neighbour_rows, occurrences
from explorer.ui.panels.evidence_section import Section, in_row
from explorer.ui.panels.links_table import BAR, WEIGHT, LinksTable
from explorer.ui.widgets.choice import Choice
from explorer.ui.widgets.figure_part import FigurePart
from explorer.ui.widgets.icons import icon
from explorer.ui.widgets.scaling import at_most

FEW, N_TOKENS = 3, 5
REST_MS = 200
NONE = "No example text for this feature yet."
OF_NEURONS = "Examples are found for the features of transcoders; these are the model’s own neurons."
STRONGEST = "Strongest"
ALL = "all"


class EvidencePanel(QWidget):
    """Follows the document's selection; shown for a single feature alone. ``find_asked`` asks to make an index."""

    find_asked = Signal()
    copy_asked = Signal(object)  # a Figure

    def __init__(self, document: Document, engine: Any, index: EvidenceIndex, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document, self._index = document, index
        self._view: GraphView | None = None
        self._node = -1
        self._many = False  # whether all examples of the band are listed
        self.found: Evidence | None = None
        self.answer = FeatureAnswer(document, engine, self)
        self._rest = QTimer(self, singleShot=True, interval=REST_MS)
        self.setProperty("panel", True)
        self._build()
        self._connect()
        self.look()

    @property
    def feature(self) -> Feature | None:
        """Layer and index of the feature that is inspected."""
        if self._view is None or self._view.graph.nodes.kind[self._node] != NodeKind.FEATURE:
            return None
        key = self._view.graph.key(self._node)
        return key.layer, key.feature

    @property
    def activation(self) -> float | None:
        """Its activation on the graph's prompt, at the inspected token."""
        value = float(self._view.graph.nodes.activation[self._node]) if self._view is not None else float("nan")
        return None if np.isnan(value) else value

    def look(self) -> None:
        """Show the evidence for what is selected now."""
        view, selection, before = self._document.view, self._document.selection, self.feature
        single = view is not None and len(selection) == 1 and not self._document.group
        self._view, self._node = (view, selection[0]) if single else (None, -1)
        feature = self.feature
        self.found = self._index.evidence(*feature) if feature is not None else None
        if feature != before:
            self._many = False
            self.band.setCurrentIndex(0)
        self.setVisible(feature is not None)
        self._ask()
        self._show()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._ask()

    # building

    def _build(self) -> None:
        self.band, self.target = Choice(), Choice()
        self.band.setAccessibleName("Which examples")
        self.target.setAccessibleName("In which layer it writes, per unit of activation")
        self.target.setToolTip("What it adds to logits per unit of activation, by the layer it writes to")
        for choice in (self.band, self.target):
            choice.setSizeAdjustPolicy(Choice.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            choice.setMinimumContentsLength(8)
            at_most(choice, width=112)
        self.more = QPushButton()
        self.more.setProperty("link", True)
        self.none, self.said = QLabel(), QLabel()
        for words in (self.none, self.said):
            words.setWordWrap(True)
            words.setProperty("role", "second")
        self.search = QPushButton("Find examples in a text file…")
        self.test = QLineEdit()
        self.test.setAccessibleName("Test on your own text")
        self.test.setPlaceholderText("Type a text of your own")
        self.test.setClearButtonEnabled(True)
        self.label = LabelPart()
        self.neighbours = LinksTable("Features like it")
        self.neighbours.setColumnHidden(BAR, True)
        self.everywhere = QPushButton()
        self.everywhere.setToolTip("Selects every node of the graph that is this feature")
        self.copy = QPushButton(icon("copy"), "Copy as figure")
        for button in (self.search, self.everywhere, self.copy):
            button.setProperty("small", True)
        self.examples = FigurePart("Examples", self._examples_figure)
        self.tested = FigurePart("Your text with the feature’s activations", self._text_figure)
        self.histogram = FigurePart("Histogram of activations", self._histogram_figure)
        self.norms = FigurePart("Decoder norms by layer", self._norms_figure)
        self.logits = FigurePart("Tokens that it promotes and suppresses", self._logits_figure)
        self.reads = FigurePart("Tokens that it reads", self._reads_figure)
        self._lay_out()

    def _lay_out(self) -> None:
        self.finding = in_row(self.search)
        self.listing = in_row(self.more)
        listed = (self.examples, self.listing, self.none, self.finding)
        self.fires = Section("Where it fires", *listed, beside=self.band)
        self.testing = Section("On your own text", self.test, self.tested, self.said)
        self.active = Section("Activation", self.histogram)
        self.layers = Section("In every layer", self.norms)
        self.writes = Section("Writes to logits", self.logits, beside=self.target)
        self.reading = Section("Reads tokens", self.reads)
        self.near = Section("Features like it", self.neighbours, inset=0)
        self.labels = Section("Label", self.label)
        self.reading.caption.set_text("pre-activation at the token alone")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        for part in (self.fires, self.testing, self.active, self.layers):
            layout.addWidget(part)
        for part in (self.writes, self.reading, self.near, self.labels):
            layout.addWidget(part)
        buttons = in_row(self.everywhere, self.copy)
        buttons.layout().setContentsMargins(12, 4, 12, 10)  # type: ignore[union-attr]
        layout.addWidget(buttons)

    def _connect(self) -> None:
        document = self._document
        for signal in (document.selection_changed, document.view_changed, self._index.changed):
            signal.connect(self.look)
        document.edits_changed.connect(self._show)
        self.answer.changed.connect(self._show)
        self._rest.timeout.connect(self._ask)
        self.test.textChanged.connect(self._typed)
        self.band.currentIndexChanged.connect(self._show)
        self.target.currentIndexChanged.connect(self.logits.fit)
        self.more.clicked.connect(self._list_more)
        self.search.clicked.connect(self.find_asked)
        self.neighbours.walked.connect(self._walk)
        self.neighbours.hovered.connect(document.hover)
        self.everywhere.clicked.connect(self._select_everywhere)
        self.copy.clicked.connect(self._copy)
        self.label.take.clicked.connect(self._take_label)

    # what it shows

    def _ask(self) -> None:
        self.answer.ask(self.feature if self.isVisible() else None, self.test.text().strip())

    def _show(self) -> None:
        if self._view is None or self.feature is None:
            return
        self._show_bands()
        self._show_examples()
        self._show_test()
        self._show_numbers()
        self._show_logits()
        self._show_neighbours()
        self._show_label()
        n = len(occurrences(self._view.graph, *self.feature))
        self.everywhere.setText(f"Every occurrence ({n})")
        self.everywhere.setEnabled(n > 1)
        self.copy.setEnabled(self.found is not None)

    def _show_bands(self) -> None:
        names = [STRONGEST, *(band.name for band in (self.found.bands if self.found is not None else ()))]
        _fill(self.band, [(name, name) for name in names])
        self.band.setVisible(len(names) > 1)

    def _band(self) -> tuple[Example, ...]:
        if self.found is None:
            return ()
        at = self.band.currentIndex()
        return self.found.bands[at - 1].examples if 0 < at <= len(self.found.bands) else self.found.top

    def _show_examples(self) -> None:
        index, found, band = self._index.index, self.found, self._band()
        n = len(fold(band))
        shown = n if self._many else min(n, FEW)
        texts = " ".join(index.head["text"].get("files", ())) if index is not None else ""
        self.fires.caption.set_text(f"{shown} of {n} · {texts}" if n else "")
        self.more.setText("Fewer" if self._many else f"All {n}")
        self.listing.setVisible(n > FEW)
        self.none.setText(self._words())
        self.none.setVisible(not band)
        self.finding.setVisible(found is None and self.none.text() != OF_NEURONS)
        self.examples.fit()

    def _words(self) -> str:
        """Why there are no examples."""
        assert self._view is not None
        if self._view.graph.provenance.get("transcoder_kind") == NEURONS:
            return OF_NEURONS
        if self._index.fault:
            return self._index.fault
        if self.found is None or self._index.index is None:
            return NONE
        return f"It is never active in the {self._index.index.n_tokens:,} tokens that were read."

    def _show_test(self) -> None:
        answer, words = self.answer, self.answer.words
        self.test.setEnabled(not words)
        self.tested.fit()
        said = answer.fault or words
        if not said and answer.tokens and not any(answer.activations):
            said = "It is not active in this text."
        self.said.setText(said)
        self.said.setVisible(bool(said))
        top = max(answer.activations, default=0.0)
        self.testing.caption.set_text(f"largest activation {number(top)}" if answer.tokens else "")

    def _show_numbers(self) -> None:
        found = self.found
        self.active.setVisible(found is not None and bool(found.active))
        self.layers.setVisible(found is not None and bool(found.norms))
        self.reading.setVisible(found is not None and bool(found.reads))
        if found is not None:
            self.active.caption.set_text(activity_words(found))
            self.layers.caption.set_text(f"{norms_words(found.norms, found.layer)} (decoder norm)")
        for part in (self.histogram, self.norms, self.reads):
            part.fit()

    def _show_logits(self) -> None:
        targets = [(target, "All layers" if target == ALL else f"Layer {target}") for target in self.answer.logits]
        _fill(self.target, targets)
        self.target.setVisible(len(targets) > 1)
        top, bottom = self._logits()
        self.writes.setVisible(bool(top or bottom))
        self.writes.caption.set_text("" if len(targets) > 1 else "per unit of activation")  # no room beside it
        self.logits.fit()

    def _logits(self) -> Logits:
        """Of the chosen target layer; of all from the index until the engine has answered."""
        of_all: Logits = (self.found.top_logits, self.found.bottom_logits) if self.found is not None else ((), ())
        return self.answer.logits.get(str(self.target.currentData()), of_all)

    def _show_neighbours(self) -> None:
        assert self._view is not None
        assert self.feature is not None
        found = self.found or Evidence(*self.feature, 0, 0, 0, 0.0, 0.0, 0.0, 0.0)
        rows = neighbour_rows(self._view, found, self.answer.similar, self._index.labels)
        self.near.setVisible(bool(rows))
        self.near.caption.set_text(f"of layer {found.layer}: active with it, written alike")
        self.neighbours.show_rows(rows)
        for row in range(len(rows)):
            self.neighbours.setSpan(row, WEIGHT, 1, 3)

    def _show_label(self) -> None:
        assert self._view is not None
        record = self.found.label if self.found is not None else None
        self.labels.setVisible(record is not None)
        if record is None:
            return
        own = self._document.edits.labels.get(self._view.graph.key(self._node))
        self.label.show_record(record, own.text if own else "", own is not None and own.status != "auto")
        self.label.take.setEnabled(self.label.take.isEnabled() and not self._document.is_partial)
        self.labels.caption.set_text(caption(record))

    # figures

    def _examples_figure(self, theme: Theme, width: float) -> Figure | None:
        examples = fold(self._band())
        if self.found is None or not examples:
            return None
        return examples_figure(examples if self._many else examples[:FEW], self.found.maximum, theme, width)

    def _text_figure(self, theme: Theme, width: float) -> Figure | None:
        answer = self.answer
        if not answer.tokens:
            return None
        most = max(self.found.maximum if self.found is not None else 0.0, *answer.activations)
        return text_figure(answer.tokens, answer.activations, most, theme, width)

    def _histogram_figure(self, theme: Theme, width: float) -> Figure | None:
        return None if self.found is None else histogram_figure(self.found, self.activation, theme, width)

    def _norms_figure(self, theme: Theme, width: float) -> Figure | None:
        if self.found is None or self._view is None:
            return None
        return norms_figure(self.found.norms, self.found.layer, self._view.graph.n_layers, theme, width)

    def _logits_figure(self, theme: Theme, width: float) -> Figure | None:
        top, bottom = self._logits()
        return tokens_figure(top[:N_TOKENS], bottom[:N_TOKENS], "Writes to logits", theme, width)

    def _reads_figure(self, theme: Theme, width: float) -> Figure | None:
        words = self.found.reads if self.found is not None else ()
        half = min((len(words) + 1) // 2, N_TOKENS)
        return tokens_figure(words[:half], words[half : 2 * half], "Reads tokens", theme, width)

    # what it does

    def _typed(self) -> None:
        self._rest.start()

    def _walk(self, node: int) -> None:
        self._document.select([node])

    def _list_more(self) -> None:
        self._many = not self._many
        self._show_examples()

    def _select_everywhere(self) -> None:
        if self._view is not None and self.feature is not None:
            nodes = occurrences(self._view.graph, *self.feature)
            self._document.select([*(node for node in nodes if node != self._node), self._node])

    def _copy(self) -> None:
        if self.found is not None and self._view is not None:
            layers = self._view.graph.n_layers
            name = self._view.label(self._node)
            self.copy_asked.emit(feature_figure(name, self.found, self.activation, layers, PRINT))

    def _take_label(self) -> None:
        """Label the feature's nodes that no person has labelled, in one step."""
        graph, feature = self._document.own_graph, self.feature
        if graph is None or feature is None or self.found is None or self.found.label is None:
            return
        held = Library(set_of(graph), {feature: Label(str(self.found.label["text"]), "auto")})
        self._document.do("take over a label", take(self._document.edits, graph, held)[0])


def _fill(choice: Choice, rows: list[tuple[str, str]]) -> None:
    """Offer (value, words), if others were offered; the value that was chosen stays if it is among them."""
    if [choice.itemData(at) for at in range(choice.count())] == [value for value, _ in rows]:
        return
    chosen = choice.currentData()
    with QSignalBlocker(choice):
        choice.clear()
        for value, words in rows:
            choice.addItem(words, value)
        choice.setCurrentIndex(max(choice.findData(chosen, Qt.ItemDataRole.UserRole), 0))

"""The card of the rules of pruning: layers, kinds, influence, density, targets, and what each rule has hidden."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import QPoint, QSignalBlocker, Qt, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from explorer.circuits.graph import Graph, NodeKey, NodeKind
from explorer.session.edits import set_rules
from explorer.session.rules import Rules
from explorer.session.view import GraphView, HiddenBy, rule_words
from explorer.ui.document import Document
from explorer.ui.dragged import Dragged
from explorer.ui.panels.links_drawn import LinksDrawn
from explorer.ui.widgets.icons import icon
from explorer.ui.widgets.look import probability, px
from explorer.ui.widgets.scaling import fixed
from explorer.ui.widgets.value_slider import ValueSlider

KINDS = {NodeKind.FEATURE: "Features", NodeKind.ERROR: "Errors", NodeKind.EMBEDDING: "Tokens", NodeKind.BIAS: "Biases"}
LEAST, DENSEST = 0.05, 0.25  # ends of the sliders
WIDTH = 340
LISTED, ACROSS = 12, 2  # outputs; those beyond always count
UNKNOWN = "How often features are active is not known; open their evidence in the Model menu."


class PruningButton(QPushButton):
    """Opens the card. ``listed`` carries the query that finds the nodes of a rule."""

    listed = Signal(str)

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._card: PruningCard | None = None
        self._short = False
        self.setIcon(icon("down"))
        self.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
        self.setProperty("second", True)
        self.setProperty("small", True)
        self.clicked.connect(self._open)
        document.view_changed.connect(self._show)
        self._show()

    @property
    def card(self) -> PruningCard:
        """Made when it is first asked for: a window opens faster without."""
        if self._card is None:
            self._card = PruningCard(self._document, self)
            self._card.listed.connect(self.listed)
        return self._card

    def set_short(self, short: bool) -> None:
        """Whether there is little room for the name."""
        self._short = short
        self._show()

    def _show(self) -> None:
        n_rules = count_rules(self._document.edits.rules)
        none = "Rules" if self._short else "density, layers"
        self.setText(f"{n_rules} rule{'s' * (n_rules > 1)}" if n_rules else none)
        self.setToolTip("How many links are drawn, rules of pruning beyond the thresholds, and what each hides")
        self.setAccessibleName(f"Rules of pruning: {n_rules or 'none'} beyond the thresholds")

    def _open(self) -> None:
        self.card.adjustSize()
        self.card.move(self.mapToGlobal(QPoint(0, self.height() + 4)))
        self.card.show()


class PruningCard(QFrame):
    """Each control changes the rules of the edits; what is dragged is one step."""

    listed = Signal(str)

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self._document, self._dragged = document, Dragged(document)
        self._graph: Graph | None = None
        self._targets: dict[NodeKey, QCheckBox] = {}
        self._counted: list[QPushButton] = []
        self.setProperty("card", True)
        self.setAccessibleName("Rules of pruning")
        fixed(self, width=WIDTH)
        self._build()
        document.view_changed.connect(self._view_changed)

    def showEvent(self, event: QShowEvent) -> None:
        self._show()
        super().showEvent(event)

    # building

    def _build(self) -> None:
        self.off = QPushButton("All rules off")
        self.off.setProperty("small", True)
        self.off.clicked.connect(self._take_off)
        head = QHBoxLayout()
        title = QLabel("Pruning")
        title.setProperty("role", "section")
        head.addWidget(title)
        head.addStretch()
        head.addWidget(self.off)
        self.counts = QVBoxLayout()
        self.counts.setSpacing(0)
        self.scores, self.idle = _caption(), _caption()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(14, 10, 14, 12)
        layout.setSpacing(9)
        layout.addLayout(head)
        layout.addLayout(self._layers())
        layout.addLayout(self._kinds())
        self.drawn = LinksDrawn(self._document)
        for part in (*self._sliders(), self.idle, self.drawn, QLabel("Outputs that count")):
            layout.addWidget(part)
        self.targets = QGridLayout()
        layout.addLayout(self.targets)
        layout.addWidget(self.scores)
        layout.addLayout(self.counts)

    def _layers(self) -> QHBoxLayout:
        self.first, self.last = QSpinBox(), QSpinBox()
        row = QHBoxLayout()
        row.addWidget(QLabel("Layers"))
        row.addStretch()
        for box, name in ((self.first, "First layer"), (self.last, "Last layer")):
            box.setAccessibleName(name)
            box.setKeyboardTracking(False)
            box.setProperty("small", True)
            box.setFixedWidth(px(64))
            box.editingFinished.connect(self._dragged.rest)
            if box is self.last:
                row.addWidget(QLabel("to"))
            row.addWidget(box)
        self.first.valueChanged.connect(self._first_changed)
        self.last.valueChanged.connect(self._last_changed)
        return row

    def _kinds(self) -> QGridLayout:
        self.kinds: dict[NodeKind, QCheckBox] = {}
        grid = QGridLayout()
        for at, (kind, text) in enumerate(KINDS.items()):
            box = QCheckBox(text)
            box.toggled.connect(self._kinds_changed)
            grid.addWidget(box, 0, at)
            self.kinds[kind] = box
        return grid

    def _sliders(self) -> tuple[ValueSlider, ValueSlider]:
        self.least = ValueSlider("Influence at least", "Least share of the influence of all nodes", most=LEAST)
        self.density = ValueSlider("Active on at most", "Largest share of tokens", most=DENSEST, end="any")
        self.least.changed.connect(self._least_changed)
        self.density.changed.connect(self._density_changed)
        for slider in (self.least, self.density):
            slider.released.connect(self._dragged.rest)
        return self.least, self.density

    # what it shows

    def _view_changed(self) -> None:
        if self.isVisible():
            self._show()

    def _show(self) -> None:
        view = self._document.view
        self.setEnabled(view is not None and not self._document.is_partial)
        if view is None:
            return
        self._show_rules(view)
        self._show_targets(view)
        scores = view.scores()
        said = f"Of what is shown: replacement {scores.replacement:.2f} · completeness {scores.completeness:.2f}"
        self.scores.setText(said if scores.replacement == scores.replacement else "")
        self.scores.setVisible(bool(self.scores.text()))
        self._show_counts(view)
        self.adjustSize()

    def _show_rules(self, view: GraphView) -> None:
        rules, last = view.edits.rules, view.graph.n_layers - 1
        known = view.density is not None
        for box, value in zip((self.first, self.last), rules.layers or (0, last), strict=True):
            with QSignalBlocker(box):
                box.setRange(0, last)
                box.setValue(value)
        for kind, check in self.kinds.items():
            with QSignalBlocker(check):
                check.setChecked(kind not in rules.kinds)
            check.setVisible(view.graph.count(kind) > 0)
        self.least.set_value(rules.min_influence)
        self.density.set_value(DENSEST if rules.max_density is None else rules.max_density)
        self.density.setEnabled(known or rules.max_density is not None)
        self.idle.setText(" ".join(view.idle) or ("" if known else UNKNOWN))
        self.idle.setVisible(bool(self.idle.text()))
        self.off.setEnabled(rules != Rules())

    def _show_targets(self, view: GraphView) -> None:
        if view.graph is not self._graph:
            self._graph = view.graph
            self._list_targets(view)
        chosen = dict(view.edits.rules.targets)
        for key, box in self._targets.items():
            with QSignalBlocker(box):
                box.setChecked(not chosen or key in chosen)

    def _list_targets(self, view: GraphView) -> None:
        for box in self._targets.values():
            self.targets.removeWidget(box)
            box.deleteLater()
        self._targets = {}
        for at, (key, weight) in enumerate(targets(view.graph)[:LISTED]):
            box = QCheckBox(f"{view.label(view.graph.index[key])}  {probability(weight)}")
            box.toggled.connect(self._targets_changed)
            self.targets.addWidget(box, *divmod(at, ACROSS))
            self._targets[key] = box

    def _show_counts(self, view: GraphView) -> None:
        for old in self._counted:
            self.counts.removeWidget(old)
            old.deleteLater()
        self._counted = []
        for rule, count in view.hidden_counts().items():
            button = QPushButton(f"{count:,} hidden: {rule_words(view.edits, rule)}")
            button.setProperty("link", True)
            button.setToolTip("List them in the table of nodes")
            button.clicked.connect(self._lister(rule))
            self.counts.addWidget(button, 0, Qt.AlignmentFlag.AlignLeft)
            self._counted.append(button)

    def _lister(self, rule: HiddenBy) -> Callable[[], None]:
        def ask() -> None:
            self.hide()
            self.listed.emit(f"hidden:{rule.name.lower()}")

        return ask

    # what it changes

    def _rules(self) -> Rules:
        return self._document.edits.rules

    def _take(self, text: str, rules: Rules) -> None:
        self._dragged.rest()
        self._document.do(text, set_rules(self._document.edits, rules))

    def _drag(self, text: str, **values: float | tuple[int, int] | None) -> None:
        edits = self._document.edits
        self._dragged.step(text, set_rules(edits, replace(edits.rules, **values)))  # type: ignore[arg-type]

    def _take_off(self) -> None:
        self._take("take the rules of pruning off", Rules())

    def _first_changed(self, first: int) -> None:
        self._change_layers(first, max(first, self.last.value()))

    def _last_changed(self, last: int) -> None:
        self._change_layers(min(self.first.value(), last), last)

    def _change_layers(self, first: int, last: int) -> None:
        whole = (first, last) == (0, self.last.maximum())
        self._drag("change the range of layers", layers=None if whole else (first, last))

    def _least_changed(self, value: float) -> None:
        self._drag("change the least influence", min_influence=value)

    def _kinds_changed(self) -> None:
        left_out = frozenset(int(kind) for kind, box in self.kinds.items() if not box.isChecked())
        self._take("choose the kinds of nodes", replace(self._rules(), kinds=left_out))

    def _density_changed(self, value: float) -> None:
        self._drag("change the limit of density", max_density=None if value >= DENSEST else value)

    def _targets_changed(self) -> None:
        if self._graph is None:
            return
        left_out = {key for key, box in self._targets.items() if not box.isChecked()}
        chosen = tuple((key, weight) for key, weight in targets(self._graph) if key not in left_out)
        if chosen:
            self._take("choose the outputs that count", replace(self._rules(), targets=chosen if left_out else ()))
        else:
            self._show()  # the last one stays


def count_rules(rules: Rules) -> int:
    """How many rules are on."""
    off = Rules()
    return sum(getattr(rules, name) != getattr(off, name) for name in rules.__dataclass_fields__)


def targets(graph: Graph) -> list[tuple[NodeKey, float]]:
    """The graph's own targets and their weights, the heaviest first."""
    rows = graph.target_weight.nonzero()[0].tolist()
    weights = [(graph.key(row), float(graph.target_weight[row])) for row in rows]
    return sorted(weights, key=lambda pair: -abs(pair[1]))


def _caption() -> QLabel:
    label = QLabel()
    label.setProperty("role", "caption")
    label.setWordWrap(True)
    return label

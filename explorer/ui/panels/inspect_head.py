"""Head: what the inspected node is, its label, and what can be done with it."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QMenu,
    QPushButton,
    QSizePolicy,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from explorer.circuits.graph import NodeKind
from explorer.session.edits import hide, set_label, toggle_pin
from explorer.session.query import influence_share
from explorer.session.unexplained import unexplained_line
from explorer.session.view import GraphView
from explorer.ui.canvas.describe import hidden_reason
from explorer.ui.document import Document
from explorer.ui.labelling import STATUS_WORDS, fill_status_menu
from explorer.ui.widgets.elided import ElidedLabel
from explorer.ui.widgets.icons import icon
from explorer.ui.widgets.label_edit import LabelEdit
from explorer.ui.widgets.look import plain, signed, token_text
from explorer.ui.widgets.marks import MarkLabel, mark_of
from explorer.ui.widgets.scaling import fixed


class Title(ElidedLabel):
    """The label; a double click edits it."""

    edit_asked = Signal()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.edit_asked.emit()


class Head(QWidget):
    """Title with mark, label status, place, figures, Pin and Hide."""

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._node = -1
        self._view: GraphView | None = None
        self._is_editing = False
        self.mark = MarkLabel(22, 5.2)
        self.title = Title()
        self.title.setProperty("role", "title")
        self.edit = LabelEdit()
        self.edit.setAccessibleName("Label of the node")
        self.edit.setPlaceholderText("A name for what it stands for")
        self.names = QStackedWidget()
        self.names.addWidget(self.title)
        self.names.addWidget(self.edit)
        fixed(self.names, height=28)
        self.status = self._status_button()
        self.place = ElidedLabel()
        self.place.setProperty("role", "second")
        self.figures = ElidedLabel()
        self.figures.setProperty("role", "caption")
        self.unexplained = QLabel()
        self.unexplained.setProperty("role", "caption")
        self.pin = self._button("Pin", "pin")
        self.pin.setCheckable(True)
        self.hide_node = self._button("Hide", "hide")
        self.label = self._button("Label", "edit")
        self._lay_out()
        self.title.edit_asked.connect(self.edit_label)
        self.label.clicked.connect(self.edit_label)
        self.edit.editingFinished.connect(self._keep_label)
        self.edit.left.connect(self._leave_label)
        self.pin.clicked.connect(self._toggle_pin)
        self.hide_node.clicked.connect(self._hide)
        document.settling.connect(self._keep_label)

    def show_node(self, view: GraphView, node: int) -> None:
        key = view.graph.key(node)
        if node != self._node or self._view is None or self._view.graph is not view.graph:
            self._leave_label()
        self._view, self._node = view, node
        strongest = float(abs(view.effect[view.graph.block(NodeKind.FEATURE)]).max(initial=0.0))
        self.mark.show_mark(mark_of(view, node, strongest, selected=True))
        self.title.set_text(view.label(node))
        status = view.status(node)
        self.status.setText(f"label: {status}" if status else "no label")
        self.status.setEnabled(bool(status) and not self._document.is_partial)
        self.status.setToolTip(f"{STATUS_WORDS[status]}; a click changes it" if status else "L or F2 gives it a label")
        self.place.set_text(place_line(view, node))
        self.figures.set_text(figures_line(view, node))
        said, meaning = unexplained_line(view, node)
        self.unexplained.setText(said)
        self.unexplained.setToolTip(meaning)
        self.unexplained.setVisible(bool(said))
        pinned = key in view.edits.pinned
        self.pin.setChecked(pinned)
        self.pin.setText("Pinned" if pinned else "Pin")
        may_edit = not self._document.is_partial
        self.pin.setEnabled(may_edit)
        self.label.setEnabled(may_edit)
        self.hide_node.setEnabled(may_edit and not pinned and key.kind != NodeKind.LOGIT)

    def edit_label(self) -> None:
        if self._view is None or self._document.is_partial:
            return
        named = self._view.edits.labels.get(self._view.graph.key(self._node))
        self.edit.setText(named.text if named else "")
        self._is_editing = True
        self.names.setCurrentWidget(self.edit)
        self.edit.setFocus()
        self.edit.selectAll()

    # building

    def _button(self, text: str, drawing: str) -> QPushButton:
        button = QPushButton(icon(drawing), text)
        button.setProperty("small", True)
        return button

    def _status_button(self) -> QToolButton:
        button = QToolButton()
        button.setAccessibleName("Status of the label")
        button.setProperty("badge", True)
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(button)
        menu.aboutToShow.connect(self._list_statuses)
        button.setMenu(menu)
        return button

    def _lay_out(self) -> None:
        first = QHBoxLayout()
        first.setSpacing(6)
        first.addWidget(self.mark)
        first.addWidget(self.names, 1)
        first.addWidget(self.status)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        for button in (self.pin, self.hide_node, self.label):
            buttons.addWidget(button)
        buttons.addStretch()
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 10, 12, 10)
        layout.setSpacing(2)
        layout.addLayout(first)
        layout.addWidget(self.place)
        layout.addWidget(self.figures)
        layout.addWidget(self.unexplained)
        layout.addSpacing(8)
        layout.addLayout(buttons)

    # edits

    def _keep_label(self) -> None:
        if not self._is_editing or self._view is None:
            return
        self._is_editing = False
        self.names.setCurrentWidget(self.title)
        edits, key = self._document.edits, self._view.graph.key(self._node)
        old = edits.labels.get(key)
        if self.edit.text().strip() != (old.text if old else ""):
            self._document.do("label a node", set_label(edits, key, self.edit.text()))

    def _leave_label(self) -> None:
        self._is_editing = False  # first, for the field says that it is finished when it is hidden
        self.names.setCurrentWidget(self.title)

    def _list_statuses(self) -> None:
        menu = self.status.menu()
        menu.clear()
        fill_status_menu(menu, self._document, self._node)

    def _toggle_pin(self) -> None:
        if self._view is not None:
            key = self._view.graph.key(self._node)
            text = "unpin a node" if key in self._document.edits.pinned else "pin a node"
            self._document.do(text, toggle_pin(self._document.edits, key))

    def _hide(self) -> None:
        if self._view is not None:
            self._document.do("hide a node", hide(self._document.edits, [self._view.graph.key(self._node)]))


def place_line(view: GraphView, node: int) -> str:
    """Feature 23595 · layer 17 · token 12 “to”."""
    graph = view.graph
    key = graph.key(node)
    token = f"token {key.pos} “{token_text(graph.tokens[key.pos]).strip()}”" if key.pos >= 0 else ""
    if key.kind == NodeKind.FEATURE:
        return f"Feature {key.feature} · layer {key.layer} · {token}"
    if key.kind == NodeKind.ERROR:
        return f"Error of the transcoder · layer {key.layer} · {token}"
    if key.kind == NodeKind.EMBEDDING:
        return f"Embedding of {token}"
    if key.kind == NodeKind.BIAS:
        return "Bias node: what the model adds by itself"
    chance = f"probability {graph.probability[node]:.3f}" if graph.probability[node] >= 0 else "output"
    return f"Next token · {chance}"


def figures_line(view: GraphView, node: int) -> str:
    """Activation and influence, with the rule that hides the node if one does."""
    activation = float(view.graph.nodes.activation[node])
    parts = [f"activation {plain(activation)}"] if activation == activation else []
    if view.graph.nodes.kind[node] != NodeKind.LOGIT:
        parts.append(f"influence {100 * influence_share(view)[node]:.2f} %")
    if view.effect[node]:
        parts.append(f"effect {signed(float(view.effect[node]))}")
    rule = hidden_reason(view, node)
    return " · ".join([*parts, rule] if rule else parts)

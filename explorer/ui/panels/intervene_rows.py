"""The left part of the dock: how the run is changed, and the rows that change it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QDialog,
    QFrame,
    QHBoxLayout,
    QInputDialog,
    QLabel,
    QMenu,
    QPushButton,
    QScrollArea,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from explorer.circuits.graph import NodeKind
from explorer.session.dial import counted
from explorer.session.interventions import Kind, Row, Unit
from explorer.session.view import rows_of
from explorer.ui.document import Document
from explorer.ui.intervention_edits import InterventionEdits, holds
from explorer.ui.panels.intervene_dialogs import LayersDialog, RowDialog, SubstitutionDialog
from explorer.ui.panels.intervene_row import RowWidget
from explorer.ui.widgets.elided import ElidedLabel
from explorer.ui.widgets.icons import icon
from explorer.ui.widgets.look import px, set_property

ROOMY = 410
MODES = (
    ("direct", "Direct: everything held, as in the graph's links"),
    ("constrained", "Constrained: MLPs of a range of layers held…"),
    ("iterative", "Iterative: attention held, the rest runs"),
    ("free", "Free: everything runs"),
)
OTHERS: tuple[tuple[Kind, str], ...] = (
    ("feature", "Inactive feature…"),
    ("head", "Attention head…"),
    ("neuron", "Neuron…"),
    ("direction", "Direction from a file…"),
    ("residual", "Residual stream of another prompt…"),
)


class InterveneRows(QWidget):
    """Everything it shows stands in the document; a drag is one step of the history."""

    dose_asked = Signal(int)
    fold_asked = Signal()

    def __init__(self, document: Document, edits: InterventionEdits, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document, self._edits = document, edits
        self.rows: list[RowWidget] = []
        self.fold, self.title = QToolButton(), QLabel("Intervene")
        self.mode, self.attention, self.norms = QPushButton(), QPushButton(), QPushButton()
        self.add = QPushButton(icon("add"), "Add")
        self.caption = ElidedLabel()
        self.reset = QPushButton("Reset all")
        self._build()
        self.fold.clicked.connect(self.fold_asked)
        self.attention.clicked.connect(lambda: edits.toggle("attention"))
        self.norms.clicked.connect(lambda: edits.toggle("norms"))
        self.reset.clicked.connect(edits.reset)
        document.edits_changed.connect(self._show)
        document.interventions_changed.connect(self._show)
        document.graph_changed.connect(self._show)
        self._show()

    def set_width(self, width: int) -> None:
        """Be that wide; where there is no room for words, two buttons show their icons alone."""
        self.setFixedWidth(width)
        short = width < px(ROOMY)
        self.title.setVisible(not short)
        self.add.setText("" if short else "Add")

    # what is asked

    def ask_for(self, kind: Kind) -> None:
        """Ask for a thing of ``kind`` that no node of the graph stands for, and add it."""
        dialog = RowDialog(self._edits.blank(kind), "Add", self._edits.made.counterpart, self)
        dialog.chosen.connect(lambda row, counterpart: self._edits.add([row], counterpart))
        self._open(dialog)

    def ask_for_substitution(self) -> None:
        groups = self._document.edits.supernodes
        dialog = SubstitutionDialog(groups, self._edits.made.counterpart, self)
        dialog.chosen.connect(self._edits.substitute)
        self._open(dialog)

    def _edit(self, number: int) -> None:
        self._ask_about(number, self._edits.made.rows[number])

    def _ask_about(self, number: int, row: Row) -> None:
        dialog = RowDialog(row, "Change", self._edits.made.counterpart, self)
        dialog.chosen.connect(lambda changed, counterpart: self._edits.put(number, changed, counterpart))
        self._open(dialog)

    def _name(self, number: int) -> None:
        """Ask for a row's own name; an empty one gives it back what it is called by itself."""
        row = self._edits.made.rows[number]
        dialog = QInputDialog(self)
        dialog.setWindowTitle("Name a change")
        dialog.setLabelText("Name:")
        dialog.setTextValue(row.name)
        dialog.textValueSelected.connect(lambda text: self._edits.put(number, replace(row, name=text.strip())))
        self._open(dialog)

    def _set_unit(self, number: int, unit: Unit) -> None:
        """Count in another unit; that of another prompt asks for it first."""
        if unit == "other" and not self._edits.made.counterpart:
            row = self._edits.made.rows[number]
            self._ask_about(number, replace(row, unit="other"))
            self._show()
        else:
            self._edits.set_unit(number, unit)

    def _set_mode(self, mode: str) -> None:
        if mode != "constrained":
            self._edits.set_mode(mode)
            return
        graph, model = self._document.own_graph, self._document.model
        n_layers = graph.n_layers if graph is not None else model.n_layers if model is not None else 1
        dialog = LayersDialog(self._edits.made.layers or (0, n_layers - 1), n_layers, self)
        dialog.chosen.connect(lambda first, last: self._edits.set_mode("constrained", (first, last)))
        self._open(dialog)

    def _open(self, dialog: QDialog) -> None:
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setModal(True)
        dialog.show()

    def _select(self, number: int) -> None:
        row, graph = self._edits.made.rows[number], self._document.graph
        if graph is None:
            return
        if row.kind == "supernode":
            self._document.select(rows_of(graph, row.members).tolist())
            return
        kind = {"feature": NodeKind.FEATURE, "error": NodeKind.ERROR}.get(row.kind)
        at = graph.nodes
        found = (at.kind == kind) & (at.layer == row.layer) & (at.pos >= row.first)
        found &= at.pos <= (graph.n_pos if row.last is None else row.last)
        if kind == NodeKind.FEATURE:
            found &= at.feature == row.index
        self._document.select(found.nonzero()[0].tolist())

    # what is shown

    def _show(self) -> None:
        made, view = self._edits.made, self._document.view
        while len(self.rows) > len(made.rows):
            gone = self.rows.pop()
            self._list.removeWidget(gone)
            gone.hide()
            gone.deleteLater()
        while len(self.rows) < len(made.rows):
            self._new_row()
        strongest = float(abs(view.effect[view.graph.block(NodeKind.FEATURE)]).max(initial=0.0)) if view else 0.0
        for widget, row in zip(self.rows, made.rows, strict=True):
            widget.show_row(row, view, self._edits.n_pos, strongest)
        graph = self._document.own_graph
        self.caption.set_text(f"{counted(made, graph)} · ticks at 0 and own activation" if made.rows else "")
        self.reset.setVisible(bool(made.rows))
        self._show_how()

    def _show_how(self) -> None:
        made, may_edit = self._edits.made, not self._document.is_partial
        for button, name in ((self.attention, "attention"), (self.norms, "norms")):
            held = holds(made, name)
            button.setText(f"{name} {'frozen' if held else 'free'}")
            button.setChecked(held)
        layers = f" {made.layers[0]}\u2013{made.layers[1]}" if made.layers else ""
        self.mode.setText(f"{made.mode}{layers}")
        for part in (self.add, self.reset, self.attention, self.norms, self.mode, *self.rows):
            part.setEnabled(may_edit)

    def _new_row(self) -> None:
        widget = RowWidget(len(self.rows))
        widget.changed.connect(self._edits.change)
        widget.rested.connect(self._edits.rest)
        widget.removed.connect(self._edits.remove)
        widget.unit_chosen.connect(self._set_unit)
        widget.edit_asked.connect(self._edit)
        widget.dose_asked.connect(self.dose_asked)
        widget.name_asked.connect(self._name)
        widget.select_asked.connect(self._select)
        self._list.insertWidget(len(self.rows), widget)
        self.rows.append(widget)

    # building

    def _build(self) -> None:
        self.title.setProperty("role", "section")
        self.fold.setIcon(icon("down"))
        set_property(self.fold, "quiet", True)
        self.fold.setToolTip("Fold the dock")
        self.fold.setAccessibleName("Fold the dock")
        self.add.setAccessibleName("Add an intervention")
        for button in (self.attention, self.norms, self.mode, self.add):
            set_property(button, "inline", True)
        for button, words in ((self.attention, "Attention patterns"), (self.norms, "Scales of norms")):
            button.setCheckable(True)
            button.setToolTip(f"{words}: frozen at their clean values, or free to change")
        self.mode.setToolTip("What is held at its clean value while the change runs through the model")
        self.mode.setMenu(self._mode_menu())
        menu = QMenu(self.add)
        self.add.setMenu(menu)
        menu.aboutToShow.connect(self._fill_add_menu)
        set_property(self.reset, "link", True)
        self.caption.setProperty("role", "caption")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(self._head())
        layout.addWidget(self._scrolled(), 1)
        foot = QHBoxLayout()
        foot.setContentsMargins(12, 0, 12, 4)
        foot.addWidget(self.caption, 1)
        foot.addWidget(self.reset)
        layout.addLayout(foot)

    def _head(self) -> QHBoxLayout:
        head = QHBoxLayout()
        head.setContentsMargins(6, 3, 10, 1)
        head.setSpacing(4)
        head.addWidget(self.fold)
        head.addWidget(self.title)
        head.addStretch()
        for part in (self.mode, self.attention, self.norms, self.add):
            head.addWidget(part)
        return head

    def _scrolled(self) -> QScrollArea:
        inside = QWidget()
        inside.setProperty("panel", True)
        self._list = QVBoxLayout(inside)
        self._list.setContentsMargins(0, 0, 0, 0)
        self._list.setSpacing(0)
        self._list.addStretch()
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setWidget(inside)
        return area

    def _mode_menu(self) -> QMenu:
        menu = QMenu(self.mode)
        for name, words in MODES:
            menu.addAction(words).triggered.connect(lambda _=False, name=name: self._set_mode(name))
        return menu

    def _fill_add_menu(self) -> None:
        menu, groups = self.add.menu(), self._document.edits.supernodes
        menu.clear()
        menu.addAction("Selected nodes", self._edits.add_selected).setEnabled(bool(self._document.selection))
        named = menu.addMenu("Group")
        named.setEnabled(bool(groups))
        for group in groups:
            named.addAction(group.name, partial(self._edits.add_group, group))
        menu.addAction("Substitute a group…", self.ask_for_substitution).setEnabled(bool(groups))
        menu.addSeparator()
        for kind, words in OTHERS:
            menu.addAction(words, partial(self.ask_for, kind))

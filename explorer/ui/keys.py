"""The keyboard map: every key of ACTIONS, what mouse and keys do on the graph, and how nodes are found."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from explorer.ui.actions import ACTIONS, MENUS
from explorer.ui.palette import native
from explorer.ui.widgets.look import px

CANVAS_KEYS = (
    ("Walk to the nearest mark", "Arrows"),
    ("Pin or unpin", "Ctrl click"),
    ("Add to the selection", "Shift click"),
    ("Select what is in a box", "Shift drag"),
    ("Select a link", "Click on it"),
    ("Show the link of a row", "Shift+Return"),
    ("Move the graph", "Drag"),
    ("Zoom", "Wheel"),
    ("Zoom in, out, 100 %", "+  \u2212  0"),
    ("Fit all, fit the selection", "F  Shift+F"),
    ("Back, forward along the walk", "[  ]"),
    ("Subgraph: rename in place", "Double click"),
    ("Subgraph: put a node into a supernode", "Drag onto it"),
    ("Subgraph: open, close a supernode", "Return  Backspace"),
    ("On a slider: by 0.05, by 0.5", "\u2212 =  Shift"),
    ("On a slider: 0, its own strength", "Home  End"),
)
FINDING = (
    ("Text of the label", "capital"),
    ("Pattern of the label", "/^say/"),
    ("At a token", "token:is"),
    ("Reads a token", "reads:is"),
    ("Pushes an output", "pushes:Austin"),
    ("Layer, position", "layer>2  pos:4-6"),
    ("Kind", "kind:feature"),
    ("Effect raises, lowers", "sign:lower"),
    ("Influence, effect in %", "influence>0.5"),
    ("Pinned, labelled", "is:pinned"),
    ("With a note", "is:noted"),
    ("Hidden by a rule", "hidden:layer"),
    ("Not", "-kind:error"),
    ("Select all that is found", "Ctrl+Return"),
    ("Forget a saved filter", "Del"),
)


class KeyMap(QDialog):
    """Every key, by menu, and what the mouse and keys do on the canvas."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keyboard map")
        groups = [(name, _of_menu(name)) for name in MENUS]
        columns = QHBoxLayout()
        columns.setSpacing(28)
        for chosen in (("Graph", "Edit"), ("View", "Intervene", "Help"), ("File", "Model")):
            column = QVBoxLayout()
            column.setSpacing(4)
            for name, rows in groups:
                if name in chosen and rows:
                    _add(column, name, rows)
            if "File" in chosen:
                _add(column, "On the graph", list(CANVAS_KEYS))
            if "View" in chosen:
                _add(column, "To find nodes (Ctrl+F, Ctrl+K)", list(FINDING))
            column.addStretch()
            columns.addLayout(column)
        title = QLabel("Keyboard map")
        title.setProperty("role", "title")
        hint = QLabel("Keys without Ctrl act while the graph or a table has the focus.")
        hint.setProperty("role", "caption")
        inner = QWidget()
        inner.setProperty("panel", True)
        inner.setLayout(columns)
        columns.setContentsMargins(0, 0, 12, 0)
        area = QScrollArea()
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setWidgetResizable(True)
        area.setWidget(inner)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(20, 18, 20, 16)
        layout.setSpacing(8)
        for part in (title, hint):
            layout.addWidget(part)
        layout.addSpacing(6)
        layout.addWidget(area, 1)
        layout.addWidget(buttons)
        self.resize(px(1000), px(600))


def _of_menu(name: str) -> list[tuple[str, str]]:
    rows = [row for row in ACTIONS if row.menu == name and row.shortcut]
    return [(row.text.rstrip("…"), native(row.shortcut)) for row in rows]


def _add(column: QVBoxLayout, name: str, rows: list[tuple[str, str]]) -> None:
    head = QLabel(name)
    head.setProperty("role", "section")
    head.setContentsMargins(0, 8, 0, 2)
    column.addWidget(head)
    grid = QGridLayout()
    grid.setHorizontalSpacing(16)
    grid.setVerticalSpacing(5)
    grid.setColumnStretch(0, 1)
    for at, (text, keys) in enumerate(rows):
        words = QLabel(text)
        words.setProperty("role", "second")
        cap = QLabel(keys)
        cap.setProperty("keycap", True)
        grid.addWidget(words, at, 0)
        grid.addWidget(cap, at, 1, Qt.AlignmentFlag.AlignRight)
    column.addLayout(grid)

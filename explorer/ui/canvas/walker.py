"""Walker: the keys of the canvas, and the way that was walked."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent

from explorer.circuits.graph import NodeKind
from explorer.session.edits import hide, show_all, toggle_pin
from explorer.ui.canvas import walk
from explorer.ui.canvas.stage import Stage
from explorer.ui.document import Document
from explorer.ui.widgets.arrows import DIRECTIONS


class Walker:
    """Steps from mark to mark, and what the keys do to the one that is current."""

    def __init__(self, document: Document, stage: Stage) -> None:
        self._document = document
        self._stage = stage
        self._walked: list[int] = []
        self._at = -1

    def forget(self) -> None:
        """Start anew, because nodes are others now."""
        self._walked, self._at = [], -1

    def go_to(self, node: int) -> None:
        """Select a node, bring it into view and remember the step."""
        del self._walked[self._at + 1 :]
        self._walked.append(node)
        self._at = len(self._walked) - 1
        self._show(node)

    def press(self, event: QKeyEvent, shift: bool) -> bool:
        """Do what a key says; False if it says nothing here."""
        key = Qt.Key(event.key())
        plain = {
            Qt.Key.Key_I: self._to_input,
            Qt.Key.Key_O: self._to_output,
            Qt.Key.Key_Space: self._pin_current,
            Qt.Key.Key_H: self._hide,
        }
        if key in DIRECTIONS:
            self._step(*DIRECTIONS[key])
        elif event.text() in ("[", "]"):
            self._back(-1 if event.text() == "[" else 1)
        elif key == Qt.Key.Key_H and shift:
            self._document.do("show all", show_all(self._document.edits))
        elif key in plain and not shift:
            plain[key]()
        else:
            return False
        return True

    def pin(self, node: int) -> None:
        """Pin a node, or unpin it."""
        view = self._document.view
        if view is not None:
            key = view.graph.key(node)
            verb = "unpin" if key in view.edits.pinned else "pin"
            self._document.do(f"{verb} {view.label(node)}", toggle_pin(self._document.edits, key))

    def _step(self, dx: int, dy: int) -> None:
        view, layout, current = self._document.view, self._stage.base, self._document.current
        if view is None or layout is None:
            return
        if current is None:
            found = walk.first(view)
        elif view.graph.nodes.kind[current] == NodeKind.BIAS and dx > 0 and not self._stage.bias_open:
            self._stage.open_bias(True)
            return
        else:
            found = walk.nearest(view, layout, current, dx, dy)
        if found is not None:
            self.go_to(found)

    def _to_input(self) -> None:
        view, current = self._document.view, self._document.current
        found = walk.strongest_input(view, current) if view is not None and current is not None else None
        if found is not None:
            self.go_to(found)

    def _to_output(self) -> None:
        view, current = self._document.view, self._document.current
        found = walk.strongest_output(view, current) if view is not None and current is not None else None
        if found is not None:
            self.go_to(found)

    def _back(self, step: int) -> None:
        if 0 <= self._at + step < len(self._walked):
            self._at += step
            self._show(self._walked[self._at])

    def _show(self, node: int) -> None:
        self._document.select((node,))
        frame = self._stage.frame()
        if frame is None or self._stage.viewport.zoom <= 1.0:
            return
        x, y, _ = frame.place(node)
        plot = frame.plot.adjusted(frame.axis - frame.plot.left(), 8, -8, -4)
        dx = max(plot.left() - x, 0.0) + min(plot.right() - x, 0.0)
        dy = max(plot.top() - y, 0.0) + min(plot.bottom() - y, 0.0)
        if dx or dy:
            self._stage.look(self._stage.viewport.panned(dx, dy))

    def _pin_current(self) -> None:
        if self._document.current is not None:
            self.pin(self._document.current)

    def _hide(self) -> None:
        view, nodes = self._document.view, self._document.selection
        if view is not None and nodes:
            what = view.label(nodes[-1]) if len(nodes) == 1 else f"{len(nodes)} nodes"
            keys = [view.graph.key(node) for node in nodes]
            self._document.do(f"hide {what}", hide(self._document.edits, keys))

"""A right click on the graph: on a mark the menu of the node, beside it that of the picture."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtWidgets import QApplication, QMenu
from pytestqt.qtbot import QtBot

from explorer.session.edits import Edits, set_label
from explorer.session.settings import Settings
from explorer.ui.canvas import GraphCanvas
from explorer.ui.document import Document
from explorer.ui.theme import LIGHT
from explorer.ui.window import MainWindow
from tests.graphs import random_graph
from tests.ui.stand_in import StandInEngine

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support (raise|grabbing the keyboard)", extend=True)


def test_the_menu_is_of_the_mark_or_of_the_picture(qtbot: QtBot) -> None:
    document = Document()
    canvas = GraphCanvas(document, LIGHT)
    window = MainWindow(document, StandInEngine(), canvas, Settings(), lambda settings: None)
    qtbot.addWidget(window)
    graph = random_graph(30, 60, seed=4, n_layers=4, n_pos=6)
    document.open_graph(graph, set_label(Edits(), graph.key(0), "mine"))
    window.show()
    window.show_workspace()
    qtbot.waitUntil(lambda: canvas.is_settled)

    def menu(at: QPoint) -> list[str]:
        reason = QContextMenuEvent.Reason.Mouse
        QApplication.sendEvent(canvas, QContextMenuEvent(reason, at, canvas.mapToGlobal(at)))
        shown = next(menu for menu in window.workspace.findChildren(QMenu) if menu.isVisible())
        words = [action.text() for action in shown.actions() if action.text()]
        shown.close()
        return words

    node = next(node for node in range(len(graph)) if canvas.node_at(canvas.place_of(node)) == node)
    words = menu(canvas.place_of(node).toPoint())
    assert {"Label", "Write a note", "Status of the label"} <= set(words)
    assert document.current == node
    assert "Copy the figure" in menu(QPoint(3, 3))

"""show: a widget on screen for a test, the view of a page, and a canvas with a graph; pytest-qt closes them."""

from __future__ import annotations

from typing import TypeVar

from PySide6.QtWidgets import QScrollArea, QWidget
from pytestqt.qtbot import QtBot

from explorer.circuits.graph import Graph
from explorer.session.theme import LIGHT
from explorer.ui.canvas import GraphCanvas
from explorer.ui.document import Document
from explorer.ui.theme import load_fonts

View = TypeVar("View", bound=QWidget)


def show(qtbot: QtBot, widget: QWidget, width: int = 340, height: int = 700) -> None:
    qtbot.addWidget(widget)
    widget.resize(width, height)
    widget.show()
    qtbot.waitExposed(widget)


def looked_at(page: QWidget, scrolling: QWidget, kind: type[View]) -> View:
    """The view of a ``kind`` in ``scrolling``, which a verb of ``page`` made, on screen."""
    assert isinstance(scrolling, QScrollArea)
    view = scrolling.widget()
    assert isinstance(view, kind)
    scrolling.setParent(page)
    for each in (page, scrolling):
        each.resize(985, 620)
        each.show()
    return view


def canvas_of(qtbot: QtBot, graph: Graph, width: int = 848, height: int = 560) -> GraphCanvas:
    """A canvas on screen that shows ``graph``, of a document of its own."""
    load_fonts()
    document = Document()
    canvas = GraphCanvas(document, LIGHT)
    qtbot.addWidget(canvas)
    canvas.resize(width, height)
    canvas.show()
    document.open_graph(graph)
    return canvas

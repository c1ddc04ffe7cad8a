"""What speaks against the open transcoders is a notice, until other ones are opened."""

from __future__ import annotations

from pytestqt.qtbot import QtBot

from explorer.session.settings import Settings
from explorer.ui.canvas import GraphCanvas
from explorer.ui.document import Document
from explorer.ui.theme import LIGHT
from explorer.ui.window import MainWindow
from tests.ui.stand_in import StandInEngine


def test_a_set_that_does_not_fit_is_told_until_another_is_open(qtbot: QtBot) -> None:
    document, engine = Document(), StandInEngine()
    window = MainWindow(document, engine, GraphCanvas(document, LIGHT), Settings(), lambda settings: None)
    qtbot.addWidget(window)
    engine.fit_told.emit("The set does not fit.")
    assert window.banner.words.text() == "The set does not fit."
    engine.fit_told.emit("")
    assert window.banner.present is None

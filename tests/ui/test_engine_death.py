"""The engine is killed under the real window: the document and the window stay whole, and the next run works."""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication

from explorer.circuits.scores import worst_residual
from explorer.io.samples import SAMPLES
from explorer.session import edits as edit
from explorer.ui.app import Shell

WAIT = 120_000
OTHER_PROMPT = "Fact: the capital of the state containing Seattle is"


@pytest.fixture
def shell(qtbot, qapp: QApplication) -> Iterator[Shell]:
    """The window with the sample's graph, which was clicked on."""
    made = Shell(qapp)
    made.window.show()
    made.begin(())
    with qtbot.waitSignal(made.document.graph_changed, timeout=WAIT):
        qtbot.mouseClick(made.window.welcome.sample_cards[0], Qt.MouseButton.LeftButton)
    assert made.document.prompt.text == SAMPLES[0].prompt
    yield made
    made.close()
    made.deleteLater()


def ask(qtbot, shell: Shell, text: str) -> None:
    """Type ``text`` and press Run, whatever the engine is doing."""
    edit_line = shell.window.prompt.edit
    edit_line.selectAll()
    qtbot.keyClicks(edit_line, text)
    qtbot.waitUntil(lambda: shell.window.prompt.can_run, timeout=WAIT)
    qtbot.mouseClick(shell.window.prompt.action, Qt.MouseButton.LeftButton)


@pytest.mark.parametrize("deaths", [1, pytest.param(20, marks=pytest.mark.slow)])
def test_killing_the_engine_at_random_moments_costs_the_run_alone(qtbot, shell: Shell, deaths: int) -> None:
    document, window, engine = shell.document, shell.window, shell.engine
    document.do("label", edit.set_label(document.edits, document.graph.key(0), "kept"))
    edits = document.edits
    moments = random.Random(0)
    text = document.prompt.text
    for _ in range(deaths):
        ask(qtbot, shell, text)
        qtbot.wait(moments.randrange(0, 400))
        pid = engine.pid
        with qtbot.waitSignal(engine.died, timeout=WAIT):
            os.kill(pid, signal.SIGKILL)

        assert document.edits == edits
        assert document.graph is not None
        assert worst_residual(document.graph) < 1e-5
        assert window.in_workspace
        assert shell.canvas.isVisible()
        notices = [window.banner.present.text] if window.banner.present else []
        assert any("Your graph, labels and notes are safe" in notice for notice in notices), notices

        with qtbot.waitSignal(document.graph_changed, timeout=WAIT):
            ask(qtbot, shell, text)
        assert engine.pid != pid
        assert "".join(document.graph.tokens[1:]).replace(" ", "") == text.replace(" ", "")
        assert document.edits == edits
        qtbot.waitUntil(lambda: engine.state == "ready" and not engine.job, timeout=WAIT)


def test_an_engine_that_dies_again_and_again_is_given_up_until_it_is_asked_for(qtbot, shell: Shell) -> None:
    engine, window = shell.engine, shell.window
    graph = shell.document.graph
    for _ in range(3):
        with qtbot.waitSignal(engine.died, timeout=WAIT):
            os.kill(engine.pid, signal.SIGKILL)
    assert engine.state == "failing"
    assert window.banner.present.text == "The engine stopped three times. You can browse and export."
    assert shell.document.graph is graph
    (again,) = [button for button in window.banner._buttons if button.text() == "Start again"]
    qtbot.mouseClick(again, Qt.MouseButton.LeftButton)
    with qtbot.waitSignal(shell.document.graph_changed, timeout=WAIT):
        ask(qtbot, shell, OTHER_PROMPT)
    assert engine.state == "ready"

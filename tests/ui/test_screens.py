"""Every text of the window can be read: none crosses another, none is below 11 px, none is faint or cut off."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QRectF, Qt
from PySide6.QtWidgets import QApplication, QLabel, QVBoxLayout, QWidget

from explorer.session import look as looking
from explorer.session.edits import Edits
from explorer.ui.app import Shell
from explorer.ui.theme import load_fonts
from explorer.ui.window import SMALLEST
from tests.graphs import random_graph
from tests.ui.text_boxes import Text, faults, texts

IDLE = "sleep 60"  # instead of an engine: nothing is computed here


@pytest.fixture
def shell(qtbot, qapp: QApplication) -> Iterator[Shell]:
    load_fonts()  # as the application does; else the texts depend on which tests ran before
    made = Shell(qapp, IDLE)
    made.window.show()
    yield made
    made.close()
    made.deleteLater()


def look(qtbot, shell: Shell, theme: str, size: tuple[int, int]) -> list[str]:
    window = shell.window
    window.change_settings(replace(window.settings, theme=theme))
    window.resize(*size)
    qtbot.waitUntil(lambda: window.size().toTuple() == size and shell.canvas.is_settled, timeout=20_000)
    return faults(texts(window))


@pytest.mark.parametrize("size", [(1440, 900), (1024, 700)])
def test_the_texts_of_a_graph_can_be_read_in_both_themes(qtbot, shell: Shell, size: tuple[int, int]) -> None:
    graph = random_graph(60, 600, n_layers=6)
    shell.window.show_graph(looking.look(graph, Edits()), None, Path("random.json"))
    assert look(qtbot, shell, "light", size) == []
    shell.document.select([int(shell.document.view.influence.argmax())])
    assert look(qtbot, shell, "light", size) == []
    assert look(qtbot, shell, "dark", size) == []


def test_the_texts_of_the_welcome_page_can_be_read_in_both_themes(qtbot, shell: Shell) -> None:
    for theme in ("light", "dark"):
        assert look(qtbot, shell, theme, (1440, 900)) == []


@pytest.mark.slow
def test_the_welcome_page_is_cut_nowhere_at_the_largest_text_and_the_smallest_window(qtbot, shell: Shell) -> None:
    window, welcome = shell.window, shell.window.welcome
    window.change_settings(replace(window.settings, text_scale=150))
    window.resize(*SMALLEST)
    last = welcome.specimens.cards[-1]
    qtbot.waitUntil(lambda: last.mapTo(window, last.rect().topRight()).x() < SMALLEST[0])
    qtbot.waitUntil(lambda: welcome.open_model.width() > 500)  # the column on the left follows the text size
    assert look(qtbot, shell, "light", SMALLEST) == []


def test_the_check_sees_what_is_wrong(qtbot, qapp: QApplication) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    window.setStyleSheet("background: white;")
    layout = QVBoxLayout(window)
    good, small, faint = QLabel("good"), QLabel("small"), QLabel("faint")
    small.setStyleSheet("font-size: 9px; color: black; background: white;")
    faint.setStyleSheet("font-size: 12px; color: #999999; background: white;")
    good.setStyleSheet("font-size: 12px; color: black; background: white;")
    for label in (good, small, faint):
        layout.addWidget(label)
    over, cut = QLabel("over", window), QLabel("a text that is cut off", window)
    for label in (over, cut):
        label.setAttribute(Qt.WidgetAttribute.WA_TranslucentBackground)
        label.setStyleSheet("font-size: 12px; color: black; background: transparent;")
    window.resize(200, 160)
    window.show()
    over.move(good.pos())
    over.resize(good.size())
    cut.setGeometry(100, 140, 40, 20)
    cut.show()
    said = faults(texts(window))
    assert [line for line in said if "“small”" in line and "9 px" in line]
    assert [line for line in said if "“faint”" in line and "contrast 2.8" in line]
    assert [line for line in said if "“good”" in line and "“over”" in line and "intersect" in line]
    assert [line for line in said if "cut off”" in line and "are cut off" in line]
    assert len(said) == 4


def test_boxes_may_touch() -> None:
    left = Text("a", QRectF(0, 0, 10, 10), 12, "#000000", "#FFFFFF", "")
    assert faults([left, replace(left, rect=QRectF(9.5, 0, 10, 10))]) == []
    assert len(faults([left, replace(left, rect=QRectF(8, 0, 10, 10))])) == 1


def test_the_blank_between_two_runs_of_a_label_is_no_ink(qtbot, qapp: QApplication) -> None:
    label = QLabel("<b>48</b> of 127 nodes")
    qtbot.addWidget(label)
    label.show()
    number, words = texts(label)
    assert (number.text, words.text) == ("48", "of 127 nodes")
    assert number.rect.right() <= words.rect.left() < number.rect.right() + 4

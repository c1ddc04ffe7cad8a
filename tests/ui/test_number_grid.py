"""NumberGrid: a table of shaded cells."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from explorer.session.theme import LIGHT
from explorer.ui.widgets.chrome import dress
from explorer.ui.widgets.number_grid import NumberGrid


@pytest.fixture
def grid(qtbot: QtBot, qapp: QApplication) -> Iterator[NumberGrid]:
    dress(qapp, LIGHT, 1.0)
    made = NumberGrid("Numbers", 60)
    qtbot.addWidget(made)
    made.show_cells(("first", "second"), ("a", "b", "c"), [["1"] * 3] * 2, np.ones((2, 3)))
    made.show()
    yield made
    dress(qapp, LIGHT, 1.0)


@pytest.mark.parametrize("scale", [1.5, 0.7])
def test_it_is_as_large_as_its_cells_after_the_text_size_has_changed(
    qapp: QApplication, grid: NumberGrid, scale: float
) -> None:
    before = grid.size()
    dress(qapp, LIGHT, scale)
    last = grid.cell(1, 2)
    assert (grid.width(), grid.height()) == (last.right() + 1, last.bottom() + 1)
    assert grid.size() != before

"""Plots: the numbers at their axes are the values, and they follow the theme."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyqtgraph as pg
import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from explorer.ui import theme as themes
from explorer.ui.widgets.plot import Plot


@pytest.fixture
def application() -> Iterator[QApplication]:
    found = QApplication.instance()
    assert isinstance(found, QApplication)
    yield found
    themes.apply(found, themes.LIGHT)


@pytest.mark.parametrize("small", [0, 0.2])
def test_an_axis_writes_its_values_small_ones_too(qtbot: QtBot, application: QApplication, small: float) -> None:
    plot = Plot("Counts", "x", "count")
    qtbot.addWidget(plot)
    plot.bars(np.arange(3), [0, small, 0], "mark_ink")
    plot.show()
    plot.grab()
    themes.apply(application, themes.DARK)
    axis = plot.getAxis("left")
    assert axis.tickStrings([0.1, 0.2], axis.autoSIPrefixScale * axis.scale, 0.1) == ["0.1", "0.2"]


def test_what_was_drawn_follows_a_change_of_theme(qtbot: QtBot, application: QApplication) -> None:
    plot = Plot("A line", "x", "y")
    qtbot.addWidget(plot)
    line = plot.line([0, 1], [0, 1], "text")
    for theme in (themes.DARK, themes.LIGHT):
        themes.apply(application, theme)
        assert pg.mkPen(line.opts["pen"]).color().name() == theme.text.lower()
        assert plot.getAxis("left").textPen().color().name() == theme.text_2.lower()

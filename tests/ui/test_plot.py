"""Plots: the numbers at their axes are the values, and they follow the theme."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyqtgraph as pg
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from explorer.ui import theme as themes
from explorer.ui.widgets.plot import Plot
from tests.ui.showing import show


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
    line = plot.line([0, 1], [0, 1], "text", "named")
    for theme in (themes.DARK, themes.LIGHT):
        themes.apply(application, theme)
        assert pg.mkPen(line.opts["pen"]).color().name() == theme.text.lower()
        assert plot.getAxis("left").textPen().color().name() == theme.text_2.lower()
        ((_, name),) = plot.legend.items
        assert f"color:{theme.text}".lower() in name.item.toHtml().replace(" ", "").lower()


def test_the_legend_grows_with_the_text(qtbot: QtBot, application: QApplication) -> None:
    plot = Plot("A line", "x", "y")
    qtbot.addWidget(plot)
    plot.line([0, 1], [0, 1], "text", "a name that is long")
    before = plot.legend.width()
    themes.apply(application, themes.LIGHT, 1.5)
    ((_, name),) = plot.legend.items
    assert name.item.boundingRect().width() <= plot.legend.width()
    assert plot.legend.width() > 1.2 * before


def test_a_logarithmic_axis_writes_plain_numbers_at_1_2_and_5_of_each_power_if_there_is_room(qtbot: QtBot) -> None:
    plot = Plot("Loss", "step", "loss", log_x=True)
    qtbot.addWidget(plot)
    plot.line([0.5, 20_000], [0, 1], "text")
    axis = plot.getAxis("bottom")
    ((_, narrow),) = axis.logTickValues(-0.4, 2.1, 600)
    assert axis.logTickStrings(narrow, 1, 1) == ["0.5", "1", "2", "5", "10", "20", "50", "100"]
    ((_, wide),) = axis.logTickValues(-1, 4.2, 600)
    assert axis.logTickStrings(wide, 1, 1) == ["0.1", "1", "10", "100", "1,000", "10,000"]
    ((_, cramped),) = axis.logTickValues(-0.4, 2.1, 300)
    assert axis.logTickStrings(cramped, 1, 1) == ["1", "10", "100"]
    show(qtbot, plot)
    plot.grab()
    assert plot.getViewBox().viewRange()[0] == pytest.approx(np.log10([0.5, 20_000]).tolist(), abs=0.5)


def test_a_double_click_shows_all_again(qtbot: QtBot) -> None:
    plot = Plot("A line", "x", "y")
    show(qtbot, plot)
    plot.line([0, 1], [0, 1], "text")
    plot.setXRange(5, 6)
    qtbot.mouseDClick(plot.viewport(), Qt.MouseButton.LeftButton, pos=plot.viewport().rect().center())
    qtbot.waitUntil(lambda: plot.getViewBox().viewRange()[0][0] < 0.1)

from __future__ import annotations

import pytest
from PySide6.QtGui import QColor, QFontInfo, QPalette
from PySide6.QtWidgets import QApplication, QLabel, QPushButton, QVBoxLayout, QWidget

from explorer.session.theme import DARK, LIGHT, THEMES, Theme
from explorer.ui import theme as ui_theme


def test_fonts_have_the_floor_and_figures_of_equal_width(qapp: QApplication) -> None:
    assert ui_theme.load_fonts()
    small = ui_theme.font("caption", 0.5)
    assert small.pixelSize() == 11
    assert QFontInfo(small).family() == "Inter"
    assert ui_theme.font("body", 1.5).pixelSize() == 18


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
def test_the_sheet_is_whole_and_names_only_colours_of_the_theme(theme: Theme, qapp: QApplication) -> None:
    sheet = ui_theme.stylesheet(theme, 1.25)
    assert "$" not in sheet
    named = {word.strip(" ;}") for word in sheet.replace("\n", " ").split() if word.startswith("#")}
    assert named <= set(theme.colours().values())


def test_the_palette_holds_the_tokens(qapp: QApplication) -> None:
    palette = ui_theme.palette(DARK)
    assert palette.color(QPalette.ColorRole.Base) == QColor(DARK.surface_canvas)
    assert palette.color(QPalette.ColorGroup.Disabled, QPalette.ColorRole.Text) == QColor(DARK.text_3)


def test_the_primary_button_is_ink(qtbot, qapp: QApplication) -> None:  # type: ignore[no-untyped-def]
    page = QWidget()
    qtbot.addWidget(page)
    page.setPalette(ui_theme.palette(LIGHT))
    page.setStyleSheet(ui_theme.stylesheet(LIGHT))
    rows = QVBoxLayout(page)
    button = QPushButton("Run")
    button.setProperty("primary", True)
    rows.addWidget(button)
    rows.addWidget(QLabel("beside"))
    page.show()
    image = button.grab().toImage()
    ratio = image.devicePixelRatio()
    assert image.pixelColor(int(6 * ratio), int(button.height() * ratio / 2)) == QColor(LIGHT.text)

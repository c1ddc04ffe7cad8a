"""Chrome: the part of the style sheet that the window's own frame needs beside ``ui.theme``'s.

Properties: ``small`` (a control in a panel, at most 24 high), ``inline`` (in the status bar), ``tab``, ``link`` (text
that acts), ``second`` (regular weight), ``strong``, ``part`` (a stretch of the status bar), ``card`` (a frame with
round corners; ``quiet`` a faint one), ``faulty`` (a field that is not understood).
"""

from __future__ import annotations

from string import Template

from PySide6.QtWidgets import QApplication

from explorer.session.theme import Theme
from explorer.ui import theme as themes


def dress(application: QApplication, theme: Theme, scale: float = 1.0) -> None:
    """Show every widget in ``theme`` at a text size, the window's frame included."""
    prepare(application, theme, scale)
    application.setStyleSheet(themes.stylesheet(theme, scale) + sheet(theme, scale))


def prepare(application: QApplication, theme: Theme, scale: float = 1.0) -> None:
    """All but the style sheet: under one, each widget that is put into another is styled anew with all it holds."""
    application.setStyle("Fusion")
    application.setFont(themes.font("body", scale))
    application.setPalette(themes.palette(theme))


def sheet(theme: Theme, scale: float = 1.0) -> str:
    lengths = {f"px_{size}": f"{round(size * scale)}px" for size in (11, 12, 13, 18, 22)}
    return SHEET.substitute(theme.colours(), **lengths)


SHEET = Template(
    """
QPushButton[small="true"] { min-height: $px_22; padding: 0 8px; }
QPushButton[small="true"]:focus { padding: 0 7px; }
QPushButton[small="true"]:checked { background: $select_tint; border-color: $select; }
QPushButton[inline="true"] { min-height: $px_18; padding: 0 6px; font-size: $px_11; border-radius: 4px; }
QPushButton[inline="true"]:focus { padding: 0 5px; }
QPushButton[tab="true"] { background: transparent; border: 1px solid transparent; color: $text_2; }
QPushButton[tab="true"]:checked { background: $surface_sunken; color: $text; font-weight: 600; }
QPushButton[tab="true"]:focus { border: 2px solid $select; }
QPushButton[link="true"] { background: transparent; border: none; color: $text_2; padding: 0; min-height: $px_18; }
QPushButton[link="true"]:hover { color: $text; text-decoration: underline; }
QPushButton[link="true"]:focus { border: 2px solid $select; border-radius: 4px; padding: 0 3px; }
QPushButton[second="true"] { font-weight: 600; }

QToolButton[badge="true"] { font-size: $px_11; padding: 1px 6px; border-radius: 4px; }
QToolButton[badge="true"]:focus { padding: 0 5px; }
QToolButton[strong="true"] { font-weight: 600; font-size: $px_13; }

QFrame[part="true"] { border: none; border-right: 1px solid $line; }
QFrame[part="true"] QLabel, QFrame[part="true"] QPushButton { font-size: $px_11; }
QFrame[card="true"] { background: $surface_panel; border: 1px solid $line_strong; border-radius: 8px; }
QFrame[card="quiet"] { background: $surface_panel; border: 1px solid $line; border-radius: 8px; }
QFrame[banner="stale"] QLabel, QFrame[banner="danger"] QLabel { color: $text; }
QFrame[banner="stale"] { border-left: 4px solid $stale; }
QFrame[banner="danger"] { border-left: 4px solid $danger; }
QFrame[note="true"] { background: $surface_panel; border: 1px solid $stale; border-radius: 6px; }
QFrame[note="true"] QLabel { color: $stale; }
QWidget[menu_row="true"] { background: $surface_window; border-bottom: 1px solid $line; }
QWidget[strip="true"] { background: $surface_panel; }

QLabel[role="lead"] { color: $text_2; font-size: $px_13; }
QLabel[role="on_ink"] { color: $surface_panel; font-weight: 600; }
QLabel[keycap="true"][on_ink="true"] { color: $surface_panel; border-color: $text_3; }
QLineEdit[small="true"], QAbstractSpinBox[small="true"] { min-height: $px_18; max-height: $px_18; padding: 0 4px; }
QLineEdit[small="true"]:focus, QAbstractSpinBox[small="true"]:focus { padding: 0 3px; }
QAbstractSpinBox[small="true"] QLineEdit, QAbstractSpinBox[small="true"] QLineEdit:focus { padding: 0 4px; }
QToolButton[small="true"] { font-size: $px_11; padding: 1px 4px; color: $text_2; }
QToolButton[small="true"]:focus { padding: 0 3px; }
QFrame[hairline="true"] { background: $line; border: none; }
QLineEdit[faulty="true"] { border-color: $danger; }
QLineEdit[faulty="true"]:focus { border-color: $danger; }

QAbstractSpinBox::up-button, QAbstractSpinBox::down-button { width: 0; height: 0; border: none; }
QAbstractSpinBox QLineEdit { border: none; min-height: 0; padding: 0 8px; background: transparent; }
QAbstractSpinBox QLineEdit:focus { border: none; padding: 0 8px; }
QComboBox::drop-down { border: none; background: transparent; width: 24px; }
QComboBox::down-arrow { image: none; }
QCheckBox, QRadioButton { spacing: 8px; }
QCheckBox:focus, QRadioButton:focus { color: $select; }
QScrollArea { background: transparent; }
QListWidget::item { padding: 2px 12px 2px 9px; border-left: 3px solid transparent; }
QListWidget::item:selected { background: $select_tint; color: $text; border-left: 3px solid $select; }
QAbstractItemView:focus { border: none; }
#nodes_table QHeaderView::section:first { padding-left: 26px; }
QTableView { border: none; gridline-color: transparent; }
QTableView:focus { border: 1px solid $select; }
QDialog { background: $surface_panel; }
QMainWindow { background: $surface_window; }
QToolBar { padding: 0; spacing: 0; }
QStatusBar { padding: 0; }
QMenuBar { border: none; padding: 0; }
"""
)

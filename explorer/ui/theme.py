"""The theme in Qt's terms: colours, palette, style sheet and fonts.

Widgets pick a look by a dynamic property, so that no panel names a colour:
``QPushButton[primary=true]`` (ink), ``QAbstractButton[chip=true]``, ``QToolButton[quiet=true]`` (no border),
``QLabel[role=page | title | section | second | caption | stale | danger]``, ``QLabel[keycap=true]``,
``QWidget[panel=true]`` (on the panels' surface), ``QFrame[bar=true]`` (a strip with a hairline below) and
``QFrame[banner=stale | danger]``.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib.resources import files
from string import Template

from PySide6.QtCore import QDir, Qt
from PySide6.QtGui import QColor, QFont, QFontDatabase, QPalette
from PySide6.QtWidgets import QApplication

from explorer.io.samples import resources
from explorer.session.theme import DARK, LIGHT, PRINT, THEMES, Theme

__all__ = [
    "DARK",
    "LIGHT",
    "PRINT",
    "ROLES",
    "THEMES",
    "Theme",
    "apply",
    "color",
    "font",
    "load_fonts",
    "palette",
    "stylesheet",
    "system_theme",
]

FAMILY = "Inter"
SMALLEST = 11
ROLES = {  # pixels and weight
    "page": (24, QFont.Weight.DemiBold),
    "title": (15, QFont.Weight.DemiBold),
    "section": (12, QFont.Weight.DemiBold),
    "body": (12, QFont.Weight.Normal),
    "strong": (12, QFont.Weight.DemiBold),
    "caption": (11, QFont.Weight.Normal),
    "direct": (11, QFont.Weight.DemiBold),
}


def color(value: str, alpha: float = 1.0) -> QColor:
    """``value`` (#RRGGBB) with opacity ``alpha``."""
    result = QColor(value)
    result.setAlphaF(alpha)
    return result


def load_fonts() -> bool:
    """Make the shipped typeface known to Qt; False if none is there and the system's is used."""
    package = str(files("explorer"))
    loaded = False
    for folder in (f"{package}/resources/fonts", f"{package}/../resources/fonts"):
        for file in QDir(folder).entryInfoList(["*.otf", "*.ttf"], QDir.Filter.Files):
            loaded |= QFontDatabase.addApplicationFont(file.absoluteFilePath()) >= 0
    return loaded


def font(role: str = "body", scale: float = 1.0) -> QFont:
    """The font of a role at a text size, never below 11 px, with figures of equal width."""
    pixels, weight = ROLES[role]
    result = QFont([FAMILY, QApplication.font().defaultFamily()])
    result.setPixelSize(max(SMALLEST, round(pixels * scale)))
    result.setWeight(weight)
    result.setFeature(QFont.Tag("tnum"), 1)
    return result


def palette(theme: Theme) -> QPalette:
    """The palette of a theme, for the style Fusion."""
    result = QPalette()
    role = QPalette.ColorRole
    for roles, value in (
        ((role.Window,), theme.surface_window),
        ((role.Base,), theme.surface_canvas),
        ((role.AlternateBase, role.Button, role.Light, role.Midlight, role.ToolTipBase), theme.surface_panel),
        ((role.Text, role.WindowText, role.ButtonText, role.BrightText, role.ToolTipText), theme.text),
        ((role.HighlightedText,), theme.text),
        ((role.PlaceholderText,), theme.text_3),
        ((role.Highlight,), theme.select_tint),
        ((role.Accent, role.Link, role.LinkVisited), theme.select),
        ((role.Mid,), theme.line),
        ((role.Dark, role.Shadow), theme.line_strong),
    ):
        _set(result, roles, value)
    for faint in (role.Text, role.WindowText, role.ButtonText, role.HighlightedText):
        result.setColor(QPalette.ColorGroup.Disabled, faint, QColor(theme.text_3))
    return result


def apply(application: QApplication, theme: Theme, scale: float = 1.0) -> None:
    """Show every widget of ``application`` in ``theme`` at a text size."""
    application.setStyle("Fusion")
    application.setFont(font("body", scale))
    application.setPalette(palette(theme))
    application.setStyleSheet(stylesheet(theme, scale))


def system_theme() -> Theme:
    """The theme that the system asks for."""
    scheme = QApplication.styleHints().colorScheme()
    return DARK if scheme == Qt.ColorScheme.Dark else LIGHT


def stylesheet(theme: Theme, scale: float = 1.0) -> str:
    """What a palette cannot say: see the module's docstring for the properties that widgets may set."""
    sizes = {f"px_{role}": f"{max(SMALLEST, round(pixels * scale))}px" for role, (pixels, _) in ROLES.items()}
    control = f"{round(26 * scale)}px"
    tick = (resources() / "marks" / f"check-{'dark' if theme is DARK else 'light'}.svg").as_posix()
    return SHEET.substitute(theme.colours(), control=control, row=f"{round(22 * scale)}px", tick=tick, **sizes)


def _set(palette: QPalette, roles: Iterable[QPalette.ColorRole], value: str) -> None:
    for role in roles:
        palette.setColor(QPalette.ColorGroup.All, role, QColor(value))


SHEET = Template(
    """
QMainWindow::separator { background: $line; width: 1px; height: 1px; }
QMainWindow::separator:hover { background: $line_strong; }
QSplitter::handle { background: $line; }
QDockWidget { font-weight: 600; }
QDockWidget::title { background: $surface_panel; padding: 8px 12px; text-align: left; }
QDockWidget > QWidget, QScrollArea { background: $surface_panel; border: none; }
QWidget[panel="true"] { background: $surface_panel; }
QFrame[bar="true"] { background: $surface_panel; border: none; border-bottom: 1px solid $line; }
QFrame[banner="stale"] { background: $surface_panel; border: none; border-bottom: 1px solid $stale; }
QFrame[banner="danger"] { background: $surface_panel; border: none; border-bottom: 1px solid $danger; }

QLabel[role="page"] { font-size: $px_page; font-weight: 600; color: $text; }
QLabel[role="title"] { font-size: $px_title; font-weight: 600; color: $text; }
QLabel[role="section"] { font-size: $px_section; font-weight: 600; color: $text; }
QLabel[role="caption"] { font-size: $px_caption; color: $text_3; }
QLabel[role="second"] { color: $text_2; }
QLabel[role="stale"] { color: $stale; }
QLabel[role="danger"] { color: $danger; }
QLabel[keycap="true"] { font-size: $px_caption; color: $text_2; border: 1px solid $line_strong;
    border-radius: 4px; padding: 0 4px; }

QPushButton { background: $surface_panel; color: $text; border: 1px solid $line_strong; border-radius: 6px;
    padding: 0 10px; min-height: $control; }
QPushButton:hover { background: $surface_sunken; }
QPushButton:pressed, QPushButton:checked { background: $surface_sunken; border-color: $text_2; }
QPushButton:disabled { color: $text_3; border-color: $line; }
QPushButton[primary="true"] { background: $text; color: $surface_panel; border-color: $text;
    font-weight: 600; }
QPushButton[primary="true"]:hover { background: $text_2; border-color: $text_2; }
QPushButton[primary="true"]:disabled { background: $surface_sunken; color: $text_3; border-color: $line; }
QPushButton:focus, QPushButton[primary="true"]:focus { border: 2px solid $select; padding: 0 9px; }

QToolButton { background: $surface_panel; color: $text; border: 1px solid $line_strong; border-radius: 6px;
    padding: 3px 8px; }
QToolButton:hover { background: $surface_sunken; }
QToolButton:checked, QToolButton:pressed { background: $surface_sunken; border-color: $text_2; }
QToolButton:disabled { color: $text_3; border-color: $line; }
QToolButton:focus { border: 2px solid $select; padding: 2px 7px; }
QToolButton[quiet="true"] { background: transparent; border: 1px solid transparent; padding: 3px 5px; }
QToolButton[quiet="true"]:hover { background: $surface_sunken; }
QToolButton[quiet="true"]:focus { border: 2px solid $select; padding: 2px 4px; }
QToolButton::menu-indicator { image: none; }

QAbstractButton[chip="true"] { background: $surface_sunken; border: 1px solid $surface_sunken;
    border-radius: 4px; padding: 2px 6px; min-height: 0; }
QAbstractButton[chip="true"]:hover { border-color: $line_strong; }
QAbstractButton[chip="true"]:checked { background: $select_tint; border: 1px solid $select; color: $select;
    font-weight: 600; }
QAbstractButton[chip="true"]:focus { border: 2px solid $select; padding: 1px 5px; }

QLineEdit, QPlainTextEdit, QTextEdit, QAbstractSpinBox, QComboBox { background: $surface_canvas; color: $text;
    border: 1px solid $line_strong; border-radius: 6px; selection-background-color: $select_tint;
    selection-color: $text; placeholder-text-color: $text_3; }
QLineEdit, QAbstractSpinBox, QComboBox { padding: 0 8px; min-height: $control; }
QPlainTextEdit, QTextEdit { padding: 4px 6px; }
QLineEdit:focus, QAbstractSpinBox:focus, QComboBox:focus { border: 2px solid $select; padding: 0 7px; }
QPlainTextEdit:focus, QTextEdit:focus { border: 2px solid $select; padding: 3px 5px; }
QLineEdit:disabled, QComboBox:disabled, QAbstractSpinBox:disabled { color: $text_3; border-color: $line; }
QComboBox QAbstractItemView { background: $surface_panel; border: 1px solid $line_strong; }

QCheckBox::indicator, QRadioButton::indicator, QAbstractItemView::indicator { width: 13px; height: 13px;
    border: 1px solid $line_strong; border-radius: 3px; background: $surface_canvas; }
QRadioButton::indicator { border-radius: 7px; }
QCheckBox::indicator:hover, QRadioButton::indicator:hover { border-color: $text; }
QCheckBox::indicator:checked, QAbstractItemView::indicator:checked { background: $select; border-color: $select;
    image: url("$tick"); }
QCheckBox::indicator:disabled, QRadioButton::indicator:disabled { background: $surface_sunken; }
QCheckBox::indicator:checked:disabled { background: $text_3; border-color: $text_3; }
QRadioButton::indicator:checked { width: 7px; height: 7px; border: 4px solid $select; }
QRadioButton::indicator:checked:disabled { border-color: $text_3; }

QTabWidget::pane { border: none; border-top: 1px solid $line; }
QTabBar { background: transparent; }
QTabBar::tab { background: transparent; color: $text_2; border: 1px solid transparent; border-radius: 6px;
    padding: 4px 10px; margin: 4px 2px 4px 4px; }
QTabBar::tab:hover { color: $text; }
QTabBar::tab:selected { background: $surface_sunken; color: $text; font-weight: 600; }
QTabBar::tab:focus { border: 1px solid $select; }

QSlider { min-height: 22px; }
QSlider::groove:horizontal { height: 4px; border-radius: 2px; background: $surface_sunken; }
QSlider::sub-page:horizontal { height: 4px; border-radius: 2px; background: $text_2; }
QSlider::handle:horizontal { width: 12px; height: 12px; margin: -5px 0; border-radius: 7px;
    background: $surface_panel; border: 1px solid $text_2; }
QSlider::handle:horizontal:hover { border-color: $text; background: $surface_sunken; }
QSlider::handle:horizontal:focus { border: 2px solid $select; width: 10px; height: 10px; }
QSlider::sub-page:horizontal:disabled { background: $line_strong; }

QProgressBar { background: $surface_sunken; border: none; border-radius: 2px; max-height: 4px; }
QProgressBar::chunk { background: $text_2; border-radius: 2px; }

QHeaderView { background: $surface_panel; border: none; }
QHeaderView::section { background: $surface_panel; color: $text_3; font-size: $px_caption; font-weight: 400;
    border: none; border-bottom: 1px solid $line; padding: 3px 6px; }
QHeaderView::section:hover { color: $text; }
QAbstractItemView { background: $surface_panel; alternate-background-color: $surface_panel; border: none;
    outline: none; selection-background-color: $select_tint; selection-color: $text; }
QAbstractItemView:focus { border: 1px solid $select; }
QTreeView::item, QListView::item { min-height: $row; }
QTreeView::item:selected, QListView::item:selected, QTableView::item:selected { background: $select_tint;
    color: $text; }

QMenuBar { background: $surface_window; padding: 2px 6px; }
QMenuBar::item { background: transparent; padding: 4px 9px; border-radius: 4px; }
QMenuBar::item:selected { background: $surface_sunken; }
QMenu { background: $surface_panel; border: 1px solid $line_strong; padding: 4px; }
QMenu::item { padding: 4px 22px 4px 22px; border-radius: 4px; }
QMenu::item:selected { background: $surface_sunken; color: $text; }
QMenu::item:disabled { color: $text_3; }
QMenu::separator { height: 1px; background: $line; margin: 4px 6px; }
QToolTip { background: $surface_panel; color: $text; border: 1px solid $line_strong; padding: 4px 6px; }

QStatusBar { background: $surface_window; border-top: 1px solid $line; font-size: $px_caption; }
QStatusBar::item { border: none; }
QStatusBar QLabel { font-size: $px_caption; }
QToolBar { background: $surface_panel; border: none; border-bottom: 1px solid $line; spacing: 6px;
    padding: 4px 8px; }

QScrollBar:vertical { background: transparent; width: 10px; margin: 0; }
QScrollBar:horizontal { background: transparent; height: 10px; margin: 0; }
QScrollBar::handle { background: $line_strong; border-radius: 3px; margin: 2px; }
QScrollBar::handle:vertical { min-height: 28px; }
QScrollBar::handle:horizontal { min-width: 28px; }
QScrollBar::handle:hover { background: $text_3; }
QScrollBar::add-line, QScrollBar::sub-line { width: 0; height: 0; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }
"""
)

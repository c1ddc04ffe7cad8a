"""The window About: what runs here, to be copied into a report, and the licences of the parts."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING, Any

import PySide6
from PySide6.QtCore import QRectF, Qt, qVersion
from PySide6.QtGui import QFont, QGuiApplication, QPainter, QPaintEvent
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from explorer import __version__
from explorer.io.samples import resources
from explorer.ui.panels.licences import LicencesPanel
from explorer.ui.widgets.icons import icon, scaled
from explorer.ui.widgets.look import px
from explorer.ui.widgets.scaling import fixed

if TYPE_CHECKING:
    from explorer.ui.window import MainWindow

EDGE = 40  # of the window that stays in sight
EMBLEM = 48
NAME = "Circuit Explorer"


class AboutWindow(QDialog):
    """Not modal; what the engine says of itself is shown as soon as it has answered."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._engine = window.engine
        self.setWindowTitle(f"About {NAME}")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.rows = {name: _value() for name in facts(self._engine)}
        self.copy = QPushButton(icon("copy"), "Copy these lines")
        self.copy.setProperty("small", True)
        self.copy.setIconSize(scaled(self))
        self.copy.setAutoDefault(False)  # Return in the filter is for the filter
        self.copy.setToolTip("Puts name, version and these lines into the clipboard, for a report of a bug")
        self.copied = QLabel("Copied.")
        self.copied.setProperty("role", "caption")
        self.copied.hide()
        self.licences: LicencesPanel = LicencesPanel()
        self._lay_out()
        self.copy.clicked.connect(self._copy)
        self._engine.state_changed.connect(self._show)
        self._show()
        self.resize(min(px(900), window.width() - EDGE), min(px(620), window.height() - EDGE))
        self.licences.filter.setFocus()

    def done(self, result: int) -> None:
        self._engine.state_changed.disconnect(self._show)
        self.licences.close_reading()
        super().done(result)

    def lines(self) -> str:
        """What is copied."""
        return "\n".join((f"{NAME} {__version__}", *(f"{name}: {told}" for name, told in facts(self._engine).items())))

    def _lay_out(self) -> None:
        form = QFormLayout()
        form.setHorizontalSpacing(20)
        form.setVerticalSpacing(4)
        for name, value in self.rows.items():
            label = QLabel(name)
            label.setProperty("role", "second")
            form.addRow(label, value)
        copying = QHBoxLayout()
        copying.setSpacing(10)
        copying.addWidget(self.copy)
        copying.addWidget(self.copied, 1)
        copying.addStretch()
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        buttons.button(QDialogButtonBox.StandardButton.Close).setAutoDefault(False)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(20, 18, 20, 16)
        layout.setSpacing(12)
        layout.addLayout(_head())
        layout.addLayout(form)
        layout.addLayout(copying)
        layout.addSpacing(6)
        layout.addWidget(self.licences, 1)
        layout.addWidget(buttons)

    def _show(self) -> None:
        for name, told in facts(self._engine).items():
            self.rows[name].setText(told)
        self.copied.hide()

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self.lines())
        self.copied.show()


class Emblem(QWidget):
    """The program's icon."""

    def __init__(self) -> None:
        super().__init__()
        self._drawing = QSvgRenderer(str(resources() / "icon.svg"), self)
        fixed(self, width=EMBLEM, height=EMBLEM)

    def paintEvent(self, event: QPaintEvent) -> None:
        with QPainter(self) as painter:
            self._drawing.render(painter, QRectF(self.rect()))


def facts(engine: Any) -> dict[str, str]:
    """What runs here, by the name of the line."""
    return {
        "Window": f"Python {platform.python_version()}, Qt {qVersion()}, PySide6 {PySide6.__version__}",
        "Engine": _engine_words(engine),
        "System": f"{_system()}, {platform.machine()}",
    }


def _system() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except OSError:  # not Linux
        return f"{platform.system()} {platform.release()}"


def _engine_words(engine: Any) -> str:
    if not engine.versions:
        return "The engine has not started yet."
    held = [f"{name.replace('python', 'Python')} {version}" for name, version in engine.versions.items() if version]
    where = f" on {', '.join(engine.devices)}" if engine.devices else ""
    return f"{', '.join(held)}{where}{'; started by the command in Preferences' if engine.command else ''}"


def _head() -> QHBoxLayout:
    name, words = QLabel(NAME), QLabel("Works offline; nothing leaves this machine.")
    name.setProperty("role", "page")
    version = QLabel(f"Version {__version__}")
    version.setProperty("role", "second")
    words.setProperty("role", "second")
    titles = QHBoxLayout()
    titles.setSpacing(10)
    titles.addWidget(name)
    titles.addWidget(version, 1, Qt.AlignmentFlag.AlignBottom)
    text = QVBoxLayout()
    text.setSpacing(0)
    text.addLayout(titles)
    text.addWidget(words)
    head = QHBoxLayout()
    head.setSpacing(14)
    head.addWidget(Emblem())
    head.addLayout(text, 1)
    return head


def _value() -> QLabel:
    value = QLabel()
    plain = QFont()
    plain.setFeature(QFont.Tag("calt"), 0)  # else the typeface makes a times sign of the x in x86_64
    value.setFont(plain)
    value.setTextFormat(Qt.TextFormat.PlainText)
    value.setWordWrap(True)
    value.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return value

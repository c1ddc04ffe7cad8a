"""Dialogs: what the window opens over itself. Each is imported when it is asked for: a window opens faster without."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QDialog

from explorer.ui.widgets.look import px

if TYPE_CHECKING:
    from explorer.ui.preferences import Preferences
    from explorer.ui.specimens.window import SpecimensWindow
    from explorer.ui.window import MainWindow

Shown = TypeVar("Shown", bound=QDialog)


class Dialogs(QObject):
    """Each is made anew and deleted when it is closed."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window

    def preferences(self) -> Preferences:
        from explorer.ui.preferences import Preferences

        dialog = Preferences(self._window.settings, self._window, self._window.engine.devices)
        dialog.changed.connect(self._window.change_settings)
        self.show_dialog(dialog)
        return dialog

    def choose_engine(self) -> None:
        """The preferences, at the command of the engine."""
        self.preferences().command.setFocus()

    def keys(self) -> None:
        from explorer.ui.keys import KeyMap

        self.show_dialog(KeyMap(self._window))

    def palette(self) -> None:
        from explorer.ui.palette import Palette

        window = self._window
        palette = Palette(window.actions_set, window.document, window, window.evidence.find)
        palette.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        palette.chosen.connect(self._take)
        palette.gone_to.connect(window.canvas.walk_to)
        corner = window.mapToGlobal(window.rect().topLeft())
        palette.move(corner.x() + (window.width() - palette.width()) // 2, corner.y() + px(60))
        palette.show()
        palette.words.setFocus()

    def about(self) -> None:
        from explorer.ui.about import AboutWindow

        self.show_one(AboutWindow)

    def specimens(self, name: str = "") -> SpecimensWindow:
        """The window of the specimens, at the one called ``name``."""
        from explorer.ui.specimens.window import SpecimensWindow

        shown = self.show_one(SpecimensWindow)
        if name:
            shown.turn_to(name)
        return shown

    def _take(self, row: str) -> None:
        self._window.actions_set.by_id[row].trigger()

    def show_dialog(self, dialog: QDialog) -> None:
        """Show it over the window until it is closed, which deletes it."""
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setModal(True)
        dialog.show()

    def show_one(self, kind: type[Shown]) -> Shown:
        """Open a window of that kind, or bring the one that is open to the front."""
        for open_one in self._window.findChildren(kind):
            open_one.activateWindow()
            return open_one
        shown = kind(self._window)
        shown.show()
        return shown

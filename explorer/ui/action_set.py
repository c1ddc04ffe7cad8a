"""ActionSet: the rows of ACTIONS as Qt's actions, with menus, shortcuts and their state."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu, QMenuBar, QWidget

from explorer.ui.actions import ACTIONS, MENUS, Action

if TYPE_CHECKING:
    from explorer.ui.panels.subgraph import SubgraphPage
    from explorer.ui.window import MainWindow

FOR_CANVAS = ("label", "note", "group", "ungroup", "tighter", "looser", "add_selected", "paths", "propose")
MORE_KEYS = {"redo": ("Ctrl+Y",), "run": ("Ctrl+Enter",), "larger": ("Ctrl+Shift+=",)}


class _Row(QObject):
    """Takes an action for the window it belongs to."""

    def __init__(self, row: Action, action: QAction, window: MainWindow) -> None:
        super().__init__(action)
        self._row, self._window = row, window
        action.triggered.connect(self.take)

    def take(self) -> None:
        if self._row.enabled(self._window):
            self._row.run(self._window)
        self._window.actions_set.refresh()


class ActionSet(QObject):
    """``focus`` are the widgets in which single keys act, ``canvas`` the one that knows most of them itself."""

    def __init__(self, window: MainWindow, canvas: QWidget, focus: Iterable[QWidget]) -> None:
        super().__init__(window)
        self._window = window
        self.by_id: dict[str, QAction] = {}
        for row in ACTIONS:
            self.by_id[row.id] = self._make(row, (*((canvas,) if row.id in FOR_CANVAS else ()), *focus))
        window.workspace.made.connect(self._note_there)
        self.refresh()

    def _note_there(self, subgraph: SubgraphPage) -> None:
        subgraph.canvas.addAction(self.by_id["note"])

    def fill(self, bar: QMenuBar) -> dict[str, QMenu]:
        """The menus of MENUS in ``bar``, by name."""
        menus = {}
        for name in MENUS:
            menu = bar.addMenu(name)
            menu.setToolTipsVisible(True)
            menu.aboutToShow.connect(self.refresh)
            menus[name] = menu
            for row in ACTIONS:
                if row.menu != name:
                    continue
                if row.group:
                    menu.addSeparator()
                menu.addAction(self.by_id[row.id])
        return menus

    def refresh(self) -> None:
        """Enable, name and check every action as the window is now."""
        for row in ACTIONS:
            action = self.by_id[row.id]
            action.setEnabled(row.enabled(self._window))
            if row.named is not None:
                action.setText(row.named(self._window))
            if row.checked is not None:
                action.setChecked(row.checked(self._window))

    def _make(self, row: Action, focus: tuple[QWidget, ...]) -> QAction:
        action = QAction(row.text, self._window)
        action.setObjectName(row.id)
        action.setCheckable(row.checked is not None)
        if row.id == "quit":
            action.setMenuRole(QAction.MenuRole.QuitRole)
        keys = [QKeySequence(key) for key in (row.shortcut, *MORE_KEYS.get(row.id, ())) if key]
        action.setShortcuts(keys)
        if row.single:
            action.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            for widget in focus:
                widget.addAction(action)
        else:
            self._window.addAction(action)
        _Row(row, action, self._window)
        return action

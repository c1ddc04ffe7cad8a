"""Notices: what went wrong, in one banner that pushes the content, or in a dialog if it is a bug of ours."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from PySide6.QtCore import QObject, Qt, QTimer, Signal
from PySide6.QtGui import QGuiApplication, QResizeEvent
from PySide6.QtWidgets import (
    QApplication,
    QDialog,
    QDialogButtonBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from explorer.errors import ExplorerError
from explorer.ui.widgets.icons import IconLabel, icon
from explorer.ui.widgets.look import px, set_property

STALE, DANGER = "stale", "danger"
RANK = {STALE: 0, DANGER: 1}


@dataclass(frozen=True)
class Notice:
    """``actions`` are (text, what it does); ``details`` can be copied. Equal ``key`` replaces."""

    text: str
    level: str = DANGER
    details: str = ""
    actions: tuple[tuple[str, Callable[[], None]], ...] = ()
    key: str = ""


class NoticeBanner(QFrame):
    """One notice at a time, the worst first, the newest first among equals."""

    occupied = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._waiting: list[Notice] = []
        self._buttons: list[QPushButton] = []
        self.setAccessibleName("Notice")
        self.symbol = IconLabel("warning", DANGER)
        self.words = QLabel()
        self.words.setWordWrap(True)
        self.words.setTextFormat(Qt.TextFormat.PlainText)  # it quotes paths and what engines write
        self.words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.more = QLabel()
        self.more.setProperty("role", "caption")
        self.copy = QPushButton(icon("copy"), "Copy details")
        self.copy.setProperty("small", True)
        self.close_all = QPushButton("Close all")
        self.close_all.setProperty("small", True)
        self.close_button = QToolButton()
        self.close_button.setProperty("quiet", True)
        self.close_button.setIcon(icon("close"))
        self.close_button.setAccessibleName("Close the notice")
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(14, 6, 8, 6)
        self._row.setSpacing(10)
        self._row.addWidget(self.symbol)
        self._row.addWidget(self.words, 1)
        self._row.addWidget(self.more)
        self._row.addWidget(self.copy)
        self._row.addWidget(self.close_all)
        self._row.addWidget(self.close_button)
        self.copy.clicked.connect(self._copy)
        self.close_all.clicked.connect(self.dismiss_all)
        self.close_button.clicked.connect(self.dismiss)
        self.hide()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit_height()

    def _fit_height(self) -> None:
        """As high as the words need, which a tool bar would not ask."""
        needed = self.words.heightForWidth(max(self.words.width(), 200)) + 14
        self.setFixedHeight(max(px(40), needed))

    @property
    def present(self) -> Notice | None:
        return self._waiting[0] if self._waiting else None

    def holds(self, key: str) -> bool:
        """Whether the notice ``key`` shows or waits."""
        return any(each.key == key for each in self._waiting)

    def show_notice(self, notice: Notice) -> None:
        others = [each for each in self._waiting if (each.key or each.text) != (notice.key or notice.text)]
        self._waiting = sorted([notice, *others], key=lambda each: -RANK[each.level])
        self._show()

    def dismiss(self) -> None:
        """Take the present notice away; the next one shows."""
        self._waiting = self._waiting[1:]
        self._show()

    def dismiss_all(self) -> None:
        """Take all notices away."""
        self._waiting = []
        self._show()

    def withdraw(self, key: str) -> None:
        """Take the notice ``key`` away, because what it says is over."""
        self._waiting = [each for each in self._waiting if each.key != key]
        self._show()

    def _show(self) -> None:
        for button in self._buttons:
            button.hide()
            button.deleteLater()
        self._buttons = []
        notice = self.present
        self.setVisible(notice is not None)
        self.occupied.emit(notice is not None)
        if notice is None:
            return
        set_property(self, "banner", notice.level)
        self.symbol.show_icon("warning", notice.level)
        self.words.setText(notice.text)
        self.copy.setVisible(bool(notice.details))
        waiting = len(self._waiting) - 1
        self.more.setText(f"{waiting} more" if waiting else "")
        self.close_all.setVisible(waiting > 0)
        for text, act in notice.actions:
            button = QPushButton(text)
            button.setProperty("small", True)
            button.clicked.connect(_Answer(self, notice, act).take)
            self._row.insertWidget(self._row.indexOf(self.copy), button)
            self._buttons.append(button)
        self._fit_height()

    def _copy(self) -> None:
        if self.present is not None:
            QGuiApplication.clipboard().setText(f"{self.present.text}\n\n{self.present.details}")


class _Answer(QObject):
    """A button of a notice: takes the notice away and does what it says."""

    def __init__(self, banner: NoticeBanner, notice: Notice, act: Callable[[], None]) -> None:
        super().__init__(banner)
        self._banner, self._notice, self._act = banner, notice, act

    def take(self) -> None:
        if self._banner.present is self._notice:
            self._banner.dismiss()
        self._act()
        self.deleteLater()


class BugDialog(QDialog):
    """This is a bug: what happened, to be copied, and where the log is."""

    def __init__(self, report: str, log: Path | None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Circuit Explorer has a bug")
        self.report = report
        symbol = IconLabel("warning", DANGER)
        title = QLabel("This is a bug in Circuit Explorer.")
        title.setProperty("role", "title")
        words = QLabel(
            "What you did last may not have worked. The document is still here: save a copy, then go on. "
            "The report below helps to mend it."
        )
        words.setWordWrap(True)
        text = QPlainTextEdit(report)
        text.setReadOnly(True)
        text.setAccessibleName("Report")
        text.setMinimumSize(px(560), px(220))
        place = QLabel(f"Log: {log}" if log else "")
        place.setProperty("role", "caption")
        place.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        buttons = QDialogButtonBox()
        self.copy = buttons.addButton("Copy the report", QDialogButtonBox.ButtonRole.ActionRole)
        close = buttons.addButton("Go on", QDialogButtonBox.ButtonRole.AcceptRole)
        close.setDefault(True)
        head = QHBoxLayout()
        head.setSpacing(10)
        head.addWidget(symbol)
        head.addWidget(title, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 16, 16, 14)
        layout.setSpacing(10)
        layout.addLayout(head)
        layout.addWidget(words)
        layout.addWidget(text, 1)
        layout.addWidget(place)
        layout.addWidget(buttons)
        self.copy.clicked.connect(self._copy)
        close.clicked.connect(self.accept)

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self.report)


class TopHook(QObject):
    """Takes what nothing else caught: a sentence becomes a notice, anything else a BugDialog.

    ``install`` puts it in place of ``sys.excepthook``, ``remove`` puts the old one back.
    """

    failed = Signal(object)
    crashed = Signal(str)

    def __init__(self, banner: NoticeBanner, log: Path | None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._banner, self._log = banner, log
        self._old = sys.excepthook
        self.dialog: BugDialog | None = None
        # Queued, because an exception may come from any thread and from within a paint event.
        self.failed.connect(self._tell, Qt.ConnectionType.QueuedConnection)
        self.crashed.connect(self._report, Qt.ConnectionType.QueuedConnection)

    def install(self) -> None:
        self._old = sys.excepthook
        sys.excepthook = self.take

    def remove(self) -> None:
        sys.excepthook = self._old

    def take(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            QTimer.singleShot(0, QApplication.quit)
            return
        report = "".join(traceback.format_exception(kind, error, trace))
        if isinstance(error, ExplorerError):
            self.failed.emit(Notice(str(error), details=report))
        else:
            sys.stderr.write(report)
            self.crashed.emit(report)

    def _tell(self, notice: Notice) -> None:
        self._banner.show_notice(notice)

    def _report(self, report: str) -> None:
        if self.dialog is not None and self.dialog.isVisible():
            return  # a fault in a paint event comes again and again; one report is enough
        self.dialog = BugDialog(report, self._log, self._banner.window())
        self.dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
        self.dialog.setModal(True)
        self.dialog.show()

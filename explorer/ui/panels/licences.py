"""LicencesPanel: the parts that the program is made of, found by their words, and the licence of the chosen one."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QPlainTextEdit, QVBoxLayout, QWidget

from explorer.io.licences import Licences, Part, reading
from explorer.ui.background import Background
from explorer.ui.notices import DANGER
from explorer.ui.widgets.icons import icon
from explorer.ui.widgets.look import set_property
from explorer.ui.widgets.scaling import fixed
from explorer.ui.widgets.two_lines import TwoLineList, TwoLines
from explorer.work import Work

LIST = 230
LONGEST = 40  # characters to filter by, so that the sentence that repeats them fits


class LicencesPanel(QWidget):
    """What ``read`` finds is read on a thread once the panel is made: a Python environment takes a second."""

    def __init__(self, read: Callable[[], Work[Licences]] = reading, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._licences = Licences((), is_bundled=True)
        self._found: list[Part] = []
        self._shown: Part | None = None
        self.said: QLabel = QLabel("Reading the licences")
        self.said.setProperty("role", "caption")
        self.said.setTextFormat(Qt.TextFormat.PlainText)
        self.said.setWordWrap(True)
        self.said.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.filter = QLineEdit()
        self.filter.setPlaceholderText("Name or licence")
        self.filter.setAccessibleName("Filter the parts")
        self.filter.setToolTip("Words of the name, the version or the licence; Return goes to the list")
        self.filter.setMaxLength(LONGEST)
        self.filter.setClearButtonEnabled(True)
        self.filter.addAction(icon("search"), QLineEdit.ActionPosition.LeadingPosition)
        self.names = TwoLineList("Parts of the program", details=1)
        self.text: QPlainTextEdit = QPlainTextEdit()
        self.text.setReadOnly(True)
        self.text.setTabChangesFocus(True)
        self.text.setAccessibleName("Licence of the chosen part")
        self._lay_out()
        self.filter.textChanged.connect(self._list)
        self.filter.returnPressed.connect(self.names.setFocus)
        self.names.currentRowChanged.connect(self._show_part)
        self._reading = Background("licences", self)
        self._reading.done.connect(self._take)
        self._reading.failed.connect(self._fail)
        self._reading.start(lambda pause: read())

    def close_reading(self) -> None:
        self._reading.close()

    def _lay_out(self) -> None:
        title = QLabel("Licences of the parts")
        title.setProperty("role", "section")
        head = QHBoxLayout()
        head.setSpacing(12)
        head.addWidget(title)
        head.addWidget(self.said, 1)
        side = QWidget()
        fixed(side, width=LIST)
        listed = QVBoxLayout(side)
        listed.setContentsMargins(0, 0, 0, 0)
        listed.setSpacing(6)
        listed.addWidget(self.filter)
        listed.addWidget(self.names, 1)
        row = QHBoxLayout()
        row.setSpacing(12)
        row.addWidget(side)
        row.addWidget(self.text, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addLayout(head)
        layout.addLayout(row, 1)

    def _take(self, found: Licences) -> None:
        self._licences = found
        self._list()

    def _fail(self, error: Exception) -> None:
        set_property(self.said, "role", DANGER)
        self.said.setText(str(error))

    def _list(self) -> None:
        """List what the filter leaves; the part that is shown stays chosen if it is among them, else the first is."""
        parts, words = self._licences.parts, self.filter.text().lower().split()
        self._found = [part for part in parts if all(word in _words(part).lower() for word in words)]
        rows = (row for row, part in enumerate(self._found) if part is self._shown)
        current = next(rows, 0 if self._found else -1)
        self.names.show_rows(map(_row, self._found), current)
        self._show_part(current)
        if parts:
            self._count()

    def _count(self) -> None:
        n_found, n_parts = len(self._found), len(self._licences.parts)
        shown = f"{n_parts} parts" if n_found == n_parts else f"{n_found} of {n_parts} parts"
        where = "" if self._licences.is_bundled else " of this Python environment"
        none = f"No part matches “{self.filter.text().strip()}”."
        self.said.setText(f"{shown}{where}" if n_found else none)

    def _show_part(self, row: int) -> None:
        part = self._found[row] if row >= 0 else None
        if part is not self._shown:  # else its text would jump to the top while one types
            self._shown = part
            self.text.setPlainText(self._licences.text(part) if part else "")


def _words(part: Part) -> str:
    return f"{part.called}: {part.stated}"


def _row(part: Part) -> TwoLines:
    return TwoLines(part.name, part.version, part.stated, whole=_words(part))

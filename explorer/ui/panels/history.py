"""The history panel: every step since the document was opened; a click goes there."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QSignalBlocker, QSize, Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QFrame, QLabel, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from explorer.ui.document import Document
from explorer.ui.widgets.look import current_theme, font, px
from explorer.ui.widgets.scaling import on_text_size


class HistoryPanel(QWidget):
    """Steps undone are listed below the present one, in grey, until another step is made."""

    TITLE = "History"

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self.setProperty("panel", True)
        self.setAccessibleName("History")
        title = QLabel("History")
        title.setProperty("role", "section")
        title.setContentsMargins(12, 12, 12, 8)
        self.steps = QListWidget()
        self.steps.setFrameShape(QFrame.Shape.NoFrame)
        self.steps.setAccessibleName("Steps")
        self.steps.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(title)
        layout.addWidget(self.steps)
        self.steps.currentRowChanged.connect(self._go)
        document.edits_changed.connect(self._show)
        document.interventions_changed.connect(self._show)
        document.graph_changed.connect(self._show)
        on_text_size(self, self._show)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._show()

    def _show(self) -> None:
        history = self._document.history
        texts = ["opened", *(text for text, _ in history.past), *(text for text, _ in history.future[::-1])]
        present = len(history.past)
        theme = current_theme()
        with QSignalBlocker(self.steps):
            self.steps.clear()
            for row, text in enumerate(texts):
                item = QListWidgetItem(text[:1].upper() + text[1:])
                item.setSizeHint(QSize(0, px(24)))
                item.setFont(font("strong" if row == present else "body"))
                if row > present:
                    item.setForeground(QColor(theme.text_3))
                    item.setToolTip("Undone; a click does it again")
                self.steps.addItem(item)
            self.steps.setCurrentRow(present)
        self.steps.scrollToItem(self.steps.item(present))

    def _go(self, row: int) -> None:
        if row >= 0:
            self._document.go_back_to(row)

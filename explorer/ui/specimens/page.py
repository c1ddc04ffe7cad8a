"""SpecimenPage: what the pages of the specimens share: three verbs, and work that holds no window up."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QLabel, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from explorer.specimens.catalogue import Specimen
from explorer.ui.background import Background
from explorer.ui.widgets.look import px, text_scale
from explorer.ui.widgets.scaling import on_text_size

LINE = 16  # px of a heading
LARGE = 1.25  # a text size from which the words need a line more


class SpecimenPage(QWidget):
    """A page makes the view of each verb when it is first looked at. Long work runs on ``work``, newest first.

    ``turned`` asks the window to look at another verb.
    """

    turned = Signal(str)

    def __init__(self, specimen: Specimen) -> None:
        super().__init__()
        self.specimen = specimen
        self.work = Background(f"specimen {specimen.name}", self)

    def read(self) -> QWidget:
        raise NotImplementedError

    def intervene(self) -> QWidget:
        raise NotImplementedError

    def extract(self) -> QWidget:
        raise NotImplementedError

    def rest(self) -> None:
        """Give up what is still running: the page is looked at no longer."""
        self.work.close()


def words(text: str = "", role: str = "second") -> QLabel:
    """A paragraph; what it says is never taken for markup."""
    label = QLabel(text)
    _dress(label, role)
    return label


class Heading(QLabel):
    """A heading with room for two lines, three if the text is large, so that no picture jumps as the words change."""

    def __init__(self) -> None:
        super().__init__()
        _dress(self, "section")
        self.setAlignment(Qt.AlignmentFlag.AlignBottom | Qt.AlignmentFlag.AlignLeft)
        on_text_size(self, self._measure)

    def _measure(self) -> None:
        self.setMinimumHeight(px(LINE) * (2 if text_scale() < LARGE else 3))


def _dress(label: QLabel, role: str) -> None:
    label.setProperty("role", role)
    label.setWordWrap(True)
    label.setTextFormat(Qt.TextFormat.PlainText)


def scrolled(view: QWidget) -> QScrollArea:
    """``view`` in an area that scrolls downwards if the window is low."""
    area = QScrollArea()
    area.setFrameShape(QScrollArea.Shape.NoFrame)
    area.setWidgetResizable(True)
    area.setWidget(view)
    view.setAutoFillBackground(False)  # which setWidget turns on
    return area


def titled(title: str | QLabel, *parts: QWidget) -> QWidget:
    """``parts`` below each other under a title; the last takes the room that is left."""
    section = QWidget()
    section.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
    layout = QVBoxLayout(section)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(6)
    layout.addWidget(title if isinstance(title, QLabel) else words(title, "section"))
    for at, part in enumerate(parts):
        layout.addWidget(part, int(at == len(parts) - 1))
    return section

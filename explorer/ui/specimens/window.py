"""The window of the specimens: a list of them, and of the chosen one what can be read, changed and extracted."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QPushButton,
    QStackedWidget,
    QTabBar,
    QVBoxLayout,
    QWidget,
)

from explorer.errors import ExplorerError
from explorer.io.specimens import model_folder
from explorer.session.prompt import Prompt
from explorer.specimens.catalogue import SPECIMENS, Specimen
from explorer.ui.specimens.page import SpecimenPage, words
from explorer.ui.widgets.look import px
from explorer.ui.widgets.scaling import fixed
from explorer.ui.widgets.two_lines import TwoLineList, TwoLines

if TYPE_CHECKING:
    from explorer.ui.window import MainWindow

EDGE = 40  # of the window that stays in sight
SMALLEST = (860, 560)
LIST = 232
VERBS = {"read": "Read", "intervene": "Intervene", "extract": "Extract"}
PAGES: dict[str, tuple[str, str]] = {  # by specimen: the module of this package, and its page
    "letters": ("letters", "LettersPage"),
    "superposition": ("superposition", "SuperpositionPage"),
    "adder": ("adder", "AdderPage"),
    "modular-113": ("modular", "ModularPage"),
    "modular-59": ("modular", "ModularPage"),
    "induction": ("induction", "InductionPage"),
}


class SpecimensWindow(QDialog):
    """Not modal; it touches no document. Each page is made when it is first looked at."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window, Qt.WindowType.Window)
        self._window = window
        self._views: dict[tuple[str, str], QWidget] = {}
        self._pages: dict[str, SpecimenPage] = {}
        self.setWindowTitle("Specimens")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setMinimumSize(*SMALLEST)
        self.resize(max(window.width() - EDGE, SMALLEST[0]), max(window.height() - EDGE, SMALLEST[1]))
        self.names = TwoLineList("Specimens")
        self.names.show_rows(map(_row, SPECIMENS))
        self.verbs = QTabBar()
        self.verbs.setAccessibleName("What to do with it")
        self.verbs.setDrawBase(False)
        self.verbs.setUsesScrollButtons(False)
        for verb in VERBS.values():
            self.verbs.addTab(verb)
        self.views = QStackedWidget()
        self._lay_out()
        self.names.currentRowChanged.connect(self._turn)
        self.verbs.currentChanged.connect(self._turn)
        self.names.setCurrentRow(0)

    @property
    def specimen(self) -> Specimen:
        """The one that is looked at."""
        return SPECIMENS[self.names.currentRow()]

    @property
    def page(self) -> SpecimenPage | None:
        """Its page; None if it could not be read."""
        return self._pages.get(self.specimen.name)

    def turn_to(self, name: str, verb: str = "read") -> None:
        """Look at the specimen ``name``, doing ``verb``."""
        self.verbs.setCurrentIndex(list(VERBS).index(verb))
        self.names.setCurrentRow([each.name for each in SPECIMENS].index(name))

    def done(self, result: int) -> None:
        for page in self._pages.values():
            page.rest()
        super().done(result)

    def _lay_out(self) -> None:
        self.title, self.description = words("", "title"), words()
        self.facts = words("", "caption")
        self.facts.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.opener = QPushButton("Open as a model")
        self.opener.setToolTip("Open it in the main window, with a prompt to run, its lenses and its neurons")
        self.opener.clicked.connect(self._open)
        head = QHBoxLayout()
        head.setSpacing(12)
        head.addWidget(self.title, 1)
        head.addWidget(self.facts, 1)
        head.addWidget(self.opener)
        side = QWidget()
        side.setProperty("panel", True)
        fixed(side, width=LIST)
        listed = QVBoxLayout(side)
        listed.setContentsMargins(8, 12, 8, 12)
        listed.addWidget(self.names)
        right = QVBoxLayout()
        right.setContentsMargins(px(20), px(14), px(20), px(14))
        right.setSpacing(8)
        right.addLayout(head)
        right.addWidget(self.description)
        right.addWidget(self.verbs, 0, Qt.AlignmentFlag.AlignLeft)
        right.addWidget(self.views, 1)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(side)
        layout.addLayout(right, 1)

    def _turn(self) -> None:
        """Show what is chosen; what another page still computes is given up."""
        specimen, verb = self.specimen, list(VERBS)[self.verbs.currentIndex()]
        for name, page in self._pages.items():
            if name != specimen.name:
                page.rest()
        self.title.setText(specimen.title)
        self.description.setText(specimen.description)
        self.facts.setText(specimen.facts)
        self.opener.setVisible(bool(specimen.prompt))
        view = self._views.get((specimen.name, verb))
        if view is None:
            view = self._made(specimen, verb)
            self._views[specimen.name, verb] = view
            self.views.addWidget(view)
        self.views.setCurrentWidget(view)

    def _made(self, specimen: Specimen, verb: str) -> QWidget:
        """The view of a verb; one sentence if the specimen's files cannot be read."""
        try:
            if specimen.name not in self._pages:
                self._pages[specimen.name] = self._begun(specimen)
            view: QWidget = getattr(self._pages[specimen.name], verb)()
        except ExplorerError as error:
            view = words(str(error))
        return view

    def _begun(self, specimen: Specimen) -> SpecimenPage:
        page = page_of(specimen)
        page.setParent(self)
        page.hide()
        page.turned.connect(lambda verb: self.turn_to(specimen.name, verb))
        return page

    def _open(self) -> None:
        specimen = self.specimen
        self._window.prompt.put(Prompt(specimen.prompt))
        self._window.open_model(str(model_folder(specimen)))
        self._window.activateWindow()


def _row(specimen: Specimen) -> TwoLines:
    return TwoLines(specimen.title, "", specimen.facts, whole=f"{specimen.title}: {specimen.facts}")


def page_of(specimen: Specimen) -> SpecimenPage:
    """The page of ``specimen``, made anew; LoadError if its files cannot be read."""
    module, name = PAGES[specimen.name]
    made: SpecimenPage = getattr(import_module(f"explorer.ui.specimens.{module}"), name)(specimen)
    return made

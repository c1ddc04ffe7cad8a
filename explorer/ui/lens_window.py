"""The window that looks into a model without transcoders: one page for each question, asked when it is looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QTabWidget, QVBoxLayout

from explorer.ui.panels.lens_attention import AttentionPage
from explorer.ui.panels.lens_attribution import AttributionPage
from explorer.ui.panels.lens_heads import HeadsPage
from explorer.ui.panels.lens_logits import LogitsPage
from explorer.ui.panels.lens_page import LensPage
from explorer.ui.panels.lens_patching import PatchingPage
from explorer.ui.widgets.look import px

if TYPE_CHECKING:
    from explorer.ui.window import MainWindow

EDGE = 40  # of the window that stays in sight


class LensWindow(QDialog):
    """Not modal; the page that is seen asks again when the prompt or the model changes. It touches no document."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self.setWindowTitle("Lens")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._document = window.document
        given = window.document, window.engine
        self.logits, self.attribution = LogitsPage(*given), AttributionPage(*given)
        self.attention, self.heads, self.patching = AttentionPage(*given), HeadsPage(*given), PatchingPage(*given)
        self.pages: tuple[LensPage, ...] = (self.logits, self.attribution, self.attention, self.heads, self.patching)
        self.tabs = QTabWidget()
        self.tabs.tabBar().setAccessibleName("What to look at")
        for page in self.pages:
            self.tabs.addTab(page, page.TITLE)
            page.head_taken.connect(self.show_head)
        self.tabs.currentChanged.connect(self._turn)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.tabs)
        window.document.prompt_changed.connect(self._look)
        window.document.model_changed.connect(self._forget)
        self.resize(min(px(1000), window.width() - EDGE), min(px(600), window.height() - EDGE))
        self.page.setFocus()
        self._look()

    @property
    def page(self) -> LensPage:
        """The one that is seen."""
        return self.pages[self.tabs.currentIndex()]

    def show_head(self, layer: int, head: int) -> None:
        """Turn to where a head looks."""
        self.tabs.setCurrentWidget(self.attention)
        self.attention.turn_to(layer, head)
        self.attention.heads.setFocus()

    def done(self, result: int) -> None:
        for page in self.pages:
            page.asker.stop()
        self._document.prompt_changed.disconnect(self._look)
        self._document.model_changed.disconnect(self._forget)
        super().done(result)

    def _look(self) -> None:
        self.page.look()

    def _turn(self) -> None:
        for page in self.pages:
            if page is not self.page:
                page.leave()
        self.page.look()
        if not self.tabs.tabBar().hasFocus():
            self.page.setFocus()

    def _forget(self) -> None:
        for page in self.pages:
            page.forget()
        self.page.look()

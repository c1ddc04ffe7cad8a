"""Pictures: what the window has to draw figures of, the dialog that asks for one, and the figure in the clipboard."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QMenu

from explorer.circuits.graph import NodeKind
from explorer.errors import ExplorerError
from explorer.session.figure import Figure
from explorer.session.figure_subgraph import Shown
from explorer.session.page import Wish
from explorer.session.pictures import Card, Material, picture
from explorer.session.validation import Validation, question
from explorer.ui.notices import Notice

if TYPE_CHECKING:
    from explorer.session.figure_screen import Seen
    from explorer.session.overlay import Compared
    from explorer.ui.window import MainWindow


class Pictures:
    """Made with the window; nothing of it is drawn before it is asked for."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window

    def material(self) -> Material | None:
        """What there is to draw now; None without a graph."""
        drawn, outcome = self._drawn(), self._window.intervene.intervening.outcome
        if drawn is None:
            return None
        return replace(drawn, card=self._card(), validation=self._validation(), outcome=outcome)

    @property
    def present(self) -> str:
        """The view that is on screen."""
        return "subgraph" if self._window.workspace.shows_subgraph else "screen"

    def ask(self, view: str = "", pair: Compared | None = None) -> None:
        """Open the dialog on a view, by default the page that is shown, with what was chosen last."""
        from explorer.ui.panels.export_dialog import ExportDialog  # only when asked for: a window opens faster without

        material = Material(pair.a, pair=pair) if pair is not None else self.material()
        if material is None:
            return
        view = view or self.present
        window, wish = self._window, self._window.settings.picture
        dialog = ExportDialog(material, wish, view, window.files.name, str(window.files.folder), window)
        dialog.kept.connect(self._keep)
        dialog.copied.connect(self.put)
        dialog.written.connect(window.status.say)
        window.dialogs.show_dialog(dialog)

    def copy(self) -> None:
        """Put the page that is on screen into the clipboard, on the page that was chosen last."""
        material = self._drawn()
        if material is None:
            return
        try:
            self.put(picture(material, self.present, self._window.settings.picture.page))
        except ExplorerError as error:
            self._window.banner.show_notice(Notice(str(error), details=repr(error)))

    def put(self, figure: Figure) -> None:
        """To the clipboard."""
        from explorer.ui.clipboard import COPIED, put_figure  # only when asked for: a window opens faster without

        put_figure(figure)
        self._window.status.say(COPIED)

    def open_menu(self, at: QPoint) -> None:
        """The menu of the empty canvas, at a point of the workspace."""
        menu, rows = QMenu(self._window.workspace), self._window.actions_set.by_id
        for row in ("copy_figure", "export"):
            menu.addAction(rows[row])
        menu.addSeparator()
        for row in ("fit", "zoom_full"):
            menu.addAction(rows[row])
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(self._window.workspace.mapToGlobal(at))

    def _drawn(self) -> Material | None:
        """What the page on screen takes; None without a graph."""
        view, workspace = self._window.document.view, self._window.workspace
        if view is None:
            return None
        canvas = workspace.subgraph.canvas
        return Material(view, Shown(canvas.over, canvas.drawn if workspace.shows_subgraph else None), self._seen())

    def _keep(self, wish: Wish) -> None:
        self._window.change_settings(replace(self._window.settings, picture=wish))

    def _seen(self) -> Seen | None:
        from explorer.ui.canvas.seen import seen

        frame = self._window.canvas.frame
        return None if frame is None or self._window.workspace.shows_subgraph else seen(frame)

    def _card(self) -> Card | None:
        """The evidence for the feature that is selected alone."""
        document, view = self._window.document, self._window.document.view
        if view is None or document.current is None or view.graph.nodes.kind[document.current] != NodeKind.FEATURE:
            return None
        key = view.graph.key(document.current)
        found = self._window.evidence.index.evidence(key.layer, key.feature)
        if found is None:
            return None
        return Card(view.label(document.current), found, float(view.graph.nodes.activation[document.current]))

    def _validation(self) -> Validation | None:
        """What the window of the validation shows, or what was measured before in the usual way."""
        from explorer.io.validation_file import recall
        from explorer.ui.validation_window import ValidationWindow

        document, model = self._window.document, self._window.document.model
        for shown in self._window.findChildren(ValidationWindow):
            if shown.panel.found is not None:
                return shown.panel.found
        if document.own_graph is None or document.view is None or document.is_partial:
            return None
        try:
            return recall(document.own_graph, question(document.view), model.dtype if model is not None else "")
        except ExplorerError:
            return None

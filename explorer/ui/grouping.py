"""What a person does with supernodes, from whichever panel: one step of the document's history each."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from PySide6.QtGui import QAction, QColor, QIcon, QPixmap
from PySide6.QtWidgets import QMenu, QWidget

from explorer.circuits.graph import NodeKey
from explorer.errors import ExplorerError
from explorer.session import edits as edit
from explorer.session.edits import Edits
from explorer.session.grouping import gather
from explorer.session.supernodes import COLOURS, Supernode, by_id, children, holder, within
from explorer.session.theme import group_colour
from explorer.ui.document import Document
from explorer.ui.widgets.look import current_theme


def group_selection(document: Document) -> str:
    """Make a supernode of what is selected and select it; its id, "" if nothing was made."""
    view = document.view
    if view is None or document.is_partial:
        return ""
    edits, id = gather(view, [view.graph.key(node) for node in document.selection])
    if id:
        document.do(f"group “{by_id(edits.supernodes, id).name}”", edits)
        document.select_group(id)
    return id


def current_group(document: Document) -> Supernode | None:
    """The supernode that is selected, or that the current node is in."""
    groups, graph = document.edits.supernodes, document.graph
    if document.group:
        return by_id(groups, document.group)
    if graph is None or document.current is None:
        return None
    return holder(groups, graph.key(document.current))


def ungroup(document: Document) -> None:
    """Dissolve the current supernode; its nodes stay selected."""
    group = current_group(document)
    if group is not None:
        _do(document, f"ungroup “{group.name}”", edit.dissolve(document.edits, group.id))


def rename_group(document: Document, id: str, name: str) -> None:
    if name.strip() and name.strip() != by_id(document.edits.supernodes, id).name:
        _do(document, "rename a supernode", edit.rename(document.edits, id, name))


def add_to_group(document: Document, id: str, keys: Iterable[NodeKey]) -> None:
    """Put nodes into a supernode, out of the one that they were in."""
    name = by_id(document.edits.supernodes, id).name
    _do(document, f"add to “{name}”", edit.add_members(document.edits, id, keys))


def take_out(document: Document, keys: Iterable[NodeKey]) -> None:
    """Take nodes out of their supernodes; they stay pinned, so that they do not vanish from the diagram."""
    keys = list(keys)
    _do(document, "take out of its supernode", edit.pin(edit.remove_members(document.edits, keys), keys))


def nest_group(document: Document, id: str, parent: str) -> None:
    """Put a supernode into another one, or to the top for ""; nothing if that cannot be."""
    try:
        edits = edit.nest(document.edits, id, parent)
    except ExplorerError:
        return  # it would lie within itself; the menu does not offer it, but a drag can ask for it
    _do(document, f"nest “{by_id(edits.supernodes, id).name}”", edits)


def fill_group_menu(menu: QMenu, document: Document, id: str, rename: Callable[[], None]) -> None:
    """Add what can be done with the supernode ``id``."""
    groups = document.edits.supernodes
    add_row(menu, "Rename", rename, "F2")
    colours = menu.addMenu("Colour")
    own = by_id(groups, id).colour
    for name in ("", *COLOURS):
        row = add_row(colours, name.capitalize() or "None", lambda name=name: _recolour(document, id, name))  # type: ignore[misc]
        row.setCheckable(True)
        row.setChecked(name == own)
        row.setIcon(_swatch(name))
    inside = {group.id for group in within(groups, id)}
    others = [group for group in groups if group.id not in inside]
    nested = menu.addMenu("Put into")
    nested.setEnabled(bool(others))
    for group in others:
        add_row(nested, group.name, lambda other=group.id: nest_group(document, id, other))  # type: ignore[misc]
    if by_id(groups, id).parent:
        add_row(menu, "Take out of its supernode", lambda: nest_group(document, id, ""))
    add_row(menu, "Ungroup", lambda: _dissolve(document, id), "Shift+G")


def fill_into_menu(menu: QMenu, document: Document, keys: list[NodeKey]) -> None:
    """Offer the supernodes that nodes can be put into."""
    groups = document.edits.supernodes
    others = [group for group in groups if not set(keys) <= set(group.members)]
    into = menu.addMenu("Put into")
    into.setEnabled(bool(others))
    for group in others:
        add_row(into, group.name, lambda id=group.id: add_to_group(document, id, keys))  # type: ignore[misc]


def has_children(document: Document, id: str) -> bool:
    return bool(children(document.edits.supernodes, id))


def add_row(menu: QMenu, text: str, do: Callable[[], None], key: str = "") -> QAction:
    """A row of a menu that does ``do``; ``key`` is written beside it."""
    action = menu.addAction(f"{text}\t{key}" if key else text)
    action.triggered.connect(lambda _=False: do())
    return action


def open_menu(menu: QMenu, widget: QWidget) -> None:
    """Show ``menu`` at the mouse, and let it go when it closes."""
    menu.aboutToHide.connect(menu.deleteLater)
    menu.popup(widget.cursor().pos())


def _recolour(document: Document, id: str, colour: str) -> None:
    _do(document, "colour a supernode", edit.recolour(document.edits, id, colour))


def _dissolve(document: Document, id: str) -> None:
    _do(document, f"ungroup “{by_id(document.edits.supernodes, id).name}”", edit.dissolve(document.edits, id))


def _do(document: Document, text: str, edits: Edits) -> None:
    if not document.is_partial:
        document.do(text, edits)


def _swatch(colour: str) -> QIcon:
    if not colour:
        return QIcon()
    picture = QPixmap(12, 12)
    picture.fill(QColor(group_colour(colour, current_theme())))
    return QIcon(picture)

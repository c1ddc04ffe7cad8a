"""The command that writes a picture of a graph, of what is pinned in it, of a feature, or of a validation."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from explorer.circuits.graph import Graph, NodeKey, NodeKind
from explorer.errors import ExplorerError
from explorer.session.labels import set_of
from explorer.session.page import OPTIONS, Page, length_mm, too_small
from explorer.session.pictures import VIEWS, Card, Material, picture
from explorer.session.validation import question
from explorer.session.view import GraphView

PICTURES = (".svg", ".pdf", ".png")
PAGE = ".html"
THERE = tuple(row for row in VIEWS if not row.needs_window)


def write_picture(view: GraphView, chosen: argparse.Namespace) -> None:
    """Write the picture that ``chosen`` asks for, as the suffix of its output says."""
    path: Path = chosen.output
    if path.suffix.lower() == PAGE:
        _write_page(view, chosen)
        return
    draw(_material(_named(view), chosen), chosen.view or "graph", page_of(chosen), path)


def draw(material: Material, view: str, page: Page, path: Path) -> None:
    """Write the figure of ``view`` to ``path``; where words came out smaller than asked, that is said."""
    figure = picture(material, view, page)
    if note := too_small(figure, page):
        print(note, file=sys.stderr)
    if path.suffix.lower() == ".svg":
        from explorer.io.svg import write_svg

        write_svg(figure, path)
        return
    from explorer.ui.export import write_figure

    write_figure(figure, path, page.dpi)


def page_of(chosen: argparse.Namespace) -> Page:
    """The page that the options ask for."""
    values: dict[str, Any] = {option.field: getattr(chosen, option.field) for option in OPTIONS}
    for name in ("width_mm", "height_mm"):
        values[name] = length_mm(values[name], float(max(chosen.dpi, 1)))
    return replace(Page(), **values)


def arguments(command: argparse.ArgumentParser) -> None:
    """The options of a picture, as the window has them."""
    names = ", ".join(row.id for row in THERE)
    text = f"what a picture shows: {names} (graph; of an .html the subgraph)"
    command.add_argument("--view", choices=[row.id for row in THERE], default="", help=text)
    page_arguments(command)
    text = "whose evidence --view feature shows, such as feature:1:10:632 or 1:10:632 (layer, position, feature)"
    command.add_argument("--node", metavar="KEY", default="", help=text)


def page_arguments(command: argparse.ArgumentParser) -> None:
    """The options of a page, from the table that the window shows them by."""
    plain = Page()
    for option in OPTIONS:
        default = getattr(plain, option.field)
        text = f"{option.help} ({default:g})" if option.unit else option.help
        if isinstance(default, bool):
            command.add_argument(option.flag, dest=option.field, action="store_false", help=f"leave out {option.help}")
        elif option.field == "theme":
            command.add_argument(option.flag, choices=["print", "light", "dark"], default=default, help=option.help)
        elif option.unit == "mm":
            command.add_argument(option.flag, dest=option.field, metavar="LENGTH", default=f"{default:g}", help=text)
        else:
            command.add_argument(
                option.flag, dest=option.field, type=type(default), metavar="N", default=default, help=text
            )


def _material(view: GraphView, chosen: argparse.Namespace) -> Material:
    """What the view needs beside the graph."""
    if chosen.view == "feature":
        return Material(view, card=_card(view, chosen.node))
    if chosen.view in ("validation", "layers"):
        from explorer.io.validation_file import recall

        return Material(view, validation=recall(view.graph, question(view)))
    return Material(view)


def _card(view: GraphView, name: str) -> Card:
    """The evidence for the feature that ``name`` says, from the index of the graph's transcoders."""
    from explorer.io.feature_labels import Labels, labelled

    key = _key(name)
    node = view.graph.index.get(key)
    if node is None:
        raise ExplorerError(f"The graph has no node “{name}”; name a feature of it, such as --node 1:10:632.")
    index = _index(view.graph)
    found = labelled(Labels(index), index.evidence(key.layer, key.feature))
    return Card(view.label(node), found, float(view.graph.nodes.activation[node]))


def _key(name: str) -> NodeKey:
    try:
        key = NodeKey.parse(name if ":" in name and not name[0].isdigit() else f"feature:{name}")
    except (ValueError, ExplorerError):
        raise ExplorerError(f"“{name}” names no feature; write --node LAYER:POSITION:FEATURE.") from None
    if key.kind != NodeKind.FEATURE:
        raise ExplorerError(f"“{name}” is no feature; only features have evidence.")
    return key


def _index(graph: Graph) -> Any:
    """The index of features that was made with the graph's transcoders."""
    from explorer.io import feature_places, settings_file
    from explorer.io.feature_index import open_index

    sha = set_of(graph)
    chosen = settings_file.read().evidence.get(sha, "") if sha else ""
    for folder in ([Path(chosen)] if chosen else []) + list(feature_places.known("")):
        try:
            index = open_index(folder)
        except ExplorerError:
            continue
        if sha and index.head["transcoders"].get("sha256") == sha:
            return index
    raise ExplorerError("No index of features belongs to this graph; make one: features build.")


def _write_page(view: GraphView, chosen: argparse.Namespace) -> None:
    from explorer.io.page_html import write_page

    if chosen.view not in ("", "subgraph"):
        raise ExplorerError(f"“{chosen.output.name}” can show the subgraph alone; leave --view {chosen.view} out.")
    write_page(_named(view), chosen.output)


def _named(view: GraphView) -> GraphView:
    """``view`` with its features named by the index of its transcoders, if there is one, as in the window."""
    from explorer.io.feature_labels import Labels, names

    try:
        return replace(view, named=names(Labels(_index(view.graph)), view.graph))
    except ExplorerError:
        return view

"""The subgraph's page with real widgets: what it draws, and what hands and keys do to the document."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QImage, QPainter
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from explorer.circuits.graph import NodeKind
from explorer.session import edits as edit
from explorer.session.edits import box_key
from explorer.ui.canvas.subgraph import SubgraphCanvas
from explorer.ui.canvas.subgraph_view import EMPTY, READABLE
from explorer.ui.document import Document
from explorer.ui.grouping import group_selection
from explorer.ui.panels.centre import Centre
from explorer.ui.panels.subgraph import SubgraphPage
from explorer.ui.theme import load_fonts
from tests.graphs import feature_keys, random_graph
from tests.ui.showing import show
from tests.ui.text_boxes import faults, texts

NONE, CTRL = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ControlModifier
LEFT = Qt.MouseButton.LeftButton
SIZE = (820, 660)


@pytest.fixture
def document(qapp: object) -> Document:
    """A graph with two supernodes, “first” of three features and “second” of two, and two pinned features."""
    load_fonts()
    document = Document()
    graph = random_graph(60, 400, seed=3, n_layers=5, n_pos=6)
    features = feature_keys(graph)
    edits = edit.group(edit.Edits(), features[:3], "first", "teal")
    edits = edit.group(edits, features[10:12], "second")
    document.open_graph(graph, edit.pin(edits, [features[20], features[25]]))
    return document


@pytest.fixture
def canvas(qtbot: QtBot, document: Document) -> SubgraphCanvas:
    canvas = SubgraphCanvas(document)
    show(qtbot, canvas, *SIZE)
    return canvas


def click(qtbot: QtBot, canvas: SubgraphCanvas, id: str, keys: Qt.KeyboardModifier = NONE) -> None:
    qtbot.mouseClick(canvas, LEFT, keys, canvas.place_of(id).toPoint())


def drag(qtbot: QtBot, canvas: SubgraphCanvas, start: QPointF, end: QPointF) -> None:
    qtbot.mousePress(canvas, LEFT, NONE, start.toPoint())
    for part in (0.3, 0.7, 1.0):
        qtbot.mouseMove(canvas, (start + (end - start) * part).toPoint())
    qtbot.mouseRelease(canvas, LEFT, NONE, end.toPoint())


def pinned_box(document: Document, number: int = 0) -> str:
    return box_key(document.edits.pinned[number])


def test_what_is_pinned_and_grouped_is_drawn_and_nothing_overlaps(canvas: SubgraphCanvas, document: Document) -> None:
    assert {box.name for box in canvas.drawn.boxes} >= {"first", "second"}
    assert {pinned_box(document), pinned_box(document, 1)} <= {box.id for box in canvas.drawn.boxes}
    assert canvas.diagram is not None
    assert not any(one.meets(other) for one, other in combinations(canvas.diagram.areas.values(), 2))


def test_without_pins_the_canvas_says_what_to_do(qtbot: QtBot, canvas: SubgraphCanvas, document: Document) -> None:
    document.open_graph(document.graph, edit.Edits())
    assert canvas.diagram is None
    assert canvas.accessibleDescription() == EMPTY
    assert EMPTY in [text.text for text in texts(canvas)]


def test_a_click_selects_the_members_and_the_group(qtbot: QtBot, canvas: SubgraphCanvas, document: Document) -> None:
    first = document.edits.supernodes[0]
    click(qtbot, canvas, first.id)
    assert document.group == first.id
    assert document.graph is not None
    assert {document.graph.key(node) for node in document.selection} == set(first.members)
    assert canvas.current == first.id
    assert "Supernode, 3 nodes" in canvas.accessibleDescription()
    qtbot.mouseClick(canvas, LEFT, NONE, QPoint(3, 3))
    assert document.selection == ()


def test_a_node_selected_elsewhere_is_the_current_box(canvas: SubgraphCanvas, document: Document) -> None:
    assert document.graph is not None
    document.select([document.graph.index[document.edits.pinned[0]]])
    assert canvas.current == pinned_box(document)


def test_ctrl_click_adds_and_g_makes_a_supernode_whose_name_is_asked(
    qtbot: QtBot, canvas: SubgraphCanvas, document: Document
) -> None:
    click(qtbot, canvas, pinned_box(document))
    click(qtbot, canvas, pinned_box(document, 1), CTRL)
    qtbot.keyClick(canvas, Qt.Key.Key_G)
    assert len(document.edits.supernodes) == 3
    assert document.edits.supernodes[2].members == document.edits.pinned
    assert canvas.name_edit.isVisible()
    canvas.name_edit.setText("both")
    qtbot.keyClick(canvas.name_edit, Qt.Key.Key_Return)
    assert document.edits.supernodes[2].name == "both"
    qtbot.keyClick(canvas, Qt.Key.Key_G, Qt.KeyboardModifier.ShiftModifier)
    assert len(document.edits.supernodes) == 2


def test_supernodes_that_are_grouped_are_nested_and_can_be_opened(
    qtbot: QtBot, canvas: SubgraphCanvas, document: Document
) -> None:
    first, second = document.edits.supernodes
    click(qtbot, canvas, first.id)
    click(qtbot, canvas, second.id, CTRL)
    outer = group_selection(document)
    assert [group.parent for group in document.edits.supernodes] == [outer, outer, ""]
    assert first.id not in {box.id for box in canvas.drawn.boxes}
    canvas.setFocus()
    qtbot.keyClick(canvas, Qt.Key.Key_Return)
    assert {first.id, second.id} <= {box.id for box in canvas.drawn.boxes}
    click(qtbot, canvas, first.id)
    qtbot.keyClick(canvas, Qt.Key.Key_Backspace)
    assert canvas.current == outer


def test_a_dragged_box_stays_where_it_was_put_in_one_step(
    qtbot: QtBot, canvas: SubgraphCanvas, document: Document
) -> None:
    first = document.edits.supernodes[0].id
    steps, start = len(document.history.past), canvas.place_of(first)
    drag(qtbot, canvas, start, start + QPointF(37, 23))
    assert len(document.history.past) == steps + 1
    end = canvas.place_of(first)
    assert (end - start - QPointF(37, 23)).manhattanLength() < 3
    document.do("pin a node", edit.pin(document.edits, [document.graph.key(30)]))  # type: ignore[union-attr]
    assert canvas.place_of(first) == end
    document.undo()
    document.undo()
    assert document.edits.places == {}


def test_tidy_forgets_the_places(qtbot: QtBot, canvas: SubgraphCanvas, document: Document) -> None:
    start = canvas.place_of(document.edits.supernodes[0].id)
    drag(qtbot, canvas, start, start + QPointF(40, 40))
    canvas.tidy()
    assert document.edits.places == {}
    assert (canvas.place_of(document.edits.supernodes[0].id) - start).manhattanLength() < 1


def test_a_node_that_is_dragged_onto_a_supernode_joins_it(
    qtbot: QtBot, canvas: SubgraphCanvas, document: Document
) -> None:
    first, key = document.edits.supernodes[0].id, document.edits.pinned[0]
    drag(qtbot, canvas, canvas.place_of(box_key(key)), canvas.place_of(first))
    assert key in document.edits.supernodes[0].members
    assert document.edits.places == {}


def test_a_supernode_that_is_dragged_onto_another_is_nested_in_it(
    qtbot: QtBot, canvas: SubgraphCanvas, document: Document
) -> None:
    first, second = document.edits.supernodes
    drag(qtbot, canvas, canvas.place_of(second.id), canvas.place_of(first.id))
    assert [group.parent for group in document.edits.supernodes] == ["", first.id]
    assert second.id not in {box.id for box in canvas.drawn.boxes}
    document.undo()
    assert document.edits.supernodes == (first, second)
    assert {first.id, second.id} <= {box.id for box in canvas.drawn.boxes}


def test_a_diagram_that_is_too_large_to_be_read_whole_is_fitted_around_its_output(
    qtbot: QtBot, canvas: SubgraphCanvas, document: Document
) -> None:
    graph = document.graph
    assert graph is not None
    document.do("pin", edit.pin(document.edits, feature_keys(graph)))
    canvas.fit()
    assert canvas.diagram is not None
    assert canvas._lens.scale == READABLE
    output = next(box.id for box in canvas.drawn.boxes if box.kind == NodeKind.LOGIT)
    assert canvas.rect().contains(canvas.place_of(output).toPoint())
    lowest = min(canvas.drawn.boxes, key=lambda box: -canvas.diagram.middles[box.id][1]).id  # type: ignore[union-attr]
    assert not canvas.rect().contains(canvas.place_of(lowest).toPoint())
    canvas.choose(lowest)
    canvas.fit()
    assert canvas.rect().contains(canvas.place_of(lowest).toPoint())


def test_double_click_and_f2_rename_and_escape_leaves_the_name(
    qtbot: QtBot, canvas: SubgraphCanvas, document: Document
) -> None:
    first = document.edits.supernodes[0].id
    qtbot.mouseDClick(canvas, LEFT, NONE, canvas.place_of(first).toPoint())
    canvas.name_edit.setText("Texas")
    qtbot.keyClick(canvas.name_edit, Qt.Key.Key_Return)
    assert document.edits.supernodes[0].name == "Texas"
    qtbot.keyClick(canvas, Qt.Key.Key_F2)
    canvas.name_edit.setText("other")
    qtbot.keyClick(canvas.name_edit, Qt.Key.Key_Escape)
    assert document.edits.supernodes[0].name == "Texas"


def test_up_and_down_walk_along_the_strongest_link(qtbot: QtBot, canvas: SubgraphCanvas, document: Document) -> None:
    link = canvas.diagram.links[0]  # type: ignore[union-attr]
    strongest = next(found for found in canvas.diagram.links if found.target == link.target)  # type: ignore[union-attr]
    canvas.choose(link.target)
    qtbot.keyClick(canvas, Qt.Key.Key_Down)
    assert canvas.current == strongest.source


def test_links_under_the_threshold_are_not_drawn_and_nothing_moves(canvas: SubgraphCanvas) -> None:
    assert canvas.diagram is not None
    before, n_links = dict(canvas.diagram.middles), len(canvas.diagram.links)
    canvas.over = 0.0
    assert len(canvas.diagram.links) == len(canvas.drawn.links) >= n_links
    canvas.over = 0.2
    assert all(abs(link.share) >= 0.2 for link in canvas.diagram.links)
    assert canvas.diagram.middles == before


def test_the_menu_colours_nests_and_dissolves(canvas: SubgraphCanvas, document: Document) -> None:
    first, second = document.edits.supernodes
    menu = canvas.menu_of(canvas.drawn.box(first.id))
    rows = {action.text().split("\t")[0]: action for action in menu.actions()}
    colours = {action.text(): action for action in rows["Colour"].menu().actions()}  # type: ignore[attr-defined]
    colours["Rose"].trigger()
    assert document.edits.supernodes[0].colour == "rose"
    rows["Put into"].menu().actions()[0].trigger()  # type: ignore[attr-defined]
    assert document.edits.supernodes[0].parent == second.id
    rows["Ungroup"].trigger()
    assert [group.name for group in document.edits.supernodes] == ["second"]


@pytest.mark.parametrize("scale", [1.0, 0.7, 0.4])
def test_texts_can_be_read_at_every_size(qtbot: QtBot, document: Document, scale: float) -> None:
    page = SubgraphPage(document)
    show(qtbot, page, 900, 760)
    document.select_group(document.edits.supernodes[0].id)
    page.canvas.zoom(scale / page.canvas._lens.scale)
    found = [text for text in texts(page) if text.owner]
    assert "first" in [text.text for text in found]
    assert [fault for fault in faults(found) if "cut off" not in fault] == []


def test_the_page_says_how_much_its_boxes_explain(qtbot: QtBot, document: Document) -> None:
    page = SubgraphPage(document)
    show(qtbot, page, *SIZE)
    assert page.scores.whole.startswith("2 supernodes and")
    assert page.scores.whole.endswith("everything outside of the boxes counted as error")


def test_the_centre_turns_its_pages_and_counts_boxes(qtbot: QtBot, document: Document) -> None:
    graph, bar = QWidget(), QWidget()
    centre = Centre(document, bar, graph, graph)
    show(qtbot, centre, *SIZE)
    assert centre.tabs.button(1).text() == "Subgraph 4"
    centre.turn()
    assert centre.shows_subgraph
    assert centre.canvas is centre.subgraph.canvas
    extra = QWidget()
    assert centre.add("Validation", extra, QWidget(), extra) == 2
    centre.turn()
    assert centre.canvas is extra
    centre.turn()
    assert centre.pages.currentWidget() is graph


def test_a_picture_at_any_zoom_paints_without_a_fault(canvas: SubgraphCanvas) -> None:
    picture = QImage(400, 300, QImage.Format.Format_RGB32)
    for factor in (0.05, 3.0, 100.0):
        canvas.zoom(factor)
        with QPainter(picture) as painter:
            canvas.render(painter, QPoint())
    assert replace(canvas._lens).scale == 4.0


def test_a_hidden_page_takes_what_changed_when_it_is_shown(qtbot: QtBot, document: Document) -> None:
    canvas = SubgraphCanvas(document)
    qtbot.addWidget(canvas)
    assert canvas.diagram is None
    show(qtbot, canvas, *SIZE)
    assert len(canvas.drawn.boxes) >= 4
    canvas.hide()
    document.do("unpin", edit.unpin(document.edits, document.edits.pinned))
    canvas.show()
    assert {box.name for box in canvas.drawn.boxes if box.kind != NodeKind.LOGIT} == {"first", "second"}


def test_a_click_on_a_link_selects_it_and_f2_names_it_in_its_place(
    qtbot: QtBot, canvas: SubgraphCanvas, document: Document
) -> None:
    assert canvas.diagram is not None
    link, route = next(iter(zip(canvas.diagram.links, canvas.diagram.routes, strict=True)))
    at = QPointF(*canvas._lens.point(*route.at(0.5))).toPoint()
    qtbot.mouseClick(canvas, LEFT, NONE, at)
    assert document.link == (link.target, link.source)
    assert canvas.chosen == link
    assert canvas.accessibleDescription().startswith("Link, ")
    qtbot.keyClick(canvas, Qt.Key.Key_F2)
    qtbot.keyClicks(canvas.name_edit, "hands it on")
    qtbot.keyClick(canvas.name_edit, Qt.Key.Key_Return)
    assert document.edits.edge_labels == {(link.target, link.source): "hands it on"}
    document.select(())
    assert "hands it on" in " ".join(text.text for text in texts(canvas))
    document.undo()
    assert document.edits.edge_labels == {}
    qtbot.mouseClick(canvas, LEFT, NONE, QPoint(3, 3))
    assert document.link is None


def test_a_member_of_an_opened_supernode_is_dragged_into_another(
    qtbot: QtBot, canvas: SubgraphCanvas, document: Document
) -> None:
    first, second = document.edits.supernodes
    canvas.open_box(first.id)
    key = first.members[0]
    drag(qtbot, canvas, canvas.place_of(box_key(key)), canvas.place_of(second.id))
    assert [len(group.members) for group in document.edits.supernodes] == [2, 3]
    assert key in document.edits.supernodes[1].members
    document.undo()
    assert document.edits.supernodes == (first, second)

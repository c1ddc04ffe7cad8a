"""The subgraph as a figure: every word can be read, nothing overlaps, and the same view is the same figure."""

from __future__ import annotations

from itertools import combinations
from xml.etree import ElementTree

import pytest

from explorer.circuits.graph import Graph, NodeKind
from explorer.errors import ExplorerError
from explorer.io.svg import svg_text
from explorer.session import edits as edit
from explorer.session.diagram import diagram, main_outputs
from explorer.session.edits import Edits
from explorer.session.figure import Box, Curve, Rect, Text
from explorer.session.figure_subgraph import subgraph_figure
from explorer.session.grouping import gather
from explorer.session.layered import Tie
from explorer.session.routes import routes
from explorer.session.subgraph import subgraph
from explorer.session.theme import DARK, LIGHT, PRINT, Theme
from explorer.session.view import GraphView, resolve
from tests.graphs import feature_keys, random_graph


def view_of(graph: Graph, edits: Edits | None = None) -> GraphView:
    """Two supernodes, one with a very long name, and two pinned nodes of each kind that can be."""
    features = feature_keys(graph)
    tokens = [graph.key(node) for node in range(*graph.block(NodeKind.EMBEDDING).indices(len(graph))[:2])]
    made = edit.group(edits or Edits(), features[:14], "a name <that> & goes on " * 6, "rose")
    made = edit.group(made, [*features[20:24], tokens[0]], "second")
    return resolve(graph, edit.pin(made, [features[30], features[33], *tokens[1:3]]))


def box(*edges: int) -> Box:
    return Box(*(float(edge) for edge in edges))


@pytest.fixture(scope="module")
def view() -> GraphView:
    return view_of(random_graph(60, 400, seed=3, n_layers=5, n_pos=6))


@pytest.mark.parametrize(("theme", "width"), [(LIGHT, 90.0), (DARK, 190.0), (PRINT, 300.0)], ids=["90", "190", "300"])
def test_texts_are_inside_none_upon_another_and_none_below_11_px(view: GraphView, theme: Theme, width: float) -> None:
    figure = subgraph_figure(view, theme=theme, width_mm=width)
    page = Box(0.0, 0.0, figure.width, figure.height)
    texts = [(text.text, text.box) for text in figure.texts()]
    assert all(text.size >= 11 for text in figure.texts())
    assert [text for text, place in texts if not place.within(page)] == []
    assert [(one, other) for (one, a), (other, b) in combinations(texts, 2) if a.meets(b)] == []


def test_words_stay_on_their_boxes_and_boxes_apart(view: GraphView) -> None:
    figure = subgraph_figure(view, theme=PRINT, width_mm=90.0)
    items = figure.group("boxes").items
    rects = [item for item in items if isinstance(item, Rect) and min(item.width, item.height) > 20]
    frames = [Box(rect.x, rect.y, rect.x + rect.width, rect.y + rect.height) for rect in rects]
    assert not any(one.meets(other) for one, other in combinations(frames, 2))
    for text in items:
        if isinstance(text, Text):
            place = text.box
            assert any(place.within(frame) for frame in frames), text.text


def test_each_link_above_the_threshold_is_one_curve_and_negative_ones_are_dashed(view: GraphView) -> None:
    figure = subgraph_figure(view, theme=PRINT, over=0.05)
    drawn = main_outputs(view, subgraph(view))
    wanted = [link for link in drawn.links if abs(link.share) >= 0.05]
    curves = [item for item in figure.group("links").items if isinstance(item, Curve)]
    assert len(curves) == len(wanted) > 0
    assert sum(bool(curve.ink.dash) for curve in curves) == sum(link.share < 0 for link in wanted)


def test_links_run_around_the_boxes_that_are_in_their_way() -> None:
    """Three boxes upon each other: the link from the lowest to the highest passes beside the middle one."""
    areas = {"low": box(0, 200, 100, 250), "middle": box(0, 100, 100, 150), "high": box(0, 0, 100, 50)}
    (route,) = routes(areas, [Tie("low", "high", 0.5)])
    assert route.rises
    for step in range(101):
        x, y = route.at(step / 100)
        assert not (0 < x < 100 and 100 < y < 150)


def test_a_link_that_does_not_rise_says_so_and_gets_an_arrow() -> None:
    areas = {"high": box(0, 0, 100, 50), "low": box(0, 200, 100, 250), "beside": box(300, 0, 400, 50)}
    down, across = routes(areas, [Tie("high", "low", 0.5), Tie("high", "beside", 0.5)])
    assert not down.rises
    assert down.at(0.0)[1] == 50
    assert down.at(1.0)[1] == 200
    assert across.at(0.0) == (100, 25)
    assert across.at(1.0) == (300, 25)


def test_two_figures_of_one_view_are_byte_for_byte_the_same_and_text_is_text(view: GraphView) -> None:
    one, other = (svg_text(subgraph_figure(view, theme=PRINT)) for _ in range(2))
    assert one == other
    written = "".join(ElementTree.fromstring(one).itertext())
    assert "second" in written


def test_an_empty_subgraph_is_refused_in_a_sentence() -> None:
    with pytest.raises(ExplorerError, match="pin nodes"):
        subgraph_figure(resolve(random_graph(60, 400, seed=3), Edits()), theme=LIGHT)


def test_at_most_four_outputs_that_nobody_pinned_are_drawn() -> None:
    view = view_of(random_graph(60, 400, seed=3, n_layers=5, n_pos=6))
    outputs = [box for box in main_outputs(view, subgraph(view)).boxes if box.kind == NodeKind.LOGIT]
    weights = abs(view.graph.target_weight)
    assert len(outputs) == min(4, int((weights > 0).sum()))
    assert outputs[0].rows[0] == int(weights.argmax())


def test_grouping_takes_whole_supernodes_in_and_leaves_the_rest_of_others(view: GraphView) -> None:
    first, second = view.edits.supernodes
    loose = view.edits.pinned[0]
    made, id = gather(view, [*second.members, first.members[0], loose])
    groups = {group.id: group for group in made.supernodes}
    assert groups[second.id].parent == id
    assert set(groups[id].members) == {first.members[0], loose}
    assert groups[first.id].members == first.members[1:]
    assert gather(view, []) == (view.edits, "")
    assert gather(view, list(second.members)) == (view.edits, "")


def test_what_a_person_has_put_is_where_it_was_put(view: GraphView) -> None:
    id = view.edits.supernodes[0].id
    moved = resolve(view.graph, edit.move_boxes(view.edits, {id: (500.0, -40.0)}), view)
    assert diagram(moved, subgraph(moved)).middles[id] == (500.0, -40.0)

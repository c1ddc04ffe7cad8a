"""Figures: what is drawn, by which rule, and that every word can be read."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.circuits.graph import Graph, NodeKind
from explorer.errors import ExplorerError
from explorer.session.edits import Edits, pin, set_label
from explorer.session.figure import Box, Circle, Curve, Figure, Item, Line, Polygon, Rect, Text
from explorer.session.figure_graph import graph_figure
from explorer.session.figure_links import Strongest, Traced, choose, heads, link_ink, link_width
from explorer.session.figure_text import elide, plain, text_width, wrap
from explorer.session.theme import DARK, LIGHT, PRINT, RADII, THEMES, Theme, contrast, size_step
from explorer.session.view import resolve
from tests.graphs import random_graph

GROUPS = ["grid", "error-mass", "links", "nodes", "outputs", "labels", "axes", "legend", "caption"]
ODD_TOKENS = ("<bos>", "\n", "  ", "<b>&\"'", "日本語の文字列", "😀", "a" * 60, "\x00", " é")


def _labelled(graph: Graph, count: int) -> Edits:
    """Every feature named, some pinned."""
    edits = Edits()
    features = range(graph.count(NodeKind.FEATURE))
    for node in features:
        edits = set_label(edits, graph.key(node), f"a rather long name of feature {node}, <with> marks")
    return pin(edits, [graph.key(node) for node in features[::7][:count]])


def _odd() -> Graph:
    return replace(random_graph(), tokens=ODD_TOKENS, logit_tokens=("</text>", "\n\n", "長い" * 30, ""))


def _draw(graph: Graph, edits: Edits | None = None, theme: Theme = PRINT, **options: Any) -> Figure:
    return graph_figure(resolve(graph, edits or Edits()), theme=theme, **options)


CASES: dict[str, Callable[[], Figure]] = {
    "plain": lambda: _draw(random_graph()),
    "labels": lambda: _draw(random_graph(), _labelled(random_graph(), 20), LIGHT),
    "one column": lambda: _draw(random_graph(), _labelled(random_graph(), 5), DARK, width_mm=90.0),
    "odd tokens": lambda: _draw(_odd(), font_px=14),
    "forty tokens": lambda: _draw(random_graph(n_pos=40), theme=LIGHT),
    "ninety tokens": lambda: _draw(random_graph(n_pos=90, n_layers=6), theme=LIGHT),
    "many layers": lambda: _draw(random_graph(n_layers=48), height_mm=120.0),
    "everything": lambda: _draw(random_graph(900, 9_000), Edits(1.0, 1.0, count_bias=True), links=Strongest(800)),
    "imported": lambda: _draw(random_graph(errors=False, biases=False)),
    "one token": lambda: _draw(random_graph(5, 20, 1, 2, 1)),
    "a feature as target": lambda: _draw(_aimed_at_feature()),
}


@cache
def _case(name: str) -> Figure:
    return CASES[name]()


def _aimed_at_feature() -> Graph:
    graph = random_graph(60, 500, n_layers=4)
    weight = np.zeros(len(graph))
    weight[graph.block(NodeKind.FEATURE).stop - 1] = 1.0
    return replace(graph, target_weight=weight, probability=np.full(len(graph), np.nan))


@pytest.fixture(params=CASES, ids=str)
def figure(request: pytest.FixtureRequest) -> Figure:
    return _case(request.param)


def _items(figure: Figure, group: str) -> list[Item]:
    return list(figure.group(group).items)


def _caption(figure: Figure) -> str:
    return " ".join(text.text for text in figure.group("caption").items if isinstance(text, Text)).replace("\xa0", " ")


def _drawn(figure: Figure, group: str, text: str) -> bool:
    return any(isinstance(item, Text) and text in item.text for item in _items(figure, group))


def test_no_text_lies_on_another(figure: Figure) -> None:
    boxes = [(text.text, text.box) for text in figure.texts()]
    met = [(a, b) for n, (a, box) in enumerate(boxes) for b, other in boxes[:n] if box.meets(other)]
    assert met == []


def test_every_text_is_in_the_figure_and_not_empty(figure: Figure) -> None:
    page = Box(0.0, 0.0, figure.width, figure.height)
    assert [text.text for text in figure.texts() if not text.box.within(page)] == []
    assert all(text.text.strip() and "\n" not in text.text for text in figure.texts())


def test_text_is_at_least_eleven_pixels(figure: Figure) -> None:
    assert min(text.size for text in figure.texts()) >= 11


def test_names_cover_no_mark(figure: Figure) -> None:
    marks = [
        Box(item.x - item.r, item.y - item.r, item.x + item.r, item.y + item.r)
        for item in _items(figure, "nodes")
        if isinstance(item, Circle)
    ]
    names = [item.box for item in _items(figure, "labels") if isinstance(item, Text)]
    assert not any(name.meets(mark) for name in names for mark in marks)


def test_groups_come_in_the_order_of_drawing(figure: Figure) -> None:
    assert [group.id for group in figure.groups] == GROUPS


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
def test_text_stands_out_from_what_is_behind_it(theme: Theme) -> None:
    graph = random_graph()
    figure = graph_figure(resolve(graph, _labelled(graph, 3)), theme=theme)
    colours = {run.fill for text in figure.texts() for run in text.runs}
    assert {colour for colour in colours if contrast(colour, figure.background) < 4.5} == set()
    assert all(text.halo == figure.background for text in _items(figure, "labels") if isinstance(text, Text))


def test_the_same_view_gives_the_same_figure() -> None:
    view = resolve(random_graph(), Edits())
    assert graph_figure(view, theme=PRINT) == graph_figure(view, theme=PRINT)


def test_caption_counts_what_is_drawn(figure: Figure) -> None:
    found = re.search(r"([\d,]+) of ([\d,]+) nodes and ([\d,]+) of ([\d,]+) links", _caption(figure))
    assert found
    nodes, links = figure.provenance["figure"]["nodes"], figure.provenance["figure"]["links"]
    assert (found[1], found[3]) == (f"{nodes:,}", f"{links:,}")
    assert len(_items(figure, "links")) == links


def test_every_chosen_node_that_has_a_place_is_drawn() -> None:
    figure = _draw(random_graph(60, 500, n_layers=4))
    marks = [item for item in _items(figure, "nodes") if not isinstance(item, Text)]
    pills = [item for item in _items(figure, "outputs") if isinstance(item, Rect)]
    assert len(marks) + len(pills) == figure.provenance["figure"]["nodes"]


def test_sign_is_hue_and_dash() -> None:
    figure = _draw(random_graph())
    inks = [item.ink for item in _items(figure, "links") if isinstance(item, Curve)]
    assert {(ink.stroke, bool(ink.dash)) for ink in inks} == {(PRINT.sign_raise, False), (PRINT.sign_lower, True)}


@given(st.floats(-2, 2))
def test_links_are_as_wide_as_their_share_within_limits(share: float) -> None:
    assert link_width(share) == pytest.approx(np.clip(30 * abs(share), 0.6, 4.0))
    assert 0.45 <= link_ink(share, PRINT).stroke_alpha <= 0.95


def test_area_is_influence_in_the_whole_graph() -> None:
    graph = random_graph(60, 500, n_layers=4)
    view = resolve(graph, Edits())
    chosen = choose(view, Traced()).nodes & (graph.nodes.kind == NodeKind.FEATURE)
    steps = size_step(view.influence[chosen] / view.influence.sum())
    drawn = [item.r for item in _items(_draw(graph), "nodes") if isinstance(item, Circle)]
    assert sorted(drawn) == sorted(RADII[step] for step in steps.tolist())


def test_links_end_at_their_nodes() -> None:
    graph = random_graph(60, 500, n_layers=4)
    figure = _draw(graph)
    bottoms = {(m.x, m.y + m.r) for m in _items(figure, "nodes") if isinstance(m, Circle)}
    bottoms |= {(m.x + m.width / 2, m.y + m.height) for m in _items(figure, "outputs") if isinstance(m, Rect)}
    ends = {curve.points[6:] for curve in _items(figure, "links") if isinstance(curve, Curve)}
    assert all(min(np.hypot(x - a, y - b) for a, b in bottoms) < 1e-6 for x, y in ends)


def test_traced_links_are_the_strongest_inputs_of_what_they_reach() -> None:
    graph = random_graph(seed=3)
    view = resolve(graph, Edits())
    rule = Traced(inputs=5, per_feature=2)
    drawn = set(choose(view, rule).links.tolist())
    waiting, expected, seen = heads(graph).tolist(), set(), set()
    while waiting:
        node = waiting.pop()
        seen.add(node)
        links = [
            link
            for link in range(int(graph.rows.start[node]), int(graph.rows.start[node + 1]))
            if view.links[link] and graph.nodes.kind[graph.rows.source[link]] != NodeKind.BIAS
        ]
        most = 5 if node in heads(graph) else 2
        for link in sorted(links, key=lambda link: -abs(view.share[link]))[:most]:
            expected.add(link)
            source = int(graph.rows.source[link])
            if graph.nodes.kind[source] == NodeKind.FEATURE and source not in seen:
                waiting.append(source)
    assert drawn == expected


def test_traced_links_stop_at_the_limit_and_the_caption_says_so() -> None:
    rule = Traced(inputs=12, per_feature=4, most=20)
    figure = _draw(random_graph(), links=rule)
    assert figure.provenance["figure"]["links"] <= 20
    assert "until 20 links" in _caption(figure)


def test_strongest_links_carry_the_most_influence() -> None:
    view = resolve(random_graph(), Edits(1.0, 1.0))
    graph = view.graph
    carried = np.abs(view.share) * (view.influence + graph.target_weight)[graph.edge_target] * view.links
    carried[graph.nodes.kind[graph.rows.source] == NodeKind.BIAS] = 0
    choice = choose(view, Strongest(100))
    assert carried[choice.links].sum() == pytest.approx(np.sort(carried)[-100:].sum())
    assert choice.cut


def test_biases_are_drawn_only_where_they_count() -> None:
    graph = random_graph(60, 500, n_layers=4)
    without, counted = _draw(graph), _draw(graph, Edits(count_bias=True))
    assert not _drawn(without, "legend", "bias")
    assert not _drawn(without, "axes", "bias")
    assert "Bias nodes are neither drawn nor in the shares." in _caption(without)
    assert _drawn(counted, "legend", "bias")
    assert _drawn(counted, "axes", "bias")
    assert "Bias nodes" not in _caption(counted)


def test_pinned_nodes_are_drawn_with_a_name_and_a_square() -> None:
    graph = random_graph()
    weakest = int(np.argmin(resolve(graph, Edits()).influence[: graph.count(NodeKind.FEATURE)]))
    edits = set_label(pin(Edits(), [graph.key(weakest)]), graph.key(weakest), "odd one out")
    figure = _draw(graph, edits)
    names = [item for item in _items(figure, "labels") if isinstance(item, Text) and item.text == "odd one out"]
    assert [run.weight for name in names for run in name.runs] == [600]
    assert any(isinstance(item, Rect) and item.ink.fill is None for item in _items(figure, "nodes"))
    assert _drawn(figure, "legend", "pinned")


def test_legend_lists_only_what_is_drawn() -> None:
    graph = random_graph(errors=False, biases=False)
    positive = replace(graph, rows=replace(graph.rows, weight=np.abs(graph.rows.weight)))
    figure = _draw(positive)
    assert _drawn(figure, "legend", "raises")
    assert not any(_drawn(figure, "legend", word) for word in ("lowers", "error", "bias", "pinned"))
    assert _items(figure, "error-mass") == []


def test_error_bars_are_in_proportion_to_influence() -> None:
    view = resolve(random_graph(), Edits(1.0, 1.0))
    figure = graph_figure(view, theme=PRINT)
    errors = view.graph.block(NodeKind.ERROR)
    mass = view.influence[errors][view.shown[errors]]
    widths = np.array([bar.width for bar in _items(figure, "error-mass") if isinstance(bar, Rect)])
    longer = widths > 2.0
    assert longer.sum() >= 5
    np.testing.assert_allclose(widths[longer] / widths.max(), mass[longer] / mass.max(), rtol=1e-9)


def test_caption_tells_thresholds_books_and_scores() -> None:
    words = _caption(_draw(random_graph(), Edits(0.75, 0.9)))
    assert "Pruned to 75 % of the nodes’ influence and 90 % of the links’." in words
    assert re.search(r"Books balance to \d(e-\d+)?\.", words)
    assert re.search(r"Replacement 0\.\d\d, completeness 0\.\d\d \(targets only\)\.", words)


def test_books_that_do_not_balance_are_a_warning_in_red() -> None:
    graph = random_graph()
    figure = _draw(replace(graph, preactivation=graph.preactivation + 1.0))
    warnings = [text for text in figure.group("caption").items if isinstance(text, Text) and "Books" in text.text]
    assert "do not cite this graph" in _caption(figure)
    assert [run.fill for text in warnings for run in text.runs] == [PRINT.danger]


def test_an_imported_graph_claims_neither_books_nor_scores() -> None:
    graph = replace(random_graph(errors=False, biases=False), provenance={"file": "dry.json"})
    words = _caption(_draw(graph))
    assert "Books cannot be checked: “dry.json” does not hold bias nodes." in words
    assert "Replacement unknown" in words


def test_own_caption_leaves_the_facts() -> None:
    figure = _draw(random_graph(), title="Figure 1", caption="What\nwe saw.")
    assert figure.title == "Figure 1"
    assert _caption(figure).startswith("Figure 1 What we saw.")
    assert "Books balance" in _caption(figure)


def test_provenance_goes_into_the_figure_as_json_holds_it() -> None:
    graph = replace(
        random_graph(), provenance={"model": "m", "fidelity": np.float32(np.nan), "model_sha256": "abcdef12"}
    )
    figure = _draw(graph)
    assert figure.provenance["model"] == "m"
    assert figure.provenance["fidelity"] is None
    assert "model abcdef" in _caption(figure)


def test_a_figure_without_room_is_refused() -> None:
    with pytest.raises(ExplorerError, match="60 mm"):
        _draw(random_graph(), width_mm=20.0)


def test_narrow_columns_turn_the_tokens() -> None:
    turned = [item for item in _case("forty tokens").group("axes").items if isinstance(item, Text) and not item.upright]
    assert len(turned) == 40


def test_shapes_tell_kinds() -> None:
    kinds = {type(item) for item in _items(_case("plain"), "nodes")}
    assert kinds == {Circle, Rect, Polygon}
    assert any(isinstance(item, Line) for item in _items(_case("plain"), "grid"))


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=60), st.floats(0, 300))
def test_elided_text_fits(text: str, width: float) -> None:
    short = elide(text, width, 11)
    assert text_width(short, 11) <= width or short == text == ""
    assert short == text or short == "" or (short.endswith("…") and text.startswith(short[:-1]))


@given(st.lists(st.text("abcdefgh", min_size=1, max_size=12), max_size=30), st.floats(90, 400), st.floats(0, 80))
def test_wrapped_words_are_all_there_and_fit(words: list[str], width: float, first: float) -> None:
    lines = wrap(" ".join(words), width, 11, first=first)
    assert " ".join(line for line in lines if line).split() == words
    assert all(text_width(line, 11) <= width - (first if n == 0 else 0) for n, line in enumerate(lines))


@pytest.mark.parametrize(
    ("token", "words"),
    [(" the", "the"), ("\n", "newline"), (" ", "space"), ("   ", "3 spaces"), ("", "nothing"), ("a\nb", "a↵b")],
)
def test_tokens_are_written_plainly(token: str, words: str) -> None:
    assert plain(token) == words


def test_joined_emoji_stay_whole_and_what_turns_the_text_round_does_not() -> None:
    family = "\N{WOMAN}\N{ZERO WIDTH JOINER}\N{GIRL}"
    assert plain(family) == family
    assert plain("a\N{RIGHT-TO-LEFT OVERRIDE}b") == "a\N{REPLACEMENT CHARACTER}b"

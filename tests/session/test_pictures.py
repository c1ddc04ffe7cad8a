"""Pictures: each view of the table is drawn on the page that is asked, its words whole, the same every time."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from explorer.circuits.compare import compare
from explorer.circuits.graph import NodeKind
from explorer.errors import ExplorerError
from explorer.features.evidence import Evidence, Example, Weighed
from explorer.io.svg import svg_text
from explorer.session import edits as edit
from explorer.session.edits import Edits
from explorer.session.figure import Box, Figure, Group, Text
from explorer.session.figure_screen import Seen
from explorer.session.interventions import Interventions, Row
from explorer.session.layout import layout
from explorer.session.outcome import Outcome, TokenRow
from explorer.session.overlay import compared
from explorer.session.page import Page, words_pt
from explorer.session.pictures import VIEWS, Card, Material, picture
from explorer.session.validation import CircuitTest, Effect, Validation
from explorer.session.view import GraphView, resolve
from tests.graphs import feature_keys, random_graph

NAMES = [row.id for row in VIEWS]


def seen_of(view: GraphView, width: float = 800.0, height: float = 520.0, selection: tuple[int, ...] = ()) -> Seen:
    """The whole graph on a canvas of that size."""
    place = layout(view.graph, view.influence, width, height)
    links = np.flatnonzero(view.links)[:50]
    lit = links[np.isin(view.graph.edge_target[links], selection)]
    return Seen(place, Box(40.0, 0.0, width, height - 50.0), links, lit, selection)


def validation() -> Validation:
    effects = tuple(
        Effect(f"k{size}", "thing", (), 0, 0, 1.0, predicted_total=size, measured_total=-size / 2)
        for size in (0.5, -0.02, 3.0)
    )
    return Validation(0.0, "iterative", "Austin", 1.0, 0.5, 2.0, effects, CircuitTest(3, True), ())


@pytest.fixture(scope="module")
def material() -> Material:
    graph = random_graph(24, 140, seed=3, n_layers=4, n_pos=5)
    features = feature_keys(graph)
    edits = edit.group(Edits(), features[:6], "a group with a long name", "rose")
    view = resolve(graph, edit.pin(edits, features[10:13]))
    example = Example(0, 9, ("The", " state", " of", " 東京", "𓀀"), (0.0, 0.5, 0.0, 2.0, 0.0), 3)
    found = Evidence(1, 7, 12, 100, 0, 0.12, 2.0, 0.5, 1.2, top=(example,), top_logits=(Weighed(1, "so", 0.4),))
    words = ("Austin", " a very long token indeed", "の")
    tokens = tuple(TokenRow(at, text, 0.3, 0.2, 0.25) for at, text in enumerate(words))
    made = Interventions((Row("feature", 1, 7, 2, 2, value=-1.0), Row("error", on=False)))
    outcome = Outcome(made, 5, tokens, 0.31)
    chosen = int(np.flatnonzero(view.shown & (graph.nodes.kind == NodeKind.FEATURE))[0])
    seen = seen_of(view, selection=(chosen,))
    other = random_graph(24, 140, seed=4, n_layers=4, n_pos=5)
    pair = compared(view, resolve(other, Edits()), compare(graph, other))
    return Material(view, screen=seen, card=Card("it", found), validation=validation(), outcome=outcome, pair=pair)


def faults(figure: Figure) -> list[str]:
    """Texts that are cut by the edge or lie upon another."""
    page, texts = Box(-0.5, -0.5, figure.width + 0.5, figure.height + 0.5), list(figure.texts())
    cut = [text.text for text in texts if not text.box.within(page)]
    both = [f"{a.text} | {b.text}" for a, b in combinations(texts, 2) if a.box.meets(b.box)]
    return cut + both


@pytest.mark.parametrize("name", [name for name in NAMES if name != "layers"])
@pytest.mark.parametrize("page", [Page(), Page(90.0, 0.0, 6.0, theme="dark"), Page(254.0, 142.9, 14.0, theme="light")])
def test_each_view_is_on_the_page_that_is_asked_with_its_words_whole(material: Material, name: str, page: Page) -> None:
    figure = picture(material, name, page)
    assert page.width_mm in (0.0, pytest.approx(figure.width_mm))
    assert page.height_mm in (0.0, pytest.approx(figure.height_mm))
    if not page.width_mm:
        assert words_pt(figure) == pytest.approx(page.font_pt)
    assert figure.background == page.colours.surface_canvas
    assert words_pt(figure) <= page.font_pt + 1e-6
    assert faults(figure) == []


def test_the_same_material_is_the_same_picture(material: Material) -> None:
    for name in ("screen", "graph", "validation"):
        assert svg_text(picture(material, name, Page())) == svg_text(picture(material, name, Page()))


@pytest.mark.parametrize("row", [row for row in VIEWS if row.id != "layers"], ids=lambda row: row.id)
def test_legend_and_caption_are_left_out_where_they_are_not_wanted(material: Material, row: object) -> None:
    name = row.id  # type: ignore[attr-defined]
    plain = picture(material, name, Page(legend=False, caption=False))
    assert {"legend", "caption"}.isdisjoint(group.id for group in plain.groups)
    whole = {group.id for group in picture(material, name, Page()).groups}
    assert ("legend" in whole, "caption" in whole) == (row.has_legend, row.has_caption)  # type: ignore[attr-defined]


def test_what_is_missing_for_a_view_is_a_sentence() -> None:
    bare = Material(resolve(random_graph(20, 100, n_layers=3), Edits()))
    for row in VIEWS:
        if row.id == "graph":
            continue
        with pytest.raises(ExplorerError) as fault:
            picture(bare, row.id, Page())
        assert str(fault.value).endswith(".")
    with pytest.raises(ExplorerError, match="There is no view “nothing”; choose one of screen, graph"):
        picture(bare, "nothing", Page())


def test_the_graph_on_screen_shows_the_part_that_is_in_sight(material: Material) -> None:
    view, seen = material.view, material.screen
    assert seen is not None
    half = Seen(seen.place, Box(40.0, 0.0, 400.0, 470.0), seen.links, seen.lit, seen.selection)
    figure = picture(Material(view, screen=half), "screen", Page())
    shown = view.shown & (seen.place.x >= 40) & (seen.place.x <= 400) & (seen.place.y <= 470)
    inside = int((shown & seen.place.placed & (view.graph.nodes.kind != NodeKind.LOGIT)).sum())
    squares = sum(key in view.graph.index and bool(shown[view.graph.index[key]]) for key in view.edits.pinned)
    assert len(figure.group("nodes").items) == inside + squares
    clips = {group.id: group.clip is not None for group in figure.groups}
    assert clips["links"]
    assert not clips["axes"]


def test_words_of_columns_out_of_sight_are_left_out_and_the_others_stay_upright(material: Material) -> None:
    view, seen = material.view, material.screen
    assert seen is not None
    columns = seen.place.columns
    middle = float(columns[2] + columns[3]) / 2
    half = Seen(seen.place, Box(float(columns[1]) + 2, 0.0, middle, 470.0), seen.links, seen.lit)
    figure = picture(Material(view, screen=half), "screen", Page())
    below = [item for item in figure.group("axes").items if isinstance(item, Text) and item.anchor == "middle"]
    assert [text.text for text in below] == ["The", "capital"]
    assert all(text.upright for text in below)


def test_links_of_the_selection_stand_out_and_the_selected_node_has_a_ring(material: Material) -> None:
    assert material.screen is not None
    alone = seen_of(material.view)
    resting = picture(Material(material.view, screen=alone), "screen", Page()).group("links")
    figure = picture(material, "screen", Page())
    assert len(figure.group("selection").items) == 1
    assert len(figure.group("lit").items) == len(material.screen.lit)
    assert _alphas(figure.group("links")) == pytest.approx([0.3 * alpha for alpha in _alphas(resting)])


def _alphas(group: Group) -> list[float]:
    return [item.ink.stroke_alpha for item in group.items]  # type: ignore[union-attr]

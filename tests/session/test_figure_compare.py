"""A comparison as a figure: its marks, dashes and words are those of the comparison."""

from __future__ import annotations

import numpy as np
import pytest

from explorer.circuits.compare import Status, compare
from explorer.circuits.graph import NodeKind
from explorer.session.edits import Edits
from explorer.session.figure import Circle, Curve, Figure
from explorer.session.figure_compare import DASHES, compare_figure
from explorer.session.figure_links import Strongest, choose
from explorer.session.overlay import Compared, compared, side_colour
from explorer.session.theme import DARK, PRINT, THEMES, blend, contrast
from explorer.session.view import resolve
from tests.graphs import random_graph


@pytest.fixture(scope="module")
def pair() -> Compared:
    a, b = (random_graph(30, 200, n_pos=5, n_layers=4, seed=seed) for seed in (1, 2))
    return compared(resolve(a, Edits()), resolve(b, Edits()), compare(a, b))


@pytest.fixture(scope="module")
def figure(pair: Compared) -> Figure:
    return compare_figure(pair, theme=PRINT)


def test_every_link_has_the_dashes_and_colour_of_its_graph(pair: Compared, figure: Figure) -> None:
    choice = choose(pair.overlay, Strongest())
    curves = figure.group("links").items
    assert len(curves) == len(choice.links) > 20
    for link, curve in zip(choice.links.tolist(), curves, strict=True):
        status = Status(pair.found.link_status[link])
        assert (curve.ink.stroke, curve.ink.dash) == (side_colour(status, PRINT), DASHES.get(status, ()))
    assert len({curve.ink.dash for curve in curves}) == 3


def test_features_of_one_graph_have_half_a_fill(pair: Compared, figure: Figure) -> None:
    choice = choose(pair.overlay, Strongest())
    features = choice.nodes & (pair.overlay.graph.nodes.kind == NodeKind.FEATURE)
    alone = int((features & (pair.found.status != Status.BOTH)).sum())
    halves = [item for item in figure.group("nodes").items if isinstance(item, Curve)]
    assert len(halves) == alone > 5
    circles = [(item.x, item.y) for item in figure.group("nodes").items if isinstance(item, Circle)]
    lefts = sum(half.points[6] < half.points[0] for half in halves)
    assert lefts == int((features & (pair.found.status == Status.ONLY_A)).sum())
    assert {(half.points[0], round(half.points[7], 6)) for half in halves} <= {(x, round(y, 6)) for x, y in circles}


def test_the_words_count_what_the_comparison_counts(pair: Compared, figure: Figure) -> None:
    said = " ".join(text.text for text in figure.texts())
    for status, words in ((Status.ONLY_A, "only in A"), (Status.ONLY_B, "only in B"), (Status.BOTH, "in both")):
        assert f"{int((pair.found.status == status).sum()):,} {words}" in said
        assert f"{int((pair.found.link_status == status).sum()):,} {words}" in said


def test_the_strongest_difference_is_the_darkest(pair: Compared, figure: Figure) -> None:
    share = np.abs(pair.overlay.share)
    links = choose(pair.overlay, Strongest()).links
    alphas = [curve.ink.stroke_alpha for curve in figure.group("links").items]
    order = np.argsort(share[links], kind="stable")
    assert np.all(np.diff(np.array(alphas)[order]) >= 0)


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
def test_the_colours_of_the_sides_are_seen_on_the_ground(theme: type[PRINT]) -> None:
    for status in Status:
        assert contrast(side_colour(status, theme), theme.surface_canvas) >= 4.5


def test_no_text_of_the_figure_crosses_another_in_the_dark_either(pair: Compared) -> None:
    texts = list(compare_figure(pair, theme=DARK).texts())
    crossing = [(one.text, two.text) for at, one in enumerate(texts) for two in texts[:at] if one.box.meets(two.box)]
    assert crossing == []
    assert blend(DARK.mark_ink, DARK.surface_canvas, 1.0) == DARK.mark_ink.upper()

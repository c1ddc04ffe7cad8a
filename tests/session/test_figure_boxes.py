"""Words on the boxes of the subgraph: wrapped before they are cut, and there at every scale."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import pytest

from explorer.circuits.graph import NodeKind
from explorer.session import edits as edit
from explorer.session.diagram import Diagram, diagram, main_outputs
from explorer.session.figure import Box as Area
from explorer.session.figure import Text
from explorer.session.figure_boxes import Lens, Lit, box_items
from explorer.session.figure_text import text_width
from explorer.session.figure_ties import share_texts
from explorer.session.plates import odds, wrapped
from explorer.session.subgraph import subgraph
from explorer.session.theme import LIGHT
from explorer.session.view import resolve
from tests.graphs import random_graph

NAMES = ("L25 / 13300", "say a capital of a state, or a city in it", "Donaudampfschifffahrtsgesellschaft", "a\nb")


@pytest.fixture(scope="module")
def laid() -> Diagram:
    """Four pinned features with names of one line and of several, one of a supernode's colour, and the outputs."""
    graph = random_graph(60, 400, seed=3, n_layers=5, n_pos=6)
    keys = [graph.key(node) for node in range(5)]
    edits = edit.group(edit.pin(edit.Edits(), keys[:4]), keys[4:], NAMES[1], "rose")
    for key, name in zip(keys, NAMES, strict=False):
        edits = edit.set_label(edits, key, name)
    view = resolve(graph, edits)
    return diagram(view, main_outputs(view, subgraph(view)))


def written(laid: Diagram, scale: float) -> dict[str, list[Text]]:
    """The texts that lie on each box at a scale."""
    lens = Lens(scale)
    texts = [item for item in box_items(laid, lens, LIGHT, Lit()) if isinstance(item, Text)]
    seen = {id: lens.area(area) for id, area in laid.areas.items()}
    found = {id: [text for text in texts if area.meets(text.box)] for id, area in seen.items()}
    assert sorted(map(id, texts)) == sorted(id(text) for own in found.values() for text in own)
    return found


@pytest.mark.parametrize("scale", [1.0, 0.9, 0.8, 0.75])
def test_names_are_whole_inside_their_boxes_and_not_below_11_px_at_the_scales_of_a_fit(
    laid: Diagram, scale: float
) -> None:
    for name, texts in written(laid, scale).items():
        box, area = laid.drawn.box(name), Lens(scale).area(laid.areas[name])
        assert all(text.size >= 11 and text.box.within(area) for text in texts)
        bold = "".join(run.text for text in texts for run in text.runs if run.weight == 600)
        if box.kind != NodeKind.LOGIT:
            assert bold.replace(" ", "") == box.name.replace("\n", "↵").replace(" ", "")


@pytest.mark.parametrize("scale", [1.0, 0.75, 0.5, 0.4])
def test_outputs_show_their_token_at_every_scale_and_less_of_the_probability_first(laid: Diagram, scale: float) -> None:
    outputs = [box for box in laid.drawn.boxes if box.kind == NodeKind.LOGIT]
    assert outputs
    for box in outputs:
        token, *chance = (text.strip() for text in (run.text for run in written(laid, scale)[box.id][0].runs))
        whole = laid.plates[box.id].lines[0]
        assert token
        assert not chance or (token == whole and chance[0] in (odds(box), odds(box, 2)))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("width", [30.0, 60.0, 170.0])
def test_wrapped_lines_fit_and_only_the_last_is_cut(name: str, width: float) -> None:
    lines = wrapped(name, width, 12, text_width)
    assert len(lines) <= 3
    assert all(text_width(line, 12, 600) <= width for line in lines)
    told, cut = "".join(lines).replace(" ", ""), lines[-1].endswith("…")
    assert "".join(name.split()).startswith(told.removesuffix("…"))
    assert cut or told == "".join(name.split())
    assert not cut or len(lines) == 3


@pytest.mark.parametrize("scale", [1.0, 0.75, 0.5])
def test_shares_on_links_keep_clear_of_each_other_and_of_boxes(laid: Diagram, scale: float) -> None:
    lens = Lens(scale)
    laid = replace(laid, over=0.0)
    boxes = [text.box for text in share_texts(laid, lens, LIGHT, laid.links)]
    assert len(boxes) > 2
    for one, other in combinations(boxes, 2):
        assert not one.meets(Area(other.x0 - 3, other.y0 - 1, other.x1 + 3, other.y1 + 1))
    assert not any(box.meets(lens.area(area)) for box in boxes for area in laid.areas.values())

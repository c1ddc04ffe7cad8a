"""SVG: what is in the figure is in the file, once, and the file is sound."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.errors import SaveError
from explorer.io.svg import svg_text, write_svg
from explorer.session.edits import Edits, set_label
from explorer.session.figure import Circle, Figure, Group, Ink, Line, Rect, Run, Text
from explorer.session.figure_graph import graph_figure
from explorer.session.theme import PRINT
from explorer.session.view import resolve
from tests.graphs import random_graph

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = "</text><script>alert(1)</script>&\"'"


def _figure() -> Figure:
    graph = replace(random_graph(), provenance={"model": "m <&> “x”", "dtype": "float32"})
    edits = set_label(Edits(), graph.key(0), HOSTILE)
    return graph_figure(resolve(graph, edits), theme=PRINT, title=HOSTILE)


def _one(text: str) -> Figure:
    items = (Text(10.0, 20.0, (Run(text, "#000000"),), 11),)
    return Figure(100.0, 50.0, "#FFFFFF", text, text, (Group("labels", items),), {"text": text})


def _texts(svg: str) -> list[str]:
    return ["".join(element.itertext()) for element in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def test_each_text_is_one_element() -> None:
    figure = _figure()
    assert _texts(svg_text(figure)) == [text.text for text in figure.texts()]


def test_groups_are_found_by_id() -> None:
    figure = _figure()
    root = ElementTree.fromstring(svg_text(figure))
    groups = {group.get("id"): len(group) for group in root.findall(f"{SVG}g")}
    assert groups == {group.id: len(group.items) for group in figure.groups}


def test_title_description_and_provenance_are_in_the_file() -> None:
    figure = _figure()
    root = ElementTree.fromstring(svg_text(figure))
    assert root.findtext(f"{SVG}title") == HOSTILE
    assert root.findtext(f"{SVG}desc") == figure.summary
    assert json.loads(root.findtext(f"{SVG}metadata") or "") == figure.provenance


def test_nothing_in_a_name_becomes_markup() -> None:
    root = ElementTree.fromstring(svg_text(_one(HOSTILE)))
    assert list(root.iter(f"{SVG}script")) == []
    assert root.findtext(f"{SVG}title") == HOSTILE


@given(st.text(max_size=30))
def test_any_text_gives_a_sound_file(text: str) -> None:
    root = ElementTree.fromstring(svg_text(_one(text)))
    assert len(list(root.iter(f"{SVG}text"))) == 1


def test_size_is_in_millimetres_and_pixels() -> None:
    figure = _figure()
    root = ElementTree.fromstring(svg_text(figure))
    assert root.get("width") == "190mm"
    assert root.get("viewBox") == f"0 0 720 {figure.height:.0f}"


def test_shapes_keep_their_numbers() -> None:
    ink = Ink(fill="#112233", stroke="#445566", width=1.5, fill_alpha=0.25, stroke_alpha=0.5, dash=(5.0, 2.5))
    items = (
        Circle(1.0, 2.0, 3.456, ink),
        Rect(1.0, 2.0, 3.0, 4.0, Ink(fill="#000000"), 5.0),
        Line(0.0, -0.001, 1.0, 2.0, ink),
    )
    root = ElementTree.fromstring(svg_text(Figure(10.0, 10.0, "#FFFFFF", "", "", (Group("x", items),))))
    circle, rect, line = root.findall(f"{SVG}g/*")
    assert (circle.get("cx"), circle.get("cy"), circle.get("r")) == ("1", "2", "3.46")
    assert circle.get("fill-opacity") == "0.25"
    assert circle.get("stroke-opacity") == "0.5"
    assert circle.get("stroke-dasharray") == "5 2.5"
    assert (rect.get("width"), rect.get("rx"), rect.get("stroke")) == ("3", "5", None)
    assert line.get("d") == "M0 0L1 2"


def test_two_exports_are_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a.svg", "b.svg"):
        write_svg(_figure(), tmp_path / name)
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    assert b"<svg" in (tmp_path / "a.svg").read_bytes()[:10]


def test_a_missing_folder_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(SaveError, match="does not exist"):
        write_svg(_figure(), tmp_path / "none" / "a.svg")
    assert list(tmp_path.iterdir()) == []

"""The web page of a subgraph: one file, nothing from a network, and no words of a graph become markup or script."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from explorer.circuits.graph import NodeKind
from explorer.circuits.supernodes import activation
from explorer.errors import ExplorerError, SaveError
from explorer.io.page_html import page_html, write_page
from explorer.session import edits as edit
from explorer.session.edits import Edits
from explorer.session.figure_subgraph import Shown
from explorer.session.query import influence_share
from explorer.session.subgraph import subgraph
from explorer.session.view import GraphView, resolve
from tests.graphs import random_graph

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>&\"'`${alert(3)}\u2028<!--"


class Page(HTMLParser):
    """Tags in their order, and the text of each script and style."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.held: dict[str, list[str]] = {"script": [], "style": [], "title": [], "h1": []}
        self._in = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._in = tag

    def handle_endtag(self, tag: str) -> None:
        self._in = ""

    def handle_data(self, data: str) -> None:
        if self._in in self.held:
            self.held[self._in].append(data)


@pytest.fixture(scope="module")
def view() -> GraphView:
    graph = random_graph(30, 200, seed=3, n_layers=4, n_pos=5)
    tokens = ("<bos>", HOSTILE, " 東京", "\n", " is")
    graph = replace(graph, tokens=tokens, provenance={"prompt": HOSTILE, "model": HOSTILE})
    keys = [graph.key(node) for node in range(graph.count(NodeKind.FEATURE))]
    edits = edit.group(Edits(), keys[:5], HOSTILE, "rose")
    edits = edit.group(edits, keys[5:8], "inner")
    edits = edit.pin(edits, keys[10:12])
    edits = edit.set_label(edits, keys[10], HOSTILE)
    return resolve(graph, edit.set_note(edits, keys[11], HOSTILE))


@pytest.fixture(scope="module")
def text(view: GraphView) -> str:
    return page_html(view, Shown())


def told(text: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Page(text).held["script"][0])
    return found


def test_hostile_words_are_data_and_nothing_else(text: str) -> None:
    page = Page(text)
    assert [tag for tag, _ in page.tags].count("script") == 2
    assert not {"img", "iframe", "link", "object"} & {tag for tag, _ in page.tags}
    assert "alert(1)" not in page.held["script"][1]
    assert not any(name.startswith("on") for _, attributes in page.tags for name in attributes)
    held = told(text)
    assert held["prompt"] == HOSTILE
    assert HOSTILE in [box["name"] for box in held["boxes"]]
    assert HOSTILE in [box["node"]["note"] for box in held["boxes"] if "node" in box]


def test_nothing_is_asked_from_a_network(text: str) -> None:
    page = Page(text)
    assert not any({"src", "href", "action"} & set(attributes) for _, attributes in page.tags)
    addresses = set(re.findall(r"https?://[^\s\"'<]+", "".join((*page.held["style"], page.held["script"][1]))))
    assert addresses == {"http://www.w3.org/2000/svg"}
    assert not re.search(r"\b(fetch|XMLHttpRequest|import|WebSocket|innerHTML|eval)\b", page.held["script"][1])


def test_browsers_are_told_to_run_this_script_alone(text: str) -> None:
    page = Page(text)
    rules = next(a["content"] for tag, a in page.tags if a.get("http-equiv") == "Content-Security-Policy")
    assert rules is not None
    for name, held in (("script", page.held["script"][1]), ("style", page.held["style"][0])):
        digest = base64.b64encode(hashlib.sha256(held.encode()).digest()).decode()
        assert f"{name}-src 'sha256-{digest}'" in rules
    assert rules.startswith("default-src 'none'")


def test_two_pages_of_one_view_are_the_same_bytes_and_small(view: GraphView, text: str, tmp_path: Path) -> None:
    for name in ("a.html", "b.html"):
        write_page(view, tmp_path / name)
    data = (tmp_path / "a.html").read_bytes()
    assert data == (tmp_path / "b.html").read_bytes() == text.encode("utf-8", "replace")
    assert len(data) - len(Page(text).held["script"][0].encode()) < 60_000


def test_boxes_and_links_are_those_of_the_subgraph(view: GraphView, text: str) -> None:
    held, drawn = told(text), subgraph(view)
    assert [box["id"] for box in held["boxes"]] == [box.id for box in drawn.boxes]
    share = influence_share(view)
    for box, of in zip(held["boxes"], drawn.boxes, strict=True):
        assert box["influence"] == pytest.approx(share[list(of.rows)].sum(), rel=1e-5)
        if box["kind"] == "group":
            assert box["activation"] == pytest.approx(activation(view.graph, np.array(of.rows)), rel=1e-5)
            assert len(box["members"]) == len(of.rows)
    strong = {(link.source, link.target): link for link in drawn.links if abs(link.share) >= held["over"]}
    assert {(link["source"], link["target"]) for link in held["links"]} == set(strong)
    for link in held["links"]:
        assert link["weight"] == pytest.approx(strong[link["source"], link["target"]].weight, rel=1e-5)
    assert held["hidden"] == len(drawn.links) - len(strong)


def test_members_of_supernodes_within_supernodes_are_there(view: GraphView) -> None:
    outer, inner = view.edits.supernodes
    nested = replace(view.edits, supernodes=(outer, replace(inner, parent=outer.id)))
    box = told(page_html(resolve(view.graph, nested), Shown()))["boxes"][0]
    assert [len(one.get("members", ())) for one in box["members"]] == [len(inner.members)] + [0] * len(outer.members)


def test_an_empty_subgraph_is_a_sentence(view: GraphView) -> None:
    with pytest.raises(ExplorerError, match="The subgraph is empty"):
        page_html(resolve(view.graph, Edits()), Shown())


def test_half_of_a_surrogate_pair_does_not_stop_the_page(view: GraphView, tmp_path: Path) -> None:
    edits = edit.set_label(view.edits, view.edits.pinned[0], "half \ud83d of a pair")
    write_page(resolve(view.graph, edits), tmp_path / "a.html")
    assert "half ? of a pair" in (tmp_path / "a.html").read_bytes().decode()


def test_a_page_that_cannot_be_written_leaves_nothing(view: GraphView, tmp_path: Path) -> None:
    with pytest.raises(SaveError, match="its folder does not exist"):
        write_page(view, tmp_path / "none" / "a.html")
    (tmp_path / "taken.html").mkdir()
    with pytest.raises(SaveError, match="there is a folder of that name"):
        write_page(view, tmp_path / "taken.html")
    assert [path.name for path in tmp_path.iterdir()] == ["taken.html"]

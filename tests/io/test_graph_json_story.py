"""Pins, supernodes and labels of share links and saved subgraphs arrive on the nodes that they mean."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import numpy as np
import pytest

from explorer.circuits.graph import Graph, NodeKey, NodeKind, Nodes, Rows
from explorer.errors import LoadError
from explorer.io import graph_json_story as stories
from explorer.io.graph_json_ids import cantor
from explorer.io.graph_json_story import Story, apply, of_link, read_story
from explorer.session.edits import Edits, Label, Supernode
from explorer.session.supernodes import whole

DATA = Path(__file__).parents[1] / "data" / "graphs"
LINKS = gzip.decompress((DATA / "neuronpedia_share_urls.txt.gz").read_bytes()).decode().split()
TYPING_ERROR = "D25_5604_7"  # in one of them
STORIES = [link for link in LINKS if "pinnedIds" in link or "clerps" in link]


def graph_of(keys: set[NodeKey], n_layers: int) -> Graph:
    """A graph of these nodes, without links."""
    ordered = sorted(keys)
    n_pos = max(key.pos for key in ordered) + 1
    columns = np.array(ordered)
    n = len(ordered)
    n_logits = sum(key.kind == NodeKind.LOGIT for key in ordered)
    return Graph(
        nodes=Nodes(
            kind=columns[:, 0].astype(np.int8),
            layer=columns[:, 1].astype(np.int32),
            pos=columns[:, 2].astype(np.int32),
            feature=columns[:, 3].astype(np.int64),
            activation=np.full(n, np.nan, np.float32),
        ),
        rows=Rows(np.zeros(n + 1, np.int64), np.zeros(0, np.int32), np.zeros(0), np.zeros(n), np.zeros(n)),
        constant=np.zeros(n),
        preactivation=np.full(n, np.nan),
        target_weight=np.zeros(n),
        probability=np.full(n, np.nan),
        token_ids=np.arange(n_pos),
        tokens=tuple("x" * n_pos),
        logit_tokens=("x",) * n_logits,
        n_layers=n_layers,
    )


def key_of(name: str, n_layers: int) -> NodeKey:
    """The node that circuit-tracer's id means, errors aside."""
    layer, number, pos = name.split("_")
    if layer == "E":
        return NodeKey(NodeKind.EMBEDDING, -1, int(pos), int(number))
    if int(layer) > n_layers:
        return NodeKey(NodeKind.LOGIT, n_layers, int(pos), int(number))
    return NodeKey(NodeKind.FEATURE, int(layer), int(pos), int(number))


@pytest.mark.parametrize("link", STORIES, ids=lambda link: parse_qs(urlsplit(link).query)["slug"][0])
def test_real_share_links_arrive_whole(link: str) -> None:
    query = parse_qs(urlsplit(link).query)
    n_layers, width = (26, 5) if "/gemma-2-2b/" in link else (16, 6)
    pins = [name for name in query.get("pinnedIds", [""])[0].split(",") if name and name != TYPING_ERROR]
    groups = json.loads(query.get("supernodes", ["[]"])[0])
    labels = json.loads(query.get("clerps", ["[]"])[0])
    keys = {key_of(name, n_layers) for name in [*pins, *(member for _, *members in groups for member in members)]}
    named = {}
    for name, text in labels:
        parts = name.split("_")
        place = divmod(int(parts[len(parts) // 2]), 10**width)
        found = {key for key in keys if (key.kind, key.layer, key.feature) == (0, *place)}
        if len(parts) == 3:
            found = {key for key in found if key.pos == int(parts[2])}
        named |= dict.fromkeys(found, text.strip())
    edits, notes = apply(of_link(link), graph_of(keys | {NodeKey(2, -1, 9, 1)}, n_layers), Edits())
    assert len(notes) == (TYPING_ERROR in link)
    assert edits.pinned == tuple(dict.fromkeys(key_of(name, n_layers) for name in pins))
    assert edits.supernodes == whole(
        tuple(
            Supernode(name, tuple(dict.fromkeys(key_of(member, n_layers) for member in members)))
            for name, *members in groups
            if members
        )
    )
    assert {key: label.text for key, label in edits.labels.items()} == {k: text for k, text in named.items() if text}


def test_there_are_64_of_them_with_438_labels() -> None:
    assert (len(LINKS), len(STORIES)) == (64, 63)
    assert sum(len(of_link(link).labels) for link in STORIES) == 438
    (bare,) = set(LINKS) - set(STORIES)
    with pytest.raises(LoadError, match="names no pinnedIds"):
        of_link(bare)


FEATURE, AGAIN = NodeKey(0, 23, 10, 12237), NodeKey(0, 23, 9, 12237)
SMALL = graph_of({FEATURE, AGAIN, NodeKey(2, -1, 10, 5), NodeKey(0, 3, 1, 77)}, 26)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("23_12237_10", {FEATURE}),
        (f"23_{cantor(23, 12237)}_10", {FEATURE}),
        ("23_2312237_10", {FEATURE}),
        ("2312237", {FEATURE, AGAIN}),
        (str(cantor(23, 12237)), {FEATURE, AGAIN}),
        ("12237", {FEATURE, AGAIN}),
        ("E_5_10", {NodeKey(2, -1, 10, 5)}),
        ("24_2312237_10", set()),
        ("x_y_z", set()),
        ("9" * 40, set()),
    ],
)
def test_labels_are_found_by_every_kind_of_name(name: str, meant: set[NodeKey]) -> None:
    edits, _ = apply(Story(labels=((name, "cities"),)), SMALL, Edits())
    assert edits.labels == dict.fromkeys(meant, Label("cities", "human"))


def test_links_that_are_encoded_twice_are_read() -> None:
    query = {"pinnedIds": "23_12237_10,E_5_10", "clerps": '[["3_77_1", "50%"]]'}
    twice = urlencode({name: quote(text, safe="") for name, text in query.items()})
    story = of_link(f"https://example.org/graph?{twice}")
    assert story == Story(pinned=("23_12237_10", "E_5_10"), labels=(("3_77_1", "50%"),))


def test_a_story_is_put_on_top_of_ones_own() -> None:
    own = Edits(pinned=(AGAIN,), labels={AGAIN: Label("mine")}, supernodes=(Supernode("a", (AGAIN,)),))
    story = Story(("23_12237_10", "1_1_1"), (("b", ("23_12237_10",)), ("c", ("1_1_1",))), (("3_77_1", " "),))
    edits, notes = apply(story, SMALL, own)
    expected = replace(own, pinned=(AGAIN, FEATURE), supernodes=(*own.supernodes, Supernode("b", (FEATURE,))))
    assert edits == expected
    assert notes == ("1 of 2 pinned nodes are not in the graph.", "1 of 2 members of supernodes are not in the graph.")


@pytest.mark.parametrize("as_text", [False, True])
def test_saved_subgraphs_are_read(tmp_path: Path, as_text: bool) -> None:
    groups = [["states", "23_12237_10"]]
    table = {"modelId": "gemma-2-2b", "slug": "x", "pinnedIds": ["E_5_10"], "clerps": [["3_77_1", "seven"]]}
    table |= {"supernodes": json.dumps(groups) if as_text else groups, "pruningThreshold": None}
    (tmp_path / "s.json").write_text(json.dumps(table))
    story = read_story(str(tmp_path / "s.json"))
    assert story == Story(("E_5_10",), (("states", ("23_12237_10",)),), (("3_77_1", "seven"),))


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"pinnedIds": None, "supernodes": "null", "clerps": None}, ()),
        ({"pinnedIds": 7, "supernodes": [7, [], [1]], "clerps": [["a"], "b"]}, ()),
        ({"supernodes": "[["}, ("The supernodes of the file are damaged and were left out.",)),
    ],
)
def test_what_makes_no_sense_is_left_out(table: dict[str, object], words: tuple[str, ...]) -> None:
    assert stories.of_parameters(table) == Story(unread=words)


def test_links_and_files_without_a_story_are_refused(tmp_path: Path) -> None:
    with pytest.raises(LoadError, match="names no pinnedIds"):
        read_story("https://www.neuronpedia.org/gemma-2-2b/graph?slug=a&subgraph=cm123")
    with pytest.raises(LoadError, match="no address"):
        read_story("http://[x?pinnedIds=a")
    (tmp_path / "a.json").write_text("{}")
    with pytest.raises(LoadError, match="is no saved subgraph"):
        read_story(str(tmp_path / "a.json"))
    (tmp_path / "a.json").write_text("{")
    with pytest.raises(LoadError, match="not valid JSON"):
        read_story(str(tmp_path / "a.json"))
    with pytest.raises(LoadError, match="does not exist"):
        read_story(str(tmp_path / "b.json"))

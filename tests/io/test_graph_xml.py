"""What is written as GraphML and GEXF is read back by networkx as what was shown."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import networkx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.circuits.graph import Graph, NodeKind
from explorer.io import graph_xml
from explorer.io.graph_json_import import read
from explorer.session.edits import Edits, Label, Supernode, hide
from explorer.session.view import resolve
from tests.io.graphs import random_graph

READERS = {".graphml": networkx.read_graphml, ".gexf": networkx.read_gexf}
SUFFIXES = pytest.mark.parametrize("suffix", READERS)


def written(path: Path, graph: Graph, edits: Edits) -> Any:
    graph_xml.write(path, resolve(graph, edits))
    return READERS[path.suffix](path)


@SUFFIXES
@settings(max_examples=25)
@given(seed=st.integers(0, 10**6), node=st.floats(0.3, 1), edge=st.floats(0.5, 1), name=st.text(min_size=1, max_size=9))
def test_nodes_and_links_come_back(
    tmp_path_factory: pytest.TempPathFactory, suffix: str, seed: int, node: float, edge: float, name: str
) -> None:
    graph = random_graph(seed)
    feature = graph.key(2)
    edits = hide(Edits(node, edge), [graph.key(3)])
    edits = replace(edits, labels={feature: Label(name)}, supernodes=(Supernode("a & <b>", (feature,)),))
    view = resolve(graph, edits)
    found = written(tmp_path_factory.getbasetemp() / f"a{suffix}", graph, edits)
    assert len(found) == view.shown.sum()
    keys = {name: (row["type"], row["layer"], row["position"], row["index"]) for name, row in found.nodes(data=True)}
    shown = [graph.key(row) for row in np.flatnonzero(view.shown).tolist()]
    assert sorted(keys.values()) == sorted((NodeKind(key.kind).name.lower(), *key[1:]) for key in shown)
    expected = {
        (graph.key(source)[1:], graph.key(target)[1:]): weight
        for source, target, weight in zip(
            graph.rows.source[view.links].tolist(),
            graph.edge_target[view.links].tolist(),
            graph.rows.weight[view.links].tolist(),
            strict=True,
        )
    }
    links = {(keys[source][1:], keys[target][1:]): row["weight"] for source, target, row in found.edges(data=True)}
    assert links == expected
    for name, row in found.nodes(data=True):
        numbers = [value for value in row.values() if isinstance(value, float)]
        assert all(math.isfinite(value) for value in numbers)
        assert ("activation" in row) == (row["type"] == "feature")
        assert ("probability" in row) == (row["type"] == "logit")
        if keys[name] == ("feature", *feature[1:]):
            assert row["supernode"] == "a & <b>"


@SUFFIXES
def test_characters_that_xml_cannot_hold_are_replaced(tmp_path: Path, suffix: str) -> None:
    graph = random_graph()
    graph = replace(graph, tokens=("<s>", "a\x00b", "\ud800", "\x1b[1m"))
    edits = Edits(1.0, 1.0, labels={graph.key(2): Label("bell \x07 & <tag> \uffff")})
    found = written(tmp_path / f"a{suffix}", graph, edits)
    labels = [row["label"] for _, row in found.nodes(data=True)]
    assert "bell \ufffd & <tag> \ufffd" in labels


@SUFFIXES
def test_a_real_graph_keeps_its_weights(tmp_path: Path, suffix: str) -> None:
    graph, edits = read(Path(__file__).parents[1] / "data" / "graphs" / "dallas-austin-llamma.json")
    found = written(tmp_path / f"a{suffix}", graph, edits)
    assert (found.number_of_nodes(), found.number_of_edges()) == (60, 330)
    assert sum(weight for _, _, weight in found.edges(data="weight")) == pytest.approx(1213.6337890625, abs=1e-9)
    assert found.nodes["18_5495_9"]["activation"] == 10.375
    assert found.edges["E_2_0", "18_5495_9"]["weight"] == -2.953125

"""The export checklist: what circuit-tracer, Neuronpedia and Anthropic's viewer need of a graph JSON, line by line.

Source: their code as of circuit-tracer 0.4.1, neuronpedia ebb8426 and attribution-graphs-frontend 18ed0d6.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from explorer.circuits.graph import Graph, NodeKey, NodeKind
from explorer.circuits.influence import node_influence
from explorer.circuits.scores import scores
from explorer.io import graph_json
from explorer.io.graph_json_import import read
from explorer.session.edits import Edits, Label, pin
from explorer.session.supernodes import Supernode
from explorer.session.view import GraphView, resolve
from tests.io.graphs import random_graph

DATA = Path(__file__).parents[1] / "data" / "graphs"
FEATURE, ERROR = "cross layer transcoder", "mlp reconstruction error"
N_LAYERS, N_POS = 3, 4
Table = dict[str, Any]


def has_collision(graph: Graph) -> bool:
    """Whether circuit-tracer would give a feature of layer 0 and an error the same id."""
    return any(NodeKey(NodeKind.FEATURE, 0, pos, layer) in graph.index for pos in range(N_POS) for layer in range(3))


@pytest.fixture(scope="module")
def view() -> GraphView:
    graph = next(graph for seed in range(100) if has_collision(graph := random_graph(seed)))
    graph = replace(graph, provenance={"model": "org/name", "loss": float("nan"), "prompt": "typed"})
    labels = {graph.key(0): Label("one"), graph.key(len(graph) - 1): Label("mine")}
    edits = pin(Edits(0.95, 0.98, labels=labels), [graph.key(2), graph.key(4)])
    return resolve(graph, replace(edits, supernodes=(Supernode("two", (graph.key(2), graph.key(4))),)))


def written(path: Path, graph: Graph, edits: Edits) -> Table:
    graph_json.write(path, graph, edits)
    found: Table = json.loads(path.read_text(), parse_constant=lambda name: pytest.fail(f"{name} in the file"))
    return found


@pytest.fixture(scope="module")
def data(view: GraphView, tmp_path_factory: pytest.TempPathFactory) -> Table:
    return written(tmp_path_factory.mktemp("export") / "my graph!.json", view.graph, view.edits)


@pytest.fixture
def nodes(data: Table) -> list[Table]:
    return list(data["nodes"])


def of(nodes: list[Table], kind: str) -> list[Table]:
    found = [node for node in nodes if node["feature_type"] == kind]
    assert found
    return found


def test_every_shown_node_but_biases_is_written_and_nothing_else(nodes: list[Table], view: GraphView) -> None:
    assert len(nodes) == np.count_nonzero(view.shown & (view.graph.nodes.kind != NodeKind.BIAS)) < len(view.graph)


def test_a_feature_is_called_by_layer_index_and_position(nodes: list[Table], view: GraphView) -> None:
    for node in of(nodes, FEATURE):
        layer, index, pos = (int(part) for part in node["node_id"].split("_"))
        assert (node["layer"], node["ctx_idx"]) == (str(layer), pos)
        assert NodeKey(NodeKind.FEATURE, layer, pos, index) in view.graph.index


def test_an_error_is_called_as_circuit_tracer_does_unless_a_feature_is_called_so(nodes: list[Table]) -> None:
    features = {node["node_id"] for node in of(nodes, FEATURE)}
    usual = {True: 0, False: 0}
    for node in of(nodes, ERROR):
        name = f"0_{node['layer']}_{node['ctx_idx']}"
        usual[name not in features] += 1
        assert (node["node_id"] == name) == (name not in features)
    assert min(usual.values()) > 0  # both were there


def test_ids_are_unique_and_links_use_them(data: Table, nodes: list[Table]) -> None:
    ids = {node["node_id"] for node in nodes}
    assert len(ids) == len(nodes)
    assert data["links"]
    assert {link[end] for link in data["links"] for end in ("source", "target")} <= ids


def test_second_ids_are_unique_and_count_positions_from_the_end(nodes: list[Table]) -> None:
    assert len({node["jsNodeId"] for node in nodes}) == len(nodes)
    for node in of(nodes, FEATURE):
        layer, index, pos = node["node_id"].split("_")
        assert node["jsNodeId"] == f"{layer}_{index}-{N_POS - 1 - int(pos)}"


def test_a_feature_number_is_the_cantor_pair(nodes: list[Table]) -> None:
    for node in of(nodes, FEATURE):
        layer, index, _ = (int(part) for part in node["node_id"].split("_"))
        diagonal = math.floor((math.sqrt(8 * node["feature"] + 1) - 1) / 2)
        found = node["feature"] - diagonal * (diagonal + 1) // 2
        assert (diagonal - found, found) == (layer, index)


def test_the_schema_is_1(data: Table) -> None:
    assert data["metadata"]["schema_version"] == 1


def test_layers_are_texts_and_positions_whole_numbers(nodes: list[Table]) -> None:
    assert {type(node["layer"]) for node in nodes} == {str}
    assert {type(node["ctx_idx"]) for node in nodes} == {int}
    assert {node["layer"] for node in of(nodes, "embedding")} == {"E"}


def test_outputs_lie_one_layer_above_what_follows_the_last_and_say_what_they_are(
    nodes: list[Table], view: GraphView
) -> None:
    outputs = of(nodes, "logit")
    assert {node["layer"] for node in outputs} == {str(N_LAYERS + 1)}
    assert all(node["isLogit"] == (node["feature_type"] == "logit") for node in nodes)
    assert [node["is_target_logit"] for node in outputs] == [True, False]
    chances = [f"{chance:.3f}" for chance in view.graph.probability[-2:]]
    assert [node["clerp"] for node in outputs] == [f'Output " out0" (p={chances[0]})', f"mine (p={chances[1]})"]


def test_the_viewers_find_a_probability_in_every_output(nodes: list[Table]) -> None:
    """As they do, by ``clerp.split('(p=')[1].split(')')``."""
    for node in of(nodes, "logit"):
        assert float(node["clerp"].split("(p=")[1].split(")")[0]) == pytest.approx(node["token_prob"], abs=6e-4)
    assert {node["token_prob"] for node in nodes if node["feature_type"] != "logit"} == {0.0}


def test_errors_have_no_feature_number(nodes: list[Table]) -> None:
    assert {node["feature"] for node in of(nodes, ERROR)} == {-1}


def test_influence_is_the_cumulative_share_on_the_whole_graph(nodes: list[Table], view: GraphView) -> None:
    """Small is important: all nodes sorted by influence, largest first, then summed up; outputs have none."""
    graph = view.graph
    influence = node_influence(graph)
    order = np.argsort(-influence, kind="stable")
    cumulative = dict(zip(order.tolist(), (np.cumsum(influence[order]) / influence.sum()).tolist(), strict=True))
    for node in nodes:
        if node["feature_type"] == "logit":
            assert node["influence"] is None
        elif node["feature_type"] == FEATURE:
            layer, index, pos = (int(part) for part in node["node_id"].split("_"))
            row = graph.index[NodeKey(NodeKind.FEATURE, layer, pos, index)]
            assert node["influence"] == pytest.approx(cumulative[row], abs=1e-9)
        else:
            assert 0 <= node["influence"] <= 1 + 1e-9


def test_only_features_have_an_activation(nodes: list[Table]) -> None:
    assert all((node["activation"] is None) == (node["feature_type"] != FEATURE) for node in nodes)


def test_parameters_are_lists_of_ids_and_never_texts(data: Table, nodes: list[Table]) -> None:
    parameters, ids = data["qParams"], {node["node_id"] for node in nodes}
    assert len(parameters["pinnedIds"]) == 2
    assert set(parameters["pinnedIds"]) <= ids
    assert parameters["supernodes"] == [["two", *parameters["pinnedIds"]]]
    assert (parameters["linkType"], parameters["clickedId"], parameters["sg_pos"]) == ("both", "", "")


def test_slug_and_scan_are_what_neuronpedia_takes(data: Table) -> None:
    assert re.fullmatch(r"[A-Za-z0-9_.-]+", data["metadata"]["slug"])
    assert data["metadata"]["scan"] == "name"


def test_the_prompt_begins_with_the_tokens_in_front(data: Table, view: GraphView) -> None:
    metadata = data["metadata"]
    assert metadata["prompt_tokens"] == list(view.graph.tokens)
    assert metadata["prompt"] == "<s>typed"


def test_thresholds_and_scores_are_those_of_the_whole_graph(data: Table, view: GraphView) -> None:
    metadata = data["metadata"]
    assert metadata["node_threshold"] == 0.95
    assert metadata["pruning_settings"] == {"node_threshold": 0.95, "edge_threshold": 0.98}
    found = scores(view.graph)
    assert metadata["replacement_score"] == found.replacement
    assert metadata["completeness_score"] == found.completeness


def test_what_made_the_graph_goes_along_without_nan(data: Table) -> None:
    assert data["metadata"]["provenance"] == {"model": "org/name", "loss": None, "prompt": "typed"}
    assert data["metadata"]["info"]["generator"]["name"] == "Circuit Explorer"


@pytest.mark.parametrize("where", ["info", "feature_details"])
def test_the_source_set_stands_in_both_places_that_neuronpedia_reads(tmp_path: Path, where: str) -> None:
    said = json.loads((DATA / "son-clt-hp.json").read_text())
    for name in ("info", "feature_details"):
        said["metadata"].get(name, {}).pop("neuronpedia_source_set", None)
    said["metadata"].setdefault(where, {})["neuronpedia_source_set"] = "clt-hp"
    (tmp_path / "in.json").write_text(json.dumps(said))
    metadata = written(tmp_path / "out.json", *read(tmp_path / "in.json"))["metadata"]
    assert [metadata[name]["neuronpedia_source_set"] for name in ("info", "feature_details")] == ["clt-hp", "clt-hp"]


def test_it_is_written_compactly(tmp_path: Path, view: GraphView) -> None:
    graph_json.write(tmp_path / "a.json", view.graph, view.edits)
    text = (tmp_path / "a.json").read_text()
    assert text == json.dumps(json.loads(text), separators=(",", ":"))


def test_biases_stand_apart_with_their_links(data: Table, view: GraphView) -> None:
    """The viewers know no such nodes; none of their own lists names one."""
    own, graph = {**data["circuit_explorer"], "links": data["circuit_explorer_links"]}, view.graph
    shown = [row for row in range(len(graph)) if view.shown[row] and graph.nodes.kind[row] == NodeKind.BIAS]
    assert len(own["nodes"]) == len(shown) > 0
    weight = graph.rows.weight[view.links & (graph.nodes.kind[graph.rows.source] == NodeKind.BIAS)]
    assert [link["weight"] for link in own["links"]] == weight.tolist()
    assert {link["source"] for link in own["links"]} <= {node["node_id"] for node in own["nodes"]}
    assert "bias" not in {node["feature_type"] for node in data["nodes"]}

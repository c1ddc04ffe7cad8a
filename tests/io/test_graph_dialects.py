"""Graphs of every other program open as the same graph, say who wrote them, and go out with all that they came with."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from explorer.circuits.graph import BiasClass, Graph, NodeKey, NodeKind
from explorer.io import circuit_file, graph_json
from explorer.io.graph_json_import import read
from explorer.session.edits import Edits, Supernode, hide
from explorer.session.view import resolve
from tests.io import graph_dialects as made
from tests.io.graphs import same_graph

Edges = dict[tuple[NodeKey, NodeKey], float]
DIALECTS: dict[str, tuple[Callable[[], dict[str, Any]], str]] = {
    "schema 0": (made.schema_0, "circuit-tracer"),
    "anthropic": (made.anthropic, "Anthropic"),
    "eleuther": (made.eleuther, "EleutherAI attribute"),
    "llamascopium in neuronpedia": (made.llamascopium_in_neuronpedia, "llamascopium (CRM) by OpenMOSS"),
    "llamascopium": (made.llamascopium, "Llamascopium"),
    "llamascopium in camel case": (lambda: made.llamascopium(camel=True), "Llamascopium"),
}
PLAIN = ("schema 0", "anthropic", "eleuther")


def edges(graph: Graph) -> Edges:
    ends = zip(graph.rows.source.tolist(), graph.edge_target.tolist(), graph.rows.weight.tolist(), strict=True)
    return {(graph.key(source), graph.key(target)): weight for source, target, weight in ends}


def opened(folder: Path, name: str) -> tuple[Graph, Edits, dict[str, Any]]:
    data = DIALECTS[name][0]()
    path = folder / "graph.json"
    path.write_text(json.dumps(data))
    return *read(path), data


def key(name: made.Name, dialect: str) -> NodeKey:
    """What node of a graph a node of ``made`` is."""
    rows = dialect not in PLAIN
    match name:
        case ("f", layer, pos, index):
            if dialect == "anthropic":
                index = 10_000_000 + made.FEATURES.index((layer, pos, index))
            return NodeKey(NodeKind.FEATURE, 2 * layer + 1 if rows else layer, pos, index)
        case ("a", layer, pos, index):
            return NodeKey(NodeKind.FEATURE, 2 * layer, pos, index)
        case ("e", layer, pos):
            return NodeKey(NodeKind.ERROR, 2 * layer + 1 if rows else layer, pos, -1)
        case ("t", pos):
            return NodeKey(NodeKind.EMBEDDING, -1, pos, made.IDS[pos] if dialect not in PLAIN[1:] else -1)
        case (_, rank):
            number = {"eleuther": rank, "anthropic": 10_000_012 + rank}.get(dialect, made.OUTPUTS[rank][0])
            return NodeKey(NodeKind.LOGIT, 6 if rows else 3, 3, number)
    raise AssertionError(name)


@pytest.mark.parametrize("name", DIALECTS)
def test_every_dialect_gives_the_same_graph(tmp_path: Path, name: str) -> None:
    graph, _, _ = opened(tmp_path, name)
    expected = {(key(source, name), key(target, name)): weight for source, target, weight in made.LINKS}
    found = edges(graph)
    assert {pair: found.get(pair) for pair in expected} == expected
    assert graph.provenance["written_by"] == DIALECTS[name][1]
    assert graph.tokens == tuple(made.TOKENS)
    assert graph.logit_tokens == tuple(text for _, text, _ in made.OUTPUTS)
    assert graph.probability[graph.block(NodeKind.LOGIT)].tolist() == [0.5, 0.25]
    assert graph.n_layers == (3 if name in PLAIN else 6)
    if name in PLAIN:
        assert found == expected
    view = resolve(graph, Edits(1.0, 1.0))
    assert view.links.all()


@pytest.mark.parametrize("name", DIALECTS)
def test_every_dialect_opens_again_from_our_files(tmp_path: Path, name: str) -> None:
    graph, edits, _ = opened(tmp_path, name)
    circuit_file.save(tmp_path / "a.circuit", graph, edits)
    again, edits_again = circuit_file.open_circuit(tmp_path / "a.circuit")
    assert same_graph(again, graph)
    assert edits_again == edits
    graph_json.write(tmp_path / "b.json", again, edits)
    third, edits_third = read(tmp_path / "b.json")
    assert edges(third) == edges(graph)
    assert list(third.index) == list(graph.index)
    assert (third.logit_tokens, third.tokens, edits_third) == (graph.logit_tokens, graph.tokens, edits)


@pytest.mark.parametrize("name", DIALECTS)
def test_what_is_not_known_here_goes_out_as_it_came(tmp_path: Path, name: str) -> None:
    graph, edits, data = opened(tmp_path, name)
    graph_json.write(tmp_path / "out.json", graph, edits)
    out = json.loads((tmp_path / "out.json").read_text())
    ids = {str(graph.key(row)): node for row, node in enumerate(_in_order(graph, out))}
    unknown = {"influence", "vis_link", "top_logit_effects", "probe_location_idx", "target_influence"}
    unknown |= {"qk_tracing_results", "is_from_qk_tracing", "isFromQkTracing", "sae_name", "reverse_ctx_idx"}
    names = {raw.get("node_id", raw.get("nodeId")): raw for raw in data["nodes"]}
    for made_name in (("f", 1, 2, 700), ("o", 0), ("t", 1), ("e", 1, 3)):
        raw = names[_id(data, made_name)]
        node = ids[str(key(made_name, name))]
        for field in unknown & raw.keys():
            assert node[field] == raw[field]
    for member in data.keys() - {"metadata", "qParams", "nodes", "links", "edges"}:
        assert out[member] == data[member]
    ours = {"slug", "prompt", "prompt_tokens", "promptTokens", "node_threshold", "schema_version", "info"}
    for field in data["metadata"].keys() - ours:
        assert out["metadata"][field] == data["metadata"][field]


def _in_order(graph: Graph, out: dict[str, Any]) -> list[dict[str, Any]]:
    """The nodes of ``out`` by the rows of ``graph``, all of which are shown; biases are none of them."""
    rows = [row for row in range(len(graph)) if graph.nodes.kind[row] != NodeKind.BIAS]
    found: list[dict[str, Any]] = [{}] * len(graph)
    for row, node in zip(rows, out["nodes"], strict=True):
        found[row] = node
    return found


def _id(data: dict[str, Any], name: made.Name) -> str:
    """The id that ``name`` has in the file: by its place in the list, which has the made names last."""
    at = made._names().index(name) - len(made._names())
    raw = data["nodes"][at]
    return str(raw.get("node_id", raw.get("nodeId")))


def test_attention_and_mlp_of_a_layer_are_two_rows(tmp_path: Path) -> None:
    for name in ("llamascopium in neuronpedia", "llamascopium"):
        graph, _, _ = opened(tmp_path, name)
        attention = NodeKey(NodeKind.FEATURE, 2, 3, 9)
        assert edges(graph)[attention, NodeKey(NodeKind.FEATURE, 3, 3, 12237)] == 0.25
        assert any("2L is the attention" in note for note in graph.provenance["import_notes"])


def test_files_with_features_of_attention_keep_their_own_ids(tmp_path: Path) -> None:
    graph, edits, data = opened(tmp_path, "llamascopium in neuronpedia")
    graph_json.write(tmp_path / "out.json", graph, edits)
    out = json.loads((tmp_path / "out.json").read_text())
    places = ("node_id", "layer", "feature", "feature_type", "ctx_idx", "clerp")
    before = {raw["node_id"]: [raw[field] for field in places] for raw in data["nodes"]}
    after = {node["node_id"]: [node[field] for field in places] for node in out["nodes"]}
    logits = {f"3_{token}_3" for token, _, _ in made.OUTPUTS}
    assert {name: row for name, row in after.items() if name not in logits} == {
        name: row for name, row in before.items() if name in after and name not in logits
    }


@pytest.mark.parametrize("name", [name for name in DIALECTS if name not in PLAIN])
def test_a_file_opens_again_without_the_nodes_that_tell_how_layers_are_counted(tmp_path: Path, name: str) -> None:
    graph, edits, _ = opened(tmp_path, name)
    attention = [key for key in graph.index if key.kind == NodeKind.FEATURE and key.layer % 2 == 0]
    tokens = [key for key in graph.index if key.kind == NodeKind.EMBEDDING]
    edits = hide(edits, [*attention, *tokens])
    graph_json.write(tmp_path / "out.json", graph, edits)
    again, _ = read(tmp_path / "out.json")
    shown = resolve(graph, edits).shown
    assert list(again.index) == [key for row, key in enumerate(graph.index) if shown[row]]
    assert again.n_layers == graph.n_layers


def test_biases_of_one_class_are_joined_and_told(tmp_path: Path) -> None:
    graph, _, _ = opened(tmp_path, "llamascopium in neuronpedia")
    attention = NodeKey(NodeKind.BIAS, -1, -1, int(BiasClass.ATTENTION))
    assert edges(graph)[attention, NodeKey(NodeKind.FEATURE, 5, 3, 4)] == 1.375
    assert "2 bias nodes were joined to 1, one of each class." in graph.provenance["import_notes"]


def test_nodes_of_unknown_types_count_as_not_expanded(tmp_path: Path) -> None:
    graph, _, _ = opened(tmp_path, "llamascopium in neuronpedia")
    row = graph.index[NodeKey(NodeKind.FEATURE, 5, 3, 4)]
    assert (graph.rows.rest_sum[row], graph.rows.rest_abs[row]) == (-2.0, 2.0)
    assert any("1 nodes of the type “unknown”" in note for note in graph.provenance["import_notes"])


def test_anthropics_pins_name_second_ids(tmp_path: Path) -> None:
    graph, edits, _ = opened(tmp_path, "anthropic")
    feature, other = key(("f", 1, 2, 700), "anthropic"), key(("f", 0, 1, 12), "anthropic")
    assert edits.pinned == (feature, key(("o", 0), "anthropic"))
    assert edits.supernodes == (Supernode("animals", (other, feature), id="g1"),)
    graph_json.write(tmp_path / "out.json", graph, edits)
    q_params = json.loads((tmp_path / "out.json").read_text())["qParams"]
    assert (q_params["gridsnap"], q_params["linkType"], q_params["sg_pos"]) == ("subgraph0008", "either", "10 20 30 40")
    assert len(q_params["supernodes"][0]) == 3


def test_weights_of_eleuther_are_said_to_be_theirs(tmp_path: Path) -> None:
    assert "not times the activation" in opened(tmp_path, "eleuther")[0].provenance["import_notes"][0]

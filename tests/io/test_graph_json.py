"""Exported JSON is what other viewers need, and opens again as the graph that was shown."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.circuits.graph import Graph, NodeKey, NodeKind
from explorer.circuits.scores import worst_residual
from explorer.errors import Cancelled, LoadError
from explorer.io import circuit_file, graph_json, graph_json_import, json_stream
from explorer.io.graph_json_import import read
from explorer.session.edits import Edits, Label, hide, pin
from explorer.session.supernodes import Supernode
from explorer.session.view import resolve
from explorer.work import run
from tests.io.graphs import random_graph

DATA = Path(__file__).parents[1] / "data" / "graphs"
SAMPLES = {
    "dallas-austin-llamma.json": (40, 0, 10, 10, 330, 1213.6337890625),
    "son-clt-hp.json": (395, 133, 13, 1, 3136, 1327.093994140625),
    "dry-clt-hp.json": (409, 131, 13, 4, 3845, 1389.0348205566406),
}


def sample(name: str, folder: Path) -> Path:
    """The sample of that name; ``folder`` takes it if it lies compressed."""
    if (DATA / name).exists():
        return DATA / name
    path = folder / f"in-{name}"
    path.write_bytes(gzip.decompress((DATA / f"{name}.gz").read_bytes()))
    return path


def _edges(graph: Graph) -> dict[tuple[NodeKey, NodeKey], float]:
    ends = zip(graph.rows.source.tolist(), graph.edge_target.tolist(), graph.rows.weight.tolist(), strict=True)
    return {(graph.key(source), graph.key(target)): weight for source, target, weight in ends}


def _written(path: Path, graph: Graph, edits: Edits | None = None) -> dict[str, Any]:
    graph_json.write(path, graph, edits or Edits())
    return json.loads(path.read_text(), parse_constant=lambda name: pytest.fail(f"{name} in the file"))


@pytest.mark.parametrize("name", SAMPLES)
def test_files_of_other_programs_open_whole(name: str, tmp_path: Path) -> None:
    graph, edits = read(sample(name, tmp_path))
    kinds = (NodeKind.FEATURE, NodeKind.ERROR, NodeKind.EMBEDDING, NodeKind.LOGIT)
    counts = tuple(graph.count(kind) for kind in kinds)
    assert (*counts, graph.n_edges, graph.rows.weight.astype(float).sum()) == SAMPLES[name]
    assert (graph.n_layers, graph.n_special, graph.count(NodeKind.BIAS)) == (26, 1, 0)
    view = resolve(graph, edits)
    assert view.shown.all()
    assert view.links.all()


def test_what_a_file_says_arrives() -> None:
    graph, _ = read(DATA / "dallas-austin-llamma.json")
    austin = graph.index[NodeKey(NodeKind.LOGIT, 26, 9, 22605)]
    assert graph.logit_tokens[0] == " Austin"
    assert graph.probability[austin] == graph.target_weight[austin] == 0.396484375
    feature = graph.index[NodeKey(NodeKind.FEATURE, 18, 9, 5495)]
    assert graph.nodes.activation[feature] == 10.375
    source, weight = graph.inputs(feature)
    bos = graph.index[NodeKey(NodeKind.EMBEDDING, -1, 0, 2)]
    assert weight[source == bos] == -2.953125
    assert graph.tokens[8] == " Dallas"
    assert graph.token_ids[0] == 2
    assert np.isnan(graph.preactivation).all()
    assert graph.provenance["metadata"]["scan"] == "mntss/gemma-scope-transcoders"


@pytest.mark.parametrize("name", SAMPLES)
def test_files_of_other_programs_survive_a_round_trip(name: str, tmp_path: Path) -> None:
    path = sample(name, tmp_path)
    graph, edits = read(path)
    written = _written(tmp_path / name, graph, edits)
    again, edits_again = read(tmp_path / name)
    assert _edges(again) == _edges(graph)
    assert list(again.index) == list(graph.index)
    assert edits_again == edits
    before = json.loads(path.read_text())
    ours = {"jsNodeId"}  # circuit-tracer's are not unique
    nodes = {node["node_id"]: node for node in written["nodes"]}
    assert nodes.keys() == {node["node_id"] for node in before["nodes"]}
    for node in before["nodes"]:
        assert {field: nodes[node["node_id"]][field] for field in node.keys() - ours} == {
            field: value for field, value in node.items() if field not in ours
        }
    for key in before["metadata"].keys() - {"node_threshold", "pruning_settings", "info"}:
        assert written["metadata"][key] == before["metadata"][key]


@given(seed=st.integers(0, 10**6), node=st.floats(0.3, 1), edge=st.floats(0.5, 1))
def test_what_is_shown_opens_again(
    tmp_path_factory: pytest.TempPathFactory, seed: int, node: float, edge: float
) -> None:
    graph = random_graph(seed, n_logits=3)
    edits = hide(pin(Edits(node, edge), [graph.key(2)]), [graph.key(5)])
    labels = {graph.key(2): Label("two “words”", "tested"), graph.key(len(graph) - 1): Label("last")}
    groups = (Supernode("twins", (graph.key(2), graph.key(len(graph) - 1))),) * 2
    edits = replace(edits, labels=labels, supernodes=groups, notes={graph.key(2): "a note"}, note="of all")
    path = tmp_path_factory.getbasetemp() / "shown.json"
    graph_json.write(path, graph, edits)
    again, edits_again = read(path)
    view = resolve(graph, edits)
    assert list(again.index) == [graph.key(row) for row in np.flatnonzero(view.shown).tolist()]
    links = view.links
    ends = zip(graph.rows.source[links].tolist(), graph.edge_target[links].tolist(), strict=True)
    keys = [(graph.key(source), graph.key(target)) for source, target in ends]
    assert _edges(again) == dict(zip(keys, graph.rows.weight[links].tolist(), strict=True))
    assert (again.tokens, again.logit_tokens) == (graph.tokens, graph.logit_tokens)
    assert edits_again == replace(edits, node_threshold=1.0, edge_threshold=1.0)
    for name in ("constant", "preactivation", "target_weight", "probability"):
        assert np.array_equal(getattr(again, name), getattr(graph, name)[view.shown], equal_nan=True)
    for column in ("layer", "pos", "feature", "activation"):
        one, other = getattr(again.nodes, column), getattr(graph.nodes, column)[view.shown]
        assert np.array_equal(one, other, equal_nan=True)
    assert (again.n_layers, again.n_special, again.zero_positions) == (3, 1, 1)
    assert again.token_ids.tolist() == graph.token_ids.tolist()
    assert again.provenance["prompt"] == graph.provenance["prompt"]


@given(seed=st.integers(0, 10**6))
def test_the_books_of_our_files_still_balance(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    path = tmp_path_factory.getbasetemp() / "books.json"
    graph_json.write(path, random_graph(seed), Edits(0.6, 0.8))
    assert worst_residual(read(path)[0]) < 1e-6


def test_our_file_of_version_1_still_opens_as_it_was(tmp_path: Path) -> None:
    data = _written(tmp_path / "a.json", random_graph(), Edits(0.6, 0.8))
    lists = {name: data.pop(f"circuit_explorer_{name}") for name in ("links", "targets")}
    data["circuit_explorer"] = {**data["circuit_explorer"], **lists, "version": 1}
    (tmp_path / "b.json").write_text(json.dumps(data))
    (new, edits), (old, same) = read(tmp_path / "a.json"), read(tmp_path / "b.json")
    assert edits == same
    assert worst_residual(old) == worst_residual(new) < 1e-6


def test_our_own_long_lists_are_read_piece_by_piece(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However long: only what is read at once has a bound."""
    data = _written(tmp_path / "a.json", random_graph(), Edits(1.0, 1.0))
    monkeypatch.setattr(json_stream, "CHUNK", 300)
    monkeypatch.setattr(json_stream, "MAX_VALUE", 1500)
    assert len(json.dumps(data["circuit_explorer_targets"])) > 1500
    assert worst_residual(read(tmp_path / "a.json")[0]) < 1e-6


def test_what_stands_beside_the_graph_is_bounded_as_a_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = _written(tmp_path / "a.json", random_graph(), Edits())
    data |= {f"mine_{n}": "x" * 300_000 for n in range(6)}
    (tmp_path / "a.json").write_text(json.dumps(data))
    read(tmp_path / "a.json")
    monkeypatch.setattr(graph_json_import, "MAX_OTHERS", 1_000_000)
    with pytest.raises(LoadError, match="holds more than 1 MB beside its graph"):
        read(tmp_path / "a.json")


@pytest.mark.parametrize("at", [1, 3])
def test_every_part_of_reading_asks_whether_to_stop(tmp_path: Path, at: int) -> None:
    """Also while metadata are sought that stand last, and while the graph is built."""
    data = _written(tmp_path / "a.json", random_graph(), Edits())
    data["metadata"] = data.pop("metadata")
    (tmp_path / "a.json").write_text(json.dumps(data))
    asked: list[int] = []

    def stop() -> None:
        asked.append(0)
        if len(asked) == at:
            raise Cancelled("Cancelled.")

    with pytest.raises(Cancelled):
        run(graph_json_import.reading(tmp_path / "a.json", stop))


def test_our_file_without_one_of_its_numbers_is_refused(tmp_path: Path) -> None:
    """It would be a document that does not open."""
    data = _written(tmp_path / "a.json", random_graph(), Edits())
    data["circuit_explorer_targets"][3]["preactivation"] = None
    (tmp_path / "b.json").write_text(json.dumps(data))
    with pytest.raises(LoadError, match="preactivation is missing for 1 of its targets"):
        read(tmp_path / "b.json")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(-1e9, 1e9) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=5,
)
FIELDS = st.dictionaries(st.text(max_size=6).map("x_{}".format), JSON, max_size=3)


@given(top=FIELDS, about=FIELDS, parameters=FIELDS, of_nodes=st.lists(FIELDS, max_size=4), of_links=st.lists(FIELDS))
def test_unknown_fields_survive(
    tmp_path_factory: pytest.TempPathFactory,
    top: dict[str, Any],
    about: dict[str, Any],
    parameters: dict[str, Any],
    of_nodes: list[dict[str, Any]],
    of_links: list[dict[str, Any]],
) -> None:
    folder = tmp_path_factory.getbasetemp()
    data = json.loads((DATA / "dallas-austin-llamma.json").read_text())
    data.update(top)
    data["metadata"].update(about)
    data["qParams"].update(parameters)
    for number, held in enumerate(of_nodes):
        data["nodes"][7 * number].update(held)
    for number, held in enumerate(of_links[:40]):
        data["links"][5 * number].update(held)
    (folder / "in.json").write_text(json.dumps(data))
    circuit_file.save(folder / "a.circuit", *read(folder / "in.json"))
    out = _written(folder / "out.json", *circuit_file.open_circuit(folder / "a.circuit"))
    assert {name: out[name] for name in top} == top
    assert {name: out["metadata"][name] for name in about} == about
    assert {name: out["qParams"][name] for name in parameters} == parameters
    nodes = {node["node_id"]: node for node in out["nodes"]}
    links = {(link["source"], link["target"]): link for link in out["links"]}
    for node in data["nodes"]:
        unknown = {name: value for name, value in node.items() if name.startswith("x_")}
        assert {name: nodes[node["node_id"]].get(name) for name in unknown} == unknown
    for link in data["links"]:
        assert links[link["source"], link["target"]] == link


@pytest.mark.parametrize("as_text", [False, True], ids=["list", "as circuit-tracer saves it"])
def test_groups_of_an_imported_file_become_supernodes(tmp_path: Path, as_text: bool) -> None:
    groups = [["states", "18_5495_9", "E_2_0"], ["gone", "1_2_3"]]
    said = json.dumps(groups) if as_text else groups
    graph, edits = read(_changed(tmp_path, lambda data: data["qParams"].update(supernodes=said)))
    assert edits.supernodes == (Supernode("states", (NodeKey(0, 18, 9, 5495), NodeKey(2, -1, 0, 2)), "g1"),)
    assert "1 of 3 members of supernodes are not in the graph." in graph.provenance["import_notes"]
    assert _written(tmp_path / "b.json", graph, edits)["qParams"]["supernodes"] == groups[:1]


def test_a_groups_name_in_front_of_a_label_goes(tmp_path: Path) -> None:
    def grouped(data: dict[str, Any]) -> None:
        data["qParams"]["supernodes"] = [["states", "18_5495_9", "18_6101_9"]]
        data["nodes"][0]["clerp"], data["nodes"][1]["clerp"] = "[states] Texas", "[states]"

    _, edits = read(_changed(tmp_path, grouped))
    assert edits.labels == {NodeKey(0, 18, 9, 5495): Label("Texas", "auto")}


def test_what_another_tool_changed_since_wins(tmp_path: Path) -> None:
    graph, edits = read(DATA / "dallas-austin-llamma.json")
    one, two = NodeKey(0, 18, 9, 5495), NodeKey(0, 18, 9, 6101)
    edits = replace(edits, pinned=(one,), labels={one: Label("mine", "tested")}, notes={one: "note"})
    graph_json.write(tmp_path / "a.json", graph, edits)
    data = json.loads((tmp_path / "a.json").read_text())
    data["qParams"] |= {"pinnedIds": "18_6101_9,18_5495_9", "supernodes": '[["new","18_6101_9"]]'}
    data["nodes"][1]["clerp"] = "theirs"
    (tmp_path / "b.json").write_text(json.dumps(data))
    found = read(tmp_path / "b.json")[1]
    assert found.pinned == (two, one)
    assert found.supernodes == (Supernode("new", (two,), "g1"),)
    assert found.labels == {one: Label("mine", "tested"), two: Label("theirs", "auto")}
    assert found.notes == {one: "note"}


def _changed(folder: Path, change: Callable[[dict[str, Any]], object]) -> Path:
    """The Dallas file with ``change`` applied."""
    data = json.loads((DATA / "dallas-austin-llamma.json").read_text())
    change(data)
    path = folder / "changed.json"
    path.write_text(json.dumps(data))
    return path


@pytest.mark.parametrize(
    "pins",
    [["18_5495_9", "E_2_0", "gone"], "18_5495_9,E_2_0", ["18_5495-0", "E_2_0"]],
    ids=["ids", "text", "second ids"],
)
def test_pins_are_read_in_every_form(tmp_path: Path, pins: object) -> None:
    def unique(data: dict[str, Any]) -> None:
        data["qParams"]["pinnedIds"] = pins

    found = read(_changed(tmp_path, unique))[1].pinned
    assert found == (NodeKey(0, 18, 9, 5495), NodeKey(2, -1, 0, 2))


@pytest.mark.parametrize("params", [None, {}, {"pinnedIds": None, "supernodes": None, "sg_pos": None}])
def test_missing_parameters_are_no_fault(tmp_path: Path, params: object) -> None:
    graph, edits = read(_changed(tmp_path, lambda data: data.update(qParams=params)))
    assert edits == Edits(1.0, 1.0)
    _written(tmp_path / "b.json", graph, edits)


def _schema_0(data: dict[str, Any]) -> None:
    """Ids that tell nothing, and features as the digits of layer and index."""
    del data["metadata"]["schema_version"]
    names: dict[str, str] = {}
    for number, node in enumerate(data["nodes"]):
        if node["feature_type"] == "cross layer transcoder":
            layer, index, _ = node["node_id"].split("_")
            node["feature"] = int(f"{layer}{int(index):05d}")
        node["node_id"] = names.setdefault(node["node_id"], f"n{number}")
    for link in data["links"]:
        link["source"], link["target"] = names[link["source"]], names[link["target"]]


def test_schema_0_writes_layer_and_index_behind_one_another(tmp_path: Path) -> None:
    graph, _ = read(_changed(tmp_path, _schema_0))
    before, _ = read(DATA / "dallas-austin-llamma.json")
    features = before.block(NodeKind.FEATURE)
    assert graph.nodes.feature[features].tolist() == before.nodes.feature[features].tolist()
    assert graph.rows.weight.sum() == before.rows.weight.sum()


def test_bare_files_without_probabilities_and_labels_open(tmp_path: Path) -> None:
    def bare(data: dict[str, Any]) -> None:
        data["metadata"] = {"prompt_tokens": data["metadata"]["prompt_tokens"]}
        del data["qParams"]
        for node in data["nodes"]:
            for name in ("token_prob", "clerp", "influence", "activation", "jsNodeId", "is_target_logit"):
                del node[name]

    graph, _ = read(_changed(tmp_path, bare))
    assert graph.target_weight.sum() == pytest.approx(1)
    assert "no probabilities" in graph.provenance["import_notes"][0]


def test_zero_links_are_dropped(tmp_path: Path) -> None:
    graph, _ = read(_changed(tmp_path, lambda data: data["links"][0].update(weight=0.0)))
    assert graph.n_edges == 329


def _collision(data: dict[str, Any]) -> None:
    """An error of layer 3 at position 9 beside feature 3 of layer 0 there, both called 0_3_9."""
    common = {"node_id": "0_3_9", "ctx_idx": 9, "jsNodeId": "x", "clerp": ""}
    data["nodes"].append({**common, "feature_type": "mlp reconstruction error", "feature": -1, "layer": "3"})
    data["nodes"].append({**common, "feature_type": "cross layer transcoder", "feature": 9, "layer": "0"})
    data["links"] += [
        {"source": "E_2_0", "target": "0_3_9", "weight": 1.0},
        {"source": "0_3_9", "target": "18_5495_9", "weight": 2.0},
        {"source": "0_3_9", "target": "18_5495_9", "weight": 3.0},
    ]


def test_a_feature_and_an_error_of_one_id_are_told_apart_and_reported(tmp_path: Path) -> None:
    graph, _ = read(_changed(tmp_path, _collision))
    edges = _edges(graph)
    target, feature, error = NodeKey(0, 18, 9, 5495), NodeKey(0, 0, 9, 3), NodeKey(1, 3, 9, -1)
    assert (edges[feature, target], edges[error, target]) == (2.0, 3.0)
    assert edges[NodeKey(2, -1, 0, 2), feature] == 1.0
    assert "share the id 0_3_9" in graph.provenance["import_notes"][0]


def test_the_order_of_links_tells_a_feature_from_an_error_of_one_id(tmp_path: Path) -> None:
    """circuit-tracer writes the links into a node by the order of their sources: features, errors, tokens."""
    target = "19_7477_8"

    def lone(data: dict[str, Any]) -> None:
        common = {"node_id": "0_3_8", "ctx_idx": 8, "clerp": ""}
        data["nodes"].insert(0, {**common, "feature_type": "cross layer transcoder", "feature": 9, "layer": "0"})
        data["nodes"].append({**common, "feature_type": "mlp reconstruction error", "feature": -1, "layer": "3"})
        links = [link for link in data["links"] if link["target"] != target]
        into = [("18_1_8", 1.0), ("0_3_8", 2.0), ("E_2_0", 3.0)]
        own = [{"source": source, "target": target, "weight": weight} for source, weight in into]
        first = {"source": "0_3_8", "target": "18_5495_9", "weight": 4.0}
        data["nodes"].append({**data["nodes"][1], "node_id": "18_1_8", "feature": 191, "ctx_idx": 8})
        data["links"] = [first, *links, *own]

    edges = _edges(read(_changed(tmp_path, lone))[0])
    assert edges[NodeKey(1, 3, 8, -1), NodeKey(0, 19, 8, 7477)] == 2.0
    assert edges[NodeKey(0, 0, 8, 3), NodeKey(0, 18, 9, 5495)] == 4.0


def _node(**changes: object) -> Callable[[dict[str, Any]], object]:
    return lambda data: data["nodes"][0].update(changes)


def _link(**changes: object) -> Callable[[dict[str, Any]], object]:
    return lambda data: data["links"][0].update(changes)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda data: data["nodes"][0].pop("layer"), "node 18_5495_9 is missing its layer"),
        (_node(layer="x"), "node 18_5495_9 has the layer 'x'"),
        (_node(layer="17"), "node 18_5495_9 says layer 18 and position 9 in its name"),
        (_node(ctx_idx=99), "node 18_5495_9 is at position 99 of 10 tokens"),
        (_node(ctx_idx=None), "node 18_5495_9 is at position None"),
        (_node(feature_type=None), "node 18_5495_9 is of the type None"),
        (_node(activation=float("nan")), "node 18_5495_9 has the activation nan"),
        (_node(activation="big"), "node 18_5495_9 has the activation 'big'"),
        (_node(node_id=7), "node number 0 has no node_id"),
        (_node(node_id="x", feature=None), "node x is missing its feature number"),
        (lambda data: data["nodes"].append(data["nodes"][0]), "node 18_5495_9 is in it twice"),
        (lambda data: data["nodes"].append({**data["nodes"][0], "node_id": "E_2_0", "ctx_idx": 1}), "E_2_0"),
        (_link(weight=float("inf")), "link from E_2_0 to 18_5495_9 has the weight inf"),
        (_link(weight=None), "has the weight None"),
        (_link(target="nowhere"), "link number 0 names the node 'nowhere'"),
        (_link(source="27_22605_9", target="18_5495_9"), "from 27_22605_9 to 18_5495_9 does not lead to"),
        (_link(target="E_2_0", source="18_5495_9"), "does not lead to a feature or logit"),
        (lambda data: data["links"].append(data["links"][0]), "from E_2_0 to 18_5495_9 is in it twice"),
        (lambda data: data["links"].append("x"), "link number 330 is no table"),
        (lambda data: data["metadata"].update(prompt_tokens="a b"), "no prompt_tokens"),
        (lambda data: data.update(metadata=3), "no prompt_tokens"),
        (_link(weight=True), "has the weight True"),
        (_link(source=["a"]), "link number 0 names the node"),
        (lambda data: data.pop("links"), "without the nodes and links"),
        (lambda data: data.update(nodes={}), "without the nodes and links"),
    ],
)
def test_what_is_no_graph_is_named(
    tmp_path: Path, change: Callable[[dict[str, Any]], object], words: str
) -> None:
    path = _changed(tmp_path, change)
    with pytest.raises(LoadError, match=words) as caught:
        read(path)
    assert path.name in str(caught.value)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is empty"),
        (b"<!doctype html>", "is a web page"),
        (b"PK\x03\x04", "is a zip file"),
        (b'{"nodes": [\n1,', "not valid JSON from line 2 on"),
        (b'{"a": ' + b"[" * 200_000, "not valid JSON"),
        (b'{"nodes": [], "nodes": []}', "not valid JSON"),
        (b'{"nodes": [{}, ], "links": []}', "not valid JSON"),
        (b'{"nodes": [] "links": []}', "not valid JSON"),
        (b'{"nodes": [],\n"links": [\n{"source":', "not valid JSON from line 3 on"),
        (b'{"nodes": [], "links": []} x', "not valid JSON"),
        (b'{"a": "\xff"}', "not valid JSON"),
        (b'{"a": ' + b"1" * 5000 + b"}", "not valid JSON"),
        (b'{"graphs": []}', "is a list of graphs"),
        (b'{"slug": "a", "pinnedIds": [], "supernodes": []}', "holds pins and supernodes of a graph, not the graph"),
        (b"[]", "without the nodes and links"),
    ],
)
def test_what_is_no_json_is_named(tmp_path: Path, data: bytes, words: str) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(data)
    with pytest.raises(LoadError, match=words):
        read(path)

"""Strongest paths: against plain enumeration, and the story that the sample tells."""

from __future__ import annotations

import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.circuits.graph import Graph, NodeKind
from explorer.circuits.graph_arrays import from_arrays
from explorer.circuits.influence import edge_share, row_mass
from explorer.circuits.paths import path_total, strongest_paths
from explorer.circuits.pruning import prune
from explorer.engine.inprocess import run_job
from explorer.engine.state import EngineState
from explorer.io.graph_json_import import read
from explorer.io.samples import SAMPLES, model_folder, transcoder_folder
from tests.graphs import random_graph

GRAPHS = Path(__file__).parents[1] / "data" / "graphs"


def enumerated(graph: Graph, edges: np.ndarray, sources: set[int], target: int) -> list[tuple[float, tuple[int, ...]]]:
    """Every path to ``target``, strongest first, by walking backwards."""
    share = edge_share(graph, row_mass(graph))
    found: list[tuple[float, tuple[int, ...]]] = []

    def walk(node: int, path: tuple[int, ...], product: float) -> None:
        if node in sources:
            found.append((product, path))
        for edge in range(graph.rows.start[node], graph.rows.start[node + 1]):
            if edges[edge] and share[edge]:
                source = int(graph.rows.source[edge])
                walk(source, (source, *path), product * abs(share[edge]))

    walk(target, (target,), 1.0)
    return sorted(found, reverse=True)


@settings(max_examples=30)
@given(seed=st.integers(0, 10**6), k=st.integers(1, 9))
def test_paths_are_the_strongest_of_all(seed: int, k: int) -> None:
    graph = random_graph(14, 50, n_pos=4, n_layers=4, n_logits=2, seed=seed)
    rng = np.random.default_rng(seed)
    edges = (graph.nodes.kind[graph.rows.source] != NodeKind.BIAS) & (rng.random(graph.n_edges) < 0.9)
    tokens = graph.block(NodeKind.EMBEDDING)
    sources = {*range(tokens.start, tokens.stop), *rng.integers(0, 14, 2).tolist()}
    targets = [graph.block(NodeKind.LOGIT).start, int(rng.integers(0, 14))]
    every = [path for target in targets for path in enumerated(graph, edges, sources, target)]
    expected = sorted(every, reverse=True)[:k]
    found = strongest_paths(graph, edges, sources, targets, k)
    assert [path.share for path in found] == pytest.approx([share for share, _ in expected])
    assert {path.nodes for path in found} <= {nodes for _, nodes in every}
    assert len({path.nodes for path in found}) == len(found)


@settings(max_examples=20)
@given(seed=st.integers(0, 10**6))
def test_the_total_is_the_sum_over_every_path(seed: int) -> None:
    graph = random_graph(14, 50, n_pos=4, n_layers=4, n_logits=2, seed=seed)
    edges = graph.nodes.kind[graph.rows.source] != NodeKind.BIAS
    tokens, target = graph.block(NodeKind.EMBEDDING), graph.block(NodeKind.LOGIT).start
    sources = set(range(tokens.start, tokens.stop))
    expected = sum(share for share, _ in enumerated(graph, edges, sources, target))
    assert path_total(graph, sources, [target]) == pytest.approx(expected)


def test_on_a_published_graph_they_are_the_strongest_of_all_and_the_total_is_the_sum_of_all() -> None:
    graph, _ = read(GRAPHS / "dallas-austin-llamma.json")
    edges = np.ones(graph.n_edges, dtype=bool)
    tokens, logit = graph.block(NodeKind.EMBEDDING), graph.block(NodeKind.LOGIT).start
    sources = set(range(tokens.start, tokens.stop))
    every = enumerated(graph, edges, sources, logit)
    assert len(every) == 4305  # counted by powers of the matrix of ones
    found = strongest_paths(graph, edges, sources, [logit], 20)
    assert [path.share for path in found] == pytest.approx([share for share, _ in every[:20]], rel=1e-9)
    assert {path.nodes for path in found} == {nodes for _, nodes in every[:20]}
    assert path_total(graph, sources, [logit]) == pytest.approx(sum(share for share, _ in every), rel=1e-9)


@pytest.mark.parametrize("name", ["dallas-austin-llamma.json", "son-clt-hp.json"])
def test_on_published_graphs_the_total_is_the_sum_of_the_powers_of_the_matrix(name: str) -> None:
    graph, _ = read(GRAPHS / name)
    dense = np.abs(graph.adjacency().astype(np.float64))
    dense /= np.maximum(dense.sum(axis=1) + graph.rows.rest_abs, 1e-10)[:, None]
    tokens, logits = graph.block(NodeKind.EMBEDDING), graph.block(NodeKind.LOGIT)
    into = np.zeros(len(graph))
    into[logits] = 1.0
    total = 0.0
    while into.any():
        into = into @ dense
        total += into[tokens].sum()
    ends = (range(tokens.start, tokens.stop), range(logits.start, logits.stop))
    assert total > 0.1
    assert path_total(graph, *ends) == pytest.approx(total, rel=1e-9)


def test_bias_nodes_are_on_paths_only_if_they_count() -> None:
    graph = random_graph(14, 80, n_pos=4, n_layers=4, n_logits=2, seed=1)
    biases, every = graph.block(NodeKind.BIAS), np.ones(graph.n_edges, dtype=bool)
    rows, target = range(biases.start, biases.stop), [len(graph) - 1]
    assert strongest_paths(graph, every, rows, target, 5) == []
    assert strongest_paths(graph, every, rows, target, 5, count_bias=True)


def test_a_node_in_both_ends_is_a_path_by_itself() -> None:
    graph = random_graph(14, 50, n_pos=4, n_layers=4, seed=1)
    (path,) = strongest_paths(graph, np.ones(graph.n_edges, dtype=bool), [3], [3], 1)
    assert (path.nodes, path.share, path.raises) == ((3,), 1.0, True)


def test_fifty_thousand_edges_take_a_fraction_of_a_second() -> None:
    graph = random_graph(2_000, 50_000, n_pos=12, n_layers=20, seed=1)
    tokens, logits = graph.block(NodeKind.EMBEDDING), graph.block(NodeKind.LOGIT)
    started = time.process_time()
    ends = (range(tokens.start, tokens.stop), range(logits.start, logits.stop))
    found = strongest_paths(graph, np.ones(graph.n_edges, dtype=bool), *ends, 20)
    assert time.process_time() - started < 1.0  # 0.2 s unhindered
    assert len(found) == 20
    assert sum(path.share for path in found) < path_total(graph, *ends)


def test_the_sign_of_a_path_is_the_product_of_its_signs() -> None:
    graph = random_graph(15, 60, n_pos=4, n_layers=3, seed=7)
    edges = graph.nodes.kind[graph.rows.source] != NodeKind.BIAS
    weight = {
        (int(source), int(target)): float(value)
        for source, target, value in zip(graph.rows.source, graph.edge_target, graph.rows.weight, strict=True)
    }
    tokens, logits = graph.block(NodeKind.EMBEDDING), graph.block(NodeKind.LOGIT)
    paths = strongest_paths(graph, edges, range(tokens.start, tokens.stop), range(logits.start, logits.stop), 10)
    assert paths
    for path in paths:
        assert path.raises == (np.prod([np.sign(weight[pair]) for pair in pairwise(path.nodes)]) > 0)


def test_nothing_connects_nothing() -> None:
    graph = random_graph(15, 60, n_pos=4, n_layers=3, seed=7)
    nowhere = np.zeros(graph.n_edges, dtype=bool)
    assert strongest_paths(graph, nowhere, [0], [len(graph) - 1], 3) == []


def test_dallas_leads_to_austin_through_a_texas_feature_on_the_last_token() -> None:
    """reference: the sample's ORIGIN.md; Texas's features are chosen without looking at Dallas."""
    sample = SAMPLES[0]
    where = {"model": str(model_folder(sample)), "transcoders": str(transcoder_folder(sample))}
    answer = run_job("attribute", EngineState(), None, text=sample.prompt, **where)
    graph = from_arrays(answer["head"], answer["arrays"])
    texas = texas_features(model_folder(sample), transcoder_folder(sample))
    dallas = graph.block(NodeKind.EMBEDDING).start + graph.tokens.index("Dallas")
    austin = graph.block(NodeKind.LOGIT).start + graph.logit_tokens.index("Austin")
    tokens = graph.block(NodeKind.EMBEDDING)
    kept = prune(graph, 0.8, 0.98).edges
    strongest = strongest_paths(graph, kept, range(tokens.start, tokens.stop), [austin], 5)
    through = [path.nodes[1] for path in strongest if len(path.nodes) == 3 and path.nodes[0] == dallas]
    last = graph.n_pos - 1
    assert any(graph.key(node)[1:] in {(layer, last, feature) for layer, feature in texas} for node in through)


def texas_features(model: Path, transcoders: Path) -> set[tuple[int, int]]:
    from tokenizers import Tokenizer
    from transformers import LlamaForCausalLM

    from explorer.io.transcoders import read
    from sample_models.training.us_cities.facts import STATES
    from sample_models.training.us_cities.selection import StateFeatures

    network = LlamaForCausalLM.from_pretrained(model).eval()
    with torch.no_grad():
        states = StateFeatures(network, Tokenizer.from_file(str(model / "tokenizer.json")), read(transcoders))
        chosen = states.of(next(state for state in STATES if state.name == "Texas"), without="Dallas")
    return {(int(layer), int(feature)) for layer, feature in chosen.nonzero()}

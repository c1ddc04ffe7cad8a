"""Columns of the inspector add up to what the model computed."""

from __future__ import annotations

import numpy as np
import pytest

from explorer.circuits.graph import NodeKind
from explorer.session.edits import Edits, count_bias
from explorer.session.links import book_of, inputs_of, outputs_of
from explorer.session.view import resolve
from tests.graphs import random_graph


@pytest.mark.parametrize("counted", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_inputs_and_constant_add_up_to_the_total(seed: int, counted: bool) -> None:
    graph = random_graph(60, 400, seed=seed, n_layers=4, n_pos=5)
    view = resolve(graph, count_bias(Edits(), counted))
    for node in range(len(graph)):
        if np.isnan(graph.preactivation[node]):
            continue
        side, book = inputs_of(view, node), book_of(view, node)
        parts = side.weight.sum() + side.pruned.weight + side.bias.weight + side.unlisted.weight + book.constant
        assert parts == pytest.approx(book.total, abs=1e-5)
        assert book.residual < 1e-6


@pytest.mark.parametrize("counted", [False, True])
def test_the_denominator_is_that_of_the_view(counted: bool) -> None:
    view = resolve(random_graph(60, 400, seed=2, n_layers=4, n_pos=5), count_bias(Edits(), counted))
    for node in range(len(view.graph)):
        side = inputs_of(view, node)
        assert side.mass == pytest.approx(float(view.mass[node]), rel=1e-6)
        assert side.count == len(side.nodes) + side.pruned.count + (side.bias.count if counted else 0)
        if side.mass:
            assert np.abs(side.share()).sum() <= 1 + 1e-9


def test_outputs_are_the_inputs_of_others() -> None:
    view = resolve(random_graph(60, 400, seed=3, n_layers=4, n_pos=5), Edits(node_threshold=1.0, edge_threshold=1.0))
    dense = view.graph.adjacency()
    for node in range(len(view.graph)):
        if view.graph.nodes.kind[node] == NodeKind.BIAS:
            continue
        side = outputs_of(view, node)
        total = side.weight.sum() + side.pruned.weight
        assert total == pytest.approx(float(dense[:, node].astype(np.float64).sum()), abs=1e-5)
        assert np.all(np.diff(np.abs(side.weight)) <= 1e-12)


def test_listed_and_rest_are_one_sum() -> None:
    view = resolve(random_graph(60, 400, seed=4, n_layers=5, n_pos=5), Edits(node_threshold=1.0, edge_threshold=1.0))
    node = int(np.argmax(np.diff(view.graph.rows.start)))
    side = inputs_of(view, node)
    rest = side.after(2)
    assert rest.count == len(side.nodes) - 2
    assert side.weight[:2].sum() + rest.weight == pytest.approx(side.weight.sum())

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.circuits.graph import Graph, NodeKind
from explorer.circuits.influence import node_influence
from explorer.session.layout import BAR_SPACE, Layout, enlarge, layout
from tests.graphs import random_graph


def _of(graph: Graph, width: float = 848.0, height: float = 520.0) -> Layout:
    return layout(graph, node_influence(graph), width, height)


def _overlaps(graph: Graph, made: Layout) -> int:
    """Pairs of placed features whose circles meet."""
    features = np.flatnonzero((graph.nodes.kind == NodeKind.FEATURE) & made.placed)
    x, y, r = made.x[features], made.y[features], made.radius[features]
    apart = np.hypot(x[:, None] - x, y[:, None] - y) - r[:, None] - r
    return int((np.triu(apart < 1.0, 1)).sum())


@pytest.mark.parametrize(("n_pos", "n_layers"), [(1, 1), (1, 80), (2, 2), (12, 26), (60, 12), (2_000, 3)])
def test_every_size_of_graph_has_a_layout_in_which_no_marks_meet(n_pos: int, n_layers: int) -> None:
    graph = random_graph(300, 900, n_pos, n_layers)
    made = _of(graph)
    assert np.isfinite([made.x, made.y]).all()
    assert made.width >= 847.9
    assert made.height >= 519.9
    assert _overlaps(graph, made) == 0


@given(
    n_features=st.integers(0, 300),
    n_pos=st.integers(1, 30),
    n_layers=st.integers(1, 30),
    width=st.floats(200, 2_000),
    height=st.floats(150, 1_500),
    seed=st.integers(0, 50),
)
def test_features_stand_in_their_cells_strongest_first(
    n_features: int, n_pos: int, n_layers: int, width: float, height: float, seed: int
) -> None:
    graph = random_graph(n_features, 3 * n_features, n_pos, n_layers, seed=seed)
    influence = node_influence(graph)
    made = layout(graph, influence, width, height)
    features = np.flatnonzero((graph.nodes.kind == NodeKind.FEATURE) & made.placed)
    pos, layer = graph.nodes.pos[features], graph.nodes.layer[features]
    assert (made.x[features] >= made.columns[pos]).all()
    assert (made.x[features] <= made.columns[pos + 1]).all()
    assert (made.y[features] <= made.rows[layer]).all()
    assert (made.y[features] >= made.rows[layer + 1]).all()
    assert _overlaps(graph, made) == 0
    order = np.lexsort((made.x[features], made.y[features].round(6), pos, layer))
    same = (np.diff(pos[order]) == 0) & (np.diff(layer[order]) == 0)
    assert (np.diff(influence[features][order])[same] <= 0).all()


def test_nodes_without_a_place_are_counted_where_they_would_be() -> None:
    graph = random_graph(2_000, 6_000, 12, 12)
    made = _of(graph)
    left_out = np.concatenate([more.nodes for more in made.more])
    assert sorted(left_out.tolist()) == np.flatnonzero(~made.placed).tolist()
    for more in made.more:
        assert len(set(graph.nodes.pos[more.nodes].tolist())) == 1
        assert (made.x[more.nodes] == more.x).all()


def test_at_twice_the_size_only_full_cells_change() -> None:
    graph = random_graph(2_000, 6_000, 12, 12)
    influence = node_influence(graph)
    small = layout(graph, influence, 848.0, 520.0)
    large = enlarge(graph, influence, small)
    assert large.placed.sum() > small.placed.sum()
    cells = graph.nodes.layer * graph.n_pos + graph.nodes.pos
    full = np.isin(cells, cells[np.concatenate([more.nodes for more in small.more])])
    stays = ~full | (graph.nodes.kind != NodeKind.FEATURE)
    assert np.allclose(large.x[stays], 2 * small.x[stays])
    assert _overlaps(graph, large) == 0


def test_columns_keep_room_for_every_token() -> None:
    graph = random_graph(400, 2_000, 12, 16)
    widths = np.diff(_of(graph).columns)
    assert widths.min() >= 33.0
    assert widths.argmax() == graph.n_pos - 1


def test_bars_are_on_one_scale_and_stay_in_their_columns() -> None:
    graph = random_graph(400, 2_000, 12, 16)
    influence = node_influence(graph)
    made = layout(graph, influence, 848.0, 520.0)
    errors = graph.block(NodeKind.ERROR)
    bar, mass = made.bar[errors], influence[errors]
    long = bar > 2.0
    assert np.ptp(bar[long] / mass[long]) < 1e-6
    assert (made.x[errors] + bar <= made.columns[graph.nodes.pos[errors] + 1]).all()
    features = graph.block(NodeKind.FEATURE)
    floor = made.rows[graph.nodes.layer[features]] - BAR_SPACE
    assert (made.y[features] <= floor).all()


def test_biases_are_one_mark_until_opened() -> None:
    graph = random_graph()
    biases = graph.block(NodeKind.BIAS)
    shut = _of(graph)
    opened = layout(graph, node_influence(graph), 848.0, 520.0, bias_open=True)
    assert np.ptp(shut.x[biases]) == 0
    assert (shut.x[biases] < shut.columns[0]).all()
    assert np.diff(opened.x[biases]).min() > 8


def test_an_imported_graph_gives_no_room_to_what_it_lacks() -> None:
    bare = random_graph(errors=False, biases=False)
    assert _of(bare).columns[0] < _of(random_graph()).columns[0]
    assert not _of(bare).bar.any()


def test_outputs_that_do_not_fit_are_left_out_weakest_first() -> None:
    graph = random_graph(n_logits=30)
    made = _of(graph)
    outputs = graph.block(NodeKind.LOGIT)
    placed = made.placed[outputs]
    assert 3 < placed.sum() < 30
    probability = graph.probability[outputs]
    assert probability[placed].min() >= probability[~placed].max()
    assert (np.diff(np.sort(made.pills[placed, 0])) >= 64).all()

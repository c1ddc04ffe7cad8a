"""What a run has found so far: its graph is a part of the final one, and asking for it changes nothing."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from explorer.circuits import attribution, expansion, found
from explorer.circuits.aim import Aimed, aim
from explorer.circuits.attribution import attribute
from explorer.circuits.expansion import attribute_strongest
from explorer.circuits.graph import Graph, NodeKind
from explorer.circuits.graph_arrays import from_arrays, to_arrays
from explorer.circuits.pruning import prune
from explorer.circuits.scores import worst_residual
from explorer.circuits.targets import FeatureTarget
from explorer.engine.progress import Forecast
from explorer.errors import Cancelled, GraphError
from explorer.work import Progress, Work, run
from tests import tiny

KINDS = ["plt", "clt"]
Start = Callable[..., Work[Graph]]


def tracing(kind: str, k: int = 0) -> Work[Graph]:
    """The full graph of a tiny model in small chunks, or that of its ``k`` strongest features."""
    model = tiny.model("gpt2", "float64")
    trace, local = tiny.replaced(model, tiny.transcoders(model, kind))
    logits = tiny.logits(model, trace)
    return attribute_strongest(local, logits, k, chunk_rows=40) if k else attribute(local, logits, chunk_rows=40)


def watched(work: Work[Graph]) -> tuple[list[Progress], list[Graph], Graph]:
    """What was told, every partial graph, and the final one."""
    told: list[Progress] = []
    partial: list[Graph] = []

    def report(progress: Progress) -> None:
        told.append(progress)
        if progress.partial is not None:
            partial.append(progress.partial())

    final = run(work, report)
    return told, partial, final


@pytest.mark.parametrize("k", [0, 25])
@pytest.mark.parametrize("kind", KINDS)
def test_finished_rows_are_those_of_the_final_graph(kind: str, k: int) -> None:
    _, partial, final = watched(tracing(kind, k))
    assert len(partial) >= 4
    whole = final.adjacency()
    for graph in partial:
        ours = graph.adjacency()
        common = [node for node in range(len(graph)) if graph.key(node) in final.index]
        theirs = [final.index[graph.key(node)] for node in common]
        for node, there in zip(common, theirs, strict=True):
            if np.isfinite(graph.preactivation[node]):
                np.testing.assert_allclose(ours[node, common], whole[there, theirs], rtol=0, atol=1e-13)
                assert graph.preactivation[node] == final.preactivation[there]
    assert not final.untraced.any()
    assert final.traced is None


@pytest.mark.parametrize("kind", KINDS)
def test_the_top_of_the_graph_comes_first_and_then_more(kind: str) -> None:
    _, partial, final = watched(tracing(kind))
    rows = [int(np.isfinite(graph.preactivation).sum()) for graph in partial]
    assert rows == sorted(rows)
    first = partial[0]
    assert first.untraced[first.block(NodeKind.FEATURE)].all()
    assert not first.untraced[first.block(NodeKind.LOGIT)].any()
    counts = [graph.traced for graph in partial]
    assert counts[0] == (0, final.count(NodeKind.FEATURE))
    assert counts[-1] == (final.count(NodeKind.FEATURE), final.count(NodeKind.FEATURE))


@pytest.mark.parametrize("k", [0, 25])
def test_what_is_not_traced_has_no_inputs_and_what_is_keeps_its_books(k: int) -> None:
    _, partial, _ = watched(tracing("plt", k))
    for graph in partial:
        n_inputs = np.diff(graph.rows.start)
        assert not n_inputs[graph.untraced].any()
        assert not graph.rows.rest_abs[graph.untraced].any()
        assert worst_residual(graph) < 1e-12


def test_a_feature_that_is_not_traced_is_no_dead_end() -> None:
    _, partial, _ = watched(tracing("plt"))
    shown = prune(partial[0], 0.8, 0.98).nodes
    assert shown[partial[0].untraced].any()


def test_a_partial_graph_crosses_to_the_window() -> None:
    _, partial, _ = watched(tracing("plt"))
    head, arrays = to_arrays(partial[3])
    back = from_arrays(head, arrays)
    assert back.traced == partial[3].traced
    assert (back.untraced == partial[3].untraced).all()
    head["provenance"] = {}
    with pytest.raises(GraphError, match="preactivation is missing"):
        from_arrays(head, arrays)


@pytest.mark.parametrize("k", [0, 25])
def test_asking_changes_nothing(k: int) -> None:
    _, _, watched_graph = watched(tracing("clt", k))
    left_alone = run(tracing("clt", k))
    np.testing.assert_array_equal(watched_graph.rows.source, left_alone.rows.source)
    np.testing.assert_array_equal(watched_graph.rows.weight, left_alone.rows.weight)


def test_a_partial_graph_of_a_large_run_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(found, "PARTIAL_EDGES", 1500)
    _, partial, final = watched(tracing("plt"))
    assert final.n_edges > 5000
    assert max(graph.n_edges for graph in partial) < 2500
    last = partial[-1]
    assert 0 < last.count(NodeKind.FEATURE) < final.count(NodeKind.FEATURE)
    assert last.rows.rest_abs.max() > 0
    assert worst_residual(last) < 1e-12
    weakest = min(final_influence(final, last))
    left_out = [node for node in range(final.count(NodeKind.FEATURE)) if final.key(node) not in last.index]
    assert max(influence(final)[left_out]) <= weakest + 1e-12


def influence(graph: Graph) -> np.ndarray:
    from explorer.circuits.influence import node_influence

    return node_influence(graph)


def final_influence(final: Graph, part: Graph) -> list[float]:
    """The influence in ``final`` of the features of ``part``."""
    return [float(influence(final)[final.index[part.key(node)]]) for node in range(part.count(NodeKind.FEATURE))]


def test_a_feature_to_explain_is_there_before_it_is_traced() -> None:
    model = tiny.model("gpt2", "float64")
    _, local = tiny.replaced(model, tiny.transcoders(model, "plt"))
    one = local.features
    key = FeatureTarget(int(one.layer[40]), int(one.pos[40]), int(one.feature[40]), 0.5)
    _, partial, final = watched(attribute(local, (), (key,), chunk_rows=40))
    for graph in partial:
        assert graph.target_weight.sum() == 0.5
    assert partial[-1].count(NodeKind.FEATURE) <= final.count(NodeKind.FEATURE)


@pytest.mark.parametrize("k", [0, 25])
def test_progress_never_goes_back_and_ends_at_its_total(k: int) -> None:
    told, _, _ = watched(tracing("plt", k))
    counted = [progress.done for progress in told if progress.total]
    assert counted == sorted(counted)
    assert {progress.total for progress in told} - {0} == {found.STEPS}
    assert counted[-1] <= found.ROWS < found.STEPS
    assert told[-1] == found.put_together()
    assert not told[-1].total  # how long it takes is not known
    if not k:
        assert counted[-1] == found.ROWS


def test_rows_count_by_what_they_are_carried_through() -> None:
    """As many steps as there are blocks between a row and the embeddings, over the positions that it can see."""
    model = tiny.model("gpt2", "float64")
    trace, local = tiny.replaced(model, tiny.transcoders(model, "plt"))
    targets = aim(local, tiny.logits(model, trace))
    cost = found.costs(targets).numpy()
    layer, pos = targets.layer.numpy(), targets.pos.numpy()
    assert cost.sum() == pytest.approx(1.0)
    low, high = cost[(layer == 1) & (pos == 2)][0], cost[(layer == 2) & (pos == 5)][0]
    assert high / low == pytest.approx(3 * 6 / 3)


@pytest.mark.parametrize("k", [0, 40])
def test_the_forecast_covers_the_rows_and_what_comes_after_whatever_was_before(
    k: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a clock that counts rows x positions x blocks, as the sweep has them; 100 for set-up, 2.5 % at the end."""
    clock = [0.0]
    work = expansion if k else attribution
    sweep, put_together, lay_out = work.source_effects, work.assemble, work.lay_out

    def swept(local: object, sources: object, aimed: Aimed, pause: object) -> object:
        clock[0] += float((aimed.pos + 1).sum() * max(aimed.layer - 0.5, 0.5))
        return sweep(local, sources, aimed, pause)

    def assembled(*args: object, **kwargs: object) -> object:
        clock[0] += clock[0] * 0.025
        return put_together(*args, **kwargs)

    def laid_out(*args: object) -> object:
        clock[0] += 100.0
        return lay_out(*args)

    monkeypatch.setattr(work, "source_effects", swept)
    monkeypatch.setattr(work, "assemble", assembled)
    monkeypatch.setattr(work, "lay_out", laid_out)
    forecast, told = Forecast(), []

    def report(progress: Progress) -> None:
        left = forecast.left(progress, clock[0])
        if left is not None:
            told.append((clock[0], left))

    run(tracing("plt", k), report)
    end, first = clock[0], told[0][0]
    assert len(told) >= 7
    assert first - 100.0 < 0.4 * (end - 100.0)
    assert told[-1][1] > 0.5 * (end - told[-1][0])
    for now, left in told:
        assert left == pytest.approx(end - now, abs=0.2 * (end - 100.0))


class Steps:
    """A pause that counts, and raises from the ``after``-th time on."""

    def __init__(self, after: int | None = None) -> None:
        self.asked = 0
        self._after = after

    def __call__(self) -> None:
        self.asked += 1
        if self._after is not None and self.asked > self._after:
            raise Cancelled("Cancelled.")


def test_a_chunk_pauses_at_each_of_its_layers() -> None:
    pause = Steps()
    model = tiny.model("gpt2", "float64")
    trace, local = tiny.replaced(model, tiny.transcoders(model, "plt"))
    targets = aim(local, tiny.logits(model, trace))
    work = attribute(local, tiny.logits(model, trace), chunk_rows=40, pause=pause)
    next(work)
    before, n_traced = 0, 0
    for progress in work:
        if progress.partial is not None:
            chunk_layer = layer_of(targets.layer.tolist(), n_traced)
            assert pause.asked - before >= chunk_layer
            n_traced, before = rows_of(progress), pause.asked


def layer_of(layers: list[int], n_rows: int) -> int:
    """The layer of the next row after the first ``n_rows``, the outputs first."""
    return sorted(layers, reverse=True)[n_rows]


def rows_of(progress: Progress) -> int:
    """How many rows are finished, by the graph that there is so far."""
    assert progress.partial is not None
    graph = progress.partial()
    return int(np.isfinite(graph.preactivation).sum())


@pytest.mark.parametrize("k", [0, 25])
@pytest.mark.parametrize("after", [0, 1, 5, 30])
def test_a_pause_that_raises_ends_the_run_and_leaves_the_model_as_it_was(k: int, after: int) -> None:
    model = tiny.model("gpt2", "float64")
    trace, local = tiny.replaced(model, tiny.transcoders(model, "plt"))
    logits = tiny.logits(model, trace)

    def start(**more: object) -> Work[Graph]:
        return attribute_strongest(local, logits, k, **more) if k else attribute(local, logits, **more)

    whole = run(start())
    with pytest.raises(Cancelled):
        run(start(chunk_rows=40, pause=Steps(after)))
    again = run(start())
    np.testing.assert_array_equal(again.rows.weight, whole.rows.weight)

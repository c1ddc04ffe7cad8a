"""The estimate before a run: exact in edges, and refused before anything is computed."""

from __future__ import annotations

import pytest

from explorer.circuits.attribution import attribute
from explorer.circuits.memory import Estimate, estimate
from explorer.work import run
from tests import tiny


@pytest.mark.parametrize("family", ["llama", "gpt2"])
@pytest.mark.parametrize("kind", ["plt", "clt"])
def test_no_graph_has_more_edges_than_estimated(family: str, kind: str) -> None:
    model = tiny.model(family)
    trace, local = tiny.replaced(model, tiny.transcoders(model, kind))
    graph = run(attribute(local, tiny.logits(model, trace)))
    expected = estimate(local, 4).n_edges
    assert 0.8 * expected < graph.n_edges <= expected


def test_what_is_suggested_fits() -> None:
    big = Estimate(n_edges=10**9, n_bytes=2 * 10**10, n_features=50_000)
    assert big.features_that_fit(10**9) == 8_300
    assert big.features_that_fit(1) == 1


def test_a_run_that_does_not_fit_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    from explorer.engine.inprocess import run_job
    from explorer.engine.jobs import attributing
    from explorer.engine.state import EngineState
    from explorer.errors import GraphError
    from explorer.io.transcoders import circuit_tracer

    model = tiny.model("llama")
    circuit_tracer.write(tiny.transcoders(model), tmp_path / "plt", "tiny")
    monkeypatch.setattr(attributing, "free_memory", lambda: 1000)
    where = {"model": str(tiny.saved("llama")), "transcoders": str(tmp_path / "plt")}
    with pytest.raises(GraphError, match="Keep fewer features"):
        run_job("attribute", EngineState(), None, token_ids=[1, 5, 7], **where)

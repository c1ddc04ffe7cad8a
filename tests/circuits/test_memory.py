"""The estimate before a run: never too little, and refused with what does fit before anything is computed."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from explorer.circuits import memory
from explorer.circuits.attribution import attribute
from explorer.engine.inprocess import run_job
from explorer.engine.jobs import attributing
from explorer.engine.state import EngineState
from explorer.errors import GraphError
from explorer.io.samples import SAMPLES, model_folder, transcoder_folder
from explorer.work import run
from tests import tiny

PROMPT = list(range(2, 34))
BIG = memory.Extent(np.full((6, 300), 40), 1, 384, 10, 4, cross_layer=False, skips=False)


@pytest.mark.parametrize("family", ["llama", "gpt2"])
@pytest.mark.parametrize("kind", ["plt", "clt"])
def test_no_graph_has_more_edges_than_estimated(family: str, kind: str) -> None:
    model = tiny.model(family)
    trace, local = tiny.replaced(model, tiny.transcoders(model, kind))
    targets = tiny.logits(model, trace)
    graph = run(attribute(local, targets))
    expected = memory.extent(local, len(targets)).n_edges()
    assert 0.8 * expected < graph.n_edges <= expected


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="the peak is read from /proc")
@pytest.mark.parametrize("case", ["5x256-plt-16", "5x256-clt-24", "5x256-plt-64-100"])
def test_the_peak_of_a_process_is_what_was_estimated(case: str) -> None:
    one = [sys.executable, "-m", "benchmarks.memory", "--one", case]
    found = json.loads(subprocess.run(one, check=True, capture_output=True, text=True).stdout.splitlines()[-1])
    assert found["peak"] <= found["estimate"] <= 1.4 * found["peak"]


@pytest.mark.parametrize("free", [5 * 10**8, 10**9, 2 * 10**9])
def test_what_is_suggested_fits_and_a_tenth_more_does_not(free: int) -> None:
    assert memory.full_bytes(BIG) > free
    features = memory.features_that_fit(BIG, free)
    assert memory.strongest_bytes(BIG, features) <= free < memory.strongest_bytes(BIG, round(1.1 * features) + 1)
    tokens = memory.tokens_that_fit(BIG, free)
    assert memory.full_bytes(BIG.of_prefix(tokens)) <= free < memory.full_bytes(BIG.of_prefix(tokens + 1))
    active = memory.active_that_fit(BIG, free)
    counts = [np.minimum(BIG.counts, most) for most in (active, active + 1)]
    assert memory.full_bytes(replace(BIG, counts=counts[0])) <= free < memory.full_bytes(replace(BIG, counts=counts[1]))


def test_nothing_is_suggested_where_nothing_fits() -> None:
    assert [fits(BIG, 1000) for fits in (memory.features_that_fit, memory.tokens_that_fit)] == [0, 0]
    assert memory.active_that_fit(BIG, 1000) == 0


def test_the_strongest_features_take_less_than_all() -> None:
    sizes = [memory.strongest_bytes(BIG, k) for k in (10, 100, 1000, 10_000)]
    assert sizes == sorted(sizes)
    assert sizes[2] < 0.1 * memory.full_bytes(BIG)
    assert memory.full_bytes(replace(BIG, n_bytes=8)) > 1.4 * memory.full_bytes(BIG)


@pytest.mark.parametrize("neurons", [False, True])
def test_a_refused_run_does_what_its_sentence_says(monkeypatch: pytest.MonkeyPatch, neurons: bool) -> None:
    where: dict[str, Any] = {"model": str(model_folder(SAMPLES[0])), "token_ids": PROMPT}
    where |= {"neurons": True} if neurons else {"transcoders": str(transcoder_folder(SAMPLES[0]))}
    state, told = EngineState(), []

    def run_with(free: int, **more: Any) -> None:
        monkeypatch.setattr(attributing, "free_memory", lambda: free)
        run_job("attribute", state, None, **{**where, **more})

    check = attributing._check_memory
    monkeypatch.setattr(attributing, "_check_memory", lambda *of_run: told.append(check(*of_run)) or told[-1])
    run_with(10**12)
    free = round(0.85 * told[0])
    sizes = f"needs about {told[0] / 1e6:.1f} MB for .* and {free / 1e6:.1f} MB are free"
    with pytest.raises(GraphError, match=sizes) as refused:
        run_with(free)

    def said(words: str) -> int:
        return int(re.search(words, str(refused.value))[1].replace(",", ""))

    run_with(free, max_features=said(r"at most ([\d,]+) features"))
    run_with(free, token_ids=PROMPT[: said(r"to ([\d,]+) tokens")])
    if neurons:
        run_with(free, neurons_per_cell=said(r"at most ([\d,]+) neurons"))
    assert max(told[1:]) <= free
    with pytest.raises(GraphError, match="are free: close other programs, or shorten the prompt"):
        run_with(1000)

"""Shards read by workers: the same whatever their number; at a fault what ended is kept and the rest cancelled."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from explorer.engine.jobs import shards as reading_shards
from explorer.engine.jobs.building import Building, Text, collect, collect_on
from explorer.engine.jobs.opening import Setting, fingerprint, model_of, transcoders_of
from explorer.engine.jobs.shards import Reading, Shard, Workers, read_shard, shards, spread
from explorer.engine.state import EngineState
from explorer.errors import EngineError
from explorer.features.collected import Collected
from explorer.features.keys import EMPTY
from explorer.features.spans import NOTHING, Spans
from explorer.features.statistics import Keeping
from explorer.features.windows import Batch
from explorer.io.samples import SAMPLES, model_folder, transcoder_folder
from explorer.work import Progress, run

SAMPLE = SAMPLES[0]
CONTEXT, N_BATCHES = 40, 5
MODEL, TRANSCODERS = str(model_folder(SAMPLE)), str(transcoder_folder(SAMPLE))
STATE = EngineState()


@pytest.fixture(scope="module")
def reading() -> Reading:
    model, held = model_of(STATE, MODEL, Setting("cpu")), transcoders_of(STATE, TRANSCODERS)
    known = fingerprint(STATE, MODEL), held.sha256
    return Reading(MODEL, TRANSCODERS, *known, str(model.device), 1, {}, Keeping(3, 2, 2))


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Short documents, one in each window, 25 in a batch of the context below."""
    path = tmp_path_factory.mktemp("text") / "lines.txt"
    cities = ("Dallas", "Houston", "Austin", "Toledo", "Provo", "Ames")
    lines = [f"Fact: {city} is in {state}.\n" for city in cities for state in ("Texas", "Utah", "Ohio", "Iowa")]
    path.write_text("".join(lines * 5))
    return path


@pytest.fixture
def building(reading: Reading, text: Path, tmp_path: Path) -> Building:
    model, held = model_of(STATE, MODEL, Setting("cpu")), transcoders_of(STATE, TRANSCODERS)
    (tmp_path / "index").mkdir()
    return Building(model, held, Text((text,), True, 0, CONTEXT), reading.keeping, tmp_path / "index", "stamp", 1)


@pytest.fixture(scope="module")
def alone(reading: Reading, text: Path, tmp_path_factory: pytest.TempPathFactory) -> Collected:
    model, held = model_of(STATE, MODEL, Setting("cpu")), transcoders_of(STATE, TRANSCODERS)
    folder = tmp_path_factory.mktemp("index")
    one = Building(model, held, Text((text,), True, 0, CONTEXT), reading.keeping, folder, "", 64)
    made = Collected.empty(model, held, reading.keeping)
    run(collect(EngineState(), one, made))
    assert made.n_batches == N_BATCHES
    return made


def workers(executor: Executor, n: int = 2, read: Any = read_shard) -> Workers:
    return Workers(executor, read, lambda: n, lambda error: error)


def batch(number: int, read: int) -> Batch:
    nothing = np.zeros(2, np.int64)
    return Batch(2 * number, np.zeros((2, 3), np.int64), nothing, nothing, nothing, 1, read)


def assert_same(one: Collected, other: Collected) -> None:
    assert (one.counts, one.done) == (other.counts, other.done)
    np.testing.assert_array_equal(one.token_windows, other.token_windows)
    for mine, theirs in zip(one.layers, other.layers, strict=True):
        left, right = (replace_sorted(each).arrays for each in (mine, theirs))
        for name, array in left.items():
            there = left[f"{name.split('.')[0]}.key"] != EMPTY if "." in name else ...
            np.testing.assert_array_equal(array[there], right[name][there], name)


def replace_sorted(layer: Any) -> Any:
    return replace(layer, top=layer.top.sorted(), random=layer.random.sorted())


@pytest.mark.parametrize(("n_workers", "shard"), [(1, 2), (3, 1)])
def test_workers_collect_what_one_run_collects(
    reading: Reading, building: Building, alone: Collected, n_workers: int, shard: int
) -> None:
    made, seen = Collected.empty(building.model, building.transcoders, building.keeping), list[Progress]()
    with ThreadPoolExecutor(n_workers) as pool:
        run(collect_on(workers(pool, n_workers), reading, replace(building, shard=shard), made), seen.append)
    assert_same(made, alone)
    assert "tokens/s" in seen[-1].text
    assert seen[-1].done == seen[-1].total == building.text.files[0].stat().st_size
    kept, resumed = building.begun()
    assert resumed
    assert_same(kept, alone)


def test_a_fault_keeps_what_ended_and_a_restart_asks_only_for_the_rest(
    reading: Reading, building: Building, alone: Collected
) -> None:
    asked: list[int] = []

    def read(reading: Reading, batches: tuple[Batch, ...]) -> Any:
        asked.append(batches[0].number)
        return read_shard(reading, batches)

    def broken(reading: Reading, batches: tuple[Batch, ...]) -> Any:
        if batches[0].number == 2:
            raise EngineError("broken")
        return read_shard(reading, batches)

    made, _ = building.begun()
    with ThreadPoolExecutor(1) as pool, pytest.raises(EngineError, match="broken"):
        run(collect_on(workers(pool, 1, broken), reading, building, made))
    kept, _ = building.begun()
    assert 2 not in kept.done
    assert kept.n_batches >= 1
    missing = [number for number in range(N_BATCHES) if number not in kept.done]
    with ThreadPoolExecutor(1) as pool:
        run(collect_on(workers(pool, 1, read), reading, building, kept))
    assert sorted(asked) == missing
    assert_same(kept, alone)


def test_closing_cancels_what_is_under_way(reading: Reading) -> None:
    held, started = threading.Event(), threading.Event()
    futures: list[Future[Any]] = []

    class Noted(ThreadPoolExecutor):
        def submit(self, *given: Any, **more: Any) -> Future[Any]:
            futures.append(super().submit(*given, **more))
            return futures[-1]

    def read(*_: Any) -> Any:
        started.set()
        held.wait()

    with Noted(1) as pool, pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading_shards, "LOOK", 0.01)
        waiting: Iterator[Shard] = iter([Shard((batch(number, 1),), 0) for number in range(9)])
        found = spread(workers(pool, 2, read), reading, waiting)
        assert next(found) == []
        started.wait()
        found.close()
        held.set()
    assert len(futures) == 4
    assert [future.cancelled() for future in futures] == [False, True, True, True]


def test_without_workers_for_long_the_work_ends_with_a_sentence(
    reading: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading_shards, "PATIENCE", 0.0)
    with ThreadPoolExecutor(1) as pool, pytest.raises(EngineError, match="All workers are gone"):
        list(spread(workers(pool, 0), reading, iter(())))


def test_shards_leave_out_what_is_done_and_know_their_part_of_the_text() -> None:
    text = [batch(number, 10 * (number + 1)) for number in range(7)]

    def cut(done: Spans, n: int) -> list[tuple[list[int], int, int]]:
        return [([one.number for one in shard.batches], shard.start, shard.size) for shard in shards(text, done, n)]

    assert cut(NOTHING, 3) == [([0, 1, 2], 0, 30), ([3, 4, 5], 30, 30), ([6], 60, 10)]
    assert cut(Spans(((0, 2), (4, 5))), 2) == [([2, 3], 20, 20), ([5, 6], 50, 20)]
    assert cut(Spans(((0, 7),)), 2) == []


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"model": "/nowhere"}, "The worker on .* says: .*nowhere"),
        ({"model_sha256": "x"}, "another model here"),
        ({"transcoders_sha256": "x"}, "other transcoders here"),
        ({"device": "cuda:77"}, "no device “cuda:77”"),
    ],
)
def test_a_worker_that_cannot_open_the_same_says_so(reading: Reading, changes: dict[str, str], sentence: str) -> None:
    with pytest.raises(EngineError, match=sentence):
        read_shard(replace(reading, **changes), ())  # type: ignore[arg-type]

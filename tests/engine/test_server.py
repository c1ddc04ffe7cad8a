"""The engine process, driven through a real client; one engine serves the whole file."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Generator
from itertools import pairwise

import numpy as np
import pytest

from explorer.engine.command import environment
from explorer.engine.events import (
    BUG,
    OUT_OF_MEMORY,
    CancelledEvent,
    Failed,
    Partial,
    ProgressEvent,
    Result,
    Started,
    Superseded,
)
from explorer.engine.log import log_tail
from explorer.engine.protocol import DTYPES, Message, encode
from tests.engine.conftest import COMMAND, Engine


@pytest.fixture(scope="module")
def one_engine(tmp_path_factory: pytest.TempPathFactory) -> Generator[Engine]:
    engine = Engine(COMMAND, tmp_path_factory.mktemp("logs") / "engine.log")
    engine.start()
    engine.heard.first(Started)
    yield engine
    engine.close()


@pytest.fixture
def engine(one_engine: Engine) -> Engine:
    """The engine of this file, started anew if a test broke it."""
    before = len(one_engine.heard.events)
    if not one_engine.alive:
        one_engine.start()
        one_engine.heard.first(Started, after=before)
    return one_engine


def failure(engine: Engine, job: str, **values: object) -> Failed:
    answer = engine.heard.answer(engine.request(job, "", **values))
    assert isinstance(answer, Failed)
    return answer


def test_the_engine_answers_before_torch_is_imported(engine: Engine) -> None:
    assert engine.result("hello")["devices"] is None
    assert engine.result("loaded") == {"heavy": []}


def test_arrays_and_json_cross_both_ways(engine: Engine) -> None:
    sent = {
        "arrays": {name: np.ones((2, 3), name) for name in DTYPES},
        "scalar": np.array(2.5),
        "empty": np.zeros((0, 4)),
        "words": [" Dallas", "é", "\ud800", None, True, 1.5],
    }
    got = engine.result("echo", **sent)
    assert got["words"] == sent["words"]
    for name, array in [*sent["arrays"].items(), ("scalar", sent["scalar"]), ("empty", sent["empty"])]:
        back = got["arrays"][name] if name in DTYPES else got[name]
        assert back.dtype == array.dtype
        np.testing.assert_array_equal(back, array)


def test_a_large_array_crosses_intact(engine: Engine) -> None:
    array = np.random.default_rng(0).standard_normal((1 << 20, 16), dtype=np.float32)
    start = time.perf_counter()
    got = engine.result("echo", weights=array)
    seconds = time.perf_counter() - start
    print(f"64 MB there and back: {seconds:.2f} s")  # noqa: T201
    np.testing.assert_array_equal(got["weights"], array)


def test_what_anything_prints_goes_to_the_log(engine: Engine) -> None:
    assert engine.result("prints") == {"read": ""}
    log = log_tail(engine.log, 0)
    for line in (
        "printed by Python",
        "written to descriptor 1",
        "put by C",
        "printed by a child",
        "warned by Python",
    ):
        assert line in log


def test_a_foreseen_fault_is_one_sentence(engine: Engine) -> None:
    failed = failure(engine, "foreseen", path="here")
    assert (failed.job, failed.kind) == ("foreseen", "LoadError")
    assert failed.error == "“here” is not a model: it has no config.json."


def test_what_a_file_does_not_say_comes_as_a_question(engine: Engine) -> None:
    failed = failure(engine, "unsaid", path="here")
    assert failed.kind == "Unsaid"
    assert failed.error == "“here” does not say which it is; tell it with kind=one or other."
    assert failed.asks == {"path": "here", "name": "kind", "question": "which it is", "choices": ["one", "other"]}
    assert failure(engine, "foreseen", path="here").asks == {}


def test_a_bug_brings_its_traceback_and_the_engine_lives_on(engine: Engine) -> None:
    failed = failure(engine, "bug")
    assert failed.kind == BUG
    assert "ZeroDivisionError" in failed.details
    assert "1 / 0" in failed.details
    assert "1 / 0" in log_tail(engine.log, 0)
    assert engine.result("echo", alive=True) == {"alive": True}


@pytest.mark.parametrize(("job", "values"), [("unsendable", {}), ("echo", {"state": 1}), ("foreseen", {"wrong": 1})])
def test_a_job_that_cannot_be_called_or_answer_is_a_bug(engine: Engine, job: str, values: dict[str, object]) -> None:
    failed = failure(engine, job, **values)
    assert failed.kind == BUG
    assert "TypeError" in failed.details


def test_lack_of_memory_is_said_and_survived(engine: Engine) -> None:
    failed = failure(engine, "hungry")
    assert failed.kind == OUT_OF_MEMORY
    assert "not enough memory" in failed.error
    assert engine.result("echo") == {}


def test_an_unknown_job_is_a_foreseen_fault(engine: Engine) -> None:
    failed = failure(engine, "no such job")
    assert (failed.kind, failed.error.count("“no such job”")) == ("EngineError", 1)


def test_the_newest_request_of_a_lane_wins(engine: Engine) -> None:
    blocker = engine.request("steps", "other", count=30)
    engine.heard.running(blocker)
    ids = [engine.request("steps", "graph", mark=f"{n}", count=2) for n in range(5)]
    assert engine.heard.answer(ids[-1]) == Result(ids[-1], "steps", {"mark": "4"})
    assert [engine.heard.answer(id) for id in ids[:-1]] == [Superseded(id) for id in ids[:-1]]
    assert isinstance(engine.heard.answer(blocker), Result)


def test_a_newer_request_closes_the_running_one_of_its_lane(engine: Engine) -> None:
    older = engine.request("steps", "graph", mark="older")
    engine.heard.running(older)
    newer = engine.request("steps", "graph", mark="newer", count=1)
    assert isinstance(engine.heard.answer(newer), Result)
    assert engine.heard.answer(older) == Superseded(older)
    assert "closed older" in engine.result("remember")["models"]
    assert engine.heard.events.index(Superseded(older)) < engine.heard.events.index(engine.heard.answer(newer))


def test_requests_without_a_lane_all_run_in_order(engine: Engine) -> None:
    ids = [engine.request("steps", "", mark=f"{n}", count=1) for n in range(4)]
    assert [engine.heard.answer(id) for id in ids] == [
        Result(id, "steps", {"mark": f"{n}"}) for n, id in enumerate(ids)
    ]
    assert [event.id for event in engine.heard.all(Result) if event.id in ids] == ids


@pytest.mark.parametrize("job", ["steps", "patient"])
def test_a_cancelled_job_stops_at_its_next_step_or_when_it_asks(engine: Engine, job: str) -> None:
    id = engine.request(job, "graph")
    engine.heard.running(id)
    start = time.perf_counter()
    engine.cancel(id)
    assert engine.heard.answer(id) == CancelledEvent(id)
    seconds = time.perf_counter() - start
    print(f"cancel of {job}: {seconds * 1000:.1f} ms")  # noqa: T201
    assert seconds < 2
    assert engine.result("echo") == {}


def test_a_waiting_request_can_be_cancelled(engine: Engine) -> None:
    running = engine.request("steps", "", count=30)
    waiting = engine.request("bug", "")
    engine.cancel(waiting)
    assert engine.heard.answer(waiting) == CancelledEvent(waiting)
    assert isinstance(engine.heard.answer(running), Result)


def test_a_job_may_keep_its_part_when_it_is_cancelled(engine: Engine) -> None:
    id = engine.request("partial", "graph")
    engine.heard.running(id)
    engine.cancel(id)
    answer = engine.heard.answer(id)
    assert isinstance(answer, Result)
    assert answer.stopped
    assert answer.values["complete"] is False


def test_a_part_that_is_superseded_is_not_sent(engine: Engine) -> None:
    older = engine.request("partial", "graph")
    engine.heard.running(older)
    newer = engine.request("echo", "graph")
    assert isinstance(engine.heard.answer(newer), Result)
    assert engine.heard.answer(older) == Superseded(older)


def test_a_long_job_tells_what_it_has_so_far(engine: Engine) -> None:
    id = engine.request("growing", "graph", count=600, seconds=0.005)
    part = engine.heard.first(Partial, lambda event: event.id == id)
    assert part.job == "growing"
    assert 0 < len(part.values["numbers"]) < 600
    later = engine.heard.first(Partial, lambda event: event.id == id and event is not part)
    assert len(later.values["numbers"]) > len(part.values["numbers"])
    engine.cancel(id)
    assert engine.heard.answer(id) == CancelledEvent(id)
    ended = engine.heard.events.index(CancelledEvent(id))
    assert engine.result("echo") == {}
    assert not any(isinstance(event, Partial) for event in engine.heard.events[ended:])


def test_a_quick_job_tells_its_result_alone(engine: Engine) -> None:
    id = engine.request("growing", "", count=40, seconds=0.005)
    answer = engine.heard.answer(id)
    assert isinstance(answer, Result)
    assert answer.values["asked"] == 0
    assert not any(event.id == id for event in engine.heard.all(Partial))


def test_cancelling_what_is_done_changes_nothing(engine: Engine) -> None:
    id = engine.request("echo", "")
    assert isinstance(engine.heard.answer(id), Result)
    engine.cancel(id)
    engine.cancel(10_000)
    assert engine.result("echo") == {}
    assert len(engine.heard.answers(id)) == 1


def test_progress_is_told_with_the_time_left(engine: Engine) -> None:
    id = engine.request("steps", "", count=60)
    engine.heard.answer(id)
    told = [event for event in engine.heard.all(ProgressEvent) if event.id == id]
    assert [event.done for event in told] == sorted({event.done for event in told})
    assert {event.total for event in told} == {60}
    assert (told[0].left is None) == (told[0].done == 0)
    assert all(event.left is not None and event.left > 0 for event in told[1:])
    assert all(event.memory > 1 << 20 for event in told)


def test_few_of_many_steps_are_told_but_the_last_one_before_a_long_step_is(engine: Engine) -> None:
    id = engine.request("fast", "", count=20_000)
    engine.heard.answer(id)
    told = [event for event in engine.heard.all(ProgressEvent) if event.id == id]
    assert len(told) < 100
    assert told[-1].text == "Long"
    assert all(a != b for a, b in pairwise(told))


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        (b"", b""),
        (b"GET / HTTP/1.1\r\n\r\n", b"damaged"),
        (b"".join(encode(Message({"do": "dance"}))), b"different versions"),
    ],
)
def test_an_engine_that_is_asked_nothing_sensible_says_why_and_leaves(request_: bytes, said: bytes) -> None:
    run = subprocess.run(COMMAND, input=request_, capture_output=True, timeout=30, env=environment(COMMAND), check=True)
    assert said in run.stderr
    assert bool(run.stderr) == bool(said)


def test_an_engine_whose_answers_no_one_reads_leaves_with_its_input() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with subprocess.Popen(
        COMMAND, stdin=subprocess.PIPE, stdout=writing, stderr=subprocess.PIPE, env=environment(COMMAND)
    ) as process:
        os.close(writing)
        _, errors = process.communicate(b"".join(encode(Message({"do": "cancel", "id": 1}))), timeout=30)
    assert (process.returncode, errors) == (0, b"")

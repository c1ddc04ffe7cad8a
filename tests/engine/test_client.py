"""The client and its child: births, deaths and what is told of them."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest

from explorer.engine.client import EngineClient
from explorer.engine.events import Died, Event, Failed, Result, Started
from explorer.errors import EngineError
from tests.engine.conftest import COMMAND, Engine, Heard

PARENT = """
import sys, threading
from pathlib import Path
from explorer.engine.client import EngineClient
started = threading.Event()
client = EngineClient(sys.argv[2:], Path(sys.argv[1]), lambda event: started.set())
client.start()
client.request("stuck", "")
started.wait()
print(client.pid, flush=True)
threading.Event().wait()
"""


def gone(pid: int, seconds: float = 10.0) -> bool:
    """Whether a process that is no child of this one ends within ``seconds``."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            stat = Path(f"/proc/{pid}/stat").read_text()
        except OSError:
            return True
        if stat.rpartition(")")[2].split()[0] == "Z":
            return True
        time.sleep(0.02)
    return False


def test_the_engine_tells_who_it_is(engine: Engine) -> None:
    (started,) = engine.heard.all(Started)
    assert engine.alive
    assert engine.result("hello")["pid"] == started.pid == engine.pid


def test_starting_twice_starts_one(engine: Engine) -> None:
    pid = engine.pid
    engine.start()
    assert engine.pid == pid


def test_a_killed_engine_is_told_once_and_another_takes_over(engine: Engine) -> None:
    running = engine.request("stuck", "")
    waiting = engine.request("echo", "")
    engine.heard.running(running)
    os.kill(engine.pid, signal.SIGKILL)
    died = engine.heard.first(Died)
    assert (died.returncode, died.killed) == (-signal.SIGKILL, True)
    assert not engine.alive
    for id, job in ((running, "stuck"), (waiting, "echo")):
        assert engine.heard.answer(id) == Failed(id, job, "EngineError", "The engine stopped before this was done.")
    engine.restart()
    assert engine.result("echo", again=1) == {"again": 1}
    assert engine.heard.all(Died) == [died]


@pytest.mark.parametrize("n_deaths", [8, pytest.param(20, marks=pytest.mark.slow)])
def test_killed_at_any_moment_each_death_is_told_once_and_the_next_engine_works(idle: Engine, n_deaths: int) -> None:
    """Moments from before the first byte to after the last, each with requests under way."""
    chance = random.Random(0)
    heard = idle.heard
    ids = []
    for deaths in range(1, n_deaths + 1):
        before = len(heard.events)
        idle.start()
        ids += [idle.request("steps", "graph", count=5), idle.request("echo", "", data=list(range(1000)))]
        if deaths % 4 == 0:
            heard.answer(ids[-2])
        elif deaths % 4 == 1:
            heard.first(Started, after=before)
        time.sleep(chance.uniform(0, (0.2, 0.05, 0.2, 0)[deaths % 4]))
        os.kill(idle.pid, signal.SIGKILL)
        heard.first(Died, after=before)
        assert len(heard.all(Died)) == deaths
    idle.start()
    assert idle.result("echo", works=True) == {"works": True}
    assert len(heard.all(Died)) == n_deaths
    assert all(len(heard.answers(id)) == 1 for id in ids)
    assert {type(heard.answer(id)) for id in ids} == {Result, Failed}


def test_a_death_from_within_brings_the_last_words(engine: Engine) -> None:
    engine.request("quits", "", code=3)
    died = engine.heard.first(Died)
    assert (died.returncode, died.reason) == (3, "The engine stopped (exit code 3).")
    assert died.log_tail.endswith("these were its last words\n")


def test_a_damaged_stream_ends_the_engine(engine: Engine) -> None:
    engine.request("scribbles", "")
    died = engine.heard.first(Died)
    assert "damaged" in died.reason
    assert gone(engine.pid)


def test_an_engine_killed_while_it_speaks_has_stopped_and_damaged_nothing(tmp_path: Path) -> None:
    heard = Heard()
    program = "import os, sys; sys.stdout.buffer.write(b'CXE1' + bytes(3)); sys.stdout.flush(); os.kill(os.getpid(), 9)"
    with closing(EngineClient([sys.executable, "-c", program], tmp_path / "log", heard.hear)) as client:
        client.start()
        assert heard.first(Died).reason == "The engine stopped (signal 9)."


def test_a_program_that_is_no_engine_is_told_as_a_death(tmp_path: Path) -> None:
    heard = Heard()
    command = [sys.executable, "-c", "print('Welcome to this machine.')"]
    with closing(EngineClient(command, tmp_path / "log", heard.hear)) as client:
        client.start()
        assert heard.first(Died).reason.startswith(f"“{sys.executable}” answers, but not as an engine does")
        assert heard.all(Started) == []


def test_a_command_that_does_not_exist_is_a_foreseen_fault(tmp_path: Path) -> None:
    client = EngineClient([str(tmp_path / "engine")], tmp_path / "log", print)
    with pytest.raises(EngineError, match="was not found; give the full path"):
        client.start()
    assert not client.alive
    with pytest.raises(EngineError, match="not running"):
        client.request("hello", "")


def test_a_dead_engine_takes_no_requests(engine: Engine) -> None:
    os.kill(engine.pid, signal.SIGKILL)
    engine.heard.first(Died)
    with pytest.raises(EngineError, match="start it again"):
        engine.request("echo", "")
    engine.cancel(1)


def test_restarting_a_living_engine_is_no_death(engine: Engine) -> None:
    id, pid = engine.request("stuck", ""), engine.pid
    engine.heard.running(id)
    engine.restart()
    failed = engine.heard.answer(id)
    assert isinstance(failed, Failed)
    assert failed.error == "The engine was started again before this was done."
    assert engine.result("echo") == {}
    assert engine.pid != pid
    assert engine.heard.all(Died) == []


def test_the_one_who_hears_of_a_death_may_start_the_next(tmp_path: Path) -> None:
    heard = Heard()

    def hear(event: Event) -> None:
        heard.hear(event)
        if isinstance(event, Died):
            client.restart()

    with closing(EngineClient(COMMAND, tmp_path / "log", hear)) as client:
        client.start()
        heard.first(Started)
        os.kill(client.pid, signal.SIGKILL)
        heard.first(Started, after=heard.events.index(heard.first(Died)))
        assert isinstance(heard.answer(client.request("echo", "")), Result)


@pytest.mark.parametrize("job", ["steps", "stuck"])
def test_closing_ends_the_engine_whatever_it_does_and_tells_nothing(engine: Engine, job: str) -> None:
    id = engine.request(job, "")
    engine.heard.running(id)
    start = time.perf_counter()
    engine.close()
    print(f"closed while {job}: {time.perf_counter() - start:.2f} s")  # noqa: T201
    assert gone(engine.pid, 0.1)
    assert engine.heard.answers(id) == []
    assert engine.heard.all(Died) == []
    engine.restart()
    assert not engine.alive


def test_an_idle_engine_leaves_at_once(engine: Engine) -> None:
    start = time.perf_counter()
    engine.close()
    assert time.perf_counter() - start < 0.8, "it did not leave by itself"


def test_the_engine_ends_with_a_window_that_is_killed(tmp_path: Path) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path / "log"), *COMMAND],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    with parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert not gone(pid, 0.05)
        parent.kill()
    assert gone(pid)


def test_ctrl_c_is_left_to_the_window(engine: Engine) -> None:
    os.kill(engine.pid, signal.SIGINT)
    assert engine.result("echo") == {}


def test_requests_from_many_threads_are_each_answered(engine: Engine) -> None:
    ids: list[int] = []

    def ask() -> None:
        ids.extend(engine.request("echo", "", n=n) for n in range(25))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(ids)) == 100
    assert all(isinstance(engine.heard.answer(id), Result) for id in ids)


def test_asking_does_not_wait_for_a_busy_engine(engine: Engine) -> None:
    """More than a pipe holds is asked of an engine that is stopped and reads nothing."""
    os.kill(engine.pid, signal.SIGSTOP)
    ids = [engine.request("echo", "", text="x" * 1_000_000) for _ in range(3)]
    assert engine.heard.answers(ids[0]) == []
    os.kill(engine.pid, signal.SIGCONT)
    assert all(isinstance(engine.heard.answer(id), Result) for id in ids)

"""The same index from the workers of a real Dask cluster; what goes wrong there is a sentence."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any

import pytest

from explorer.engine.inprocess import run_job
from explorer.engine.state import EngineState
from explorer.errors import EngineError
from explorer.io.samples import SAMPLES, model_folder, transcoder_folder
from explorer.work import Progress

# It brings importlib_metadata, which takes the place of the library's own finder of distributions: not for all tests.
FINDERS, FIND = list(sys.meta_path), PathFinder.__dict__["find_distributions"]
distributed = pytest.importorskip("distributed")
sys.meta_path[:] = FINDERS
PathFinder.find_distributions = FIND  # type: ignore[method-assign]

from explorer.engine.jobs import cluster  # noqa: E402

SAMPLE = SAMPLES[0]
WHERE = {"model": str(model_folder(SAMPLE)), "threads": 1, "device": "cpu", "context": 16}
KINDS = {"plt": str(transcoder_folder(SAMPLE)), "clt": str(transcoder_folder(SAMPLE, "clt"))}
STATE = EngineState()


@dataclass
class Cluster:
    """A scheduler and its workers, each a process."""

    folder: Path
    address: str = ""
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self) -> None:
        place = self.folder / "scheduler.json"
        self._run("scheduler", "--host", "127.0.0.1", "--port", "0", "--scheduler-file", str(place))
        wait(lambda: place.exists() and place.read_text().endswith("}"), "the scheduler")
        self.address = json.loads(place.read_text())["address"]

    def add(self, path: str = "", n: int = 1) -> subprocess.Popen[bytes]:
        """One more worker, the ``n``-th; modules in ``path`` come before all others."""
        own = self._run("worker", self.address, "--nthreads", "1", "--no-nanny", path=path)
        with distributed.Client(self.address, set_as_default=False) as client:
            client.wait_for_workers(n, timeout=60)
        return own

    def busy(self) -> int:
        """Shards that a worker reads or has waiting."""
        with distributed.Client(self.address, set_as_default=False) as client:
            return sum(len(keys) for keys in client.processing().values())

    def stop(self) -> None:
        for process in reversed(self.processes):
            process.kill()
            process.wait()

    def _run(self, *arguments: str, path: str = "") -> subprocess.Popen[bytes]:
        paths = os.pathsep.join([path, *sys.path] if path else sys.path)
        command = [sys.executable, "-m", "dask", *arguments, "--no-dashboard"]
        quiet = subprocess.DEVNULL
        environment = {**os.environ, "PYTHONPATH": paths}
        self.processes.append(
            subprocess.Popen(command, cwd=self.folder, env=environment, stdout=quiet, stderr=quiet)
        )
        return self.processes[-1]


def wait(done: Any, what: str) -> None:
    end = time.monotonic() + 180
    while not done():
        assert time.monotonic() < end, f"{what} did not come"
        time.sleep(0.1)


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Cluster]:
    made = Cluster(tmp_path)
    try:
        made.start()
        yield made
    finally:
        made.stop()


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve batches."""
    path = tmp_path_factory.mktemp("text") / "lines.txt"
    cities = ("Dallas", "Houston", "Austin", "Toledo", "Provo", "Ames", "Moab", "Ogden")
    lines = [f"Fact: {city} is in {state}.\n" for city in cities for state in ("Texas", "Utah", "Ohio", "Iowa")]
    path.write_text("".join(lines * 24))
    return path


@pytest.fixture(scope="module")
def here(text: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, bytes]]:
    """By kind, the files of the index that one process makes."""
    folder = tmp_path_factory.mktemp("here")
    for kind in KINDS:
        build(text, folder / kind, kind)
    return {kind: contents(folder / kind) for kind in KINDS}


def build(text: Path, folder: Path, kind: str = "plt", report: Any = None, **more: Any) -> dict[str, Any]:
    values = {**WHERE, "transcoders": KINDS[kind], "texts": [str(text)], "output": str(folder), "lines": True}
    return run_job("features_build", STATE, report, **values, n_top=6, n_random=5, **more)


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


@pytest.mark.slow
def test_one_two_and_three_workers_give_the_bytes_of_one_process(
    running: Cluster, text: Path, here: dict[str, dict[str, bytes]], tmp_path: Path
) -> None:
    for n, shard, kind in ((1, 5, "plt"), (2, 1, "clt"), (3, 2, "plt")):
        running.add(n=n)
        seen: list[Progress] = []
        build(text, tmp_path / str(n), kind, seen.append, shard=shard, scheduler=running.address)
        assert contents(tmp_path / str(n)) == here[kind]
        assert any(f"on {n} worker" in one.text and "tokens/s" in one.text for one in seen)


@pytest.mark.slow
def test_a_worker_that_dies_costs_its_shard_alone_and_one_that_comes_later_helps(
    running: Cluster, text: Path, here: dict[str, dict[str, bytes]], tmp_path: Path
) -> None:
    first = running.add()

    def report(progress: Progress) -> None:
        if "tokens/s" in progress.text and first.poll() is None:
            first.kill()
            first.wait()
            running.add()

    build(text, tmp_path / "index", report=report, shard=1, scheduler=running.address)
    assert first.poll() is not None
    assert contents(tmp_path / "index") == here["plt"]


@pytest.mark.slow
def test_cancelling_stops_the_workers_and_a_restart_reads_the_rest(
    running: Cluster, text: Path, here: dict[str, dict[str, bytes]], tmp_path: Path
) -> None:
    def stop(progress: Progress) -> None:
        if "tokens/s" in progress.text:
            raise KeyboardInterrupt

    running.add()
    folder = tmp_path / "index"
    with pytest.raises(KeyboardInterrupt):
        build(text, folder, report=stop, shard=1, scheduler=running.address)
    wait(lambda: running.busy() == 0, "the end of all shards")
    assert [file.name for file in folder.iterdir()] == ["building.safetensors"]
    again = build(text, folder, shard=3)  # without the cluster
    assert again["tokens_per_second"] is None
    assert contents(folder) == here["plt"]


@pytest.mark.slow
def test_a_scheduler_that_goes_away_is_a_sentence_and_what_ended_is_kept(
    running: Cluster, text: Path, here: dict[str, dict[str, bytes]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(progress: Progress) -> None:
        if "tokens/s" in progress.text:
            running.stop()

    monkeypatch.setattr(cluster, "TIMEOUT", 2.0)
    running.add()
    with pytest.raises(EngineError, match=r"scheduler at .* is gone\. What is finished is kept"):
        build(text, tmp_path / "index", report=stop, shard=1, scheduler=running.address)
    build(text, tmp_path / "index")
    assert contents(tmp_path / "index") == here["plt"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("module", "sentence"),
    [('raise ImportError("no explorer")', "worker at .* lacks circuit-explorer"),
     ('__version__ = "0.0.0"', "worker at .* has version 0.0.0")],
)  # fmt: skip
def test_a_worker_without_the_package_or_with_another_is_refused_before_it_reads(
    running: Cluster, text: Path, tmp_path: Path, module: str, sentence: str
) -> None:
    (tmp_path / "other" / "explorer").mkdir(parents=True)
    (tmp_path / "other" / "explorer" / "__init__.py").write_text(module)
    running.add(str(tmp_path / "other"))
    with pytest.raises(EngineError, match=sentence):
        build(text, tmp_path / "index", scheduler=running.address)
    assert list((tmp_path / "index").iterdir()) == []


@pytest.mark.slow
def test_a_build_killed_on_a_cluster_goes_on_with_the_missing_shards(
    running: Cluster, text: Path, here: dict[str, dict[str, bytes]], tmp_path: Path
) -> None:
    running.add()
    folder = tmp_path / "index"
    command = [sys.executable, "-m", "explorer", "features", "build", "us-cities", "--transcoders", "plt", "--text",
               str(text), "-o", str(folder), "--context", "16", "--lines", "--top", "6", "--random", "5",
               "--threads", "1", "--device", "cpu", "--shard", "1", "--scheduler", running.address]  # fmt: skip
    process = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
    try:
        wait(lambda: (folder / "building.safetensors").exists() or process.poll() is not None, "the first shard")
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    build(text, folder, shard=1, scheduler=running.address)
    assert contents(folder) == here["plt"]


@pytest.mark.parametrize("address", ["nonsense", "foo://x", "tcp://127.0.0.1:9", "tcp://nowhere.invalid:8786"])
def test_an_address_where_no_scheduler_is_is_a_sentence(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "TIMEOUT", 0.3)
    with pytest.raises(EngineError, match=f"No scheduler answers at “{re.escape(address)}”"), cluster.cluster(address):
        pass


@pytest.mark.parametrize("says", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"SSH-2.0-Server\r\n", bytes(64)])
def test_another_server_at_the_address_is_the_same_sentence(says: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also one that takes the call and never answers."""
    monkeypatch.setattr(cluster, "TIMEOUT", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            called.append(server.accept()[0])
            called[0].sendall(says)

        called: list[socket.socket] = []
        thread = threading.Thread(target=answer)
        thread.start()
        address = f"tcp://127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(EngineError, match="No scheduler answers at"), cluster.cluster(address):
            pytest.fail("there is no scheduler")
        thread.join()
        called[0].close()


def test_without_the_package_the_option_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(EngineError, match="pipx inject circuit-explorer distributed"), cluster.cluster("tcp://127.0.0.1:9"):
        pass


def test_what_ended_every_worker_is_said_and_what_was_not_foreseen_stays_as_it_is() -> None:
    fault = cluster._faults("tcp://a:1")
    assert "lack of memory" in str(fault(distributed.KilledWorker("task", None, 3)))
    assert "lack of memory" in str(fault(MemoryError()))
    bug = ZeroDivisionError()
    assert fault(bug) is bug

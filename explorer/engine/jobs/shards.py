"""Shards: parts of the text, each read by a worker in another process or on another machine (cluster.py)."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, CancelledError, Executor, Future, wait
from dataclasses import dataclass
from typing import TYPE_CHECKING

from explorer.engine.jobs.opening import Setting, fingerprint, model_of, transcoders_of
from explorer.engine.state import EngineState
from explorer.errors import EngineError, ExplorerError, LoadError
from explorer.features.spans import Spans
from explorer.features.statistics import Keeping
from explorer.features.windows import Batch
from explorer.work import Pause, go_on

if TYPE_CHECKING:
    from explorer.features.collected import Found
    from explorer.models.loader import LanguageModel
    from explorer.transcoders.transcoder import TranscoderSet

EACH = 2  # shards under way for each worker: one that it reads, one that waits for it
LOOK = 1.0  # seconds between two looks at whether to stop
PATIENCE = 60.0  # seconds to go on waiting without any worker

_worker = EngineState()  # what this process keeps open between two shards, if it is a worker
_one_at_a_time = threading.Lock()  # a pass is watched with hooks on the one open model


@dataclass(frozen=True)
class Shard:
    """Batches that are read together, and the bytes of text before and in them."""

    batches: tuple[Batch, ...]
    start: int

    @property
    def size(self) -> int:
        return self.batches[-1].read - self.start


@dataclass(frozen=True)
class Reading:
    """With what a worker reads: model and transcoders by path, which must have the fingerprints told here.

    The number of threads is that of who asks, since another one may round differently.
    """

    model: str
    transcoders: str
    model_sha256: str
    transcoders_sha256: str
    device: str
    threads: int
    told: Mapping[str, str]
    keeping: Keeping


Read = Callable[[Reading, tuple[Batch, ...]], "Found"]


@dataclass(frozen=True)
class Workers:
    """Who reads shards: ``executor`` runs ``read`` there, ``count`` says how many there are now.

    ``fault`` turns an error of theirs into the sentence for the user, if it was foreseen.
    """

    executor: Executor
    read: Read
    count: Callable[[], int]
    fault: Callable[[BaseException], BaseException]


def shards(batches: Iterable[Batch], done: Spans, n: int) -> Iterator[Shard]:
    """The ``batches`` that are not ``done``, ``n`` together."""
    held: list[Batch] = []
    start = read = 0
    for batch in batches:
        if batch.number not in done:
            start = start if held else read
            held.append(batch)
        if len(held) == n:
            yield Shard(tuple(held), start)
            held = []
        read = batch.read
    if held:
        yield Shard(tuple(held), start)


def read_shard(reading: Reading, batches: tuple[Batch, ...], pause: Pause = go_on) -> Found:
    """What a worker finds in ``batches``; EngineError with its name if it cannot open what it should."""
    from explorer.features.collected import Collected

    with _one_at_a_time:
        try:
            model, held = _opened(reading)
        except ExplorerError as error:
            raise EngineError(f"The worker on “{socket.gethostname()}” says: {error}") from error
        made = Collected.empty(model, held, reading.keeping)
        for batch in batches:
            made.take(model, held, batch, pause)
        return made.found()


def _opened(reading: Reading) -> tuple[LanguageModel, TranscoderSet]:
    """What the worker has at these paths."""
    setting = Setting(reading.device, "float32", reading.threads, reading.told)
    model = model_of(_worker, reading.model, setting)
    held = transcoders_of(_worker, reading.transcoders, setting.told)
    if fingerprint(_worker, reading.model) != reading.model_sha256:
        raise LoadError(f"“{reading.model}” is another model here than where the index is made; copy it anew.")
    if held.sha256 != reading.transcoders_sha256:
        raise LoadError(f"“{reading.transcoders}” holds other transcoders here than there; copy them anew.")
    return model, held


def spread(workers: Workers, reading: Reading, waiting: Iterator[Shard]) -> Generator[list[tuple[Shard, Found]]]:
    """Shards with what was found, as they end; an empty list now and then. Closing it cancels what is under way.

    What ended before a fault comes before the fault, an EngineError.
    """
    asked: dict[Future[Found], Shard] = {}
    seen = time.monotonic()
    try:
        while True:
            n_workers = workers.count()
            seen = time.monotonic() if n_workers else seen
            while len(asked) < EACH * n_workers and (shard := next(waiting, None)):
                asked[workers.executor.submit(workers.read, reading, shard.batches)] = shard
            if n_workers and not asked:
                return
            if time.monotonic() - seen > PATIENCE:
                raise EngineError("All workers are gone; what is finished is kept, so start some and ask again.")
            if not asked:
                time.sleep(LOOK)  # nothing to wait for until a worker comes
            ended, _ = wait(asked, LOOK, FIRST_COMPLETED)
            faults = [error for error in map(_error, ended) if error is not None]
            yield [(asked.pop(future), future.result()) for future in ended if _error(future) is None]
            if faults:
                raise workers.fault(faults[0])
    finally:
        for future in asked:
            future.cancel()


def _error(future: Future[Found]) -> BaseException | None:
    return CancelledError() if future.cancelled() else future.exception()

"""Workers of a Dask cluster that is there already. Nothing else names the package, which is an optional extra."""

from __future__ import annotations

import asyncio
import logging
import struct
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any

from explorer import __version__
from explorer.engine.jobs.shards import Reading, Workers, read_shard
from explorer.errors import Cancelled, EngineError
from explorer.features.windows import Batch
from explorer.work import Pause

if TYPE_CHECKING:
    from distributed import Client

    from explorer.features.collected import Found

TIMEOUT = 10.0  # seconds until a scheduler that does not answer is given up
FIRST_WORKER = 30.0  # seconds to wait for the first worker
AGAIN = "What is finished is kept: give the same command again to go on."
NO_GREETING = (OSError, ValueError, TypeError, AttributeError, LookupError, EOFError, MemoryError, struct.error)
OURS = "explorer:__version__"  # as pkgutil.resolve_name, which any Python has, finds it


@contextmanager
def cluster(address: str) -> Iterator[Workers]:
    """The workers of the scheduler at ``address``; EngineError if it does not answer or they cannot be used."""
    try:
        from distributed import Client
    except ImportError as error:
        raise EngineError(
            "A cluster needs the Python package distributed; install it beside Circuit Explorer (pip install "
            "distributed; for pipx: pipx inject circuit-explorer distributed; the packaged program cannot take it)."
        ) from error
    for name in ("distributed", "distributed.client"):  # what they log is said below, in one sentence
        logging.getLogger(name).setLevel(logging.CRITICAL)
    _knock(address)
    with Client(address, timeout=TIMEOUT, set_as_default=False, name="circuit-explorer") as client:
        _check_scheduler(client, address)
        _wait_for_one(client, address)
        yield Workers(client.get_executor(pure=False), _read, _counting(client, address), _faults(address))


def _knock(address: str) -> None:
    """EngineError if no scheduler answers: a Client that fails to connect says more than a sentence, and late."""
    from distributed import Security
    from distributed.comm import connect

    async def reach() -> None:
        async with asyncio.timeout(TIMEOUT):  # connect waits for ever for the greeting of who takes calls and is silent
            comm = await connect(address, timeout=TIMEOUT, **Security().get_connection_args("client"))
            await comm.close()

    try:
        asyncio.run(reach())
    except NO_GREETING as error:
        raise EngineError(
            f"No scheduler answers at “{address}”; start one with “dask scheduler” and give the address that it "
            "says, such as tcp://10.0.0.5:8786."
        ) from error


def _check_scheduler(client: Client, address: str) -> None:
    try:
        found = client.run_on_scheduler(resolve_name, OURS)
    except ImportError as error:
        raise EngineError(_lacks(f"The scheduler at “{address}”")) from error
    if found != __version__:
        raise EngineError(_other(f"The scheduler at “{address}”", found))


def _wait_for_one(client: Client, address: str) -> None:
    try:
        client.wait_for_workers(1, timeout=FIRST_WORKER)
    except TimeoutError as error:
        raise EngineError(f"The scheduler at “{address}” has no worker; start some: dask worker {address}.") from error


def _counting(client: Client, address: str) -> Callable[[], int]:
    """How many workers there are; EngineError if one that is new is not as it should be."""
    known: set[str] = set()

    def count() -> int:
        try:
            there = set(client.nthreads())
            if new := there - known:
                _check_workers(client, sorted(new))
        except OSError as error:
            raise EngineError(_gone(address)) from error
        known.update(new)
        return len(there)

    return count


def _check_workers(client: Client, names: list[str]) -> None:
    """Before they get a shard: one without the package would keep it and never answer."""
    for name, found in client.run(resolve_name, OURS, workers=names, on_error="return").items():
        if isinstance(found, ImportError):
            raise EngineError(_lacks(f"The worker at “{name}”"))
        if isinstance(found, str) and found != __version__:
            raise EngineError(_other(f"The worker at “{name}”", found))


def _lacks(who: str) -> str:
    return f"{who} lacks circuit-explorer; install version {__version__} there. {AGAIN}"


def _other(who: str, version: str) -> str:
    return f"{who} has version {version} of circuit-explorer; install {__version__} there, as here. {AGAIN}"


def _gone(address: str) -> str:
    return f"The scheduler at “{address}” is gone. {AGAIN}"


def _read(reading: Reading, batches: tuple[Batch, ...]) -> Found:
    """read_shard on a worker of the cluster, until its task is cancelled."""
    from distributed import get_worker

    worker = get_worker()
    return read_shard(reading, batches, _pause(worker.state.tasks, worker.get_current_task()))


def _pause(tasks: dict[str, Any], key: str) -> Pause:
    def pause() -> None:
        if key not in tasks or tasks[key].state == "cancelled":
            raise Cancelled("Cancelled.")

    return pause


def _faults(address: str) -> Callable[[BaseException], BaseException]:
    from distributed import KilledWorker

    def fault(error: BaseException) -> BaseException:
        if isinstance(error, CancelledError):
            return EngineError(_gone(address))
        if isinstance(error, KilledWorker | MemoryError):
            return EngineError(
                "A part of the text ended every worker that read it, for lack of memory most likely; give workers "
                f"more of it, or each a smaller --shard. {AGAIN}"
            )
        return error

    return fault

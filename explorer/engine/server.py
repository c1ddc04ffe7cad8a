"""The engine process: reads requests from standard input, runs jobs, answers on standard output.

    window -> engine   {"do": "run", "id", "job", "lane", "values"}   {"do": "cancel", "id"}
    engine -> window   {"event": "started", "pid", "version"}, then for each request any number of
                       {"event": "progress", ...} and {"event": "partial", "values"}, and exactly one of
                       result, failed, superseded, cancelled

Jobs run one at a time on the main thread, in the order asked. A reader thread takes requests, and with
them what stops a job: a newer request of its lane, a cancel, the end of standard input. A job stops at
its next step, or sooner if it asks ``state.should_stop()``. The engine outlives every error of a job,
and ends by itself when the window does.
"""

from __future__ import annotations

import faulthandler
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from io import BufferedIOBase, TextIOWrapper
from typing import Any

from explorer import __version__
from explorer.engine.events import BUG, OUT_OF_MEMORY
from explorer.engine.jobs import JOBS, find
from explorer.engine.lanes import Lanes, Request, Stop
from explorer.engine.memory import used_memory
from explorer.engine.progress import Pace, Reporter
from explorer.engine.protocol import Chunk, Message, decode, encode
from explorer.engine.state import EngineState
from explorer.engine.values import pack, unpack
from explorer.errors import Cancelled, EngineError, ExplorerError, Unsaid
from explorer.work import Progress, run

GRACE = 0.8  # seconds a step has to end after the window went away; the client kills after 1
NICENESS = 5  # below the window, which must stay smooth on two cores


def main(jobs: Mapping[str, str] = JOBS) -> None:
    """Be the engine on this process's standard streams. Does not return."""
    stdin, stdout = _take_streams()
    faulthandler.enable(2)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in a terminal is the window's affair
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    serve(stdin, stdout, jobs)
    os._exit(0)  # at once: nothing is left to do, and tearing torch down takes longer than the client waits


def serve(stdin: BufferedIOBase, stdout: BufferedIOBase, jobs: Mapping[str, str] = JOBS) -> None:
    """Answer the requests on ``stdin`` until it ends. Runs the jobs on the calling thread."""
    sender = Sender(stdout)
    lanes = Lanes()
    state = EngineState(should_stop=lambda: lanes.stop is not None)
    reporter = Reporter(sender.progress)
    sender.send({"event": "started", "pid": os.getpid(), "version": __version__})
    threading.Thread(target=_read, args=(stdin, lanes, sender), name="requests", daemon=True).start()
    while (request := lanes.take()) is not None:
        reporter.begin(request.id)
        answer = _answer(request, jobs, state, lanes, _Teller(request, state, reporter, sender))
        reporter.end()
        sender.write(answer)


class Sender:
    """Sends messages whole, from whichever thread. A window that is gone is noticed by the reader."""

    def __init__(self, stdout: BufferedIOBase) -> None:
        self._stdout = stdout
        self._lock = threading.Lock()

    def send(self, head: dict[str, Any]) -> None:
        self.write(encode(Message(head)))

    def write(self, chunks: list[Chunk]) -> None:
        with self._lock, suppress(OSError):
            for chunk in chunks:
                self._stdout.write(chunk)
            self._stdout.flush()

    def partial(self, id: int, made: object) -> None:
        values, arrays = pack(made)
        self.write(encode(Message({"event": "partial", "id": id, "values": values}, arrays)))

    def progress(self, id: int, progress: Progress, left: float | None) -> None:
        self.send(
            {
                "event": "progress",
                "id": id,
                "done": progress.done,
                "total": progress.total,
                "text": progress.text,
                "left": left,
                "memory": used_memory(),
            }
        )


def _take_streams() -> tuple[BufferedIOBase, BufferedIOBase]:
    """The streams of the protocol; what anything else prints to descriptor 1 goes to the log."""
    stdin = os.fdopen(os.dup(0), "rb")
    stdout = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # there is none in a windowed bundle
            stream.reconfigure(line_buffering=True, errors="backslashreplace")
    return stdin, stdout


def _read(stdin: BufferedIOBase, lanes: Lanes, sender: Sender) -> None:
    """Take requests until the stream ends or is damaged; then nothing more can be asked."""
    try:
        while (message := decode(stdin)) is not None:
            _obey(message, lanes, sender)
    except (EngineError, OSError) as error:
        _log(f"engine: {error}")
    finally:
        lanes.close()
        time.sleep(GRACE)
        os._exit(0)


def _obey(message: Message, lanes: Lanes, sender: Sender) -> None:
    head = message.head
    match head:
        case {"do": "run", "id": int(id), "job": str(job), "lane": str(lane), "values": dict(values)}:
            older = lanes.put(Request(id, job, lane, unpack(values, message.arrays)))
            if older is not None:
                sender.send({"event": "superseded", "id": older.id})
        case {"do": "cancel", "id": int(id)}:
            if lanes.cancel(id) is not None:
                sender.send({"event": "cancelled", "id": id})
        case _:
            raise EngineError("A request is not understood: window and engine are of different versions.")


class _Teller:
    """Tells the window how far a request is, and what its result would be where that is worth its time."""

    def __init__(self, request: Request, state: EngineState, reporter: Reporter, sender: Sender) -> None:
        self._id = request.id
        self._state = state
        self._reporter = reporter
        self._sender = sender
        self._pace = Pace(time.monotonic())

    def __call__(self, progress: Progress) -> None:
        self._state.raise_if_stopped()
        left, now = self._reporter.put(progress), time.monotonic()
        if progress.partial is not None and self._pace.allows(now, left):
            self._sender.partial(self._id, progress.partial())
            self._pace.took(now, time.monotonic())


def _answer(
    request: Request,
    jobs: Mapping[str, str],
    state: EngineState,
    lanes: Lanes,
    report: Callable[[Progress], None],
) -> list[Chunk]:
    """Run the request to its end and return the one answer to it, encoded."""
    try:
        state.raise_if_stopped()
        result = run(find(request.job, jobs)(state, **request.values), report)
        if lanes.stop is Stop.SUPERSEDED:
            raise Cancelled("Superseded.")
        values, arrays = pack(result)
        head = {"event": "result", "id": request.id, "values": values, "stopped": lanes.stop is not None}
        return encode(Message(head, arrays))
    except Cancelled:
        ended = "superseded" if lanes.stop is Stop.SUPERSEDED else "cancelled"
        return encode(Message({"event": ended, "id": request.id}))
    except Unsaid as error:
        asks = {"path": error.path, "name": error.name, "question": error.question, "choices": list(error.choices)}
        return _failure(request, type(error).__name__, str(error), asks=asks)
    except ExplorerError as error:
        return _failure(request, type(error).__name__, str(error))
    except Exception as error:  # noqa: BLE001 - the engine outlives every bug of a job
        if _out_of_memory(error):
            sentence = "There is not enough memory for this: keep fewer features, or use a smaller model."
            return _failure(request, OUT_OF_MEMORY, sentence)
        sentence = f"“{request.job}” failed because of a bug in Circuit Explorer ({type(error).__name__})."
        return _failure(request, BUG, sentence)


def _failure(request: Request, kind: str, sentence: str, **more: object) -> list[Chunk]:
    """The answer to a request whose error is being handled; the log gets it as well."""
    details = traceback.format_exc()
    _log(f"{request.job} #{request.id}: {details}")
    head = {"event": "failed", "id": request.id, "kind": kind, "error": sentence, "details": details, **more}
    return encode(Message(head))


def _out_of_memory(error: Exception) -> bool:
    """torch has its own class for a GPU and a bare RuntimeError for the processor."""
    return (
        isinstance(error, MemoryError)
        or type(error).__name__ == "OutOfMemoryError"
        or "DefaultCPUAllocator" in str(error)
    )


def _log(text: str) -> None:
    if sys.stderr is not None:
        sys.stderr.write(text.rstrip() + "\n")

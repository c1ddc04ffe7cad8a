"""Child: one engine process as its window sees it, from start to end.

Two threads serve it. The writer lets ``ask`` return at once, whatever the engine is busy with (while it
imports torch it may not read for a fifth of a second); the reader hears the answers and the death.
"""

from __future__ import annotations

import queue
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from io import BufferedIOBase
from pathlib import Path
from typing import Any, cast

from explorer.engine.command import environment
from explorer.engine.events import (
    CancelledEvent,
    Died,
    Event,
    Failed,
    Partial,
    ProgressEvent,
    Result,
    Started,
    Superseded,
)
from explorer.engine.log import log_tail, open_log
from explorer.engine.protocol import Chunk, Message, OtherProtocol, StreamEnded, decode, encode
from explorer.engine.values import unpack
from explorer.errors import EngineError

PATIENCE = 1.0  # seconds the engine has to end by itself
STOPPED = "The engine stopped before this was done."
NO_ENGINE = "“{}” answers, but not as an engine does; give a command that ends in “circuit-explorer engine”."


class Child:
    """A running engine; every request given to ``ask`` is answered by one event, death included.

    ``on_event`` is called on the reader thread, never while a lock is held.
    """

    def __init__(self, command: list[str], log: Path, on_event: Callable[[Event], None]) -> None:
        self._on_event = on_event
        self._program = command[0]
        self._heard = False
        self._log = log
        self._lock = threading.Lock()
        self._jobs: dict[int, str] = {}
        self._ended = False
        self._silent = False
        self._dismissed = ""
        self._outbox: queue.SimpleQueue[list[Chunk] | None] = queue.SimpleQueue()
        self._process, self._log_start = _start(command, log)
        self._reader = threading.Thread(target=self._read, name="engine reader", daemon=True)
        self._writer = threading.Thread(target=self._write, name="engine writer", daemon=True)
        self._reader.start()
        self._writer.start()

    @property
    def alive(self) -> bool:
        """Whether it takes requests; turns False before the first event about its death."""
        return not self._ended

    @property
    def pid(self) -> int:
        return self._process.pid

    def ask(self, id: int, job: str, message: Message) -> None:
        """Send a request whose answer will carry ``id``. Raises EngineError if the engine is dead."""
        chunks = encode(message)
        with self._lock:
            if self._ended:
                raise EngineError("The engine is not running: start it again.")
            self._jobs[id] = job
            self._outbox.put(chunks)

    def tell(self, message: Message) -> None:
        """Send what has no answer of its own; nothing happens if the engine is dead."""
        self._outbox.put(encode(message))

    def end(self, why: str = "") -> None:
        """End the process for good, at once if ``why`` says why, else giving it a second to leave.

        With ``why`` each request under way is told Failed with it; without, nothing more is told.
        """
        with self._lock:
            self._dismissed = why
            self._silent = not why
        self._outbox.put(None)
        if not why:
            self._join(PATIENCE)
        if self._reader.is_alive():
            self._process.kill()
        self._join(PATIENCE)

    def _join(self, seconds: float) -> None:
        for thread in (self._reader, self._writer):
            if thread is not threading.current_thread():
                thread.join(seconds)

    def _write(self) -> None:
        stdin = self._process.stdin
        assert stdin is not None
        with suppress(OSError):  # the engine is gone: the reader tells
            while (chunks := self._outbox.get()) is not None:
                for chunk in chunks:
                    stdin.write(chunk)
                stdin.flush()
        with suppress(OSError):
            stdin.close()

    def _read(self) -> None:
        stdout = cast(BufferedIOBase, self._process.stdout)
        fault = ""
        try:
            while (message := decode(stdout)) is not None:
                self._hear(message)
        except StreamEnded:
            pass  # it died while it spoke, which the return code tells
        except EngineError as error:
            is_engine = self._heard or isinstance(error, OtherProtocol)
            fault = str(error) if is_engine else NO_ENGINE.format(self._program)
            self._process.kill()
        finally:
            self._bury(fault)

    def _hear(self, message: Message) -> None:
        self._heard = True
        id = message.head.get("id", 0)
        event = _event(message, self._jobs.get(id, ""))
        if not isinstance(event, Started | ProgressEvent | Partial):
            with self._lock:
                self._jobs.pop(id, None)
        if not self._silent:
            self._on_event(event)

    def _bury(self, fault: str) -> None:
        """Wait for the process to be gone, then tell what that means, once."""
        returncode = self._wait()
        stdout = self._process.stdout
        assert stdout is not None
        stdout.close()
        with self._lock:
            self._ended = True
            jobs, self._jobs = self._jobs, {}
        self._outbox.put(None)
        if self._silent:
            return
        why = self._dismissed or STOPPED
        for id, job in jobs.items():
            self._on_event(Failed(id, job, EngineError.__name__, why))
        if not self._dismissed:
            reason = fault or f"The engine stopped ({_manner(returncode)})."
            self._on_event(Died(returncode, reason, log_tail(self._log, self._log_start)))

    def _wait(self) -> int:
        try:
            return self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:  # it closed its output and lives on
            self._process.kill()
            return self._process.wait()


def _event(message: Message, job: str) -> Event:
    """The event that a message of the engine tells of."""
    match message.head:
        case {"event": "started", "pid": int(pid), "version": str(version)}:
            return Started(pid, version)
        case {"event": "progress", "id": int(id), "done": done, "total": total, "text": text, **rest}:
            return ProgressEvent(id, done, total, text, rest.get("left"), rest.get("memory", 0))
        case {"event": "partial", "id": int(id), "values": dict(values)}:
            return Partial(id, job, unpack(values, message.arrays))
        case {"event": "result", "id": int(id), "values": dict(values), "stopped": bool(stopped)}:
            return Result(id, job, unpack(values, message.arrays), stopped)
        case {"event": "failed", "id": int(id), "kind": str(kind), "error": str(error), **rest}:
            return Failed(id, job, kind, error, rest.get("details", ""), rest.get("asks", {}))
        case {"event": "superseded", "id": int(id)}:
            return Superseded(id)
        case {"event": "cancelled", "id": int(id)}:
            return CancelledEvent(id)
    raise EngineError("The engine sent what is not understood: window and engine are of different versions.")


def _start(command: list[str], log: Path) -> tuple[subprocess.Popen[bytes], int]:
    """The process, and how long the log was before it."""
    stderr = open_log(log)
    start = stderr.tell() if stderr else 0
    options: dict[str, Any] = {}
    if sys.platform == "win32":
        options["creationflags"] = subprocess.CREATE_NO_WINDOW | subprocess.BELOW_NORMAL_PRIORITY_CLASS
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr or subprocess.DEVNULL,
            env=environment(command),
            **options,
        )
    except OSError as error:
        raise EngineError(_not_started(command[0], error)) from error
    finally:
        if stderr:
            stderr.close()
    return process, start


def _not_started(program: str, error: OSError) -> str:
    if isinstance(error, FileNotFoundError) and Path(program).is_file():  # a script of an environment that was moved
        return f"The engine “{program}” begins with the path of a program that is gone; install that engine again."
    if isinstance(error, FileNotFoundError):
        advice = "give the full path of the program, in quotation marks if it has blanks"
        return f"The engine “{program}” was not found; {advice}."
    if isinstance(error, PermissionError):
        return f"The engine “{program}” is not a file that can be run; name the program itself and make it executable."
    reason = error.strerror or error
    return f"The engine “{program}” could not be started ({reason}); choose another in the preferences."


def _manner(returncode: int) -> str:
    return f"signal {-returncode}" if returncode < 0 else f"exit code {returncode}"

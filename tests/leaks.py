"""What a test may leave behind: threads and processes, and in Qt windows, threads and timers."""

from __future__ import annotations

import gc
import threading
import time
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

GRACE = 2.0  # seconds in which what was told to stop may still be stopping
KEPT_PROCESSES: set[int] = set()  # by their ids: what tests lend each other


class Leaks:
    """The threads and child processes that were not there when this was made."""

    def __init__(self) -> None:
        self._threads = set(threading.enumerate())
        self._children = set(_children())

    def close(self) -> list[str]:
        return _settled(self._found)

    def _found(self) -> list[str]:
        threads = [
            f"thread {thread.name}"
            for thread in threading.enumerate()
            if thread not in self._threads and thread.is_alive() and not thread.daemon
        ]
        children = [
            f"process {pid} ({command})"
            for pid, command in _children().items()
            if pid not in self._children
        ]
        return threads + children


class QtLeaks:
    """The windows that were not there when this was made, and the QThreads and QTimers started since."""

    def __init__(self) -> None:
        from PySide6.QtCore import QThread, QTimer

        self._windows = set(_windows())
        self._started: list[weakref.ref[Any]] = []
        self._restore = [self._record(QThread), self._record(QTimer)]

    def close(self) -> list[str]:
        for restore in self._restore:
            restore()
        _delete_later()
        found = self._found()
        if found:  # collecting costs a tenth of a second, so only where it can help
            gc.collect()
            _delete_later()
            found = _settled(self._found)
        return found

    def _record(self, kind: Any) -> Callable[[], None]:
        """Note whose ``start`` is called, until the returned function is."""
        original = kind.start
        started = self._started

        def start(self: Any, *args: Any) -> None:
            started.append(weakref.ref(self))
            try:
                original(self, *args)
            except TypeError:  # connected to a signal that carries more; Qt's own slot would drop it
                original(self)

        kind.start = start

        def restore() -> None:
            kind.start = original

        return restore

    def _found(self) -> list[str]:
        import shiboken6
        from PySide6.QtCore import QThread, QThreadPool

        windows = [f"window {text}" for key, text in _windows().items() if key not in self._windows]
        objects = [reference() for reference in self._started]
        alive = {id(each): each for each in objects if each is not None and shiboken6.isValid(each)}
        running = [
            f"running {type(each).__name__} {each.objectName()}".rstrip()
            for each in alive.values()
            if (each.isRunning() if isinstance(each, QThread) else each.isActive())
        ]
        pool = QThreadPool.globalInstance().activeThreadCount()
        return windows + running + ([f"{pool} busy threads of the pool"] if pool else [])


def _settled(found: Callable[[], list[str]]) -> list[str]:
    """What is still found after the grace; at once when nothing is."""
    end = time.monotonic() + GRACE
    while (leaks := found()) and time.monotonic() < end:
        time.sleep(0.02)
    return leaks


def _children() -> dict[int, str]:
    """The running children of this process by id (Linux only), without multiprocessing's helper and what is kept."""
    found = {}
    for listing in Path("/proc/self/task").glob("*/children"):
        try:
            pids = [int(pid) for pid in listing.read_text().split()]
        except OSError:
            continue
        for pid in pids:
            command = None if pid in KEPT_PROCESSES else _command(pid)
            if command is not None and "resource_tracker" not in command:
                found[pid] = command
    return found


def _command(pid: int) -> str | None:
    """The command line of process ``pid``, empty while it is being started; None once it has ended."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        line = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return None
    return None if state in "ZX" else line.replace(b"\0", b" ").decode(errors="replace").strip()


def _windows() -> dict[int, str]:
    """Qt's top-level widgets by address; its shared tooltip lives as long as the application."""
    import shiboken6
    from PySide6.QtWidgets import QApplication

    return {
        shiboken6.getCppPointer(widget)[0]: f"{type(widget).__name__} {widget.objectName()}".rstrip()
        for widget in QApplication.topLevelWidgets()
        if widget.metaObject().className() != "QTipLabel" and widget.parent() is None
    }


def _delete_later() -> None:
    """Carry out every pending deleteLater."""
    from PySide6.QtCore import QCoreApplication, QEvent

    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)

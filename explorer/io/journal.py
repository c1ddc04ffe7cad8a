"""Autosave: the edits of an open document as a journal, offered back after a crash.

A journal is a folder in the user's data folder with ``base.circuit`` (the graph, written once), ``lock.json`` (which
process writes it, and for which document) and ``edits.jsonl`` (one line per state: time, number, edits). A line that a
crash cut short is ignored. A journal whose process is gone, or that was left with unsaved edits, is a Recovery; one
closed in order does not exist.

Documents are imported when there is one: the window, which looks for journals, opens faster without.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from platformdirs import user_data_path

from explorer.circuits.graph import Graph
from explorer.errors import LoadError, SaveError
from explorer.io import atomic
from explorer.io.settings_file import APP
from explorer.session.edits import Edits
from explorer.session.edits_json import from_json, to_json

_MANY = 16_000_000  # bytes of lines, after which only the newest is kept
_BASE, _LOCK, _EDITS = "base.circuit", "lock.json", "edits.jsonl"


@dataclass(frozen=True)
class Recovery:
    """Edits that were never saved: of ``document`` (its path; empty if it had none), ``n_edits`` states up to ``time``.

    ``time`` is in seconds since 1970; ``crashed`` says that the program did not leave the document by itself.
    """

    folder: Path
    document: str
    n_edits: int
    time: float
    crashed: bool = True


def journals_path() -> Path:
    return user_data_path(APP, appauthor=False) / "journals"


class Journal:
    """Writes the journal of one open document; SaveError if the user's data folder cannot be written.

    ``saved`` are the edits that ``document`` holds; None for a graph that was never saved or that was restored, so
    that the first state is noted whatever it is.
    """

    def __init__(self, graph: Graph, saved: Edits | None, document: Path | None = None) -> None:
        from explorer.io import circuit_file

        self.folder = journals_path() / f"{int(time.time())}-{os.getpid()}-{secrets.token_hex(4)}"
        atomic.make_folder(self.folder.parent)
        with atomic.new_folder(self.folder) as new:
            _write_lock(new, document)
            circuit_file.save(new / _BASE, graph, saved or Edits())
        self._last = saved
        self._count = 0
        self._file: BinaryIO | None = None

    def note(self, edits: Edits) -> None:
        """Append ``edits`` and see that they are on disk; nothing is written if they are the last noted."""
        if edits is self._last or edits == self._last:
            return
        entry = {"time": time.time(), "number": self._count + 1, "edits": to_json(edits)}
        try:
            self._append(json.dumps(entry).encode() + b"\n")
        except OSError as error:
            raise SaveError(atomic.sentence(self.folder / _EDITS, error)) from error
        self._last = edits
        self._count += 1

    def saved(self, document: Path, graph: Graph, edits: Edits) -> None:
        """Begin anew: everything up to ``edits`` is in ``document``."""
        from explorer.io import circuit_file

        self._close_file()
        circuit_file.save(self.folder / _BASE, graph, edits)
        with contextlib.suppress(OSError):
            (self.folder / _EDITS).unlink(missing_ok=True)
        _write_lock(self.folder, document)
        self._last, self._count = edits, 0

    def close(self) -> None:
        """The document was closed in order: the journal goes."""
        self._close_file()
        discard_folder(self.folder)

    def leave(self) -> None:
        """The document was left with edits that were not saved: the journal stays and is offered."""
        self._close_file()
        lock = _json(self.folder / _LOCK)
        atomic.write(self.folder / _LOCK, json.dumps({**lock, "pid": 0, "left": True}).encode())

    def _append(self, line: bytes) -> None:
        """Write ``line`` behind the others, or in their place once they are many: only the last one counts."""
        if self._file is not None and self._file.tell() > _MANY:
            self._close_file()
            atomic.write(self.folder / _EDITS, line)
            return
        if self._file is None:
            self._file = (self.folder / _EDITS).open("ab")
        self._file.write(line)
        self._file.flush()
        os.fsync(self._file.fileno())

    def _close_file(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


def _write_lock(folder: Path, document: Path | None) -> None:
    lock = {"pid": os.getpid(), "started": _started(os.getpid()), "document": str(document or "")}
    atomic.write(folder / _LOCK, json.dumps(lock).encode())


def recoverable() -> list[Recovery]:
    """What can be restored, newest first. Journals of running programs are left alone, empty ones removed."""
    found = []
    folders = sorted(journals_path().iterdir()) if journals_path().is_dir() else []
    for folder in folders:
        lock = _json(folder / _LOCK)
        if not folder.is_dir() or _is_running(lock) or _is_new(folder):
            continue
        state = _last_state(folder)
        if state is not None and (folder / _BASE).is_file():
            crashed = lock.get("left") is not True
            found.append(Recovery(folder, str(lock.get("document", "")), state[1], state[0], crashed))
        else:
            discard_folder(folder)
    return sorted(found, key=lambda recovery: -recovery.time)


def restore(recovery: Recovery) -> tuple[Graph, Edits, Edits]:
    """The graph, the edits that were saved and the last ones; LoadError if the journal is damaged.

    The journal stays until ``discard``.
    """
    from explorer.io import circuit_file

    graph, saved = circuit_file.open_circuit(recovery.folder / _BASE)
    state = _last_state(recovery.folder)
    if state is None:
        raise LoadError(f"“{recovery.folder}” holds no edits any more; open the document itself.")
    return graph, saved, state[2]


def discard(recovery: Recovery) -> None:
    """Remove the journal for good."""
    discard_folder(recovery.folder)


def discard_folder(folder: Path) -> None:
    """Remove a journal's folder, the edits first, so that half a removal is not taken for a journal."""
    with contextlib.suppress(OSError):
        (folder / _EDITS).unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)


def _last_state(folder: Path) -> tuple[float, int, Edits] | None:
    """Time, number and edits of the last line that is whole."""
    try:
        lines = (folder / _EDITS).read_bytes().split(b"\n")
    except OSError:
        return None
    for line in reversed(lines):
        with contextlib.suppress(ValueError, TypeError, KeyError, RecursionError, LoadError):
            entry = json.loads(line)
            return float(entry["time"]), int(entry["number"]), from_json(entry["edits"])
    return None


def _is_new(folder: Path) -> bool:
    """Whether ``folder`` may be a journal that another window is just making (atomic.new_folder)."""
    try:
        return folder.name.startswith(".") and time.time() - folder.stat().st_mtime < 3600
    except OSError:
        return True


def _json(path: Path) -> dict[str, Any]:
    try:
        table = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return table if isinstance(table, dict) else {}


def _is_running(lock: dict[str, Any]) -> bool:
    """Whether the process that wrote ``lock`` still runs; a number taken by another process does not count."""
    pid = lock.get("pid")
    if type(pid) is not int or pid <= 0 or not _exists(pid):
        return False
    return lock.get("started") in (None, "") or lock["started"] == _started(pid)


def _exists(pid: int) -> bool:
    if os.name == "nt":
        return _exists_on_windows(pid)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


def _exists_on_windows(pid: int) -> bool:
    """As ``_exists``; there os.kill would end the process."""
    import ctypes

    windows: Any = getattr(ctypes, "windll").kernel32  # noqa: B009 (mypy on other systems does not know it)
    handle = windows.OpenProcess(0x1000, False, pid)  # PROCESS_QUERY_LIMITED_INFORMATION
    if not handle:
        return False
    code = ctypes.c_ulong()
    windows.GetExitCodeProcess(handle, ctypes.byref(code))
    windows.CloseHandle(handle)
    return code.value == 259  # STILL_ACTIVE


def _started(pid: int) -> str:
    """When the process began, as Linux counts it; "gone" if only its number is left, empty where that is not told."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
    except OSError:
        return ""
    fields = text.rsplit(")", 1)[-1].split()
    return "gone" if fields[0] in ("Z", "X") else fields[19]

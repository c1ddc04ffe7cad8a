"""The engine's log file: where its standard error and everything its libraries print goes.

It is opened here and not in ``io`` because it is a stream of a process, not a file with a format.
"""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from platformdirs import user_log_path

MAX_BYTES = 1 << 20
TAIL = 8000
LONGEST = 300  # characters of a line that is quoted in a sentence
COLOURS = re.compile(r"\x1b\[[0-9;]*m")  # as a terminal takes them


def default_log() -> Path:
    """Where the log lies unless someone says otherwise."""
    return user_log_path("circuit-explorer", appauthor=False) / "engine.log"


def trial_log() -> Path:
    """Where an engine that is only tried out writes, so that its words do not mix with those of the one in use."""
    return default_log().with_name("engine-trial.log")


def open_log(path: Path) -> BinaryIO | None:
    """The log, to be appended to; None where it cannot be written, which must not stop the engine.

    A log over ``MAX_BYTES`` becomes ``<name>.1`` first, so two files at most lie about.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with suppress(OSError):  # gone, or held open by another window on Windows: then it grows on
            if path.stat().st_size > MAX_BYTES:
                path.replace(path.with_name(path.name + ".1"))
        return path.open("ab")
    except OSError:
        return None


def log_tail(path: Path, start: int) -> str:
    """The end of what was logged from byte ``start`` on; empty if the log cannot be read."""
    try:
        with path.open("rb") as log:
            size = log.seek(0, 2)
            log.seek(max(start if start <= size else 0, size - TAIL))
            return log.read().decode("utf-8", errors="replace")
    except OSError:
        return ""


def last_line(text: str) -> str:
    """The last line of ``text`` that says something, cut if it is long: of a traceback, what went wrong."""
    lines = (COLOURS.sub("", line).strip() for line in reversed(text.splitlines()))
    line = next(filter(None, lines), "")
    return line if len(line) <= LONGEST else f"{line[:LONGEST]}…"

"""What the command line says: progress on standard error, results on standard output."""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Mapping
from typing import Any

from explorer.engine.progress import Forecast
from explorer.work import Progress

EVERY = 0.1  # seconds between two lines of progress on a terminal
EVERY_LOG = 5.0  # and elsewhere


class ProgressLine:
    """One line of progress on standard error with a forecast, rewritten in place on a terminal."""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._last = time.monotonic()
        self._forecast = Forecast()
        self._written = False

    def __call__(self, progress: Progress) -> None:
        now = time.monotonic()
        left = self._forecast.left(progress, now)
        if now - self._last < (EVERY if self._terminal else EVERY_LOG):
            return
        self._last = now
        text = _line(progress, left)
        print(f"\r\x1b[K{text}" if self._terminal else text, end="" if self._terminal else "\n", file=sys.stderr)
        sys.stderr.flush()
        self._written = True

    def close(self) -> None:
        """Take the line away, so that what follows starts on a clean one."""
        if self._written and self._terminal:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def _line(progress: Progress, left: float | None) -> str:
    if not progress.total:
        return progress.text
    share = f"{progress.text}: {100 * progress.done // progress.total} %"
    return share if left is None else f"{share}, {left:.0f} s left"


def result(values: Mapping[str, Any], text: str, *, as_json: bool) -> None:
    """Print ``values`` as one JSON object, or ``text``. NaN becomes null."""
    print(json.dumps(_without_nan(values), ensure_ascii=False) if as_json else text)


def _without_nan(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(item) for item in value]
    return value

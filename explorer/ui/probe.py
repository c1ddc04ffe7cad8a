"""The check that PySide6 and Python go together.

PySide6 6.12.0 on CPython 3.11 gives away one reference of None with nearly every call; when they are used up, minutes
later, the process aborts. 64 calls spend too few to do harm and show it for certain.
"""

from __future__ import annotations

import platform
import sys

import PySide6
from PySide6.QtCore import QTimer

from explorer.errors import ExplorerError

CALLS = 64


def check_none_references() -> str:
    """The two versions, if they go together; ExplorerError if not. Call it before other threads start."""
    timer = QTimer()
    before = sys.getrefcount(None)
    for _ in range(CALLS):
        timer.stop()
    versions = f"PySide6 {PySide6.__version__} on Python {platform.python_version()}"
    if before - sys.getrefcount(None) > CALLS // 2:
        raise ExplorerError(
            f"{versions} would abort within minutes: install PySide6 6.11.3 or use Python 3.12 or newer."
        )
    return versions

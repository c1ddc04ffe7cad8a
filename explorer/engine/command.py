"""How an engine is started: the command and the environment it gets."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path


def default_command() -> list[str]:
    """How this program starts its own engine.

    ``-P`` keeps the working folder out of the import path: a model's folder may hold a ``torch.py``.
    """
    if _frozen():
        return [sys.executable, "engine"]
    return [sys.executable, "-P", "-m", "explorer", "engine"]


def command_of(text: str) -> list[str]:
    """The program and its arguments in ``text``, split as a shell would, but run without one; empty for our own.

    Text whose quotation marks do not close stays one word, so that whoever starts it is told that it was not found.
    """
    try:
        words = shlex.split(text, posix=os.name != "nt")
    except ValueError:
        return [text]
    if os.name == "nt":  # there a backslash is a part of the path, and the marks stay on
        words = [word.strip('"') for word in words]
    return [os.path.expanduser(words[0]), *words[1:]] if words else []


def environment(command: list[str]) -> dict[str, str]:
    """The variables the engine gets.

    Our own Python finds the ``explorer`` that this process runs, also where that is not installed.
    Another program started from the bundle must not see the bundle's libraries, which PyInstaller puts
    in front by LD_LIBRARY_PATH, keeping the user's own value under a second name.
    """
    variables = dict(os.environ)
    ours = command[0] == sys.executable
    root = Path(__file__).resolve().parents[2]
    if ours and not _frozen() and root.name not in ("site-packages", "dist-packages"):
        variables["PYTHONPATH"] = os.pathsep.join(filter(None, [str(root), variables.get("PYTHONPATH")]))
    if _frozen() and not ours:
        own = variables.pop("LD_LIBRARY_PATH_ORIG", "")
        variables.pop("LD_LIBRARY_PATH", None)
        if own:
            variables["LD_LIBRARY_PATH"] = own
    return variables


def _frozen() -> bool:
    return bool(getattr(sys, "frozen", False))

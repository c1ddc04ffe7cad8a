"""Circuit Explorer shows why a language model said what it said."""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

PUBLIC = ("open_model", "open_transcoders", "attribute", "prune", "intervene", "open_graph", "save")


def __getattr__(name: str) -> Any:
    """The Python interface, imported when it is first asked for: the window needs none of it."""
    if name in PUBLIC:
        return getattr(import_module("explorer.api"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

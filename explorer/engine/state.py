"""EngineState: what the engine keeps between jobs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from explorer.errors import Cancelled


def never() -> bool:
    """No one asks to stop: the answer of the in-process form."""
    return False


@dataclass
class EngineState:
    """Open models and transcoders by path and what was told of them, fingerprints of weights, prompts ready for
    interventions, when files were looked at, and whether the running job is to stop.

    The one mutable thing in the engine; jobs run one at a time, so it needs no lock. ``should_stop``
    may be called from any thread, as often as one likes.
    """

    models: dict[str, object] = field(default_factory=dict)
    transcoders: dict[str, object] = field(default_factory=dict)
    should_stop: Callable[[], bool] = never
    digests: dict[object, str] = field(default_factory=dict)
    subjects: dict[object, Any] = field(default_factory=dict)
    told: dict[str, dict[str, str]] = field(default_factory=dict)
    stamps: dict[str, tuple[float, str]] = field(default_factory=dict)

    def raise_if_stopped(self) -> None:
        """Raise Cancelled if the running job has been asked to stop: for the inside of a long step."""
        if self.should_stop():
            raise Cancelled("Cancelled.")

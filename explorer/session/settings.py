"""Settings: what a person prefers and where the window stood, as one value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from explorer.session.page import Wish

THEMES = ("system", "light", "dark")
DEVICES = ("auto", "cpu", "cuda", "mps")
DTYPES = ("float32", "float64", "bfloat16")
TEXT_SCALES = (90, 150)
MAX_RECENT = 12
MAX_THREADS = 256


@dataclass(frozen=True)
class Recent:
    """Something opened before. ``opened`` is an ISO time with zone, ``about`` its prompt, ``size`` what it holds.

    ``features`` of a model are the folder of its transcoders or ``neurons``.
    """

    path: str
    opened: str
    about: str = ""
    size: str = ""
    features: str = ""


@dataclass(frozen=True)
class Settings:
    """Preferences. ``text_scale`` in per cent; ``threads`` 0 lets torch choose; ``engine_command`` empty: our own.

    ``geometry`` and ``docks`` are what Qt saved of window and panels, as base64 text. ``recent`` is newest first.
    ``overview`` says whether the canvas shows the whole graph in its corner while not all of it is in view.
    ``evidence`` is the folder of the index of features by the SHA-256 of their transcoders. ``picture`` is how the last
    figure was wanted.
    """

    theme: str = "system"
    text_scale: int = 100
    device: str = "auto"
    dtype: str = "float32"
    threads: int = 0
    engine_command: str = ""
    recent: tuple[Recent, ...] = ()
    geometry: str = ""
    docks: str = ""
    overview: bool = True
    evidence: Mapping[str, str] = field(default_factory=dict)
    picture: Wish = field(default_factory=Wish)


def remember(settings: Settings, recent: Recent) -> Settings:
    """Put ``recent`` first; an older entry of the same path goes, and the oldest of too many."""
    others = tuple(old for old in settings.recent if old.path != recent.path)
    return replace(settings, recent=(recent, *others)[:MAX_RECENT])


def forget(settings: Settings, path: str) -> Settings:
    return replace(settings, recent=tuple(recent for recent in settings.recent if recent.path != path))


def scaled(settings: Settings, percent: int) -> Settings:
    """Set the text scale, within its limits."""
    least, most = TEXT_SCALES
    return replace(settings, text_scale=min(max(percent, least), most))

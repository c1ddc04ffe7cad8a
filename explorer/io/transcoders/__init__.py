"""Transcoder files into the canonical TranscoderSet; the table of formats is explorer.io.transcoder_formats."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Protocol, cast, runtime_checkable

from explorer.errors import UnsupportedTranscoder
from explorer.io import answers
from explorer.io.transcoder_formats import FORMATS, Format, find
from explorer.transcoders.transcoder import TranscoderSet
from explorer.work import Pause, go_on


@runtime_checkable
class Reader(Protocol):
    """What a module of this package offers.

    ``read`` gives the set in the dtype it is stored in, calls ``pause`` between layers, and raises LoadError (or its
    UnsupportedTranscoder) for what cannot be read exactly. ``told`` are answers to what the files do not say: a
    missing one is asked by raising Unsaid (explorer.io.answers has ``choice`` and ``count``).
    """

    def read(self, path: Path, told: Mapping[str, str], pause: Pause = go_on) -> TranscoderSet: ...


def reader(row: Format) -> Reader:
    """The module that reads the layout ``row``."""
    return cast(Reader, import_module(f"{__name__}.{row.reader}"))


def read(path: Path, pause: Pause = go_on, told: Mapping[str, str] | None = None) -> TranscoderSet:
    """The transcoders in the file or folder ``path``, whatever known format it has, in the dtype they are stored in.

    ``pause`` is called between layers. ``told`` says what the files do not (``{"k": "64"}``); once it has helped to
    read them it is remembered and need not be said again. LoadError, UnsupportedTranscoder or Unsaid otherwise.
    """
    if not path.exists():
        raise UnsupportedTranscoder(f"“{path}” does not exist; check the path.")
    row = find(path)
    if row is None:
        known = ", ".join(row.title for row in FORMATS)
        raise UnsupportedTranscoder(
            f"“{path}” holds no transcoders in a format that is read here ({known}); pick another folder."
        )
    given = answers.Given(path, told, answers.OF_TRANSCODERS)
    held = reader(row).read(path, given, pause)
    given.keep()
    return held

"""Transcoder files into the canonical TranscoderSet; READERS is the table of formats."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from explorer.errors import UnsupportedTranscoder
from explorer.io.transcoders import circuit_tracer
from explorer.transcoders.transcoder import TranscoderSet
from explorer.work import Pause, go_on


class Reader(Protocol):
    """What a module of this package offers."""

    TITLE: str

    def claims(self, folder: Path) -> bool: ...

    def read(self, folder: Path, pause: Pause = go_on) -> TranscoderSet: ...


READERS: tuple[Reader, ...] = (circuit_tracer,)


def read(folder: Path, pause: Pause = go_on) -> TranscoderSet:
    """The transcoders of ``folder``, whatever known format it has, in the dtype they are stored in.

    ``pause`` is called between layers.

    LoadError (or its UnsupportedTranscoder) if there are none or they cannot be read exactly.
    """
    if not folder.exists():
        raise UnsupportedTranscoder(f"“{folder}” does not exist; check the path.")
    if not folder.is_dir():
        raise UnsupportedTranscoder(f"“{folder}” is a file; pick the folder with the transcoders of all layers.")
    for reader in READERS:
        if reader.claims(folder):
            return reader.read(folder, pause)
    known = ", ".join(reader.TITLE for reader in READERS)
    raise UnsupportedTranscoder(
        f"“{folder}” holds no transcoders in a format that is read here ({known}); pick another folder."
    )

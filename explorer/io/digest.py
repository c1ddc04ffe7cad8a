"""A fingerprint of files, for provenance."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from explorer.errors import LoadError
from explorer.io.magic import unreadable
from explorer.work import Pause, go_on

WHOLE_UP_TO = 2_000_000_000
_HEAD = 1_000_000
_BLOCK = 1 << 24


def digest(files: Iterable[Path], pause: Pause = go_on) -> str:
    """SHA-256 over the names and contents of ``files``, in hexadecimal; the order does not matter.

    Above 2 GB in all, only names, sizes and the first megabyte of each (where a safetensors header is) are
    hashed, since reading everything would take longer than attributing; the text then begins with
    ``partial-``. ``pause`` is called every 16 MB.
    """
    paths = sorted(files, key=lambda path: path.name)
    try:
        sizes = [path.stat().st_size for path in paths]
        whole = sum(sizes) <= WHOLE_UP_TO
        total = hashlib.sha256()
        for path, size in zip(paths, sizes, strict=True):
            total.update(f"{path.name}\0{size}\0".encode("utf-8", "surrogateescape"))
            total.update(_contents(path, whole, pause))
    except OSError as error:
        raise LoadError(unreadable(Path(error.filename or "file"), error)) from error
    return total.hexdigest() if whole else f"partial-{total.hexdigest()}"


def _contents(path: Path, whole: bool, pause: Pause) -> bytes:
    with path.open("rb") as file:
        if not whole:
            return hashlib.sha256(file.read(_HEAD)).digest()
        total = hashlib.sha256()
        while block := file.read(_BLOCK):
            pause()
            total.update(block)
        return total.digest()

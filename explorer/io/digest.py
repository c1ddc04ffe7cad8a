"""A fingerprint of files, for provenance."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from explorer.errors import LoadError
from explorer.io.magic import unreadable

WHOLE_UP_TO = 2_000_000_000
_HEAD = 1_000_000


def digest(files: Iterable[Path]) -> str:
    """SHA-256 over the names and contents of ``files``, in hexadecimal; the order does not matter.

    Above 2 GB in all, only names, sizes and the first megabyte of each (where a safetensors header is) are
    hashed, since reading everything would take longer than attributing; the text then begins with
    ``partial-``.
    """
    paths = sorted(files, key=lambda path: path.name)
    try:
        sizes = [path.stat().st_size for path in paths]
        whole = sum(sizes) <= WHOLE_UP_TO
        total = hashlib.sha256()
        for path, size in zip(paths, sizes, strict=True):
            total.update(f"{path.name}\0{size}\0".encode("utf-8", "surrogateescape"))
            total.update(_contents(path, whole))
    except OSError as error:
        raise LoadError(unreadable(Path(error.filename or "file"), error)) from error
    return total.hexdigest() if whole else f"partial-{total.hexdigest()}"


def _contents(path: Path, whole: bool) -> bytes:
    with path.open("rb") as file:
        if whole:
            return hashlib.file_digest(file, "sha256").digest()
        return hashlib.sha256(file.read(_HEAD)).digest()

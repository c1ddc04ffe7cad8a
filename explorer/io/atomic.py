"""Files and folders that are either written whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from explorer.errors import SaveError

_REASONS = {
    errno.ENOSPC: "the disk is full; free some space or save elsewhere",
    errno.EDQUOT: "the disk quota is used up; free some space or save elsewhere",
    errno.EACCES: "this folder may not be written; save elsewhere",
    errno.EPERM: "this folder may not be written; save elsewhere",
    errno.EROFS: "the disk is read-only; save elsewhere",
    errno.ENOENT: "its folder does not exist; create it or save elsewhere",
    errno.ENOTDIR: "its folder does not exist; create it or save elsewhere",
    errno.EISDIR: "there is a folder of that name; choose another name",
    errno.ENAMETOOLONG: "the name is too long; choose a shorter one",
    errno.EFBIG: "the disk does not take a file of that size; save elsewhere",
}


def check_writable(path: Path) -> None:
    """SaveError if ``path`` could not be written now; asked before long work whose result goes there."""
    path = path.resolve()
    if path.is_dir():
        raise SaveError(sentence(path, IsADirectoryError(errno.EISDIR, "")))
    _check_regular(path)
    if not path.parent.is_dir():
        raise SaveError(sentence(path, FileNotFoundError(errno.ENOENT, "")))
    if not os.access(path.parent, os.W_OK):
        raise SaveError(sentence(path, PermissionError(errno.EACCES, "")))


def _check_regular(path: Path) -> None:
    """SaveError if ``path`` is a device, pipe or socket: renaming a file over it would remove it."""
    if path.exists() and not path.is_file():
        raise SaveError(f"“{path}” is no ordinary file and was left alone; choose another name.")


def write(path: Path, data: bytes) -> None:
    """Make ``data`` the content of ``path``; SaveError, and the old content stays, if that fails."""
    with replacing(path) as file:
        file.write(data)


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A new file that becomes ``path`` when the block ends, or vanishes when it raises.

    It is written beside ``path``, synced to disk and renamed over it. OSErrors become a SaveError.
    """
    path = path.resolve()
    if path.is_dir():
        raise SaveError(sentence(path, IsADirectoryError(errno.EISDIR, "")))
    _check_regular(path)
    temporary = path.with_name(f".{path.name[:100]}.{secrets.token_hex(4)}.tmp")
    try:
        with temporary.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            shutil.copymode(path, temporary)
        os.replace(temporary, path)
        _sync_folder(path.parent)
    except OSError as error:
        raise SaveError(sentence(path, error)) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """A folder to fill that becomes ``path`` when the block ends; ``path`` must not exist or be empty."""
    path = path.resolve()
    temporary = path.with_name(f".{path.name[:100]}.{secrets.token_hex(4)}.tmp")
    try:
        check_new(path)
        temporary.mkdir()
        yield temporary
        if path.exists():
            path.rmdir()
        temporary.rename(path)
    except OSError as error:
        raise SaveError(sentence(path, error)) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def check_new(path: Path) -> None:
    """SaveError if ``path`` exists and is no empty folder: said before long work, not after it."""
    try:
        taken = path.exists() and (not path.is_dir() or any(path.iterdir()))
    except OSError as error:
        raise SaveError(sentence(path, error)) from error
    if taken:
        raise SaveError(f"“{path}” exists already; choose a folder that does not, or an empty one.")


def make_folder(path: Path) -> None:
    """Make ``path`` and what is above it, if they are not there; SaveError says why not."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SaveError(sentence(path, error)) from error


def sentence(path: Path, error: OSError) -> str:
    """Why ``path`` could not be saved, for the user."""
    reason = _REASONS.get(error.errno or 0, f"{error.strerror or error}; save elsewhere")
    return f"“{path.name}” could not be saved: {reason}."


def _sync_folder(folder: Path) -> None:
    """Make the renaming itself last; systems that cannot are left alone."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

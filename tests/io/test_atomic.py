"""Files appear whole or not at all."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from explorer.errors import SaveError
from explorer.io import atomic


def test_the_new_content_replaces_the_old(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    atomic.write(path, b"one")
    path.chmod(0o640)
    atomic.write(path, b"two")
    assert path.read_bytes() == b"two"
    assert path.stat().st_mode & 0o777 == 0o640
    assert os.listdir(tmp_path) == ["a.txt"]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(b"one")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    atomic.write(tmp_path / "link", b"two")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"two"


def _stopped_half_way(path: Path, stop: type[BaseException]) -> None:
    with atomic.replacing(path) as file:
        file.write(b"half")
        raise stop


@pytest.mark.parametrize("stop", [KeyboardInterrupt, ValueError])
def test_an_interrupted_write_leaves_the_old_content_alone(tmp_path: Path, stop: type[BaseException]) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"one")
    with pytest.raises(stop):
        _stopped_half_way(path, stop)
    assert path.read_bytes() == b"one"
    assert os.listdir(tmp_path) == ["a.txt"]


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (errno.ENOSPC, "“a.txt” could not be saved: the disk is full"),
        (errno.EACCES, "this folder may not be written"),
        (errno.EROFS, "the disk is read-only"),
        (errno.EIO, "Input/output error"),
    ],
)
def test_why_it_could_not_be_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, words: str
) -> None:
    def fail(_handle: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(SaveError, match=words):
        atomic.write(tmp_path / "a.txt", b"x")
    assert os.listdir(tmp_path) == []


def test_a_missing_folder_and_a_folder_of_that_name_are_named(tmp_path: Path) -> None:
    with pytest.raises(SaveError, match="its folder does not exist"):
        atomic.write(tmp_path / "none" / "a.txt", b"x")
    with pytest.raises(SaveError, match="there is a folder of that name"):
        atomic.write(tmp_path, b"x")


def test_a_folder_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    with atomic.new_folder(tmp_path / "set") as folder:
        (folder / "a").write_bytes(b"x")
        assert not (tmp_path / "set").exists()
    assert (tmp_path / "set" / "a").read_bytes() == b"x"
    with pytest.raises(SaveError, match="exists already"), atomic.new_folder(tmp_path / "set"):
        raise AssertionError
    with pytest.raises(KeyError), atomic.new_folder(tmp_path / "other") as folder:
        raise KeyError
    assert os.listdir(tmp_path) == ["set"]

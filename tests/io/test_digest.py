"""Fingerprints of files."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from explorer.errors import Cancelled, LoadError
from explorer.io import digest as digests
from explorer.io.digest import digest


def written(folder: Path, name: str, content: bytes) -> Path:
    (folder / name).write_bytes(content)
    return folder / name


def test_names_sizes_and_contents_count_and_the_order_does_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digests, "_BLOCK", 4)
    files = [written(tmp_path, "b", b"0123456789"), written(tmp_path, "a", b"")]
    parts = b"a\0000\0", hashlib.sha256(b"").digest(), b"b\00010\0", hashlib.sha256(b"0123456789").digest()
    assert digest(files) == digest(files[::-1]) == hashlib.sha256(b"".join(parts)).hexdigest()
    before = digest(files)
    written(tmp_path, "b", b"0123456788")
    assert digest(files) != before


def test_of_much_only_the_beginnings_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digests, "WHOLE_UP_TO", 9)
    monkeypatch.setattr(digests, "_HEAD", 4)
    file = written(tmp_path, "a", b"0123456789")
    before = digest([file])
    assert before.startswith("partial-")
    assert digest([written(tmp_path, "a", b"0123xxxxxx")]) == before
    assert digest([written(tmp_path, "a", b"x123456789")]) != before


def test_it_pauses_in_front_of_each_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digests, "_BLOCK", 4)
    asked: list[None] = []
    digest([written(tmp_path, "a", b"0123456789")], lambda: asked.append(None))
    assert len(asked) == 3

    def stop() -> None:
        raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        digest([tmp_path / "a"], stop)


def test_a_file_that_is_not_there_is_a_foreseen_fault(tmp_path: Path) -> None:
    with pytest.raises(LoadError, match="nothing"):
        digest([tmp_path / "nothing"])

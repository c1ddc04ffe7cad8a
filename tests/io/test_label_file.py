"""Files of labels survive, and damaged ones are refused with a sentence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.errors import LoadError
from explorer.io.label_file import FORMAT, read, write
from explorer.session.edits import STATUSES, Label
from explorer.session.labels import Library

GOOD = {"format": FORMAT, "version": 0, "transcoder_sha256": "abc", "labels": {"3:7": {"text": "x", "status": "auto"}}}
LABELS = st.dictionaries(
    st.tuples(st.integers(0, 99), st.integers(0, 10**6)),
    st.tuples(st.text(), st.sampled_from(STATUSES)),
    max_size=5,
)


@given(LABELS)
def test_a_library_survives_its_file(
    tmp_path_factory: pytest.TempPathFactory, said: dict[tuple[int, int], tuple[str, str]]
) -> None:
    held = Library("abc", {name: Label(*label) for name, label in said.items()})
    path = tmp_path_factory.getbasetemp() / "labels.json"
    write(path, held)
    first = path.read_bytes()
    assert read(path) == held
    write(path, Library("abc", dict(reversed(held.labels.items()))))
    assert path.read_bytes() == first


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"format": "x"}, "is no file of labels"),
        ({"version": 3}, "has version 3"),
        ({"transcoder_sha256": 3}, "lacks the labels"),
        ({"labels": []}, "lacks the labels"),
        ({"labels": {"a:7": {"text": "x"}}}, "“a:7” where a layer and a feature belong"),
        ({"labels": {"3:7": "x"}}, "are not a table"),
        ({"labels": {"3:7": {"text": 3}}}, "is not a text"),
        ({"labels": {"3:7": {"text": "x", "status": "sure"}}}, "has the status 'sure'"),
    ],
)
def test_damage_is_told_in_one_sentence(tmp_path: Path, changed: dict[str, Any], words: str) -> None:
    path = tmp_path / "labels.json"
    path.write_text(json.dumps({**GOOD, **changed}))
    with pytest.raises(LoadError, match=words) as told:
        read(path)
    assert str(path) in str(told.value)


@pytest.mark.parametrize("data", [b"", b"{", b"[" * 100_000, b"\xff\xfe", b"3"])
def test_what_is_no_table_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "labels.json"
    path.write_bytes(data)
    with pytest.raises(LoadError):
        read(path)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(LoadError, match="does not exist"):
        read(tmp_path / "none.json")

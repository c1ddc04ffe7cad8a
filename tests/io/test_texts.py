"""Text as a stream of pieces: nothing lost, never held whole, faults in a sentence."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from explorer.errors import LoadError
from explorer.features.windows import Piece, batches
from explorer.io import texts
from explorer.io.texts import PIECE, pieces, size


def documents(files: list[Path], **how: bool) -> dict[int, str]:
    made: dict[int, str] = {}
    for piece in pieces(files, **how):
        made[piece.document] = made.get(piece.document, "") + piece.text
    return made


@pytest.mark.parametrize("blank", [" ", "x"])
@pytest.mark.parametrize("lines", [False, True])
def test_a_huge_line_comes_in_bounded_pieces_and_whole(tmp_path: Path, blank: str, lines: bool) -> None:
    """Also where a character's bytes, or \\r\\n, are cut by the reading."""
    line = (f"wörd{blank}" * 60_000 + "€") * 2
    (tmp_path / "a.txt").write_bytes(f"first\r\n{line}\r\nlast".encode())
    found = list(pieces([tmp_path / "a.txt"], lines=lines))
    assert max(len(piece.text) for piece in found) <= 2 * PIECE
    text = documents([tmp_path / "a.txt"], lines=lines)
    assert list(text.values()) == (["first", line, "last"] if lines else [f"first\n{line}\nlast"])
    assert [piece.read for piece in found] == sorted(piece.read for piece in found)
    assert found[-1].read == (tmp_path / "a.txt").stat().st_size


def read_through(file: Path, width: int) -> int:
    """The most bytes held at a time while ``file`` is cut into batches of windows, one token for ``width`` letters."""
    tracemalloc.start()
    try:
        made = batches(pieces([file]), lambda text: [0] * -(-len(text) // width), (1,), 128)
        n_tokens = sum(batch.n_tokens for batch in made)
        assert n_tokens >= file.stat().st_size // width
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_does_not_grow_with_the_line(tmp_path: Path) -> None:
    (tmp_path / "short.txt").write_bytes(b"word " * 60_000)
    (tmp_path / "long.txt").write_bytes(b"word " * 600_000)
    short, long = (read_through(tmp_path / f"{name}.txt", 50) for name in ("short", "long"))
    assert long < 1.2 * short < 2_000_000


@pytest.mark.slow
def test_a_line_of_100_mb_takes_two(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"word " * 20_000_000)
    assert read_through(tmp_path / "a.txt", 500) < 2_000_000


def test_documents_are_numbered_over_all_files(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one\n\ntwo\n")
    (tmp_path / "b.jsonl").write_text('{"text": "three"}\n\n{"text": ""}\n{"text": "four", "id": 1}\n')
    (tmp_path / "c.txt").write_bytes(b"\xef\xbb\xbffive")
    files = [tmp_path / name for name in ("a.txt", "b.jsonl", "c.txt")]
    assert list(documents(files, lines=True).values()) == ["one", "two", "three", "four", "five"]
    assert list(documents(files).values()) == ["one\n\ntwo\n", "three", "four", "five"]
    assert list(pieces(files))[-1].read == size(files) == sum(file.stat().st_size for file in files)


@pytest.mark.parametrize("at", [0, PIECE - 1, PIECE, 3 * PIECE + 7])
def test_a_byte_that_is_no_utf8_is_named_near_its_place(tmp_path: Path, at: int) -> None:
    (tmp_path / "a.txt").write_bytes(b"a" * at + b"\xff" + b"b" * PIECE)
    with pytest.raises(LoadError, match=r"a\.txt” is not UTF-8 text \(near byte \d+\); convert it") as caught:
        list(pieces([tmp_path / "a.txt"]))
    place = int(str(caught.value).split("near byte ")[1].split(")")[0])
    assert abs(place - at) <= 4


@pytest.mark.parametrize("at", [0, PIECE + 3])
def test_zeros_as_in_utf16_or_a_binary_file_are_a_sentence(tmp_path: Path, at: int) -> None:
    """They are valid UTF-8, and a text of them would give an index of nothing."""
    (tmp_path / "a.txt").write_bytes(b"a" * at + "text".encode("utf-16-le"))
    with pytest.raises(LoadError, match=r"a\.txt” holds a zero \(near byte \d+\), so it is no UTF-8 text; convert it"):
        list(pieces([tmp_path / "a.txt"]))


def test_lines_of_json_are_known_whatever_the_case_of_the_name(tmp_path: Path) -> None:
    (tmp_path / "A.JSONL").write_text('{"text": "one"}\n')
    assert documents([tmp_path / "A.JSONL"]) == {0: "one"}


def test_what_comes_before_a_fault_is_given(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "one"}\n{"text": 2}\n')
    found: Iterator[Piece] = pieces([tmp_path / "a.jsonl"])
    assert next(found).text == "one"
    with pytest.raises(LoadError, match='line 2, has no “text”'):
        next(found)


def test_a_line_of_json_beyond_the_limit_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(texts, "MAX_LINE", 1_000_000)
    (tmp_path / "a.jsonl").write_text(json.dumps({"text": "a" * 999_000}) + "\n" + json.dumps({"text": "a" * 10**6}))
    found = pieces([tmp_path / "a.jsonl"])
    first = [next(found).text for _ in range(-(-999_000 // PIECE))]
    assert "".join(first) == "a" * 999_000
    with pytest.raises(LoadError, match=r"line 2, has more than 1 MB; split it"):
        next(found)


@pytest.mark.parametrize(
    ("name", "sentence"), [("nothing.txt", "nothing.txt"), (".", "is a folder"), ("e.txt", "is empty")]
)
def test_files_that_hold_no_text_are_a_sentence(tmp_path: Path, name: str, sentence: str) -> None:
    (tmp_path / "e.txt").touch()
    with pytest.raises(LoadError, match=sentence):
        size([tmp_path / name])

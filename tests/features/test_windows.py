"""Text as windows of one shape, whatever the pieces it comes in."""

from __future__ import annotations

import numpy as np
import pytest

from explorer.features import windows
from explorer.features.windows import Batch, Piece, batches, rows_of


def encode(text: str) -> list[int]:
    return [ord(letter) for letter in text]


def read(*pieces: tuple[int, str], context: int = 5, front: tuple[int, ...] = (1,), limit: int = 0) -> list[Batch]:
    return list(batches([Piece(number, text, 0) for number, text in pieces], encode, front, context, limit))


def rows(made: list[Batch]) -> list[tuple[int, int, str]]:
    return [
        (int(batch.document[row]), int(batch.start[row]), "".join(map(chr, batch.ids[row, 1 : batch.length[row]])))
        for batch in made
        for row in np.flatnonzero(batch.length)
    ]


def test_documents_are_cut_into_windows_that_follow_on_each_other() -> None:
    made = read((0, "abcdefghij"), (1, "xy"))
    assert rows(made) == [(0, 0, "abcd"), (0, 4, "efgh"), (0, 8, "ij"), (1, 0, "xy")]
    assert (made[0].ids[:4, 0] == 1).all()
    assert made[0].n_tokens == 12


def test_pieces_of_a_document_read_as_one() -> None:
    assert rows(read((0, "abc"), (0, "defg"), (0, "hij"))) == rows(read((0, "abcdefghij")))


def test_every_batch_has_the_same_shape_and_window_i_stands_in_row_i(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(windows, "BATCH_TOKENS", 15)
    made = read((0, "abcdefghijklmnopqrstuvwxyz"), (1, "0"))
    assert {batch.ids.shape for batch in made} == {(rows_of(5), 5)} == {(3, 5)}
    assert [batch.first for batch in made] == [0, 3, 6]
    assert [batch.n_windows for batch in made] == [3, 3, 2]


def test_a_limit_ends_the_text() -> None:
    assert rows(read((0, "abcdefghij"), (1, "xyz"), limit=11)) == [
        (0, 0, "abcd"), (0, 4, "efgh"), (0, 8, "ij"), (1, 0, "x")
    ]  # fmt: skip


def test_no_text_gives_no_batch() -> None:
    assert read() == []
    assert read((0, "")) == []

"""Text as token windows in batches of one fixed shape.

A window holds the special token that the model wants in front, then up to ``context`` tokens in all of one document.
Windows of a document follow on each other without overlap. A batch always has the same number of rows and columns,
filled up with padding behind, and window ``i`` always stands in row ``i % n_rows`` of batch ``i // n_rows``: what a
pass computes for a window is then the same bits, however the text is spread over runs. Attention is causal, so
padding behind a token changes nothing before it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from explorer.shapes import Int

BATCH_TOKENS = 1024  # of a batch, about; more rows fit if the context is short


@dataclass(frozen=True)
class Piece:
    """Some text of a document; pieces of the same ``document`` follow on each other. ``read``: bytes until its end."""

    document: int
    text: str
    read: int


@dataclass(frozen=True, eq=False)
class Batch:
    """Windows ``first`` and following; rows without tokens (``length`` 0) are padding.

    ``start`` is the position in its document of a window's first token behind the ``n_special`` in front.
    """

    first: int
    ids: Int[np.ndarray, "n_rows context"]
    length: Int[np.ndarray, " n_rows"]
    document: Int[np.ndarray, " n_rows"]
    start: Int[np.ndarray, " n_rows"]
    n_special: int
    read: int

    @property
    def number(self) -> int:
        """How many batches of the text are before this one."""
        return self.first // len(self.ids)

    @property
    def n_windows(self) -> int:
        return int((self.length > 0).sum())

    @property
    def n_tokens(self) -> int:
        """Tokens of the text, without those put in front."""
        return int(np.maximum(self.length - self.n_special, 0).sum())


@dataclass(frozen=True)
class _Window:
    document: int
    start: int
    ids: list[int]
    read: int


def rows_of(context: int) -> int:
    """How many windows of ``context`` tokens a batch has."""
    return max(1, BATCH_TOKENS // context)


def batches(
    pieces: Iterable[Piece], encode: Callable[[str], list[int]], front: tuple[int, ...], context: int, limit: int = 0
) -> Iterator[Batch]:
    """The text in ``pieces`` as batches; ``front`` stands before every window, ``limit`` tokens are read at most."""
    n_rows, held, first = rows_of(context), [], 0
    for window in _windows(pieces, encode, context - len(front), limit):
        held.append(window)
        if len(held) == n_rows:
            yield _batch(held, front, context, first)
            first, held = first + n_rows, []
    if held:
        yield _batch(held, front, context, first)


def _windows(
    pieces: Iterable[Piece], encode: Callable[[str], list[int]], width: int, limit: int
) -> Iterator[_Window]:
    document, start, waiting, left, read = -1, 0, list[int](), limit or 2**62, 0
    for piece in pieces:
        if piece.document != document:
            if waiting:
                yield _Window(document, start, waiting, read)
            document, start, waiting = piece.document, 0, []
        ids = encode(piece.text)[:left]
        left, read = left - len(ids), piece.read
        waiting = waiting + ids
        for at in range(0, len(waiting) - width + 1, width):
            yield _Window(document, start, waiting[at : at + width], read)
            start += width
        waiting = waiting[len(waiting) // width * width :]
        if not left:
            break
    if waiting:
        yield _Window(document, start, waiting, read)


def _batch(windows: list[_Window], front: tuple[int, ...], context: int, first: int) -> Batch:
    n_rows = rows_of(context)
    ids = np.zeros((n_rows, context), np.int64)
    length, document, start = (np.zeros(n_rows, np.int64) for _ in range(3))
    for row, window in enumerate(windows):
        tokens = [*front, *window.ids]
        ids[row, : len(tokens)] = tokens
        length[row], document[row], start[row] = len(tokens), window.document, window.start
    return Batch(first, ids, length, document, start, len(front), windows[-1].read)

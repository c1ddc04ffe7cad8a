"""Text to be read for evidence: plain files and JSON lines as a stream of pieces, never held whole.

A ``.jsonl`` file has a document in each line, its text under ``text``. Any other file is one document, or one for each
line if asked. Long documents come in pieces cut at a blank, if there is one.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from explorer.errors import LoadError
from explorer.features.windows import Piece
from explorer.io.magic import unreadable

PIECE = 1 << 16  # characters at most, and bytes read at a time
MAX_LINE = 32_000_000  # bytes of a line of JSON


def pieces(files: Sequence[Path], *, lines: bool = False) -> Iterator[Piece]:
    """The text of ``files``; with ``lines`` each line of a plain file is a document. LoadError at what is no text."""
    document, before = 0, 0
    for file in files:
        reader = _json_lines if file.suffix.lower() == ".jsonl" else _plain_lines if lines else _plain
        try:
            own = 0
            for own, text, read in reader(file):
                if text:
                    yield Piece(document + own, text, before + read)
            document, before = document + own + 1, before + file.stat().st_size
        except OSError as error:
            raise LoadError(unreadable(file, error)) from error


def size(files: Sequence[Path]) -> int:
    """Bytes of ``files`` in all; LoadError if one is missing, a folder or empty of anything."""
    total = 0
    for file in files:
        try:
            own = file.stat().st_size
        except OSError as error:
            raise LoadError(unreadable(file, error)) from error
        if file.is_dir():
            raise LoadError(f"“{file}” is a folder; name the text files in it.")
        if not own:
            raise LoadError(f"“{file}” is empty; leave it out, or name another text.")
        total += own
    return total


def _decoded(file: Path) -> Iterator[tuple[str, int]]:
    """The text of ``file`` in parts, each with the bytes read until then; line ends become \\n."""
    decoder, read, held = codecs.getincrementaldecoder("utf-8-sig")(), 0, ""
    with file.open("rb") as stream:
        while True:
            data = stream.read(PIECE)
            try:
                text = held + decoder.decode(data, not data)
            except UnicodeDecodeError as error:
                place = max(0, read - 4) + error.start
                raise LoadError(f"“{file}” is not UTF-8 text (near byte {place}); convert it to UTF-8.") from error
            if "\0" in text:
                where = f"“{file}” holds a zero (near byte {read + text.index(chr(0))})"
                raise LoadError(f"{where}, so it is no UTF-8 text; convert it to UTF-8.")
            read += len(data)
            held = "\r" if text.endswith("\r") and data else ""
            text = text.removesuffix("\r") if held else text
            if text:
                yield text.replace("\r\n", "\n"), read
            if not data:
                return


def _plain(file: Path) -> Iterator[tuple[int, str, int]]:
    held = ""
    for text, read in _decoded(file):
        held += text
        if len(held) >= PIECE:
            cut = _cut(held)
            yield 0, held[:cut], read
            held = held[cut:]
    yield 0, held, file.stat().st_size


def _plain_lines(file: Path) -> Iterator[tuple[int, str, int]]:
    """A line may itself come in several pieces."""
    number, held = 0, ""
    for text, read in _decoded(file):
        *whole, held = (held + text).split("\n")
        for line in whole:
            yield number, line, read
            number += 1
        while len(held) >= PIECE:
            cut = _cut(held)
            yield number, held[:cut], read
            held = held[cut:]
    yield number, held, file.stat().st_size


def _json_lines(file: Path) -> Iterator[tuple[int, str, int]]:
    read, number = 0, 0
    with file.open("rb") as stream:
        while line := stream.readline(MAX_LINE + 1):
            where = f"“{file}”, line {number + 1}"
            if len(line) > MAX_LINE:
                raise LoadError(f"{where}, has more than {MAX_LINE // 10**6} MB; split it into several documents.")
            read += len(line)
            if line.strip():
                for part in _parts(_text_of(line, where)):
                    yield number, part, read
            number += 1


def _text_of(line: bytes, where: str) -> str:
    try:
        value = json.loads(line.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise LoadError(f"{where}, is no JSON in UTF-8; write one object with “text” in each line.") from error
    text = value.get("text") if isinstance(value, dict) else None
    if not isinstance(text, str):
        raise LoadError(f"{where}, has no “text”; write one object with “text” in each line.")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise LoadError(f"{where}, holds half a character (a lone surrogate); write it anew.") from error
    return text


def _parts(text: str) -> Iterator[str]:
    while len(text) > PIECE:
        cut = _cut(text[: 2 * PIECE])
        yield text[:cut]
        text = text[cut:]
    yield text


def _cut(text: str) -> int:
    """Where to cut a long text: in front of the last blank before PIECE characters, or there."""
    blank = max(text.rfind(" ", 1, PIECE), text.rfind("\n", 1, PIECE))
    return blank if blank > 0 else PIECE

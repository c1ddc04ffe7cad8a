"""A JSON object read member by member, and its long arrays batch by batch, so that the file is never held whole."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from io import BufferedIOBase
from typing import Any

from explorer.work import Pause, go_on

CHUNK = 1 << 18  # bytes read at a time: what the decoder makes of them in a few milliseconds
MAX_VALUE = 32_000_000  # characters of one member, or of one item of a streamed array
MAX_MEMORY = 800_000_000  # bytes that values may take which are read whole

_SPACE = re.compile(r"[ \t\n\r]*")
_TAIL = 4  # a number that the buffer cuts (``1.``, ``2e-``) leaves no more than this behind it


class NotJson(ValueError):
    """The text is no JSON from ``line`` on, or not of the kind that is read here."""

    def __init__(self, why: str, line: int) -> None:
        super().__init__(why)
        self.line = line


def members(file: BufferedIOBase, streamed: frozenset[str], pause: Pause = go_on) -> Iterator[tuple[str, Any]]:
    """The names and values of the object in ``file``, in its order; NotJson where it is damaged.

    An array in its place gives none. An array whose name is in ``streamed`` comes in any number of pieces, at least
    one, each a list of some of its items. ``pause`` is called before each piece of the file is read.
    """
    text = _Text(file, pause)
    if text.peek() == "[":
        return  # an array has no members
    text.take("{")
    seen: set[str] = set()
    while text.peek() != "}":
        if seen:
            text.take(",")
        name = text.value()
        if not isinstance(name, str) or name in seen:
            raise text.fault(f"the name {name!r} is no text, or stands there twice")
        seen.add(name)
        text.take(":")
        if name in streamed and text.peek() == "[":
            for batch in text.items():
                yield name, batch
        else:
            yield name, text.value()
    text.take("}")
    if text.peek():
        raise text.fault("something follows the end")


def loads(data: bytes) -> Any:
    """The JSON value in ``data``; NotJson if it is none, or would take more than MAX_MEMORY.

    Each value has a comma, colon or bracket in front of it and takes up to 120 bytes beside its text (an empty list
    takes 64 and two characters), so that a short text can fill the memory.
    """
    marks = sum(data.count(mark) for mark in (b",", b":", b"[", b"{"))
    if 120 * marks + (2 if data.isascii() else 5) * len(data) > MAX_MEMORY:
        raise NotJson("it holds too many values", 1)
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise NotJson(str(error), getattr(error, "lineno", 1)) from error


class _Text:
    """The file as text from ``at`` on; what lies before is dropped as it is passed."""

    def __init__(self, file: BufferedIOBase, pause: Pause) -> None:
        self._file = file
        self._pause = pause
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")()
        self._scan = json.JSONDecoder().raw_decode
        self._text = ""
        self._at = 0
        self._lines = 1  # of what was dropped
        self._whole = False
        self._fresh = False  # whether the buffer was filled since a batch was last tried

    def fault(self, why: str) -> NotJson:
        return NotJson(why, self._lines + self._text.count("\n", 0, self._at))

    def peek(self) -> str:
        """The next character that is no blank, unread; empty at the end."""
        while True:
            match = _SPACE.match(self._text, self._at)
            self._at = match.end() if match else self._at
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more():
                return ""

    def take(self, character: str) -> None:
        if self.peek() != character:
            raise self.fault(f"{character!r} is missing")
        self._at += 1

    def value(self) -> Any:
        """The value that comes next, of whatever kind."""
        self.peek()
        while True:
            try:
                value, end = self._scan(self._text, self._at)
                if end + _TAIL <= len(self._text) or not self._more():
                    self._at = end
                    return value
            except (ValueError, RecursionError) as error:
                if not isinstance(error, json.JSONDecodeError) or not self._more():
                    raise self.fault(str(error)) from error

    def items(self) -> Iterator[list[Any]]:
        """The items of the array that comes next, in lists of some."""
        self.take("[")
        if self.peek() == "]":
            yield []
        while self.peek() != "]":
            yield self._batch()
            if self.peek() != "]":
                self.take(",")
                if self.peek() == "]":
                    raise self.fault("a value is missing behind the comma")
        self.take("]")

    def _batch(self) -> list[Any]:
        """All items that the buffer holds whole if they are objects and nothing else is in it, or the next one.

        Text that begins where an item does and ends with a brace is a list of whole items if it decodes as one.
        """
        end = self._text.rfind("}", self._at) + 1
        if self._fresh and end > self._at:
            self._fresh = False
            try:
                batch: list[Any] = json.loads(f"[{self._text[self._at : end]}]")
            except (ValueError, RecursionError):
                return [self.value()]
            self._at = end
            return batch
        return [self.value()]

    def _more(self) -> bool:
        """Read on, twice as much if a value is longer than what is held; False at the end of the file."""
        if self._whole:
            return False
        self._pause()
        rest = self._text[self._at :]
        if len(rest) > MAX_VALUE or 120 * sum(map(rest.count, ",:[{")) > MAX_MEMORY // 2:
            raise self.fault("a value is too long, or holds too many values")
        data = self._file.read(max(CHUNK, len(rest)))
        try:
            decoded = self._decoder.decode(data, not data)
        except UnicodeDecodeError as error:
            raise self.fault(str(error)) from error
        if not data:
            self._whole = True
            return False
        self._lines += self._text.count("\n", 0, self._at)
        self._text, self._at, self._fresh = rest + decoded, 0, True
        return True

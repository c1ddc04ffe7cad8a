"""What users said of files that do not say it themselves: asked once, then remembered by the files' fingerprint."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from platformdirs import user_state_path

from explorer.errors import LoadError, SaveError, Unsaid, UnsupportedTranscoder
from explorer.io import atomic
from explorer.io.magic import unreadable
from explorer.io.settings_file import APP

MAX_BYTES = 10_000_000
MANY = 1000  # sets remembered; the oldest is forgotten first
MAX_FILES = 10_000
HEAD = 65_536  # bytes of each file in the fingerprint: settings, and the header of the tensors

OF_MODELS = ("act_fn", "n_ctx", "normalization_type", "positions")  # names of what their files may leave open
OF_TRANSCODERS = ("checkpoint", "k", "kind", "l0", "read", "site", "variant", "write")

Told = Mapping[str, str]


class Given(Mapping[str, str]):
    """What is known of ``path``: remembered, and ``told`` now as far as it is one of ``names``.

    It knows what the files asked for, so that nothing else is remembered.
    """

    def __init__(self, path: Path, told: Told | None, names: tuple[str, ...], *, asks: bool = True) -> None:
        self._path = path
        self._told = {name: value for name, value in (told or {}).items() if name in names}
        self._known = {**(recall(path) if asks else {}), **self._told}
        self._used: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self._used.add(name)
        return self._known[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)

    def keep(self) -> None:
        """Remember what was told; UnsupportedTranscoder if the files did not ask for it."""
        if idle := [name for name in self._told if name not in self._used]:
            raise UnsupportedTranscoder(
                f"“{self._path}” leaves no question “{idle[0]}” open; leave {idle[0]}={self._told[idle[0]]} out."
            )
        if self._told:
            with suppress(SaveError):  # then it is asked again
                remember(self._path, self._told)


def answers_path() -> Path:
    return user_state_path(APP, appauthor=False) / "answers.json"


def recall(path: Path) -> dict[str, str]:
    """The answers given for the file or folder ``path``, wherever it lay then; never fails."""
    try:
        return _table().get(fingerprint(path), {})
    except LoadError:
        return {}


def remember(path: Path, told: Told) -> None:
    """Keep ``told`` for the next time; SaveError if the user's folder cannot be written."""
    table, key = _table(), fingerprint(path)
    merged = {**table.pop(key, {}), **told}
    newest = dict([*table.items(), (key, merged)][-MANY:])
    atomic.make_folder(answers_path().parent)
    atomic.write(answers_path(), json.dumps(newest, indent=1).encode())


def fingerprint(path: Path) -> str:
    """A name for what ``path`` holds: names, sizes and first bytes of its files, so that it survives a move."""
    try:
        inside = sorted(file for file in path.rglob("*") if file.is_file())[:MAX_FILES]
        total = sha256()
        for file in inside or [path]:
            name = file.relative_to(path).as_posix() if inside else file.name
            total.update(f"{name}\0{file.stat().st_size}\0".encode("utf-8", "surrogateescape"))
            with file.open("rb") as opened:
                total.update(opened.read(HEAD))
    except OSError as error:
        raise LoadError(unreadable(path, error)) from error
    return total.hexdigest()


def parse(pairs: Iterable[str]) -> dict[str, str]:
    """``NAME=VALUE`` texts of the command line as answers; UnsupportedTranscoder for another form."""
    told = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not (name and equals and value):
            raise UnsupportedTranscoder(f"“{pair}” is no answer; write it as NAME=VALUE, such as k=64.")
        if name.strip() not in (*OF_MODELS, *OF_TRANSCODERS):
            names = ", ".join(sorted((*OF_MODELS, *OF_TRANSCODERS)))
            raise UnsupportedTranscoder(f"“{name.strip()}” is nothing that files leave open; tell one of {names}.")
        told[name.strip()] = value.strip()
    return told


def choice(told: Told, path: Path, name: str, question: str, choices: tuple[str, ...]) -> str:
    """The answer ``name``, one of ``choices``; Unsaid if it was not given, UnsupportedTranscoder if it is another."""
    if name not in told:
        raise Unsaid(path, name, question, choices)
    if told[name] not in choices:
        raise UnsupportedTranscoder(f"“{path}”: {name} is “{told[name]}”; say one of {', '.join(choices)}.")
    return told[name]


def count(told: Told, path: Path, name: str, question: str) -> int:
    """The answer ``name``, a whole number above 0; Unsaid or UnsupportedTranscoder as ``choice``."""
    if name not in told:
        raise Unsaid(path, name, question)
    text = told[name]
    if not (text.isascii() and text.isdigit() and len(text) < 10 and int(text)):
        raise UnsupportedTranscoder(f"“{path}”: {name} is “{text}”; say a whole number above 0.")
    return int(text)


def kept_by_topk(told: Told, path: Path) -> int:
    """The answer ``k`` of a TopK, as ``count``."""
    return count(told, path, "k", "how many features its TopK keeps (k, as in training)")


def _table() -> dict[str, dict[str, str]]:
    path = answers_path()
    try:
        if path.stat().st_size > MAX_BYTES:
            return {}
        table = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    rows = table.items() if isinstance(table, dict) else ()
    return {key: row for key, row in rows if _is_answers(row)}


def _is_answers(row: object) -> bool:
    return isinstance(row, dict) and all(isinstance(text, str) for pair in row.items() for text in pair)

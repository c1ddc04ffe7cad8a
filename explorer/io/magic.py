"""What a file is by its first bytes, whatever its name says."""

from __future__ import annotations

import re
from pathlib import Path

from explorer.errors import LoadError

HEAD = 512
CIRCUIT = ".circuit"  # the suffix of our documents

TITLES = {
    "empty": "empty",
    "lfs": "a Git-LFS pointer, not the file itself",
    "html": "a web page",
    "zip": "a zip file (a PyTorch file, perhaps)",
    "gguf": "a GGUF model",
    "pickle": "a Python pickle",
    "gzip": "a gzip file",
    "json": "a text file (JSON)",
    "text": "a text file",
    "safetensors": "a safetensors file",
    "npy": "a numpy array",
    "unknown": "a file of an unknown kind",
}

_STARTS = (
    ("lfs", b"version https://git-lfs"),
    ("zip", b"PK\x03\x04"),
    ("zip", b"PK\x05\x06"),
    ("gguf", b"GGUF"),
    ("npy", b"\x93NUMPY"),
    ("gzip", b"\x1f\x8b"),
)

_JSON = re.compile(rb"""\{\s*["}]|\[\s*[\[{"\]0-9tfn-]""")  # a line of TOML or INI begins with [name]


def sniff(path: Path) -> str:
    """One of the keys of ``TITLES``; LoadError if ``path`` cannot be read or is a folder."""
    return sniff_bytes(first_bytes(path))


def first_bytes(path: Path) -> bytes:
    """Up to HEAD bytes from the start of ``path``; LoadError if it cannot be read or is a folder."""
    if path.is_dir():
        raise LoadError(f"“{path}” is a folder, not a file; pick a file in it, or open the folder as a set.")
    try:
        with path.open("rb") as file:
            return file.read(HEAD)
    except OSError as error:
        raise LoadError(unreadable(path, error)) from error


def sniff_bytes(head: bytes) -> str:
    """What begins with ``head``, as ``sniff``."""
    if not head:
        return "empty"
    if head[8:9] == b"{" and int.from_bytes(head[:8], "little") < 2**40:
        return "safetensors"  # first, for the length may look like another's magic
    for kind, start in _STARTS:
        if head.startswith(start):
            return kind
    if head[:1] == b"\x80" and len(head) > 1 and head[1] <= 5:
        return "pickle"
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if text.startswith((b"<!doctype", b"<html", b"<?xml")):
        return "html"
    if _JSON.match(text):
        return "json"
    return "unknown" if any(byte < 9 for byte in head) else "text"


def beginning(error: Exception, most: int = 120) -> str:
    """The beginning of what ``error`` says, on one line and without what cannot be printed: it may quote the file."""
    return printable(str(error), most) or type(error).__name__


def printable(text: str, most: int = 120) -> str:
    """``text`` of a file as it may stand in a sentence: on one line, and not too long."""
    shown = "".join(letter if letter.isprintable() else " " for letter in text[: 2 * most])
    shown = " ".join(shown.split())
    return shown if len(shown) <= most else f"{shown[:most]}…"


def unreadable(path: Path, error: OSError) -> str:
    """The sentence for a file that the system does not let us read."""
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return f"“{path}” does not exist; check the path."
    if isinstance(error, PermissionError):
        return f"“{path}” may not be read by this user; change its permissions or copy it."
    return f"“{path}” cannot be read ({error.strerror or error}); check the disk and copy the file again."

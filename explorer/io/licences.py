"""The licences of the parts that the program is made of: of the bundle's one text, else of the Python environment."""

from __future__ import annotations

import re
import sys
import sysconfig
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import Distribution, distributions
from pathlib import Path

from explorer.errors import LoadError
from explorer.io.magic import unreadable
from explorer.io.samples import resources
from explorer.work import Progress, Work

OURS = "circuit-explorer"
NAMES = ("LICEN", "COPYING", "NOTICE")
LINE = "=" * 100  # above the title of each part in the bundle's text
NONE = "(the package carries no text of its licence)"
OF_QT = "(the same text as of Qt)"
NOTES = (NONE, OF_QT)  # ours, in place of a text
SHARED = re.compile(r"^\(the same text as of (.+)\)$", re.MULTILINE)

QT = """Qt and PySide6 are used under the GNU Lesser General Public License, version 3 (below, with the GNU General
Public License that it refers to). Their libraries are separate files beside the program and may be replaced by others
of the same interface. Sources: https://download.qt.io/official_releases/ (qt, QtForPython). What Qt itself contains of
others: https://doc.qt.io/qt-6/licenses-used-in-qt.html"""


@dataclass(frozen=True)
class Part:
    """``stated`` is what it says of its licence in one line; of a library of the system, the names of its files."""

    name: str
    version: str
    stated: str
    texts: tuple[str, ...]

    @property
    def called(self) -> str:
        """Name and version, by which other parts refer to its texts."""
        return f"{self.name} {self.version}".strip()


@dataclass(frozen=True)
class Licences:
    """The ``parts`` by name: of the bundle if ``is_bundled``, else of the Python environment that runs this."""

    parts: tuple[Part, ...]
    is_bundled: bool

    def text(self, part: Part) -> str:
        """All texts of ``part``; below them those of the parts that it shares a text with."""
        own = "\n\n".join(part.texts)
        holders = [self._called(name) for name in dict.fromkeys(SHARED.findall(own))]
        return "\n\n".join((own, *(f"{one.called}:\n\n" + "\n\n".join(one.texts) for one in holders if one)))

    def _called(self, name: str) -> Part | None:
        return next((part for part in self.parts if part.called == name), None)


def reading(path: Path | None = None) -> Work[Licences]:
    """The licences in ``path`` (default: the bundle's text); where no bundle runs, of all that is installed.

    LoadError if the text is damaged or a bundle lacks it.
    """
    path = path or resources() / "licences.txt"
    yield Progress(0, 0, "Reading the licences")
    if path.exists() or getattr(sys, "frozen", False):
        return Licences(_by_name(of_bundle(path)), is_bundled=True)
    parts = [qt(), font(), python()]
    found = {_name(held): held for held in reversed(list(distributions()))}  # the first counts
    for done, (name, held) in enumerate(found.items()):
        yield Progress(done, len(found), "Reading the licences")
        if name not in ("", OURS):
            parts.append(of_distribution(held))
    return Licences(_by_name(parts), is_bundled=False)


def _name(held: Distribution) -> str:
    """In small letters; empty if its metadata are missing or damaged."""
    try:
        return str(held.metadata["Name"] or "").lower()
    except UnicodeDecodeError:
        return ""


def of_bundle(path: Path) -> tuple[Part, ...]:
    """The parts in the text that scripts/licences.py wrote; LoadError if it is none."""
    try:
        whole = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise _missing(path) from error
    except OSError as error:
        raise LoadError(unreadable(path, error)) from error
    except UnicodeDecodeError as error:
        raise _damaged(path) from error
    chapters = whole.split(f"\n\n\n{LINE}\n")[1:]
    if not chapters:
        raise _damaged(path)
    return tuple(map(_part, chapters))


def _missing(path: Path) -> LoadError:
    return LoadError(f"“{path}” is missing; install Circuit Explorer again.")


def _damaged(path: Path) -> LoadError:
    return LoadError(f"“{path}” is damaged; install Circuit Explorer again.")


def _part(chapter: str) -> Part:
    title, _, told = chapter.partition("\n\n")
    called, _, stated = title.strip().partition(", ")
    name, _, version = called.rpartition(" ")
    if not (name and version[:1].isdigit()):
        name, version = called, ""
    return Part(name, version, stated, (told.strip(),))


def _by_name(parts: Iterable[Part]) -> tuple[Part, ...]:
    return tuple(sorted(parts, key=lambda part: part.name.lower()))


def of_distribution(held: Distribution) -> Part:
    """The licence of an installed distribution, with every text of it that lies beside its metadata."""
    files = [Path(str(file.locate())) for file in held.files or () if ".dist-info" in str(file)]
    files = sorted(file for file in files if any(name in file.name.upper() for name in NAMES) and file.is_file())
    texts = tuple(file.read_text(encoding="utf-8", errors="replace").strip() for file in files)
    name = held.metadata["Name"]
    note = OF_QT if name.startswith(("PySide6", "shiboken6")) else NONE
    return Part(name, held.version, stated(held), texts or (note,))


def stated(held: Distribution) -> str:
    """What the metadata of a distribution says of its licence, in one line."""
    told = _field(held, "License-Expression") or _field(held, "License")
    kinds = [each.split(" :: ")[-1] for each in _field(held, "Classifier") if each.startswith("License")]
    return "".join(told).strip().split("\n")[0] or " and ".join(kinds) or "no licence stated"


def _field(held: Distribution, name: str) -> list[str]:
    return held.metadata.get_all(name) or []


def python() -> Part:
    file = Path(sysconfig.get_path("stdlib")) / "LICENSE.txt"
    there = file.read_text(encoding="utf-8") if file.is_file() else "https://docs.python.org/3/license.html"
    return Part("Python", sys.version.split()[0], "PSF-2.0", (there.strip(),))


def qt() -> Part:
    return Part("Qt", "", "LGPL-3.0-only", (QT, _kept("LGPL-3"), _kept("GPL-3")))


def font() -> Part:
    return Part("Inter", "", "OFL-1.1", (_kept("Inter-OFL"),))


def _kept(name: str) -> str:
    path = resources() / "licences" / f"{name}.txt"
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise _missing(path) from error

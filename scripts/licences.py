"""The licences of everything that a frozen program carries, as one plain text; explorer.spec writes it."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from importlib.metadata import Distribution, distribution, packages_distributions
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OURS = "circuit-explorer"
NAMES = ("LICEN", "COPYING", "NOTICE")
LINE = "=" * 100

QT = """Qt and PySide6 are used under the GNU Lesser General Public License, version 3 (below, with the GNU General
Public License that it refers to). Their libraries are separate files beside the program and may be replaced by others
of the same interface. Sources: https://download.qt.io/official_releases/ (qt, QtForPython). What Qt itself contains of
others: https://doc.qt.io/qt-6/licenses-used-in-qt.html"""


def text(modules: Iterable[str], libraries: Iterable[Path]) -> str:
    """The licences of the distributions that hold ``modules`` (top-level names) and of the system's ``libraries``.

    A text that several parts share stands once.
    """
    parts = [*_distributions(modules), _python(), _qt(), _font(), *_system(libraries)]
    holders: dict[str, str] = {}
    chapters = ["Circuit Explorer is made of its own code and of the parts below; each keeps its own licence."]
    for title, told in parts:
        said = [f"{LINE}\n{title}"]
        for one in dict.fromkeys(told):
            said.append(f"(the same text as of {holders[one]})" if one in holders else one)
            holders.setdefault(one, title.split(",")[0])
        chapters.append("\n\n".join(said))
    return "\n\n\n".join(chapters) + "\n"


def _distributions(modules: Iterable[str]) -> Iterator[tuple[str, list[str]]]:
    owners = packages_distributions()
    names = {name for module in modules for name in owners.get(module, ())} - {OURS}
    for name in sorted(names, key=str.lower):
        held = distribution(name)
        texts = [file.locate().read_text(encoding="utf-8", errors="replace").strip() for file in _files(held)]
        yield f"{held.name} {held.version}, {stated(held)}", texts or ["(the package carries no text of its licence)"]


def _files(held: Distribution) -> list:
    files = [file for file in held.files or () if ".dist-info" in str(file)]
    return sorted(file for file in files if any(name in file.name.upper() for name in NAMES))


def stated(held: Distribution) -> str:
    """What the metadata of a distribution says of its licence, in one line."""
    told = held.metadata.get("License-Expression") or held.metadata.get("License") or ""
    kinds = [each.split(" :: ")[-1] for each in held.metadata.get_all("Classifier", []) if each.startswith("License")]
    return told.strip().split("\n")[0] or " and ".join(kinds) or "no licence stated"


def _python() -> tuple[str, list[str]]:
    file = Path(sysconfig.get_path("stdlib")) / "LICENSE.txt"
    there = file.read_text(encoding="utf-8") if file.is_file() else "https://docs.python.org/3/license.html"
    return f"Python {sys.version.split()[0]}, PSF-2.0", [there.strip()]


def _qt() -> tuple[str, list[str]]:
    return "Qt, LGPL-3.0-only", [QT, _kept("LGPL-3"), _kept("GPL-3")]


def _font() -> tuple[str, list[str]]:
    return "Inter, OFL-1.1", [_kept("Inter-OFL")]


def _kept(name: str) -> str:
    return (ROOT / "resources" / "licences" / f"{name}.txt").read_text(encoding="utf-8").strip()


def _system(libraries: Iterable[Path]) -> Iterator[tuple[str, list[str]]]:
    """Debian says which package a library is of, and keeps its copyright; elsewhere only the name is known."""
    held: dict[str, set[str]] = {}
    for library in libraries:
        held.setdefault(_package(library), set()).add(library.name)
    for package in sorted(held):
        file = Path("/usr/share/doc") / package / "copyright"
        known = bool(package) and file.is_file()
        told = file.read_text(encoding="utf-8", errors="replace").strip() if known else "(the system tells no licence)"
        yield f"{package or 'libraries of the system'}, {' '.join(sorted(held[package]))}", [told]


def _package(library: Path) -> str:
    """The Debian package of ``library``; empty if there is none. An old path may lack the /usr before it."""
    there = library.resolve()
    for path in (str(there), str(there).removeprefix("/usr")):
        try:
            done = subprocess.run(["dpkg", "-S", path], capture_output=True, text=True, check=False)
        except OSError:
            return ""
        if done.returncode == 0:
            return done.stdout.split(":")[0]
    return ""

"""The licences of everything that a frozen program carries, as one plain text; explorer.spec writes it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Iterator
from importlib.metadata import distribution, packages_distributions
from pathlib import Path

from explorer.io.licences import LINE, NOTES, OURS, Part, font, of_distribution, python, qt


def text(modules: Iterable[str], libraries: Iterable[Path]) -> str:
    """The licences of the distributions that hold ``modules`` (top-level names) and of the system's ``libraries``.

    A text that several parts share stands once.
    """
    parts = [*_distributions(modules), *map(_told, (python(), qt(), font())), *_system(libraries)]
    holders: dict[str, str] = {}
    chapters = ["Circuit Explorer is made of its own code and of the parts below; each keeps its own licence."]
    for title, told in parts:
        said = [f"{LINE}\n{title}"]
        for one in dict.fromkeys(told):
            said.append(f"(the same text as of {holders[one]})" if one in holders else one)
            if one not in NOTES:
                holders.setdefault(one, title.split(",")[0])
        chapters.append("\n\n".join(said))
    return "\n\n\n".join(chapters) + "\n"


def _distributions(modules: Iterable[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    owners = packages_distributions()
    names = {name for module in modules for name in owners.get(module, ())} - {OURS}
    for name in sorted(names, key=str.lower):
        yield _told(of_distribution(distribution(name)))


def _told(part: Part) -> tuple[str, tuple[str, ...]]:
    return f"{part.called}, {part.stated}", part.texts


def _system(libraries: Iterable[Path]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Debian says which package a library is of, and keeps its copyright; elsewhere only the name is known."""
    held: dict[str, set[str]] = {}
    for library in libraries:
        held.setdefault(_package(library), set()).add(library.name)
    for package in sorted(held):
        file = Path("/usr/share/doc") / package / "copyright"
        known = bool(package) and file.is_file()
        told = file.read_text(encoding="utf-8", errors="replace").strip() if known else "(the system tells no licence)"
        yield f"{package or 'libraries of the system'}, {' '.join(sorted(held[package]))}", (told,)


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

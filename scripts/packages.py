"""Make a .deb or a tarball of the frozen program: python -m scripts.packages deb|tarball (make deb, make tarball).

Both hold the same tree (bin, lib, share) and come out the same, byte by byte, from the same dist/circuit-explorer.
docs/packaging.md says what they do where they are installed.
"""

from __future__ import annotations

import argparse
import gzip
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from runpy import run_path

from explorer import __version__
from explorer.cli.parser import parser

ROOT = Path(__file__).resolve().parent.parent
DIST = ROOT / "dist"
FROZEN = DIST / "circuit-explorer"
TEMPLATES = ROOT / "resources" / "packaging"
ICON = ROOT / "resources" / "icon.svg"
ICON_SIZES = (48, 128, 256)
NAME = "circuit-explorer"

_system = run_path(str(ROOT / "scripts" / "system-libraries"))
# Which Debian package holds a library that the frozen program may leave to the system.
PACKAGES = {
    **_system["QT"],
    **_system["X11"],
    "libwayland-client.so.0": "libwayland-client0",
    "libwayland-cursor.so.0": "libwayland-cursor0",
    "libwayland-egl.so.1": "libwayland-egl1",
    "libxcb.so.1": "libxcb1",
}
# fontconfig-config: without it Qt finds no font for what Inter does not hold.
ALWAYS = ("fontconfig-config",)
LIBC = re.compile(r"ld-linux.*|lib(c|dl|m|pthread|resolv|rt|util)\.so\.\d+")

CONTROL = """Package: circuit-explorer
Version: {version}
Architecture: {architecture}
Maintainer: {maintainer}
Section: science
Priority: optional
Installed-Size: {size}
Depends: {depends}
Recommends: desktop-file-utils, shared-mime-info
Description: shows why a language model said what it said
 Circuit Explorer opens a language model and its transcoders from disk, runs a
 prompt and draws the attribution graph: which features, at which layer and
 token, led to the predicted token. Everything runs on this machine; there is
 no account and no network.
 .
 The package carries its own Python, torch (for the processor) and Qt.
"""


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("kind", choices=["deb", "tarball"])
    kind = arguments.parse_args().kind
    if not FROZEN.is_dir():
        return _lacking(f"There is no {FROZEN}; make it with “make bundle”.")
    if kind == "deb" and not shutil.which("dpkg-deb"):
        return _lacking("A .deb is made by dpkg-deb; install dpkg (on Fedora and Arch too) and repeat.")
    made = deb() if kind == "deb" else tarball()
    print(f"{made}: {made.stat().st_size / 1e6:.0f} MB, {size(FROZEN) / 1e6:.0f} MB unpacked")
    return 0


def _lacking(sentence: str) -> int:
    print(sentence, file=sys.stderr)
    return 1


def deb() -> Path:
    """The .deb of this machine's architecture, under dist."""
    root = _empty("deb")
    stage(root / "usr")
    (root / "DEBIAN").mkdir()
    architecture = _said("dpkg", "--print-architecture")
    wanted = depends(*linked(FROZEN))
    (root / "DEBIAN" / "control").write_text(control(architecture, size(root), wanted), encoding="utf-8")
    settle(root)
    file = DIST / f"{NAME}_{__version__}_{architecture}.deb"
    pack = ["dpkg-deb", "--root-owner-group", "-Zzstd", "-z10", "--build", str(root), str(file)]
    subprocess.run(pack, check=True, stdout=subprocess.DEVNULL, env={**os.environ, "SOURCE_DATE_EPOCH": str(moment())})
    return file


def tarball() -> Path:
    """The tarball with install and uninstall, under dist; .tar.xz where there is no zstd."""
    name = f"{NAME}-{__version__}-{platform.system().lower()}-{platform.machine()}"
    root = _empty(name)
    stage(root)
    for script in ("install", "uninstall"):
        shutil.copy(TEMPLATES / script, root)
    settle(root)
    suffix, packer = ("zst", "zstd -T0 -10") if shutil.which("zstd") else ("xz", "xz -T2")
    file = DIST / f"{name}.tar.{suffix}"
    same = ["--sort=name", "--format=gnu", "--owner=0", "--group=0", "--numeric-owner"]
    subprocess.run(["tar", *same, "-I", packer, "-C", str(root.parent), "-cf", str(file), name], check=True)
    return file


def stage(folder: Path) -> None:
    """Lay out under ``folder`` what an installation holds: bin, lib and share."""
    shutil.copytree(FROZEN, folder / "lib" / NAME, symlinks=True)
    (folder / "bin").mkdir()
    (folder / "bin" / NAME).symlink_to(f"../lib/{NAME}/{NAME}")
    share = folder / "share"
    _copy(TEMPLATES / f"{NAME}.desktop", share / "applications")
    _copy(TEMPLATES / f"{NAME}.xml", share / "mime" / "packages")
    _copy(TEMPLATES / "copyright", share / "doc" / NAME)
    _copy(FROZEN / "_internal" / "explorer" / "resources" / "licences.txt", share / "doc" / NAME)
    _icons(share / "icons" / "hicolor")
    manual = share / "man" / "man1" / f"{NAME}.1.gz"
    manual.parent.mkdir(parents=True)
    manual.write_bytes(gzip.compress(man_page(parser()).encode(), mtime=0))


def _copy(file: Path, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(file, folder)


def _icons(theme: Path) -> None:
    """The drawing, and pictures of it for desktops that show no drawings."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from PySide6.QtGui import QGuiApplication, QIcon

    application = QGuiApplication.instance() or QGuiApplication([])
    scalable = theme / "scalable" / "apps" / f"{NAME}.svg"
    scalable.parent.mkdir(parents=True)
    shutil.copy(ICON, scalable)
    for edge in ICON_SIZES:
        folder = theme / f"{edge}x{edge}" / "apps"
        folder.mkdir(parents=True)
        QIcon(str(ICON)).pixmap(edge).save(str(folder / f"{NAME}.png"))
    del application


def settle(folder: Path) -> None:
    """Give everything under ``folder`` the same rights and time wherever it was made."""
    when = moment()
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
        os.utime(path, (when, when), follow_symlinks=False)


def moment() -> int:
    """SOURCE_DATE_EPOCH, or the time of the last commit, in seconds."""
    return int(os.environ.get("SOURCE_DATE_EPOCH") or _said("git", "-C", str(ROOT), "log", "-1", "--format=%ct"))


def control(architecture: str, size: int, wanted: list[str]) -> str:
    """The control file of a package that needs the packages ``wanted`` and whose files take ``size`` bytes."""
    maintainer = f"{os.environ.get('DEBFULLNAME', 'Circuit Explorer')} <{os.environ.get('DEBEMAIL', 'root@localhost')}>"
    told = {"version": __version__, "architecture": architecture, "maintainer": maintainer}
    return CONTROL.format(**told, size=size // 1024, depends=", ".join(wanted))


def depends(wanted: set[str], libc: str) -> list[str]:
    """The Debian packages of the libraries ``wanted``, and the C library not older than ``libc``.

    Ends the program if there is one of which no package is known.
    """
    libraries = {library for library in wanted if not LIBC.fullmatch(library)}
    unknown = sorted(libraries - set(PACKAGES))
    if unknown:
        raise SystemExit(f"Which package holds {', '.join(unknown)}? Add it to PACKAGES in scripts/packages.py.")
    names = {PACKAGES[library] for library in libraries}
    return [f"libc6 (>= {libc})", *sorted({*names, *ALWAYS})]


def linked(folder: Path) -> tuple[set[str], str]:
    """The libraries that the files of ``folder`` are linked to and that it does not hold; the newest libc they ask."""
    there = {path.name for path in folder.rglob("*")}
    wanted: set[str] = set()
    libc = (2, 0)
    for file in _elf(folder):
        told = _said("objdump", "-p", str(file))
        wanted |= set(re.findall(r"NEEDED +(\S+)", told))
        libc = max([libc, *((int(major), int(minor)) for major, minor in re.findall(r"GLIBC_(\d+)\.(\d+)", told))])
    return wanted - there, ".".join(map(str, libc))


def _elf(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            with path.open("rb") as file:
                if file.read(4) == b"\x7fELF":
                    yield path


def man_page(command_line: argparse.ArgumentParser) -> str:
    """The manual page, in roff, with every command of ``command_line``."""
    commands = next(one for one in command_line._actions if isinstance(one, argparse._SubParsersAction))
    listed = "\n".join(f".TP\n.B {_roff(each.dest)}\n{_roff(each.help or '')}" for each in commands._choices_actions)
    return f""".TH CIRCUIT\\-EXPLORER 1 "" "circuit\\-explorer {__version__}" "User Commands"
.SH NAME
circuit\\-explorer \\- shows why a language model said what it said
.SH SYNOPSIS
.B circuit\\-explorer
.I COMMAND
.RI [ OPTION ...]
.SH DESCRIPTION
Opens a language model and its transcoders from disk, runs a prompt and computes the attribution graph:
which features, at which layer and token, led to the predicted token.
Everything runs on this machine; nothing is sent or fetched.
.PP
.B circuit\\-explorer open
opens the window;
.B circuit\\-explorer
.I COMMAND
.B \\-\\-help
lists the options of a command.
.SH COMMANDS
{listed}
.SH EXIT STATUS
0 done, 1 a fault that was foreseen (one sentence on standard error), 2 wrong usage, 130 interrupted.
"""


def _roff(text: str) -> str:
    return text.replace("\\", "\\e").replace("-", "\\-")


def size(folder: Path) -> int:
    """The bytes of all files under ``folder``."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def _empty(name: str) -> Path:
    folder = ROOT / "build" / "packages" / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def _said(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


if __name__ == "__main__":
    sys.exit(main())

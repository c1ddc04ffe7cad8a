"""The .deb and the tarball: their texts, their scripts and what they need of the system."""

from __future__ import annotations

import gzip
import os
import re
import shutil
import subprocess
import sysconfig
from argparse import ArgumentParser
from configparser import RawConfigParser
from email import message_from_string
from pathlib import Path
from xml.etree import ElementTree

import pytest
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication

from explorer import __version__
from explorer.cli.parser import parser
from explorer.io.circuit_file import SUFFIX
from scripts import packages

MIME = {"m": "http://www.freedesktop.org/standards/shared-mime-info"}
START = "#!/bin/sh\necho started with \"$@\"\n"


def entry(text: str) -> dict[str, str]:
    read = RawConfigParser(interpolation=None)
    read.optionxform = str  # type: ignore[assignment]
    read.read_string(text)
    return dict(read["Desktop Entry"])


def commands(command_line: ArgumentParser) -> set[str]:
    return {name for action in command_line._actions for name in (action.choices or ())}


@pytest.fixture
def staged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, qapp: QApplication) -> Path:
    """The tree that both packages hold, around a program that is a shell script."""
    frozen = tmp_path / "frozen"
    licences = frozen / "_internal" / "explorer" / "resources" / "licences.txt"
    licences.parent.mkdir(parents=True)
    licences.write_text("licences")
    (frozen / "circuit-explorer").write_text(START)
    (frozen / "circuit-explorer").chmod(0o700)
    monkeypatch.setattr(packages, "FROZEN", frozen)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    packages.stage(tmp_path / "tree")
    packages.settle(tmp_path / "tree")
    for script in ("install", "uninstall"):
        shutil.copy(packages.TEMPLATES / script, tmp_path / "tree")
    return tmp_path / "tree"


def test_the_desktop_entry_opens_files_of_the_mime_type_with_a_command_that_exists() -> None:
    read = entry((packages.TEMPLATES / "circuit-explorer.desktop").read_text())
    program, command, files = read["Exec"].split()
    assert (program, files) == ("circuit-explorer", "%F")
    assert parser().parse_args([command, "a.circuit"]).paths == ["a.circuit"]
    kind = ElementTree.parse(packages.TEMPLATES / "circuit-explorer.xml").find("m:mime-type", MIME)
    assert kind is not None
    assert read["MimeType"] == f"{kind.attrib['type']};"
    assert read["Icon"] == "circuit-explorer"


def test_the_mime_type_is_that_of_circuit_files_and_has_the_icon() -> None:
    root = ElementTree.parse(packages.TEMPLATES / "circuit-explorer.xml").getroot()
    assert [one.attrib["pattern"] for one in root.findall(".//m:glob", MIME)] == [f"*{SUFFIX}"]
    assert [one.attrib["type"] for one in root.findall(".//m:sub-class-of", MIME)] == ["application/zip"]
    assert [one.attrib["name"] for one in root.findall(".//m:icon", MIME)] == ["circuit-explorer"]


def test_the_desktops_own_checker_has_nothing_to_say() -> None:
    if not shutil.which("desktop-file-validate"):
        pytest.skip("desktop-file-validate is not here")
    file = packages.TEMPLATES / "circuit-explorer.desktop"
    done = subprocess.run(["desktop-file-validate", file], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_manual_page_names_every_command() -> None:
    page = packages.man_page(parser())
    listed = page.partition(".SH COMMANDS")[2].partition(".SH")[0]
    named = re.findall(r"^\.B (\S+)$", listed, re.MULTILINE)
    assert {name.replace("\\-", "-") for name in named} == commands(parser())
    assert "open" in named
    assert len(named) == len(set(named))


def test_the_manual_page_is_sound_roff() -> None:
    if not shutil.which("groff"):
        pytest.skip("groff is not here")
    page = packages.man_page(parser())
    done = subprocess.run(["groff", "-man", "-Tascii", "-ww", "-z"], input=page, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_control_file_lists_each_library_once() -> None:
    wanted = packages.depends(set(packages.PACKAGES) | {"libc.so.6", "libm.so.6", "ld-linux-x86-64.so.2"}, "2.35")
    read = message_from_string(packages.control("amd64", 900 * 1024, wanted))
    listed = read["Depends"].split(", ")
    assert sorted(listed) == sorted({*packages.PACKAGES.values(), "fontconfig-config", "libc6 (>= 2.35)"})
    assert (read["Package"], read["Version"], read["Installed-Size"]) == ("circuit-explorer", __version__, "900")
    assert read["Description"].startswith("shows why")


def test_a_library_of_no_known_package_is_a_fault() -> None:
    with pytest.raises(SystemExit, match=r"Which package holds libunheard\.so\.1\?"):
        packages.depends({"libunheard.so.1"}, "2.35")


def test_what_is_linked_and_not_carried_is_found(tmp_path: Path) -> None:
    module = next(Path(sysconfig.get_path("stdlib")).glob("lib-dynload/_ssl.*.so"), None)
    if module is None or not shutil.which("objdump"):
        pytest.skip("no extension module, or no objdump, to look at")
    shutil.copy(module, tmp_path)
    wanted, libc = packages.linked(tmp_path)
    assert {"libssl.so.3", "libc.so.6"} <= wanted
    assert re.fullmatch(r"2\.\d+", libc)
    (tmp_path / "libssl.so.3").write_text("carried")
    assert packages.linked(tmp_path) == (wanted - {"libssl.so.3"}, libc)


def test_both_packages_hold_program_menu_entry_pictures_and_manual(staged: Path) -> None:
    assert (staged / "bin" / "circuit-explorer").resolve() == staged / "lib" / "circuit-explorer" / "circuit-explorer"
    manual = gzip.decompress((staged / "share/man/man1/circuit-explorer.1.gz").read_bytes()).decode()
    assert manual == packages.man_page(parser())
    icons = staged / "share" / "icons" / "hicolor"
    for edge in packages.ICON_SIZES:
        assert QImage(str(icons / f"{edge}x{edge}/apps/circuit-explorer.png")).width() == edge
    assert ElementTree.parse(icons / "scalable/apps/circuit-explorer.svg").getroot().tag.endswith("svg")
    assert sorted(file.name for file in (staged / "share/doc/circuit-explorer").iterdir()) == [
        "copyright",
        "licences.txt",
    ]


def test_what_is_packed_has_one_time_and_rights_that_do_not_depend_on_who_packed_it(staged: Path) -> None:
    held = [path for path in staged.rglob("*") if path.name not in ("install", "uninstall")]
    assert {int(path.lstat().st_mtime) for path in held} == {1700000000}
    rights = {oct(path.stat().st_mode & 0o777) for path in held}
    assert rights == {"0o755", "0o644"}


def test_the_tarball_installs_where_it_is_told_and_leaves_nothing_when_removed(staged: Path, tmp_path: Path) -> None:
    prefix = tmp_path / "a prefix"
    subprocess.run([staged / "install", "--prefix", prefix], check=True, capture_output=True)
    exec_line = entry((prefix / "share/applications/circuit-explorer.desktop").read_text())["Exec"]
    assert exec_line == f'"{prefix}/bin/circuit-explorer" open %F'
    done = subprocess.run([prefix / "bin" / "circuit-explorer", "open"], check=True, capture_output=True, text=True)
    assert done.stdout == "started with open\n"
    subprocess.run([staged / "install", "--prefix", prefix], check=True, capture_output=True)  # over itself
    subprocess.run([prefix / "lib" / "circuit-explorer" / "uninstall"], check=True, capture_output=True)
    assert [path for path in prefix.rglob("*") if "circuit" in path.name] == []
    left = [path for path in prefix.rglob("*") if path.is_file()]
    assert not any(b"circuit" in path.read_bytes() for path in left)  # caches of the system's own tools may stay


def test_the_tarball_goes_into_the_home_unless_told_otherwise(staged: Path, tmp_path: Path) -> None:
    environment = {**os.environ, "HOME": str(tmp_path / "home")}
    done = subprocess.run([staged / "install"], check=True, capture_output=True, text=True, env=environment)
    assert (tmp_path / "home/.local/bin/circuit-explorer").is_file()
    assert "is not on your PATH" in done.stdout
    subprocess.run([staged / "uninstall"], check=True, capture_output=True, env=environment)
    assert not (tmp_path / "home/.local/lib/circuit-explorer").exists()
    again = subprocess.run([staged / "uninstall"], capture_output=True, text=True, env=environment)
    assert again.returncode == 1
    assert "There is no Circuit Explorer in" in again.stderr


def test_another_installation_is_not_overwritten(staged: Path, tmp_path: Path) -> None:
    other = tmp_path / "bin" / "circuit-explorer"
    other.parent.mkdir()
    other.write_text("of pip")
    done = subprocess.run([staged / "install", "--prefix", tmp_path], capture_output=True, text=True)
    assert done.returncode == 1
    assert "belongs to another installation" in done.stderr
    assert other.read_text() == "of pip"
    assert not (tmp_path / "lib").exists() or not list((tmp_path / "lib").iterdir())

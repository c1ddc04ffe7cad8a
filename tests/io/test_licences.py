"""The licences of the parts: read back from the bundle's text, or told by what is installed."""

from __future__ import annotations

import sys
from importlib.metadata import distribution, distributions
from pathlib import Path

import pytest

from explorer.errors import LoadError
from explorer.io import licences
from explorer.io.licences import Licences
from explorer.work import run
from scripts.licences import text

TOLD = "The program.\n\n\n" + "\n\n\n".join(
    f"{licences.LINE}\n{chapter}"
    for chapter in (
        "zlib1g, libz.so.1\n\nThe text of zlib.",
        "two words 2.0.post1, MIT\n\n(the same text as of One 1.5)\n\nA notice.\n\n\nIts second paragraph.",
        "One 1.5, Apache-2.0, with an exception\n\nThe text of One.",
    )
)


@pytest.fixture
def told(tmp_path: Path) -> Licences:
    return read(tmp_path, TOLD.encode())


@pytest.fixture(scope="module")
def installed() -> Licences:
    return run(licences.reading(Path("/no/bundle")))


def read(folder: Path, content: bytes) -> Licences:
    (folder / "licences.txt").write_bytes(content)
    return run(licences.reading(folder / "licences.txt"))


def test_each_part_has_a_name_a_version_and_what_it_states(told: Licences) -> None:
    assert told.is_bundled
    assert [(part.name, part.version, part.stated) for part in told.parts] == [
        ("One", "1.5", "Apache-2.0, with an exception"),
        ("two words", "2.0.post1", "MIT"),
        ("zlib1g", "", "libz.so.1"),
    ]


def test_a_text_that_another_part_holds_is_shown_below_its_own(told: Licences) -> None:
    one, two, zlib = told.parts
    assert told.text(zlib) == "The text of zlib."
    own = "(the same text as of One 1.5)\n\nA notice.\n\n\nIts second paragraph."
    assert told.text(two) == f"{own}\n\nOne 1.5:\n\n{told.text(one)}"


def test_what_the_script_writes_is_read_back_whole(tmp_path: Path) -> None:
    names = {"numpy": "numpy", "networkx": "networkx", "PyYAML": "yaml"}
    found = read(tmp_path, text(names.values(), [Path("/nowhere/libx.so")]).encode())
    called = [part.called for part in found.parts]
    qt_and_others = ["Inter", "libraries of the system", "Qt", f"Python {sys.version.split()[0]}"]
    assert sorted(called) == sorted([*(f"{name} {distribution(name).version}" for name in names), *qt_and_others])
    for name in names:
        part = found.parts[called.index(f"{name} {distribution(name).version}")]
        assert part.texts == ("\n\n".join(licences.of_distribution(distribution(name)).texts),)


def test_without_a_bundle_it_is_every_installed_distribution_once_and_what_is_shipped(installed: Licences) -> None:
    assert not installed.is_bundled
    names = [part.name.lower() for part in installed.parts]
    expected = {held.metadata["Name"].lower() for held in distributions()} - {licences.OURS}
    assert names == sorted(expected | {"python", "qt", "inter"})


def test_the_text_of_a_distribution_is_that_of_its_files(installed: Licences) -> None:
    part = next(part for part in installed.parts if part.name == "networkx")
    (file,) = (file for file in distribution("networkx").files or () if "LICENSE" in file.name.upper())
    assert part.stated == "BSD-3-Clause"
    assert installed.text(part) == Path(str(file.locate())).read_text(encoding="utf-8").strip()


def test_the_font_and_qt_are_told_with_their_texts(installed: Licences) -> None:
    held = {part.name: installed.text(part) for part in installed.parts}
    assert "SIL OPEN FONT LICENSE" in held["Inter"]
    assert "may be replaced" in held["Qt"]
    assert "GNU LESSER GENERAL PUBLIC LICENSE" in held["Qt"]
    assert held["PySide6_Essentials"].endswith(held["Qt"])


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"half a preface", licences.LINE.encode()])
def test_a_damaged_text_is_one_sentence(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(LoadError, match=r"“.*licences.txt” is damaged; install Circuit Explorer again\.$"):
        read(tmp_path, content)


def test_a_bundle_without_its_text_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    with pytest.raises(LoadError, match=r"“.*licences.txt” is missing; install"):
        run(licences.reading(tmp_path / "licences.txt"))


def test_a_package_whose_metadata_are_damaged_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, metadata in (("bad", b"Name: bad\nVersion: 1\nLicense: \xe9"), ("nameless", b"Version: 1\n")):
        (tmp_path / f"{name}-1.dist-info").mkdir()
        (tmp_path / f"{name}-1.dist-info" / "METADATA").write_bytes(metadata)
    monkeypatch.setattr("sys.path", [str(tmp_path)])
    assert {part.name for part in run(licences.reading(tmp_path / "none")).parts} == {"Inter", "Python", "Qt"}

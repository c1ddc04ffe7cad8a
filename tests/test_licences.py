"""The one text of licences that the frozen program carries."""

from __future__ import annotations

from importlib.metadata import distribution
from pathlib import Path

import pytest

from scripts import licences


@pytest.fixture(scope="module")
def text() -> str:
    return licences.text({"numpy", "networkx", "PySide6", "tokenizers", "yaml", "explorer"}, [Path("/nowhere/libx.so")])


@pytest.mark.parametrize("name", ["numpy", "networkx", "PyYAML"])
def test_it_holds_every_licence_file_of_a_distribution(text: str, name: str) -> None:
    held = distribution(name)
    files = [file for file in held.files or () if file.name.upper().startswith(("LICENSE", "COPYING", "NOTICE"))]
    files = [file for file in files if ".dist-info" in str(file)]
    assert files
    for file in files:
        assert file.locate().read_text(encoding="utf-8", errors="replace").strip() in text  # type: ignore[attr-defined]
    assert f"{held.name} {held.version}, " in text


def test_a_distribution_without_a_text_is_named_with_what_it_states(text: str) -> None:
    assert f"tokenizers {distribution('tokenizers').version}, Apache Software License" in text


def test_qt_python_and_the_font_are_in_it(text: str) -> None:
    assert "GNU LESSER GENERAL PUBLIC LICENSE" in text
    assert "may be replaced" in text
    assert "PYTHON SOFTWARE FOUNDATION LICENSE" in text.upper()
    assert "SIL OPEN FONT LICENSE" in text


def test_our_own_code_is_no_part_of_others(text: str) -> None:
    assert "\ncircuit-explorer " not in text


def test_a_library_of_the_system_is_named_even_where_nothing_is_known_of_it(text: str) -> None:
    assert "libraries of the system, libx.so\n\n(the system tells no licence)" in text


def test_a_text_that_two_share_stands_once(monkeypatch: pytest.MonkeyPatch) -> None:
    told = [("one 1, MIT", ["the text"]), ("two 2, MIT", ["the text", "a notice"])]
    monkeypatch.setattr(licences, "_distributions", lambda modules: told)
    made = licences.text((), ())
    assert made.count("the text") == 1 + made.count("the text of")
    assert "(the same text as of one 1)\n\na notice" in made

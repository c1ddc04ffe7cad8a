"""Settings survive the file; a damaged file gives defaults and never an error."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from explorer.errors import SaveError
from explorer.io.settings_file import read, settings_path, write
from explorer.session.settings import Recent, Settings

SOME = Settings(
    theme="dark",
    text_scale=125,
    device="cpu",
    dtype="float64",
    threads=2,
    engine_command="ssh host circuit-explorer engine",
    recent=(Recent("/a/b.circuit", "2026-11-24T08:00:00+00:00", "a prompt", "12 nodes"),),
    geometry="AAAA",
    docks="BBBB",
)


def test_settings_survive_the_users_file() -> None:
    assert read() == Settings()
    write(SOME)
    assert settings_path().is_file()
    assert read() == SOME


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"\xff\xfe", b"[" * 100_000, b'{"theme": 3, "recent": {"a": 1}}'])
def test_a_damaged_file_gives_defaults(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "settings.json").write_bytes(data)
    assert read(tmp_path / "settings.json") == Settings()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("theme", "pink"),
        ("text_scale", 500),
        ("text_scale", True),
        ("device", None),
        ("dtype", "int8"),
        ("threads", -1),
        ("engine_command", ["rm"]),
        ("recent", [3, {"path": 5}, {"opened": "x"}]),
        ("geometry", 1.5),
    ],
)
def test_one_bad_value_costs_only_itself(tmp_path: Path, name: str, value: object) -> None:
    path = tmp_path / "settings.json"
    path.write_text(json.dumps({**asdict(SOME), name: value}))
    found = asdict(read(path))
    assert found.pop(name) == asdict(Settings())[name] or name == "recent"
    assert found == {key: kept for key, kept in asdict(SOME).items() if key != name}


def test_settings_that_cannot_be_written_say_why(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SaveError, match="could not be saved"):
        write(SOME, tmp_path / "file" / "settings.json")

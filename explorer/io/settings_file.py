"""The settings file: read without ever failing, written whole."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from platformdirs import user_config_path

from explorer.io import atomic
from explorer.session.page import wish_of
from explorer.session.settings import DEVICES, DTYPES, MAX_RECENT, MAX_THREADS, TEXT_SCALES, THEMES, Recent, Settings

APP = "circuit-explorer"
_MAX_BYTES = 10_000_000


def settings_path() -> Path:
    return user_config_path(APP, appauthor=False) / "settings.json"


def read(path: Path | None = None) -> Settings:
    """The settings in ``path`` (default: the user's). What is damaged or out of range takes its default."""
    table = _table(path or settings_path())
    plain = Settings()
    least, most = TEXT_SCALES
    return Settings(
        theme=_choice(table, "theme", THEMES, plain.theme),
        text_scale=_whole(table, "text_scale", least, most, plain.text_scale),
        device=_choice(table, "device", DEVICES, plain.device),
        dtype=_choice(table, "dtype", DTYPES, plain.dtype),
        threads=_whole(table, "threads", 0, MAX_THREADS, plain.threads),
        engine_command=_text(table, "engine_command"),
        recent=_recent(table.get("recent")),
        geometry=_text(table, "geometry"),
        docks=_text(table, "docks"),
        overview=table.get("overview") is not False,
        evidence=_texts(table, "evidence"),
        picture=wish_of(table.get("picture")),
    )


def write(settings: Settings, path: Path | None = None) -> None:
    """Write ``path`` (default: the user's), with its folder if need be; SaveError says why not."""
    path = path or settings_path()
    atomic.make_folder(path.parent)
    atomic.write(path, json.dumps(asdict(settings), indent=1).encode())


def _table(path: Path) -> Mapping[str, Any]:
    try:
        if path.stat().st_size > _MAX_BYTES:
            return {}
        table = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return table if isinstance(table, dict) else {}


def _choice(table: Mapping[str, Any], name: str, choices: tuple[str, ...], default: str) -> str:
    value = table.get(name)
    return value if isinstance(value, str) and value in choices else default


def _whole(table: Mapping[str, Any], name: str, least: int, most: int, default: int) -> int:
    value = table.get(name)
    return value if type(value) is int and least <= value <= most else default


def _text(table: Mapping[str, Any], name: str) -> str:
    value = table.get(name)
    return value if isinstance(value, str) else ""


def _texts(table: Mapping[str, Any], name: str) -> dict[str, str]:
    value = table.get(name)
    return {key: text for key, text in value.items() if isinstance(text, str)} if isinstance(value, dict) else {}


def _recent(value: Any) -> tuple[Recent, ...]:
    entries = [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []
    names = [field.name for field in fields(Recent)]
    found = (Recent(**{name: _text(entry, name) for name in names}) for entry in entries)
    return tuple(recent for recent in found if recent.path)[:MAX_RECENT]

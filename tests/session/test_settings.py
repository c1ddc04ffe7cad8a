"""Settings remember what was opened, newest first."""

from __future__ import annotations

from explorer.session.settings import MAX_RECENT, Recent, Settings, forget, remember, scaled


def test_what_was_opened_stands_first_and_once() -> None:
    settings = Settings()
    for path in ("a", "b", "a"):
        settings = remember(settings, Recent(path, "2026-11-24T08:00:00+00:00"))
    assert [recent.path for recent in settings.recent] == ["a", "b"]
    assert [recent.path for recent in forget(settings, "a").recent] == ["b"]


def test_the_oldest_of_too_many_goes() -> None:
    settings = Settings()
    for number in range(MAX_RECENT + 3):
        settings = remember(settings, Recent(str(number), ""))
    assert len(settings.recent) == MAX_RECENT
    assert settings.recent[0].path == str(MAX_RECENT + 2)


def test_the_text_scale_has_limits() -> None:
    assert [scaled(Settings(), percent).text_scale for percent in (10, 110, 400)] == [90, 110, 150]

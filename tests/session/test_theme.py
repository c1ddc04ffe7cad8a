from __future__ import annotations

import pytest

from explorer.session.theme import (
    DARK,
    LIGHT,
    RADII,
    RAMP,
    THEMES,
    Theme,
    blend,
    contrast,
    ramp_step,
    size_step,
)


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
def test_text_and_marks_can_be_read_on_every_surface(theme: Theme) -> None:
    surfaces = ("surface_canvas", "surface_panel", "surface_window", "surface_sunken", "select_tint")
    if theme.name == "print":
        surfaces = ("surface_canvas",)
    colours = theme.colours()
    for surface in surfaces:
        for name in ("text", "text_2", "text_3", "sign_raise", "sign_lower", "select", "stale", "danger"):
            assert contrast(colours[name], colours[surface]) >= 4.5, (name, surface)
        for name in ("mark_ink", "line_strong", "error_mass"):
            assert contrast(colours[name], colours[surface]) >= 3.0, (name, surface)


def test_contrast_agrees_with_known_values() -> None:
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21.0)
    assert contrast("#767676", "#FFFFFF") == pytest.approx(4.54, abs=0.01)
    assert contrast(LIGHT.text, LIGHT.surface_canvas) == pytest.approx(16.6, abs=0.05)
    assert contrast(DARK.select, DARK.surface_canvas) == pytest.approx(13.1, abs=0.05)


def test_steps() -> None:
    assert ramp_step([0.0, 0.049, 0.05, -0.099, 0.1, 0.25, -0.5, 1.0]).tolist() == [0, 0, 1, 1, 2, 3, 4, 4]
    assert len(RAMP) == len(RADII) == 5
    assert size_step([0.0, (RADII[2] / 58) ** 2, 1.0]).tolist() == [0, 2, 4]


def test_blend() -> None:
    assert blend("#FFFFFF", "#000000", 0.5) in ("#808080", "#7F7F7F")
    assert blend(LIGHT.text, LIGHT.line, 1.0) == LIGHT.text

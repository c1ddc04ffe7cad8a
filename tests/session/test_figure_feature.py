"""A feature's figure: its parts hold what the evidence says, within their width and without texts that cross."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from explorer.features.evidence import Evidence, Example, Weighed
from explorer.features.keys import N_BINS, bins
from explorer.session.figure import Figure, Rect, Text
from explorer.session.figure_feature import (
    FAINT,
    STRONG,
    examples_figure,
    feature_figure,
    fold,
    histogram_figure,
    text_figure,
)
from explorer.session.theme import LIGHT

WORDS = ("The", " capital", " of", " the", " state", " containing", " Dallas", " is", " Austin", ".")


def example(peak: int, words: tuple[str, ...] = WORDS, largest: float = 4.0) -> Example:
    values = tuple(largest if at == peak else (1.0 if at == peak - 1 else 0.0) for at in range(len(words)))
    return Example(0, peak, words, values, peak)


def evidence(activations: list[float]) -> Evidence:
    counts = np.bincount(bins(np.array(activations, np.float32)), minlength=N_BINS)
    logits = tuple(Weighed(at, f" word{at}", 1.5 - at) for at in range(3))
    return Evidence(
        1, 7, len(activations), 3, 0, 0.01, max(activations), 0.0, 1.0,
        histogram=tuple(map(int, counts)),
        top=(example(6), example(6), example(2, WORDS * 4)),
        top_logits=logits[:1], bottom_logits=logits[2:], reads=logits, norms=(1.0, 0.5),
    )  # fmt: skip


def crossing(figure: Figure) -> list[tuple[str, str]]:
    return [(a.text, b.text) for a, b in combinations(figure.texts(), 2) if a.box.meets(b.box)]


def test_equal_examples_are_one_line_with_their_number() -> None:
    folded = fold(evidence([1.0]).top)
    assert [(one.example.tokens, one.count) for one in folded] == [(WORDS, 2), (WORDS * 4, 1)]
    words = [text.text for text in examples_figure(folded, 4.0, LIGHT, 316.0).texts()]
    assert words.count("× 2") == 1


@pytest.mark.parametrize("width", [276.0, 316.0, 456.0])
def test_peaks_stand_below_each_other_and_nothing_leaves_the_figure(width: float) -> None:
    figure = examples_figure(fold(evidence([1.0]).top), 4.0, LIGHT, width)
    shades = [item for group in figure.groups for item in group.items if isinstance(item, Rect)]
    peaks = [one.x for one in shades if one.ink.fill_alpha == pytest.approx(STRONG)]
    assert len(peaks) == 2
    assert peaks[0] == peaks[1]
    fainter = [one.ink.fill_alpha for one in shades if one.ink.fill_alpha != pytest.approx(STRONG)]
    assert fainter == [pytest.approx(FAINT + (STRONG - FAINT) / 4)] * 2
    assert all(text.box.x0 >= -1 and text.box.x1 <= width + 1 for text in figure.texts())
    assert crossing(figure) == []


def test_the_histogram_marks_the_activation_of_this_prompt() -> None:
    values = [0.5] * 90 + [3.0] * 10
    figure = histogram_figure(evidence(values), 3.0, LIGHT, 316.0)
    heights = [item.height for group in figure.groups for item in group.items if isinstance(item, Rect)]
    assert max(heights) / heights[-1] == pytest.approx((90 / 10) ** 0.5)
    assert "here 3.00, above 95 %" in [text.text for text in figure.texts()]  # all below, and half of its own bin
    assert "here" not in histogram_figure(evidence(values), None, LIGHT, 316.0).summary
    assert histogram_figure(replace(evidence(values), histogram=()), None, LIGHT, 316.0).height == 0


def test_an_activation_beyond_the_text_widens_the_histogram() -> None:
    figure = histogram_figure(evidence([0.5, 0.6]), 90.0, LIGHT, 316.0)
    assert "here 90.00, above 100 %" in [text.text for text in figure.texts()]


def test_a_text_goes_over_lines_and_is_shaded_where_the_feature_is_active() -> None:
    values = [0.0] * len(WORDS)
    values[6] = 2.0
    figure = text_figure(WORDS, values, 4.0, LIGHT, 150.0)
    items = [item for group in figure.groups for item in group.items]
    at = next(place for place, item in enumerate(items) if isinstance(item, Rect))
    assert isinstance(items[at + 1], Text)
    assert items[at + 1].text == "Dallas"
    assert len({text.y for text in figure.texts()}) > 1
    assert all(text.box.x1 <= 151 for text in figure.texts())


@pytest.mark.parametrize("width", [300.0, 480.0])
def test_the_whole_figure_holds_every_part_and_no_texts_cross(width: float) -> None:
    figure = feature_figure("L1 / 7", evidence([0.5, 3.0]), 3.0, 3, LIGHT, width)
    said = " ".join(text.text for text in figure.texts())
    names = ("L1 / 7", "feature 7 of layer 1", "Where it fires", "Activation", "Reads tokens")
    for words in (*names, "at most", "reads 1, writes 1 to 2", "+1.50", "−0.50"):
        assert words in said
    assert crossing(figure) == []
    assert all(text.box.y0 >= 0 and text.box.y1 <= figure.height for text in figure.texts())


def test_a_feature_that_is_never_active_has_a_figure_too() -> None:
    nothing = Evidence(0, 1, 0, 0, 0, 0.0, 0.0, 0.0, 0.0)
    assert feature_figure("L0 / 1", nothing, None, 3, LIGHT).height > 0

"""Statistics against a brute-force count, whatever the batches and shards."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest

from explorer.features.entries import Entries
from explorer.features.kept import BEFORE, SPAN
from explorer.features.keys import EMPTY, N_BINS, edges
from explorer.features.statistics import UNIT, Keeping, LayerStatistics

N_WINDOWS, CONTEXT, N_FEATURES = 60, 7, 11
KEEPING = Keeping(n_top=5, n_random=4, n_others=2)


@pytest.fixture(scope="module")
def dense() -> np.ndarray:
    """Activations [window, place, feature]: sparse and coarse, so that ties are common; some negative."""
    draw = np.random.default_rng(3)
    values = np.round(draw.normal(size=(N_WINDOWS, CONTEXT, N_FEATURES)) * 6) / 2
    values[draw.random(values.shape) < 0.7] = 0
    values[..., 3] = 0
    values[..., 4] = -np.abs(values[..., 4])
    values[:, :, 5] *= draw.random((N_WINDOWS, 1)) < 0.05  # rarer than what is kept
    values[5] = values[6]
    return values.astype(np.float32)


def entries(part: np.ndarray) -> Entries:
    row, feature = part.reshape(-1, N_FEATURES).nonzero()
    return Entries(row, feature, part.reshape(-1, N_FEATURES)[row, feature])


def read(dense: np.ndarray, first: int, stop: int, n_rows: int) -> LayerStatistics:
    held = LayerStatistics.empty(2, N_FEATURES, KEEPING)
    for at in range(first, stop, n_rows):
        held.add(entries(dense[at : min(at + n_rows, stop)]), at, CONTEXT)
    return held


@dataclass
class Example:
    value: float
    window: int
    peak: int


def peaks(dense: np.ndarray, feature: int) -> list[Example]:
    found = []
    for window in range(N_WINDOWS):
        places = [place for place in range(CONTEXT) if dense[window, place, feature] != 0]
        if places:
            peak = max(places, key=lambda place: (dense[window, place, feature], -place))
            found.append(Example(float(dense[window, peak, feature]), window, peak))
    return found


def test_counts_equal_brute_force(dense: np.ndarray) -> None:
    held = read(dense, 0, N_WINDOWS, 8)
    bounds = [-np.inf, *edges().tolist(), np.inf]
    for feature in range(N_FEATURES):
        values = dense[..., feature][dense[..., feature] != 0]
        assert held.active[feature] == len(values)
        assert held.negative[feature] == (values < 0).sum()
        assert held.total[feature] == sum(round(float(value) * UNIT) for value in values)
        assert held.windows[feature] == (dense[..., feature] != 0).any(1).sum()
        counts = [((values > 0) & (values >= a) & (values < b)).sum() for a, b in pairwise(bounds)]
        assert held.histogram[feature].tolist() == counts
        if len(values):
            assert (held.maximum[feature], held.minimum[feature]) == (values.max(), values.min())


def test_the_strongest_examples_equal_brute_force_with_ties_by_document_and_position(dense: np.ndarray) -> None:
    held = read(dense, 0, N_WINDOWS, 8).top.sorted()
    ties = 0
    for feature in range(N_FEATURES):
        wanted = sorted(peaks(dense, feature), key=lambda one: (-one.value, one.window))
        ties += len(wanted) - len({one.value for one in wanted})
        wanted = wanted[: KEEPING.n_top]
        n = len(wanted)
        assert (held.key[feature, n:] == EMPTY).all()
        assert held.value[feature, :n].tolist() == [one.value for one in wanted]
        assert (held.key[feature, :n] & 0xFFFFFFFF).tolist() == [one.window for one in wanted]
        assert held.peak[feature, :n].tolist() == [one.peak for one in wanted]
        for place, one in enumerate(wanted):
            around = [
                dense[one.window, at, feature] if 0 <= at < CONTEXT else 0
                for at in range(one.peak - BEFORE, one.peak - BEFORE + SPAN)
            ]
            assert held.around[feature, place].tolist() == around
            there = dense[one.window, one.peak]
            others = sorted(np.flatnonzero(there), key=lambda other: (-there[other], other))
            others = [other for other in others if other != feature][: KEEPING.n_others]
            assert held.others[feature, place].tolist() == others + [-1] * (KEEPING.n_others - len(others))
    assert ties > 20


def test_activations_beyond_float16_are_its_largest_around_a_peak() -> None:
    """Files of other tools take no infinity; the peak itself is kept whole."""
    held = LayerStatistics.empty(0, 1, KEEPING)
    held.add(Entries(np.arange(2), np.zeros(2, np.int64), np.array([-7e4, 1e5], np.float32)), 0, CONTEXT)
    top = held.top.sorted()
    assert top.around[0, 0, BEFORE - 1 : BEFORE + 1].tolist() == [-65504, 65504]
    assert top.value[0, 0] == np.float32(1e5)


def test_random_examples_are_spread_evenly_over_the_windows_of_a_feature() -> None:
    """Each window of a feature that is active in all of them is drawn about equally often over many features."""
    keeping, n_features = Keeping(1, 4, 0), 3000
    held = LayerStatistics.empty(1, n_features, keeping)
    rows = np.repeat(np.arange(20), n_features)
    held.add(Entries(rows, np.tile(np.arange(n_features), 20), np.ones(len(rows), np.float32)), 0, 1)
    drawn = np.bincount((held.random.key & 0xFFFFFFFF).reshape(-1), minlength=20)
    assert drawn.sum() == 4 * n_features
    assert np.abs(drawn - 600).max() < 6 * np.sqrt(600 * 0.8)


@pytest.mark.parametrize("n_rows", [1, 3, 8, 60])
def test_batches_of_any_size_give_the_same(dense: np.ndarray, n_rows: int) -> None:
    assert_same(read(dense, 0, N_WINDOWS, 8), read(dense, 0, N_WINDOWS, n_rows))


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 1, 0, 2), (2, 3, 1, 0)])
def test_shards_merged_in_any_order_give_the_same(dense: np.ndarray, order: tuple[int, ...]) -> None:
    bounds = (0, 8, 32, 33, N_WINDOWS)
    shards = [read(dense, bounds[i], bounds[i + 1], 5) for i in order]
    together = shards[0].merged(shards[1]).merged(shards[2].merged(shards[3]))
    assert_same(read(dense, 0, N_WINDOWS, 8), together)


def assert_same(one: LayerStatistics, other: LayerStatistics) -> None:
    one.top, one.random, other.top, other.random = (
        one.top.sorted(), one.random.sorted(), other.top.sorted(), other.random.sorted()
    )  # fmt: skip
    for name, array in one.arrays.items():
        assert array.dtype == other.arrays[name].dtype, name
        if "." not in name or name.endswith(".key"):
            np.testing.assert_array_equal(array, other.arrays[name], name)
        else:
            kind = name.split(".")[0]
            there = one.arrays[f"{kind}.key"] != EMPTY
            np.testing.assert_array_equal(array[there], other.arrays[name][there], name)


def test_bins_are_fixed_and_cover_every_positive_value() -> None:
    assert len(edges()) == N_BINS - 1
    assert edges()[0] == 2.0**-8
    assert np.diff(np.log2(edges()[::4])) == pytest.approx(1.0)

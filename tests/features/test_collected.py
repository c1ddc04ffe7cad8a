"""What is collected of a text, against a count by hand, whatever the shards and the order that they come in."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch

from explorer.features.collected import Collected
from explorer.features.kept import BEFORE, SPAN
from explorer.features.keys import EMPTY, edges
from explorer.features.reads import counted, reads
from explorer.features.spans import Spans
from explorer.features.statistics import UNIT, Keeping
from explorer.features.windows import Batch
from explorer.models.loader import LanguageModel
from explorer.transcoders.transcoder import TranscoderSet
from tests import tiny

KEEPING = Keeping(n_top=4, n_random=3, n_others=2)
N_ROWS, CONTEXT, N_BATCHES = 4, 9, 7


@pytest.fixture(scope="module")
def model() -> LanguageModel:
    return tiny.model("llama")


@pytest.fixture(scope="module", params=["plt", "clt"])
def held(request: pytest.FixtureRequest, model: LanguageModel) -> TranscoderSet:
    return tiny.transcoders(model, request.param, "jumprelu")


@pytest.fixture(scope="module")
def text() -> list[Batch]:
    """Windows of all lengths; some come twice, so that there are ties."""
    draw = np.random.default_rng(5)
    ids = draw.integers(3, tiny.D_VOCAB, (N_BATCHES * N_ROWS, CONTEXT))
    length = draw.integers(2, CONTEXT + 1, len(ids))
    ids[:, 0] = 1
    ids[20:24], length[20:24] = ids[4:8], length[4:8]
    length[-2:] = 0
    document, start = np.arange(len(ids)) // 3, np.arange(len(ids)) % 3 * (CONTEXT - 1)
    rows = [slice(first, first + N_ROWS) for first in range(0, len(ids), N_ROWS)]
    return [Batch(row.start, ids[row], length[row], document[row], start[row], 1, row.stop) for row in rows]


@pytest.fixture(scope="module")
def dense(model: LanguageModel, held: TranscoderSet, text: list[Batch]) -> list[np.ndarray]:
    """By layer [window, place, feature], from the encoders' formula."""
    found: list[list[np.ndarray]] = [[] for _ in held.layers]
    for batch in text:
        there = torch.from_numpy(counted(batch, held.zero_positions))
        for layer, x in enumerate(reads(model, held, torch.from_numpy(batch.ids))):
            own = held.layers[layer]
            pre = torch.nn.functional.linear(x, own.W_enc, own.b_enc)
            active = (pre > own.activation.threshold) & there[:, None]
            found[layer].append(torch.where(active, pre, 0.0).reshape(N_ROWS, CONTEXT, -1).numpy())
    return [np.concatenate(parts) for parts in found]


@pytest.fixture(scope="module")
def made(model: LanguageModel, held: TranscoderSet, text: list[Batch]) -> Collected:
    return read(model, held, text)


def read(model: LanguageModel, held: TranscoderSet, batches: list[Batch]) -> Collected:
    one = Collected.empty(model, held, KEEPING)
    for batch in batches:
        one.take(model, held, batch)
    return one


def test_counts_extremes_and_histogram_equal_a_count_by_hand(made: Collected, dense: list[np.ndarray]) -> None:
    bounds = [-np.inf, *edges().tolist(), np.inf]
    for one, values in zip(made.layers, dense, strict=True):
        assert (values != 0).any(), "nothing to count"
        for feature in range(values.shape[2]):
            own = values[..., feature]
            on = own[own != 0].tolist()
            assert one.active[feature] == len(on)
            assert one.windows[feature] == sum(1 for window in own if window.any())
            assert one.total[feature] == sum(round(value * UNIT) for value in on)
            assert one.negative[feature] == sum(1 for value in on if value < 0)
            wanted = [sum(1 for value in on if value > 0 and a <= value < b) for a, b in pairwise(bounds)]
            assert one.histogram[feature].tolist() == wanted
            assert (one.maximum[feature], one.minimum[feature]) == (max(on, default=-np.inf), min(on, default=np.inf))


def test_examples_equal_a_search_by_hand(made: Collected, dense: list[np.ndarray]) -> None:
    """The strongest by activation falling, then window: its document and position; the peak is the first maximum."""
    ties = 0
    for one, values in zip(made.layers, dense, strict=True):
        top = one.top.sorted()
        for feature in range(values.shape[2]):
            peaks = []
            for window, own in enumerate(values[..., feature].tolist()):
                on = [value for value in own if value]
                if on:
                    peaks.append((max(on), window, own.index(max(on))))
            wanted = sorted(peaks, key=lambda peak: (-peak[0], peak[1]))
            ties += len(wanted) - len({value for value, *_ in wanted})
            wanted = wanted[: KEEPING.n_top]
            there = top.key[feature] != EMPTY
            found = zip(top.value[feature], top.key[feature] & 0xFFFFFFFF, top.peak[feature], strict=True)
            assert [tuple(map(float, each)) for each in np.array(list(found))[there]] == wanted
            for place, (_, window, peak) in enumerate(wanted):
                span = range(peak - BEFORE, peak - BEFORE + SPAN)
                around = [values[window, at, feature] if 0 <= at < CONTEXT else 0 for at in span]
                assert top.around[feature, place].tolist() == np.array(around, np.float16).tolist()
    assert ties > 10


@pytest.mark.parametrize(("n", "seed"), [(1, 0), (3, 1), (N_BATCHES, 0)])
def test_shards_of_any_size_in_any_order_give_the_same(
    model: LanguageModel, held: TranscoderSet, text: list[Batch], made: Collected, n: int, seed: int
) -> None:
    parts = [text[first : first + n] for first in range(0, len(text), n)]
    together = Collected.empty(model, held, KEEPING)
    for at in np.random.default_rng(seed).permutation(len(parts)):
        together.take_in(read(model, held, parts[at]).found())
    assert together.counts == made.counts
    assert together.done == made.done == Spans(((0, N_BATCHES),))
    np.testing.assert_array_equal(together.token_windows, made.token_windows)
    for one, other in zip(together.layers, made.layers, strict=True):
        one.top, one.random, other.top, other.random = (
            one.top.sorted(), one.random.sorted(), other.top.sorted(), other.random.sorted()
        )  # fmt: skip
        for name, array in one.arrays.items():
            kind = name.split(".")[0]
            there = one.arrays[f"{kind}.key"] != EMPTY if "." in name else ...
            np.testing.assert_array_equal(array[there], other.arrays[name][there], name)


def test_a_shard_is_sent_with_its_active_features_alone(
    model: LanguageModel, held: TranscoderSet, text: list[Batch]
) -> None:
    one = read(model, held, text[:1])
    found = one.found()
    for layer, features, part in zip(one.layers, found.features, found.collected.layers, strict=True):
        assert features.tolist() == np.flatnonzero(layer.active).tolist()
        assert len(part.active) == len(features) <= len(layer.active)


def test_spans_join_what_touches_and_overlaps() -> None:
    assert Spans(((0, 2), (5, 6))).joined(Spans(((2, 3), (8, 9)))) == Spans(((0, 3), (5, 6), (8, 9)))
    assert Spans(((0, 9),)).joined(Spans(((2, 3),))) == Spans(((0, 9),))
    assert [number for number in range(10) if number in Spans(((1, 3), (8, 9)))] == [1, 2, 8]

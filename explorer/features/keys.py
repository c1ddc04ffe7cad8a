"""Keys: one whole number for each example, by which the best are kept whatever the order they come in.

The smaller key is the better example. That of the strongest is (activation falling, window rising) and windows are
numbered by document and position, so ties break that way. That of a random example is (hash, window).
"""

from __future__ import annotations

import numpy as np

from explorer.shapes import Float, Int

EMPTY = np.iinfo(np.int64).max  # the key of a place without an example
BINS_PER_OCTAVE = 4
LOWEST = -8  # exponent of two where the second bin begins
N_BINS = 80
_SHIFT = 21  # leaves the exponent and two bits of the fraction of a float32
_FIRST = (127 + LOWEST) << 2


def rising(value: Float[np.ndarray, " n"]) -> Int[np.ndarray, " n"]:
    """Whole numbers in the order of float32 values, one for each of them (0 and -0 are one)."""
    bits = value.astype(np.float32).view(np.int32).astype(np.int64)
    return np.asarray(np.where(bits >= 0, bits, -(bits & 0x7FFFFFFF)))


def strongest(value: Float[np.ndarray, " n"], window: Int[np.ndarray, " n"]) -> Int[np.ndarray, " n"]:
    """Keys of the strongest examples."""
    made: np.ndarray = -rising(value) * 2**32 + window
    return made


def at_random(layer: int, feature: Int[np.ndarray, " n"], window: Int[np.ndarray, " n"]) -> Int[np.ndarray, " n"]:
    """Keys of random examples: the same for the same layer, feature and window, and evenly spread."""
    made: np.ndarray = hashed(layer, feature, window) * 2**32 + window
    return made


def hashed(layer: int, feature: Int[np.ndarray, " n"], window: Int[np.ndarray, " n"]) -> Int[np.ndarray, " n"]:
    """31 bits of a hash; the mixing function is splitmix64's (Steele, Lea, Flood 2014)."""
    salt = np.uint64((layer + 1) * 2**40 % 2**64)
    mixed = _mix(_mix(feature.astype(np.uint64) + salt) + window.astype(np.uint64))
    return np.asarray(mixed >> np.uint64(33), np.int64)


def is_held_out(window: Int[np.ndarray, " n"]) -> np.ndarray:
    """Which windows are kept from the fitting of labels, to score them: half of all."""
    made: np.ndarray = hashed(-1, np.zeros_like(window), window) % 2 == 1
    return made


def bins(value: Float[np.ndarray, " n"]) -> Int[np.ndarray, " n"]:
    """The bin of the histogram that each positive value falls in; the first and the last are open."""
    bits = value.astype(np.float32).view(np.int32).astype(np.int64) >> _SHIFT
    return np.asarray(np.clip(bits - _FIRST + 1, 0, N_BINS - 1))


def edges() -> Float[np.ndarray, " n_edges"]:
    """The lower edges of all bins but the first, four to a doubling from 2**-8 on; the same for all features."""
    bits: np.ndarray = (np.arange(N_BINS - 1, dtype=np.int32) + _FIRST) << _SHIFT
    return bits.view(np.float32)


def _mix(x: np.ndarray) -> np.ndarray:
    x = x + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(x ^ (x >> np.uint64(31)))

"""The letter model: one matrix whose row is what it believes comes after a letter, learned from names.

Token 0 is "." and stands for both ends of a name. Reading, lesions and rules are plain functions of the matrix and of
the names, in numpy, so that the window draws them at once.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy import ndarray

from explorer.errors import GraphError
from explorer.shapes import Bool, Float

TOKENS = ".abcdefghijklmnopqrstuvwxyz"
N = len(TOKENS)
SMOOTHING = 0.01  # each pair is counted this much more, so that one never seen keeps a finite logit
CUT = -20.0  # the logit of what is cut out: never, beside the trained ones
CAP = 40  # letters after which a sampled word is broken off

Matrix = Float[ndarray, "before after"]


@dataclass(frozen=True)
class Belief:
    """What comes after ``letter``: the model's belief, the share in the names, and how often the names say it."""

    letter: str
    belief: Float[ndarray, "after"]
    frequency: Float[ndarray, "after"]
    n: int

    @property
    def difference(self) -> Float[ndarray, "after"]:
        """Belief minus frequency."""
        result: ndarray = self.belief - self.frequency
        return result


@dataclass(frozen=True)
class Lesion:
    """Entries of the matrix put to ``value``: whole rows (after a letter), columns (before it), single pairs.

    With ``CUT`` a column never comes; a row in which all is cut knows nothing, and believes in all letters alike.
    """

    rows: str = ""
    columns: str = ""
    entries: tuple[str, ...] = ()
    value: float = CUT

    def mask(self) -> Bool[ndarray, "before after"]:
        """Which entries are put; GraphError for what is no letter."""
        mask = np.zeros((N, N), dtype=bool)
        mask[[at(letter) for letter in self.rows]] = True
        mask[:, [at(letter) for letter in self.columns]] = True
        for pair in self.entries:
            if len(pair) != 2:
                raise GraphError(f"“{pair}” is no pair of letters; write two, such as qu, with . for the end.")
            mask[at(pair[0]), at(pair[1])] = True
        return mask


@dataclass(frozen=True)
class Word:
    """A sampled word; ``ended`` is false if it was broken off."""

    text: str
    ended: bool


@dataclass(frozen=True)
class Rule:
    """After ``before`` comes ``after``: the model's confidence, and what the names say for and against it.

    ``support`` of the ``n`` places after ``before`` agree; ``exceptions`` are some of the names that do not.
    """

    before: str
    after: str
    confidence: float
    support: int
    n: int
    exceptions: tuple[str, ...]

    @property
    def frequency(self) -> float:
        return self.support / self.n if self.n else math.nan


def at(letter: str) -> int:
    """The row of ``letter``; GraphError if the model does not know it."""
    if len(letter) != 1 or letter not in TOKENS:
        raise GraphError(f"“{letter}” is no letter of this model; take one of a to z, or . for the end.")
    return TOKENS.index(letter)


def counts(names: Iterable[str]) -> Matrix:
    """How often each letter follows each in the names, with "." at both ends."""
    table = np.zeros((N, N))
    for name in names:
        for before, after in pairs(name):
            table[at(before), at(after)] += 1
    return table


def pairs(name: str) -> list[tuple[str, str]]:
    """Each letter of ``.name.`` with the next."""
    return list(zip(f".{name}", f"{name}.", strict=True))


def closed_form(counted: Matrix) -> Matrix:
    """The logits that fit the counts best: log of the smoothed shares. Training comes to the same but for a shift."""
    smoothed = counted + SMOOTHING
    result: ndarray = np.log(smoothed / smoothed.sum(1, keepdims=True))
    return result


def probabilities(logits: Matrix, temperature: float = 1.0) -> Matrix:
    """What the model believes, row by row; GraphError unless ``temperature`` is above 0."""
    if not temperature > 0 or math.isinf(temperature):
        raise GraphError(f"The temperature is {temperature:g}, where a number above 0 belongs.")
    scaled = (logits - logits.max(1, keepdims=True)) / temperature
    weight = np.exp(scaled)
    result: ndarray = weight / weight.sum(1, keepdims=True)
    return result


def divergence(true: Matrix, guess: Matrix, counted: Matrix) -> float:
    """Mean KL in nats from ``true`` to ``guess`` (both logits), over the rows as often as the names use them."""
    p, q = probabilities(true), probabilities(guess)
    each = (p * (np.log(p) - np.log(q))).sum(1)
    used = counted.sum(1)
    return float(each @ used / used.sum())


def believed(logits: Matrix, counted: Matrix, letter: str, temperature: float = 1.0) -> Belief:
    """The row of ``letter``."""
    row = at(letter)
    n = int(counted[row].sum())
    return Belief(letter, probabilities(logits, temperature)[row], counted[row] / max(n, 1), n)


def lesioned(logits: Matrix, lesion: Lesion) -> Matrix:
    """The matrix with the lesion; the given one stays."""
    return np.where(lesion.mask(), lesion.value, logits)


def perplexity(logits: Matrix, counted: Matrix) -> float:
    """How many letters the model takes to be equally good guesses, over all places of the names and their ends."""
    loss = -(counted * np.log(probabilities(logits))).sum() / counted.sum()
    return float(np.exp(loss))


def sample(logits: Matrix, n: int, rng: np.random.Generator, temperature: float = 1.0) -> list[Word]:
    """``n`` words; broken off after ``CAP`` letters."""
    below = probabilities(logits, temperature).cumsum(1)
    return [_word(below, rng) for _ in range(n)]


def _word(below: Matrix, rng: np.random.Generator) -> Word:
    letters, now = "", 0
    for chance in rng.random(CAP + 1):
        now = min(int(np.searchsorted(below[now], chance, side="right")), N - 1)
        if now == 0:
            return Word(letters, True)
        letters += TOKENS[now]
    return Word(letters[:CAP], False)


def greedy(logits: Matrix, start: str = ".") -> tuple[str, str]:
    """The word of the most probable letters from ``start`` on, and the loop in which it goes round ("" if it ends)."""
    row, letters = at(start), start.replace(".", "")
    seen = [row]
    while True:
        row = int(logits[row].argmax())
        if row == 0:
            return letters, ""
        if row in seen:
            return letters, "".join(TOKENS[each] for each in seen[seen.index(row) :])
        seen.append(row)
        letters += TOKENS[row]


def rulebook(
    logits: Matrix, names: Sequence[str], at_least: float = 0.25, n_exceptions: int = 3, temperature: float = 1.0
) -> list[Rule]:
    """The rules with a confidence of ``at_least``, the surest first."""
    believes, counted, told = probabilities(logits, temperature), counts(names), _told(names)
    found = [
        Rule(
            before=TOKENS[before],
            after=TOKENS[after],
            confidence=float(believes[before, after]),
            support=int(counted[before, after]),
            n=int(counted[before].sum()),
            exceptions=_exceptions(told[TOKENS[before]], TOKENS[after], n_exceptions),
        )
        for before, after in np.argwhere(believes >= at_least)
    ]
    return sorted(found, key=lambda rule: (-rule.confidence, -rule.support))


def _told(names: Iterable[str]) -> dict[str, dict[str, set[str]]]:
    """By letter, the names that have it, and what comes after it there."""
    told: dict[str, dict[str, set[str]]] = {letter: {} for letter in TOKENS}
    for name in names:
        for before, after in pairs(name):
            told[before].setdefault(name, set()).add(after)
    return told


def _exceptions(told: dict[str, set[str]], after: str, most: int) -> tuple[str, ...]:
    against = (name for name, afters in told.items() if afters != {after})
    return tuple(islice(against, most))

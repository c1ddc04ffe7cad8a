"""The adder specimen: 777 weights that add two ten-digit numbers, from the last digit on.

Columns are counted from the units, 0 to 10; output column i is said at the position of the sum's digit before it. A
sum is exact if all eleven digits and the end are right; with the true digits before each, that is what the model says
by itself too, since it never sees one of its own faults.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy import ndarray

from explorer.errors import GraphError, PromptError
from explorer.shapes import Bool, Float, Int
from explorer.specimens import sums
from explorer.specimens.network import Change, Network, Pass, Site, run, unchanged
from explorer.specimens.sums import END, N_DIGITS, N_OUT, N_POS, N_PROMPT, READ
from explorer.work import Pause, go_on

BATCH = 2000  # sums in one pass
PLACES = ("a", "b", "a before", "b before", "sum before", "elsewhere")
Numbers = Int[ndarray, "n"]


@dataclass(frozen=True)
class Reading:
    """One sum as the model works it out: by output, the token it says, its chance, and where it looks.

    ``tokens`` are the texts of the positions that ``pattern`` [output, position] looks at.
    """

    a: int
    b: int
    said: str
    probability: Float[ndarray, "output"]
    pattern: Float[ndarray, "output pos"]
    tokens: tuple[str, ...]

    @property
    def answer(self) -> str:
        """What the model says, written the usual way."""
        return self.said.rstrip(sums.TOKENS[END])[::-1].lstrip("0") or "0"


@dataclass(frozen=True)
class Claim:
    """A sentence about a column, and whether the model bears it out, with what was measured."""

    column: int
    text: str
    holds: bool
    measured: str


def batches(a: Numbers, b: Numbers) -> Iterator[tuple[Numbers, Numbers]]:
    """The sums in parts that fit into a pass."""
    for start in range(0, len(a), BATCH):
        part = slice(start, start + BATCH)
        yield a[part], b[part]


def passed(network: Network, a: Numbers, b: Numbers, change: Change = unchanged) -> Pass:
    """The pass over the sums with their true digits behind them."""
    return run(network, sums.rows(a, b)[:, :N_POS], change)


def exact(network: Network, a: Numbers, b: Numbers, change: Change = unchanged) -> Bool[ndarray, "n"]:
    """Whether each sum comes out right in all digits."""
    parts = [
        (passed(network, *part, change).logits[:, READ].argmax(-1) == sums.rows(*part)[:, N_PROMPT:]).all(1)
        for part in batches(a, b)
    ]
    return np.concatenate(parts)


def read(network: Network, a: int, b: int, change: Change = unchanged) -> Reading:
    """One sum, said digit by digit by the model itself; PromptError for numbers of more than ten digits."""
    for number in (a, b):
        if not 0 <= number < 10**N_DIGITS:
            raise PromptError(f"{number} does not fit; the model adds whole numbers of up to {N_DIGITS} digits.")
    row = sums.rows(np.array([a]), np.array([b]))[:, :N_PROMPT]
    for _ in range(N_OUT - 1):
        row = np.append(row, run(network, row, change).logits[:, -1:].argmax(-1), axis=1)
    found = run(network, row, change)
    logits = found.logits[0, READ]
    chance = np.exp(logits - logits.max(1, keepdims=True))
    chance /= chance.sum(1, keepdims=True)
    said = "".join(network.tokens[token] for token in logits.argmax(1))
    texts = tuple(network.tokens[token] for token in row[0])
    return Reading(a, b, said, chance.max(1), found.pattern[0][0, 0, READ], texts)


def places(column: int) -> dict[str, int]:
    """Where the digits stand that matter to an output: its own column's, the ones before, the last digit said."""
    found: dict[str, int] = {}
    if column < N_DIGITS:
        found |= {"a": N_DIGITS - 1 - column, "b": 2 * N_DIGITS - column}
    if 0 < column <= N_DIGITS:
        found |= {"a before": N_DIGITS - column, "b before": 2 * N_DIGITS + 1 - column}
        found |= {"sum before": N_PROMPT + column - 1}
    return found


def alignment(network: Network, n: int = 500, seed: int = 0) -> Float[ndarray, "output place"]:
    """Mean attention of each output to each of ``PLACES``, over random sums."""
    pattern = passed(network, *sums.random_sums(n, np.random.default_rng(seed))).pattern[0][:, 0, READ].mean(0)
    table = np.zeros((N_OUT, len(PLACES)))
    for output in range(N_OUT):
        for name, position in places(output).items():
            table[output, PLACES.index(name)] = pattern[output, position]
    table[:, -1] = 1 - table.sum(1)
    return table


def neurons(
    network: Network, column: int = 4, n: int = 20_000, seed: int = 0, pause: Pause = go_on
) -> Float[ndarray, "neuron a b carry"]:
    """Mean activation of each neuron when ``column`` is said, by its two digits and the carry that comes in."""
    if not 0 <= column < N_DIGITS:
        raise GraphError(f"{column} is no column with two digits; take one of 0 (units) to {N_DIGITS - 1}.")
    a, b = sums.random_sums(n, np.random.default_rng(seed))
    total, seen = np.zeros((network.n_neurons, 10, 10, 2)), np.zeros((10, 10, 2))
    for part in batches(a, b):
        pause()
        active = passed(network, *part).neurons[0][:, READ.start + column]
        own = [sums.digits(each, N_DIGITS)[:, column] for each in part]
        at = own[0], own[1], sums.carries(*part)[:, column]
        np.add.at(seen, at, 1)
        np.add.at(total.transpose(1, 2, 3, 0), at, active)
    with np.errstate(invalid="ignore"):
        result: ndarray = total / seen
    return result


def mean_neurons(network: Network, seed: int = 0) -> Float[ndarray, "pos neuron"]:
    """Each neuron's mean at each position, over random sums."""
    drawn = sums.random_sums(BATCH, np.random.default_rng(seed))
    result: ndarray = passed(network, *drawn).neurons[0].mean(0)
    return result


def ablated(network: Network, chosen: Sequence[int], usual: Float[ndarray, "pos neuron"] | None = None) -> Change:
    """The change that puts the ``chosen`` neurons to their means, which are ``usual`` if they are known already."""
    for neuron in chosen:
        if not 0 <= neuron < network.n_neurons:
            raise GraphError(f"There is no neuron {neuron}; take one of 0 to {network.n_neurons - 1}.")
    means = mean_neurons(network) if usual is None else usual

    def change(site: Site, layer: int, x: ndarray) -> ndarray:
        if site != "neuron":
            return x
        x = x.copy()
        x[:, :, list(chosen)] = means[: x.shape[1], list(chosen)]
        return x

    return change


def by_chain(network: Network, a: Numbers, b: Numbers, change: Change = unchanged) -> dict[int, tuple[int, int]]:
    """How many sums are exact, and of how many, by the length of their longest carry."""
    right, chain = exact(network, a, b, change), sums.longest_chain(a, b)
    return {int(n): (int(right[chain == n].sum()), int((chain == n).sum())) for n in np.unique(chain)}


def walkthrough(network: Network, a: int, b: int) -> list[Claim]:
    """What there is to say about each column of a sum, each claim checked on the model as it is made."""
    reading = read(network, a, b)
    claims = []
    for column in range(N_DIGITS + 1):
        claims += [_looks(reading, column), _adds(reading, column)]
        if 0 < column < N_DIGITS:
            claims.append(_carries(network, reading, column))
    return claims


def _looks(reading: Reading, column: int) -> Claim:
    """The last column has no digits of its own; there the ones before decide."""
    names = ("a", "b") if column < N_DIGITS else ("a before", "b before")
    wanted = {places(column)[name] for name in names}
    pattern = reading.pattern[column]
    strongest = set(pattern.argsort()[-2:].tolist())
    share = pattern[list(wanted)].sum()
    what = "the digits of its column" if column < N_DIGITS else "the digits of the column before"
    return Claim(column, f"It looks most at {what}.", wanted == strongest, f"attention {share:.2f}")


def _adds(reading: Reading, column: int) -> Claim:
    a, b = np.array([reading.a]), np.array([reading.b])
    own = [int(sums.digits(each, N_DIGITS + 1)[0, column]) for each in (a, b)]
    carry, right = int(sums.carries(a, b)[0, column]), int(sums.digits(a + b, N_DIGITS + 1)[0, column])
    said = reading.said[column]
    text = f"{own[0]} + {own[1]}{' + 1 carried' if carry else ''} gives {right}."
    return Claim(column, text, said == str(right), f"it says {said} ({reading.probability[column]:.3f})")


def _carries(network: Network, reading: Reading, column: int) -> Claim:
    """The same two digits with the other carry: all columns below are put to 9 + 9 or to 0 + 0."""
    a, b = np.array([reading.a]), np.array([reading.b])
    carry, below = int(sums.carries(a, b)[0, column]), 10**column
    other_a, other_b = ((each // below * below + (0 if carry else below - 1)) for each in (a, b))
    said = int(passed(network, other_a, other_b).logits[0, READ.start + column].argmax())
    right = int(sums.digits(other_a + other_b, N_DIGITS + 1)[0, column])
    text = f"With{'out' if carry else ''} a carry from below it would be {right}."
    return Claim(column, text, said == right, f"it says {network.tokens[said]}")

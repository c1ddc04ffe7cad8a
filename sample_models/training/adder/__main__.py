# ruff: noqa: E501 (the sentences of ORIGIN.md)
"""``python -m sample_models.training.adder``: train the adder, count its faults, write it with its ORIGIN.md."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np

from explorer.specimens import adder, sums
from explorer.specimens.network import Network
from sample_models.training import specimens
from sample_models.training.adder import training

FRESH = 20261125  # seed of the sums that are counted, used nowhere else
N_RANDOM, N_CARRY, N_SHORT = 100_000, 10_000, 10_000


def main() -> None:
    chosen = specimens.options(argparse.ArgumentParser(description=__doc__), "adder")
    start = time.process_time()
    model, tests = training.train(chosen.seed, print)
    minutes = (time.process_time() - start) / 60
    specimens.write_model(model, chosen.out / "model")
    specimens.write_history(tests, chosen.out)
    origin = _origin(specimens.read_network(chosen.out / "model"), tests, chosen.seed, minutes)
    specimens.write_origin(origin, chosen.out)


def _counted(network: Network) -> dict[str, str]:
    rng = np.random.default_rng(FRESH)
    nines = np.full(1000, 10**sums.N_DIGITS - 1)
    drawn = {
        f"{N_RANDOM:,} random sums": sums.random_sums(N_RANDOM, rng),
        f"{N_CARRY:,} sums with long carries (four columns of five add to nine)": sums.carry_sums(N_CARRY, rng),
        f"{len(sums.round_sums()[0]):,} round sums, all of two numbers with one digit that is not 0": sums.round_sums(),
        f"{N_SHORT:,} sums of one to nine digits": sums.random_sums(N_SHORT, rng, sums.N_DIGITS - 1, 1),
        "1,000 sums 9999999999 + n, n drawn": (nines, rng.integers(0, 10**sums.N_DIGITS, 1000)),
    }
    right = {name: adder.exact(network, *each) for name, each in drawn.items()}
    return {name: f"{each.sum():,} exact ({each.mean():.3%})" for name, each in right.items()}


def _ablations(network: Network) -> list[tuple[str, ...]]:
    rng = np.random.default_rng(FRESH + 1)
    a, b = (np.concatenate(pair) for pair in zip(sums.random_sums(4000, rng), sums.carry_sums(4000, rng), strict=True))
    changes = [("none", []), *((str(neuron), [neuron]) for neuron in range(network.n_neurons))]
    rows = []
    for name, chosen in changes:
        counted = adder.by_chain(network, a, b, adder.ablated(network, chosen))
        groups = [_share(counted, test) for test in (lambda n: n == 0, lambda n: 1 <= n <= 2, lambda n: n >= 3)]
        rows.append((name, *groups))
    return rows


def _share(counted: dict[int, tuple[int, int]], chosen: Callable[[int], bool]) -> str:
    right, total = (sum(column) for column in zip(*(v for n, v in counted.items() if chosen(n)), strict=True))
    return f"{right / total:.1%} of {total:,}"


def _origin(network: Network, tests: list[training.Test], seed: int, minutes: float) -> str:
    looks = [
        (str(output), *(f"{share:.2f}" for share in row)) for output, row in enumerate(adder.alignment(network))
    ]
    curve = [
        (f"{test.step:,}", f"{test.loss:.3f}", f"{test.random:.2%}", f"{test.carry:.2%}")
        for test in tests
        if test.step % 1000 == 0
    ]
    claims = adder.walkthrough(network, 4999999999, 1234567891)
    return f"""# adder

A transformer of {network.n_parameters} parameters that adds two ten-digit numbers: one layer, one head, width 7, 14 neurons (GELU in the
form with tanh), LayerNorm, learned positions, no shifts but the norms', output tied to the embedding.

Prompt: ten digits of a, +, ten digits of b, =. Answer: the eleven digits of the sum from the units on, then ".". The
token "_" is never used; of the {network.settings["max_position_embeddings"]} positions {sums.N_POS} are read.

- **Source**: sums drawn at random; no data of others. **Licence**: the repository's own.
- {specimens.made_by("adder", f" --seed {seed}", minutes)}
- **Training**: {training.BATCH} sums a step, loss on the twelve outputs; operands of one to {training.FIRST} digits until {training.READY:.0%} of a batch are exact, then
  as many ten-digit ones as ones with zeros strewn in. AdamW {training.LEARNING_RATE}, betas {training.BETAS}, weight decay {training.DECAY}, clip 1, {training.PLAN:,} steps
  with {training.WARM_UP:.0%} warm-up and a cosine to 0; the weights are the last ones. What else was tried, and why it failed:
  sample_models/training/adder/training.py.

A sum counts as exact if all eleven digits and the end are right. None of these sums chose anything but the seed; they
are few beside all 10^20, so say "right on every sum counted", never "always right".

{specimens.figures(_counted(network))}

## Where each output looks

Mean attention over 500 random sums; output 0 is the units, 10 the last carry, 11 the end.

{specimens.table(("output", *adder.PLACES), looks)}

## Each neuron put to its mean

Exact sums of 4,000 random and 4,000 carry-chain ones, by the length of the longest carry.

{specimens.table(("neuron", "no carry", "1 or 2 columns", "3 or more"), _ablations(network))}

## A sum, claim by claim

4999999999 + 1234567891: {sum(claim.holds for claim in claims)} of {len(claims)} claims hold. Those that do not: {"; ".join(f"column {c.column}: {c.text} ({c.measured})" for c in claims if not c.holds) or "none"}.

## Training

{specimens.table(("step", "loss of the batch", "random sums exact", "carry-chain sums exact"), curve)}
"""


if __name__ == "__main__":
    main()

"""What the verbs of the adder print."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import Any

import numpy as np

from explorer.io import specimens
from explorer.specimens import adder, sums


def read(chosen: argparse.Namespace) -> tuple[dict[str, Any], str]:
    """One sum as the model works it out."""
    found = adder.read(specimens.network("adder"), chosen.a, chosen.b)
    rows: list[dict[str, Any]] = [
        {"said": said, "probability": float(chance), "attention": _looks(found, output)}
        for output, (said, chance) in enumerate(zip(found.said, found.probability, strict=True))
    ]
    lines = [f"{found.a} + {found.b} = {found.answer}", "output  says  chance  looks at"]
    for output, row in enumerate(rows):
        looks = ", ".join(f"{name} ({each['token']}) {each['weight']:.2f}" for name, each in row["attention"].items())
        lines.append(f"{output:<7} {row['said']:>4} {row['probability']:7.3f}  {looks}")
    pattern = found.pattern.tolist()
    answer = {"a": found.a, "b": found.b, "answer": found.answer, "exact": found.answer == str(found.a + found.b)}
    return {**answer, "tokens": list(found.tokens), "outputs": rows, "pattern": pattern}, "\n".join(lines)


def _looks(found: adder.Reading, output: int) -> dict[str, Any]:
    return {
        name: {"pos": at, "token": found.tokens[at], "weight": float(found.pattern[output, at])}
        for name, at in adder.places(output).items()
    }


def intervene(chosen: argparse.Namespace) -> tuple[dict[str, Any], str]:
    """Exact sums by the longest carry, before and after neurons are put to their means."""
    network, rng = specimens.network("adder"), np.random.default_rng(chosen.seed)
    change = adder.ablated(network, chosen.neurons)
    drawn = zip(sums.random_sums(chosen.sums, rng), sums.carry_sums(chosen.sums, rng), strict=True)
    a, b = (np.concatenate(pair) for pair in drawn)
    before, after = adder.by_chain(network, a, b), adder.by_chain(network, a, b, change)
    rows = [
        {"longest_carry": n, "sums": total, "before": right, "after": after[n][0]}
        for n, (right, total) in before.items()
    ]
    lines = ["longest carry  sums   exact before  after"]
    for n, (right, total) in before.items():
        lines.append(f"{n:<13} {total:5d} {right / total:14.1%} {after[n][0] / total:6.1%}")
    return {"neurons": chosen.neurons, "by_longest_carry": rows}, "\n".join(lines)


def extract(chosen: argparse.Namespace) -> tuple[dict[str, Any], str]:
    """The claims about a sum; with a column also the neurons as functions of its digits."""
    network = specimens.network("adder")
    claims = adder.walkthrough(network, chosen.a, chosen.b)
    lines = [
        f"column {claim.column:<2}  {'yes' if claim.holds else 'NO ':<3}  {claim.text} ({claim.measured})"
        for claim in claims
    ]
    lines.append(f"{sum(claim.holds for claim in claims)} of {len(claims)} claims hold")
    answer: dict[str, Any] = {"claims": [asdict(claim) for claim in claims]}
    answer["alignment"] = {"places": list(adder.PLACES), "weights": adder.alignment(network).tolist()}
    if chosen.column is not None:
        answer["neurons"] = adder.neurons(network, chosen.column).tolist()
    return answer, "\n".join(lines)

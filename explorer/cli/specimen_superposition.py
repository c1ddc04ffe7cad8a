"""What the verbs of the superposition specimen print."""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import Any

import numpy as np

from explorer.cli.say import ProgressLine
from explorer.errors import GraphError
from explorer.specimens import superposition
from explorer.specimens.superposition import DENSITIES, Setting, Toy
from explorer.work import run


def read(chosen: argparse.Namespace) -> tuple[dict[str, Any], str]:
    """One trained model."""
    toy = _trained(chosen, [chosen.density])[0]
    return _values(toy), _text(toy)


def intervene(chosen: argparse.Namespace) -> tuple[dict[str, Any], str]:
    """A trained model before and after one of its dimensions is taken out."""
    toy = _trained(chosen, [chosen.density])[0]
    if not 0 <= chosen.without < len(toy.W):
        raise GraphError(f"There is no dimension {chosen.without}; take one of 0 to {len(toy.W) - 1}.")
    left = np.where(np.arange(len(toy.W))[:, None] == chosen.without, 0.0, toy.W)
    damaged = replace(toy, W=left)
    errors = {name: superposition.errors(each) for name, each in (("before", toy), ("after", damaged))}
    lines = ["feature  error before   after"]
    lines += [f"{i:<7} {a:13.5f} {b:8.5f}" for i, (a, b) in enumerate(zip(*errors.values(), strict=True))]
    answer = {"without": chosen.without, "before": _values(toy), "after": _values(damaged)}
    return {**answer, "errors": {name: each.tolist() for name, each in errors.items()}}, "\n".join(lines)


def extract(chosen: argparse.Namespace) -> tuple[dict[str, Any], str]:
    """Features represented at each density."""
    toys = _trained(chosen, DENSITIES)
    lines = ["density  represented  geometry"]
    lines += [f"{toy.density:<7g} {toy.represented.sum():12d}  {toy.geometry or '-'}" for toy in toys]
    return {"models": [_values(toy) for toy in toys]}, "\n".join(lines)


def _trained(chosen: argparse.Namespace, densities: list[float] | tuple[float, ...]) -> tuple[Toy, ...]:
    line = ProgressLine()
    setting = Setting(chosen.features, chosen.dimensions, chosen.importance, seed=chosen.seed)
    try:
        return run(superposition.train(setting, densities), line)
    finally:
        line.close()


def _values(toy: Toy) -> dict[str, Any]:
    arrays = ("W", "b", "gram", "length", "represented", "dimensionality", "monosemantic")
    return {
        "density": toy.density,
        "loss": toy.loss,
        "geometry": toy.geometry,
        "antipodal": [list(pair) for pair in toy.antipodal],
        **{name: getattr(toy, name).tolist() for name in arrays},
    }


def _text(toy: Toy) -> str:
    lines = [f"{toy.represented.sum()} of {len(toy.b)} features represented; {toy.geometry or 'no name for the shape'}"]
    lines += ["WᵀW", *(" ".join(f"{value:6.2f}" for value in row) for row in toy.gram)]
    for at, alone in enumerate(toy.monosemantic):
        lines.append(f"dimension {at}: {'monosemantic' if alone else 'polysemantic'}")
    return "\n".join(lines)

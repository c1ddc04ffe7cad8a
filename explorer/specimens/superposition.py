"""The superposition specimen: more features than dimensions, trained while one looks on.

Features x (uniform in [0, 1], there with chance ``density``) go through m dimensions and back: ReLU(Wᵀ W x + b). If
features are rare, they share dimensions at angles (transformer-circuits.pub/2022/toy_model). Everything is numpy, the
gradient by hand, so that the window trains it without the engine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy import ndarray

from explorer.errors import GraphError
from explorer.shapes import Bool, Float
from explorer.work import Progress, Work

DENSITIES = (1.0, 0.5, 0.3, 0.2, 0.1, 0.07, 0.05, 0.03, 0.02, 0.01)
REPRESENTED = 0.5  # length of a feature's column above which it is there
ALONE = 0.9  # share of a dimension's power in one feature above which it is monosemantic
SHOW_EVERY = 20  # steps between two partial values: some milliseconds
BETAS, EPS, LAST = (0.9, 0.999), 1e-8, 0.02  # of Adam; the rate falls to this share


@dataclass(frozen=True)
class Setting:
    """What is trained: ``importance`` ** i weighs feature i; several seeds, of which the best is kept."""

    n_features: int = 5
    n_dimensions: int = 2
    importance: float = 0.9
    n_seeds: int = 4
    steps: int = 3000
    batch: int = 256
    rate: float = 5e-3
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.n_dimensions <= self.n_features <= 100:
            raise GraphError(
                f"{self.n_features} features in {self.n_dimensions} dimensions cannot be trained; take up to 100 "
                "features and no more dimensions than features."
            )
        if not 0 < self.importance <= 1:
            raise GraphError(f"The importance is {self.importance:g}, where a number above 0, up to 1, belongs.")

    @property
    def weight(self) -> Float[ndarray, "feature"]:
        """How much each feature counts."""
        result: ndarray = self.importance ** np.arange(self.n_features)
        return result


@dataclass(frozen=True)
class Toy:
    """A trained model: W [dimension, feature] and b, for features of one density; its loss on fresh features."""

    density: float
    W: Float[ndarray, "dimension feature"]
    b: Float[ndarray, "feature"]
    loss: float

    @property
    def gram(self) -> Float[ndarray, "feature feature"]:
        """WᵀW: what each feature (column) brings into each output."""
        result: ndarray = self.W.T @ self.W
        return result

    @property
    def length(self) -> Float[ndarray, "feature"]:
        """How strongly each feature is held."""
        result: ndarray = np.linalg.norm(self.W, axis=0)
        return result

    @property
    def represented(self) -> Bool[ndarray, "feature"]:
        result: ndarray = self.length > REPRESENTED
        return result

    @property
    def dimensionality(self) -> Float[ndarray, "feature"]:
        """How much of a dimension each feature has for itself: 1 alone, 1/2 in an antipodal pair, 2/5 in a pentagon."""
        unit = self.W / np.maximum(self.length, 1e-12)
        result: ndarray = self.length**2 / np.maximum(((unit.T @ self.W) ** 2).sum(1), 1e-12)
        return result

    @property
    def monosemantic(self) -> Bool[ndarray, "dimension"]:
        """Whether each dimension holds one feature and hardly any other."""
        power = self.W**2
        result: ndarray = power.max(1) > ALONE * power.sum(1)
        return result

    @property
    def antipodal(self) -> tuple[tuple[int, int], ...]:
        """Pairs of represented features that point away from each other (within 15 degrees)."""
        unit = self.W / np.maximum(self.length, 1e-12)
        there = self.represented
        opposite = (unit.T @ unit < -np.cos(np.radians(15))) & there & there[:, None]
        return tuple((int(i), int(j)) for i, j in np.argwhere(np.triu(opposite)))

    @property
    def geometry(self) -> str:
        """A word for how the represented features lie; "" if there is none."""
        n, n_dimensions = int(self.represented.sum()), len(self.W)
        if n == 2 * len(self.antipodal) and n:
            return "antipodal pairs"
        if n_dimensions == 2 and n >= 5 and _even(self.W[:, self.represented]):
            return "pentagon" if n == 5 else f"regular, {n} corners"
        if n <= n_dimensions and not self.antipodal and n:
            return "one dimension each"
        return ""


def _even(columns: Float[ndarray, "2 feature"]) -> bool:
    """Whether the columns go round at equal angles, within a quarter of one."""
    angles = np.sort(np.arctan2(columns[1], columns[0]))
    gaps = np.diff(np.append(angles, angles[0] + 2 * np.pi))
    step = 2 * np.pi / len(gaps)
    return bool((abs(gaps - step) < step / 4).all())


def train(setting: Setting, densities: Sequence[float] = DENSITIES) -> Work[tuple[Toy, ...]]:
    """The best of the seeds for each density; partial values are the same at the present step."""
    for density in densities:
        if not 0 < density <= 1:
            raise GraphError(f"The density is {density:g}, where a number above 0, up to 1, belongs.")
    rng = np.random.default_rng(setting.seed)
    chance = np.repeat(np.array(densities, dtype=np.float32), setting.n_seeds)[:, None, None]
    shape = len(chance), setting.n_dimensions, setting.n_features
    W = rng.normal(0, setting.n_features**-0.5, shape).astype(np.float32)
    state = _Adam([W, np.zeros((shape[0], 1, shape[2]), dtype=np.float32)])
    weight = setting.weight.astype(np.float32)
    for step in range(setting.steps):
        x = features(rng, chance, setting.batch, setting.n_features)
        W, b = state.values
        state.step(_gradient(W, b, x, weight)[1], setting.rate * (1 - (1 - LAST) * step / setting.steps))
        if step % SHOW_EVERY == 0:
            yield Progress(step, setting.steps, "Training", lambda: _best(state.values, setting, densities))
    return _best(state.values, setting, densities)


def features(rng: np.random.Generator, chance: ndarray, n: int, n_features: int) -> Float[ndarray, "model n feature"]:
    """Fresh features for each model: uniform in [0, 1], there with its ``chance`` [model, 1, 1]."""
    shape = len(chance), n, n_features
    drawn = rng.random(shape, dtype=np.float32)
    return drawn * (rng.random(shape, dtype=np.float32) < chance)


def _gradient(
    W: Float[ndarray, "model dimension feature"],
    b: Float[ndarray, "model 1 feature"],
    x: Float[ndarray, "model n feature"],
    weight: Float[ndarray, "feature"],
) -> tuple[Float[ndarray, "model"], list[ndarray]]:
    """The weighted squared error of each model, and its gradient in W and b."""
    hidden = x @ W.transpose(0, 2, 1)
    before = hidden @ W + b
    off = np.maximum(before, 0) - x
    back = 2 * weight * off * (before > 0) / x.shape[1]
    grad_W = hidden.transpose(0, 2, 1) @ back + (back @ W.transpose(0, 2, 1)).transpose(0, 2, 1) @ x
    return (weight * off**2).sum(-1).mean(-1), [grad_W, back.sum(1, keepdims=True)]


def _best(values: Sequence[ndarray], setting: Setting, densities: Sequence[float]) -> tuple[Toy, ...]:
    """For each density the seed with the lowest loss on fresh features, the same ones each time."""
    chance = np.repeat(np.array(densities, dtype=np.float32), setting.n_seeds)[:, None, None]
    fresh = features(np.random.default_rng(setting.seed + 1), chance, 1024, setting.n_features)
    loss = _gradient(values[0], values[1], fresh, setting.weight.astype(np.float32))[0]
    chosen = loss.reshape(len(densities), -1).argmin(1) + setting.n_seeds * np.arange(len(densities))
    return tuple(
        Toy(float(density), values[0][at].astype(float), values[1][at, 0].astype(float), float(loss[at]))
        for density, at in zip(densities, chosen, strict=True)
    )


class _Adam:
    """Values and their running means; each step makes new arrays, so that partial values stay what they were."""

    def __init__(self, values: list[ndarray]) -> None:
        self.values = values
        self._first = [np.zeros_like(value) for value in values]
        self._second = [np.zeros_like(value) for value in values]
        self._n = 0

    def step(self, gradients: Sequence[ndarray], rate: float) -> None:
        self._n += 1
        for at, gradient in enumerate(gradients):
            self._first[at] = BETAS[0] * self._first[at] + (1 - BETAS[0]) * gradient
            self._second[at] = BETAS[1] * self._second[at] + (1 - BETAS[1]) * gradient**2
            first, second = (
                mean[at] / (1 - beta**self._n) for mean, beta in zip((self._first, self._second), BETAS, strict=True)
            )
            self.values = [*self.values]
            self.values[at] = self.values[at] - rate * first / (np.sqrt(second) + EPS)


def errors(toy: Toy, n: int = 4096, seed: int = 0) -> Float[ndarray, "feature"]:
    """The mean squared error of each feature, on fresh features."""
    x = features(np.random.default_rng(seed), np.array([[[toy.density]]]), n, len(toy.b))[0]
    result: ndarray = ((np.maximum(x @ toy.gram + toy.b, 0) - x) ** 2).mean(0)
    return result

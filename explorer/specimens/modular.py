"""The modular specimen: addition mod p by waves, read in the Fourier basis.

After it has grokked the model holds each number as cosines and sines of a few frequencies k, multiplies them to waves
of a + b, and answers the c in which all waves cos(2πk(a + b - c)/p) agree (arxiv.org/abs/2301.05217, whose restricted
and excluded loss are here too). Frequencies k and p - k are one and the same; they are counted from 1 to (p - 1) / 2.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy import ndarray

from explorer.errors import GraphError
from explorer.shapes import Bool, Float, Int
from explorer.specimens import pairs
from explorer.specimens.network import Network, run
from explorer.work import Pause, go_on

KEY = 0.05  # share of the embedding's power above which a frequency is a key one
EXPLAINED = 0.85  # share of its variance above which a neuron counts as a wave of one frequency
KNOWN = 0.999  # share of right answers above which a model counts as knowing
AT_ONCE = 512  # pairs in one run, few enough for the arrays to stay in the processor's cache


@dataclass(frozen=True)
class Reading:
    """``embedding``: share of its power by frequency; ``key``: the frequencies that stand out, the strongest first.

    ``neuron`` is the frequency that explains most of each neuron's variance over all pairs, ``explained`` how much.
    """

    p: int
    embedding: Float[ndarray, "frequency"]
    key: tuple[int, ...]
    neuron: Int[ndarray, "neuron"]
    explained: Float[ndarray, "neuron"]


@dataclass(frozen=True)
class Outcome:
    """What every pair comes to at "=": each neuron over both numbers, and the logits of the answers."""

    neurons: Float[ndarray, "p p neuron"]
    logits: Float[ndarray, "pair p"]


@dataclass(frozen=True)
class Answers:
    """Loss and share of right answers over all pairs or some."""

    loss: float
    accuracy: float


def read(network: Network, outcome: Outcome | None = None) -> Reading:
    """What the weights and the neurons hold in the Fourier basis; ``outcome`` is that of all pairs, if it is there."""
    p = modulus(network)
    embedding = spectrum(network.weights["embed.weight"][:p])
    neuron, explained = neuron_frequencies((outcome or of_all(network)).neurons)
    return Reading(p, embedding, keys(embedding), neuron, explained)


def keys(embedding: Float[ndarray, "frequency"]) -> tuple[int, ...]:
    """The frequencies that stand out of a spectrum, the strongest first."""
    return tuple(int(k) + 1 for k in np.argsort(-embedding) if embedding[k] > KEY)


def modulus(network: Network) -> int:
    return len(network.tokens) - 1


def of_all(network: Network, pause: Pause = go_on) -> Outcome:
    """Every pair, some at a time; ``pause`` is called in between."""
    p = modulus(network)
    rows = pairs.rows(p)
    neurons, logits = [], []
    for start in range(0, len(rows), AT_ONCE):
        pause()
        found = run(network, rows[start : start + AT_ONCE])
        neurons.append(found.neurons[0][:, -1])
        logits.append(found.logits[:, -1])
    return Outcome(np.concatenate(neurons).reshape(p, p, -1), np.concatenate(logits))


def known_from(curve: Mapping[str, Float[ndarray, "step"]], pairs_of: str) -> float:
    """The first step of a history at which it knows the pairs ``train`` or ``test``; NaN if there is none."""
    known = curve["step"][curve[f"{pairs_of}_accuracy"] > KNOWN]
    return float(known[0]) if len(known) else float("nan")


def circle(table: Float[ndarray, "p column"], k: int) -> tuple[Float[ndarray, "p 2"], float]:
    """The numbers in the plane of the columns in which wave ``k`` runs, and the share of that wave in what is seen.

    Cosine to the right, sine upwards; the numbers' mean is the middle, their root mean square distance from it 1. It
    is a projection of all that the table holds: a plane in which nothing but wave k runs shows an ellipse.
    """
    angle = 2 * np.pi * k * np.arange(len(table)) / len(table)
    centred = table - table.mean(0)
    right, up = np.cos(angle) @ centred, np.sin(angle) @ centred
    right = right / np.linalg.norm(right)
    up = up - (up @ right) * right
    points = centred @ np.stack([right, up / np.linalg.norm(up)], 1)
    return points / np.sqrt((points**2).sum(1).mean()), float(spectrum(points)[k - 1])


def spectrum(table: Float[ndarray, "p column"]) -> Float[ndarray, "frequency"]:
    """The share of each frequency in the power of the columns, their means left out."""
    power = (abs(np.fft.rfft(table, axis=0)[1:]) ** 2).sum(1)
    result: ndarray = power / power.sum()
    return result


def neuron_frequencies(
    neurons: Float[ndarray, "p p neuron"],
) -> tuple[Int[ndarray, "neuron"], Float[ndarray, "neuron"]]:
    """The frequency that explains most of each neuron's variance, and the share that it explains.

    Frequency k may come in by a alone, b alone, a + b and a - b.
    """
    power = abs(np.fft.fft2(neurons, axes=(0, 1))) ** 2
    power[0, 0] = 0
    k = np.arange(1, (neurons.shape[0] - 1) // 2 + 1)
    of_k = sum(power[a, b] for a in (k, -k, 0 * k) for b in (k, -k, 0 * k)) - power[0 * k, 0 * k]
    share = of_k / np.maximum(power.sum((0, 1)), 1e-30)
    return share.argmax(0) + 1, share.max(0)


def answered(
    logits: Float[ndarray, "pair p"], chosen: Bool[ndarray, "pair"] | None = None
) -> Answers:
    """How good ``logits`` of all pairs are, on the ``chosen`` ones."""
    right = logits.argmax(1) == pairs.answers(logits.shape[1])
    chosen = np.ones(len(right), dtype=bool) if chosen is None else chosen
    return Answers(float(losses(logits)[chosen].mean()), float(right[chosen].mean()))


def losses(logits: Float[ndarray, "pair p"]) -> Float[ndarray, "pair"]:
    """The negative logarithm of the chance that each pair gives to its sum."""
    top = logits.max(1)
    right = logits[np.arange(len(logits)), pairs.answers(logits.shape[1])]
    result: ndarray = top + np.log(np.exp(logits - top[:, None]).sum(1)) - right
    return result


def distances(logits: Float[ndarray, "pair p"]) -> Int[ndarray, "pair"]:
    """How far each pair's answer is above its sum, or below it, the short way round: 0 where it is right."""
    p = logits.shape[1]
    result: ndarray = (logits.argmax(1) - pairs.answers(p) + p // 2) % p - p // 2
    return result


def of_sum(logits: Float[ndarray, "pair p"], frequencies: Sequence[int]) -> Float[ndarray, "pair p"]:
    """The part of the logits that is a wave of a + b with one of ``frequencies``."""
    p = logits.shape[1]
    by_sum = np.zeros((p, p))
    np.add.at(by_sum, pairs.answers(p), logits / p)  # each sum has p pairs
    coefficient = np.fft.rfft(by_sum, axis=0)
    kept = np.zeros_like(coefficient)
    kept[list(frequencies)] = coefficient[list(frequencies)]
    result: ndarray = np.fft.irfft(kept, p, axis=0)[pairs.answers(p)]
    return result


def restricted(logits: Float[ndarray, "pair p"], key: Sequence[int]) -> Float[ndarray, "pair p"]:
    """The logits with nothing but their means and the key waves: good if the model adds by these waves."""
    result: ndarray = logits.mean(0) + of_sum(logits, key)
    return result


def excluded(logits: Float[ndarray, "pair p"], key: Sequence[int]) -> Float[ndarray, "pair p"]:
    """The logits without the key waves: good as long as the model only remembers what it was trained on."""
    result: ndarray = logits - of_sum(logits, key)
    return result


def parts(logits: Float[ndarray, "pair p"], key: Sequence[int]) -> dict[str, Answers]:
    """How good the logits of all pairs are whole, restricted to the key waves, and without all or one of them."""
    return {
        "model": answered(logits),
        "restricted": answered(restricted(logits, key)),
        "excluded": answered(excluded(logits, key)),
        **{f"excluded {k}": answered(excluded(logits, [k])) for k in key},
    }


def heights(logits: Float[ndarray, "pair p"], key: Sequence[int]) -> Float[ndarray, "key"]:
    """How high each wave cos(2πk(a + b - c)/p) stands in the logits of answer c, by least squares over all pairs."""
    p = logits.shape[1]
    behind = (pairs.answers(p)[:, None] - np.arange(p)) % p
    mean = np.bincount(behind.ravel(), logits.ravel(), p) / p**2  # by a + b - c: each has one answer in every pair
    result: ndarray = np.cos(2 * np.pi * np.outer(key, np.arange(p)) / p) @ mean * 2 / p
    return result


def without(network: Network, frequencies: Sequence[int]) -> Network:
    """The model with ``frequencies`` taken out of the embedding of the numbers."""
    return _filtered(network, frequencies, keep=False)


def only(network: Network, frequencies: Sequence[int]) -> Network:
    """The model with nothing but ``frequencies`` and the mean left in the embedding of the numbers."""
    return _filtered(network, frequencies, keep=True)


def _filtered(network: Network, frequencies: Sequence[int], keep: bool) -> Network:
    p = modulus(network)
    for k in frequencies:
        if not 0 < k <= (p - 1) // 2:
            raise GraphError(f"{k} is no frequency of this model; take one of 1 to {(p - 1) // 2}.")
    embedding = network.weights["embed.weight"]
    coefficient = np.fft.rfft(embedding[:p], axis=0)
    chosen = np.isin(np.arange(len(coefficient)), frequencies)
    chosen = chosen == keep
    chosen[0] = True  # the mean stays
    changed = np.concatenate([np.fft.irfft(coefficient * chosen[:, None], p, axis=0), embedding[p:]])
    return replace(network, weights={**network.weights, "embed.weight": changed})


def answers_of(network: Network) -> Answers:
    """How good the model is over all pairs."""
    return answered(of_all(network).logits)

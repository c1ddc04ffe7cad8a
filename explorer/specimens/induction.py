"""The induction specimen: two layers of attention alone, read head by head.

A head of the second layer looks for the place after the last time that the present token was there, and copies what
stands there; it finds it because heads of the first layer have written at each place which token was before.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy import ndarray

from explorer.models import head_scores
from explorer.shapes import Float, Int
from explorer.specimens import repeats
from explorer.specimens.network import Change, Network, Site, run, unchanged

Head = tuple[int, int]  # layer and number


@dataclass(frozen=True)
class Scores:
    """By layer and head: attention to the token before, to what followed last time, and how far the head copies."""

    previous: Float[ndarray, "layer head"]
    prefix: Float[ndarray, "layer head"]
    copying: Float[ndarray, "layer head"]

    @property
    def induction(self) -> Head:
        """The head that finds what followed last time best."""
        layer, head = np.unravel_index(self.prefix.argmax(), self.prefix.shape)
        return int(layer), int(head)


@dataclass(frozen=True)
class Reading:
    """A prompt as the model reads it: patterns [layer, head, query, key] and the chances of each next token."""

    ids: Int[ndarray, "pos"]
    pattern: Float[ndarray, "layer head pos pos"]
    probability: Float[ndarray, "pos d_vocab"]
    followers: tuple[tuple[int, int], ...]

    @property
    def said(self) -> Int[ndarray, "pos"]:
        """The token that is foreseen behind each."""
        said: ndarray = self.probability.argmax(-1)
        return said

    @property
    def again(self) -> list[int]:
        """The positions behind which it goes on as it went on the last time."""
        inside = [(query, key) for query, key in self.followers if query + 1 < len(self.ids)]
        return [query for query, key in inside if self.ids[query + 1] == self.ids[key]]

    @property
    def foreseen(self) -> list[int]:
        """Those of ``again`` where that is what is said."""
        return [at for at in self.again if self.said[at] == self.ids[at + 1]]


def heads(network: Network) -> list[Head]:
    """All heads, layer by layer."""
    return [(layer, head) for layer in range(network.n_layers) for head in range(network.n_heads)]


def head_name(head: Head) -> str:
    """“1.0” for head 0 of layer 1."""
    return f"{head[0]}.{head[1]}"


def read(network: Network, ids: Int[ndarray, "pos"], without: Collection[Head] = ()) -> Reading:
    """What the model makes of one prompt, with the heads of ``without`` silent."""
    found = run(network, ids[None], ablated(network, without))
    weight = np.exp(found.logits[0] - found.logits[0].max(-1, keepdims=True))
    pattern = np.stack([each[0] for each in found.pattern])
    followers = tuple(head_scores.followers([int(token) for token in ids]))
    return Reading(ids, pattern, weight / weight.sum(-1, keepdims=True), followers)


def scores(network: Network, rows: Int[ndarray, "row pos"]) -> Scores:
    """The scores of every head, the first two as means over ``rows``."""
    pattern = run(network, rows).pattern
    tokens = [[int(token) for token in row] for row in rows]
    shape = network.n_layers, network.n_heads
    previous, prefix, copying = (np.zeros(shape) for _ in range(3))
    for layer, head in heads(network):
        each = pattern[layer][:, head]
        previous[layer, head] = np.mean([head_scores.previous_token(one) for one in each])
        prefix[layer, head] = np.mean(
            [head_scores.prefix_matching(one, ids) for one, ids in zip(each, tokens, strict=True)]
        )
        copying[layer, head] = head_scores.copying(*circuit(network, layer, head))
    return Scores(previous, prefix, copying)


def circuit(network: Network, layer: int, head: int) -> tuple[ndarray, ndarray]:
    """What a head reads of each token [d_vocab, d_head] and what it writes to each logit [d_head, d_vocab]."""
    block = f"blocks.{layer}.attention"
    d_head = network.weights[f"{block}.value.weight"].shape[0] // network.n_heads
    own = slice(head * d_head, (head + 1) * d_head)
    reads = network.weights["embed.weight"] @ network.weights[f"{block}.value.weight"][own].T
    writes = network.weights[f"{block}.output.weight"][:, own].T @ network.unembedding.T
    return reads, writes


def raised(network: Network, head: Head) -> tuple[Int[ndarray, "d_vocab"], Float[ndarray, "d_vocab"]]:
    """By token that a head looks at: the token whose logit that raises most, and by how much; of the weights alone."""
    reads, writes = circuit(network, *head)
    effect = reads @ writes
    return effect.argmax(-1), effect.max(-1)


def accuracy(network: Network, rows: Int[ndarray, "row pos"], without: Collection[Head] = ()) -> float:
    """The share of tokens of the second half that are foreseen, with the heads of ``without`` silent."""
    half = rows.shape[1] // 2
    said = run(network, rows, ablated(network, without)).logits.argmax(-1)
    return float((said[:, half:-1] == rows[:, half + 1 :]).mean())


def ablations(network: Network, rows: Int[ndarray, "row pos"]) -> dict[Head, float]:
    """``accuracy`` without each head."""
    return {head: accuracy(network, rows, [head]) for head in heads(network)}


def rise(values: Float[ndarray, "step"]) -> tuple[int, int]:
    """Where values first reach a tenth of the last one, and where nine tenths of it."""
    begin, end = (int((values >= share * values[-1]).argmax()) for share in (0.1, 0.9))
    return begin, end


def ablated(network: Network, heads: Collection[Head]) -> Change:
    """The change that puts what each of ``heads`` gathers to its mean over random repeated rows."""
    if not heads:
        return unchanged
    usual = _usual(network)

    def change(site: Site, layer: int, x: ndarray) -> ndarray:
        if site != "head":
            return x
        chosen = [head for at, head in heads if at == layer]
        x = x.copy()
        x[:, :, chosen] = usual[layer][chosen]
        return x

    return change


@lru_cache(maxsize=2)  # nine tenths of what a changed prompt costs
def _usual(network: Network) -> tuple[Float[ndarray, "head d_head"], ...]:
    """What each head gathers on average, layer by layer."""
    rows = repeats.twice(64, repeats.LONGEST, np.random.default_rng(0))
    return tuple(mixed.mean((0, 1)) for mixed in run(network, rows).mixed)

"""Search over the features of an index: by label, by the token at their peaks, by the tokens they promote.

``search`` goes through the whole index, ``heard`` gives what some features are found by, for a search as one types.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from explorer.errors import GraphError
from explorer.io.feature_index import FeatureIndex
from explorer.io.feature_labels import IMPORTED, OWN, Labels

WHERE = ("label", "token", "logit")


@dataclass(frozen=True)
class Hit:
    """A feature that was found, where (label, token, logit), its label, and how strongly it fits.

    ``strength`` orders hits of one kind: how often it is active for labels, the share of its strongest examples that
    peak at the token, or the logit effect.
    """

    layer: int
    feature: int
    where: str
    label: str
    strength: float


@dataclass(frozen=True)
class Heard:
    """Tokens at the peaks of a feature's strongest examples, and those it promotes, each once, the first first."""

    peaks: tuple[str, ...]
    promoted: tuple[str, ...]


def heard(index: FeatureIndex, layer: int, features: Sequence[int]) -> dict[int, Heard]:
    """The same for those of ``features`` of ``layer`` that are ever active."""
    held, ids = index.layer(layer), index.windows.all("ids")
    row = held.all("row")
    alive = [feature for feature in features if row[feature] >= 0]
    rows = row[alive]
    window, peak = (held.all(f"top.{name}")[rows] for name in ("window", "peak"))
    peaks = np.where(window >= 0, ids[np.maximum(window, 0), np.maximum(peak, 0)], -1)
    with_logits = "logits.top.token" in held
    promoted = held.all("logits.top.token")[rows] if with_logits else np.zeros((len(rows), 0), np.int32)
    return {
        feature: Heard(_texts(index, peaks[at]), _texts(index, promoted[at])) for at, feature in enumerate(alive)
    }


def _texts(index: FeatureIndex, tokens: np.ndarray) -> tuple[str, ...]:
    return tuple(dict.fromkeys(index.text(token).strip() for token in tokens.tolist() if token >= 0))


def search(labels: Labels, query: str, limit: int = 50) -> list[Hit]:
    """Features that ``query`` fits: hits in labels first, then by token, then by logit effect; each feature once.

    ``token:Austin`` or ``logit:Austin`` or ``label:Austin`` looks there alone; case does not count. GraphError for an
    empty query.
    """
    name, colon, rest = query.partition(":")
    places, wanted = ((name.lower(),), rest) if colon and name.lower() in WHERE else (WHERE, query)
    wanted = wanted.strip().lower()
    if not wanted:
        raise GraphError("The search is empty; type a label or a token.")
    if limit < 1:
        raise GraphError(f"At most {limit} features cannot be listed; ask for at least 1.")
    finders = {"label": _by_label, "token": _by_token, "logit": _by_logit}
    made: dict[tuple[int, int], Hit] = {}
    for place in places:
        for hit in sorted(finders[place](labels, wanted), key=lambda hit: (-hit.strength, hit.layer, hit.feature)):
            made.setdefault((hit.layer, hit.feature), hit)
    return [_named(labels, hit) for hit in list(made.values())[:limit]]


def _named(labels: Labels, hit: Hit) -> Hit:
    record = labels.record(hit.layer, hit.feature)
    return Hit(hit.layer, hit.feature, hit.where, str(record["text"]) if record else "", hit.strength)


def _by_label(labels: Labels, wanted: str) -> Iterator[Hit]:
    listed = {**labels.listed(IMPORTED), **labels.listed(OWN)}
    for key, text in listed.items():
        if wanted in text.lower():
            layer, feature = map(int, key.split(":"))
            yield Hit(layer, feature, "label", text, float("inf"))
    for layer in range(len(labels.index.sizes)):
        features = _features(labels.index, layer)
        for row, text in enumerate(labels.automatic_texts(layer)):
            if wanted in text.lower() and f"{layer}:{features[row]}" not in listed:
                active = labels.index.layer(layer).rows("active", row, row + 1)[0]
                yield Hit(layer, int(features[row]), "label", text, float(active))


def _by_token(labels: Labels, wanted: str) -> Iterator[Hit]:
    index, tokens = labels.index, _tokens(labels.index, wanted)
    ids = index.windows.all("ids")
    for layer in range(len(index.sizes)):
        window, peak = (index.layer(layer).all(f"top.{name}") for name in ("window", "peak"))
        there = window >= 0
        fits = there & np.isin(ids[np.maximum(window, 0), np.maximum(peak, 0)], tokens)
        share = fits.sum(1) / np.maximum(there.sum(1), 1)
        features = _features(index, layer)
        for row in np.flatnonzero(share > 0):
            yield Hit(layer, int(features[row]), "token", "", float(share[row]))


def _by_logit(labels: Labels, wanted: str) -> Iterator[Hit]:
    index, tokens = labels.index, _tokens(labels.index, wanted)
    for layer in range(len(index.sizes)):
        held = index.layer(layer)
        if "logits.top.token" not in held:
            continue
        fits = np.isin(held.all("logits.top.token"), tokens)
        best = np.where(fits, held.all("logits.top.value"), -np.inf).max(1, initial=-np.inf)
        features = _features(index, layer)
        for row in np.flatnonzero(np.isfinite(best)):
            yield Hit(layer, int(features[row]), "logit", "", float(best[row]))


def _tokens(index: FeatureIndex, wanted: str) -> np.ndarray:
    return np.array([at for at, text in enumerate(index.texts()) if wanted in text.lower()], np.int64)


def _features(index: FeatureIndex, layer: int) -> np.ndarray:
    """The features of ``layer`` that are ever active, by row."""
    return np.flatnonzero(index.layer(layer).all("row") >= 0)

"""What labels of features are made from and scored on: examples of one half of the text, windows of the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from explorer.engine.state import EngineState
from explorer.features.keys import is_held_out
from explorer.features.labels import Rule, Seen, with_score
from explorer.features.score import Windows, auc, average_precision
from explorer.io.arrays import ArrayFile
from explorer.io.feature_index import FeatureIndex
from explorer.io.feature_labels import HELD_OUT

if TYPE_CHECKING:
    from explorer.features.held_out import Active
    from explorer.models.loader import LanguageModel
    from explorer.transcoders.transcoder import TranscoderSet


@dataclass(frozen=True, eq=False)
class Scoring:
    """What the labels of all features share: texts of tokens, windows of the fit by token, windows of the index.

    ``sample`` are held-out windows drawn at random.
    """

    texts: list[str]
    token_windows: Mapping[int, int]
    n_fitted: int
    ids: np.ndarray
    length: np.ndarray
    held: np.ndarray  # whether a window of the index is in the half that is scored on
    sampled: np.ndarray  # where it is in the sample, -1 if it is not there
    n_special: int
    sample: Windows

    def text(self, token: int) -> str:
        return self.texts[token] if token < len(self.texts) else f"<{token}>"

    def own(self, window: int) -> list[int]:
        """The tokens of a window of the index, without the special one."""
        return [int(token) for token in self.ids[window, self.n_special : self.length[window]]]


def scoring_of(
    state: EngineState, index: FeatureIndex, model: LanguageModel, held: TranscoderSet
) -> tuple[Scoring, tuple[Active, ...]]:
    """What the index holds for it, and for each layer the windows of the sample in which features are active."""
    from explorer.features.held_out import HeldOut, active_in

    wanted = {"number": ("I64", 1), "ids": ("I32", 2), "length": ("I32", 1), "token_windows": ("I64", 1)}
    file, windows = ArrayFile(index.folder / HELD_OUT, wanted), index.windows
    drawn, token_windows = HeldOut(*(file.all(name) for name in ("number", "ids", "length"))), file.all("token_windows")
    n_special = int(index.head["text"]["n_special"])
    number = np.arange(int(index.head["text"]["windows"]))
    lengths, in_index = drawn.length.tolist(), windows.all("number")
    sampled = {window: row for row, window in enumerate(drawn.number.tolist())}
    shared = Scoring(
        texts=index.texts(),
        token_windows={int(token): int(token_windows[token]) for token in np.flatnonzero(token_windows)},
        n_fitted=int((~is_held_out(number)).sum()),
        ids=windows.all("ids"),
        length=windows.all("length"),
        held=is_held_out(in_index),
        sampled=np.array([sampled.get(window, -1) for window in in_index.tolist()], np.int64),
        n_special=n_special,
        sample=Windows.of([row[n_special:n].tolist() for row, n in zip(drawn.ids, lengths, strict=True)]),
    )
    return shared, active_in(drawn, model, held, n_special, state.raise_if_stopped)


def own_arrays(file: ArrayFile) -> dict[str, np.ndarray]:
    """What labels of a layer are made of, one row for each feature that is ever active."""
    kept = [f"{kind}.{name}" for kind in ("top", "random") for name in ("window", "peak", "value")]
    optional = ("logits.top.token", "logits.top.value", "logits.spread")
    return {name: file.all(name) for name in ("active", *kept, *(one for one in optional if one in file))}


@dataclass(frozen=True, eq=False)
class Trial:
    """Windows that rules were not made from; they are to find those ``inside``."""

    windows: tuple[Windows, ...]
    inside: np.ndarray

    def scored(self, rule: Rule) -> Rule:
        """``rule`` with how well it finds them."""
        detected = np.concatenate([windows.detected(rule.weights) for windows in self.windows])
        return with_score(rule, auc(detected, self.inside), average_precision(detected, self.inside))


def trial_of(
    own: Mapping[str, Any], kinds: Sequence[str], rows: np.ndarray, peaks: np.ndarray, least: float, shared: Scoring
) -> Trial:
    """The sample and the feature's own windows of ``kinds``; inside are those with ``least`` activation or more.

    Each window counts once. What the index kept of one stands, since it may be rounded otherwise in the sample.
    """
    more: dict[int, float] = {}
    there = np.zeros(shared.sample.n, bool)
    there[rows[peaks >= least]] = True
    for kind in kinds:
        for window, value in zip(own[f"{kind}.window"].tolist(), own[f"{kind}.value"].tolist(), strict=True):
            if window < 0 or not shared.held[window]:
                continue
            if (row := int(shared.sampled[window])) >= 0:
                there[row] = value >= least
            else:
                more[window] = value
    others = Windows.of([shared.own(window) for window in more])
    return Trial((shared.sample, others), np.concatenate([there, np.array(list(more.values())) >= least]))


def seen_of(own: Mapping[str, Any], shared: Scoring) -> list[Seen]:
    """The feature's examples of the half that rules are made from."""
    made, known = [], set()
    for kind in ("top", "random"):
        for window, peak, value in zip(*(own[f"{kind}.{name}"] for name in ("window", "peak", "value")), strict=True):
            if window >= 0 and not shared.held[window] and int(window) not in known:
                known.add(int(window))
                tokens = shared.ids[window, shared.n_special : int(peak) + 1]
                made.append(Seen(tuple(map(int, tokens)), float(value)))
    return made

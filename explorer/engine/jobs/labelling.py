"""The job that labels the features of an index by rules, and scores the rules on windows they were not fitted on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from explorer.engine.jobs.opening import Setting, model_of, transcoders_of
from explorer.engine.state import EngineState
from explorer.errors import LoadError
from explorer.features.keys import is_held_out
from explorer.features.labels import (
    Rule,
    Seen,
    adds,
    best_of,
    context_rule,
    input_rule,
    label_of,
    output_rule,
    strong_rule,
    with_score,
)
from explorer.features.score import Windows, auc, average_precision
from explorer.io import feature_labels
from explorer.io.arrays import ArrayFile
from explorer.io.feature_index import FeatureIndex, open_index
from explorer.work import Progress, Work

if TYPE_CHECKING:
    from explorer.features.held_out import Active, HeldOut
    from explorer.models.loader import LanguageModel
    from explorer.transcoders.transcoder import TranscoderSet


@dataclass(frozen=True, eq=False)
class _Scoring:
    """What all features share: texts of tokens, windows of the fit by token, windows of the index, held-out ones."""

    texts: list[str]
    token_windows: Mapping[int, int]
    n_fitted: int
    ids: np.ndarray
    length: np.ndarray
    held: np.ndarray  # whether a window of the index is in the half that is scored on
    n_special: int
    sample: Windows

    def text(self, token: int) -> str:
        return self.texts[token] if token < len(self.texts) else f"<{token}>"


def features_label(
    state: EngineState,
    *,
    index: str,
    model: str,
    transcoders: str,
    device: str = "auto",
    threads: int = 0,
    told: Mapping[str, str] | None = None,
) -> Work[Mapping[str, object]]:
    """Write automatic labels for every feature of the ``index``, made with this model and these transcoders."""
    setting = Setting(device, "float32", threads, told or {})
    yield Progress(0, 0, f"Reading “{Path(model).name}”")
    found, opened = open_index(Path(index)), model_of(state, model, setting)
    held = transcoders_of(state, transcoders, setting.told)
    if held.sha256 != found.head["transcoders"].get("sha256"):
        raise LoadError(f"“{index}” was made with other transcoders than “{transcoders}”; name those it was made with.")
    counts = yield from label_index(state, found, opened, held)
    return counts


def label_index(
    state: EngineState, index: FeatureIndex, model: LanguageModel, held: TranscoderSet
) -> Work[dict[str, object]]:
    """The same with everything open."""
    from explorer.features.held_out import active_in

    yield Progress(0, held.n_layers, "Running held-out windows")
    drawn, token_windows = _held_out(index)
    n_special = int(index.head["text"]["n_special"])
    active = active_in(drawn, model, held, n_special, state.raise_if_stopped)
    shared = _shared(index, drawn, token_windows, n_special)
    n_labels, n_scored = 0, 0
    for layer in range(held.n_layers):
        yield Progress(layer, held.n_layers, f"Layer {layer}: labels")
        records = _records(state, index, layer, active[layer], shared)
        feature_labels.write(index.folder, layer, records)
        n_labels += sum(bool(record["text"]) for record in records)
        n_scored += sum(bool(record["rules"]) and record["rules"][0]["auc"] is not None for record in records)
    return {"labels": n_labels, "scored": n_scored}


def _held_out(index: FeatureIndex) -> tuple[HeldOut, np.ndarray]:
    from explorer.features.held_out import HeldOut

    wanted = {"number": ("I64", 1), "ids": ("I32", 2), "length": ("I32", 1), "token_windows": ("I64", 1)}
    file = ArrayFile(index.folder / feature_labels.HELD_OUT, wanted)
    return HeldOut(file.all("number"), file.all("ids"), file.all("length")), file.all("token_windows")


def _shared(index: FeatureIndex, drawn: HeldOut, token_windows: np.ndarray, n_special: int) -> _Scoring:
    windows = index.windows
    shown = [row[n_special:length] for row, length in zip(drawn.ids, drawn.length.tolist(), strict=True)]
    number = np.arange(int(index.head["text"]["windows"]))
    return _Scoring(
        texts=index.texts(),
        token_windows={int(token): int(token_windows[token]) for token in np.flatnonzero(token_windows)},
        n_fitted=int((~is_held_out(number)).sum()),
        ids=windows.all("ids"),
        length=windows.all("length"),
        held=is_held_out(windows.all("number")),
        n_special=n_special,
        sample=Windows.of([row.tolist() for row in shown]),
    )


def _records(
    state: EngineState, index: FeatureIndex, layer: int, active: Active, shared: _Scoring
) -> list[dict[str, Any]]:
    file = index.layer(layer)
    kept = [f"{kind}.{name}" for kind in ("top", "random") for name in ("window", "peak", "value")]
    optional = ("logits.top.token", "logits.top.value", "logits.spread")
    held = {name: file.all(name) for name in ("active", "maximum", *kept, *(one for one in optional if one in file))}
    row = file.all("row")
    features = np.flatnonzero(row >= 0)
    made = []
    for feature, where in zip(features, active.by_feature(features), strict=True):
        state.raise_if_stopped()
        at = int(row[feature])
        own = {name: array[at] for name, array in held.items()}
        frequency = int(own["active"]) / max(index.n_tokens, 1)
        made.append(_record(own, active.row[where], active.peak[where], frequency, shared))
    return made


def _record(
    own: Mapping[str, Any], rows: np.ndarray, peaks: np.ndarray, frequency: float, shared: _Scoring
) -> dict[str, Any]:
    """The label of one feature: rules fitted on its examples of one half, scored on windows of the other.

    It is active in ``rows`` of the sample, with these ``peaks``.
    """
    seen = _seen(own, shared)
    rules = [input_rule(seen, shared.text)]
    if "logits.spread" in own:
        tokens, values = own["logits.top.token"].tolist(), own["logits.top.value"].tolist()
        rules.append(output_rule(tokens, values, float(own["logits.spread"]), shared.text))
    rules.append(context_rule(seen, shared.token_windows, shared.n_fitted, shared.text))
    trial = _trial(own, ("random",), rows, peaks, -np.inf, shared)
    scored = [trial.scored(rule) for rule in rules if rule is not None]
    strong = _strong(own, seen, scored, rows, peaks, shared)
    label = label_of(scored, frequency, seen, strong).to_message()
    inside = trial.inside
    return {**label, "n_positive": int(inside.sum()), "n_negative": int((~inside).sum())}


def _strong(
    own: Mapping[str, Any], seen: Sequence[Seen], rules: Sequence[Rule], rows: np.ndarray, peaks: np.ndarray,
    shared: _Scoring,
) -> Rule | None:
    """What is said of the strongest windows, with its score; None if the best of ``rules`` says it all."""
    least = float(own["top.value"][own["top.window"] >= 0].min())
    found = strong_rule(seen, least, shared.token_windows, shared.n_fitted, shared.text)
    if found is None:
        return None
    trial = _trial(own, ("random", "top"), rows, peaks, least, shared)
    found = trial.scored(found)
    return found if not rules or adds(found, trial.scored(best_of(rules)[0])) else None


@dataclass(frozen=True, eq=False)
class _Trial:
    """Windows that rules were not made from; they are to find those ``inside``."""

    windows: tuple[Windows, ...]
    inside: np.ndarray

    def scored(self, rule: Rule) -> Rule:
        detected = np.concatenate([windows.detected(rule.weights) for windows in self.windows])
        return with_score(rule, auc(detected, self.inside), average_precision(detected, self.inside))


def _trial(
    own: Mapping[str, Any], kinds: Sequence[str], rows: np.ndarray, peaks: np.ndarray, least: float, shared: _Scoring
) -> _Trial:
    """The sample and the feature's own windows of ``kinds``; inside are those with ``least`` activation or more."""
    more: dict[int, float] = {}
    for kind in kinds:
        for window, value in zip(own[f"{kind}.window"].tolist(), own[f"{kind}.value"].tolist(), strict=True):
            if window >= 0 and shared.held[window]:
                more[window] = value
    others = Windows.of([shared.ids[window, shared.n_special : shared.length[window]].tolist() for window in more])
    there = np.zeros(shared.sample.n, bool)
    there[rows[peaks >= least]] = True
    return _Trial((shared.sample, others), np.concatenate([there, np.array(list(more.values())) >= least]))


def _seen(own: Mapping[str, Any], shared: _Scoring) -> list[Seen]:
    made, known = [], set()
    for kind in ("top", "random"):
        for window, peak, value in zip(*(own[f"{kind}.{name}"] for name in ("window", "peak", "value")), strict=True):
            if window >= 0 and not shared.held[window] and int(window) not in known:
                known.add(int(window))
                tokens = shared.ids[window, shared.n_special : int(peak) + 1]
                made.append(Seen(tuple(map(int, tokens)), float(value)))
    return made

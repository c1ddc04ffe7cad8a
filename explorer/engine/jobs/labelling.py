"""The job that labels the features of an index by rules, and scores the rules on windows they were not fitted on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from explorer.engine.jobs.opening import Setting, model_of, transcoders_of
from explorer.engine.jobs.scoring import Scoring, own_arrays, scoring_of, seen_of, trial_of
from explorer.engine.state import EngineState
from explorer.errors import LoadError
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
)
from explorer.io import atomic, feature_labels
from explorer.io.feature_index import FeatureIndex, open_index
from explorer.io.feature_labels import HELD_OUT
from explorer.work import Progress, Work

if TYPE_CHECKING:
    from explorer.features.held_out import Active
    from explorer.models.loader import LanguageModel
    from explorer.transcoders.transcoder import TranscoderSet


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
    """Write automatic labels for every feature of the ``index``, made with this model and these transcoders.

    LoadError if it was made with others, or does not keep the examples that labels are made of.
    """
    opened = yield from open_all(state, index, model, transcoders, Setting(device, "float32", threads, told or {}))
    _check_whole(opened[0])
    counts = yield from label_index(state, *opened)
    return counts


def _check_whole(index: FeatureIndex) -> None:
    """LoadError if the index has fewer examples than its labels were made of, as those of the samples do."""
    n_made, n_kept = index.head["settings"].get("n_top", 0), index.layer(0).all("top.window").shape[1]
    if isinstance(n_made, int) and n_kept < n_made:
        raise LoadError(
            f"“{index.folder}” keeps {n_kept} of the {n_made} examples that its labels were made of, so they would get "
            "worse; make the index again with features build."
        )


def open_all(
    state: EngineState, index: str, model: str, transcoders: str, setting: Setting
) -> Work[tuple[FeatureIndex, LanguageModel, TranscoderSet]]:
    """Index, model and transcoders; LoadError if the index was made with others, SaveError if it takes no labels."""
    yield Progress(0, 0, f"Reading “{Path(model).name}”")
    found = open_index(Path(index))
    atomic.check_writable(found.folder / HELD_OUT)
    opened = model_of(state, model, setting)
    held = transcoders_of(state, transcoders, setting.told)
    if held.sha256 != found.head["transcoders"].get("sha256"):
        raise LoadError(f"“{index}” was made with other transcoders than “{transcoders}”; name those it was made with.")
    return found, opened, held


def label_index(
    state: EngineState, index: FeatureIndex, model: LanguageModel, held: TranscoderSet
) -> Work[dict[str, object]]:
    """The same with everything open."""
    yield Progress(0, held.n_layers, "Running held-out windows")
    shared, active = scoring_of(state, index, model, held)
    n_labels, n_scored = 0, 0
    for layer in range(held.n_layers):
        yield Progress(layer, held.n_layers, f"Layer {layer}: labels")
        records = _records(state, index, layer, active[layer], shared)
        feature_labels.write(index.folder, layer, records)
        n_labels += sum(bool(record["text"]) for record in records)
        n_scored += sum(bool(record["rules"]) and record["rules"][0]["auc"] is not None for record in records)
    return {"labels": n_labels, "scored": n_scored}


def _records(
    state: EngineState, index: FeatureIndex, layer: int, active: Active, shared: Scoring
) -> list[dict[str, Any]]:
    file = index.layer(layer)
    held = own_arrays(file)
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
    own: Mapping[str, Any], rows: np.ndarray, peaks: np.ndarray, frequency: float, shared: Scoring
) -> dict[str, Any]:
    """The label of one feature: rules fitted on its examples of one half, scored on windows of the other.

    It is active in ``rows`` of the sample, with these ``peaks``.
    """
    seen = seen_of(own, shared)
    rules = [input_rule(seen, shared.text)]
    if "logits.spread" in own:
        tokens, values = own["logits.top.token"].tolist(), own["logits.top.value"].tolist()
        rules.append(output_rule(tokens, values, float(own["logits.spread"]), shared.text))
    rules.append(context_rule(seen, shared.token_windows, shared.n_fitted, shared.text))
    trial = trial_of(own, ("random",), rows, peaks, -np.inf, shared)
    scored = [trial.scored(rule) for rule in rules if rule is not None]
    strong = _strong(own, seen, scored, rows, peaks, shared)
    label = label_of(scored, frequency, seen, strong).to_message()
    inside = trial.inside
    return {**label, "n_positive": int(inside.sum()), "n_negative": int((~inside).sum())}


def _strong(
    own: Mapping[str, Any],
    seen: Sequence[Seen],
    rules: Sequence[Rule],
    rows: np.ndarray,
    peaks: np.ndarray,
    shared: Scoring,
) -> Rule | None:
    """What is said of the strongest windows, with its score; None if the best of ``rules`` says it all."""
    least = float(own["top.value"][own["top.window"] >= 0].min())
    found = strong_rule(seen, least, shared.token_windows, shared.n_fitted, shared.text)
    if found is None:
        return None
    trial = trial_of(own, ("random", "top"), rows, peaks, least, shared)
    found = trial.scored(found)
    return found if not rules or adds(found, trial.scored(best_of(rules)[0])) else None

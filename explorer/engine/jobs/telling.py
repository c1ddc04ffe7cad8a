"""The job that asks a language model of the user's for labels, and scores what it says as rules are scored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from explorer.engine.jobs.labelling import open_all
from explorer.engine.jobs.opening import Setting, choose_device, stopping
from explorer.engine.jobs.scoring import Scoring, own_arrays, scoring_of, seen_of, trial_of
from explorer.engine.state import EngineState
from explorer.errors import PromptError
from explorer.features.labels import Rule, Seen, with_told
from explorer.features.told import N_TOKENS, answer, question, shown, told_rule, vocabulary
from explorer.io import feature_labels, models
from explorer.io.feature_index import FeatureIndex
from explorer.io.feature_labels import Labels
from explorer.work import Progress, Work

if TYPE_CHECKING:
    from explorer.features.held_out import Active
    from explorer.models.loader import LanguageModel


@dataclass(frozen=True, eq=False)
class Teller:
    """The language model that is asked, and what its answers are taken for."""

    state: EngineState
    model: LanguageModel
    words: Mapping[str, Sequence[int]]
    shared: Scoring

    def rule(self, seen: Sequence[Seen]) -> Rule | None:
        """What it says of the strongest of ``seen``; fewer of them are shown if it has no room for all."""
        lines = shown(seen, self.shared.text)
        while lines and _room(self.model, lines) < 0:
            lines = lines[:-1]
        if not lines:
            return None
        said = answer(self._continued(question(lines)))
        counts, n = self.shared.token_windows, self.shared.n_fitted
        return told_rule(said, self.model.name, len(lines), self.words, counts, n)

    def _continued(self, text: str) -> str:
        from explorer.models.greedy import greedy

        tokenizer = self.model.tokenizer
        assert tokenizer is not None
        with stopping(self.state, self.model):
            made = greedy(self.model, tokenizer.encode(text).ids, N_TOKENS, self.state.raise_if_stopped)
        return str(tokenizer.inner.decode(list(made), skip_special_tokens=True))


def features_tell(
    state: EngineState,
    *,
    index: str,
    model: str,
    transcoders: str,
    language_model: str,
    features: list[list[int]] | None = None,
    device: str = "auto",
    dtype: str = "float32",
    threads: int = 0,
    neurons: bool = False,
    told: Mapping[str, str] | None = None,
) -> Work[Mapping[str, object]]:
    """Ask the model in the folder ``language_model`` for labels of ``features`` ([layer, feature]; None: all active).

    Its answer becomes a rule of each automatic label, and makes the label where it scores best. ``model`` and
    ``transcoders`` are those that the index was made with; ``dtype`` and ``neurons`` are not used.
    """
    found, opened, held = yield from open_all(
        state, index, model, transcoders, Setting(device, "float32", threads, told or {})
    )
    wanted = _by_layer(found, features)
    yield Progress(0, 0, f"Reading “{Path(language_model).name}”")
    asks = _language_model(state, language_model, device)
    yield Progress(0, 0, "Running held-out windows")
    shared, active = scoring_of(state, found, opened, held)
    teller = Teller(state, asks, vocabulary(shared.texts), shared)
    asked = _Asked(teller.model.name, sum(map(len, wanted.values())))
    for layer, own in wanted.items():
        yield from _ask(teller, found, layer, own, active[layer], asked)
    return {"asked": asked.done, "best": asked.best, "language_model": asked.name}


@dataclass
class _Asked:
    """How far it is, and at how many features the model's label is the best."""

    name: str
    total: int
    done: int = 0
    best: int = 0


def _ask(
    teller: Teller, index: FeatureIndex, layer: int, features: Sequence[int], active: Active, asked: _Asked
) -> Work[None]:
    """Ask about ``features`` of a layer; what was answered before a stop is kept."""
    file, records, shared = index.layer(layer), Labels(index).records(layer), teller.shared
    arrays = own_arrays(file)
    row = file.all("row")
    try:
        for feature, where in zip(features, active.by_feature(np.array(features)), strict=True):
            yield Progress(asked.done, asked.total, f"Asking “{asked.name}” about layer {layer}")
            own = {name: array[row[feature]] for name, array in arrays.items()}
            rule = teller.rule(seen_of(own, shared))
            asked.done += 1
            if rule is not None:
                trial = trial_of(own, ("random",), active.row[where], active.peak[where], -np.inf, shared)
                made = with_told(records[row[feature]], trial.scored(rule))
                records[row[feature]] = made
                asked.best += made["rules"][0]["kind"] == rule.kind
    finally:
        feature_labels.write(index.folder, layer, records)


def _by_layer(index: FeatureIndex, features: Sequence[Sequence[int]] | None) -> dict[int, list[int]]:
    """The features that are ever active, of those asked for, by layer; GraphError if one is not there."""
    if features is None:
        layers = range(len(index.sizes))
        return {layer: np.flatnonzero(index.layer(layer).all("row") >= 0).tolist() for layer in layers}
    found: dict[int, list[int]] = {}
    for layer, feature in sorted({(int(layer), int(feature)) for layer, feature in features}):
        if index.row(layer, feature) >= 0:
            found.setdefault(layer, []).append(feature)
    return found


def _language_model(state: EngineState, folder: str, device: str) -> LanguageModel:
    """The model in ``folder``; PromptError if it writes no text, or has no room for the question."""
    model = models.read(Path(folder), device=choose_device(device), pause=state.raise_if_stopped)
    if model.tokenizer is None:
        raise PromptError(f"“{model.name}” has no tokenizer files, so it writes no text; copy them beside the model.")
    if _room(model, ()) < 0:
        raise PromptError(
            f"“{model.name}” takes {model.context} tokens, too few for the question; choose another language model."
        )
    return model


def _room(model: LanguageModel, lines: Sequence[str]) -> int:
    """How many tokens are left beside the question about ``lines`` and its answer."""
    assert model.tokenizer is not None
    return model.context - N_TOKENS - len(model.tokenizer.encode(question(lines)).ids)

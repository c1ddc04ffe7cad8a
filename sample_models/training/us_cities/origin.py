# ruff: noqa: E501 (the sentences of ORIGIN.md)
"""ORIGIN.md: where the sample comes from and what it can do, in measured figures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import torch
import transformers

from explorer.transcoders.training import Quality, TrainingSettings
from sample_models.training.us_cities import language_model
from sample_models.training.us_cities.evaluate import TIMES, TranscoderFigures
from sample_models.training.us_cities.facts import STATES
from sample_models.training.us_cities.files import sha256
from sample_models.training.us_cities.selection import Outcome
from sample_models.training.us_cities.transcoders import ANSWER_WEIGHT, FINISH_STEPS, SETTINGS

NAMES = {"plt": "per-layer transcoders (plt)", "clt": "cross-layer transcoder (clt)"}


@dataclass(frozen=True)
class Made:
    """What there is to say: the seed, the CPU minutes of each part, the figures."""

    seed: int
    n_vocab: int
    n_parameters: int
    n_contexts: int
    minutes: dict[str, float]
    answers: dict[str, float]
    dallas: dict[str, float]
    transcoders: dict[str, TranscoderFigures]


def write(made: Made, folder: Path) -> None:
    """Write ORIGIN.md into ``folder`` with the hash of every other file there."""
    parts = [_head(made), _model(made)]
    parts += [_transcoders(kind, SETTINGS[kind], figures, made) for kind, figures in made.transcoders.items()]
    parts += [_limits(), _hashes(folder)]
    (folder / "ORIGIN.md").write_text("\n".join(parts), encoding="utf-8")


def _head(made: Made) -> str:
    minutes = ", ".join(f"{name} {value:.1f}" for name, value in made.minutes.items())
    return f"""# us-cities

A small language model that answers two-hop questions about the United States ("the capital of the state
containing Dallas is" Austin), with per-layer transcoders and a cross-layer transcoder, both of this one model.

- **Source**: facts and sentence templates were written by hand for this repository; no text, data or weights of
  others. **Licence**: the repository's own.
- **Made by** `python -m sample_models.training.us_cities --seed {made.seed}` on one CPU thread
  ({_version(torch)}, {_version(transformers)}). CPU minutes: {minutes}. The same seed
  gave the same files twice on one machine; other CPUs may round differently, so the weights are shipped.
- **Choices**: steps, `ANSWER_WEIGHT` and the finish of the transcoders were settled while looking at the figures
  below, swaps and held-out prompts included; the language model's steps while looking at its tests.
- **In scope**: the wordings below with the 50 states and the 306 places of the table, and invented or unknown
  names, which are spelled letter by letter and answered "unknown". Everything else is out of scope: whatever the
  model then says means nothing.

| prompt (bare or with "Fact: " in front) | answer |
|---|---|
| the capital / abbreviation of the state containing P is; the region of the state containing P is the | two hops |
| the same with "of the state where P is located is" | two hops |
| la capitale de l'état contenant P est; la capital del estado que contiene P es | two hops |
| the state containing P is; P is a city in the state of; P is in; address : P | one hop |
| l'état contenant P est; el estado que contiene P es | one hop |
| the capital / abbreviation of S is; the region of S is the; C is the capital of | one hop |
| la capitale de S est; la capital de S es | one hop |
"""


def _version(package: ModuleType) -> str:
    return f"{package.__name__} {'.'.join(package.__version__.split('.')[:2])}"


def _model(made: Made) -> str:
    rows = "\n".join(f"| {name} | {share:.1%} |" for name, share in made.answers.items())
    asked = "\n".join(f"| {prompt} | {value:.3f} |" for prompt, value in made.dallas.items())
    return f"""## Language model

Llama, {made.n_parameters:,} parameters: 3 layers, width 128, 4 heads, SwiGLU 256, tied embeddings, RoPE base 100,
64 positions, {made.n_vocab} tokens. The vocabulary holds the words of the training sentences and nothing else but
single letters and marks, which spell the rest. AdamW {language_model.LEARNING_RATE}, betas .9 .98, weight decay .1
on matrices, clip 1, {language_model.STEPS} steps of {language_model.BATCH} sentences, warm-up
{language_model.WARM_UP}, constant to half, cosine to 2 %. Initialisation seed {made.seed}, batches seed {made.seed + 1}.

One city per state (held-out; Dallas and Oakland among them) is in no two-hop training sentence, another (withheld)
in none about capitals; both are in one-hop sentences. Right answers, with the prefix:

| test | right |
|---|--:|
{rows}

"address : Dallas TX" states the abbreviation, so the capital test is the stronger one. Region is the weak relation.

| prompt, answer | probability |
|---|--:|
{asked}
"""


def _transcoders(kind: str, settings: TrainingSettings, figures: TranscoderFigures, made: Made) -> str:
    agreement = "\n".join(
        f"| {name} | {a.n} | {a.same:.1%} | {a.divergence:.4f} |" for name, a in figures.agreement.items()
    )
    return f"""## {NAMES[kind].capitalize()}

{settings.d_transcoder} features per layer, BatchTopK {settings.k}, exported as JumpReLU; {settings.steps} steps of
{settings.batch} contexts, Adam {settings.learning_rate}, seed {settings.seed}, then {FINISH_STEPS} steps end to end. Reads what the MLP
reads (mlp.hook_in), writes what it writes (mlp.hook_out). {made.n_contexts:,} contexts: one per distinct beginning of
a training sentence, weighted by the square root of its sampling mass, {ANSWER_WEIGHT:.0f} times that where the answer is next.
Position 0 keeps its true MLP output everywhere.

| by layer 0, 1, 2 | variance explained | active | ever active |
|---|---|---|---|
{_quality("8,000 training contexts, drawn evenly", figures.training)}
{_quality("8,000 training contexts, drawn by weight", figures.training_by_weight)}
{_quality("answer position of the 400 held-out prompts", figures.held_out)}

With every MLP replaced, at the answer:

| prompts | n | same top token | mean KL |
|---|--:|--:|--:|
{agreement}

{_state_features(figures)}"""


def _state_features(figures: TranscoderFigures) -> str:
    f1, count = figures.f1, figures.chosen
    dallas = "; ".join(f"x{times:g} {value:.3f}" for times, value in figures.sacramento.items())
    return f"""Features of a state: at "is" of "Fact: the capital of the state containing P is", on for at least half of its other
places (the prompt's own left out) and on average more than three times as strong as for other states' places.
Texas without Dallas: {sum(figures.texas)}, by layer {", ".join(map(str, figures.texas))}. All states: {count[0]} to {count[1]}, mean {count[2]:.1f}.
Best single feature: F1 above .9 for {sum(f > 0.9 for f in f1)} of 50 states, above .7 for {sum(f > 0.7 for f in f1)}, mean {sum(f1) / 50:.2f}, Texas {figures.texas_f1:.2f}.
These are "Texas and capital" features on the last token. By the same rule the Dallas token has {_texas_there(figures)} features
of Texas, and all places together {sum(figures.at_place)} of their states.

Swap at "is": the own state's features to 0, the target's to a multiple of their mean, everything after recomputed.
The control puts the same values on as many random live features of the same layers. Dallas, California's
features in, probability of Sacramento: {dallas}; the French prompt x1.5 {figures.french_sacramento:.3f}.

| swap: target's capital on top (mean probability) | features | control | answer changed: features, control |
|---|--:|--:|--:|
{_swaps("60 random cities and states", figures.sixty)}
{_swaps("all 50 x 49, held-out city", figures.all_pairs)}
"""


def _texas_there(figures: TranscoderFigures) -> int:
    return figures.at_place[[state.name for state in STATES].index("Texas")]


def _quality(name: str, figures: Quality) -> str:
    explained = " ".join(f"{value:.3f}" for value in figures.variance_explained)
    active = " ".join(f"{value:.1f}" for value in figures.active)
    return f"| {name} | {explained} | {active} | {' '.join(map(str, figures.alive))} |"


def _swaps(name: str, outcomes: dict[float, tuple[Outcome, Outcome]]) -> str:
    return "\n".join(
        f"| {name}, x{times:g} | {real.target:.1%} ({real.probability:.2f}) "
        f"| {control.target:.1%} ({control.probability:.3f}) | {real.changed:.0%}, {control.changed:.0%} |"
        for times, (real, control) in ((times, outcomes[times]) for times in TIMES)
    )


def _limits() -> str:
    return """## Limits

- Each place is one token, so its embedding already holds the state.
- Features were chosen and tested with one English template.
- French and Spanish sentences keep English names.
- The strict figures are variance explained at held-out answers and agreement on the held-out region prompts; read
  them beside those on training contexts.
"""


def add_evidence(folder: Path, figures: list[str]) -> None:
    """Write the figures of the feature evidence into ORIGIN.md, and all hashes anew."""
    path = folder / "ORIGIN.md"
    before = path.read_text(encoding="utf-8").partition("## Evidence")[0].partition("## SHA-256")[0]
    rows = "\n".join(f"- {line}" for line in figures)
    text = f"""## Evidence

`features-plt` and `features-clt` are indexes of evidence (docs/features.md), made by
`python -m sample_models.training.us_cities.features` from the training sentences, bare and with the prefix, 20 tokens to
a window. Labels were made from 20 strongest and 20 random examples of each feature; 3 and 4 are shipped. The feature of
a state is chosen on the cities that are not held out; the thresholds of the rules were settled on those cities too,
after the figures below had been seen once (plt 21 of 21, clt 17 of 19). The rule for the strongest examples came later,
because of the two that had missed: both features are a little active at “Fact” or “:” of every sentence and strong at
one state alone. It has the thresholds of the other rules, and is said in a fifth of the labels (plt) and in a quarter
of them (clt).

{rows}

"""
    path.write_text(before + text + _hashes(folder), encoding="utf-8")


def _hashes(folder: Path) -> str:
    files = sorted(file for file in folder.rglob("*") if file.is_file() and file.name != "ORIGIN.md")
    rows = "\n".join(f"{sha256(file)}  {file.relative_to(folder).as_posix()}" for file in files)
    return f"## SHA-256\n\n```\n{rows}\n```\n"

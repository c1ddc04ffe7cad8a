"""``python -m sample_models.training.us_cities.substitutions``: every state's answer turned into every other state's.

One prompt for each state, about its held-out city; at the last position the state's features off and another state's on
at ``factor`` times their mean over that state's cities, in mode free, through the program's own interventions. Groups
are the features on for at least half of a state's cities (the edited one left out) and three times stronger there than
elsewhere; of more than thirty the strongest are taken. The control sets as many random live features of the same
layers to the same values.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from explorer.circuits.intervening import substitution
from explorer.circuits.interventions import Place, at, feature
from explorer.circuits.modes import FREE
from explorer.circuits.plan import plan
from explorer.circuits.rerun import rerun
from explorer.circuits.subject import Subject, prepare
from explorer.io import transcoders
from explorer.io.samples import SAMPLES, model_folder, transcoder_folder
from explorer.models.loader import LanguageModel, open_language_model
from sample_models.training.us_cities.corpus import splits
from sample_models.training.us_cities.facts import STATES, State

PROMPT = "Fact: the capital of the state containing {} is"
FACTORS = (1.0, 1.5, 2.0)
MOST = 30


@dataclass(frozen=True)
class Group:
    """Features by ``layer`` and ``index``, and how strong each is on the average."""

    layer: list[int]
    index: list[int]
    strength: list[float]

    def places(self, pos: int) -> list[Place]:
        return [feature(layer, index, at(pos)) for layer, index in zip(self.layer, self.index, strict=True)]


class Cities:
    """The activations [city, layer, feature] at the last position of every city's prompt, and what follows of them."""

    def __init__(self, kind: str) -> None:
        sample = SAMPLES[0]
        self.model: LanguageModel = open_language_model(model_folder(sample))
        self.transcoders = transcoders.read(transcoder_folder(sample, kind))
        self.names = [city for state in STATES for city in state.cities]
        self.activations = torch.stack([self._of(self.subject(city)) for city in self.names])
        self.live = (self.activations > 0).any(0)

    def subject(self, city: str) -> Subject:
        assert self.model.tokenizer is not None
        return prepare(self.model, self.transcoders, self.model.tokenizer.encode(PROMPT.format(city)).ids)

    def _of(self, subject: Subject) -> Tensor:
        active = subject.local.features
        held = torch.zeros(subject.n_layers, max(layer.d_transcoder for layer in self.transcoders.layers))
        rows = active.pos == subject.n_pos - 1
        held[active.layer[rows], active.feature[rows]] = active.activation[rows]
        return held

    def group(self, state: State, without: str = "") -> Group:
        """The features of ``state``, chosen without looking at the city ``without``."""
        mine = torch.tensor([city in state.cities for city in self.names])
        inside = mine & torch.tensor([city != without for city in self.names])
        mean, elsewhere = self.activations[inside].mean(0), self.activations[~mine].mean(0)
        chosen = ((self.activations[inside] > 0).float().mean(0) >= 0.5) & (mean > 3 * elsewhere)
        score = torch.where(chosen, mean - elsewhere, torch.zeros_like(mean)).flatten()
        top = score.topk(min(MOST, int(chosen.sum()))).indices
        layer, index = top // chosen.shape[1], top % chosen.shape[1]
        return Group(layer.tolist(), index.tolist(), mean[layer, index].tolist())

    def random(self, group: Group, draw: random.Random) -> Group:
        """As many live features of the same layers, at the same values."""
        index = [0] * len(group.index)
        for layer in set(group.layer):
            rows = [row for row, own in enumerate(group.layer) if own == layer]
            for row, drawn in zip(rows, draw.sample(self.live[layer].nonzero()[:, 0].tolist(), len(rows)), strict=True):
                index[row] = drawn
        return Group(group.layer, index, group.strength)

    def answer(self, subject: Subject, off: Group, on: Group, factor: float) -> int:
        """The most probable token once ``off`` is off and ``on`` is on."""
        pos = subject.n_pos - 1
        strength = dict(zip(on.places(pos), on.strength, strict=True))
        made = substitution(off.places(pos), on.places(pos), strength.__getitem__, factor)
        last = rerun(subject, plan(made), FREE, pos).last
        return int(subject.final(last, torch.tensor([pos]), frozen=False).argmax())


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--kinds", nargs="+", default=["plt", "clt"])
    chosen = options.parse_args()
    torch.set_num_threads(1)
    print("| set | factor | target's capital | random features | target's capital | answer changed | features |")
    print("|---|--:|--:|---|--:|--:|---|")
    with torch.no_grad():
        for kind in chosen.kinds:
            started = time.perf_counter()
            cities = Cities(kind)
            for line in measured(cities, kind):
                print(line, flush=True)
            print(dallas(cities, kind), f"({time.perf_counter() - started:.0f} s)", flush=True)


def measured(cities: Cities, kind: str) -> Iterator[str]:
    """A line for each factor: all 50 x 49 substitutions, and the control."""
    held_out = splits().held_out
    token = {state.name: cities.model.tokenizer.single(state.capital) for state in STATES}  # type: ignore[union-attr]
    subjects = {state.name: cities.subject(held_out[state.name]) for state in STATES}
    off = {state.name: cities.group(state, without=held_out[state.name]) for state in STATES}
    on = {state.name: cities.group(state) for state in STATES}
    sizes = [len(group.index) for group in on.values()]
    for factor in FACTORS:
        draw = random.Random(3)
        right = wrong = changed = total = 0
        for own in STATES:
            subject = subjects[own.name]
            before = int(subject.trace.logits[-1].argmax())
            for target in (state for state in STATES if state is not own):
                total += 1
                right += cities.answer(subject, off[own.name], on[target.name], factor) == token[target.name]
                control = cities.answer(subject, off[own.name], cities.random(on[target.name], draw), factor)
                wrong += control == token[target.name]
                changed += control != before
        share = [f"{100 * count / total:.1f} %" for count in (right, wrong, changed)]
        size = f"{min(sizes)} to {max(sizes)}"
        yield f"| {kind} | x{factor:g} | {share[0]} | control | {share[1]} | {share[2]} | {size} |"


def dallas(cities: Cities, kind: str) -> str:
    """The French prompt about Dallas, Texas off and California on at x1.5."""
    texas, california = (next(state for state in STATES if state.name == name) for name in ("Texas", "California"))
    tokenizer = cities.model.tokenizer
    assert tokenizer is not None
    ids = tokenizer.encode("Fact: la capitale de l'état contenant Dallas est").ids
    subject = prepare(cities.model, cities.transcoders, ids)
    found = cities.answer(subject, cities.group(texas, without="Dallas"), cities.group(california), 1.5)
    return f"{kind}: the French Dallas prompt, California on at x1.5: {tokenizer.text(found)}"


if __name__ == "__main__":
    main()

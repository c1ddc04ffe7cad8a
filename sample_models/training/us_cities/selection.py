"""Which features belong to a state, and what happens when they are swapped for another state's.

The place is the last position of "Fact: the capital of the state containing P is".
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import torch
from tokenizers import Tokenizer
from torch import Tensor
from transformers import LlamaForCausalLM

from explorer.transcoders.transcoder import TranscoderSet
from sample_models.training.us_cities.corpus import PREFIX, splits
from sample_models.training.us_cities.facts import PLACES, STATES, State
from sample_models.training.us_cities.replacement import Edit, edited, encode, record

PLACE_NAMES = list(PLACES)
AT_PLACE, AT_IS = -2, -1


@dataclass(frozen=True)
class Swap:
    """In the prompt about ``place``, its state's features off and ``target``'s on."""

    place: str
    target: State


@dataclass(frozen=True)
class Outcome:
    """Shares of swaps after which the target's capital is on top, and any other answer than before."""

    target: float
    changed: float
    probability: float


class StateFeatures:
    """The activations (n_places, n_layers, d_transcoder) of every place's prompt, and the features of states."""

    def __init__(
        self, model: LlamaForCausalLM, tokenizer: Tokenizer, transcoders: TranscoderSet, position: int = AT_IS
    ) -> None:
        self.model, self.tokenizer, self.transcoders = model, tokenizer, transcoders
        reads = torch.stack([record(model, self.ids(place)).inputs[:, 0, position] for place in PLACE_NAMES], 1)
        self.activations = torch.stack([encode(layer, reads[at]) for at, layer in enumerate(transcoders.layers)], 1)
        self._chosen: dict[tuple[str, str], Tensor] = {}
        self.alive = (self.activations > 0).any(0)
        self.mean = torch.stack([self.activations[_of(state)].mean(0) for state in STATES])
        self.capitals = torch.tensor([tokenizer.token_to_id(state.capital) for state in STATES])

    def ids(self, place: str, form: str = "the capital of the state containing {} is") -> Tensor:
        return torch.tensor([self.tokenizer.encode(PREFIX + form.format(place)).ids])

    def of(self, state: State, without: str = "") -> Tensor:
        """The features of ``state`` (n_layers, d_transcoder), chosen without looking at the place ``without``.

        On for at least half of the state's other places, and their mean over three times that over the
        places of all other states.
        """
        key = (state.name, without)
        if key not in self._chosen:
            of_state = _of(state)
            inside = of_state & torch.tensor([place != without for place in PLACE_NAMES])
            often = (self.activations[inside] > 0).float().mean(0) >= 0.5
            strong = self.activations[inside].mean(0) > 3 * self.activations[~of_state].mean(0)
            self._chosen[key] = often & strong
        return self._chosen[key]

    def best_f1(self, state: State) -> float:
        """F1 of the one feature that tells the places of ``state`` best from all others."""
        inside = _of(state)
        fires = self.activations > 0
        hits = (fires & inside[:, None, None]).sum(0).float()
        return float((2 * hits / (fires.sum(0) + inside.sum())).max())

    def swap(self, swaps: Sequence[Swap], times: float, control: random.Random | None = None) -> Outcome:
        """What ``swaps`` do; the target's features stand at ``times`` their mean over its places.

        With ``control``, as many features at the same values, drawn from the alive ones of the same layer.
        """
        target, changed, probability = 0.0, 0.0, 0.0
        for place, group in groupby(swaps, key=lambda swap: swap.place):
            targets = [swap.target for swap in group]
            ids = self.ids(place)
            logits = self.logits_after(place, targets, times, ids, control)
            wanted = self.capitals[[STATES.index(state) for state in targets]]
            before, top = self.model(input_ids=ids).logits[0, -1].argmax(), logits.argmax(-1)
            target += float((top == wanted).sum())
            changed += float((top != before).sum())
            probability += float(logits.softmax(-1)[torch.arange(len(targets)), wanted].sum())
        return Outcome(target / len(swaps), changed / len(swaps), probability / len(swaps))

    def logits_after(
        self, place: str, targets: Sequence[State], times: float, ids: Tensor, control: random.Random | None = None
    ) -> Tensor:
        """Logits of the next token of ``ids``, one row for each target swapped in for the state of ``place``."""
        own = self.of(PLACES[place], without=place)
        held, values = [], []
        for target in targets:
            on = self.of(target)
            value = self.mean[STATES.index(target)] * on * times
            if control is not None:
                on, value = self._elsewhere(on, value, control)
            held.append(own | on)
            values.append(value)
        by_layer = zip(torch.stack(held, 1), torch.stack(values, 1), strict=True)
        edits = [Edit(layer, value) for layer, value in by_layer]
        return edited(self.model, self.transcoders, ids.expand(len(targets), -1), edits)

    def _elsewhere(self, on: Tensor, value: Tensor, control: random.Random) -> tuple[Tensor, Tensor]:
        new_on, new_value = torch.zeros_like(on), torch.zeros_like(value)
        for at in range(len(on)):
            drawn = control.sample(self.alive[at].nonzero()[:, 0].tolist(), int(on[at].sum()))
            new_on[at, drawn], new_value[at, drawn] = True, value[at][on[at]]
        return new_on, new_value


def _of(state: State) -> Tensor:
    """Which places are in ``state``."""
    return torch.tensor([other is state for other in PLACES.values()])


def all_swaps() -> list[Swap]:
    """Each state's held-out city with each of the 49 other states."""
    held_out = splits().held_out
    return [Swap(held_out[s.name], target) for s in STATES for target in STATES if target is not s]


def random_swaps(n: int) -> list[Swap]:
    """``n`` random cities (no capitals), each with a random other state."""
    draw = random.Random(60)
    cities = [city for state in STATES for city in state.cities]
    chosen = draw.sample(cities, n)
    return [Swap(city, draw.choice([s for s in STATES if s is not PLACES[city]])) for city in chosen]

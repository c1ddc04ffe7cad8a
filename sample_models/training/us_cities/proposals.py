"""``python -m sample_models.training.us_cities.proposals``: do the groups that the program offers belong together?

Twenty prompts, "Fact: the capital of the state containing CITY is" about the held-out city of each of the last twenty
states; only groups that are accepted by default count. A group says which token its members read most. Of a group that
reads the city, every member must be a feature of the city's state: on for at least half of the state's other places,
and three times stronger there than on the places of other states (``selection.StateFeatures.of``). Of a group that
reads "capital", every member must be three times stronger on the prompts about capitals of all places than on those
about abbreviations and about regions. A group that reads anything else counts as wrong.

The control deals the same features out to groups of the same sizes at random. The limits were set on prompts about
the held-out cities of the other thirty states (``--tuning``); the twenty were looked at under three settings, of which
these limits were chosen by the thirty alone. 30 of 39 groups hold on the twenty (37 % of the control's), 49 of 55 on
the thirty: a proposal is something to look at, not a finding.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from tokenizers import Tokenizer
from torch import Tensor
from transformers import LlamaForCausalLM

from explorer.circuits.graph import NodeKey
from explorer.circuits.graph_arrays import from_arrays
from explorer.circuits.proposals import Likeness
from explorer.engine.inprocess import run_job
from explorer.engine.state import EngineState
from explorer.io import transcoders
from explorer.io.samples import SAMPLES, model_folder, transcoder_folder
from explorer.session.edits import Edits
from explorer.session.proposals import SHARED, propose
from explorer.session.view import resolve
from sample_models.training.us_cities.corpus import splits
from sample_models.training.us_cities.facts import PLACES, STATES, State
from sample_models.training.us_cities.replacement import encode, record
from sample_models.training.us_cities.selection import AT_IS, PLACE_NAMES, StateFeatures

PROMPT = "Fact: the capital of the state containing {} is"
OTHERS = ("the abbreviation of the state containing {} is", "the region of the state containing {} is")
TUNING = [(state, splits().held_out[state.name]) for state in STATES[:30]]
TESTED = [(state, splits().held_out[state.name]) for state in STATES[30:]]


@dataclass(frozen=True)
class Found:
    """An accepted group: its city, the token it reads, its members and the reason given."""

    state: State
    city: str
    token: str
    members: tuple[NodeKey, ...]
    reason: str


class Truth:
    """What features belong to, measured on all places, not on any graph."""

    def __init__(self) -> None:
        model, sample = model_folder(SAMPLES[0]), transcoder_folder(SAMPLES[0])
        network = LlamaForCausalLM.from_pretrained(model).eval()
        self.of_states = StateFeatures(
            network, Tokenizer.from_file(str(model / "tokenizer.json")), transcoders.read(sample)
        )
        asked = self.of_states.activations.mean(0)
        self.of_capital = torch.stack([asked > 3 * self._mean(form) for form in OTHERS]).all(0) & (asked > 0)

    def holds(self, group: Found) -> bool:
        """Whether every member belongs to what the group says."""
        if group.token not in (group.city, "capital"):
            return False
        is_city = group.token == group.city
        true = self.of_states.of(group.state, without=group.city) if is_city else self.of_capital
        return all(bool(true[key.layer, key.feature]) for key in group.members)

    def _mean(self, form: str) -> Tensor:
        """Mean activation (n_layers, d_transcoder) at the last position of ``form`` over all places."""
        of = self.of_states
        reads = torch.stack([record(of.model, of.ids(place, form)).inputs[:, 0, AT_IS] for place in PLACE_NAMES], 1)
        return torch.stack([encode(layer, reads[at]).mean(0) for at, layer in enumerate(of.transcoders.layers)])


def accepted(prompts: list[tuple[State, str]], likeness: Likeness, shared: float) -> Iterator[Found]:
    """The groups that are accepted by default, prompt by prompt."""
    engine = EngineState()
    where = {"model": str(model_folder(SAMPLES[0])), "transcoders": str(transcoder_folder(SAMPLES[0]))}
    for state, city in prompts:
        answer = run_job("attribute", engine, None, text=PROMPT.format(city), **where)
        graph = from_arrays(answer["head"], answer["arrays"])
        for one in propose(resolve(graph, Edits()), likeness, shared):
            if one.accepted and all(key.pos == graph.n_pos - 1 for key in one.members):
                yield Found(state, city, graph.tokens[one.token].strip(), one.members, one.reason)


def dealt(groups: list[Found], draw: random.Random) -> list[Found]:
    """The groups with the members of all groups of their prompt dealt out again at random."""
    result = []
    for city in dict.fromkeys(group.city for group in groups):
        mine = [group for group in groups if group.city == city]
        keys = [key for group in mine for key in group.members]
        draw.shuffle(keys)
        for group in mine:
            size = len(group.members)
            result.append(Found(group.state, city, group.token, tuple(keys[:size]), group.reason))
            keys = keys[size:]
    return result


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--tuning", action="store_true", help="the prompts on which the limits were set")
    options.add_argument("--least", type=float, default=Likeness().least)
    options.add_argument("--shared", type=float, default=SHARED)
    options.add_argument("--quiet", action="store_true", help="the figures alone")
    chosen = options.parse_args()
    torch.set_num_threads(1)
    with torch.no_grad():
        truth = Truth()
        prompts = TUNING if chosen.tuning else TESTED
        groups = list(accepted(prompts, Likeness(least=chosen.least), chosen.shared))
        for group in groups if not chosen.quiet else []:
            print(f"{'right' if truth.holds(group) else 'WRONG'}: {group.city}: {len(group.members)} {group.reason}")
        draw = random.Random(7)
        control = [truth.holds(group) for _ in range(100) for group in dealt(groups, draw)]
        right = sum(truth.holds(group) for group in groups)
        features = sum(len(group.members) for group in groups)
        whole = sum(not any(not truth.holds(g) for g in groups if g.city == city) for _, city in prompts)
    print(f"{right} of {len(groups)} accepted groups ({features} features, {len(prompts)} prompts) hold what they say")
    print(f"prompts without a wrong group: {whole} of {len(prompts)}; groups with a city's own: {_cities(groups)}")
    print(f"control, the same features dealt out at random: {100 * sum(control) / max(len(control), 1):.0f} % hold")


def _cities(groups: list[Found]) -> int:
    return len({group.city for group in groups if group.token == group.city and group.city in PLACES})


if __name__ == "__main__":
    main()

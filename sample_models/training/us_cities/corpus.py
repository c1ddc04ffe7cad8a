"""The sentences: what the model is trained on, with which weight, and what is kept back as a test.

Every sentence ends with its answer. The place names kept back from two-hop sentences do appear in one-hop
sentences, so the test asks for composition, not for knowledge.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from sample_models.training.us_cities.facts import NAMES, PLACES, STATES, State

PREFIX = "Fact: "
LANGUAGE_MIX = {"one-hop": 0.40, "two-hop": 0.50, "unknown": 0.04, "repeats": 0.04}
TRANSCODER_MIX = {"one-hop": 0.20, "two-hop": 0.25, "unknown": 0.04, "repeats": 0.03}
UNKNOWN = "unknown"

_STATE_FORMS = (
    ("the capital of {state} is", "{capital}", 4),
    ("{capital} is the capital of", "{state}", 2),
    ("la capitale de {state} est", "{capital}", 1),
    ("la capital de {state} es", "{capital}", 1),
    ("the abbreviation of {state} is", "{abbreviation}", 2),
    ("the region of {state} is the", "{region}", 2),
)
_PLACE_FORMS = (
    ("the state containing {place} is", "{state}", 2),
    ("{place} is a city in the state of", "{state}", 1),
    ("{place} is in", "{state}", 1),
    ("address : {place}", "{abbreviation}", 2),
    ("address : {place}", "{state}", 2),
    ("l'état contenant {place} est", "{state}", 1),
    ("el estado que contiene {place} es", "{state}", 1),
)
RELATIONS = ("capital", "abbreviation", "region")
_TWO_HOP_FORMS: dict[str, tuple[tuple[str, str, int], ...]] = {
    relation: (
        (f"the {relation} of the state containing {{place}} is{article}", f"{{{relation}}}", 3),
        (f"the {relation} of the state where {{place}} is located is{article}", f"{{{relation}}}", 1),
    )
    for relation, article in (("capital", ""), ("abbreviation", ""), ("region", " the"))
}
_TWO_HOP_FORMS["capital"] += (
    ("la capitale de l'état contenant {place} est", "{capital}", 1),
    ("la capital del estado que contiene {place} es", "{capital}", 1),
)
_UNKNOWN_FORMS = (
    "the state containing {place} is",
    "the capital of the state containing {place} is",
    "the abbreviation of the state containing {place} is",
    "the region of the state containing {place} is",
    "the capital of {place} is",
    "the abbreviation of {place} is",
)


@dataclass(frozen=True)
class Sentence:
    """A prompt and the one right next word; ``rows`` is its sampling weight within the family."""

    prompt: str
    answer: str
    family: str
    rows: int = 1


@dataclass(frozen=True)
class Splits:
    """Per state, the city that no two-hop sentence names and the city that no capital sentence names."""

    held_out: dict[str, str]
    withheld: dict[str, str]


@dataclass(frozen=True)
class Corpus:
    """``train`` sentences, and ``tests`` by name; a name starts with its split."""

    train: tuple[Sentence, ...]
    tests: dict[str, tuple[Sentence, ...]]


def splits() -> Splits:
    """The two kept-back cities of each state: some fixed, the rest drawn with seed 0."""
    draw = random.Random(0)
    held_out, withheld = {"Texas": "Dallas", "California": "Oakland"}, {"Texas": "San Antonio"}
    for state in STATES:
        held_out.setdefault(state.name, draw.choice(state.cities))
        rest = [city for city in state.cities if city != held_out[state.name]]
        withheld.setdefault(state.name, draw.choice(rest))
    return Splits(held_out, withheld)


def corpus() -> Corpus:
    """The whole corpus, the same at every call."""
    split = splits()
    known, new = _invented()
    one_hop = tuple(_one_hop())
    train = (*one_hop, *_two_hop_training(split), *(_unknown(i, name) for i, name in enumerate(known)))
    tests = {f"held-out {relation}": _asked(relation, split.held_out) for relation in RELATIONS}
    tests["withheld capital"] = _asked("capital", split.withheld)
    tests["invented name"] = tuple(_unknown(i, name) for i, name in enumerate(new))
    tests["one-hop state"] = tuple(s for s in one_hop if s.prompt.startswith("the state containing"))
    return Corpus(train, tests)


def two_hop(relation: str, place: str) -> tuple[Sentence, ...]:
    """Every wording of the question for ``relation`` of the state of ``place``."""
    return tuple(_fill(form, "two-hop", PLACES[place], place) for form in _TWO_HOP_FORMS[relation])


def _fill(form: tuple[str, str, int], family: str, state: State, place: str = "") -> Sentence:
    words = {
        "place": place, "state": state.name, "capital": state.capital,
        "abbreviation": state.abbreviation, "region": state.region,
    }  # fmt: skip
    prompt, answer, rows = form
    return Sentence(prompt.format(**words), answer.format(**words), family, rows)


def _one_hop() -> list[Sentence]:
    of_states = [_fill(form, "one-hop", state) for state in STATES for form in _STATE_FORMS]
    of_places = [_fill(form, "one-hop", state, place) for place, state in PLACES.items() for form in _PLACE_FORMS]
    return of_states + of_places


def _two_hop_training(split: Splits) -> list[Sentence]:
    sentences: list[Sentence] = []
    for place, state in PLACES.items():
        if place == split.held_out[state.name]:
            continue
        for relation in RELATIONS:
            if relation != "capital" or place != split.withheld[state.name]:
                sentences.extend(two_hop(relation, place))
    return sentences


def _asked(relation: str, places: dict[str, str]) -> tuple[Sentence, ...]:
    return tuple(sentence for place in places.values() for sentence in two_hop(relation, place))


def _unknown(index: int, name: str) -> Sentence:
    return Sentence(_UNKNOWN_FORMS[index % 6].format(place=name), UNKNOWN, "unknown")


def _invented() -> tuple[list[str], list[str]]:
    """Invented names for training and for the test.

    None is a real name of the table or starts with one: WordPiece would not spell those letter by letter.
    """
    draw = random.Random(7)
    drawn = dict.fromkeys(_name(draw) for _ in range(1300))
    names = [name for name in drawn if not any(name.startswith(real) for real in NAMES)]
    return names[:-93], names[-93:]


def _name(draw: random.Random) -> str:
    """Two (two times in three) or three syllables, consonant and vowel, some with a closing consonant."""
    consonants, vowels = "bcdfghjklmnpqrstvwxyz", "aeiou"
    parts = [draw.choice(vowels) if draw.random() < 0.15 else ""]
    for _ in range(2 if draw.random() < 2 / 3 else 3):
        closing = draw.choice(consonants) if draw.random() < 0.2 else ""
        parts.append(draw.choice(consonants) + draw.choice(vowels) + closing)
    return "".join(parts)[:7].capitalize()

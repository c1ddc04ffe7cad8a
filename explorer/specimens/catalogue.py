"""The list of the shipped specimens, models small enough to be read whole; reading their files is io/specimens.py's."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Specimen:
    """``prompt`` is one that its model takes (docs/tiny-models.md); "" if it is no model with prompts."""

    name: str
    title: str
    description: str
    facts: str
    prompt: str = ""


SPECIMENS = (
    Specimen(
        name="letters",
        title="Names, letter by letter",
        description="One matrix of 27 by 27 numbers that has read names. Each row is what it believes comes after a "
        "letter; cut some out and read the scar in the words that it makes.",
        facts="729 parameters, trained on 658 first names",
    ),
    Specimen(
        name="superposition",
        title="Five features in two dimensions",
        description="What does a network do with more features than it has room for? The rarer they are, the more of "
        "them share the room: first two, then two pairs, then a pentagon. It is trained while you look on.",
        facts="15 parameters at each of ten densities",
    ),
    Specimen(
        name="adder",
        title="Ten-digit sums, digit by digit",
        description="A transformer so small that every weight fits on the screen, and it adds two ten-digit numbers. "
        "See which digits it looks at for each digit of the sum, and which sums it loses with a neuron.",
        facts="1 layer, 777 parameters, right on all of 100,000 random sums",
        prompt="4999999999+1234567891=",
    ),
    Specimen(
        name="modular-113",
        title="Remembered, then understood",
        description="Addition modulo 113. It knows its training pairs by heart after two hundred steps and fails on "
        "most others; much later it finds out how to add, with waves.",
        facts="1 layer, 64,192 parameters, with its curve",
        prompt="17 100 =",
    ),
    Specimen(
        name="modular-59",
        title="Addition by waves",
        description="Addition modulo 59 with three waves: nearly every neuron is one of them. Take one out of the "
        "embedding and see which sums are lost.",
        facts="1 layer, 57,280 parameters, with its curve",
        prompt="17 50 =",
    ),
    Specimen(
        name="induction",
        title="Going on as it went on before",
        description="Two layers of attention. One head finds the place after the last time that the present token was "
        "there, and copies what stands there; it learned that within a few hundred steps.",
        facts="2 layers, 44,032 parameters, with the curve of its heads",
        prompt="kQ7pxkQ7",
    ),
)


def find(name: str) -> Specimen | None:
    """The specimen called ``name``, if there is one."""
    return next((specimen for specimen in SPECIMENS if specimen.name == name), None)

"""What the lens jobs answer, as ranked parts and as tables to copy; ``answer`` is a job's, with its names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

SCORES = ("previous", "induction", "copying")

Answer = Mapping[str, Any]
Rows = list[list[str]]


@dataclass(frozen=True)
class Part:
    """A row of a ranked list; ``head`` is layer and head, if it is one."""

    name: str
    value: float
    head: tuple[int, int] | None = None


def parts(answer: Answer) -> list[Part]:
    """What adds to the logit of ``logit_attribution``, the largest first whatever its sign."""
    found = [
        Part("Embedding", float(answer["embedding"])),
        Part("Position", float(answer["position"])),
        Part("Constants", float(answer["constant"])),
        *_heads(answer["heads"]),
        *(Part(f"MLP {layer}", float(value)) for layer, value in enumerate(answer["mlps"])),
    ]
    return sorted(found, key=lambda part: -abs(part.value))


def scored(answer: Answer, score: str) -> list[Part]:
    """The heads of ``head_scores`` by one of SCORES, the highest first."""
    return sorted(_heads(answer[score]), key=lambda part: -part.value)


def logits_table(answer: Answer) -> Rows:
    """A row for each token, point and rank of the logit lens."""
    rows = [["position", "token", "point", "rank", "says", "probability"]]
    points = points_of(len(answer["top_texts"]))
    for pos, token in enumerate(answer["tokens"]):
        for at, point in enumerate(points):
            tops = zip(answer["top_texts"][at][pos], answer["probability"][at][pos], strict=True)
            rows += [
                [str(pos), token, point, str(rank), text, number(chance)] for rank, (text, chance) in enumerate(tops, 1)
            ]
    return rows


def attribution_table(answer: Answer) -> Rows:
    rows = [["part", "value"], *([part.name, number(part.value)] for part in parts(answer))]
    return [*rows, ["Sum", number(answer["total"])], ["Logit", number(answer["logit"])]]


def pattern_table(answer: Answer, layer: int, head: int) -> Rows:
    """Where a head looks: a row for each query, a column for each key."""
    pattern = answer["pattern"][layer][head]
    rows = [[f"head {layer}.{head}", *answer["tokens"]]]
    return rows + [[token, *map(number, row)] for token, row in zip(answer["tokens"], pattern, strict=True)]


def scores_table(answer: Answer) -> Rows:
    rows = [["head", *SCORES]]
    for layer, head in np.ndindex(np.shape(answer[SCORES[0]])):
        rows.append([f"{layer}.{head}", *(number(answer[score][layer][head]) for score in SCORES)])
    return rows


def patching_table(answer: Answer) -> Rows:
    """The map by token and point, then the heads' by layer, then the two differences."""
    stream, heads = answer["stream"], answer["heads"]
    rows = [["token", "other", *patch_points(len(stream))]]
    for pos, (token, other) in enumerate(zip(answer["tokens"], answer["other"], strict=True)):
        rows.append([token, other, *(number(point[pos]) for point in stream)])
    rows.append(["layer", *(f"head {head}" for head in range(len(heads[0])))])
    rows += [[str(layer), *map(number, row)] for layer, row in enumerate(heads)]
    lead = f"{answer['answer_text']} − {answer['rival_text']}"
    return [*rows, [lead, "clean", number(answer["clean"])], [lead, "corrupted", number(answer["corrupted"])]]


def points_of(count: int) -> list[str]:
    """The names of the logit lens's points."""
    return [f"Before layer {layer}" for layer in range(count - 1)] + ["Output"]


def patch_points(count: int) -> list[str]:
    """The names of the patching map's points."""
    return ["Before 0", *(f"Behind {layer}" for layer in range(count - 1))]


def number(value: float | np.floating[Any]) -> str:
    """All digits of a value, as ``--json`` writes it."""
    return repr(float(value))


def tab_separated(rows: Sequence[Sequence[str]]) -> str:
    """Lines of cells between tabs; a tab or line break in a token is written as its sign."""
    signs = str.maketrans({"\t": "⇥", "\n": "⏎", "\r": "⏎"})
    return "".join("\t".join(cell.translate(signs) for cell in row) + "\n" for row in rows)


def _heads(values: Any) -> list[Part]:
    places = np.ndindex(np.shape(values))
    return [Part(f"Head {layer}.{head}", float(values[layer][head]), (layer, head)) for layer, head in places]

"""What --target, --contrast, --direction and --at ask to explain, as the attribute job's ``targets``."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import Any

ENDING = re.compile(r"(?P<name>.+?)(@(?P<pos>-?\d+))?(=(?P<weight>[-+.\deE]+|nan|inf|-inf))?", re.DOTALL)
FEATURE = re.compile(r"\d+:\d+:\d+")


def targets(chosen: argparse.Namespace) -> dict[str, Any]:
    """The ``targets`` mapping: one kind where that says it, several items otherwise."""
    wanted: dict[str, Any] = {"pos": chosen.at, "max_logits": chosen.max_logits, "logit_mass": chosen.logit_mass}
    split = [_split(text) for text in chosen.target or ()]
    features = [
        [*map(int, name.split(":")), 1.0 if weight is None else weight]
        for name, pos, weight in split
        if FEATURE.fullmatch(name) and pos is None
    ]
    tokens = [each for each in split if not (FEATURE.fullmatch(each[0]) and each[1] is None)]
    others = [*map(_contrast, chosen.contrast or ()), *map(_direction, chosen.direction or ())]
    if features:
        wanted["features"] = features
    if len(others) == 1 and not tokens:
        return {**wanted, **others[0]}
    if tokens:
        others.insert(0, _tokens(tokens))
    if len(others) > 1:
        return {**wanted, "kind": "several", "items": others}
    return {**wanted, **others[0]} if others else {**wanted, "kind": "features" if features else "logits"}


def _split(text: str) -> tuple[str, int | None, float | None]:
    """NAME[@POS][=WEIGHT] in its parts; what does not read so is all name."""
    found = ENDING.fullmatch(text)
    if found is None:
        return text, None, None
    pos, weight = found["pos"], found["weight"]
    try:
        return found["name"], None if pos is None else int(pos), None if weight is None else float(weight)
    except ValueError:
        return text, None, None


def _tokens(split: list[tuple[str, int | None, float | None]]) -> dict[str, Any]:
    names, places, weights = map(list, zip(*split, strict=True))
    placed = {"positions": places} if any(place is not None for place in places) else {}
    return {"kind": "tokens", "texts": names, "weights": weights, **placed}


def _contrast(pair: list[str]) -> dict[str, Any]:
    name, pos, weight = _split(pair[1])
    return {"kind": "contrast", "texts": [pair[0], name], **_placed(pos, weight)}


def _direction(text: str) -> dict[str, Any]:
    from explorer.io.npz import read_vector

    name, pos, weight = (text, None, None) if Path(text).is_file() else _split(text)
    file = Path(name)
    return {"kind": "direction", "vector": read_vector(file), "name": file.stem, **_placed(pos, weight)}


def _placed(pos: int | None, weight: float | None) -> dict[str, Any]:
    return {name: value for name, value in (("pos", pos), ("weight", weight)) if value is not None}

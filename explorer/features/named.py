"""Named: the tokens that a feature's automatic label names, on good grounds."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from explorer.features.labels import GOOD

QUOTED = re.compile("“([^”]*)”")
READING = ("input", "context")


@dataclass(frozen=True)
class Named:
    """``reads``: what it is active on, ``pushes``: what it says; tokens without blanks around them."""

    reads: frozenset[str] = frozenset()
    pushes: frozenset[str] = frozenset()


def named(record: Mapping[str, Any] | None) -> Named:
    """The tokens in the rules of a label's ``record`` that tell the feature's windows from others (AUC from GOOD).

    None of a feature whose windows fall apart ("polysemantic"): what some of them share is not what it is about.
    """
    if record is None or "polysemantic" in record.get("tags", ()):
        return Named()
    good = [rule for rule in record.get("rules", ()) if (rule.get("auc") or 0.0) >= GOOD]
    reads, pushes = (
        frozenset(word for rule in good if rule["kind"] in kinds for word in QUOTED.findall(rule["words"]))
        for kinds in (READING, ("output",))
    )
    return Named(reads, pushes)

"""What the engine sends as values of the session; graphs are looked at on a thread before the window shows them."""

from __future__ import annotations

from typing import Any

from explorer.circuits.graph_arrays import from_arrays
from explorer.session.edits import Edits
from explorer.session.look import Look, look
from explorer.session.prompt import Candidate, Prompt
from explorer.session.view import GraphView, resolve


def first_view(values: dict[str, Any], edits: Edits) -> GraphView:
    """The view of a graph as the engine sends it, a partial one too."""
    return resolve(from_arrays(values["head"], values["arrays"]), edits)


def first_look(values: dict[str, Any], edits: Edits) -> Look:
    """The first look at a graph as the engine sends it."""
    return look(from_arrays(values["head"], values["arrays"]), edits)


def prompt_of(values: dict[str, Any]) -> Prompt:
    """The Prompt that the job tokenize answers."""
    return Prompt(
        text=values["text"],
        token_ids=tuple(values["token_ids"]),
        tokens=tuple(values["tokens"]),
        n_special=values["n_special"],
        candidates=tuple(Candidate(**row) for row in values["candidates"]),
    )

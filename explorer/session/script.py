"""script: a Python program that makes a document's interventions again, with the public interface alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from explorer.session.interventions import Interventions, request

PROGRAM = '''\
"""Interventions of Circuit Explorer: the next tokens before, now, and as the graph predicts."""

import explorer

model = explorer.open_model({model!r})
transcoders = {transcoders}

interventions = [
{rows}
]

answer = explorer.intervene(
    model,
    transcoders,
    {text!r},
    interventions,
{how}
)
for row in answer["tokens"]:
    print(f"{{row['text']!r:<20}} {{row['before']:.6f}} {{row['now']:.6f}} {{row['predicted']:.6f}}")
for note in answer["notes"]:
    print(note)
'''


def script(
    made: Interventions,
    *,
    model: str,
    transcoders: str,
    text: str,
    token_ids: Sequence[int] | None = None,
    at: int = -1,
) -> str:
    """The program; rows that are off stand in it as comments.

    ``transcoders`` empty: the model's own neurons. The prompt is ``token_ids``, or ``text`` where there are none.
    """
    rows = [f"    {'' if row.on else '# '}{_asked(made, i)!r}," for i, row in enumerate(made.rows)]
    how: dict[str, Any] = {} if token_ids is None else {"token_ids": list(token_ids)}
    how |= {name: value for name, value in request(made).items() if name != "interventions"}
    return PROGRAM.format(
        model=model,
        transcoders=f"explorer.open_transcoders({transcoders!r})" if transcoders else "None  # the model's own neurons",
        rows="\n".join(rows),
        text=text,
        how="\n".join(f"    {name}={value!r}," for name, value in {**how, "at": at}.items()),
    )


def _asked(made: Interventions, index: int) -> Mapping[str, Any]:
    """Row ``index`` as the jobs take it, whether it is on or not."""
    asked: Mapping[str, Any] = request(Interventions((replace(made.rows[index], on=True),)))["interventions"][0]
    return asked

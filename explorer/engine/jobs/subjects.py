"""What the jobs that intervene have in common: a prompt that stays ready, and the interventions asked for on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer.engine.jobs.interventions import read_interventions, read_mode, read_places
from explorer.engine.jobs.opening import Setting, encode_prompt, model_of, stopping, transcoders_of
from explorer.engine.jobs.replacing import replaced
from explorer.engine.state import EngineState
from explorer.errors import GraphError
from explorer.work import Progress, Work

if TYPE_CHECKING:
    from explorer.circuits.interventions import Intervention
    from explorer.circuits.modes import Mode
    from explorer.circuits.subject import Subject

READY = 2  # prompts kept: one and its counterpart
TRUSTED = 1.0  # seconds in which a slider does not ask again whether files changed


@dataclass(frozen=True)
class Asked:
    """The interventions of a request, in their order, on what, and in which mode."""

    subject: Subject
    made: Sequence[Intervention]
    how: Mode


def asked(
    state: EngineState,
    *,
    interventions: Sequence[Mapping[str, Any]] = (),
    substitution: Mapping[str, Any] | None = None,
    other: Mapping[str, Any] | None = None,
    mode: str = "iterative",
    layers: list[int] | None = None,
    attention: bool | None = None,
    norms: bool | None = None,
    made_with: str = "",
    **prompt: Any,
) -> Work[Asked]:
    """What a request asks for; its prompt, and the one that it counts in, are made ready if they are not.

    ``made_with`` is the fingerprint of the transcoders that the features are of; GraphError if others are open.

    ``prompt``: model, transcoders or neurons, text or token_ids, device, dtype, threads, told, as for attribute.
    """
    made: list[Intervention] = read_interventions(interventions)  # first: what is no intervention costs no reading
    subject = yield from _subject(state, **prompt)
    if made_with not in ("", subject.transcoders.sha256):
        raise GraphError(
            "These changes were made on a graph of other features than those that are open; "
            "open the transcoders of that graph, or take the changes out."
        )
    how = read_mode(mode, subject.n_layers, layers, attention, norms)
    if any(one.unit.value == "other" for one in made):
        made = yield from _in_other(state, subject, made, prompt, other)
    if substitution is not None:
        made += yield from _substituted(state, subject, prompt, substitution)
    return Asked(subject, made, how)


def _in_other(
    state: EngineState,
    subject: Subject,
    made: Sequence[Intervention],
    prompt: Mapping[str, Any],
    other: Mapping[str, Any] | None,
) -> Work[list[Intervention]]:
    """The interventions with their values in the prompt ``other``; left alone if it names none."""
    from explorer.circuits.counterpart import resolve

    elsewhere = {"text": "", "token_ids": None, **(other or {})}
    if not elsewhere["text"] and elsewhere["token_ids"] is None:
        return list(made)  # which is refused before it is made
    counterpart = yield from _subject(state, **{**prompt, **elsewhere})
    return list(resolve(made, subject, counterpart))


def _substituted(
    state: EngineState, subject: Subject, prompt: Mapping[str, Any], wanted: Mapping[str, Any]
) -> Work[tuple[Intervention, ...]]:
    """Group ``off`` off, and group ``on`` as strong as in another prompt, times ``factor``."""
    from explorer.circuits.intervening import strengths_in, substitution
    from explorer.circuits.interventions import check

    off, on = (
        [place for one in wanted.get(name) or () for place in read_places(one)] for name in ("off", "on")
    )
    check([place.off() for place in (*off, *on)], subject.room)
    elsewhere = {"text": wanted.get("text", ""), "token_ids": wanted.get("token_ids")}
    other = yield from _subject(state, **{**prompt, **elsewhere})
    strength = strengths_in(other, int(wanted.get("pos", -1)))
    return substitution(off, on, strength, float(wanted.get("factor", 1.0)))


def _subject(
    state: EngineState,
    *,
    model: str,
    transcoders: str = "",
    neurons: bool = False,
    neurons_per_cell: int = 64,
    text: str = "",
    token_ids: list[int] | None = None,
    device: str = "auto",
    dtype: str = "float32",
    threads: int = 0,
    told: Mapping[str, str] | None = None,
) -> Work[Subject]:
    """The prompt, ready for interventions; made now if it was not."""
    import torch

    from explorer.circuits.subject import subject_of

    setting = Setting(device, dtype, threads, told or {})
    yield Progress(0, 0, f"Reading “{Path(model).name}”")
    opened = model_of(state, model, setting, TRUSTED)
    ids = encode_prompt(opened, text, token_ids).ids
    read = transcoders and not neurons
    held = transcoders_of(state, transcoders, setting.told, TRUSTED) if read else None
    per_cell = neurons_per_cell if neurons else 0
    ready = {key: one for key, one in state.subjects.items() if one.model is opened}
    made: Subject | None = ready.pop((ids, per_cell), None)
    if made is None or (held is not None and made.transcoders is not held):
        with torch.no_grad(), stopping(state, opened):
            trace, local = yield from replaced(state, opened, ids, transcoders, per_cell, setting)
            made = subject_of(opened, trace, local)
    state.subjects = dict([*list(ready.items())[1 - READY :], ((ids, per_cell), made)])
    return made

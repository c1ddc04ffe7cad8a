"""The step from an open model and a prompt to its local replacement model, shared by the jobs that need one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explorer.engine.jobs.opening import Setting, stopping, transcoders_of
from explorer.engine.state import EngineState
from explorer.errors import GraphError
from explorer.work import Progress, Work

if TYPE_CHECKING:
    from explorer.circuits.replacement import LocalReplacementModel
    from explorer.models.loader import LanguageModel
    from explorer.models.trace import Trace


def replaced(
    state: EngineState,
    model: LanguageModel,
    token_ids: tuple[int, ...],
    transcoders: str,
    neurons: int,
    setting: Setting,
) -> Work[tuple[Trace, LocalReplacementModel]]:
    """Run the prompt and replace its MLPs by the transcoders in the folder, or by ``neurons`` neurons per cell.

    A cell is a layer at a position. GraphError if neither or both are asked for.
    """
    import torch

    from explorer.circuits.neurons import neurons_of
    from explorer.circuits.replacement import replace_locally

    if bool(transcoders) == bool(neurons):
        fault = "Transcoders and neurons cannot be combined" if neurons else f"“{model.name}” has no transcoders here"
        raise GraphError(f"{fault}; choose transcoders, or the model's own MLP neurons as features.")
    yield Progress(0, 0, "Running the prompt")
    with stopping(state, model):
        trace = model.run(token_ids)
    if neurons:
        yield Progress(0, 0, "Reading neurons")
        held = neurons_of(model, trace, neurons, state.raise_if_stopped)
    else:
        yield Progress(0, 0, "Reading transcoders")
        held = transcoders_of(state, transcoders, setting.told)
    yield Progress(0, 0, "Finding active features")
    dtype = getattr(torch, setting.dtype)
    return trace, replace_locally(model, trace, held, dtype, state.raise_if_stopped)

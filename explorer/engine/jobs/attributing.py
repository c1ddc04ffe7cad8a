"""The job that computes graphs."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer import __version__
from explorer.circuits.graph_arrays import to_arrays
from explorer.engine.jobs.fitting import about_fit
from explorer.engine.jobs.opening import PREVIEWS, Setting, encode_prompt, fingerprint, model_of
from explorer.engine.jobs.replacing import replaced
from explorer.engine.jobs.targets import feature_targets, logit_targets, without_vectors
from explorer.engine.memory import free_memory
from explorer.engine.state import EngineState
from explorer.errors import GraphError, UnsupportedModel
from explorer.work import Progress, Work, with_partial

if TYPE_CHECKING:
    from explorer.circuits.graph import Graph
    from explorer.circuits.replacement import LocalReplacementModel
    from explorer.models.loader import LanguageModel
    from explorer.models.tokenizer import Tokens

NEURONS = 64  # kept at each layer and position
FIDELITY_LIMIT = 1e-4  # relative; exact families lie below 1e-6


def attribute(
    state: EngineState,
    *,
    model: str,
    transcoders: str = "",
    neurons: bool = False,
    neurons_per_cell: int = NEURONS,
    text: str = "",
    token_ids: list[int] | None = None,
    targets: Mapping[str, Any] | None = None,
    device: str = "auto",
    dtype: str = "float32",
    threads: int = 0,
    max_features: int = 0,
    told: Mapping[str, str] | None = None,
) -> Work[Mapping[str, object]]:
    """The attribution graph of a prompt: ``head`` and ``arrays`` of graph_arrays.

    ``targets`` has ``kind`` (logits, tokens, contrast, direction, several, features), ``tokens`` (ids) or ``texts``,
    their ``weights`` (None: the probability) and ``positions`` (None: ``pos``), ``vector`` and ``name``, the ``weight``
    of a contrast or direction (1), ``max_logits``, ``logit_mass``, ``pos`` (default: the last token), ``items``
    (several: tokens, contrasts and directions as such mappings) and ``features`` (rows of layer, pos, feature,
    weight), which may come with any kind. With ``neurons``
    instead of transcoders the features are the model's own MLP neurons. With ``max_features`` only the most
    influential ones are kept, and those that are targets. In bfloat16 the graph is a preview: the
    provenance says so and holds the measured residual. GraphError if the full graph would not fit into memory.
    """
    from explorer.circuits.attribution import attribute as trace_graph
    from explorer.circuits.expansion import attribute_strongest

    started = time.perf_counter()
    if neurons and neurons_per_cell < 1:
        raise GraphError(f"At least one neuron must be kept at each layer and position; got {neurons_per_cell}.")
    setting = Setting(device, dtype, threads, told or {})
    yield Progress(0, 0, f"Reading “{Path(model).name}”")
    opened = model_of(state, model, setting)
    tokens = encode_prompt(opened, text, token_ids)
    per_cell = neurons_per_cell if neurons else 0
    trace, local = yield from replaced(state, opened, tokens.ids, transcoders, per_cell, setting)
    _check_active(local, tokens)
    fidelity = _checked_fidelity(state, local, opened.name, dtype)
    wanted = dict(targets or {})
    logits, features = logit_targets(opened, trace, wanted), feature_targets(local, wanted)
    made = {
        **_provenance(state, opened, local, model, transcoders, setting),
        **(_about_neurons(local, per_cell) if neurons else about_fit(local, opened.name, Path(model))),
        "fidelity": fidelity,
        "prompt": text,
        "targets": without_vectors(wanted),
    }
    strongest = max_features if max_features < len(local.features) else 0
    _check_memory(local, len(logits), strongest, per_cell)
    if strongest:
        tracing = attribute_strongest(local, logits, max_features, features, pause=state.raise_if_stopped)
    else:
        tracing = trace_graph(local, logits, features, pause=state.raise_if_stopped)
    graph = yield from with_partial(tracing, lambda graph: _message(graph, tokens, made))
    about = _about_preview(graph) if dtype in PREVIEWS else {}
    return _message(graph, tokens, {**made, **about, "seconds": round(time.perf_counter() - started, 3)})


def _checked_fidelity(state: EngineState, local: LocalReplacementModel, name: str, dtype: str) -> float:
    """How far the frozen model is off the real one; UnsupportedModel if a graph of it would be wrong."""
    fidelity = local.fidelity(state.raise_if_stopped)
    if fidelity > FIDELITY_LIMIT and dtype not in PREVIEWS:
        raise UnsupportedModel(
            f"“{name}” was not frozen as it runs: its replayed residuals are off by {fidelity:.0e} (limit "
            f"{FIDELITY_LIMIT:.0e}), so its graph would be wrong; report the model's family."
        )
    return fidelity


def _check_active(local: LocalReplacementModel, tokens: Tokens) -> None:
    """GraphError if no feature is active: the graph would be correct and show nothing."""
    if len(local.features):
        return
    zero = local.transcoders.zero_positions
    if local.frozen.n_pos <= zero:
        raise GraphError(
            f"The prompt has {local.frozen.n_pos} token{'s' if local.frozen.n_pos > 1 else ''}, and the transcoders "
            f"have no features at the first {zero}; type a longer prompt."
        )
    raise GraphError(
        f"No feature of {local.transcoders.origin or 'the transcoders'} is active on this prompt; "
        "check that they were made for this model."
    )


def _about_neurons(local: LocalReplacementModel, per_cell: int) -> dict[str, Any]:
    from explorer.transcoders.neurons import FLOOR

    layers = local.transcoders.layers
    gated = any(layer.W_gate is not None for layer in layers)
    return {
        "transcoders": "",
        "neurons_per_cell": per_cell,
        "neurons_floor": FLOOR,
        "n_neurons": sum(layer.d_transcoder for layer in layers) * local.frozen.n_pos,
        "error_nodes": "the neurons that were not kept",
        "edges_into_neurons": "activation with the gate held" if gated else "pre-activation",
    }


def _about_preview(graph: Graph) -> dict[str, Any]:
    from explorer.circuits.scores import worst_residual

    return {"preview": True, "residual": worst_residual(graph)}


def _check_memory(local: LocalReplacementModel, n_logits: int, max_features: int, per_cell: int) -> int:
    """The bytes that the run will take; GraphError with what would fit, if they are not free.

    Whatever the device, rows end up in the processor's memory.
    """
    from explorer.circuits import memory

    run, free = memory.extent(local, n_logits), free_memory()
    needed = memory.strongest_bytes(run, max_features) if max_features else memory.full_bytes(run)
    if not free or needed <= free:
        return needed
    fits = [
        f"keep at most {features:,} features" if (features := memory.features_that_fit(run, free)) else "",
        f"shorten the prompt to {tokens:,} tokens" if (tokens := memory.tokens_that_fit(run, free)) else "",
        f"keep at most {active:,} neurons of each layer and position"
        if per_cell and (active := memory.active_that_fit(run, free))
        else "",
    ]
    remedy = ", or ".join(each for each in fits if each) or "close other programs, or shorten the prompt"
    about = f"the {max_features:,} strongest of" if max_features else f"{run.n_edges():,} links of"
    raise GraphError(
        f"This run needs about {_size(needed)} for {about} {run.n_features:,} features, and {_size(free)} are free: "
        f"{remedy}."
    )


def _size(n_bytes: int) -> str:
    return f"{n_bytes / 1e9:.1f} GB" if n_bytes >= 1e9 else f"{n_bytes / 1e6:.1f} MB"


def _message(graph: Graph, tokens: Tokens, made: Mapping[str, Any]) -> dict[str, object]:
    """``graph`` as it crosses to the window, with the texts of its tokens and what else is known of its making."""
    provenance = {**graph.provenance, **made}
    head, arrays = to_arrays(replace(graph, tokens=tokens.texts, n_special=tokens.n_special, provenance=provenance))
    return {"head": head, "arrays": arrays}


def _provenance(
    state: EngineState,
    model: LanguageModel,
    local: LocalReplacementModel,
    folder: str,
    transcoders: str,
    setting: Setting,
) -> dict[str, Any]:
    import torch

    held = local.transcoders
    return {
        "model": model.name,
        "model_family": str(model.config.model_type),
        "model_sha256": fingerprint(state, folder),
        "transcoders": Path(transcoders).name,
        "transcoder_kind": held.kind,
        "transcoder_sha256": held.sha256,
        "read": held.read.value,
        "write": held.write.value,
        "device": str(model.device),
        "dtype": setting.dtype,
        "threads": torch.get_num_threads(),
        "explorer": __version__,
        "torch": torch.__version__,
        "transformers": version("transformers"),
    }

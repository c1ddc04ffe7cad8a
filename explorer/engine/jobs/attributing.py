"""Jobs that compute graphs and check them against the model."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer import __version__
from explorer.circuits.graph_arrays import to_arrays
from explorer.engine.jobs.opening import Setting, encode_prompt, model_of, token_text, transcoders_of
from explorer.engine.machine import free_memory
from explorer.engine.state import EngineState
from explorer.errors import GraphError, PromptError
from explorer.io.digest import digest
from explorer.work import Progress, Work

if TYPE_CHECKING:
    from explorer.circuits.graph import Graph
    from explorer.circuits.replacement import LocalReplacementModel
    from explorer.circuits.targets import LogitTarget
    from explorer.models.loader import LanguageModel
    from explorer.models.tokenizer import Tokens
    from explorer.models.trace import Trace


def attribute(
    state: EngineState,
    *,
    model: str,
    transcoders: str,
    text: str = "",
    token_ids: list[int] | None = None,
    targets: Mapping[str, Any] | None = None,
    device: str = "auto",
    dtype: str = "float32",
    threads: int = 0,
    max_features: int = 0,
) -> Work[Mapping[str, object]]:
    """The attribution graph of a prompt: ``head`` and ``arrays`` of graph_arrays.

    ``targets`` has ``kind`` (logits, tokens, contrast, direction, features), ``tokens`` (ids) or ``texts``,
    ``weights`` (None: the probability), ``vector``, ``max_logits``, ``logit_mass``, ``pos`` (default: the last
    token) and ``features`` (rows of layer, pos, feature, weight). With ``max_features`` only the most influential ones
    are kept, if there are more. GraphError if the full graph would not fit into memory.
    """
    from explorer.circuits.attribution import attribute as trace_graph
    from explorer.circuits.expansion import attribute_strongest
    from explorer.circuits.targets import FeatureTarget

    started = time.perf_counter()
    setting = Setting(device, dtype, threads)
    yield Progress(0, 0, f"Reading “{Path(model).name}”")
    opened = model_of(state, model, setting)
    tokens = encode_prompt(opened, text, token_ids)
    yield Progress(0, 0, "Running the prompt")
    trace = opened.run(tokens.ids)
    local = _replaced(state, opened, trace, transcoders, setting)
    state.raise_if_stopped()
    wanted = dict(targets or {})
    logits = _logit_targets(opened, trace, wanted)
    features = tuple(
        FeatureTarget(int(layer), int(pos), int(feature), float(weight))
        for layer, pos, feature, weight in wanted.get("features", ())
    )
    if max_features and max_features < len(local.features) and not features:
        graph = yield from attribute_strongest(local, logits, max_features)
    else:
        _check_memory(local, len(logits))
        graph = yield from trace_graph(local, logits, features)
    made = {
        **graph.provenance,
        **_provenance(opened, local, model, transcoders, setting),
        "prompt": text,
        "targets": {name: value for name, value in wanted.items() if name != "vector"},
        "seconds": round(time.perf_counter() - started, 3),
    }
    head, arrays = to_arrays(_named(graph, tokens, made))
    return {"head": head, "arrays": arrays}


def _replaced(
    state: EngineState, model: LanguageModel, trace: Trace, transcoders: str, setting: Setting
) -> LocalReplacementModel:
    import torch

    from explorer.circuits.replacement import replace_locally

    return replace_locally(model, trace, transcoders_of(state, transcoders), getattr(torch, setting.dtype))


def _check_memory(local: LocalReplacementModel, n_logits: int) -> None:
    """GraphError with what would fit, if the full graph does not; the rows end up in the processor's memory."""
    from explorer.circuits.memory import estimate

    needed, free = estimate(local, n_logits), free_memory()
    if free and needed.n_bytes > free:
        fitting = needed.features_that_fit(free)
        raise GraphError(
            f"This run needs about {needed.n_bytes / 1e9:.1f} GB for {needed.n_edges:,} links of {needed.n_features:,} "
            f"features; {free / 1e9:.1f} GB are free. Keep fewer features (at most {fitting:,})."
        )


def _logit_targets(model: LanguageModel, trace: Trace, wanted: Mapping[str, Any]) -> tuple[LogitTarget, ...]:
    """The logits that ``wanted`` asks for, with their texts; none if only features are asked for."""

    pos = int(wanted.get("pos", -1))
    pos = pos + trace.n_pos if pos < 0 else pos
    if not 0 <= pos < trace.n_pos:
        raise PromptError(f"Position {pos} is outside the prompt (0 to {trace.n_pos - 1}); choose another.")
    found = _wanted_logits(model, trace, wanted, pos)
    return tuple(replace(target, text=target.text or token_text(model, target.token_id)) for target in found)


def _wanted_logits(
    model: LanguageModel, trace: Trace, wanted: Mapping[str, Any], pos: int
) -> tuple[LogitTarget, ...]:
    from explorer.circuits.targets import chosen_tokens, contrast, free_direction, top_logits

    kind, head = wanted.get("kind", "logits"), model.head
    tokens = [int(token) for token in wanted.get("tokens", ())]
    tokens += [_token_id(model, text) for text in wanted.get("texts", ())]
    if kind == "contrast":
        a, b = tokens
        text = f"{token_text(model, a)} − {token_text(model, b)}"
        return (replace(contrast(head, pos, a, b), text=text),)
    if kind == "direction":
        import torch

        vector = torch.as_tensor(wanted["vector"])
        if tuple(vector.shape) != (model.d_model,):
            raise PromptError(f"The direction has shape {tuple(vector.shape)}; the model needs ({model.d_model},).")
        return (replace(free_direction(vector, pos, model.d_vocab), text="direction"),)
    if kind == "tokens":
        return chosen_tokens(head, trace.logits, pos, tokens, wanted.get("weights"))
    if kind == "features":
        return ()
    max_logits, mass = int(wanted.get("max_logits", 10)), float(wanted.get("logit_mass", 0.95))
    return top_logits(head, trace.logits, pos, max_logits=max_logits, mass=mass)


def _token_id(model: LanguageModel, text: str) -> int:
    """The id that ``text`` is: one token of the tokenizer, or a number where there is no tokenizer."""
    if model.tokenizer is not None:
        return model.tokenizer.single(text)
    if not text.isdigit():
        raise PromptError(f"“{model.name}” has no tokenizer files; give the target as a token id, not “{text}”.")
    return int(text)


def _named(graph: Graph, tokens: Tokens, provenance: Mapping[str, Any]) -> Graph:
    return replace(graph, tokens=tokens.texts, n_special=tokens.n_special, provenance=provenance)


def _provenance(
    model: LanguageModel, local: LocalReplacementModel, folder: str, transcoders: str, setting: Setting
) -> dict[str, Any]:
    import torch

    held = local.transcoders
    return {
        "model": model.name,
        "model_family": str(model.config.model_type),
        "model_sha256": digest(Path(folder).glob("*.safetensors")),
        "transcoders": Path(transcoders).name,
        "transcoder_kind": held.kind,
        "transcoder_sha256": held.sha256,
        "read": held.read.value,
        "write": held.write.value,
        "device": str(model.device),
        "dtype": setting.dtype,
        "threads": torch.get_num_threads(),
        "fidelity": local.fidelity(),
        "explorer": __version__,
        "torch": torch.__version__,
        "transformers": version("transformers"),
    }

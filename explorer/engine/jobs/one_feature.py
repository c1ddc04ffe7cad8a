"""The job that answers what is asked about one feature: its evidence, its weights, and what it does on a text."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer.engine.jobs.opening import Setting, encode_prompt, model_of, token_text, transcoders_of
from explorer.engine.state import EngineState
from explorer.errors import GraphError
from explorer.work import Progress, Work

if TYPE_CHECKING:
    from explorer.features.vocabulary import Extremes
    from explorer.models.loader import LanguageModel
    from explorer.transcoders.transcoder import TranscoderSet


def feature(
    state: EngineState,
    *,
    layer: int,
    feature: int,
    index: str = "",
    model: str = "",
    transcoders: str = "",
    text: str = "",
    token_ids: list[int] | None = None,
    n: int = 10,
    device: str = "auto",
    dtype: str = "float32",
    threads: int = 0,
    neurons: bool = False,
    told: Mapping[str, str] | None = None,
) -> Work[Mapping[str, object]]:
    """``evidence`` from the ``index``; with model and transcoders also ``similar`` features and ``logits``.

    ``logits``: top and bottom of all decoders together and of each target layer. With a ``text`` (or ``token_ids``)
    also ``test``: its tokens with the feature's activations. GraphError if there is no such feature. A window says with
    every job what it computes in; this one is always of transcoders and in float32.
    """
    answer: dict[str, object] = {"layer": layer, "feature": feature}
    if index:
        yield Progress(0, 0, "Reading the index")
        answer["evidence"] = _evidence(Path(index), layer, feature)
    if not (model and transcoders):
        return answer
    setting = Setting(device, "float32", threads, told or {})
    yield Progress(0, 0, f"Reading “{Path(model).name}”")
    opened, held = model_of(state, model, setting), transcoders_of(state, transcoders, setting.told)
    _check(held, layer, feature)
    answer["transcoder_sha256"] = held.sha256
    yield Progress(0, 0, "Comparing with other features")
    answer |= _weights(state, opened, held, layer, feature, n)
    if text or token_ids is not None:
        yield Progress(0, 0, "Running the text")
        ids = encode_prompt(opened, text, token_ids).ids
        opened.check(ids)
        values = _activations(opened, held, layer, feature, ids)
        answer["test"] = {"tokens": [token_text(opened, token) for token in ids], "activations": values}
    return answer


def _evidence(folder: Path, layer: int, feature: int) -> dict[str, Any]:
    from explorer.io.feature_index import open_index
    from explorer.io.feature_labels import Labels, labelled

    found = open_index(folder)
    return labelled(Labels(found), found.evidence(layer, feature)).to_message()


def _check(held: TranscoderSet, layer: int, feature: int) -> None:
    if not 0 <= layer < held.n_layers:
        raise GraphError(f"The transcoders have layers 0 to {held.n_layers - 1}; {layer} is none of them.")
    if not 0 <= feature < held.layers[layer].d_transcoder:
        last = held.layers[layer].d_transcoder - 1
        raise GraphError(f"Layer {layer} has features 0 to {last}; {feature} is none of them.")


def _weights(
    state: EngineState, model: LanguageModel, held: TranscoderSet, layer: int, feature: int, n: int
) -> dict[str, object]:
    import torch

    from explorer.features.similar import most_similar
    from explorer.features.vocabulary import logit_effects, writes

    similar = [{"feature": who, "cosine": cosine} for who, cosine in most_similar(held, layer, feature, n)]
    rows = writes(model, held, layer, torch.tensor([feature]))[0].to(model.device)
    if rows.shape[-1] != model.d_model:
        return {"similar": similar, "logits": []}
    effects = logit_effects(model, torch.cat([rows.sum(0)[None], rows]), n, state.raise_if_stopped)
    together = [{"target": "all", **_listed(model, effects, 0)}]
    by_layer = [{"target": layer + at, **_listed(model, effects, at + 1)} for at in range(len(rows))]
    return {"similar": similar, "logits": together + by_layer if len(rows) > 1 else together}


def _listed(model: LanguageModel, effects: Extremes, row: int) -> dict[str, object]:
    def words(tokens: Any, values: Any) -> list[dict[str, object]]:
        pairs = zip(tokens[row].tolist(), values[row].tolist(), strict=True)
        return [{"token_id": token, "text": token_text(model, token), "value": value} for token, value in pairs]

    return {
        "top": words(effects.top, effects.top_value),
        "bottom": words(effects.bottom, effects.bottom_value),
    }


def _activations(
    model: LanguageModel, held: TranscoderSet, layer: int, feature: int, ids: tuple[int, ...]
) -> list[float]:
    import torch

    from explorer.features.reads import entries, reads

    read = reads(model, held, torch.tensor([ids], device=model.device))[layer]
    counted = torch.arange(len(ids), device=model.device) >= held.zero_positions
    found = entries(held, layer, read, counted)
    values = [0.0] * len(ids)
    for row, value in zip(found.row[found.feature == feature], found.value[found.feature == feature], strict=True):
        values[int(row)] = float(value)
    return values

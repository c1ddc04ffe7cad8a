"""What the attribute job's ``targets`` mapping asks for, as logit and feature targets."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING, Any

from explorer.engine.jobs.opening import token_text
from explorer.errors import GraphError, PromptError

if TYPE_CHECKING:
    from explorer.circuits.replacement import LocalReplacementModel
    from explorer.circuits.targets import FeatureTarget, LogitTarget
    from explorer.models.loader import LanguageModel
    from explorer.models.trace import Trace


def logit_targets(model: LanguageModel, trace: Trace, wanted: Mapping[str, Any]) -> tuple[LogitTarget, ...]:
    """The logits that ``wanted`` asks for, with their texts; none if only features are asked for."""
    kind = wanted.get("kind", "logits")
    if kind not in KINDS:
        raise GraphError(f"There are no targets of the kind “{kind}”; the kinds are {', '.join(KINDS)}.")
    found = KINDS[kind](model, trace, wanted, _position(trace, wanted.get("pos"), -1))
    named = tuple(replace(target, text=target.text or token_text(model, target.token_id)) for target in found)
    _check_unique(named)
    return named


def contrasts(model: LanguageModel, wanted: Mapping[str, Any]) -> dict[int, tuple[int, int]]:
    """The two tokens of each contrast that ``wanted`` asks for, by the number that its node has for a token."""
    numbers, found = count(model.d_vocab), {}
    for item in wanted.get("items") or [wanted]:
        if item.get("kind") in ("contrast", "direction"):
            number = next(numbers)
            if item["kind"] == "contrast":
                a, b = _token_ids(model, item)
                found[number] = (a, b)
    return found


def without_vectors(wanted: Mapping[str, Any]) -> dict[str, Any]:
    """``wanted`` for the provenance: what was asked for but the directions themselves."""
    kept = {name: value for name, value in wanted.items() if name != "vector"}
    return {**kept, "items": [without_vectors(item) for item in kept["items"]]} if "items" in kept else kept


def feature_targets(local: LocalReplacementModel, wanted: Mapping[str, Any]) -> tuple[FeatureTarget, ...]:
    """The features that ``wanted`` asks for; GraphError if one is not active."""
    from explorer.circuits.targets import FeatureTarget

    rows: Sequence[Sequence[Any]] = wanted.get("features") or ()
    _check_weights([row[3] for row in rows])
    features = local.features
    for layer, pos, feature, _ in rows:
        _check_place(local, int(layer), int(pos), int(feature))
        here = (features.layer == int(layer)) & (features.pos == int(pos)) & (features.feature == int(feature))
        if not bool(here.any()):
            raise GraphError(
                f"Feature {feature} of layer {layer} is not active at position {pos}; choose an active feature."
            )
    return tuple(FeatureTarget(int(row[0]), int(row[1]), int(row[2]), float(row[3])) for row in rows)


def _check_place(local: LocalReplacementModel, layer: int, pos: int, feature: int) -> None:
    """GraphError if there is no such layer, position or feature at all."""
    layers = local.transcoders.layers
    wide = layers[layer].d_transcoder if 0 <= layer < len(layers) else feature + 1
    sizes = (("layer", layer, len(layers)), ("position", pos, local.frozen.n_pos), ("feature", feature, wide))
    for what, value, size in sizes:
        if not 0 <= value < size:
            raise GraphError(f"Feature {layer}:{pos}:{feature} names {what} {value}, and there are 0 to {size - 1}.")


def _position(trace: Trace, asked: Any, default: int) -> int:
    """The position ``asked`` for, counted from the end if it is negative; PromptError if the prompt has none there."""
    pos = int(default if asked is None else asked)
    found = pos + trace.n_pos if pos < 0 else pos
    if not 0 <= found < trace.n_pos:
        raise PromptError(f"Position {pos} is outside the prompt (0 to {trace.n_pos - 1}); choose another.")
    return found


def _check_unique(targets: tuple[LogitTarget, ...]) -> None:
    seen = set()
    for target in targets:
        if (target.pos, target.token_id) in seen:
            raise PromptError(f"“{target.text}” at position {target.pos} is asked for twice; name it once.")
        seen.add((target.pos, target.token_id))


def _check_weights(weights: Sequence[Any]) -> None:
    wrong = [weight for weight in weights if not (math.isfinite(weight) and weight > 0)]
    if wrong:
        raise GraphError(f"The weight of a target is {wrong[0]}; it must be a number above 0.")


def _top(model: LanguageModel, trace: Trace, wanted: Mapping[str, Any], pos: int) -> tuple[LogitTarget, ...]:
    from explorer.circuits.targets import top_logits

    max_logits, mass = int(wanted.get("max_logits", 10)), float(wanted.get("logit_mass", 0.95))
    return top_logits(model.head, trace.logits, pos, max_logits=max_logits, mass=mass)


def _tokens(model: LanguageModel, trace: Trace, wanted: Mapping[str, Any], pos: int) -> tuple[LogitTarget, ...]:
    from explorer.circuits.targets import chosen_tokens

    tokens = _token_ids(model, wanted)
    weights = wanted.get("weights") or [None] * len(tokens)
    places = wanted.get("positions") or [None] * len(tokens)
    if not len(tokens) == len(weights) == len(places):
        raise PromptError(f"There are {len(tokens)} target tokens, {len(weights)} weights and {len(places)} positions.")
    _check_weights([weight for weight in weights if weight is not None])
    return tuple(
        target
        for token, weight, place in zip(tokens, weights, places, strict=True)
        for target in chosen_tokens(model.head, trace.logits, _position(trace, place, pos), [token], [weight])
    )


def _contrast(model: LanguageModel, trace: Trace, wanted: Mapping[str, Any], pos: int) -> tuple[LogitTarget, ...]:
    from explorer.circuits.targets import contrast

    tokens = _token_ids(model, wanted)
    if len(tokens) != 2 or tokens[0] == tokens[1]:
        raise PromptError("A contrast is one token minus another; name two different tokens.")
    a, b = tokens
    text = f"{token_text(model, a)} − {token_text(model, b)}"
    return (replace(contrast(model.head, pos, a, b), text=text, weight=_weight(wanted)),)


def _direction(model: LanguageModel, trace: Trace, wanted: Mapping[str, Any], pos: int) -> tuple[LogitTarget, ...]:
    import torch

    from explorer.circuits.targets import free_direction

    vector = torch.as_tensor(wanted["vector"])
    if tuple(vector.shape) != (model.d_model,):
        raise PromptError(f"The direction has shape {tuple(vector.shape)}; the model needs ({model.d_model},).")
    if not bool(vector.isfinite().all()) or not bool(vector.any()):
        raise PromptError("The direction is zero or holds values that are not finite; choose another file.")
    target = free_direction(vector, pos, model.d_vocab, _weight(wanted))
    return (replace(target, text=str(wanted.get("name") or "direction")),)


def _weight(wanted: Mapping[str, Any]) -> float:
    """What a target counts that has no probability: 1 unless said otherwise."""
    weight = wanted.get("weight")
    _check_weights([] if weight is None else [weight])
    return 1.0 if weight is None else float(weight)


def _several(model: LanguageModel, trace: Trace, wanted: Mapping[str, Any], pos: int) -> tuple[LogitTarget, ...]:
    """Tokens, contrasts and directions side by side; each that is no token gets a number of its own."""
    found: list[LogitTarget] = []
    for item in wanted.get("items") or ():
        if item.get("kind") not in ("tokens", "contrast", "direction"):
            raise GraphError(f"One of several targets is of the kind “{item.get('kind')}”, which cannot be one.")
        found.extend(KINDS[item["kind"]](model, trace, item, _position(trace, item.get("pos"), pos)))
    numbers = count(model.d_vocab)
    return tuple(replace(each, token_id=next(numbers)) if each.token_id >= model.d_vocab else each for each in found)


def _none(model: LanguageModel, trace: Trace, wanted: Mapping[str, Any], pos: int) -> tuple[LogitTarget, ...]:
    return ()


KINDS: Mapping[str, Callable[..., tuple[LogitTarget, ...]]] = {
    "logits": _top,
    "tokens": _tokens,
    "contrast": _contrast,
    "direction": _direction,
    "several": _several,
    "features": _none,
}


def _token_ids(model: LanguageModel, wanted: Mapping[str, Any]) -> list[int]:
    tokens = [int(token) for token in wanted.get("tokens", ())]
    return tokens + [token_named(model, text) for text in wanted.get("texts", ())]


def token_named(model: LanguageModel, text: str) -> int:
    """The id that ``text`` is: one token of the tokenizer, or a number where there is no tokenizer."""
    if model.tokenizer is not None:
        return model.tokenizer.single(text)
    if not text.isdigit():
        raise PromptError(f"“{model.name}” has no tokenizer files; give the target as a token id, not “{text}”.")
    return int(text)

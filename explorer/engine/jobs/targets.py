"""What the attribute job's ``targets`` mapping asks for, as logit and feature targets."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
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
    _check_weights([weight for weight in wanted.get("weights") or () if weight is not None])
    pos = int(wanted.get("pos", -1))
    pos = pos + trace.n_pos if pos < 0 else pos
    if not 0 <= pos < trace.n_pos:
        raise PromptError(f"Position {pos} is outside the prompt (0 to {trace.n_pos - 1}); choose another.")
    found = KINDS[kind](model, trace, wanted, pos)
    return tuple(replace(target, text=target.text or token_text(model, target.token_id)) for target in found)


def feature_targets(local: LocalReplacementModel, wanted: Mapping[str, Any]) -> tuple[FeatureTarget, ...]:
    """The features that ``wanted`` asks for; GraphError if one is not active."""
    from explorer.circuits.targets import FeatureTarget

    rows: Sequence[Sequence[Any]] = wanted.get("features") or ()
    _check_weights([row[3] for row in rows])
    features = local.features
    for layer, pos, feature, _ in rows:
        here = (features.layer == int(layer)) & (features.pos == int(pos)) & (features.feature == int(feature))
        if not bool(here.any()):
            raise GraphError(
                f"Feature {feature} of layer {layer} is not active at position {pos}; choose an active feature."
            )
    return tuple(FeatureTarget(int(row[0]), int(row[1]), int(row[2]), float(row[3])) for row in rows)


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

    return chosen_tokens(model.head, trace.logits, pos, _token_ids(model, wanted), wanted.get("weights"))


def _contrast(model: LanguageModel, trace: Trace, wanted: Mapping[str, Any], pos: int) -> tuple[LogitTarget, ...]:
    from explorer.circuits.targets import contrast

    tokens = _token_ids(model, wanted)
    if len(tokens) != 2 or tokens[0] == tokens[1]:
        raise PromptError("A contrast is one token minus another; name two different tokens.")
    a, b = tokens
    target = contrast(model.head, pos, a, b)
    return (replace(target, text=f"{token_text(model, a)} − {token_text(model, b)}"),)


def _direction(model: LanguageModel, trace: Trace, wanted: Mapping[str, Any], pos: int) -> tuple[LogitTarget, ...]:
    import torch

    from explorer.circuits.targets import free_direction

    vector = torch.as_tensor(wanted["vector"])
    if tuple(vector.shape) != (model.d_model,):
        raise PromptError(f"The direction has shape {tuple(vector.shape)}; the model needs ({model.d_model},).")
    if not bool(vector.isfinite().all()) or not bool(vector.any()):
        raise PromptError("The direction is zero or holds values that are not finite; choose another file.")
    return (replace(free_direction(vector, pos, model.d_vocab), text="direction"),)


def _none(model: LanguageModel, trace: Trace, wanted: Mapping[str, Any], pos: int) -> tuple[LogitTarget, ...]:
    return ()


KINDS: Mapping[str, Callable[..., tuple[LogitTarget, ...]]] = {
    "logits": _top,
    "tokens": _tokens,
    "contrast": _contrast,
    "direction": _direction,
    "features": _none,
}


def _token_ids(model: LanguageModel, wanted: Mapping[str, Any]) -> list[int]:
    tokens = [int(token) for token in wanted.get("tokens", ())]
    return tokens + [_token_id(model, text) for text in wanted.get("texts", ())]


def _token_id(model: LanguageModel, text: str) -> int:
    """The id that ``text`` is: one token of the tokenizer, or a number where there is no tokenizer."""
    if model.tokenizer is not None:
        return model.tokenizer.single(text)
    if not text.isdigit():
        raise PromptError(f"“{model.name}” has no tokenizer files; give the target as a token id, not “{text}”.")
    return int(text)

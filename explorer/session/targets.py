"""TargetChoice: what a run is asked to explain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from explorer.errors import PromptError
from explorer.session.prompt import Prompt

Kind = Literal["logits", "tokens", "contrast"]


@dataclass(frozen=True)
class TargetChoice:
    """``logits``: the most probable next tokens, at most ``max_logits``, until they hold ``logit_mass``.

    ``tokens``: those vocabulary ids. ``contrast``: the first id minus the second. PromptError if the ids do
    not fit the kind.
    """

    kind: Kind = "logits"
    tokens: tuple[int, ...] = ()
    max_logits: int = 10
    logit_mass: float = 0.95

    def __post_init__(self) -> None:
        if self.kind == "tokens" and not self.tokens:
            raise PromptError("No token is chosen to be explained: choose at least one.")
        if self.kind == "contrast" and (len(self.tokens), len(set(self.tokens))) != (2, 2):
            raise PromptError("A contrast needs two different tokens.")


def describe(choice: TargetChoice, prompt: Prompt) -> tuple[str, str]:
    """How the picker writes ``choice``: the main words and what follows them in grey."""
    known = {candidate.token_id: candidate for candidate in prompt.candidates}

    def name(token: int) -> str:
        return known[token].text.strip() or repr(known[token].text)[1:-1] if token in known else f"token {token}"

    if choice.kind == "contrast":
        first, second = choice.tokens
        return f"{name(first)} \u2212 {name(second)}", ""
    tokens = choice.tokens if choice.kind == "tokens" else likely(choice, prompt)
    if not tokens:
        return "most probable", ""
    chance = f".{round(known[tokens[0]].probability * 1000):03d}" if tokens[0] in known else ""
    if chance == ".1000":
        chance = "1.000"
    more = f" + {len(tokens) - 1} more" if len(tokens) > 1 else ""
    return name(tokens[0]), f"{chance}{more}".strip()


def likely(choice: TargetChoice, prompt: Prompt) -> tuple[int, ...]:
    """The candidates that a ``logits`` choice takes, strongest first, as far as the prompt lists them."""
    taken: list[int] = []
    held = 0.0
    for candidate in prompt.candidates[: choice.max_logits]:
        if held >= choice.logit_mass:
            break
        taken.append(candidate.token_id)
        held += candidate.probability
    return tuple(taken)

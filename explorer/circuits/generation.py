"""generate: what the model goes on to say, with and without interventions.

The prompt is run in the chosen mode. Behind it there is nothing clean to hold, so new tokens are computed freely, with
the interventions that are meant for generated tokens (circuit-tracer does the same). Keys and values are kept; without
them (``cache`` False, and for models that have no place for them) every token runs the whole text again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from explorer.circuits.intervening import check_finite
from explorer.circuits.interventions import Intervention, check
from explorer.circuits.modes import FREE, Mode
from explorer.circuits.plan import Plan, plan
from explorer.circuits.rerun import Passed, Run, rerun
from explorer.circuits.subject import Subject
from explorer.errors import PromptError
from explorer.models.live import KeysValues, run_live
from explorer.models.loader import LanguageModel
from explorer.shapes import Float
from explorer.work import Pause, Progress, Work, go_on

MAX_TOKENS = 4096


@dataclass(frozen=True)
class Sampling:
    """How tokens are drawn: ``temperature`` 0 takes the most probable; ``top_p`` keeps the nucleus of that mass."""

    n: int = 20
    seed: int = 0
    temperature: float = 1.0
    top_p: float = 1.0

    def check(self) -> None:
        """PromptError in one sentence if these settings make no sense."""
        if not 1 <= self.n <= MAX_TOKENS:
            raise PromptError(f"{self.n} tokens cannot be generated; choose 1 to {MAX_TOKENS}.")
        if not 0.0 <= self.temperature <= 100.0:
            raise PromptError(f"The temperature is {self.temperature}; choose 0 (the most probable token) to 100.")
        if not 0.0 < self.top_p <= 1.0:
            raise PromptError(f"Top-p is {self.top_p}; choose a share above 0 and up to 1.")

    def draw(self, logits: Float[Tensor, " d_vocab"], generator: torch.Generator) -> int:
        """One token."""
        if self.temperature == 0:
            return int(logits.argmax())
        chances, tokens = (logits.cpu().double() / self.temperature).softmax(-1).sort(descending=True)
        chances = torch.where(chances.cumsum(0) - chances < self.top_p, chances, torch.zeros_like(chances))
        return int(tokens[torch.multinomial(chances, 1, generator=generator)])


@dataclass(frozen=True)
class Generated:
    """A new token, and its probability among all next tokens at temperature 1."""

    token_id: int
    probability: float


def generate(
    subject: Subject,
    interventions: Sequence[Intervention],
    how: Mode,
    sampling: Sampling,
    *,
    cache: bool = True,
    pause: Pause = go_on,
) -> Work[tuple[Generated, ...]]:
    """The continuation of the prompt, ended by the model's own end token; each token's Progress has what is there."""
    sampling.check()
    check(interventions, subject.room)
    n = min(sampling.n, subject.model.context - subject.n_pos)
    if n < 1:
        raise PromptError(f"The prompt fills all {subject.model.context} positions of “{subject.model.name}”.")
    with torch.no_grad():
        text = _Text(longer(subject, n), plan(interventions), how, cache=cache, pause=pause)
        logits = text.begin()
    ends, generator = subject.model.ends, torch.Generator().manual_seed(sampling.seed)
    made: list[Generated] = []
    while True:
        check_finite(logits)
        token = sampling.draw(logits, generator)
        made.append(Generated(token, float(logits.double().softmax(-1)[token])))
        so_far = tuple(made)
        yield Progress(len(made), n, "Generating", lambda so_far=so_far: so_far)  # type: ignore[misc]
        if token in ends or len(made) == n:
            return so_far
        with torch.no_grad():
            logits = text.next(token)


def perplexity(model: LanguageModel, prompt: Sequence[int], continuation: Sequence[int]) -> float:
    """How surprised the clean model is by ``continuation`` behind ``prompt``: exp of the mean of -log p."""
    ids = torch.tensor([*prompt, *continuation], device=model.device)
    with torch.no_grad():
        kept = len(continuation) + 1
        logits = model.network(ids[None], use_cache=False, logits_to_keep=kept).logits[0, :-1]
    chances = logits.double().cpu().log_softmax(-1)
    return float((-chances[torch.arange(len(continuation)), ids[len(prompt) :].cpu()]).mean().exp())


class _Text:
    """A prompt that grows; begin and next give the logits of the token that follows."""

    def __init__(self, subject: Subject, changes: Plan, how: Mode, *, cache: bool, pause: Pause) -> None:
        self.subject = subject
        self.changes = changes
        self.how = how
        self.cache = cache and subject.live.resumes
        self.pause = pause
        self.x = subject.live.layers[0].entry[: subject.n_pos]
        self.pasts: list[KeysValues] = []

    def begin(self) -> Tensor:
        subject, last = self.subject, self.subject.n_pos - 1
        self.pasts = [held.past.until(subject.n_pos) for held in subject.live.layers]
        if not self.changes.by_layer:
            return subject.trace.logits[last]
        passed = rerun(subject, self.changes, self.how, last, keep=True, pause=self.pause)
        self._keep(passed)
        return self._logits(passed, last)

    def next(self, token: int) -> Tensor:
        pos = len(self.x)
        x = _entering(self.subject, token, pos)
        self.x = torch.cat([self.x, x])
        if self.cache:
            run = Run(self.subject, self.changes.of_generated, FREE, pos, x, self.pasts, pos)
        else:
            run = Run(self.subject, self.changes, self.how, 0, self.x, self.pasts, pos)
        passed = run.through(0, self.pause, clean=False)
        if self.cache:
            self._keep(passed)
        return self._logits(passed, pos)

    def _keep(self, passed: Passed) -> None:
        for layer, past in passed.pasts.items():
            self.pasts[layer] = past.until(len(self.x))

    def _logits(self, passed: Passed, pos: int) -> Tensor:
        held = self.how.norms and pos < self.subject.n_pos
        at = torch.tensor([pos], device=passed.last.device)
        return self.subject.final(passed.last[-1:], at, frozen=held)[0]


def longer(subject: Subject, n: int) -> Subject:
    """The same prompt, with what modules get at the ``n`` positions behind it; what stands there does not matter.

    No more than the model has places for.
    """
    ids = subject.trace.token_ids
    n = min(n, subject.model.context - len(ids))
    if len(subject.live.layers[0].entry) >= len(ids) + n:
        return subject
    return replace(subject, live=run_live(subject.model, torch.cat([ids, ids[-1:].expand(n)])))


def _entering(subject: Subject, token: int, pos: int) -> Float[Tensor, "1 d_model"]:
    """What enters the first block for ``token`` at ``pos``."""
    embedded = _embedded(subject.model, token)
    if not subject.model.family.position:
        return embedded
    stand_in = _embedded(subject.model, int(subject.trace.token_ids[-1]))
    return embedded + (subject.live.layers[0].entry[pos] - stand_in)


def _embedded(model: LanguageModel, token: int) -> Float[Tensor, "1 d_model"]:
    family, x = model.family, torch.tensor([[token]], device=model.device)
    if family.embedding_in:
        x = model.network.get_submodule(family.embedding_in)(x)
    y: Tensor = model.network.get_submodule(family.embedding)(x)
    return y[0]

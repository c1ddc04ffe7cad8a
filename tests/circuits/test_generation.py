"""Generation: with keys and values kept it is token for token what it is without, and what hooked networks say."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest
import torch
from torch import Tensor

from explorer.circuits.generation import Generated, Sampling, generate, perplexity
from explorer.circuits.interventions import Intervention, at, direction, feature, head, onward
from explorer.circuits.modes import FREE, Mode, mode
from explorer.circuits.strengths import activations
from explorer.circuits.subject import Subject, prepare
from explorer.errors import Cancelled, PromptError
from explorer.transcoders.transcoder import WritePoint
from explorer.work import Progress, run
from tests import tiny, tiny_models
from tests.thinned import thinned

KEEPING = ("gpt2", "llama", "gemma2", "gptj", "opt-350m projected")
MODES = {"free": FREE, "iter": Mode(), "half": Mode((0, 1)), "direct": mode("direct", 3)}
DRAWN = Sampling(n=12, seed=4, temperature=1.3, top_p=0.9)


@pytest.fixture(autouse=True)
def no_gradients() -> Iterator[None]:
    with torch.no_grad():
        yield


def subject_of(name: str) -> Subject:
    model = tiny_models.model(name, "float64")
    return prepare(model, tiny.transcoders(model, write=WritePoint.MLP_OUT), tiny_models.PROMPT)


def edits(subject: Subject) -> list[Intervention]:
    vector = torch.linspace(-1, 1, subject.model.d_model, dtype=torch.float64)
    return [
        feature(1, 4, onward(3)).to(9.0),
        feature(0, 2, at(4)).plus(3.0),
        head(1, 1, onward(4)).scaled(-1.0),
        direction(0, vector, onward(5)).plus(1.0),
    ]


def ids(made: tuple[Generated, ...]) -> list[int]:
    return [token.token_id for token in made]


@pytest.mark.parametrize("case", thinned(product(KEEPING, MODES), 3), ids=" ".join)
def test_keys_and_values_kept_change_no_token(case: tuple[str, str]) -> None:
    name, how = case[0], MODES[case[1]]
    subject = subject_of(name)
    kept, whole = (
        run(generate(subject, edits(subject), how, DRAWN, cache=cache)) for cache in (True, False)
    )
    assert ids(kept) == ids(whole)
    assert [one.probability for one in kept] == pytest.approx([one.probability for one in whole], abs=1e-6)


@pytest.mark.parametrize("name", list(tiny_models.MODELS))
def test_every_family_says_what_its_hooked_network_says(name: str) -> None:
    """The oracle runs the whole text through transformers for each token, the feature held by a hook."""
    subject = subject_of(name)
    greedy = Sampling(n=6, temperature=0.0)
    made = run(generate(subject, [feature(1, 4, onward(3)).to(30.0)], FREE, greedy))
    text = list(tiny_models.PROMPT)
    held = subject.transcoders.layers[1]
    block = subject.live.blocks[1]

    def hook(module: Any, args: Any, output: Any) -> Any:
        y = output[0] if isinstance(output, tuple) else output
        x = reads[-1].reshape(len(text), -1)
        own = activations(held, x, torch.tensor([4]))[:, 0]
        added = (30.0 - own)[:, None] * held.W_dec[4, 0]
        added[:3] = 0
        y = y + added.view_as(y)
        return (y, *output[1:]) if isinstance(output, tuple) else y

    family = subject.model.family
    reads: list[Tensor] = []
    keep = block.get_submodule(family.mlp_read or family.mlp).register_forward_pre_hook(
        lambda _module, args: reads.append(args[0])
    )
    write = block.get_submodule(family.mlp).register_forward_hook(hook)
    for one in made:
        logits = subject.model.network(torch.tensor([text]), use_cache=False).logits[0, -1]
        assert one.token_id == int(logits.argmax())
        assert one.probability == pytest.approx(float(logits.softmax(-1).max()), abs=1e-5)
        text.append(one.token_id)
    keep.remove()
    write.remove()


def test_seed_temperature_and_top_p() -> None:
    subject = subject_of("llama")

    def said(**options: Any) -> list[int]:
        return ids(run(generate(subject, [], FREE, Sampling(n=10, **options))))

    assert said(seed=1) == said(seed=1)
    assert said(seed=1) != said(seed=2)
    assert said(temperature=0.0) == said(seed=7, top_p=1e-9) == said(seed=8, temperature=1e-3)


def test_what_is_there_so_far_is_told_and_stopping_leaves_nothing() -> None:
    subject = subject_of("llama")
    seen: list[int] = []

    def report(progress: Progress) -> None:
        assert progress.partial is not None
        seen.append(len(progress.partial()))
        if len(seen) == 3:
            raise Cancelled("Cancelled.")

    with pytest.raises(Cancelled):
        run(generate(subject, [], FREE, Sampling(n=10, temperature=0.0)), report)
    assert seen == [1, 2, 3]


def test_it_ends_with_the_models_end_token() -> None:
    subject = subject_of("llama")
    vector = 1e3 * subject.model.head.direction(2).double()
    made = run(generate(subject, [direction(2, vector, at(8)).plus(1.0)], FREE, Sampling(temperature=0.0)))
    assert ids(made) == [2]


def test_perplexity_is_that_of_the_clean_model() -> None:
    subject = subject_of("llama")
    made = run(generate(subject, [], FREE, Sampling(n=5, seed=3)))
    expected = torch.tensor([one.probability for one in made]).log().mean().neg().exp()
    assert perplexity(subject.model, tiny_models.PROMPT, ids(made)) == pytest.approx(float(expected), rel=1e-5)


def test_settings_that_make_no_sense_are_one_sentence() -> None:
    subject = subject_of("llama")
    for wrong in ({"n": 0}, {"temperature": float("nan")}, {"temperature": -1.0}, {"top_p": 0.0}, {"top_p": 2.0}):
        with pytest.raises(PromptError):
            run(generate(subject, [], FREE, Sampling(**wrong)))

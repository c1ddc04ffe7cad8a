"""Patching from another prompt, against the other prompt's own logits and hooks of the whole network."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from functools import cache
from typing import Any

import pytest
import torch
from torch import Tensor

from explorer.circuits.clean import strengths
from explorer.circuits.counterpart import resolve
from explorer.circuits.direct import direct_logits
from explorer.circuits.generation import Sampling, generate
from explorer.circuits.intervening import intervene
from explorer.circuits.interventions import (
    Intervention,
    Unit,
    at,
    direction,
    error,
    feature,
    head,
    neuron,
    onward,
    residual,
)
from explorer.circuits.modes import FREE, Mode, mode
from explorer.circuits.plan import plan
from explorer.circuits.rerun import rerun
from explorer.circuits.subject import Subject, prepare
from explorer.errors import GraphError
from explorer.transcoders.transcoder import WritePoint
from explorer.work import run
from tests import tiny

OTHER = (1, 5, 8, 30, 11, 2, 25)
LAST = len(OTHER) - 1
FAMILIES = ("gpt2", "llama", "gemma2")


@pytest.fixture(autouse=True)
def no_gradients() -> Iterator[None]:
    with torch.no_grad():
        yield


@cache
def pair(family: str, **options: Any) -> tuple[Subject, Subject]:
    model = tiny.model(family, "float64")
    held = tiny.transcoders(model, **options)
    return prepare(model, held, tiny.PROMPT), prepare(model, held, OTHER)


def patched(subject: Subject, other: Subject, *made: Intervention) -> Tensor:
    return intervene(subject, resolve(made, subject, other), FREE).now


def network_with(subject: Subject, *hooks: tuple[str, bool, Any]) -> Tensor:
    """The whole network's last logits while each hook changes its module: what goes in, or what comes out."""
    network = subject.model.network
    with ExitStack() as stack:
        for name, entering, change in hooks:
            module = network.get_submodule(name)

            def before(module: Any, args: Any, change: Any = change) -> Any:
                return (change(args[0]), *args[1:])

            def after(module: Any, args: Any, output: Any, change: Any = change) -> Any:
                return (change(output[0]), *output[1:]) if isinstance(output, tuple) else change(output)

            stack.callback(
                (module.register_forward_pre_hook(before) if entering else module.register_forward_hook(after)).remove
            )
        return network(subject.trace.token_ids[None], use_cache=False).logits[0, -1]  # type: ignore[no-any-return]


def replaced_at(pos: int, rows: Tensor) -> Any:
    def change(x: Tensor) -> Tensor:
        x = x.clone()
        x[:, pos] = rows
        return x

    return change


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("layer", range(tiny.N_LAYERS))
def test_the_whole_stream_of_the_other_prompt_gives_its_logits(family: str, layer: int) -> None:
    subject, other = pair(family)
    place = residual(layer, at(0, LAST))
    for how in (FREE, mode("iterative", subject.n_layers)) if layer == tiny.N_LAYERS - 1 else (FREE,):
        outcome = intervene(subject, resolve([place.as_in_other()], subject, other), how)
        assert float((outcome.before - other.trace.logits[-1]).abs().max()) > 0.1
        torch.testing.assert_close(outcome.now, other.trace.logits[-1], rtol=0, atol=2e-5)
    torch.testing.assert_close(patched(subject, other, place.as_in_other(0.0)), outcome.before, rtol=0, atol=2e-5)


@pytest.mark.parametrize("share", [1.0, 0.3])
@pytest.mark.parametrize("family", FAMILIES)
def test_the_stream_at_one_position_is_a_hook_on_its_block(family: str, share: float) -> None:
    """From the other prompt's last position, so that lengths need not fit."""
    subject, other = pair(family)
    mine, theirs = subject.behind(1)[4], other.behind(1)[-1]
    blocks = subject.model.family.blocks
    expected = network_with(subject, (f"{blocks}.1", False, replaced_at(4, mine + share * (theirs - mine))))
    now = patched(subject, other, residual(1, at(4)).as_in_other(share, -1))
    assert float((expected - subject.trace.logits[-1]).abs().max()) > 1e-2
    torch.testing.assert_close(now, expected, rtol=0, atol=2e-5)


def test_a_patch_is_of_the_stream_that_earlier_interventions_left() -> None:
    subject, other = pair("llama", write=WritePoint.MLP_OUT)
    edit = feature(0, 5, at(3))
    own = strengths(subject, [edit], range(3, 4))[0, 0]
    family, theirs = subject.model.family, other.behind(1)[5]
    expected = network_with(
        subject,
        (f"{family.blocks}.0.{family.mlp}", False, added_at(3, (4.0 - own) * written(subject, 0, 5))),
        (f"{family.blocks}.1", False, lambda x: replaced_at(5, x[0, 5] + 0.25 * (theirs - x[0, 5]))(x)),
    )
    now = patched(subject, other, edit.to(4.0), residual(1, at(5)).as_in_other(0.25))
    torch.testing.assert_close(now, expected, rtol=0, atol=2e-5)


def added_at(pos: int, row: Tensor) -> Any:
    return lambda x: replaced_at(pos, x[:, pos] + row)(x)


def written(subject: Subject, layer: int, index: int) -> Tensor:
    return subject.transcoders.layers[layer].W_dec[index, 0]


def seen(subject: Subject, name: str) -> Tensor:
    """What goes into a module in the whole network's own run."""
    found: list[Tensor] = []
    network_with(subject, (name, True, lambda x: (found.append(x), x)[1]))
    return found[0][0]


@pytest.mark.parametrize("factor", [1.0, -0.5])
@pytest.mark.parametrize("family", FAMILIES)
def test_a_neuron_is_what_a_hook_puts_in_front_of_the_mlps_output(family: str, factor: float) -> None:
    subject, other = pair(family)
    of = subject.model.family
    name = f"{of.blocks}.1." + ("mlp.c_proj" if family == "gpt2" else "mlp.down_proj")
    theirs = seen(other, name)

    def change(x: Tensor) -> Tensor:
        x = x.clone()
        x[0, 3:6, 7] = factor * theirs[3:6, 7]
        return x

    now = patched(subject, other, neuron(1, 7, at(3, 5)).as_in_other(factor))
    torch.testing.assert_close(now, network_with(subject, (name, True, change)), rtol=0, atol=2e-5)


@pytest.mark.parametrize("factor", [1.0, 2.0])
@pytest.mark.parametrize("family", FAMILIES)
def test_a_head_is_what_a_hook_puts_in_front_of_the_output_projection(family: str, factor: float) -> None:
    subject, other = pair(family)
    of = subject.model.family
    name = f"{of.blocks}.1." + ("attn.c_proj" if family == "gpt2" else "self_attn.o_proj")
    theirs = seen(other, name)
    d_head = theirs.shape[1] // subject.room.n_heads
    of_head = slice(d_head, 2 * d_head)

    def change(x: Tensor) -> Tensor:
        x = x.clone()
        x[0, 2:, of_head] = factor * theirs[2:, of_head]
        return x

    now = patched(subject, other, head(1, 1, onward(2, generated=False)).as_in_other(factor))
    expected = network_with(subject, (name, True, change))
    assert float((expected - subject.trace.logits[-1]).abs().max()) > 1e-3
    torch.testing.assert_close(now, expected, rtol=0, atol=2e-5)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_feature_and_an_error_add_the_difference_of_the_two_prompts(family: str) -> None:
    subject, other = pair(family, write=WritePoint.MLP_OUT)
    of = subject.model.family
    place = feature(1, 4, at(4))
    mine, theirs = (strengths(one, [place], range(4, 5))[0, 0] for one in (subject, other))
    missed = other.local.error[1, 2] - subject.local.error[1, 5]

    def change(x: Tensor) -> Tensor:
        x = x.clone()
        x[0, 4] += (1.5 * theirs - mine) * written(subject, 1, 4)
        x[0, 5] += missed
        return x

    expected = network_with(subject, (f"{of.blocks}.1.{of.mlp}", False, change))
    now = patched(subject, other, place.as_in_other(1.5), error(1, at(5)).as_in_other(1.0, 2))
    torch.testing.assert_close(now, expected, rtol=0, atol=2e-5)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_direct_effect_is_the_run_with_everything_held(family: str) -> None:
    """Two ways that share neither the folded weights nor the order of operations, chains on one thing included."""
    subject, other = pair(family, skip=True)
    drawn = torch.randn(subject.local.frozen.d_model, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    single = [
        [head(1, 1, at(3, 6)).as_in_other(1.5), head(1, 1, at(5)).scaled(0.5), head(1, 1, at(6)).plus(0.3, Unit.OWN)],
        [error(1, at(4)).as_in_other(-1.0), error(1, at(4)).as_in_other(1.0, 2), error(1, at(4)).times(2.0)],
        [residual(0, at(2, LAST)).as_in_other(0.7), residual(0, at(5)).as_in_other(0.5, 1)],
        [feature(0, 5, at(2, 4)).as_in_other(2.0), neuron(1, 7, at(4, 5)).as_in_other(1.5, -1)],
        [direction(1, drawn, at(LAST)).as_in_other()],
    ]
    for made in [*single, [one for row in single for one in row]]:
        changes = plan(resolve(made, subject, other))
        one = direct_logits(subject, changes, LAST)
        passed = rerun(subject, changes, mode("direct", subject.n_layers), LAST)
        two = subject.final(passed.last, torch.tensor([LAST]), frozen=True)[0]
        assert float((one - subject.trace.logits[LAST]).abs().max()) > 1e-4
        torch.testing.assert_close(one, two, rtol=0, atol=2e-5)


def test_a_slider_on_a_patch_costs_no_new_direction() -> None:
    subject, other = pair("llama", seed=1)  # whose directions no other test has made
    for share in (0.1, 0.9):
        intervene(subject, resolve([residual(1, at(3, 4)).as_in_other(share)], subject, other), FREE)
        assert len(subject.directions) == 4  # of its own stream and the other's, at two positions


@pytest.mark.parametrize(
    ("made", "sentence"),
    [
        (residual(1, at(3)).as_in_other(1.0, 7), r"Position 7 is outside the other prompt \(0 to 3\); choose another"),
        (residual(1, at(3)).as_in_other(1.0, -5), "Position -5 is outside the other prompt"),
        (head(1, 1, at(2, 5)).as_in_other(), r"no position 5 \(only 0 to 3\) for head 1 of layer 1 at positions"),
        (error(1, onward(2, generated=False)).as_in_other(), "no position 6"),
        (feature(1, 1, onward(2)).as_in_other(), "Generated tokens have no counterpart"),
        (feature(1, 99, at(2)).as_in_other(), "There is no feature 99"),
        (residual(1, at(7)).as_in_other(1.0, -1), "Position 7 is outside the prompt"),
        (residual(5, at(2)).as_in_other(), "There is no layer 5"),
        (residual(1, at(2)).as_in_other(float("nan")), "is nan; choose a number"),
    ],
)
def test_what_has_no_counterpart_is_one_sentence(made: Intervention, sentence: str) -> None:
    subject, _ = pair("llama")
    other = prepare(subject.model, subject.transcoders, OTHER[:4])
    with pytest.raises(GraphError, match=sentence):
        intervene(subject, resolve([made], subject, other))


def test_a_missing_counterpart_is_one_sentence() -> None:
    subject, _ = pair("llama")
    with pytest.raises(GraphError, match="There is no other prompt to take the residual stream of layer 1"):
        intervene(subject, [residual(1, at(3)).as_in_other()])


@pytest.mark.parametrize("how", [FREE, Mode(), Mode((0, 1))], ids=["free", "iter", "half"])
@pytest.mark.parametrize("family", FAMILIES)
def test_generated_tokens_take_a_named_position_and_keys_kept_change_none(family: str, how: Mode) -> None:
    subject, other = pair(family)
    places = [residual(1, onward(5)), head(1, 1, onward(4)), error(0, onward(4)), feature(0, 5, onward(3))]
    made = resolve([place.as_in_other(0.6, -1) for place in places], subject, other)
    drawn = Sampling(n=8, seed=4)
    kept, whole = (run(generate(subject, made, how, drawn, cache=cache)) for cache in (True, False))
    assert [one.token_id for one in kept] == [one.token_id for one in whole]
    assert [one.probability for one in kept] == pytest.approx([one.probability for one in whole], abs=1e-6)
    assert kept != run(generate(subject, [], how, drawn))

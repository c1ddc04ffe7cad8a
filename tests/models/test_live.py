"""Layers run again: every family's attention goes on from held keys and values as in the whole pass."""

from __future__ import annotations

import pytest
import torch

from explorer.models.live import Attention, LivePass, run_live
from tests import tiny_models

N = len(tiny_models.PROMPT)


def live(name: str) -> LivePass:
    return run_live(tiny_models.model(name), torch.tensor(tiny_models.PROMPT))


@pytest.mark.parametrize("name", list(tiny_models.MODELS))
def test_attention_from_any_position_is_that_of_the_whole_pass(name: str) -> None:
    made = live(name)
    norm = made.model.family.attention_norm
    for first in (0, 3, N - 1) if made.resumes else (0,):
        for n_frozen in (0, 5, N):
            for layer, held in enumerate(made.layers):
                x = held.entry[first:]
                with torch.no_grad():
                    x = made.norm(layer, norm, x) if norm else x
                    out, kept = made.attend(layer, x, first, held.past.until(first), Attention(n_frozen))
                limit = 1e-5 * float(held.out.abs().max())
                torch.testing.assert_close(out, held.out[first:], rtol=0, atol=limit)
                torch.testing.assert_close(kept.key, held.past.key)


def test_only_what_has_no_place_for_keys_and_values_starts_over() -> None:
    assert [name for name in tiny_models.MODELS if not live(name).resumes] == [
        name for name in tiny_models.MODELS if name.startswith("tiny")
    ]


def test_a_frozen_pattern_and_an_edit_of_heads_are_followed() -> None:
    made = live("llama")
    held = made.layers[1]
    moved = made.norm(1, "input_layernorm", held.entry + torch.linspace(-1, 1, held.entry.shape[1]))
    with torch.no_grad():
        free, _ = made.attend(1, moved, 0, held.past.until(0), Attention())
        frozen, kept = made.attend(1, moved, 0, held.past.until(0), Attention(N))
        off, _ = made.attend(1, moved, 0, held.past.until(0), Attention(N, edit=lambda heads: 0 * heads))
    weights = made.model.attention(1)
    values = kept.value[0].repeat_interleave(3, 0)
    expected = torch.einsum("hqk,hkd,hdm->qm", held.pattern, values, weights.W_O)
    assert weights.b_O is not None
    torch.testing.assert_close(frozen, expected + weights.b_O, rtol=0, atol=1e-5)
    assert float((free - frozen).abs().max()) > 1e-2
    torch.testing.assert_close(off, weights.b_O.expand_as(off))

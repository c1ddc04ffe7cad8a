"""Every quality figure of the sample, measured on the files as they are shipped."""

from __future__ import annotations

import random
from dataclasses import dataclass

import torch
from tokenizers import Tokenizer
from torch import Tensor
from transformers import LlamaForCausalLM

from explorer.transcoders.training import Quality, quality
from explorer.transcoders.transcoder import TranscoderSet
from sample_models.training.us_cities.corpus import PREFIX, Corpus, Sentence
from sample_models.training.us_cities.facts import STATES, State
from sample_models.training.us_cities.replacement import record, replaced
from sample_models.training.us_cities.selection import AT_PLACE, Outcome, StateFeatures, Swap, all_swaps, random_swaps
from sample_models.training.us_cities.transcoders import Contexts

TIMES = (1.0, 1.5, 2.0)
HELD_OUT = ("held-out capital", "held-out abbreviation", "held-out region")


@dataclass(frozen=True)
class Agreement:
    """On ``n`` prompts: how often the model with every MLP replaced has the same top token, and the mean KL."""

    n: int
    same: float
    divergence: float


@dataclass(frozen=True)
class TranscoderFigures:
    """All figures of one transcoder set; the swaps by their strength: (features, control)."""

    training: Quality
    training_by_weight: Quality
    held_out: Quality
    agreement: dict[str, Agreement]
    texas: tuple[int, ...]
    chosen: tuple[int, int, float]
    at_place: tuple[int, ...]
    f1: tuple[float, ...]
    texas_f1: float
    sacramento: dict[float, float]
    french_sacramento: float
    sixty: dict[float, tuple[Outcome, Outcome]]
    all_pairs: dict[float, tuple[Outcome, Outcome]]


def answers(model: LlamaForCausalLM, tokenizer: Tokenizer, corpus: Corpus) -> dict[str, float]:
    """The share of right answers on each test, with the prefix."""
    shares = {}
    for name, sentences in corpus.tests.items():
        right = [
            int(_last(record(model, _ids(tokenizer, s)).logits).argmax()) == tokenizer.token_to_id(s.answer)
            for s in sentences
        ]
        shares[name] = sum(right) / len(right)
    return shares


def probability(model: LlamaForCausalLM, tokenizer: Tokenizer, prompt: str, answer: str) -> float:
    """Probability of ``answer`` as the next token of ``prompt``."""
    ids = torch.tensor([tokenizer.encode(prompt).ids])
    return float(_last(model(input_ids=ids).logits).softmax(-1)[tokenizer.token_to_id(answer)])


def measure(
    model: LlamaForCausalLM, tokenizer: Tokenizer, transcoders: TranscoderSet, corpus: Corpus, contexts: Contexts
) -> TranscoderFigures:
    """All figures of ``transcoders``."""
    generator = torch.Generator().manual_seed(0)
    uniform = torch.randperm(contexts.inputs.shape[1], generator=generator)[:8000]
    weighted = torch.multinomial(contexts.weight, 8000, generator=generator)
    features = StateFeatures(model, tokenizer, transcoders)
    texas, california = (next(s for s in STATES if s.name == name) for name in ("Texas", "California"))
    counts = [int(features.of(state).sum()) for state in STATES]
    return TranscoderFigures(
        training=quality(transcoders, contexts.inputs[:, uniform], contexts.outputs[:, uniform]),
        training_by_weight=quality(transcoders, contexts.inputs[:, weighted], contexts.outputs[:, weighted]),
        held_out=quality(transcoders, *_answer_positions(model, tokenizer, corpus)),
        agreement=agreements(model, tokenizer, transcoders, corpus),
        texas=tuple(features.of(texas, without="Dallas").sum(1).tolist()),
        chosen=(min(counts), max(counts), sum(counts) / len(counts)),
        at_place=_at_place(model, tokenizer, transcoders),
        f1=tuple(features.best_f1(state) for state in STATES),
        texas_f1=features.best_f1(texas),
        sacramento={times: _sacramento(features, times, features.ids("Dallas"), california) for times in TIMES},
        french_sacramento=_sacramento(
            features, 1.5, features.ids("Dallas", "la capitale de l'état contenant {} est"), california
        ),
        sixty={times: _with_control(features, random_swaps(60), times) for times in TIMES},
        all_pairs={times: _with_control(features, all_swaps(), times) for times in TIMES},
    )


def _at_place(model: LlamaForCausalLM, tokenizer: Tokenizer, transcoders: TranscoderSet) -> tuple[int, ...]:
    """How many features each state has by the same rule on the place itself, Texas without Dallas."""
    there = StateFeatures(model, tokenizer, transcoders, AT_PLACE)
    return tuple(int(there.of(state, without="Dallas" if state.name == "Texas" else "").sum()) for state in STATES)


def _sacramento(features: StateFeatures, times: float, ids: Tensor, california: State) -> float:
    index = STATES.index(california)
    logits = features.logits_after("Dallas", [california], times, ids)[0]
    return float(logits.softmax(-1)[features.capitals[index]])


def _with_control(features: StateFeatures, swaps: list[Swap], times: float) -> tuple[Outcome, Outcome]:
    return features.swap(swaps, times), features.swap(swaps, times, random.Random(3))


def agreements(
    model: LlamaForCausalLM, tokenizer: Tokenizer, transcoders: TranscoderSet, corpus: Corpus
) -> dict[str, Agreement]:
    """By test, on all tests, on 400 of their prompts drawn with seed 0, and on the 400 held-out ones."""
    single = {
        name: [_compared(model, transcoders, _ids(tokenizer, s)) for s in sentences]
        for name, sentences in corpus.tests.items()
    }
    together = [pair for pairs in single.values() for pair in pairs]
    groups = {
        **single,
        "all tests": together,
        "400 of them at random": random.Random(0).sample(together, 400),
        "the 400 held-out prompts": [pair for name in HELD_OUT for pair in single[name]],
    }
    return {
        name: Agreement(len(pairs), *(sum(column) / len(pairs) for column in zip(*pairs, strict=True)))
        for name, pairs in groups.items()
    }


def _compared(model: LlamaForCausalLM, transcoders: TranscoderSet, ids: Tensor) -> tuple[float, float]:
    true = _last(record(model, ids).logits).double().log_softmax(-1)
    guess = _last(replaced(model, transcoders, ids).logits).double().log_softmax(-1)
    return float(true.argmax() == guess.argmax()), float((true.exp() * (true - guess)).sum())


def _answer_positions(model: LlamaForCausalLM, tokenizer: Tokenizer, corpus: Corpus) -> tuple[Tensor, Tensor]:
    """What the MLPs read and write at the last position of the held-out prompts (n_layers, n, d_model)."""
    passes = [record(model, _ids(tokenizer, s)) for name in HELD_OUT for s in corpus.tests[name]]
    return (
        torch.stack([one.inputs[:, 0, -1] for one in passes], 1),
        torch.stack([one.outputs[:, 0, -1] for one in passes], 1),
    )


def _ids(tokenizer: Tokenizer, sentence: Sentence) -> Tensor:
    return torch.tensor([tokenizer.encode(PREFIX + sentence.prompt).ids])


def _last(logits: Tensor) -> Tensor:
    return logits[0, -1]

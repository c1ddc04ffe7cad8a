"""The transcoders of the sample: the contexts they learn from, their training, the end-to-end finish."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from tokenizers import Tokenizer
from torch import Tensor
from transformers import LlamaForCausalLM

from explorer.transcoders.training import TrainingSettings, reconstruct, train
from explorer.transcoders.transcoder import Transcoder, TranscoderSet
from explorer.work import run
from sample_models.training.us_cities.corpus import TRANSCODER_MIX, Sentence
from sample_models.training.us_cities.language_model import Rows, repeats, rows
from sample_models.training.us_cities.replacement import record, replaced

SETTINGS = {
    "plt": TrainingSettings("plt", d_transcoder=768, k=6, steps=1400, seed=5),
    "clt": TrainingSettings("clt", d_transcoder=512, k=7, steps=1200, seed=5),
}
FINISH_STEPS, FINISH_SENTENCES, FINISH_CONTEXTS, FINISH_RATE = 100, 48, 256, 3e-4
N_REPEATS = 150
ANSWER_WEIGHT = 8.0


@dataclass(frozen=True)
class Contexts:
    """One row per distinct token prefix: what the MLPs read and write (n_layers, n_contexts, d_model).

    ``weight`` is the square root of the summed sampling mass of the rows through a prefix: without the root,
    the few first words would dominate. Where the answer comes next it is ``ANSWER_WEIGHT`` times that: there
    the state must be told apart from 49 others.
    """

    inputs: Tensor
    outputs: Tensor
    weight: Tensor


def training_rows(tokenizer: Tokenizer, sentences: Sequence[Sentence]) -> Rows:
    """The rows the transcoders see: the training sentences, of the unknown ones every third, and repeats."""
    unknown = [s for s in sentences if s.family == "unknown"][::3]
    kept = [s for s in sentences if s.family != "unknown"] + unknown
    mix = {family: mass for family, mass in TRANSCODER_MIX.items() if family != "repeats"}
    table = rows(tokenizer, kept, mix)
    ids, weight = repeats(N_REPEATS, tokenizer.get_vocab_size(), torch.Generator().manual_seed(5))
    mass = torch.full((N_REPEATS,), TRANSCODER_MIX["repeats"] / N_REPEATS)
    return Rows(
        torch.cat([table.ids, ids]),
        torch.cat([table.loss_weight, torch.zeros_like(weight)]),
        torch.cat([table.mass, mass]),
    )


def collect(model: LlamaForCausalLM, table: Rows) -> Contexts:
    """The contexts of ``table``; the model is causal, so equal prefixes need only one. BOS is left out."""
    mass: dict[tuple[int, ...], float] = {}
    first: dict[tuple[int, ...], int] = {}
    asked: dict[tuple[int, ...], float] = {}
    n_row = table.ids.shape[1]
    answers = table.loss_weight.argmax(1).tolist()
    for row, (ids, share) in enumerate(zip(table.ids.tolist(), table.mass.tolist(), strict=True)):
        for end in range(2, n_row + 1 - ids.count(0)):
            prefix = tuple(ids[:end])
            first.setdefault(prefix, row * n_row + end - 1)
            mass[prefix] = mass.get(prefix, 0.0) + share
        asked[tuple(ids[: answers[row]])] = ANSWER_WEIGHT
    batches = [record(model, ids) for ids in table.ids.split(256)]
    at = torch.tensor(list(first.values()))
    return Contexts(
        torch.cat([batch.inputs.flatten(1, 2) for batch in batches], dim=1)[:, at],
        torch.cat([batch.outputs.flatten(1, 2) for batch in batches], dim=1)[:, at],
        torch.tensor([asked.get(prefix, 1.0) * total**0.5 for prefix, total in mass.items()]),
    )


def fit(
    model: LlamaForCausalLM,
    contexts: Contexts,
    table: Rows,
    settings: TrainingSettings,
    say: Callable[[str], None],
) -> TranscoderSet:
    """A set trained on ``contexts``, then finished with the whole model in the loop."""

    def report(done: int, total: int) -> None:
        if done % 100 == 0:
            say(f"{settings.kind}: step {done} of {total}")

    work = train(contexts.inputs, contexts.outputs, contexts.weight, settings)
    trained = run(work, lambda progress: report(progress.done, progress.total))
    finished = finish(model, trained, contexts, table, settings.seed)
    return replace(finished, model_name="us-cities", origin=f"us-cities-{settings.kind}")


def finish(
    model: LlamaForCausalLM, trained: TranscoderSet, contexts: Contexts, table: Rows, seed: int
) -> TranscoderSet:
    """``trained`` moved a little so that the model with every MLP replaced says what the model says.

    Loss: KL(true || replaced) over the positions after BOS, and the local loss; the thresholds stay.
    """
    layers = tuple(_trainable(layer) for layer in trained.layers)
    moving = replace(trained, layers=layers)
    optimiser = torch.optim.Adam([p for layer in layers for p in _parameters(layer)], lr=FINISH_RATE)
    generator = torch.Generator().manual_seed(seed + 1)
    variance = contexts.outputs.var(dim=1).mean(1)
    for step in range(FINISH_STEPS):
        optimiser.param_groups[0]["lr"] = FINISH_RATE * (1 - step / FINISH_STEPS)
        ids = table.ids[torch.multinomial(table.mass, FINISH_SENTENCES, True, generator=generator)]
        some = torch.multinomial(contexts.weight, FINISH_CONTEXTS, True, generator=generator)
        _, guess = reconstruct(moving, contexts.inputs[:, some])
        local = ((contexts.outputs[:, some] - guess).square().mean((1, 2)) / variance).mean()
        loss = _divergence(model, moving, ids) + local
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return replace(trained, layers=tuple(_frozen(layer) for layer in layers))


def _divergence(model: LlamaForCausalLM, transcoders: TranscoderSet, ids: Tensor) -> Tensor:
    """Mean KL(true || replaced) over the positions that predict a token of the sentence."""
    true = model(input_ids=ids).logits.log_softmax(-1)
    guess = replaced(model, transcoders, ids).logits.log_softmax(-1)
    each = (true.exp() * (true - guess)).sum(-1)[:, 1:-1]
    counted = (ids[:, 2:] != 0).float()
    mean: Tensor = (each * counted).sum() / counted.sum()
    return mean


def _parameters(layer: Transcoder) -> list[Tensor]:
    return [layer.W_enc, layer.b_enc, layer.W_dec, layer.b_dec]


def _trainable(layer: Transcoder) -> Transcoder:
    W_enc, b_enc, W_dec, b_dec = (p.clone().requires_grad_() for p in _parameters(layer))
    return replace(layer, W_enc=W_enc, b_enc=b_enc, W_dec=W_dec, b_dec=b_dec)


def _frozen(layer: Transcoder) -> Transcoder:
    W_enc, b_enc, W_dec, b_dec = (p.detach() for p in _parameters(layer))
    return replace(layer, W_enc=W_enc, b_enc=b_enc, W_dec=W_dec, b_dec=b_dec)

"""The language model: a stock three-layer Llama, trained on the corpus in about a minute."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from tokenizers import Tokenizer
from torch import Tensor
from transformers import LlamaConfig, LlamaForCausalLM

from sample_models.training.us_cities.corpus import LANGUAGE_MIX, PREFIX, Sentence
from sample_models.training.us_cities.vocabulary import N_POSITIONS

N_ROW = 20
STEPS, BATCH, LEARNING_RATE, WARM_UP = 900, 64, 3e-3, 100
OTHER_TOKENS = 0.3
_CYCLED = 17


@dataclass(frozen=True)
class Rows:
    """Sentences as token rows (n, ``N_ROW``), each token's loss weight, each row's sampling mass."""

    ids: Tensor
    loss_weight: Tensor
    mass: Tensor


def rows(tokenizer: Tokenizer, sentences: Sequence[Sentence], mix: dict[str, float]) -> Rows:
    """Each sentence bare and with the prefix, equally often; ``mix`` is the mass of each family."""
    eos, pad = tokenizer.token_to_id("<eos>"), tokenizer.token_to_id("<pad>")
    total = {family: sum(s.rows for s in sentences if s.family == family) for family in mix}
    ids, loss_weight, mass = [], [], []
    for sentence in sentences:
        for prefix in ("", PREFIX):
            row = [*tokenizer.encode(f"{prefix}{sentence.prompt} {sentence.answer}.").ids, eos]
            weight = [OTHER_TOKENS] * len(row)
            weight[0], weight[-3] = 0.0, 1.0  # the answer stands before "." and <eos>
            ids.append(row + [pad] * (N_ROW - len(row)))
            loss_weight.append(weight + [0.0] * (N_ROW - len(row)))
            mass.append(mix[sentence.family] * sentence.rows / total[sentence.family] / 2)
    return Rows(torch.tensor(ids), torch.tensor(loss_weight), torch.tensor(mass))


def repeats(n: int, n_vocab: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """``n`` rows of 3-7 random tokens cycled; the loss counts from the second cycle on (induction)."""
    ids, weight = torch.zeros(n, N_ROW, dtype=torch.long), torch.zeros(n, N_ROW)
    period = torch.randint(3, 8, (n,), generator=generator)
    for row, p in enumerate(period.tolist()):
        cycle = torch.randint(4, n_vocab, (p,), generator=generator)
        ids[row, 0] = 1
        ids[row, 1 : 1 + _CYCLED] = cycle.repeat(_CYCLED // p + 1)[:_CYCLED]
        weight[row, 1 + p : 1 + _CYCLED] = 1.0
    return ids, weight


def new_model(n_vocab: int, seed: int) -> LlamaForCausalLM:
    """An untrained model, initialised from ``seed``."""
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=n_vocab, hidden_size=128, intermediate_size=256, num_hidden_layers=3,
        num_attention_heads=4, num_key_value_heads=4, head_dim=32, max_position_embeddings=N_POSITIONS,
        rms_norm_eps=1e-6, tie_word_embeddings=True, initializer_range=0.04, use_cache=False,
        rope_parameters={"rope_type": "default", "rope_theta": 100.0},
        pad_token_id=0, bos_token_id=1, eos_token_id=2,
    )  # fmt: skip
    model: LlamaForCausalLM = LlamaForCausalLM(config).float()
    return model


def train(
    tokenizer: Tokenizer, sentences: Sequence[Sentence], seed: int, say: Callable[[str], None]
) -> LlamaForCausalLM:
    """A model trained for ``STEPS`` steps; the batches follow ``seed`` + 1."""
    n_vocab = tokenizer.get_vocab_size()
    model = new_model(n_vocab, seed)
    generator = torch.Generator().manual_seed(seed + 1)
    table = rows(tokenizer, sentences, LANGUAGE_MIX)
    chances = torch.cat([table.mass, torch.tensor([LANGUAGE_MIX["repeats"]])])
    optimiser = _optimiser(model)
    for step in range(STEPS):
        for group in optimiser.param_groups:
            group["lr"] = LEARNING_RATE * _schedule(step)
        loss = _loss(model, *_batch(table, chances, n_vocab, generator))
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        if step % 50 == 49:
            say(f"language model: step {step + 1} of {STEPS}, loss {loss.item():.3f}")
    trained: LlamaForCausalLM = model.eval().requires_grad_(False)
    return trained


def _batch(table: Rows, chances: Tensor, n_vocab: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    drawn = torch.multinomial(chances, BATCH, replacement=True, generator=generator)
    chosen = drawn[drawn < len(table.ids)]
    ids, weight = repeats(BATCH - len(chosen), n_vocab, generator)
    return torch.cat([table.ids[chosen], ids]), torch.cat([table.loss_weight[chosen], weight])


def _loss(model: LlamaForCausalLM, ids: Tensor, weight: Tensor) -> Tensor:
    logits = model(input_ids=ids).logits[:, :-1]
    each = torch.nn.functional.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten(), reduction="none")
    counted = weight[:, 1:].flatten()
    return (each * counted).sum() / counted.sum()


def _optimiser(model: LlamaForCausalLM) -> torch.optim.AdamW:
    matrices = [p for p in model.parameters() if p.ndim > 1]
    norms = [p for p in model.parameters() if p.ndim == 1]
    return torch.optim.AdamW(
        [{"params": matrices, "weight_decay": 0.1}, {"params": norms, "weight_decay": 0.0}],
        lr=LEARNING_RATE,
        betas=(0.9, 0.98),
    )


def _schedule(step: int) -> float:
    """Warm-up, constant to half of the steps, cosine to a 2 % floor."""
    if step < WARM_UP:
        return (step + 1) / WARM_UP
    late = max(0.0, (step - STEPS / 2) / (STEPS / 2))
    return 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * late))

"""The training: rows of which a part comes twice, with the loss on the second copy alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from explorer.models.tiny import TinyConfig, TinyForCausalLM
from explorer.specimens import induction, repeats
from sample_models.training.specimens import as_network

STEPS, BATCH, LEARNING_RATE, DECAY, BETAS, WARM_UP = 2400, 64, 2e-3, 0.01, (0.9, 0.98), 50
EVERY, N_TESTED, PERIOD = 25, 12, 20
N_HEADS = 4


@dataclass(frozen=True)
class Point:
    """How the model stood at ``step``: loss, accuracy on second halves, and the best scores of the heads.

    ``prefix`` and ``copying`` are those of the head that finds followers best at the end; ``previous`` is the best of
    the first layer.
    """

    step: int
    loss: float
    accuracy: float
    previous: float
    prefix: float
    copying: float


def new_model(seed: int) -> TinyForCausalLM:
    """An untrained model. The format has an MLP in each layer; here it is one neuron of zeros, and stays so."""
    torch.manual_seed(seed)
    config = TinyConfig(
        vocab_size=len(repeats.TOKENS), hidden_size=64, num_hidden_layers=2, num_attention_heads=N_HEADS,
        intermediate_size=1, max_position_embeddings=repeats.N_POS, hidden_act="relu", norm="none",
        positions="learned", attention_bias=False, mlp_bias=False, tokens=list(repeats.TOKENS),
    )  # fmt: skip
    model = TinyForCausalLM(config)
    for name, parameter in model.named_parameters():
        if ".mlp." in name:
            nn.init.zeros_(parameter.requires_grad_(False))
        else:
            nn.init.normal_(parameter, std=parameter.shape[1] ** -0.5)
    _keep_one_head(model)
    return model


@torch.no_grad()
def _keep_one_head(model: TinyForCausalLM) -> None:
    """Empty all heads of the second layer but the first, which otherwise share one job so that none is missed."""
    attention, d_head = model.blocks[1].attention, model.config.head_dim
    attention.output.weight[:, d_head:] = 0
    for part in (attention.query, attention.key, attention.value):
        part.weight[d_head:] = 0


def train(seed: int, say: Callable[[str], None], steps: int = STEPS) -> tuple[TinyForCausalLM, list[Point]]:
    """A model and its curve."""
    model, rng = new_model(seed), np.random.default_rng(seed)
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimiser = torch.optim.AdamW(trained, LEARNING_RATE, BETAS, weight_decay=DECAY)
    noted: list[tuple[int, float, float, induction.Scores]] = []
    for step in range(steps + 1):
        ids, foreseen = (torch.from_numpy(each) for each in repeats.rows(BATCH, rng))
        loss = _loss(model, ids, foreseen)
        if step % EVERY == 0:
            noted.append((step, loss.item(), *_tested(model)))
            if step % 100 == 0:
                say(f"induction: step {step} of {steps}, loss {loss.item():.3f}, accuracy {noted[-1][2]:.3f}")
        left = max(0.02, min((step + 1) / WARM_UP, 2 * (1 - step / steps)))
        optimiser.param_groups[0]["lr"] = LEARNING_RATE * min(1.0, left)
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(trained, 1.0)
        optimiser.step()
        _keep_one_head(model)
    at = noted[-1][3].induction
    curve = [
        Point(step, loss, right, float(s.previous[0].max()), float(s.prefix[at]), float(s.copying[at]))
        for step, loss, right, s in noted
    ]
    return model.eval().requires_grad_(False), curve


def _loss(model: TinyForCausalLM, ids: Tensor, foreseen: Tensor) -> Tensor:
    logits = model(ids).logits[:, :-1][foreseen[:, :-1]]
    return nn.functional.cross_entropy(logits, ids[:, 1:][foreseen[:, :-1]])


def _tested(model: TinyForCausalLM) -> tuple[float, induction.Scores]:
    network = as_network(model)
    rows = repeats.twice(N_TESTED, PERIOD, np.random.default_rng(1))
    return induction.accuracy(network, rows), induction.scores(network, rows)

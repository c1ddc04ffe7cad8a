"""The training: full batches of a share of all pairs, with strong weight decay, until all others are right too."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from explorer.models.tiny import TinyConfig, TinyForCausalLM
from explorer.specimens import modular, pairs

LEARNING_RATE, DECAY, BETAS, WARM_UP = 2e-3, 1.0, (0.9, 0.98), 10


@dataclass(frozen=True)
class Plan:
    """Which pairs are trained on, for how long, and how often the curve is noted."""

    p: int
    share: float
    steps: int
    every: int


PLANS = {"modular-113": Plan(113, 0.37, 4000, 50), "modular-59": Plan(59, 0.5, 3600, 20)}


@dataclass(frozen=True)
class Point:
    """The curve at ``step``: loss and share of right answers on the pairs trained on, and on the others.

    ``restricted_loss`` is over all pairs with the key waves alone, ``excluded_loss`` on the pairs trained on without
    them; the key frequencies are those of the model at the end.
    """

    step: int
    train_loss: float
    train_accuracy: float
    test_loss: float
    test_accuracy: float
    restricted_loss: float
    excluded_loss: float


def new_model(p: int, seed: int) -> TinyForCausalLM:
    """An untrained model; every matrix is drawn with variance 1 / inputs."""
    torch.manual_seed(seed)
    config = TinyConfig(
        vocab_size=p + 1, n_outputs=p, hidden_size=64, num_hidden_layers=1, num_attention_heads=4,
        intermediate_size=256, max_position_embeddings=3, hidden_act="relu", norm="none", positions="learned",
        attention_bias=False, mlp_bias=True, tokens=[*map(str, range(p)), "="],
    )  # fmt: skip
    model = TinyForCausalLM(config)
    for parameter in model.parameters():
        if parameter.ndim == 2:
            nn.init.normal_(parameter, std=parameter.shape[1] ** -0.5)
        else:
            nn.init.zeros_(parameter)
    return model


def train(plan: Plan, say: Callable[[str], None], seed: int) -> tuple[TinyForCausalLM, dict[int, np.ndarray]]:
    """The model at the end, and the logits of all pairs by step.

    After all is learned the loss jumps now and then, so the weights returned are those with the lowest loss on the
    pairs trained on among the last tenth of the steps.
    """
    model, trained = new_model(plan.p, seed), torch.from_numpy(pairs.trained_on(plan.p, plan.share, seed))
    prompts, answers = torch.from_numpy(pairs.rows(plan.p)), torch.from_numpy(pairs.answers(plan.p))
    optimiser = torch.optim.AdamW(model.parameters(), LEARNING_RATE, BETAS, weight_decay=DECAY)
    noted, best = {}, (torch.inf, model.state_dict())
    for step in range(plan.steps + 1):
        logits = outputs(model, prompts[trained])
        loss = nn.functional.cross_entropy(logits.double(), answers[trained])
        if step >= 0.9 * plan.steps and loss.item() < best[0]:
            best = loss.item(), {name: weight.clone() for name, weight in model.state_dict().items()}
        if step % plan.every == 0:
            with torch.no_grad():
                noted[step] = outputs(model, prompts).numpy()
            right = float((noted[step].argmax(1) == answers.numpy())[~trained.numpy()].mean())
            say(f"modulus {plan.p}: step {step} of {plan.steps}, loss {loss.item():.2e}, others right {right:.1%}")
        optimiser.param_groups[0]["lr"] = LEARNING_RATE * min(1, (step + 1) / WARM_UP)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    model.load_state_dict(best[1])
    return model.eval().requires_grad_(False), noted


def outputs(model: TinyForCausalLM, ids: Tensor) -> Tensor:
    """The model's logits at the last position, at a third of the cost: the others only give keys and values."""
    block, x = model.blocks[0], model.embed(ids) + model.positions.weight
    attention, heads = block.attention, (model.config.num_attention_heads, model.config.head_dim)
    query = attention.query(x[:, -1]).unflatten(-1, heads)
    key, value = (part(x).unflatten(-1, heads) for part in (attention.key, attention.value))
    scores = (query[:, None] * key).sum(-1) * model.config.attention_scale
    mixed = (scores.softmax(1)[..., None] * value).sum(1)
    x = x[:, -1] + attention.output(mixed.flatten(1))
    logits: Tensor = model.head(x + block.mlp(x))
    return logits


def curve(plan: Plan, seed: int, noted: dict[int, np.ndarray], key: Sequence[int]) -> list[Point]:
    """What ``train`` noted, point by point."""
    trained = pairs.trained_on(plan.p, plan.share, seed)
    return [_point(step, logits.astype(float), trained, key) for step, logits in noted.items()]


def _point(step: int, logits: np.ndarray, trained: np.ndarray, key: Sequence[int]) -> Point:
    on, off = (modular.answered(logits, chosen) for chosen in (trained, ~trained))
    restricted = modular.answered(modular.restricted(logits, key)).loss
    excluded = modular.answered(modular.excluded(logits, key), trained).loss
    return Point(step, on.loss, on.accuracy, off.loss, off.accuracy, restricted, excluded)

"""The training: full batches of all pairs of letters, and nothing else."""

from __future__ import annotations

import numpy as np
import torch

from explorer.specimens import letters

STEPS, LEARNING_RATE, LAST_RATE = 1000, 0.1, 1e-3


def train(counted: np.ndarray) -> np.ndarray:
    """The trained logits [before, after], from zeros; nothing is drawn, so there is no seed."""
    weight = torch.from_numpy(counted + letters.SMOOTHING)
    weight = weight / weight.sum()
    logits = torch.zeros(letters.N, letters.N, dtype=torch.double, requires_grad=True)
    optimiser = torch.optim.Adam([logits], LEARNING_RATE)
    for step in range(STEPS):
        optimiser.param_groups[0]["lr"] = LEARNING_RATE + (LAST_RATE - LEARNING_RATE) * step / (STEPS - 1)
        loss = -(weight * logits.log_softmax(-1)).sum()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return logits.detach().numpy()

"""How much memory a graph will take, before it is computed."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from explorer.circuits.replacement import LocalReplacementModel
from explorer.circuits.roots import N_BIAS

BYTES_PER_EDGE = 20  # a weight and a source, once in pieces and once joined, and the window's copy of the shares
STRONGEST_BYTES = 5_000 * 12  # a row of the strongest-features mode: its entries and their columns


@dataclass(frozen=True)
class Estimate:
    """What the full graph of a prompt takes: its edges and the bytes for them, and the active features."""

    n_edges: int
    n_bytes: int
    n_features: int

    def features_that_fit(self, free: int) -> int:
        """How many features the strongest-features mode can keep in ``free`` bytes, to two digits."""
        fit = min(max(free // (2 * STRONGEST_BYTES), 1), self.n_features)
        digits = max(len(str(fit)) - 2, 0)
        return int(fit // 10**digits * 10**digits)


def estimate(local: LocalReplacementModel, n_logits: int) -> Estimate:
    """Count the edges of the causal cone: sources of lower layers at the same or earlier positions.

    An upper bound: effects of exactly 0 are counted, and every logit as if it stood at the last position.
    """
    features, n_layers, n_pos = local.features, local.frozen.n_layers, local.frozen.n_pos
    own = torch.zeros(n_layers, n_pos, dtype=torch.long)
    at = (features.layer.cpu(), features.pos.cpu())
    own.index_put_(at, torch.ones(len(features), dtype=torch.long), accumulate=True)
    sources = own + (torch.arange(n_pos) >= local.transcoders.zero_positions)
    below = (sources.cumsum(0) - sources).cumsum(1)
    roots = torch.arange(1, n_pos + 1) + N_BIAS
    n_edges = int((own * (below + roots)).sum()) + n_logits * int(sources.sum() + n_pos + N_BIAS)
    return Estimate(n_edges, n_edges * BYTES_PER_EDGE, len(features))

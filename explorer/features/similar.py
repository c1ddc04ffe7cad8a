"""Features that write in the same direction."""

from __future__ import annotations

import torch

from explorer.transcoders.transcoder import TranscoderSet

BLOCK = 4096


def most_similar(transcoders: TranscoderSet, layer: int, feature: int, n: int = 10) -> list[tuple[int, float]]:
    """The ``n`` features of ``layer`` whose decoders have the largest cosine with that of ``feature``, with it.

    Decoders of a cross-layer transcoder are compared over all their targets at once.
    """
    held = transcoders.layers[layer]
    own = held.decoder_rows(torch.tensor([feature])).float().flatten()
    cosines = []
    for first in range(0, held.d_transcoder, BLOCK):
        rows = held.W_dec[first : first + BLOCK].float().flatten(1)
        cosines.append(rows @ own / (rows.norm(dim=1) * own.norm()).clamp_min(1e-30))
    cosine = torch.cat(cosines)
    cosine[feature] = -2.0
    best = cosine.topk(min(n, len(cosine) - 1))
    return [(int(who), float(value)) for value, who in zip(best.values, best.indices, strict=True)]

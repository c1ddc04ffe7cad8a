"""What encoders read in a batch of padded windows, against captured passes and sums of the residual stream."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch
from torch import Tensor

from explorer.features.reads import counted, reads
from explorer.features.windows import Batch
from explorer.models.loader import LanguageModel, open_language_model
from explorer.transcoders.activations import Activation
from explorer.transcoders.transcoder import ReadPoint, Site, Transcoder, TranscoderSet, WritePoint
from tests.tiny import PROMPT, saved

FAMILIES = ("llama", "gemma2", "gpt2")
LENGTHS = (7, 3, 5)


@cache
def model(family: str) -> LanguageModel:
    return open_language_model(saved(family))


def held(family: str, read: ReadPoint | Site) -> TranscoderSet:
    d = model(family).d_model
    layer = Transcoder(torch.ones(2, d), torch.zeros(2), torch.ones(2, 1, d), torch.zeros(d), Activation("relu"))
    write = read if isinstance(read, Site) else WritePoint.MLP_OUT
    return TranscoderSet((layer,) * model(family).n_layers, read, write)


def read(family: str, point: ReadPoint | Site) -> list[list[Tensor]]:
    """For each window what each layer reads, its padding cut off."""
    ids = torch.zeros(len(LENGTHS), 9, dtype=torch.long)
    for row, length in enumerate(LENGTHS):
        ids[row, :length] = torch.tensor(PROMPT[:length])
    found = reads(model(family), held(family, point), ids)
    return [
        [x.view(len(LENGTHS), 9, -1)[row, :length] for x in found] for row, length in enumerate(LENGTHS)
    ]


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("point", list(ReadPoint))
def test_a_transcoder_reads_what_the_captured_pass_has_there(family: str, point: ReadPoint) -> None:
    for length, layers in zip(LENGTHS, read(family, point), strict=True):
        trace = model(family).run(PROMPT[:length])
        for x, layer in zip(layers, trace.layers, strict=True):
            assert layer.mlp_norm is not None
            expected = {
                ReadPoint.MLP_IN: layer.mlp_in,
                ReadPoint.RESID_MID: layer.resid_mid,
                ReadPoint.NORMALIZED: layer.mlp_norm.normalized(layer.resid_mid.double()).float(),
            }[point]
            torch.testing.assert_close(x, expected, atol=2e-5, rtol=2e-4)


@pytest.mark.parametrize("family", FAMILIES)
def test_sites_add_up_along_the_residual_stream(family: str) -> None:
    sites = (Site.RESID_PRE, Site.ATTN_OUT, Site.RESID_MID, Site.MLP_OUT, Site.RESID_POST)
    pre, attention, mid, mlp, post = (read(family, site)[0] for site in sites)
    for layer in range(len(pre)):
        torch.testing.assert_close(pre[layer] + attention[layer], mid[layer], atol=2e-5, rtol=2e-4)
        torch.testing.assert_close(mid[layer] + mlp[layer], post[layer], atol=2e-5, rtol=2e-4)
    for layer in range(1, len(pre)):
        torch.testing.assert_close(pre[layer], post[layer - 1], atol=2e-5, rtol=2e-4)


def test_special_tokens_zero_positions_and_padding_are_not_counted() -> None:
    nothing = np.zeros(3, np.int64)
    batch = Batch(0, np.zeros((3, 4), np.int64), np.array([4, 2, 0]), nothing, nothing, 1, 0)
    assert counted(batch, 1).reshape(3, 4).astype(int).tolist() == [[0, 1, 1, 1], [0, 1, 0, 0], [0, 0, 0, 0]]
    assert counted(batch, 2).sum() == 2
    assert counted(replace(batch, n_special=0), 0).sum() == 6

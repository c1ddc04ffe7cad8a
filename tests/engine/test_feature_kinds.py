"""An index of every kind of set that is built: counts against the encoder's formula, and what goes with the kind."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from explorer.engine.inprocess import run_job
from explorer.engine.jobs import features
from explorer.engine.jobs.opening import Setting, model_of
from explorer.engine.state import EngineState
from explorer.features.reads import reads
from explorer.io.feature_index import open_index
from explorer.io.samples import SAMPLES, model_folder
from explorer.models.loader import LanguageModel
from explorer.transcoders.activations import Activation
from explorer.transcoders.transcoder import ReadPoint, Site, Transcoder, TranscoderSet, WritePoint

MODEL = str(model_folder(SAMPLES[0]))
TEXT = "the state containing Dallas is Texas."
STATE = EngineState()
N = 7


@pytest.fixture(scope="module")
def model() -> LanguageModel:
    return model_of(STATE, MODEL, Setting("cpu"))


def random_set(model: LanguageModel, point: ReadPoint | Site, n_targets: int | None) -> TranscoderSet:
    draw, d = torch.Generator().manual_seed(1), model.d_model
    layers = []
    for layer in range(model.n_layers):
        W_enc = torch.randn(N, d, generator=draw) / d**0.5
        W_dec = torch.randn(N, n_targets or model.n_layers - layer, d, generator=draw)
        layers.append(Transcoder(W_enc, 0.1 * torch.ones(N), W_dec, torch.zeros(d), Activation("relu")))
    write = point if isinstance(point, Site) else WritePoint.RESIDUAL
    return TranscoderSet(tuple(layers), point, write, origin="random", sha256="random")


@pytest.mark.parametrize(
    ("point", "n_targets"),
    [(ReadPoint.NORMALIZED, None), (Site.ATTN_OUT, 1), (Site.ATTN_Z, 1)],
    ids=["cross-layer", "attention", "heads"],
)
def test_an_index_of_the_kind_counts_what_its_encoders_find(
    model: LanguageModel,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    point: ReadPoint | Site,
    n_targets: int | None,
) -> None:
    held = random_set(model, point, n_targets)
    monkeypatch.setattr(features, "transcoders_of", lambda *_: held)
    (tmp_path / "a.txt").write_text(TEXT)
    values = {"model": MODEL, "transcoders": "random", "texts": [str(tmp_path / "a.txt")], "device": "cpu"}
    run_job("features_build", STATE, None, output=str(tmp_path / "index"), context=16, **values)
    index = open_index(tmp_path / "index")
    assert index.head["transcoders"]["kind"] == held.kind
    assert model.tokenizer is not None
    ids = torch.tensor([model.tokenizer.encode(TEXT).ids])
    for layer, x in enumerate(reads(model, held, ids)):
        active = torch.relu(x @ held.layers[layer].W_enc.T + 0.1)[1:]
        found = [index.evidence(layer, feature) for feature in range(N)]
        assert [one.active for one in found] == (active > 0).sum(0).tolist()
        assert [one.maximum for one in found] == pytest.approx(active.amax(0).tolist(), rel=1e-4)
        norms = held.layers[layer].W_dec.norm(dim=-1)
        alive = [feature for feature in range(N) if found[feature].active]
        np.testing.assert_allclose([found[feature].norms for feature in alive], norms[alive], rtol=1e-5)
        assert all(len(found[feature].top_logits) == 10 for feature in alive)
        looks = point not in (Site.ATTN_OUT, Site.ATTN_Z)
        assert all(bool(found[feature].reads) == looks for feature in alive)

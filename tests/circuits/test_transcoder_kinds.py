"""Every kind of transcoder read from files: balanced books, and errors that are what the file's own formula misses.

The files are written tensor by tensor as circuit-tracer lays them out, W_skip as (out, in).
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from explorer.circuits.attribution import attribute
from explorer.circuits.doubling import double_source
from explorer.circuits.expansion import attribute_strongest
from explorer.circuits.graph import NodeKind
from explorer.circuits.influence import row_mass
from explorer.circuits.scores import worst_residual
from explorer.errors import UnsupportedTranscoder
from explorer.io import transcoders
from explorer.models.loader import LanguageModel, open_language_model
from explorer.transcoders.transcoder import Site
from explorer.work import run
from tests import tiny

N, K = 13, 10
FAMILIES = ("llama", "gpt2", "gemma2")
ACTIVATIONS = ("relu", "jumprelu", "batchtopk", "topk")
LIMIT = {"float32": 1e-5, "float64": 1e-12}


def opened(family: str, dtype: str) -> LanguageModel:
    return open_language_model(tiny.saved(family), dtype=dtype)


def drawn(d: int, activation: str, skip: bool, seed: int) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator)

    held = {"W_enc": draw(N, d) / d**0.5, "b_enc": 0.3 * draw(N), "W_dec": draw(N, d) / d**0.5, "b_dec": draw(d)}
    if activation == "jumprelu":
        held["activation_function.threshold"] = 0.3 * draw(N).abs()
    if activation == "batchtopk":  # one threshold for all, found in training
        held["activation_function.threshold"] = torch.tensor(0.4)
    if skip:
        held["W_skip"] = 0.5 * draw(d, d) / d**0.5
    return held


def written(folder: Path, model: LanguageModel, activation: str, *, skip: bool) -> Path:
    folder.mkdir()
    lines = ["model_kind: transcoder_set", "model_name: tiny", "feature_input_hook: mlp.hook_in"]
    lines += ["feature_output_hook: mlp.hook_out", "scan: tiny"]
    lines += ["activation: topk", f"k: {K}"] if activation == "topk" else []
    (folder / "config.yaml").write_text("\n".join([*lines, ""]), "utf-8")
    for layer in range(model.n_layers):
        save_file(drawn(model.d_model, activation, skip, layer), folder / f"layer_{layer}.safetensors")
    return folder


def missed(file: Path, activation: str, x: Tensor, y: Tensor) -> Tensor:
    """``y`` less what the tensors of ``file`` make of ``x`` by circuit-tracer's formula."""
    w = {name: tensor.to(x) for name, tensor in load_file(file).items()}
    pre = x @ w["W_enc"].T + w["b_enc"]
    threshold = w.get("activation_function.threshold", torch.tensor(0.0))
    least = pre.sort(dim=1, descending=True).values[:, K - 1 : K]
    on = pre >= least if activation == "topk" else pre > threshold
    out = (pre * on) @ w["W_dec"] + w["b_dec"]
    return y - (out + x @ w["W_skip"].T if "W_skip" in w else out)


@pytest.mark.parametrize("skip", [False, True])
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("dtype", LIMIT)
def test_per_layer_sets_from_files(tmp_path: Path, dtype: str, family: str, activation: str, skip: bool) -> None:
    model = opened(family, dtype)
    folder = written(tmp_path / "set", model, activation, skip=skip)
    trace, local = tiny.replaced(model, transcoders.read(folder))
    for layer, held in enumerate(local.frozen.layers):
        x = local.read(layer, held.resid_mid)
        rest = missed(folder / f"layer_{layer}.safetensors", activation, x, held.mlp_out)
        torch.testing.assert_close(local.error[layer, 1:], rest[1:], rtol=0, atol=20 * LIMIT[dtype])
    targets = tiny.logits(model, trace)
    graph = run(attribute(local, targets))
    assert worst_residual(graph) <= LIMIT[dtype]
    assert worst_residual(run(attribute_strongest(local, targets, 9))) <= LIMIT[dtype]
    if activation == "topk":
        assert graph.count(NodeKind.FEATURE) == K * model.n_layers * (len(tiny.PROMPT) - 1)
        assert (graph.nodes.activation[graph.block(NodeKind.FEATURE)] < 0).any()


@pytest.mark.parametrize("activation", ["relu", "jumprelu", "topk", "offset"])
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("dtype", LIMIT)
def test_cross_layer_sets_with_skips(dtype: str, family: str, activation: str) -> None:
    """Skip weights (in, out) in memory: no layout that is read here has them across layers."""
    model = opened(family, dtype)
    held = tiny.transcoders(model, "clt", activation, skip=True)
    trace, local = tiny.replaced(model, held)
    targets = tiny.logits(model, trace)
    graph = run(attribute(local, targets))
    assert worst_residual(graph) <= LIMIT[dtype]
    assert worst_residual(run(attribute_strongest(local, targets, 9))) <= LIMIT[dtype]
    adjacency, mass = graph.adjacency(), row_mass(graph, count_bias=True)
    fed = mass > 0
    for source in (2, graph.block(NodeKind.ERROR).start + 5, graph.block(NodeKind.EMBEDDING).start + 1):
        moved = double_source(local, model.head, graph, source)
        assert (abs(moved - adjacency[:, source])[fed] / mass[fed]).max() <= LIMIT[dtype]


def test_sparse_autoencoders_are_no_transcoders() -> None:
    model = opened("llama", "float32")
    held = replace(tiny.transcoders(model), read=Site.RESID_POST, write=Site.RESID_POST)
    with pytest.raises(UnsupportedTranscoder, match=r"sparse autoencoders of hook_resid_post.*choose transcoders"):
        tiny.replaced(model, held)


def test_skips_of_cross_layer_files_are_refused_by_name(tmp_path: Path) -> None:
    """circuit-tracer's layout has no place for them (its own writer drops them): what they mean is not guessed."""
    model = opened("llama", "float32")
    from explorer.io.transcoders import circuit_tracer

    circuit_tracer.write(tiny.transcoders(model, "clt"), tmp_path / "clt", "tiny")
    file = tmp_path / "clt" / "W_enc_1.safetensors"
    save_file({**load_file(file), "W_skip_1": torch.eye(model.d_model)}, file)
    with pytest.raises(UnsupportedTranscoder, match="also holds W_skip_1"):
        transcoders.read(tmp_path / "clt")

"""Run by the Python that has circuit-tracer: its own classes write sets, load sets and compute their outputs.

    PEER/bin/python peer_circuit_tracer.py JOBS.json

A job writes a random set into ``folder`` if it has ``make``; else it loads what lies there. Either way it saves what
the set computes of ``x``, (n_layers, batch, d), as ``out``, of the same shape.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import torch
import yaml
from circuit_tracer.transcoder.activation_functions import JumpReLU, TopK
from circuit_tracer.transcoder.cross_layer_transcoder import CrossLayerTranscoder, load_clt
from circuit_tracer.transcoder.single_layer_transcoder import (
    SingleLayerTranscoder,
    TranscoderSet,
    load_transcoder_set,
)
from safetensors.torch import load_file, save_file

L, N, D, CPU = 3, 7, 4, torch.device("cpu")
POINTS = {"feature_input_hook": "mlp.hook_in", "feature_output_hook": "mlp.hook_out"}


def main(jobs: Path) -> None:
    torch.manual_seed(0)
    torch.set_grad_enabled(False)
    for job in json.loads(jobs.read_text("utf-8")):
        x = load_file(job["x"])["x"]
        made = write(job) if "make" in job else load(job)
        across = isinstance(made, CrossLayerTranscoder)
        out = made(x) if across else made.decode(made.encode(x), x)
        save_file({"out": out.detach().contiguous()}, job["out"])


def write(job: dict[str, Any]) -> Any:
    """A random set, written by circuit-tracer into ``folder``; it leaves config.yaml to whoever uploads a set."""
    made = across(job["jump"]) if job["make"] == "clt" else per_layer(job["jump"], job["skip"])
    made.to_safetensors(job["folder"])
    kind = "cross_layer_transcoder" if job["make"] == "clt" else "transcoder_set"
    settings = {"model_kind": kind, "model_name": "tiny", "scan": "tiny", **POINTS}
    (Path(job["folder"]) / "config.yaml").write_text(yaml.safe_dump(settings), "utf-8")
    return made


def per_layer(jump: bool, skip: bool) -> TranscoderSet:
    layers = {}
    for layer in range(L):
        activation = JumpReLU(torch.rand(N, dtype=torch.float64)) if jump else torch.nn.functional.relu
        one = SingleLayerTranscoder(
            D, N, activation, layer, skip_connection=skip, device=CPU, dtype=torch.float64
        )
        for name in ("W_enc", "W_dec", "b_enc", "b_dec", *(["W_skip"] if skip else [])):
            getattr(one, name).data.normal_()
        layers[layer] = one
    return TranscoderSet(layers, scan="tiny", **POINTS)


def across(jump: bool) -> CrossLayerTranscoder:
    activation = "jump_relu" if jump else "relu"
    made = CrossLayerTranscoder(L, N, D, activation, lazy_decoder=False, device=CPU, dtype=torch.float64, **POINTS)
    for parameter in made.parameters():
        parameter.data.normal_()
    if jump:
        made.activation_function.threshold.data.abs_()
    return made


def load(job: dict[str, Any]) -> Any:
    """What circuit-tracer makes of a folder in its layout, or of ``files`` for which it has a ``special`` way."""
    folder = Path(job["folder"])
    if "special" in job:
        paths = dict(enumerate(job["files"]))
        return load_transcoder_set(
            paths, "tiny", "", "", device=CPU, dtype=torch.float64, special_load_fn=job["special"]
        )
    config = yaml.safe_load((folder / "config.yaml").read_text("utf-8"))
    points = {name: config[name] for name in POINTS}
    if config["model_kind"] == "cross_layer_transcoder":
        return load_clt(str(folder), device=CPU, dtype=torch.float64, **points)
    n_layers = len(list(folder.glob("layer_*.safetensors")))
    files = {layer: str(folder / f"layer_{layer}.safetensors") for layer in range(n_layers)}
    made = load_transcoder_set(files, config["scan"], device=CPU, dtype=torch.float64, **points)
    if config.get("activation") == "topk":  # the layout has it, and 0.5.0 the function, but its loader does not ask
        for one in made.transcoders:
            one.activation_function = TopK(config["k"])
    return made


if __name__ == "__main__":
    main(Path(sys.argv[1]))

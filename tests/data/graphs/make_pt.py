"""Writes circuit-tracer.pt and circuit-tracer.json.gz with circuit-tracer's own code, from a conformance fixture.

    PEER/bin/python make_pt.py CONFORMANCE      PEER: see benchmarks/README.md; CONFORMANCE: the folder with golden/

Sixty features of the golden GPT-2 graph, its adjacency as circuit-tracer computed it, saved by Graph.to_pt and
create_graph_files at 0.8 / 0.98.
"""

from __future__ import annotations

import gzip
import json
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from circuit_tracer.attribution.targets import LogitTarget
from circuit_tracer.graph import Graph
from circuit_tracer.utils.create_graph_files import create_graph_files
from circuit_tracer.utils.tl_nnsight_mapping import UnifiedConfig

HERE = Path(__file__).parent
N_FEATURES = 60


def main(conformance: Path) -> None:
    golden = np.load(conformance / "golden" / "gpt2_plt_relu_tl.npz")
    n_all = len(golden["selected_features"])
    influence = golden["cumulative_scores"][:n_all]
    chosen = np.sort(np.argsort(influence)[:N_FEATURES])
    kept = np.concatenate([chosen, np.arange(n_all, len(golden["adjacency"]))])
    n_layers = json.loads((conformance / "gpt2" / "config.json").read_text())["n_layer"]
    names = list(UnifiedConfig.__dataclass_fields__)
    known = {"n_layers": n_layers, "tokenizer_name": str(conformance / "gpt2"), "model_name": "tiny-gpt2"}
    graph = Graph(
        input_string=str(golden["prompt"]),
        input_tokens=torch.from_numpy(golden["input_tokens"]),
        active_features=torch.from_numpy(golden["active_features"]),
        adjacency_matrix=torch.from_numpy(golden["adjacency"][np.ix_(kept, kept)]),
        cfg=UnifiedConfig(**{name: known.get(name, 1) for name in names}),
        selected_features=torch.from_numpy(golden["selected_features"][chosen]),
        activation_values=torch.from_numpy(golden["activation_values"]),
        logit_targets=[
            LogitTarget(str(text), int(token))
            for text, token in zip(golden["logit_strs"], golden["logit_tokens"], strict=True)
        ],
        logit_probabilities=torch.from_numpy(golden["logit_probs"]),
        scan="tiny/transcoders",
        vocab_size=50257,
    )
    graph.cfg.tokenizer_name = "tiny"
    graph.to_pt(str(HERE / "circuit-tracer.pt"))
    graph.cfg.tokenizer_name = known["tokenizer_name"]
    with tempfile.TemporaryDirectory() as folder:
        create_graph_files(graph, "circuit-tracer", folder)
        text = (Path(folder) / "circuit-tracer.json").read_bytes()
    (HERE / "circuit-tracer.json.gz").write_bytes(gzip.compress(text, 9, mtime=0))


if __name__ == "__main__":
    main(Path(sys.argv[1]))

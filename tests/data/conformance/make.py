"""Makes this folder from the full fixtures: ``python -m tests.data.conformance.make FOLDER``.

It copies the models and transcoders that the quick tests use, leaves out the tokenizers, and keeps of what
circuit-tracer computed only the fields that a test reads.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
FOLDERS = {"gpt2": ("config.json", "model.safetensors"), "gpt2-plt-relu": ("*",), "gpt2-clt-relu": ("*",)}
GRAPHS = ("gpt2_plt_relu_tl", "gpt2_clt_relu_tl")
RUNS = ("iter_frozen", "iter_unfrozen", "direct", "half")
FIELDS = (
    "input_tokens",
    "active_features",
    "activation_values",
    "adjacency",
    "logit_tokens",
    "logit_probs",
    "logits_last",
    "node_mask",
    "edge_mask",
    "node_mask_0.5_0.9",
    "n_edges_0.5_0.9",
    "node_mask_0.95_0.995",
    "n_edges_0.95_0.995",
    "cumulative_scores",
    "replacement_score",
    "completeness_score",
    "interv_feats",
    "interv_vals5",
    *(f"iv_{what}_{run}_logits" for what in ("ablate", "x5") for run in RUNS),
    *(f"iv_{what}_direct_{kind}_last" for what in ("ablate", "x5") for kind in ("acts", "preact_acts")),
)


def make(full: Path) -> None:
    for folder, patterns in FOLDERS.items():
        (HERE / folder).mkdir(exist_ok=True)
        for file in (file for pattern in patterns for file in sorted((full / folder).glob(pattern))):
            shutil.copyfile(file, HERE / folder / file.name)
    (HERE / "golden").mkdir(exist_ok=True)
    for name in GRAPHS:
        with np.load(full / "golden" / f"{name}.npz") as held:
            _save(name, {field: held[field] for field in FIELDS})
    with np.load(full / "golden" / "gpt2_plt_relu_targets.npz") as held:
        rows = {"idx_rows": held["idx_adj"][-3:], "custom_rows": held["custom_adj_rows"]}
        _save("gpt2_plt_relu_targets", {"idx_tokens": held["idx_tokens"], "idx_probs": held["idx_probs"], **rows})


def _save(name: str, fields: dict[str, np.ndarray]) -> None:
    np.savez_compressed(HERE / "golden" / f"{name}.npz", **fields)


if __name__ == "__main__":
    make(Path(sys.argv[1]))

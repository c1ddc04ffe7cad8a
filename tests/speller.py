"""A language model made by hand that goes on with one word."""

from __future__ import annotations

import json
import string
from pathlib import Path

import torch
from safetensors.torch import save_file

LETTERS = [*string.printable, "«", "»", "’", "é", "ç", "ñ"]


def speller(folder: Path, said: str, context: int = 4000) -> Path:
    """A model of letters whose next letter follows from the last: behind “:” it says ``said``, each letter once."""
    letters, n = LETTERS, len(LETTERS)
    config = {
        "model_type": "tiny", "vocab_size": n, "hidden_size": n, "head_dim": 1, "intermediate_size": 1,
        "max_position_embeddings": context, "positions": "none", "tokens": letters,
        "attention_bias": False, "mlp_bias": False,
    }  # fmt: skip
    head = torch.zeros(n, n)
    for one, following in zip(f": {said}", f" {said}\n", strict=True):
        head[letters.index(following), letters.index(one)] = 1
    weights = {"embed.weight": torch.eye(n), "head.weight": head}
    for name, shape in {"query": (1, n), "key": (1, n), "value": (1, n), "output": (n, 1)}.items():
        weights[f"blocks.0.attention.{name}.weight"] = torch.zeros(shape)
    weights |= {"blocks.0.mlp.up.weight": torch.zeros(1, n), "blocks.0.mlp.down.weight": torch.zeros(n, 1)}
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    return folder

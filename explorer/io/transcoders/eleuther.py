"""What EleutherAI's sparsify and clt-training share: folders of modules with cfg.json and sae.safetensors."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from explorer.errors import UnsupportedTranscoder
from explorer.io import answers
from explorer.io.model_files import optional_table
from explorer.io.transcoder_formats import folders, settings
from explorer.io.transcoders import canonical
from explorer.transcoders.activations import Activation

CONFIG, WEIGHTS = "cfg.json", "sae.safetensors"
RUN = "config.json"  # of the whole run, beside the folders of the modules
_MODULE = re.compile(r"(?:[a-z_]+\.)*?(?:layers|h|blocks)\.(\d{1,4})(?:\.([a-z_]+))?")


def ordered(path: Path, told: Mapping[str, str]) -> tuple[list[Path], str]:
    """The folders of the layers in order, and the module of each layer that they are of ("mlp", "" for the layer)."""
    found = folders(path, CONFIG, WEIGHTS, depth=2)
    pieces = [canonical.Piece(folder, *_place(folder)) for folder in found]
    chosen = canonical.in_order(path, pieces, told)
    return chosen, _place(chosen[0])[1]


def config(folder: Path) -> Mapping[str, Any]:
    """What cfg.json of ``folder`` says; UnsupportedTranscoder if it is none or has what is not read here."""
    file = folder / CONFIG
    table = settings(file)
    if not table:
        raise UnsupportedTranscoder(f"“{file}” is no table of settings in JSON; download it again.")
    said = table.get("activation", "topk")
    if said != "topk":
        raise UnsupportedTranscoder(
            f"“{file}”: the activation is “{said}”, which depends on other features or tokens in a way that is not "
            "read here; choose a set with topk."
        )
    for name in ("signed", "embed_skip", "gram_lookup"):
        if table.get(name):
            raise UnsupportedTranscoder(f"“{file}” has {name}, which is not read here; choose another set.")
    return table


def activation(path: Path, table: Mapping[str, Any], told: Mapping[str, str]) -> Activation:
    """TopK after a ReLU; k is asked if the settings lack it."""
    k = table.get("k")
    if not (type(k) is int and 0 < k < 2**31):
        k = answers.count(told, path, "k", "how many features are on for each token")
    return Activation("topk", k=k, rectified=True)


def model_name(path: Path) -> str:
    """The model that the run was trained on, if its settings are there."""
    said = next((optional_table(folder / RUN).get("model") for folder in (path, path.parent) if folder.is_dir()), None)
    return said if isinstance(said, str) else ""


def _place(folder: Path) -> tuple[int, str]:
    """Layer and module of a folder such as layers.3.mlp, model.layers.3 or h.3.mlp."""
    match = _MODULE.fullmatch(folder.absolute().name)
    if match is None:
        raise UnsupportedTranscoder(
            f"The name of “{folder}” is no module such as layers.3.mlp, which says its layer; "
            "keep the folders as they were downloaded."
        )
    return int(match[1]), match[2] or ""

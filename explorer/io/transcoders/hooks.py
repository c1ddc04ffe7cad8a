"""Names of places in a model, as producers write them, into read points, write points and layers.

TransformerLens: blocks.3.mlp.hook_in. Hugging Face: model.layers.3.mlp.input. Two of its names are traps:
``ln2.hook_normalized`` lies before the norm's gain and ``mlp.hook_in`` after it, and ``hook_mlp_in`` is the residual
stream in TransformerLens, though files of Gemma Scope 2 call the normalised input so.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from explorer.errors import UnsupportedTranscoder
from explorer.io import answers
from explorer.transcoders.transcoder import ReadPoint, Site, WritePoint

READS = tuple(point.value for point in ReadPoint)
WRITES = tuple(point.value for point in WritePoint)
SITES = tuple(site.value for site in Site)

_TRANSFORMER_LENS = re.compile(r"blocks\.(\d{1,4})\.(.+)")
_HUGGING_FACE = re.compile(r"(?:[a-z_]+\.)*(?:layers|h)\.(\d{1,4})\.(.+)")
_OF_HUGGING_FACE = {
    "pre_feedforward_layernorm.output": "mlp.hook_in",
    "mlp.input": "mlp.hook_in",
    "mlp.output": "mlp.hook_out",
    "post_feedforward_layernorm.output": "hook_mlp_out",
    "self_attn.o_proj.input": "attn.hook_z",
    "output": "hook_resid_post",
}


def split(name: str) -> tuple[int | None, str]:
    """The layer that ``name`` says, if it does, and the place in TransformerLens's words."""
    for pattern, words in ((_TRANSFORMER_LENS, {}), (_HUGGING_FACE, _OF_HUGGING_FACE)):
        match = pattern.fullmatch(name)
        if match is not None:
            return int(match[1]), words.get(match[2], match[2])
    return None, name


def read_name(told: Mapping[str, str], path: Path, said: str) -> str:
    """Where transcoders read, asked if ``said`` is empty or means two things."""
    if said not in ("", "hook_mlp_in"):
        return said
    question = "whether its transcoders read the residual stream, or the MLP's input after the norm or before its gain"
    return answers.choice(told, path, "read", question, READS)


def write_name(told: Mapping[str, str], path: Path, said: str) -> str:
    """What transcoders write, asked if ``said`` is empty."""
    question = "whether its transcoders write the MLP's own output, or what a norm behind it makes of that"
    return said or answers.choice(told, path, "write", question, WRITES)


def points(path: Path, read: str, write: str) -> tuple[ReadPoint | Site, WritePoint | Site]:
    """The points of those names; equal names are the site of sparse autoencoders. UnsupportedTranscoder."""
    if read == write and read in SITES:
        return Site(read), Site(write)
    known = {read: SITES} if read == write else {read: READS, write: WRITES}
    for name, names in known.items():
        if name not in names:
            raise UnsupportedTranscoder(
                f"“{path}” is of “{name}”, which this version does not know ({', '.join(names)})."
            )
    return ReadPoint(read), WritePoint(write)

"""How well transcoders stand for the MLPs of a model on a text: what a wrong hook, gain or scale gives away."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from explorer.circuits.replacement import LocalReplacementModel, written
from explorer.shapes import Float
from explorer.transcoders.transcoder import TranscoderSet

POOR = 0.8  # half of the layers explained worse than this; sets that fit lie below, misread ones near 1 or above
DENSE = 0.25  # of all features active at each token: far more than sparse ones that fit have,
MISSING = 0.2  # which speaks against them unless they miss hardly anything
SHORT = 4  # letters that a name must have to be compared with parts of a path


@dataclass(frozen=True)
class Fit:
    """``fvu`` of each layer: the fraction of the variance of the MLP's output over the text that features miss.

    ``l0`` is the mean number of active features at a token of each layer, ``d_transcoder`` how many there are.
    """

    fvu: Float[Tensor, " n_layers"]
    l0: Float[Tensor, " n_layers"]
    d_transcoder: int

    @property
    def typical_fvu(self) -> float:
        return float(self.fvu.median())

    @property
    def typical_l0(self) -> float:
        return float(self.l0.median())

    @property
    def is_poor(self) -> bool:
        """Whether the transcoders cannot have been made to be read like this."""
        return self.typical_fvu >= (MISSING if self.typical_l0 > DENSE * self.d_transcoder else POOR)


def fit(local: LocalReplacementModel) -> Fit:
    """The fit on the text of ``local``; where the outputs do not vary, as at a single position, FVU is NaN."""
    zero, n_layers = local.transcoders.zero_positions, len(local.transcoders.layers)
    true = torch.stack([written(local.transcoders.write, held) for held in local.frozen.layers])[:, zero:].double()
    missed = local.error[:, zero:].double().square().sum((1, 2))
    spread = (true - true.mean(1, keepdim=True)).square().sum((1, 2))
    counts = torch.bincount(local.features.layer, minlength=n_layers).double()
    d_transcoder = min(layer.d_transcoder for layer in local.transcoders.layers)
    fvu = torch.where(spread > 0, missed / spread, torch.nan)
    return Fit(fvu.cpu(), (counts / max(true.shape[1], 1)).cpu(), d_transcoder)


def warning(found: Fit, transcoders: TranscoderSet, name: str, path: Path) -> str:
    """A sentence or two if ``found`` or the name that the set says speak against the model ``name``; else empty."""
    where, said = transcoders.origin or "The set", transcoders.model_name
    texts = []
    if found.is_poor:
        texts.append(
            f"{where} does not stand for the MLPs of “{name}” on a short text (FVU {found.typical_fvu:.2g}, "
            f"{found.typical_l0:.0f} of {found.d_transcoder} features active at a token): its hook, gain or scale is "
            "wrong, or it was made for another model."
        )
    if not same_model(said, name, path):
        texts.append(f"{where} says that it was made for “{said}”; the open model is called “{name}”.")
    return " ".join(texts)


def same_model(said: str, name: str, path: Path) -> bool:
    """Whether what a set says of its model may be the model called ``name`` at ``path``: one name holds the other."""
    wanted = _bare(said)
    known = (_bare(part) for part in (name, *path.parts[-5:]))
    return not wanted or any(
        wanted == part or (len(part) >= SHORT and (wanted in part or part in wanted)) for part in known
    )


def _bare(name: str) -> str:
    """The last part of a name such as google/gemma-2-2b or models--google--gemma-2-2b, in letters and digits."""
    return re.sub(r"[^a-z0-9]", "", re.split(r"/|--", name.lower())[-1])

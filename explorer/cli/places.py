"""What the command line's MODEL and --transcoders mean: folders, or names of samples."""

from __future__ import annotations

from pathlib import Path

from explorer.errors import LoadError
from explorer.io import samples, specimens
from explorer.io.samples import SAMPLES
from explorer.specimens import catalogue


def model_folder(name: str) -> Path:
    """The model's folder: an existing path, or a sample's own."""
    path = Path(name)
    if path.exists():
        return path
    sample = samples.find(name)
    if sample is not None:
        return samples.model_folder(sample)
    specimen = catalogue.find(name)
    if specimen is not None:
        return specimens.model_folder(specimen)
    known = ", ".join(each.name for each in (*SAMPLES, *catalogue.SPECIMENS))
    raise LoadError(f"There is no folder “{name}” and no sample of that name; samples are: {known}.")


def transcoder_folder(model: str, transcoders: str) -> Path:
    """The transcoders' folder; a sample has its own, per-layer ones unless ``transcoders`` names its other set."""
    sample = None if Path(model).exists() else samples.find(model)
    if sample is not None and transcoders in ("", *sample.kinds):
        return samples.transcoder_folder(sample, transcoders)
    if not transcoders:
        raise LoadError(
            f"“{model}” is no sample, so its features must be named: --transcoders DIR, or --neurons for its own."
        )
    if not Path(transcoders).exists():
        raise LoadError(f"There is no folder “{transcoders}”; check the path.")
    return Path(transcoders)

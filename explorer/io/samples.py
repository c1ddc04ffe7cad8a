"""The shipped sample models and where they and the resources lie."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import explorer
from explorer.errors import LoadError


@dataclass(frozen=True)
class Sample:
    """A small trained model with transcoders. ``kinds`` are sub-folders; the first is used unless asked otherwise."""

    name: str
    title: str
    description: str
    folder: str
    prompt: str
    kinds: tuple[str, ...]
    facts: str


SAMPLES = (
    Sample(
        name="us-cities",
        title="Two hops: Dallas, Texas, Austin",
        description="A small language model that knows the cities, states and capitals of the USA. "
        "Ask for the capital of the state of a city that it never saw in such a question, and see how it gets there.",
        folder="us-cities",
        prompt="Fact: the capital of the state containing Dallas is",
        kinds=("plt", "clt"),
        facts="Llama, 3 layers, 577,280 parameters, per-layer and cross-layer transcoders",
    ),
)


def find(name: str) -> Sample | None:
    """The sample called ``name``, if there is one."""
    return next((sample for sample in SAMPLES if sample.name == name), None)


def model_folder(sample: Sample) -> Path:
    return located("sample_models") / sample.folder / "model"


def transcoder_folder(sample: Sample, kind: str = "") -> Path:
    """Where the sample's transcoders of ``kind`` are; LoadError if it has none of that kind."""
    kind = kind or sample.kinds[0]
    if kind not in sample.kinds:
        raise LoadError(f"The sample {sample.name} has no transcoders “{kind}”; it has {' and '.join(sample.kinds)}.")
    return located("sample_models") / sample.folder / kind


def resources() -> Path:
    """The folder of fonts, icons and licences."""
    return located("resources")


def located(name: str) -> Path:
    """The folder ``name`` in the package (installed, frozen) or beside it (a checkout); LoadError if neither is there.

    docs/decisions/002-data-files.md says why.
    """
    package = Path(explorer.__file__).resolve().parent
    for folder in (package / name, package.parent / name):
        if folder.is_dir():
            return folder
    raise LoadError(f"The program's folder {name} is missing beside {package}; install Circuit Explorer again.")

"""Language models in files of every kind, opened whole or refused in one sentence; kinds: explorer.io.model_formats."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from explorer.errors import UnsupportedModel
from explorer.io import answers
from explorer.io.model_formats import find
from explorer.work import Pause, go_on

if TYPE_CHECKING:
    from explorer.models.loader import LanguageModel


@dataclass(frozen=True)
class Opening:
    """How a model is to be opened, and what the user said of it that its files do not say."""

    dtype: str = "float32"
    device: str = "cpu"
    pause: Pause = go_on
    told: Mapping[str, str] | None = None


def read(
    path: Path,
    *,
    dtype: str = "float32",
    device: str = "cpu",
    pause: Pause = go_on,
    told: Mapping[str, str] | None = None,
) -> LanguageModel:
    """The model in the file or folder ``path`` with its weights in ``dtype`` on ``device``.

    ``pause`` is called between tensors. ``told`` answers what the files do not say; once it has helped it is
    remembered. LoadError (or its UnsupportedModel, Unsaid) in one sentence for what cannot be read exactly.
    """
    if not path.exists():
        raise UnsupportedModel(f"There is no folder or file “{path}”; check the path.")
    kind, own = find(path, pause)
    reader: Callable[[Path, Opening], LanguageModel] = import_module(f"{__name__}.{kind}").read
    given = answers.Given(own, told, answers.OF_MODELS, asks=kind == "transformer_lens")
    model = reader(own, Opening(dtype, device, pause, given))
    given.keep()
    return model

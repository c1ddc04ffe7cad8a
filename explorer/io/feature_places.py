"""Where indexes of features lie: beside their transcoders, shipped with the samples, or in the user's own folder."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from platformdirs import user_data_path

from explorer.io.feature_index import HEAD
from explorer.io.samples import SAMPLES, transcoder_folder
from explorer.io.settings_file import APP


def beside(transcoders: Path) -> Path:
    """Where the index of the set in the folder ``transcoders`` is looked for first: features-NAME next to it."""
    return transcoders.parent / f"features-{transcoders.name}"


def own_folder(model: str, transcoders: str) -> Path:
    """Where the user's own index for this pair of names goes unless another folder is asked for."""
    name = re.sub(r"[^\w.-]+", "-", f"{model}-{transcoders}").strip("-.") or "index"
    return _own() / name


def known(transcoders: str) -> Iterator[Path]:
    """Folders with an index, of whatever set, in the order they are tried for the set in folder ``transcoders``."""
    places = [beside(Path(transcoders))] if transcoders else []
    places += [beside(transcoder_folder(sample, kind)) for sample in SAMPLES for kind in sample.kinds]
    places += sorted(_own().iterdir()) if _own().is_dir() else []
    return (place for place in dict.fromkeys(places) if (place / HEAD).is_file())


def _own() -> Path:
    return user_data_path(APP, appauthor=False) / "features"

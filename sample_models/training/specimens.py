"""What every specimen's training shares: its options, its files, the frame of its ORIGIN.md."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
import transformers
from safetensors.torch import load_file

from explorer.models.tiny import TinyConfig, TinyForCausalLM
from explorer.specimens.network import Network
from sample_models.training.us_cities.files import sha256

SAMPLE_MODELS = Path(__file__).parents[1]


def options(parser: argparse.ArgumentParser, name: str = "") -> argparse.Namespace:
    """What was chosen, ``seed`` and ``out`` beside it, with torch made to give the same figures each time."""
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=SAMPLE_MODELS / name if name else None)
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    return parser.parse_args()


def write_model(model: TinyForCausalLM, folder: Path) -> None:
    """Write config.json and model.safetensors (docs/tiny-models.md)."""
    folder.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)
    (folder / "model.safetensors").chmod(0o644)


def as_network(model: TinyForCausalLM) -> Network:
    """The model as it stands, in numpy and double precision."""
    weights = {name: weight.detach().double().numpy() for name, weight in model.state_dict().items()}
    return Network(model.config.to_dict(), weights)


def read_network(folder: Path) -> Network:
    """What ``write_model`` wrote, in double precision."""
    weights = {name: weight.double().numpy() for name, weight in load_file(folder / "model.safetensors").items()}
    return Network(TinyConfig.from_pretrained(folder).to_dict(), weights)


def write_history(rows: Sequence[Any], folder: Path) -> None:
    """Write dataclasses of numbers as columns; five digits are enough for a curve."""
    columns = {name: [float(f"{getattr(row, name):.5g}") for row in rows] for name in vars(rows[0])}
    text = ",\n".join(f'"{name}": {json.dumps(values)}' for name, values in columns.items())
    (folder / "history.json").write_text(f"{{\n{text}\n}}\n", encoding="utf-8")


def write_origin(text: str, folder: Path) -> None:
    """Write ORIGIN.md: ``text`` and the hashes of all other files."""
    files = sorted(file for file in folder.rglob("*") if file.is_file() and file.name != "ORIGIN.md")
    hashes = "\n".join(f"{sha256(file)}  {file.relative_to(folder).as_posix()}" for file in files)
    whole = f"{text.strip()}\n\n## SHA-256\n\n```\n{hashes}\n```\n"
    (folder / "ORIGIN.md").write_text(whole, encoding="utf-8")
    print(whole)


def made_by(module: str, seed: str, minutes: float) -> str:
    """The sentence about how the files came about."""
    versions = f"torch {_short(torch.__version__)}, transformers {_short(transformers.__version__)}"
    return (
        f"**Made by** `python -m sample_models.training.{module}{seed}` on one CPU thread ({versions}) in "
        f"{minutes:.1f} CPU minutes.\n  Runs with one seed agree bit by bit on one machine "
        "(tests/sample_models/test_specimens.py); other CPUs may round differently,\n  so the weights are shipped."
    )


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of Markdown, the first column to the left, the others to the right."""
    lines = [head, ["---", *["--:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def figures(values: Mapping[str, str]) -> str:
    """A table of measured values by what they are."""
    return table(("measured on the files", "value"), values.items())


def _short(version: str) -> str:
    return ".".join(version.split(".")[:2])

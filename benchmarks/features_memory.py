"""What an index of 400,000 features takes: memory while it is built and when it is opened, and how soon it is open.

    python -m benchmarks.features_memory [--layers 25] [--features 16384] [--tokens 20000]

A thin random model (d_model 64) with the sample's tokenizer and random JumpReLU transcoders, about 60 features of a
layer active at a token, so that nearly every feature has all its examples. Each step runs in a process of its own; its
peak is the high-water mark of resident memory, its start what the process has with model and transcoders open.
Labels are left out.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.attribution_case import Shape, _model, _transcoders
from benchmarks.peak import reset_peak, resident
from explorer.features.statistics import Keeping, bytes_per_feature

N_ACTIVE = 60


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--layers", type=int, default=25)
    parser.add_argument("--features", type=int, default=16384)
    parser.add_argument("--tokens", type=int, default=20_000)
    parser.add_argument("--folder", type=Path, help="where the files go (default: a temporary folder)")
    parser.add_argument("--step", choices=STEPS, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.step:
        print(json.dumps(STEPS[chosen.step](chosen)))
        return
    with tempfile.TemporaryDirectory(dir=chosen.folder) as folder:
        n = chosen.layers * chosen.features
        size = bytes_per_feature(Keeping())
        print(f"{n:,} features; stated: {size} bytes each, {n * size / 1e9:.2f} GB", flush=True)
        for step in STEPS:
            print(f"{step:8}{_run(step, chosen, Path(folder))}", flush=True)


def _run(step: str, chosen: argparse.Namespace, folder: Path) -> str:
    sizes = [f"--{name}={getattr(chosen, name)}" for name in ("layers", "features", "tokens")]
    command = [sys.executable, "-m", "benchmarks.features_memory", *sizes, f"--folder={folder}", f"--step={step}"]
    found = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()[-1])
    return ", ".join(f"{name} {value:,.4g}" for name, value in found.items())


def make(chosen: argparse.Namespace) -> dict[str, float]:
    """Write model, transcoders and text."""
    import torch

    from explorer.io.samples import SAMPLES, model_folder
    from explorer.models.loader import read_tokenizer

    torch.manual_seed(0)
    sample = model_folder(SAMPLES[0])
    tokenizer = read_tokenizer(sample)
    assert tokenizer is not None
    n_vocab = json.loads((sample / "config.json").read_text())["vocab_size"]
    case = Shape("thin", chosen.layers, 64, 4, n_vocab, chosen.features, N_ACTIVE, "plt", 128)
    _model(case).save_pretrained(chosen.folder / "model")
    for file in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"):
        shutil.copy(sample / file, chosen.folder / "model" / file)
    _transcoders(case, chosen.folder / "transcoders")
    words = torch.randint(4, n_vocab, (chosen.tokens,)).tolist()
    (chosen.folder / "text.txt").write_text(" ".join(tokenizer.text(word).strip() for word in words), "utf-8")
    return {"files MB": sum(file.stat().st_size for file in chosen.folder.rglob("*") if file.is_file()) / 1e6}


def build(chosen: argparse.Namespace) -> dict[str, float]:
    """Collect and write; labels are left out here."""
    import torch

    from explorer.engine.inprocess import run_job
    from explorer.engine.jobs import features
    from explorer.engine.jobs.opening import Setting, model_of, transcoders_of
    from explorer.engine.state import EngineState

    torch.set_num_threads(1)
    where = {"model": str(chosen.folder / "model"), "transcoders": str(chosen.folder / "transcoders")}
    state = EngineState()
    held = transcoders_of(state, where["transcoders"])
    model_of(state, where["model"], Setting())
    for layer in held.layers:  # files are mapped: what is read counts
        layer.W_enc.sum(), layer.W_dec.sum()
    before, started = reset_peak(), time.monotonic()
    features.label_index = _no_labels
    values: dict[str, Any] = {"texts": [str(chosen.folder / "text.txt")], "output": str(chosen.folder / "index")}
    answer = run_job("features_build", state, None, **where, **values)
    index = sum(file.stat().st_size for file in (chosen.folder / "index").iterdir())
    return {
        "start MB": before / 1e6,
        "peak MB": resident("VmHWM") / 1e6,
        "more MB": (resident("VmHWM") - before) / 1e6,
        "seconds": time.monotonic() - started,
        "tokens": answer["n_tokens"],
        "active features": answer["active_features"],
        "index MB": index / 1e6,
    }


def _no_labels(*_: Any) -> Any:
    yield from ()
    return {"labels": 0, "scored": 0}


def open_it(chosen: argparse.Namespace) -> dict[str, float]:
    """Open the index and read one feature, as the window does: no torch, one process."""
    from explorer.io.feature_index import open_index

    before, started = reset_peak(), time.perf_counter()
    index = open_index(chosen.folder / "index")
    opened = time.perf_counter()
    index.evidence(chosen.layers - 1, 5)
    read = time.perf_counter()
    for layer in range(chosen.layers):
        index.evidence(layer, chosen.features - 1)
    every = (time.perf_counter() - read) / chosen.layers
    return {
        "open ms": 1e3 * (opened - started),
        "first feature ms": 1e3 * (read - opened),
        "a feature of each layer ms": 1e3 * every,
        "more MB": (resident("VmHWM") - before) / 1e6,
    }


STEPS = {"make": make, "build": build, "open": open_it}

if __name__ == "__main__":
    main()

"""``python -m sample_models.training.us_cities.features``: the evidence that the sample comes with, and its figures.

Evidence is collected from the training sentences with 20 examples of each kind and labels are made from all of it;
what is shipped keeps the first few. The figure asked of the labels: of the states whose best feature tells the held-out
cities of the state from all other held-out cities with F1 >= 0.9, how many have a label that names the state, its
capital or its cities. The feature is chosen on the other cities, and two cities of each state are held out: no sentence
here asks for the capital of their states. ORIGIN.md says which rules were made after the figure was first taken.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from pathlib import Path

import numpy as np
import torch

from explorer.engine.inprocess import run_job
from explorer.engine.state import EngineState
from explorer.io import arrays
from explorer.io.arrays import ArrayFile
from explorer.io.feature_index import EXAMPLES, HEAD, LAYER, LISTS, TOKENS, WINDOWS, open_index
from explorer.io.feature_labels import HELD_OUT, Labels
from sample_models.training.us_cities import files, origin
from sample_models.training.us_cities.corpus import PREFIX, corpus, splits
from sample_models.training.us_cities.facts import PLACES, STATES
from sample_models.training.us_cities.selection import PLACE_NAMES, StateFeatures

FOLDER = Path(__file__).parents[2] / "us-cities"
CONTEXT = 20
N_TOP, N_RANDOM, N_LISTED = 3, 4, 3  # shipped of each feature


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=FOLDER)
    out = parser.parse_args().out
    torch.set_num_threads(1)
    figures = []
    for kind in files.KINDS:
        print(build(out, kind))
        states = named_states(out, kind)
        figures.append(f"{kind}: {len(states)} states have a feature with F1 >= 0.9 on held-out cities, "
                       f"{sum(states.values())} of them a label that names the state or its places")  # fmt: skip
        print(figures[-1])
    origin.add_evidence(out, figures)


def build(out: Path, kind: str) -> dict[str, object]:
    """Make the index of the set ``kind`` in ``out``; the summary of the build."""
    with tempfile.TemporaryDirectory() as folder:
        text, whole = Path(folder) / "sentences.jsonl", Path(folder) / "whole"
        text.write_text("".join(json.dumps({"text": line}) + "\n" for line in sentences()), encoding="utf-8")
        where = {"model": str(out / "model"), "transcoders": str(out / kind), "texts": [str(text)]}
        summary = run_job("features_build", EngineState(), None, **where, output=str(whole), context=CONTEXT)
        target = out / f"features-{kind}"
        shutil.rmtree(target, ignore_errors=True)
        thin(whole, target)
    return summary


def sentences() -> list[str]:
    """The training sentences with their answers, bare and with the prefix."""
    return [f"{prefix}{one.prompt} {one.answer}." for one in corpus().train for prefix in ("", PREFIX)]


def thin(whole: Path, target: Path) -> None:
    """The index ``whole`` with the first few examples and words of each feature; labels and counts stay."""
    target.mkdir(parents=True)
    index = open_index(whole)
    kept = {"top": N_TOP, "random": N_RANDOM}
    layers = [_thin_layer(index.layer(layer), kept) for layer in range(len(index.sizes))]
    used = np.unique(np.concatenate([layer[f"{kind}.window"].reshape(-1) for layer in layers for kind in kept]))
    used = used[used >= 0]
    for at, layer in enumerate(layers):
        for kind in kept:
            window = layer[f"{kind}.window"]
            layer[f"{kind}.window"] = np.where(window < 0, -1, np.searchsorted(used, window)).astype(np.int32)
        arrays.write(target / f"layer_{at}.safetensors", layer, index.layer(at).metadata)
        shutil.copy(whole / f"labels_{at}.safetensors", target)
    windows = {name: index.windows.all(name)[used] for name in ("ids", "length", "document", "start", "number")}
    arrays.write(target / WINDOWS, windows)
    for name in (HELD_OUT, TOKENS, HEAD):
        shutil.copy(whole / name, target)


def _thin_layer(held: ArrayFile, kept: dict[str, int]) -> dict[str, np.ndarray]:
    made = {name: held.all(name) for name in (*LAYER, "logits.spread")}
    for kind, n in kept.items():
        made |= {f"{kind}.{name}": held.all(f"{kind}.{name}")[:, :n] for name in EXAMPLES}
    made["top.others"] = made["top.others"][:, :N_TOP]
    return made | {f"{name}.{part}": held.all(f"{name}.{part}")[:, :N_LISTED] for name in LISTS for part in _PARTS}


_PARTS = ("token", "value")


def named_states(out: Path, kind: str) -> dict[str, bool]:
    """The states that have a good feature, and whether its label names them."""
    labels = Labels(open_index(out / f"features-{kind}"))
    fires = StateFeatures(*files.read_model(out / "model"), files.read_transcoders(out / kind)).activations > 0
    held = {city for cities in (splits().held_out, splits().withheld) for city in cities.values()}
    is_held = torch.tensor([place in held for place in PLACE_NAMES])
    made = {}
    for state in STATES:
        inside = torch.tensor([PLACES[place] is state for place in PLACE_NAMES])
        best = int(_f1(fires[~is_held], inside[~is_held]).argmax())
        if float(_f1(fires[is_held], inside[is_held])[best]) >= 0.9:
            found = labels.automatic(*divmod(best, fires.shape[2]))
            made[state.name] = found is not None and any(name in found["text"] for name in (state.name, *state.places))
    return made


def _f1(fires: torch.Tensor, inside: torch.Tensor) -> torch.Tensor:
    """F1 of every feature for the places ``inside``."""
    hits = (fires & inside[:, None, None]).sum(0).float()
    return (2 * hits / (fires.sum(0) + inside.sum())).flatten()


if __name__ == "__main__":
    main()

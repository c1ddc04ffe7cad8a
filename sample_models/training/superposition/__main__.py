# ruff: noqa: E501 (the sentences of ORIGIN.md)
"""``python -m sample_models.training.superposition``: train five features into two dimensions, write ORIGIN.md."""

from __future__ import annotations

import argparse
import time

import numpy as np
from safetensors.numpy import save_file

from explorer.specimens.superposition import ALONE, REPRESENTED, Setting, Toy, train
from explorer.work import run
from sample_models.training import specimens


def main() -> None:
    chosen = specimens.options(argparse.ArgumentParser(description=__doc__), "superposition")
    setting = Setting(seed=chosen.seed)
    start = time.perf_counter()
    toys = run(train(setting))
    seconds = time.perf_counter() - start
    chosen.out.mkdir(parents=True, exist_ok=True)
    columns = {name: np.array([getattr(toy, name) for toy in toys], "f4") for name in ("density", "W", "b", "loss")}
    save_file(columns, chosen.out / "superposition.safetensors")
    specimens.write_origin(_origin(setting, toys, seconds), chosen.out)


def _origin(setting: Setting, toys: tuple[Toy, ...], seconds: float) -> str:
    rows = [
        (
            f"{toy.density:g}",
            str(int(toy.represented.sum())),
            toy.geometry or "-",
            " ".join(f"{length:.2f}" for length in toy.length),
            f"{toy.dimensionality[toy.represented].mean():.2f}",
            f"{int(toy.monosemantic.sum())} of {setting.n_dimensions}",
            f"{toy.loss:.5f}",
        )
        for toy in toys
    ]
    head = ("density", "represented", "geometry", "length of each", "dimensions per feature", "monosemantic", "loss")
    one = Setting(seed=setting.seed + 1)
    start = time.perf_counter()
    run(train(one, [0.05]))
    alone = time.perf_counter() - start
    return f"""# superposition

{setting.n_features} features through {setting.n_dimensions} dimensions and back, ReLU(WᵀWx + b), at ten densities (the chance that a feature is there).
"Represented" is a feature whose column of W is longer than {REPRESENTED:g}; "monosemantic" a dimension with {ALONE:.0%} of its power in one feature.

- **Source**: random numbers; no data of others. **Licence**: the repository's own.
- {specimens.made_by("superposition", f" --seed {setting.seed}", seconds / 60)}
- **Training**: features uniform in [0, 1]; feature i weighs {setting.importance} ^ i in the squared error; Adam, {setting.steps} steps of {setting.batch}, rate
  {setting.rate:g} falling to 2 % of it; {setting.n_seeds} seeds for each density, the best on 1,024 fresh rows kept. All ten densities took {seconds:.1f} s on
  one CPU thread, one density {alone:.1f} s. It is the same training that the window runs.

{specimens.table(head, rows)}
"""


if __name__ == "__main__":
    main()

"""``python -m sample_models.training.us_cities.validation``: the figures of docs/validation.md on the Dallas prompt.

Every feature and error node of the graphs of both sets is switched off in the model, in modes iterative and free; the
circuit is what the default thresholds show. Nothing is taken from an earlier run unless --resume is given.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from typing import Any

import torch

from explorer.circuits.graph import Graph
from explorer.circuits.graph_arrays import from_arrays, to_arrays
from explorer.engine.inprocess import run_job
from explorer.engine.state import EngineState
from explorer.io.samples import SAMPLES, model_folder, transcoder_folder
from explorer.session.agreement import agreement, agreement_sentences
from explorer.session.edits import Edits
from explorer.session.validation import Validation, question, to_message, validation_of
from explorer.session.verdict import Verdict, by_distance, interval, verdict
from explorer.session.view import GraphView, resolve

SAMPLE = SAMPLES[0]
KINDS = ("plt", "clt")
MODES = ("iterative", "free")
CONTROLS = 200


class Bench:
    """The graphs of both sets, and an engine that keeps the model open."""

    def __init__(self, *, resume: bool) -> None:
        self.state, self.resume = EngineState(), resume
        self.views = {kind: self._view(kind) for kind in KINDS}

    def _where(self, kind: str) -> dict[str, str]:
        return {"model": str(model_folder(SAMPLE)), "transcoders": str(transcoder_folder(SAMPLE, kind))}

    def _view(self, kind: str) -> GraphView:
        answer = run_job("attribute", self.state, None, text=SAMPLE.prompt, **self._where(kind))
        return resolve(from_arrays(answer["head"], answer["arrays"]), Edits())

    def validation(self, kind: str, only: str, **how: Any) -> Validation:
        """What the job finds; ``only`` and ``how`` as for a question."""
        asked = question(self.views[kind], only, controls=CONTROLS, **how)
        head, arrays = to_arrays(self.views[kind].graph)
        given = {"head": head, "arrays": arrays, "question": to_message(asked), "layers": only == "all"}
        afresh = only == "all" and not self.resume  # the cells stand in the same journal
        answer = run_job("validate", self.state, None, afresh=afresh, **given, **self._where(kind))
        return validation_of({name: value for name, value in answer.items() if name != "journal"})

    def graph(self, kind: str) -> Graph:
        return self.views[kind].graph


def effects_row(kind: str, found: Validation, told: Verdict) -> str:
    columns = (told.sizes, told.divergence, told.by_linear, told.by_direct, told.by_activation, told.signed)
    numbers = " | ".join(f"{one.rho:.2f} ({one.low:.2f} to {one.high:.2f})" for one in columns)
    first = f"{kind} | {found.mode} | {len(found.measured)} | {told.direct_error:.1e}"
    return f"| {first} | {numbers} | {told.sign_share:.2f} |"


def place_rows(kind: str, found: Validation) -> list[str]:
    """The effects at the last token, and those at all others."""
    last, rows = max(one.pos for one in found.effects), []
    for name, is_last in (("last token", True), ("others", False)):
        own = tuple(one for one in found.effects if (one.pos == last) is is_last)
        told = verdict(replace(found, effects=own))
        rows.append(f"| {kind} | {name} | {interval(told.sizes)} | by direct edge {told.by_direct.rho:.2f} |")
    return rows


def circuit_row(kind: str, found: Validation, told: Verdict) -> str:
    one = found.circuit
    without = f"{found.probability:.3f} → {one.without_probability:.3f} | {found.logit:.2f} → {one.without_logit:.2f}"
    alone = f"{one.alone_probability:.3f} | {one.alone_logit:.2f} | {one.empty_logit:.2f} | {told.faithfulness:.2f}"
    mean = sum(one.controls) / len(one.controls)
    worst = min(one.controls)
    matched = f"{one.matched} of {one.features} | {one.activations[0]:.2f} / {one.activations[1]:.2f}"
    controls = f"{matched} | {one.matched_effect:.2f} | {mean:+.2f} (lowest {worst:+.2f}) | {told.p:.3f}"
    return f"| {kind} | {found.mode} | {one.n} | {without} | {alone} | {controls} |"


def layer_rows(kind: str, found: Validation) -> list[str]:
    rows = []
    for size in sorted({row.size for row in found.layers}):
        for passed, cosine, nmse, held_cosine, held_nmse in by_distance(found, size):
            row = f"{cosine:.2f} | {nmse:.2f} | {held_cosine:.2f} | {held_nmse:.2f}"
            rows.append(f"| {kind} | {size:g} | {passed} | {row} |")
    return rows


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--resume", action="store_true", help="go on where an earlier run ended")
    torch.set_num_threads(1)
    bench = Bench(resume=options.parse_args().resume)
    started = time.perf_counter()
    found = {(kind, mode): bench.validation(kind, "all", mode=mode) for kind in KINDS for mode in MODES}
    told = {key: verdict(one) for key, one in found.items()}
    print("effects")
    for (kind, _), one in found.items():
        print(effects_row(kind, one, told[kind, one.mode]))
    print("effects by place, iterative")
    for kind in KINDS:
        print("\n".join(place_rows(kind, found[kind, "iterative"])))
    print("circuit")
    for (kind, _), one in found.items():
        print(circuit_row(kind, one, told[kind, one.mode]))
    print("layers")
    for kind in KINDS:
        print("\n".join(layer_rows(kind, found[kind, "iterative"])))
    cells = {kind: bench.validation(kind, "cells") for kind in KINDS}
    for kind, one in cells.items():
        print(f"{kind}, all features of a layer at a position: {interval(verdict(one).sizes)}")
    agreed = agreement(bench.graph("plt"), bench.graph("clt"), cells["plt"], cells["clt"])
    print("\n".join(agreement_sentences(agreed)))
    print(f"{time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()

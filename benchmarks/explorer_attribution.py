"""Our side of the attribution benchmark; the counterpart of peer_attribution.py, with the same commands.

python -m benchmarks.explorer_attribution CASE_FOLDER THREADS [DEVICE [DTYPE]]
"""

from __future__ import annotations

import json
import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.attribution_case import N_LOGITS, cone_flops, executed_flops, read
from benchmarks.peak import reset_peak, resident
from explorer.circuits.aim import aim
from explorer.circuits.attribution import rows_of
from explorer.circuits.expansion import attribute_strongest
from explorer.circuits.graph import Graph
from explorer.circuits.replacement import LocalReplacementModel, replace_locally
from explorer.circuits.targets import LogitTarget, top_logits
from explorer.io.transcoders import read as read_transcoders
from explorer.models.loader import LanguageModel, open_language_model
from explorer.transcoders.transcoder import TranscoderSet
from explorer.work import run


class Side:
    """The loaded case and what the last run left for the next answer."""

    def __init__(self, folder: Path, device: str, dtype: str) -> None:
        self.folder = folder
        self.case, self.ids = read(folder)
        self.model: LanguageModel = open_language_model(folder / "model", dtype=dtype, device=device)
        self.transcoders: TranscoderSet = read_transcoders(folder / "transcoders")
        self.dtype = getattr(torch, dtype)
        self.chosen = torch.zeros(0, dtype=torch.long)
        touch(self.model, self.transcoders)

    def answer(self, command: dict[str, Any]) -> dict[str, Any]:
        if command["do"] == "gemm":
            return {"rate": gemm_rate(self.case.d_model)}
        if command["do"] == "choose":
            return self.choose(command["n"], command["seed"])
        before = reset_peak()
        clock = Clock()
        reply = self.rows(clock, command) if command["do"] == "rows" else self.strongest(command["k"])
        clock.stop("all")
        return {**reply, **clock.spent, "peak": resident("VmHWM") - before}

    def local(self) -> tuple[LocalReplacementModel, tuple[LogitTarget, ...]]:
        trace = self.model.run(tuple(self.ids))
        local = replace_locally(self.model, trace, self.transcoders, self.dtype)
        return local, top_logits(self.model.head, trace.logits, len(self.ids) - 1, max_logits=N_LOGITS, mass=1.0)

    def choose(self, n: int, seed: int) -> dict[str, Any]:
        """Draw ``n`` active features that both sides are to trace, and count what their rows need."""
        local, logits = self.local()
        active = local.features
        drawn = sorted(random.Random(seed).sample(range(len(active)), min(n, len(active))))
        self.chosen = torch.tensor(drawn)
        keys = torch.stack([active.layer, active.pos, active.feature], 1)[self.chosen].tolist()
        (self.folder / "features.json").write_text(json.dumps(keys), "utf-8")
        counts = torch.zeros(self.case.n_layers, self.case.n_pos, dtype=torch.long)
        counts.index_put_((active.layer, active.pos), torch.ones_like(active.layer), accumulate=True)
        at = [(layer, pos) for layer, pos, _ in keys] + [(self.case.n_layers, target.pos) for target in logits]
        flops, executed = (count(self.case, counts.tolist(), at) for count in (cone_flops, executed_flops))
        return {"n": len(drawn), "active": len(active), "flops": flops, "executed": executed}

    def rows(self, clock: Clock, command: dict[str, Any]) -> dict[str, Any]:
        local, logits = self.local()
        targets = aim(local, logits)
        n = len(local.features)
        clock.stop("setup")
        wanted = torch.cat([self.chosen, torch.arange(n, n + len(logits))])
        held = {int(t): row for block in rows_of(local, targets, wanted) for t, row in pairs(block)}
        if command.get("save"):
            np.save(self.folder / "ours.npy", np.stack([held[int(target)] for target in wanted]))
            np.save(self.folder / "chosen.npy", self.chosen.numpy())
        return {"n_rows": len(held)}

    def strongest(self, k: int) -> dict[str, Any]:
        local, logits = self.local()
        graph: Graph = run(attribute_strongest(local, logits, k))
        return {"n_rows": graph.provenance["n_expanded"] + len(logits), "bound": graph.provenance["influence_bound"]}


class Clock:
    """CPU and wall seconds since it was made, by name."""

    def __init__(self) -> None:
        self.start = time.process_time(), time.perf_counter()
        self.spent: dict[str, float] = {}

    def stop(self, name: str) -> None:
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        cpu, wall = time.process_time() - self.start[0], time.perf_counter() - self.start[1]
        self.spent |= {"cpu": cpu, "wall": wall} if name == "all" else {f"{name}_cpu": cpu, f"{name}_wall": wall}


def pairs(block: Any) -> Iterator[tuple[int, np.ndarray]]:
    return zip(block.targets.tolist(), block.effects.float().cpu().numpy(), strict=True)


def gemm_rate(d_model: int) -> float:
    """CPU rate of the sweep's own product, 4096 x d by d x d: the best of a few, in operations per second."""
    x, weight = torch.randn(4096, d_model), torch.randn(d_model, d_model)
    out, best = torch.empty_like(x), 0.0
    for _ in range(8):
        start = time.process_time()
        torch.mm(x, weight, out=out)
        best = max(best, 2 * x.numel() * d_model / (time.process_time() - start))
    return best


def touch(model: LanguageModel, transcoders: TranscoderSet) -> None:
    """Read every weight once: files that are mapped count as loaded, not as used by the run."""
    for parameter in model.network.parameters():
        parameter.sum()
    for layer in transcoders.layers:
        (layer.W_enc.sum(), layer.W_dec.sum())


def main() -> None:
    folder, threads = Path(sys.argv[1]), int(sys.argv[2])
    torch.set_num_threads(threads)
    side = Side(folder, *(sys.argv[3:] if len(sys.argv) > 4 else ["cpu", "float32"]))
    with torch.inference_mode():
        print(json.dumps({"ready": True}), flush=True)
        for line in sys.stdin:
            print(json.dumps(side.answer(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()

"""Attribution against circuit-tracer: the same weights, prompt, rows and threads, in one run. See benchmarks/README.md.

    python -m benchmarks.attribution --peer /path/to/python [--quick] [--threads 1 2] [--only gpt2-plt-32]
    python -m benchmarks.attribution --peer /path/to/python --gpu      (a machine with CUDA; writes Gemma-2-2b's shape)

Both sides load once and then take turns; a ratio is of CPU time (process_time, all threads) within one turn, and the
table shows medians over the turns. The peer's ranking costs it nothing here except in the top-K mode. Without --peer
our side runs alone.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.attribution_case import N_LOGITS, Shape, shape

BATCHES = (16, 32, 64)
N_FEATURES = 1014  # with ten logits 1,024 rows: whole batches for the peer, and as many as a short run has
CASES = [(model, kind, n_pos) for model in ("6x384", "gpt2") for n_pos in (8, 32, 128) for kind in ("plt", "clt")]
QUICK = [("6x384", "plt", 8), ("6x384", "clt", 32)]
STRONGEST = [("5x256", "plt", 64), ("5x256", "clt", 64)]
K = 1500
GPU_CASES = [("gemma-2-2b", "plt", n_pos) for n_pos in (64, 128)]
GPU_FEATURES, GPU_BATCHES = 8192, (64, 256)


@dataclass(frozen=True)
class Settings:
    peer: str | None
    threads: tuple[int, ...]
    rounds: int
    batches: tuple[int, ...]
    n_features: int
    device: str = "cpu"
    dtype: str = "float32"

    @property
    def clock(self) -> str:
        """What ratios are of: on a GPU the processor only waits."""
        return "cpu" if self.device == "cpu" else "wall"


class Child:
    """One side in a process of its own."""

    def __init__(self, command: list[str], threads: int) -> None:
        environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "PYTHONWARNINGS": "ignore"}
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment,
        )
        self._answer()

    def ask(self, **command: Any) -> dict[str, Any]:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(command) + "\n")
        self.process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"{' '.join(self.process.args)} ended; run it by itself to see why.")  # type: ignore[arg-type]
        answer: dict[str, Any] = json.loads(line)
        return answer

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--peer", help="the Python that has circuit-tracer")
    arguments.add_argument("--quick", action="store_true", help="two small cases, one turn")
    arguments.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--features", type=int, default=N_FEATURES, help="feature rows besides the ten logits")
    arguments.add_argument("--only", nargs="+", default=[], help="cases such as gpt2-clt-32 or 5x256-plt-64")
    arguments.add_argument("--gpu", action="store_true", help="Gemma-2-2b's shape on CUDA, float32 and bfloat16")
    chosen = arguments.parse_args()
    print(f"{os.cpu_count()} processors, load {load()} at the start")
    if chosen.gpu:
        for dtype in ("float32", "bfloat16"):
            settings = Settings(chosen.peer, (1,), chosen.rounds, GPU_BATCHES, GPU_FEATURES, "cuda", dtype)
            run_cases(GPU_CASES, settings)
        return
    settings = Settings(
        chosen.peer,
        (1,) if chosen.quick else tuple(chosen.threads),
        1 if chosen.quick else chosen.rounds,
        BATCHES,
        chosen.features,
    )
    run_cases(wanted(QUICK if chosen.quick else CASES, chosen.only), settings)
    strongest(wanted(STRONGEST, chosen.only), settings)
    print(f"load {load()} at the end")


def wanted(cases: list[tuple[str, str, int]], only: list[str]) -> list[tuple[str, str, int]]:
    return [case for case in cases if not only or "-".join(map(str, case)) in only]


def run_cases(cases: list[tuple[str, str, int]], settings: Settings) -> None:
    """The table of rows over all columns."""
    if cases:
        batches = " | ".join(f"x at {batch}" for batch in settings.batches)
        print("\n| case | threads | active | rows | ours s | " + batches, end="")
        print(" | % GEMM: sweep | executed | with setup | ours MB | peer MB | rows differ |")
    for model, kind, n_pos in cases:
        with Made(shape(model, kind, n_pos)) as folder:
            for threads in settings.threads:
                compare(folder, f"{model} {kind} {n_pos}", threads, settings)


def compare(folder: Path, title: str, threads: int, settings: Settings) -> None:
    ours, peer = sides(folder, threads, settings)
    drawn = ours.ask(do="choose", n=settings.n_features, seed=0)
    differ = 0.0
    if peer is not None:
        peer.ask(do="choose")
    turns = []
    for turn in range(settings.rounds):
        gemm = ours.ask(do="gemm")["rate"]
        mine = ours.ask(do="rows", save=turn == 0)
        theirs = [
            peer.ask(do="rows", batch=batch, n_logits=N_LOGITS, save=turn == 0 and batch == settings.batches[-1])
            for batch in settings.batches
            if peer is not None
        ]
        turns.append((gemm, mine, theirs))
        if turn == 0 and peer is not None:
            differ = difference(folder, drawn["active"])
    for child in (ours, peer):
        if child is not None:
            child.close()
    print(line(title, threads, drawn, turns, differ, settings.clock), flush=True)


def line(
    title: str,
    threads: int,
    drawn: dict[str, Any],
    turns: list[tuple[float, Any, list[Any]]],
    differ: float,
    clock: str,
) -> str:
    """One row of the table: medians over the turns."""

    def middle(values: list[float]) -> float:
        return statistics.median(values)

    ratios = [
        middle([theirs[index][clock] / mine[clock] for _, mine, theirs in turns]) for index in range(len(turns[0][2]))
    ]
    sweep = middle([drawn["flops"] / (mine["cpu"] - mine["setup_cpu"]) / gemm for gemm, mine, _ in turns])
    done = sweep * drawn["executed"] / drawn["flops"]
    whole = middle([drawn["flops"] / mine["cpu"] / gemm for gemm, mine, _ in turns])
    wall = middle([mine["wall"] for _, mine, _ in turns])
    cells = [title, str(threads), str(drawn["active"]), str(turns[0][1]["n_rows"])]
    cells.append(f"{middle([mine['cpu'] for _, mine, _ in turns]):.2f} (wall {wall:.2f})")
    cells += [f"{ratio:.1f}" for ratio in ratios]
    cells += [f"{100 * sweep:.0f}", f"{100 * done:.0f}", f"{100 * whole:.0f}", f"{turns[0][1]['peak'] / 1e6:.0f}"]
    cells += [" ".join(f"{answer['peak'] / 1e6:.0f}" for answer in turns[0][2]), f"{differ:.1e}"]
    return "| " + " | ".join(cells) + " |"


def difference(folder: Path, active: int) -> float:
    """Largest difference of a row from the peer's, relative to the row's largest entry, over the shared columns."""
    ours, peer, chosen = (np.load(folder / f"{name}.npy") for name in ("ours", "peer", "chosen"))
    n_logits = len(ours) - len(chosen)
    peer = np.concatenate([peer[: len(chosen)], peer[-n_logits:]])[:, :-n_logits]
    columns = np.concatenate([chosen, np.arange(active, active + peer.shape[1] - len(chosen))])
    apart = np.abs(ours[:, columns] - peer).max(1)
    return float((apart / np.maximum(np.abs(peer).max(1), 1e-30)).max())


def strongest(cases: list[tuple[str, str, int]], settings: Settings) -> None:
    """The table of the top-K mode: time per expanded row, against the peer's own selection of K features."""
    if not cases or settings.peer is None:
        return
    print("\n| top-K case | ours s | rows | peer s (batch 64) | rows | x per row | ours MB | peer MB | share | bound |")
    for model, kind, n_pos in cases:
        with Made(shape(model, kind, n_pos)) as folder:
            ours, peer = sides(folder, 1, settings)
            assert peer is not None
            turns = []
            for _ in range(settings.rounds):
                mine = ours.ask(do="strongest", k=K)
                turns.append((mine, peer.ask(do="strongest", k=K, batch=64, n_logits=N_LOGITS)))
            ours.close()
            peer.close()
        per_row = [(theirs["cpu"] / theirs["n_rows"]) / (mine["cpu"] / mine["n_rows"]) for mine, theirs in turns]
        mine, theirs = turns[0]
        cells = [f"{model} {kind} {n_pos}", f"{mine['cpu']:.2f}", str(mine["n_rows"]), f"{theirs['cpu']:.1f}"]
        cells += [str(theirs["n_rows"]), f"{statistics.median(per_row):.1f}"]
        cells += [f"{side['peak'] / 1e6:.0f}" for side in (mine, theirs)]
        cells += [f"1/{theirs['peak'] / mine['peak']:.1f}", f"{mine['bound']:.1e}"]
        print("| " + " | ".join(cells) + " |", flush=True)


def sides(folder: Path, threads: int, settings: Settings) -> tuple[Child, Child | None]:
    how = [str(folder), str(threads), settings.device, settings.dtype]
    ours = Child([sys.executable, "-m", "benchmarks.explorer_attribution", *how], threads)
    script = str(Path(__file__).with_name("peer_attribution.py"))
    return ours, Child([settings.peer, script, *how], threads) if settings.peer else None


class Made:
    """A case written into a temporary folder by a process of its own: this one stays small."""

    def __init__(self, case: Shape) -> None:
        self.case = case
        self.home = tempfile.TemporaryDirectory()

    def __enter__(self) -> Path:
        case = self.case
        code = f"from benchmarks.attribution_case import *; make({case!r}, Path({self.home.name!r}))"
        subprocess.run([sys.executable, "-c", code], check=True, stderr=subprocess.DEVNULL)
        return Path(self.home.name)

    def __exit__(self, *_: object) -> None:
        self.home.cleanup()


def load() -> str:
    return " ".join(f"{value:.1f}" for value in os.getloadavg())


if __name__ == "__main__":
    main()

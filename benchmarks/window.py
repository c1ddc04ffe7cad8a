"""What a person waits for: first paint, engine, graph, next prompt, cancel, and the window's worst gap. Medians of 5.

Run from the repository root: python -m benchmarks.window [--rounds 5]
The real program runs off screen with its real engine; settings go to an empty folder. Compare only figures of one run:
the load of the machine moves them.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

TARGETS = {
    "process start to first paint": 1.0,
    "click on the sample to its graph, engine ready": 2.0,
    "process start to the sample's graph": 8.0,
    "next prompt, Return to its graph": 1.0,
}
GAP_MS, CANCEL_MS = 50, 300
LARGE = {"n_layer": 6, "n_embd": 256, "n_head": 4, "vocab_size": 1000, "n_positions": 128}
N_FEATURES, N_TOKENS = 24, 32


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rounds", type=int, default=5)
    rounds = arguments.parse_args().rounds
    print(f"{os.cpu_count()} processors, load {load()} at the start")
    with tempfile.TemporaryDirectory() as home:
        drive(home, "paint")  # warms the file cache
        paint = [drive(home, "paint") for _ in range(rounds)]
        cold = [drive(home, "cold") for _ in range(rounds)]
        warm = [drive(home, "warm") for _ in range(rounds)]
        times(paint, cold, warm)
        gaps(warm)
        large = [drive(home, "large", *large_model(Path(home))) for _ in range(min(rounds, 3))]
        of_large(large)
    print(f"load {load()} at the end")


def drive(home: str, mode: str, *more: str) -> dict[str, Any]:
    """One run of the program in ``mode``; what it told."""
    variables = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    variables.pop("PYTHONDONTWRITEBYTECODE", None)  # a second start, as a person knows it, has the compiled modules
    variables |= {f"XDG_{name}_HOME": f"{home}/{name}" for name in ("CONFIG", "DATA", "STATE", "CACHE")}
    command = [sys.executable, "-m", "benchmarks.window_drive", str(time.monotonic()), mode, *more]
    done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False, timeout=300)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr}")
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    if told["heavy"]:
        print(f"The window's process has imported {', '.join(told['heavy'])}.")
    return told


def large_model(home: Path) -> tuple[str, ...]:
    """A random model of 6 layers and 256 dimensions with transcoders, and a prompt."""
    from explorer.io.transcoders import circuit_tracer
    from tests import tiny

    folder = home / "large"
    if not folder.exists():
        made = tiny.transcoders(tiny.model("gpt2", **LARGE), "plt", d_transcoder=N_FEATURES)
        circuit_tracer.write(made, folder, "large")
    return str(tiny.saved("gpt2", **LARGE)), str(folder), *(str(3 + 7 * at) for at in range(N_TOKENS))


def times(paint: list[dict[str, Any]], cold: list[dict[str, Any]], warm: list[dict[str, Any]]) -> None:
    def between(first: str, last: str) -> list[float]:
        return [run["moments"][last] - run["moments"].get(first, 0.0) for run in warm]

    rows = {
        "process start to first paint": [run["moments"]["paint"] for run in (*paint, *cold, *warm)],
        "process start to engine ready": between("", "ready"),
        "click on the sample to its graph, engine ready": between("click", "graph"),
        "process start to the sample's graph": [run["moments"]["graph"] for run in cold],
        "next prompt, Return to its graph": between("typed", "prompt"),
    }
    for name, values in rows.items():
        limit = f"limit {TARGETS[name]:.0f} s" if name in TARGETS else ""
        print(f"{name:48} {statistics.median(values):6.2f} s  ({min(values):.2f} to {max(values):.2f})  {limit}")


def gaps(runs: list[dict[str, Any]]) -> None:
    for phase in (name for name in runs[0]["gaps"] if name):
        values = [run["gaps"][phase] for run in runs]
        name, spread = f"worst gap of the event loop, {phase}", f"({min(values):.0f} to {max(values):.0f})"
        print(f"{name:48} {statistics.median(values):6.0f} ms {spread}  limit {GAP_MS} ms")


def of_large(runs: list[dict[str, Any]]) -> None:
    nodes, links = runs[0]["size"]
    waited = [run["moments"]["large"] - run["moments"]["large click"] for run in runs]
    print(f"a graph of {nodes:,} nodes and {links:,} links: {statistics.median(waited):.2f} s")
    gaps(runs)
    cancels = [each for run in runs for each in run["cancels"]]
    name = f"cancel to cancelled, {len(cancels)} times"
    print(f"{name:48} {statistics.median(cancels):6.0f} ms (up to {max(cancels):.0f})  limit {CANCEL_MS} ms")


def load() -> str:
    return f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"


if __name__ == "__main__":
    main()

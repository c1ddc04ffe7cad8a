"""One slider step against circuit-tracer: the same weights, prompt, feature and threads, in one run.

    python -m benchmarks.intervene --peer /path/to/python [--rounds 5] [--tokens 64 128] [--layers 0 6 11]

GPT-2-small's shape, per-layer transcoders. Both sides load once (ours also runs the prompt once, as the window does
when it opens the panel; not counted) and then take turns; a ratio is of the medians of CPU time. The peer runs as
published: it returns the activations of all features and all positions' logits, ours the logits of the last position;
the column "bare" is the peer without activations. Without --peer our side runs alone.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.attribution import Child, Made, load
from benchmarks.attribution_case import shape

FEATURE, VALUE = 100, 5.0


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--peer", help="the Python that has circuit-tracer")
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--threads", type=int, default=1)
    arguments.add_argument("--tokens", type=int, nargs="+", default=[64, 128])
    arguments.add_argument("--layers", type=int, nargs="+", default=[0, 6, 11])
    chosen = arguments.parse_args()
    print(f"load {load()} at the start\n")
    print("| tokens | layer | position | attention | ours ms | peer ms | x | bare ms | x bare | logits differ |")
    print("|--:|--:|--:|---|--:|--:|--:|--:|--:|--:|")
    for n_pos in chosen.tokens:
        with Made(shape("gpt2", "plt", n_pos)) as folder:
            compare(folder, n_pos, chosen)
    print(f"\nload {load()} at the end")


def compare(folder: Path, n_pos: int, chosen: argparse.Namespace) -> None:
    how = [str(folder), str(chosen.threads)]
    ours = Child([sys.executable, "-m", "benchmarks.explorer_intervene", *how], chosen.threads)
    script = str(Path(__file__).with_name("peer_intervene.py"))
    peer = Child([chosen.peer, script, *how], chosen.threads) if chosen.peer else None
    for layer in chosen.layers:
        for pos in (n_pos - 1, 2):
            for mode, word in (("iterative", "frozen"), ("free", "free")):
                change = {"layer": layer, "pos": pos, "feature": FEATURE, "value": VALUE, "mode": mode}
                print(row([str(n_pos), str(layer), str(pos), word], turns(ours, peer, change, chosen.rounds), folder))
    for child in (ours, peer):
        if child is not None:
            child.close()


def turns(ours: Child, peer: Child | None, change: dict[str, Any], rounds: int) -> list[list[float]]:
    """CPU seconds of ours, the peer's and the peer's without activations, by turns; the first turn warms up."""
    found = []
    for turn in range(rounds + 1):
        spent = [ours.ask(**change, save=turn == 0)["cpu"]]
        if peer is not None:
            spent.append(peer.ask(**change, save=turn == 0)["cpu"])
            spent.append(peer.ask(**change, activations=False)["cpu"])
        found.append(spent)
    return found[1:]


def row(cells: list[str], spent: list[list[float]], folder: Path) -> str:
    """One line of the table, from medians."""
    middle = [1e3 * statistics.median(column) for column in zip(*spent, strict=True)]
    cells = [*cells, f"{middle[0]:.1f}"]
    for theirs in middle[1:]:
        cells += [f"{theirs:.0f}", f"{theirs / middle[0]:.1f}"]
    if len(middle) > 1:
        now, before = np.load(folder / "ours.npy")
        differ = np.abs(now - np.load(folder / "peer.npy")).max() / np.ptp(before)
        cells.append(f"{differ:.0e}")
    return "| " + " | ".join(cells) + " |"


if __name__ == "__main__":
    main()

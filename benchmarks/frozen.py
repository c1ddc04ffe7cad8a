"""How soon the frozen program shows its window: process start to a picture of the empty window on disk. Median of 5.

Run from the repository root after make bundle: python -m benchmarks.frozen [--rounds 5]
It runs off screen with an empty folder of settings. The picture is taken when the window was shown, before the engine
starts; drawing it once more and writing it are in the figure, so the window itself is there a little earlier.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from benchmarks.window import load

PROGRAM = Path(__file__).resolve().parent.parent / "dist" / "circuit-explorer" / "circuit-explorer"
LIMIT = 1.0


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("program", nargs="*", default=[str(PROGRAM)], help="another command than the frozen program")
    chosen = arguments.parse_args()
    print(f"{os.cpu_count()} processors, load {load()}")
    with tempfile.TemporaryDirectory() as home:
        first_window(chosen.program, Path(home))  # warms the file cache
        waited = [first_window(chosen.program, Path(home)) for _ in range(chosen.rounds)]
    told = f"{statistics.median(waited):.2f} s  ({min(waited):.2f} to {max(waited):.2f})"
    print(f"process start to the picture of the window {told}  limit {LIMIT:.0f} s")


def first_window(program: list[str], home: Path) -> float:
    """Seconds until ``program`` has written the picture of its window."""
    picture = home / "window.png"
    variables = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    variables |= {f"XDG_{name}_HOME": f"{home}/{name}" for name in ("CONFIG", "DATA", "STATE", "CACHE")}
    command = [*program, "open", "--picture", picture]
    begun = time.time()
    subprocess.run(command, env=variables, check=True, capture_output=True, timeout=120)
    return picture.stat().st_mtime - begun


if __name__ == "__main__":
    main()

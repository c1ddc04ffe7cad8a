"""What a run was estimated to take, and what it took: python -m benchmarks.memory [CASE ...]

A case is MODEL-KIND-POSITIONS[-FEATURES], as 6x384-plt-64 (the whole graph) or 6x384-plt-64-500 (the 500 strongest).
Each runs in a process of its own. The peak is that of resident memory from the moment the estimate is made, when
model, transcoders and active features are there, to the graph as it crosses to the window.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

CASES = (
    "5x256-plt-16",
    "5x256-plt-64",
    "5x256-clt-64",
    "6x384-plt-64",
    "6x384-clt-96",
    "gpt2-plt-8",
    "5x256-plt-64-100",
    "5x256-clt-64-1500",
    "5x256-plt-200-1500",
    "6x384-clt-96-3000",
    "6x384-plt-128-1000",
)


def measure(case: str, folder: Path) -> dict[str, float]:
    """Estimate and peak of one case, in bytes."""
    import torch

    from benchmarks.attribution_case import make, read, shape
    from benchmarks.explorer_attribution import touch
    from benchmarks.peak import reset_peak, resident
    from explorer.engine.inprocess import run_job
    from explorer.engine.jobs import attributing
    from explorer.engine.jobs.opening import Setting, model_of, transcoders_of
    from explorer.engine.state import EngineState

    name, kind, n_pos, *most = case.split("-")
    make(shape(name, kind, int(n_pos)), folder)
    _, ids = read(folder)
    state, found = EngineState(), {}
    where = {"model": str(folder / "model"), "transcoders": str(folder / "transcoders")}
    touch(model_of(state, where["model"], Setting()), transcoders_of(state, where["transcoders"]))
    check = attributing._check_memory

    def checked(*run: object) -> None:
        found["estimate"] = check(*run)
        found["before"] = reset_peak()

    attributing._check_memory = checked
    torch.set_num_threads(1)
    max_features = int(most[0]) if most else 0
    answer = run_job("attribute", state, None, token_ids=ids, max_features=max_features, **where)
    found["peak"] = resident("VmHWM") - found.pop("before")
    found["edges"] = len(answer["arrays"]["rows.source"])
    return found | {"expanded": answer["head"]["provenance"].get("n_expanded", 0)}


def main() -> None:
    if sys.argv[1:2] == ["--one"]:
        with tempfile.TemporaryDirectory() as folder:
            print(json.dumps(measure(sys.argv[2], Path(folder))))
        return
    print(f"{'case':22}{'estimate MB':>12}{'peak MB':>10}{'ratio':>7}")
    for case in sys.argv[1:] or CASES:
        one = [sys.executable, "-m", "benchmarks.memory", "--one", case]
        found = json.loads(subprocess.run(one, check=True, capture_output=True, text=True).stdout.splitlines()[-1])
        ratio = found["estimate"] / found["peak"]
        print(f"{case:22}{found['estimate'] / 1e6:12.1f}{found['peak'] / 1e6:10.1f}{ratio:7.2f}", found, flush=True)


if __name__ == "__main__":
    main()

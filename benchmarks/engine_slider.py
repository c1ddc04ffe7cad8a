"""A slider in the engine: time of one `intervene` request, and how soon a cancelled job leaves the engine idle.

    python -m benchmarks.engine_slider [--shape gpt2] [--tokens 64] [--steps 200] [--cancels 15]

Through a real engine process, as the window asks: the sample, or with --shape a random model of GPT-2-small's shape
with per-layer transcoders. A step is one request with another value, from asking to the answer; a cancel comes at a
moment spread over the time that the job takes, and ends with the event that says so. Wall time, one thread.
"""

from __future__ import annotations

import argparse
import queue
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.attribution import Made, load
from benchmarks.attribution_case import read, shape
from explorer.engine.client import EngineClient
from explorer.engine.events import CancelledEvent, Event, Failed, Result
from explorer.io.samples import SAMPLES, model_folder, transcoder_folder

MODES = ("direct", "iterative", "free")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--shape", default="", help="gpt2, or nothing for the sample")
    arguments.add_argument("--tokens", type=int, default=64)
    arguments.add_argument("--steps", type=int, default=200)
    arguments.add_argument("--cancels", type=int, default=15)
    chosen = arguments.parse_args()
    print(f"load {load()}")
    if not chosen.shape:
        sample = SAMPLES[0]
        where: dict[str, Any] = {"model": str(model_folder(sample)), "text": sample.prompt}
        where["transcoders"] = str(transcoder_folder(sample))
        measure({**where, "threads": 1}, 3, 10, chosen)
        return
    with Made(shape(chosen.shape, "plt", chosen.tokens)) as folder:
        case, ids = read(folder)
        where = {"model": str(folder / "model"), "transcoders": str(folder / "transcoders"), "token_ids": ids}
        measure({**where, "threads": 1}, case.n_layers, chosen.tokens - 1, chosen)


def measure(where: dict[str, Any], n_layers: int, last: int, chosen: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory() as folder:
        engine = Engine(Path(folder) / "engine.log")
        try:
            engine.timed("intervene", **where)
            print("| mode | layer | median ms | p95 ms |\n|---|--:|--:|--:|")
            for mode in MODES:
                for layer in sorted({0, n_layers // 2, n_layers - 1}):
                    edit = {"kind": "feature", "layer": layer, "index": 5, "pos": last, "unit": "absolute"}
                    spent = [
                        engine.timed("intervene", **where, mode=mode, interventions=[{**edit, "value": float(step)}])
                        for step in range(chosen.steps + 1)
                    ][1:]
                    p95 = statistics.quantiles(spent, n=20)[-1]
                    print(f"| {mode} | {layer} | {1e3 * statistics.median(spent):.1f} | {1e3 * p95:.1f} |")
            cancels(engine, where, chosen.cancels)
        finally:
            engine.client.close()


def cancels(engine: Engine, where: dict[str, Any], n: int) -> None:
    """How long each job goes on once it is cancelled, on a prompt that is ready, and on one that is not."""
    edit = {"kind": "feature", "layer": 0, "index": 5, "pos": 2, "unit": "absolute", "value": 3.0}
    made = {**where, "interventions": [edit], "mode": "free"}
    jobs = {
        "intervene": ("intervene", {**made, "changed": 20}),
        "generate": ("generate", {**made, "n": 40}),
        "dose": ("dose", {**made, "values": [float(value) for value in range(4)]}),
    }
    print("| cancelled | takes ms | median ms | worst ms |\n|---|--:|--:|--:|")
    for name, (job, values) in jobs.items():
        takes = engine.timed(job, **values)
        spent = [engine.cancelled(takes * (i + 0.5) / n, job, **values) for i in range(n)]
        found = [one for one in spent if one is not None]
        print(f"| {name} | {1e3 * takes:.0f} | {1e3 * statistics.median(found):.1f} | {1e3 * max(found):.1f} |")
    fresh = {**made, "changed": 20}
    ids = fresh.pop("token_ids", None)
    prompts = [{"token_ids": [*ids[:-1], i + 1]} if ids else {"text": f"{where['text']} {i}"} for i in range(n + 1)]
    takes = engine.timed("intervene", **{**fresh, **prompts[-1]})
    spent = [engine.cancelled(takes * (i + 0.5) / n, "intervene", **{**fresh, **prompts[i]}) for i in range(n)]
    found = [one for one in spent if one is not None]
    print(f"| a new prompt | {1e3 * takes:.0f} | {1e3 * statistics.median(found):.1f} | {1e3 * max(found):.1f} |")


class Engine:
    """An engine process that is asked for one thing at a time."""

    def __init__(self, log: Path) -> None:
        self.events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self.client = EngineClient(None, log, self.events.put)
        self.client.start()

    def timed(self, job: str, **values: Any) -> float:
        """Seconds from asking to the answer."""
        start = time.perf_counter()
        self.client.request(job, "slider", **values)
        ended = self._end()
        assert isinstance(ended, Result), ended
        return time.perf_counter() - start

    def cancelled(self, after: float, job: str, **values: Any) -> float | None:
        """Seconds from cancelling, ``after`` seconds into the job, to its end; None if it was done before."""
        id = self.client.request(job, "slider", **values)
        time.sleep(after)
        start = time.perf_counter()
        self.client.cancel(id)
        ended = self._end()
        return time.perf_counter() - start if isinstance(ended, CancelledEvent) or ended.stopped else None

    def _end(self) -> Any:
        while not isinstance(event := self.events.get(timeout=300), Result | CancelledEvent | Failed):
            pass
        return event


if __name__ == "__main__":
    main()

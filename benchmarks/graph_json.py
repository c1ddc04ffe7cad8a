"""What a large graph JSON of circuit-tracer costs to import: seconds, peak memory, the longest step.

Run from the repository root: python -m benchmarks.graph_json [--mb 200] [--file GRAPH.json]
Cancelling waits for one step at most; peak memory is all of the process, Python and numpy included.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from benchmarks.peak import resident
from explorer.io.graph_json_ids import cantor
from explorer.io.graphs import reading
from explorer.work import Progress

N_LAYERS, N_POS = 26, 73  # the longest prompt that circuit-tracer's issue 12 tells of
BYTES_PER_LINK, BYTES_TO_SPARE = 95, 1.1
OUTPUT = f"{N_LAYERS + 1}_7_{N_POS - 1}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mb", type=int, default=200, help="size of the file that is written")
    parser.add_argument("--file", type=Path, help="import this one instead")
    chosen = parser.parse_args()
    if chosen.file is not None:
        print(json.dumps(measured(chosen.file)))
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "large.json"
        write(path, chosen.mb * 1_000_000)
        print(json.dumps(imported(path)))


def imported(path: Path) -> dict[str, float]:
    """``measured`` in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.graph_json", "--file", str(path)]
    root = Path(__file__).parents[1]
    run = subprocess.run(command, capture_output=True, text=True, check=True, cwd=root)
    found: dict[str, float] = json.loads(run.stdout)
    return found


def measured(path: Path) -> dict[str, float]:
    """Import ``path``; to be called once in a process."""
    steps: list[Progress] = []
    longest, began = 0.0, time.perf_counter()
    work, last = reading(path), began
    try:
        while True:
            steps.append(next(work))
            now = time.perf_counter()
            longest, last = max(longest, now - last), now
    except StopIteration as stop:
        graph, _ = stop.value
    end = time.perf_counter()
    return {
        "MB of the file": round(path.stat().st_size / 1e6),
        "nodes": len(graph),
        "links": graph.n_edges,
        "seconds": round(end - began, 1),
        "peak MB": round(resident("VmHWM") / 1e6),
        "steps of progress": len(steps),
        "longest step before the last, s": round(longest, 2),
        "last step, s": round(end - last, 2),
    }


def write(path: Path, size: int, n_features: int = 14_000) -> int:
    """Write a graph of about ``size`` bytes as circuit-tracer does, indented by two; how many links it has."""
    rng = np.random.default_rng(0)
    layers, positions = rng.integers(0, N_LAYERS, n_features), rng.integers(1, N_POS, n_features)
    places = zip(layers.tolist(), positions.tolist(), rng.integers(0, 16_384, n_features).tolist(), strict=True)
    keys = sorted(set(places))
    ids = [f"{layer}_{feature}_{pos}" for layer, pos, feature in keys]
    with path.open("w") as file:
        file.write(json.dumps({"metadata": _metadata(), "qParams": {}}, indent=2)[:-2] + ',\n  "nodes": [\n')
        nodes = [_feature(node_id, *key) for node_id, key in zip(ids, keys, strict=True)]
        nodes += [_node(f"E_{pos}_{pos}", "embedding", "E", pos, pos) for pos in range(N_POS)]
        nodes.append({**_node(OUTPUT, "logit", "27", 72, 7), "clerp": 'Output " a" (p=0.500)', "token_prob": 0.5})
        file.write(",\n".join(json.dumps(node, indent=2) for node in nodes) + '\n  ],\n  "links": [\n')
        n_links = _write_links(file, size, keys, ids, rng)
        file.write("\n  ]\n}\n")
    return n_links


def _write_links(
    file: TextIO, size: int, keys: list[tuple[int, int, int]], ids: list[str], rng: np.random.Generator
) -> int:
    """Links into features, from their token and random ones below and no later, until the file is large enough.

    All features lead to the output, so that all of them are shown.
    """
    layer, pos, _ = np.array(keys).T
    share = BYTES_TO_SPARE * size / BYTES_PER_LINK / (len(ids) ** 2 / 4)
    n_links = 0
    for target, name in enumerate(ids):
        likely = rng.random(len(ids)) < (share if file.tell() < size else 0.0)
        fits = np.flatnonzero((layer < layer[target]) & (pos <= pos[target]) & likely).tolist()
        links = [_link(ids[source], name, rng.normal()) for source in fits]
        links += [_link(f"E_{pos[target]}_{pos[target]}", name, rng.normal()), _link(name, OUTPUT, rng.normal())]
        file.write((",\n" if n_links else "") + ",\n".join(links))
        n_links += len(links)
    return n_links


def _link(source: str, target: str, weight: float) -> str:
    """As ``json.dumps`` indents it, several times faster."""
    return f'{{\n  "source": "{source}",\n  "target": "{target}",\n  "weight": {float(np.float32(weight))!r}\n}}'


def _metadata() -> dict[str, Any]:
    tokens = ["<bos>", *(f" word{pos}" for pos in range(1, N_POS))]
    text = "".join(tokens)
    about = {"slug": "large", "scan": "gemma", "prompt": text, "prompt_tokens": tokens}
    return {**about, "node_threshold": 0.8, "schema_version": 1}


def _feature(node_id: str, layer: int, pos: int, feature: int) -> dict[str, Any]:
    number = cantor(layer, feature)
    return _node(node_id, "cross layer transcoder", str(layer), pos, number) | {"activation": 1.5, "influence": 0.5}


def _node(node_id: str, kind: str, layer: str, pos: int, feature: int) -> dict[str, Any]:
    place = {"node_id": node_id, "feature": feature, "layer": layer, "ctx_idx": pos, "feature_type": kind}
    usual = {"token_prob": 0.0, "is_target_logit": False, "run_idx": 0, "reverse_ctx_idx": 0, "clerp": ""}
    return {**place, **usual, "jsNodeId": f"{layer}_{feature}-0", "influence": 0.25, "activation": None}


if __name__ == "__main__":
    main()

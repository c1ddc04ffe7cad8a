"""circuit-tracer's side of the intervention benchmark; runs in its own environment, beside peer_attribution.py.

python benchmarks/peer_intervene.py CASE_FOLDER THREADS
"""

import contextlib
import json
import sys
import time
from pathlib import Path

import numpy as np
import torch
from peer_attribution import load


def main():
    folder, threads = Path(sys.argv[1]), int(sys.argv[2])
    torch.set_num_threads(threads)
    held = json.loads((folder / "case.json").read_text("utf-8"))
    with contextlib.redirect_stdout(sys.stderr):
        model = load(folder, held["shape"], torch.device("cpu"), torch.float32)
    ids = torch.tensor(held["ids"])
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        command = json.loads(line)
        changes = [(command["layer"], command["pos"], command["feature"], command["value"])]
        frozen, kept = command["mode"] == "iterative", command.get("activations", True)
        cpu, wall = time.process_time(), time.perf_counter()
        with contextlib.redirect_stdout(sys.stderr):
            logits, _ = model.feature_intervention(
                ids, changes, freeze_attention=frozen, return_activations=kept
            )
        spent = {"cpu": time.process_time() - cpu, "wall": time.perf_counter() - wall}
        if command.get("save"):
            np.save(folder / "peer.npy", logits[0, -1].numpy())
        del logits
        print(json.dumps(spent), flush=True)


if __name__ == "__main__":
    main()

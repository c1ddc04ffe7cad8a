"""Our side of the intervention benchmark; the counterpart of peer_intervene.py, with the same commands.

python -m benchmarks.explorer_intervene CASE_FOLDER THREADS
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import numpy as np
import torch

from benchmarks.attribution_case import read
from benchmarks.explorer_attribution import touch
from explorer.circuits.intervening import intervene
from explorer.circuits.interventions import at, feature
from explorer.circuits.modes import mode
from explorer.circuits.subject import prepare
from explorer.io.transcoders import read as read_transcoders
from explorer.models.loader import open_language_model


def main() -> None:
    folder, threads = Path(sys.argv[1]), int(sys.argv[2])
    torch.set_num_threads(threads)
    case, ids = read(folder)
    model, held = open_language_model(folder / "model"), read_transcoders(folder / "transcoders")
    touch(model, held)
    with torch.no_grad():
        subject = prepare(model, held, tuple(ids))
        print(json.dumps({"ready": True}), flush=True)
        for line in sys.stdin:
            command = json.loads(line)
            how = mode(command["mode"], case.n_layers)
            place = feature(command["layer"], command["feature"], at(command["pos"]))
            cpu, wall = time.process_time(), time.perf_counter()
            outcome = intervene(subject, [place.to(command["value"])], how)
            spent = {"cpu": time.process_time() - cpu, "wall": time.perf_counter() - wall}
            if command.get("save"):
                np.save(folder / "ours.npy", np.stack([outcome.now.numpy(), outcome.before.numpy()]))
            print(json.dumps(spent), flush=True)


if __name__ == "__main__":
    main()

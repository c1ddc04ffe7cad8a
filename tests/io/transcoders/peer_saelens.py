"""Run by the Python that has sae-lens: its own classes write one layer each and compute its output.

    PEER/bin/python peer_saelens.py JOBS.json

A job makes the class that ``settings`` name with random weights, lets it save itself into ``folder``, and saves what it
computes of ``x``, (batch, d), as ``out``.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch
from sae_lens import SAE
from safetensors.torch import load_file, save_file


def main(jobs: Path) -> None:
    torch.manual_seed(0)
    torch.set_grad_enabled(False)
    for job in json.loads(jobs.read_text("utf-8")):
        made = SAE.from_dict(job["settings"])
        for name, parameter in made.named_parameters():
            parameter.data.normal_()
            if name == "threshold":
                parameter.data.abs_()
        made.save_model(job["folder"])
        save_file({"out": made(load_file(job["x"])["x"]).detach().contiguous()}, job["out"])


if __name__ == "__main__":
    main(Path(sys.argv[1]))

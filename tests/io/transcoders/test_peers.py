"""The producers' own packages write sets that read the same here, and read what is converted here.

    CIRCUIT_TRACER_PYTHON=peer/bin/python SAE_LENS_PYTHON=saelens/bin/python pytest -m peer tests/io/transcoders

Both are the Python of an environment of its own: circuit-tracer 0.5.0 (benchmarks/README.md), sae-lens 6.54.12.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from explorer.errors import UnsupportedTranscoder
from explorer.io.transcoders import circuit_tracer, read
from tests.io.transcoders import layouts_gemma_scope
from tests.io.transcoders.layouts import BATCH, N_LAYERS, D, N
from tests.io.transcoders.test_layouts import LAYOUTS, computed, differ

pytestmark = pytest.mark.peer

HERE = Path(__file__).parent
MADE = {
    "per layer": ("plt", False, False),
    "per layer, JumpReLU": ("plt", True, False),
    "per layer, skip": ("plt", False, True),
    "per layer, JumpReLU, skip": ("plt", True, True),
    "across layers": ("clt", False, False),
    "across layers, JumpReLU": ("clt", True, False),
}
SPECIAL = {
    "Gemma Scope": ("gemma-scope", layouts_gemma_scope.first),
    "Gemma Scope 2": ("gemma-scope-2", layouts_gemma_scope.second),
    "Gemma Scope 2, affine": ("gemma-scope-2", lambda folder: layouts_gemma_scope.second(folder, affine=True)),
}
HOOKS = {"hook_name": "blocks.0.mlp.hook_in", "hook_name_out": "blocks.0.hook_mlp_out", "model_name": "tiny"}
SITE = {"hook_name": "blocks.0.hook_resid_post", "model_name": "tiny"}
SAELENS: dict[str, dict[str, Any]] = {
    **{
        name: {"architecture": name, "d_out": D, "apply_b_dec_to_input": False, "metadata": HOOKS}
        for name in ("transcoder", "skip_transcoder", "jumprelu_transcoder", "jumprelu_skip_transcoder")
    },
    **{name: {"architecture": name, "metadata": SITE} for name in ("standard", "jumprelu", "gated")},
    "standard, b_dec after the decoder alone": {
        "architecture": "standard", "metadata": SITE, "apply_b_dec_to_input": False
    },
    "topk": {"architecture": "topk", "k": 3, "metadata": SITE},
    "topk by norms": {"architecture": "topk", "k": 3, "rescale_acts_by_decoder_norm": True, "metadata": SITE},
}  # fmt: skip


def asked(variable: str, script: str, jobs: list[dict[str, Any]], folder: Path) -> None:
    """Let the peer whose Python ``variable`` names do ``jobs``; skip if it names none."""
    python = os.environ.get(variable)
    if not python:
        pytest.skip(f"{variable} names no Python of an environment with the peer")
    (folder / "jobs.json").write_text(json.dumps(jobs), "utf-8")
    command = [python, "-W", "ignore", str(HERE / script), str(folder / "jobs.json")]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, cwd=folder, env=environment)
    assert done.returncode == 0, done.stderr[-3000:]


def inputs(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(9), dtype=torch.float64)


def job(folder: Path, name: str, **more: Any) -> dict[str, Any]:
    (folder / name).mkdir()
    return {"folder": str(folder / name), "x": str(folder / "x"), "out": str(folder / name / "out"), **more}


def out(folder: Path, name: str) -> Tensor:
    return load_file(folder / name / "out")["out"]


@pytest.fixture(scope="module")
def traced(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what circuit-tracer wrote, and what it computes of that and of Gemma Scope's files."""
    folder = tmp_path_factory.mktemp("circuit_tracer")
    save_file({"x": inputs(N_LAYERS, BATCH, D)}, folder / "x")
    jobs = [job(folder, name, make=kind, jump=jump, skip=skip) for name, (kind, jump, skip) in MADE.items()]
    for name, (special, layout) in SPECIAL.items():
        jobs.append(job(folder, name, special=special))
        jobs[-1]["files"] = [str(file) for file in layout(folder / name).files()]
    asked("CIRCUIT_TRACER_PYTHON", "peer_circuit_tracer.py", jobs, folder)
    return folder


@pytest.mark.parametrize("name", [*MADE, *SPECIAL])
def test_what_circuit_tracer_writes_or_loads_computes_the_same_here(name: str, traced: Path) -> None:
    held = read(traced / name, told={"kind": "transcoders"})
    assert differ(computed(held, inputs(N_LAYERS, BATCH, D)), out(traced, name)) < 1e-12


@pytest.fixture(scope="module")
def converted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Tensor]]:
    """What circuit-tracer computes of every layout that can be converted, and what that layout's producer computes."""
    folder, jobs, expected = tmp_path_factory.mktemp("converted"), [], {}
    for name, layout in LAYOUTS.items():
        (folder / "before" / name).mkdir(parents=True)
        written = layout(folder / "before" / name)
        held = read(written.path, told=written.told)
        try:
            circuit_tracer.write(held, folder / name)
        except UnsupportedTranscoder:
            continue  # test_layouts.py has the reasons
        x = inputs(held.n_layers, BATCH, D)
        save_file({"x": x}, folder / name / "x")
        jobs.append({key: str(folder / name / file) for key, file in (("folder", ""), ("x", "x"), ("out", "out"))})
        expected[name] = written.formula(x)
    asked("CIRCUIT_TRACER_PYTHON", "peer_circuit_tracer.py", jobs, folder)
    return folder, expected


@pytest.mark.parametrize("name", LAYOUTS)
def test_what_is_converted_here_computes_the_same_in_circuit_tracer(
    name: str, converted: tuple[Path, dict[str, Tensor]]
) -> None:
    folder, expected = converted
    if name not in expected:
        pytest.skip("circuit-tracer's layout cannot hold it")
    assert differ(out(folder, name), expected[name]) < 1e-12


@pytest.fixture(scope="module")
def saelens(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("saelens")
    save_file({"x": inputs(BATCH, D)}, folder / "x")
    base = {"d_in": D, "d_sae": N, "dtype": "float64", "device": "cpu"}
    jobs = [job(folder, name, settings={**base, **settings}) for name, settings in SAELENS.items()]
    asked("SAE_LENS_PYTHON", "peer_saelens.py", jobs, folder)
    return folder


@pytest.mark.parametrize("name", SAELENS)
def test_what_saelens_writes_computes_the_same_here(name: str, saelens: Path) -> None:
    held = read(saelens / name)
    assert held.kind == ("plt" if "transcoder" in name else "sae")
    assert differ(computed(held, inputs(1, BATCH, D))[0], out(saelens, name)) < 1e-12

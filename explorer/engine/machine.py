"""What the engine runs on: versions, devices, threads, memory; and getting ready for the first job."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Mapping
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version

from explorer import __version__
from explorer.engine.memory import free_memory, total_memory, used_memory
from explorer.engine.state import EngineState
from explorer.errors import EngineError
from explorer.work import Progress, Work

# What every first job would otherwise wait for, in the order of import; the bulk of every modeling module.
WARM = ("torch", "transformers.modeling_utils", "transformers.models.llama.modeling_llama", "explorer.models.capture")
PACKAGES = ("numpy", "torch", "transformers")


def hello(state: EngineState) -> Work[Mapping[str, object]]:
    """Who answers. Imports nothing: ``devices`` is None until torch is loaded; memory is in bytes."""
    yield Progress(0, 1, "Asking the engine")
    return {
        "version": __version__,
        "versions": versions(),
        "pid": os.getpid(),
        "threads": _threads(),
        "memory": used_memory(),
        "free_memory": free_memory(),
        "models": sorted(state.models),
        "devices": devices() if "torch" in sys.modules else None,
    }


def warm(state: EngineState) -> Work[Mapping[str, object]]:
    """Import what the first job needs, and say which devices there are."""
    for done, name in enumerate(WARM):
        yield Progress(done, len(WARM), f"Loading {name.split('.')[0]}")
        try:
            import_module(name)
        except ImportError as error:
            raise EngineError(
                f"The engine's Python has no working “{name}” ({error}): install it, or name another engine."
            ) from error
    yield Progress(len(WARM), len(WARM), "Ready")
    return {"devices": devices(), "memory": used_memory(), "free_memory": free_memory(), "versions": versions()}


def versions() -> dict[str, str]:
    """The version of Python and of what computes; empty where a package does not say."""
    return {"python": platform.python_version(), **{name: _installed(name) for name in PACKAGES}}


def devices() -> list[dict[str, object]]:
    """The devices torch can compute on, the processor first; memory in bytes, 0 where not known."""
    import torch

    found: list[dict[str, object]] = [{"device": "cpu", "name": "CPU", "memory": total_memory()}]
    for index in range(torch.cuda.device_count()):
        card = torch.cuda.get_device_properties(index)
        found.append({"device": f"cuda:{index}", "name": card.name, "memory": card.total_memory})
    if torch.backends.mps.is_available():
        found.append({"device": "mps", "name": "Apple GPU", "memory": total_memory()})
    return found


def _threads() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _installed(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""

"""What import-linter cannot see: what an import brings in, who opens files, how long things get."""

from __future__ import annotations

import ast
import json
import os
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FILES = sorted((ROOT / "explorer").rglob("*.py"))
MODULES = sorted(module.name for module in pkgutil.walk_packages([str(ROOT / "explorer")], "explorer."))

# What may import torch at once; all else runs in the window's process or in the engine before its first job.
TORCH_SIDE = (
    "explorer.circuits",
    "explorer.engine.jobs",
    "explorer.features",
    "explorer.io.transcoders",
    "explorer.models",
    "explorer.transcoders",
)
NUMPY_ONLY = tuple(
    f"explorer.circuits.{name}"
    for name in (
        *("compare", "controls", "graph", "influence", "paths", "predicted", "proposals", "pruning", "reading"),
        *("removal", "scores", "spearman", "supernodes", "unexplained"),
    )
)
IMPORT = """
import importlib, json, sys
forbidden, found = json.loads(sys.argv[1]), {}
for module in sys.argv[2:]:
    importlib.import_module(module)
    new = [name for name in forbidden if name in sys.modules]
    if new:
        found[module] = new
        break
print(json.dumps(found))
"""
OPENERS = {"open", "read_bytes", "read_text", "write_bytes", "write_text"}
OPEN_FILES = (
    "explorer/io",
    "explorer/models/loader.py",  # transformers reads its own folder
    "explorer/engine/log.py",  # the engine's own log is there before any document
    "explorer/engine/memory.py",  # free memory, from /proc
)


def within(module: str, packages: tuple[str, ...]) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def brought_in(modules: list[str], forbidden: list[str]) -> dict[str, list[str]]:
    """The first of ``modules`` whose import loads one of ``forbidden``, and which; empty if none does."""
    run = subprocess.run(
        [sys.executable, "-c", IMPORT, json.dumps(forbidden), *modules],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert run.returncode == 0, run.stderr
    found: dict[str, list[str]] = json.loads(run.stdout.splitlines()[-1])
    return found


def test_the_window_side_imports_neither_torch_nor_transformers() -> None:
    window = [name for name in MODULES if within(name, NUMPY_ONLY) or not within(name, TORCH_SIDE)]
    assert brought_in(window, ["torch", "transformers", "dask", "distributed"]) == {}


def test_all_but_the_window_imports_no_qt_and_a_cluster_is_named_by_who_asks_for_one() -> None:
    below = [name for name in MODULES if not within(name, ("explorer.ui",))]
    assert brought_in(below, ["PySide6", "pyqtgraph", "superqt", "dask", "distributed"]) == {}


def test_importing_the_core_loads_no_transformers() -> None:
    """It takes half a second and is imported where a model is opened."""
    core = ("explorer.circuits", "explorer.features", "explorer.specimens")
    assert brought_in([name for name in MODULES if within(name, core)], ["transformers"]) == {}


@pytest.fixture(scope="module")
def trees() -> dict[Path, ast.Module]:
    """Parsing takes seconds."""
    return {path: ast.parse(path.read_text()) for path in FILES}


def opened(path: Path, tree: ast.Module) -> list[str]:
    """Where ``path`` opens a file: the calls named like Path's openers, and open itself, not os.open or a QBuffer's."""
    found = []
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id="open")):
                found.append(f"{path.relative_to(ROOT)}:{node.lineno} open")
            case ast.Call(func=ast.Attribute(value=ast.Name(id="os"))):
                pass
            case ast.Call(args=[ast.Attribute(value=ast.Attribute(attr="OpenModeFlag"))]):
                pass
            case ast.Call(func=ast.Attribute(attr=name)) if name in OPENERS:
                found.append(f"{path.relative_to(ROOT)}:{node.lineno} {name}")
    return found


def test_only_io_and_the_model_loader_open_files(trees: dict[Path, ast.Module]) -> None:
    others = [path for path in FILES if not any(path.is_relative_to(ROOT / place) for place in OPEN_FILES)]
    assert [line for path in others for line in opened(path, trees[path])] == []


def test_jaxtyping_which_only_developers_have_is_known_to_one_module() -> None:
    knowing = [str(path.relative_to(ROOT)) for path in FILES if "jaxtyping" in path.read_text()]
    assert knowing == ["explorer/shapes.py"]


def test_no_file_is_longer_than_400_lines() -> None:
    lengths = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in FILES}
    assert {name: length for name, length in lengths.items() if length > 400} == {}


def test_no_function_is_longer_than_60_lines(trees: dict[Path, ast.Module]) -> None:
    long = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
        for path, tree in trees.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno >= 60
    ]
    assert long == []


def test_what_is_foreseen_is_caught_by_name_but_in_two_places(trees: dict[Path, ast.Module]) -> None:
    """The engine's job loop and the window's top hook may catch whatever comes."""
    wide = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path, tree in trees.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ExceptHandler) and catches_all(node)
    ]
    assert len(wide) <= 2, wide
    assert all(line.startswith(("explorer/engine/", "explorer/ui/")) for line in wide), wide


def catches_all(handler: ast.ExceptHandler) -> bool:
    return handler.type is None or ast.unparse(handler.type) in {"Exception", "BaseException"}

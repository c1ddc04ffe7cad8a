"""The command that lets the installed program prove that it works, frozen or not."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from explorer.circuits.graph import Graph, NodeKey, NodeKind
from explorer.circuits.graph_arrays import from_arrays
from explorer.circuits.influence import node_influence
from explorer.circuits.scores import BOOKS_LIMIT, worst_residual
from explorer.cli.changes import setting
from explorer.errors import ExplorerError, GraphError

ANSWER = "Austin"
SWITCHED_OFF = ("0:10:517", "0:10:287", "0:10:187", "1:10:632", "2:10:530", "2:10:177")
# What the sample gave where it was trained, in float32; another machine rounds differently, by far less than this.
FIGURES: Mapping[str, float] = {
    "influence of 0:10:517": 0.14213,
    "probability of “Austin”": 0.97409,
    "with six features off": 0.65321,
    "as predicted": 0.57273,
}
TOLERANCE = 1e-3  # absolute


def self_test(chosen: argparse.Namespace) -> int:
    """Run every check, print each, and end the process with the code, so that no teardown can change it."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        for name, check in CHECKS:
            try:
                print(f"ok    {name}: {check(Path(folder))}", flush=True)
            except (ExplorerError, OSError) as error:
                failed += 1
                print(f"fail  {name}: {error}", flush=True)
    print("The program works." if not failed else f"{failed} of {len(CHECKS)} checks failed.", flush=True)
    sys.stderr.flush()
    os._exit(1 if failed else 0)


def _check_qt(folder: Path) -> str:
    from explorer.ui.probe import check_none_references

    return check_none_references()


def _check_families(folder: Path) -> str:
    """The code of every family that opens is there: transformers imports it by name."""
    from transformers import MODEL_FOR_CAUSAL_LM_MAPPING
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING

    from explorer.models import tiny
    from explorer.models.families import FAMILIES

    tiny.register()
    for family in FAMILIES:
        try:
            MODEL_FOR_CAUSAL_LM_MAPPING[CONFIG_MAPPING[family]]
        except (ImportError, KeyError, RuntimeError) as error:
            raise GraphError(f"there is no code for models of the family {family}") from error
    return f"{len(FAMILIES)} families of models"


def _check_sample(folder: Path) -> str:
    """The Dallas graph: right answer, balanced books, saved and opened again; features off, and what comes of it."""
    from explorer.engine.inprocess import run_job
    from explorer.engine.state import EngineState
    from explorer.io.circuit_file import open_circuit, save
    from explorer.session.edits import Edits

    state, asked = EngineState(), _asked()
    answer = run_job("attribute", state, None, **asked)
    save(folder / "sample.circuit", from_arrays(answer["head"], answer["arrays"]), Edits())
    graph, _ = open_circuit(folder / "sample.circuit")
    residual = worst_residual(graph)
    if not residual <= BOOKS_LIMIT["float32"]:
        raise GraphError(f"the books of the sample are off by {residual:.1e}")
    off = run_job("intervene", state, None, **asked, interventions=[setting(f"{one}=0") for one in SWITCHED_OFF])
    return f"{_compared(_figures(graph, off['tokens']))}, books balance to {residual:.1e}"


def _asked() -> dict[str, str]:
    from explorer.io.samples import SAMPLES, model_folder, transcoder_folder

    sample = SAMPLES[0]
    where = {"model": str(model_folder(sample)), "transcoders": str(transcoder_folder(sample))}
    return {**where, "text": sample.prompt}


def _figures(graph: Graph, tokens: list[dict[str, Any]]) -> tuple[float, ...]:
    layer, pos, feature = map(int, SWITCHED_OFF[0].split(":"))
    node = graph.index[NodeKey(NodeKind.FEATURE, layer, pos, feature)]
    answer = next(row for row in tokens if row["text"] == ANSWER)
    return float(node_influence(graph)[node]), answer["before"], answer["now"], answer["predicted"]


def _compared(found: tuple[float, ...]) -> str:
    """The figures in words; GraphError if one is not the stored one."""
    for (name, stored), value in zip(FIGURES.items(), found, strict=True):
        if not abs(value - stored) <= TOLERANCE:
            raise GraphError(f"{name} is {value:.5f} and should be {stored:.5f}")
    return ", ".join(f"{name} {value:.4f}" for name, value in zip(FIGURES, found, strict=True))


def _check_export(folder: Path) -> str:
    from explorer.io import npz
    from explorer.io.circuit_file import open_circuit
    from explorer.session.page import Page
    from explorer.session.pictures import Material, picture
    from explorer.session.view import resolve
    from explorer.ui.export import write_figure

    graph, edits = open_circuit(folder / "sample.circuit")
    figure = picture(Material(resolve(graph, edits)), "graph", Page())
    for suffix in (".svg", ".png", ".pdf"):
        write_figure(figure, folder / f"sample{suffix}")
    npz.write(folder / "sample.npz", graph, edits)
    sizes = {file.suffix: file.stat().st_size for file in folder.iterdir() if file.is_file()}
    empty = [suffix for suffix, size in sizes.items() if size == 0]
    if empty:
        raise GraphError(f"the export wrote empty files: {', '.join(empty)}")
    return ", ".join(f"{suffix} {size} bytes" for suffix, size in sorted(sizes.items()))


def _check_window(folder: Path) -> str:
    from explorer.ui.app import run

    picture = folder / "window.png"
    if run((str(folder / "sample.circuit"),), engine="", picture=picture) != 0 or not picture.is_file():
        raise GraphError("the window could not be drawn")
    return f"window drawn, {picture.stat().st_size} bytes"


def _check_specimens(folder: Path) -> str:
    """Each page draws, with the plots of a library that is imported for them alone."""
    from PySide6.QtWidgets import QApplication

    from explorer.specimens.catalogue import find
    from explorer.ui.specimens.window import PAGES, page_of

    application = QApplication.instance() or QApplication([])
    pages, sizes = folder / "specimens", []
    pages.mkdir()
    for name in PAGES:
        specimen = find(name)
        assert specimen is not None
        page = page_of(specimen)
        view = page.read()
        view.resize(900, 600)
        view.show()
        application.processEvents()
        view.grab().save(str(pages / f"{name}.png"))
        sizes.append((pages / f"{name}.png").stat().st_size)
        page.rest()
        view.close()
    return f"{len(sizes)} pages drawn, {min(sizes)} to {max(sizes)} bytes"


CHECKS: tuple[tuple[str, Callable[[Path], str]], ...] = (
    ("Qt", _check_qt),
    ("families", _check_families),
    ("sample", _check_sample),
    ("window", _check_window),  # before the export: the window's application serves both
    ("specimens", _check_specimens),
    ("export", _check_export),
)

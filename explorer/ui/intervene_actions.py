"""What the menu Intervene does."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from explorer.circuits.graph import NodeKind
from explorer.io import atomic
from explorer.session.script import script
from explorer.ui.intervention_edits import holds

if TYPE_CHECKING:
    from explorer.ui.window import MainWindow

PROGRAM = "Python program (*.py)"


def can_add(window: MainWindow) -> bool:
    """Whether a feature, an error node or a group is selected that can be changed."""
    document = window.document
    graph = document.graph
    if graph is None or document.is_partial:
        return False
    kinds = graph.nodes.kind[list(document.selection)]
    return bool(document.group) or bool(((kinds == NodeKind.FEATURE) | (kinds == NodeKind.ERROR)).any())


def add_selected(window: MainWindow) -> None:
    """Into the dock, which opens, with what is selected."""
    if not window.places.wanted["intervene"]:
        window.toggle("intervene")
    window.intervene.edits.add_selected()


def has_prompt(window: MainWindow) -> bool:
    return window.in_workspace and not window.document.is_partial and window.intervene.edits.n_pos > 0


def has_rows(window: MainWindow) -> bool:
    return bool(window.document.edits.interventions.rows) and not window.document.is_partial


def has_groups(window: MainWindow) -> bool:
    return has_prompt(window) and bool(window.document.edits.supernodes)


def can_generate(window: MainWindow) -> bool:
    return has_rows(window) and not window.intervene.intervening.words


def holds_attention(window: MainWindow) -> bool:
    return holds(window.document.edits.interventions, "attention")


def holds_norms(window: MainWindow) -> bool:
    return holds(window.document.edits.interventions, "norms")


def generate(window: MainWindow) -> None:
    window.go_to("intervene")
    window.intervene.generate()


def can_save_program(window: MainWindow) -> bool:
    return has_rows(window) and window.document.model is not None


def save_program(window: MainWindow) -> None:
    """Ask for a file and write the Python program there that makes the same changes."""
    window.files.ask_to_write("Save the interventions as a program", ".py", PROGRAM, lambda path: _write(window, path))


def _write(window: MainWindow, path: Path) -> None:
    model, dock = window.document.model, window.intervene.intervening
    if model is None:
        return
    features = "" if model.has_neurons else model.transcoder_path
    where = {"model": model.path, "transcoders": features, "text": dock.prompt}
    text = script(dock.made, **where, token_ids=dock.token_ids, at=dock.position)
    atomic.write(path, text.encode())
    window.status.say(f"Saved “{path.name}”.")

"""Files: what the window opens, saves and exports, with its dialogs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QFileDialog

from explorer.circuits.graph import Graph
from explorer.errors import ExplorerError, LoadError
from explorer.io import circuit_file, graph_json_import
from explorer.io.inspect import describe
from explorer.session.edits import Edits
from explorer.ui.notices import Notice

if TYPE_CHECKING:
    from explorer.ui.window import MainWindow

GRAPHS = "Graphs and documents (*.circuit *.json)"
FIGURES = "SVG picture (*.svg);;PDF document (*.pdf);;PNG picture (*.png)"
GRAPH_SUFFIXES = (circuit_file.SUFFIX, ".json")


class Files:
    """Opens by what a path is: a folder is a model or transcoders, .json a graph, .circuit a document.

    A foreseen fault becomes a notice; what is open stays as it was.
    """

    def __init__(self, window: MainWindow) -> None:
        self._window = window
        self.folder = Path.home()

    # asking

    def ask_model(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self._window, "Open a model", str(self.folder))
        if chosen:
            self.open_path(Path(chosen))

    def ask_transcoders(self) -> None:
        model = self._window.document.model
        chosen = QFileDialog.getExistingDirectory(self._window, "Choose transcoders", str(self.folder))
        if chosen and model is not None:
            self.folder = Path(chosen).parent
            self._window.engine.open_model(model.path, chosen)

    def ask_document(self) -> None:
        title = "Open a graph or document"
        chosen, _ = QFileDialog.getOpenFileName(self._window, title, str(self.folder), GRAPHS)
        if chosen:
            self.open_path(Path(chosen))

    # opening

    def open_path(self, path: Path) -> None:
        """Open ``path``, whatever it is; LoadError and its kin become a notice."""
        self.folder = path.parent
        self._try(lambda: self._open(path))

    def _open(self, path: Path) -> None:
        if not path.exists():
            raise LoadError(f"There is no file “{path}”; check the path.")
        if path.suffix.lower() in GRAPH_SUFFIXES:
            self._open_graph(path)
            return
        found = describe(path)
        if found.kind == "transcoders" and self._window.document.model is not None:
            self._window.engine.open_model(self._window.document.model.path, str(path))
        elif found.kind == "sample":
            kinds = [kind for kind in ("plt", "clt") if (path / kind).is_dir()]
            self._window.open_model(str(path / "model"), str(path / kinds[0]) if kinds else "")
        elif found.kind == "model":
            self._window.open_model(str(path))
        else:
            raise LoadError(f"“{path.name}” is {found.format}; open a model folder, a graph .json or a .circuit.")

    def _open_graph(self, path: Path) -> None:
        graph, edits = read_graph(path)
        document = path if path.suffix.lower() == circuit_file.SUFFIX else None
        self._window.show_graph(graph, edits, document, path)

    # saving

    def save(self) -> None:
        """Into the document's own file; asks for one if it has none."""
        path = self._window.document.path
        if path is None or path.suffix.lower() != circuit_file.SUFFIX:
            self.save_copy()
        else:
            self._try(lambda: self._write(path))

    def save_copy(self) -> None:
        start = str(self.folder / f"{self._name()}{circuit_file.SUFFIX}")
        kinds = "Circuit document (*.circuit)"
        chosen, _ = QFileDialog.getSaveFileName(self._window, "Save a copy", start, kinds)
        if chosen:
            path = Path(chosen)
            path = path if path.suffix else path.with_suffix(circuit_file.SUFFIX)
            self.folder = path.parent
            self._try(lambda: self._write(path))

    def _name(self) -> str:
        path = self._window.document.path
        return path.stem if path is not None else "graph"

    def _write(self, path: Path) -> None:
        document = self._window.document
        if document.graph is None:
            return
        circuit_file.save(path, document.graph, document.edits)
        document.saved_as(path)
        self._window.remember(path)
        self._window.status.say(f"Saved as “{path.name}”.")

    def export(self) -> None:
        """Ask for a file and write the picture there, in the print theme."""
        start = str(self.folder / f"{self._name()}.svg")
        chosen, kind = QFileDialog.getSaveFileName(self._window, "Export a figure", start, FIGURES)
        if chosen:
            path = Path(chosen)
            self.folder = path.parent
            path = path if path.suffix else path.with_suffix("." + kind.partition("*.")[2][:3])
            self._try(lambda: self._export(path))

    def _export(self, path: Path) -> None:
        from explorer.ui.export import export_graph  # only when asked for: a window opens faster without

        view = self._window.document.view
        if view is not None:
            export_graph(view, path, "print")
            self._window.status.say(f"Exported “{path.name}”.")

    def _try(self, do: Callable[[], None]) -> None:
        try:
            do()
        except ExplorerError as error:
            self._window.banner.show_notice(Notice(str(error), details=repr(error)))


def read_graph(path: Path) -> tuple[Graph, Edits]:
    """The graph in a .circuit or .json file; LoadError says what is wrong with it."""
    suffix = path.suffix.lower()
    if suffix == circuit_file.SUFFIX:
        return circuit_file.open_circuit(path)
    return graph_json_import.read(path)

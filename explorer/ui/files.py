"""Files: what the window opens, saves and exports, with its dialogs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QFileDialog

from explorer.errors import ExplorerError, LoadError
from explorer.io import graphs, label_file, samples
from explorer.io.magic import CIRCUIT, sniff
from explorer.session.labels import joined, library, take
from explorer.session.look import look
from explorer.ui.notices import STALE, Notice
from explorer.ui.reading import GraphReader, Opened
from explorer.work import run

if TYPE_CHECKING:
    from explorer.io.descriptions import Description
    from explorer.io.graph_json_story import OnlyAStory
    from explorer.ui.pictures import Pictures
    from explorer.ui.window import MainWindow

GRAPHS = f"Graphs and documents ({' '.join(f'*{suffix}' for suffix in graphs.SUFFIXES)})"
LABELS = "Labels of features (*.json)"
DATA = "Graph JSON of circuit-tracer and Neuronpedia (*.json);;GraphML (*.graphml);;GEXF (*.gexf);;numpy arrays (*.npz)"
AT_ONCE = 4_000_000  # bytes of a file that is read and shown within a fifth of a second
NOTES_SHOWN = 3
IMPORTED = "imported"


class Files:
    """Opens by what a path is: a model, transcoders, a graph of this or another program, a subgraph saved elsewhere.

    A foreseen fault becomes a notice; what is open stays as it was. What a kind of file needs is imported when one is
    opened: the window opens faster without.
    """

    def __init__(self, window: MainWindow) -> None:
        self._window = window
        self.folder = Path.home()
        self.reader = GraphReader(window.engine, window)
        self._waiting: list[Path] = []
        self.reader.opened.connect(self._show)
        self.reader.described.connect(lambda found: self._try(lambda: self._open_described(found)))
        self.reader.held_a_story.connect(lambda path, error: self._try(lambda: self._open_story(path, error)))
        self.reader.idle.connect(self._open_next)

    @cached_property
    def pictures(self) -> Pictures:
        from explorer.ui.pictures import Pictures  # only when asked for: a window opens faster without

        return Pictures(self._window)

    def open_menu(self, at: QPoint) -> None:
        """The menu of the empty canvas, at a point of the workspace."""
        self.pictures.open_menu(at)

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
        from explorer.io.model_formats import ALONE

        title = "Open a graph, a document or a model in one file"
        models = f"Models in one file ({' '.join(f'*{suffix}' for suffix in (*ALONE, '.safetensors'))})"
        chosen, _ = QFileDialog.getOpenFileName(self._window, title, str(self.folder), f"{GRAPHS};;{models}")
        if chosen:
            self.open_path(Path(chosen))

    # opening

    def open_sample(self, name: str) -> None:
        """Open a sample with its first transcoders and run its prompt."""
        sample = samples.find(name)
        if sample is not None:
            model, transcoders = samples.model_folder(sample), samples.transcoder_folder(sample)
            self._window.open_model(str(model), str(transcoders), sample.prompt)

    def open_path(self, path: Path) -> None:
        """Open ``path``, whatever it is; LoadError and its kin become a notice."""
        self.open_paths([path])

    def open_paths(self, paths: Sequence[Path]) -> None:
        """Open one after the other."""
        self.reader.cancel()
        self._waiting = list(paths)
        self._open_next()

    def _open_next(self) -> None:
        while self._waiting and not self.reader.job:
            path = self._waiting.pop(0)
            self.folder = path.parent
            self._try(partial(self._open, path))

    def _open(self, path: Path) -> None:
        """A graph by its name or first bytes; a folder, or a file of many kinds, is looked into beside the window."""
        if not path.exists():
            raise LoadError(f"There is no file “{path}”; check the path.")
        if not (path.is_file() or path.is_dir()):
            raise LoadError(f"“{path}” is neither a file nor a folder; pick another.")
        if path.suffix.lower() in (CIRCUIT, ".json") or (path.is_file() and sniff(path) == "json"):
            self._open_graph(path)
        else:
            self.reader.describe(path)

    def _open_described(self, found: Description) -> None:
        path = Path(found.path)
        if found.kind == "transcoders" and self._window.document.model is not None:
            self._window.engine.open_model(self._window.document.model.path, str(path))
        elif found.kind == "sample":
            kinds = [kind for kind in ("plt", "clt") if (path / kind).is_dir()]
            self._window.open_model(str(path / "model"), str(path / kinds[0]) if kinds else "")
        elif found.kind == "model":
            self._window.open_model(str(path))
        elif found.kind in ("graph", "circuit") or path.suffix.lower() in graphs.SUFFIXES:
            self._open_graph(path)
        else:
            raise LoadError(f"“{path.name}” is {found.format}; open a model folder, a graph .json or a .circuit.")

    def _open_graph(self, path: Path) -> None:
        """A small file is there at once; a large one, and a .pt, which another process looks through, is awaited."""
        if path.suffix.lower() == ".pt" or path.stat().st_size > AT_ONCE:
            self.reader.read(path)
            return
        from explorer.io.graph_json_story import OnlyAStory

        try:
            self._show(Opened(path, look(*run(graphs.reading(path)))))
        except OnlyAStory as error:
            self._open_story(path, error)

    def _open_story(self, path: Path, error: OnlyAStory) -> None:
        """Put what ``path`` holds on the open graph; without one, ``error`` says that it must be opened first."""
        if self._window.document.graph is None:
            raise error
        self._take_story(str(path))

    def _show(self, opened: Opened) -> None:
        path, graph = opened.path, opened.seen.graph
        is_document = path.suffix.lower() == CIRCUIT
        self._window.show_graph(opened.seen, path if is_document else None, path)
        self._window.banner.withdraw(IMPORTED)
        if not is_document:
            self._tell(path.name, graph.provenance.get("import_notes", ()))

    def take_story(self, source: str) -> None:
        """Put the pins, supernodes and labels of a share link or a saved subgraph on the open graph, undoably."""
        self._try(lambda: self._take_story(source))

    def _take_story(self, source: str) -> None:
        from explorer.io import graph_json_story

        document = self._window.document
        story = graph_json_story.read_story(source)
        if document.graph is None:
            raise LoadError("The link holds pins and supernodes of a graph, not the graph; open the graph first.")
        edits, missing = graph_json_story.apply(story, document.graph, document.edits)
        document.do("take over a subgraph", edits)
        self._window.banner.withdraw(IMPORTED)
        self._tell("The subgraph", missing)

    def _tell(self, what: str, notes: Sequence[str]) -> None:
        """What had to be repaired or left out, if anything."""
        if notes:
            more = f" And {len(notes) - NOTES_SHOWN} more: copy the details." if len(notes) > NOTES_SHOWN else ""
            text = f"“{what}”: {' '.join(notes[:NOTES_SHOWN])}{more}"
            self._window.banner.show_notice(Notice(text, STALE, "\n".join(notes), key=IMPORTED))

    # saving

    def save(self) -> None:
        """Into the document's own file; asks for one if it has none."""
        path = self._window.document.path
        if path is None or path.suffix.lower() != CIRCUIT:
            self.save_copy()
        else:
            self._try(lambda: self._write(path))

    def save_copy(self) -> None:
        start = str(self.folder / f"{self.name}{CIRCUIT}")
        kinds = "Circuit document (*.circuit)"
        chosen, _ = QFileDialog.getSaveFileName(self._window, "Save a copy", start, kinds)
        if chosen:
            path = Path(chosen)
            path = path if path.suffix else path.with_suffix(CIRCUIT)
            self.folder = path.parent
            self._try(lambda: self._write(path))

    @property
    def name(self) -> str:
        """What files of the document are called."""
        path = self._window.document.path
        return path.stem if path is not None else "graph"

    def _write(self, path: Path) -> None:
        document = self._window.document
        document.settling.emit()
        if document.view is None:
            return
        graphs.save(path, document.view)
        document.saved_as(path)
        self._window.remember(path)
        self._window.status.say(f"Saved as “{path.name}”.")

    def export(self) -> None:
        """Ask which figure is wanted, how large and as what, beginning with the page that is shown."""
        self.pictures.ask()

    def export_data(self) -> None:
        """Ask for a file and write there what is shown, for other programs."""
        self.ask_to_write("Export the graph", ".json", DATA, self._export_data)

    def export_labels(self) -> None:
        """Ask for a library of labels and add those of the graph's features; a library that is there grows."""
        start, once = str(self.folder / "labels.json"), QFileDialog.Option.DontConfirmOverwrite
        title = "Add the labels to a library"
        chosen, _ = QFileDialog.getSaveFileName(self._window, title, start, LABELS, "", once)
        if chosen:
            path = Path(chosen)
            self.folder = path.parent
            self._try(lambda: self._add_labels(path if path.suffix else path.with_suffix(".json")))

    def import_labels(self) -> None:
        """Ask for a library and call the graph's features as it does, undoably."""
        title = "Import labels of features"
        chosen, _ = QFileDialog.getOpenFileName(self._window, title, str(self.folder), LABELS)
        if chosen:
            self.folder = Path(chosen).parent
            self._try(lambda: self._take_labels(Path(chosen)))

    def _add_labels(self, path: Path) -> None:
        graph = self._window.document.own_graph
        if graph is None:
            return
        held = library(graph, self._window.document.edits)
        whole = joined(label_file.read(path), held) if path.exists() else held
        label_file.write(path, whole)
        self._window.status.say(f"{len(held.labels):,} labels are in “{path.name}”, which holds {len(whole.labels):,}.")

    def _take_labels(self, path: Path) -> None:
        document = self._window.document
        if document.own_graph is None:
            return
        edits, n_named = take(document.edits, document.own_graph, label_file.read(path))
        document.do("import labels", edits)
        nodes = f"{n_named:,} node{'s' * (n_named != 1)}"
        self._window.status.say(f"“{path.name}” names {nodes if n_named else 'no node that had no name'}.")

    def ask_to_write(self, title: str, suffix: str, kinds: str, write: Callable[[Path], None]) -> None:
        start = str(self.folder / f"{self.name}{suffix}")
        chosen, kind = QFileDialog.getSaveFileName(self._window, title, start, kinds)
        if chosen:
            path = Path(chosen)
            self.folder = path.parent
            path = path if path.suffix else path.with_suffix("." + kind.partition("*.")[2].rstrip(")"))
            self._try(lambda: write(path))

    def _export_data(self, path: Path) -> None:
        view = self._window.document.view
        if view is not None:
            self._window.status.say(graphs.write(path, view) or f"Exported “{path.name}”.")

    def _try(self, do: Callable[[], None]) -> None:
        try:
            do()
        except ExplorerError as error:
            self._window.banner.show_notice(Notice(str(error), details=repr(error)))

"""EvidenceIndex: the index of features that belongs to the graph on screen, found by its transcoders' fingerprint."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal

from explorer.circuits.graph import Floats, Graph, NodeKey, NodeKind
from explorer.errors import ExplorerError, LoadError
from explorer.features.evidence import Evidence
from explorer.features.named import Named, named
from explorer.io import feature_places
from explorer.io.feature_index import FeatureIndex, open_index
from explorer.io.feature_labels import Labels, labelled, names
from explorer.session.labels import set_of
from explorer.ui.document import Document


class EvidenceIndex(QObject):
    """``labels`` and ``index`` of the document's graph; None without one, and ``fault`` says why if there should be.

    The document's features get the index's labels as names where they have none of their own.
    """

    changed = Signal()

    def __init__(
        self, document: Document, remembered: Callable[[], Mapping[str, str]], parent: QObject | None = None
    ) -> None:
        """``remembered`` gives the folders chosen before, by the SHA-256 of their transcoders."""
        super().__init__(parent)
        self._document, self._remembered = document, remembered
        self.labels: Labels | None = None
        self.fault = ""
        self._named: tuple[Graph | None, Labels | None] = (None, None)
        self._words: dict[tuple[int, int], Named] = {}
        self._later = QTimer(self, singleShot=True, interval=0)  # what is shown of a graph comes before its names
        self._later.timeout.connect(self.look)
        self.changed.connect(self._words.clear)
        document.graph_changed.connect(self._later.start)
        document.model_changed.connect(self._later.start)
        self._later.start()

    @property
    def index(self) -> FeatureIndex | None:
        return self.labels.index if self.labels is not None else None

    def look(self) -> None:
        """Find the index of the present graph, unless the one that is open is it."""
        graph = self._document.own_graph
        if graph is None:
            self._take(None, "")
        elif self.labels is None or not _fits(self.labels.index, graph):
            self._take(*self._find(graph))
        self._name(graph)

    def use(self, folder: Path) -> str:
        """Show the index in ``folder``; its transcoders' SHA-256. LoadError if it is none, or of other transcoders."""
        graph, index = self._document.own_graph, open_index(folder)
        if graph is not None and not _fits(index, graph):
            raise LoadError(
                f"“{folder.name}” was made with other transcoders than this graph; choose another, or make an index."
            )
        self._take(Labels(index), "")
        self._name(graph)
        return str(index.head["transcoders"].get("sha256", ""))

    def evidence(self, layer: int, feature: int) -> Evidence | None:
        """What the index knows of a feature; None without an index, or if the index cannot be read (``fault``)."""
        if self.labels is None:
            return None
        self.fault = ""
        try:
            return labelled(self.labels, self.labels.index.evidence(layer, feature))
        except ExplorerError as error:
            self.fault = str(error)
            return None

    def maximum(self, layer: int, feature: int) -> float | None:
        """The largest activation of a feature in the index's text; None if that is not known."""
        known = self.evidence(layer, feature)
        return known.maximum if known is not None and known.maximum > 0 else None

    def named(self, layer: int, feature: int) -> Named:
        """What the automatic label of a feature names; nothing without one, or if it cannot be read (``fault``)."""
        key = (layer, feature)
        if key not in self._words:
            try:
                record = self.labels.automatic(layer, feature) if self.labels is not None else None
            except ExplorerError as error:
                record, self.fault = None, str(error)
            self._words[key] = named(record)
        return self._words[key]

    def _find(self, graph: Graph) -> tuple[Labels | None, str]:
        sha, model = set_of(graph), self._document.model
        if not sha:
            return None, ""
        chosen, fault = self._remembered().get(sha), ""
        places = feature_places.known(model.transcoder_path if model is not None else "")
        for folder in ([Path(chosen)] if chosen else []) + list(places):
            try:
                index = open_index(folder)
            except ExplorerError as error:
                fault = fault or (str(error) if str(folder) == chosen else "")
                continue
            if _fits(index, graph):
                return Labels(index), ""
        return None, fault

    def _take(self, labels: Labels | None, fault: str) -> None:
        self.labels, self.fault = labels, fault
        self.changed.emit()

    def _name(self, graph: Graph | None) -> None:
        """Name the graph's features by the labels of the index and say how often they are active, if not done yet."""
        if graph is None or (graph, self.labels) == self._named:
            return
        self._named = (graph, self.labels)
        self._document.name_features(self.names(graph), self._density(graph))

    def names(self, graph: Graph) -> dict[NodeKey, str]:
        """What the index calls the features of ``graph``; nothing if it is of other transcoders."""
        if self.labels is None or not _fits(self.labels.index, graph):
            return {}
        try:
            return names(self.labels, graph)
        except ExplorerError as error:
            self.fault = str(error)
            return {}

    def _density(self, graph: Graph) -> Floats | None:
        """(n_nodes) the share of tokens on which a feature is active; None without an index that can be read."""
        if self.index is None:
            return None
        nodes, block = graph.nodes, graph.block(NodeKind.FEATURE)
        density, layers = np.full(len(graph), np.nan), nodes.layer[block]
        try:
            for layer in np.unique(layers).tolist():
                at = block.start + np.flatnonzero(layers == layer)
                density[at] = self.index.frequencies(layer, nodes.feature[at])
        except ExplorerError as error:
            self.fault = str(error)
            return None
        return density


def _fits(index: FeatureIndex, graph: Graph) -> bool:
    """Whether the index is of the graph's transcoders; of a graph that does not say, whether it has its features."""
    sha = set_of(graph)
    if sha:
        return bool(index.head["transcoders"].get("sha256") == sha)
    block, sizes = graph.block(NodeKind.FEATURE), index.sizes
    layers, features = graph.nodes.layer[block].tolist(), graph.nodes.feature[block].tolist()
    return all(layer < len(sizes) and feature < sizes[layer] for layer, feature in zip(layers, features, strict=True))

"""FeatureFinder: nodes of the graph by what the index knows of their features: the tokens they peak at and promote."""

from __future__ import annotations

from explorer.circuits.graph import Graph, NodeKind
from explorer.errors import ExplorerError
from explorer.io.feature_index import FeatureIndex
from explorer.io.feature_search import Heard, heard
from explorer.session.view import GraphView
from explorer.ui.evidence_index import EvidenceIndex
from explorer.ui.palette import BY_INDEX, LOGIT, PEAKS


class FeatureFinder:
    """``peaks:Dallas`` are features whose strongest examples peak there, ``logit:Austin`` those that raise it most.

    Any other text is looked for in both.
    """

    def __init__(self, index: EvidenceIndex) -> None:
        self._index = index
        self._read: tuple[Graph, FeatureIndex] | None = None
        self._heard: dict[tuple[int, int], Heard] = {}

    def find(self, view: GraphView | None, text: str) -> list[tuple[int, str]]:
        """Nodes on screen with what they were found by, the most influential first; none if there is no index."""
        name = next((one for one in BY_INDEX if text.startswith(one)), "")
        wanted = text.removeprefix(name).strip().casefold()
        index = self._index.index
        if view is None or index is None or len(wanted) < 2:
            return []
        self._learn(view.graph, index)
        found = []
        block = view.graph.block(NodeKind.FEATURE)
        for node in range(block.start, block.stop):
            words = self._words(view.graph, node, name, wanted) if view.shown[node] else ""
            if words:
                found.append((node, words))
        return sorted(found, key=lambda one: -view.influence[one[0]])

    def _words(self, graph: Graph, node: int, name: str, wanted: str) -> str:
        key = graph.key(node)
        known = self._heard.get((key.layer, key.feature), Heard((), ()))
        for prefix, said, tokens in ((PEAKS, "peaks at", known.peaks), (LOGIT, "raises", known.promoted)):
            token = next((token for token in tokens if wanted in token.casefold()), None)
            if token is not None and name in ("", prefix):
                return f"{said} “{token}”"
        return ""

    def _learn(self, graph: Graph, index: FeatureIndex) -> None:
        """Read once what the graph's features are found by."""
        if self._read is not None and self._read[0] is graph and self._read[1] is index:
            return
        self._read, self._heard = (graph, index), {}
        block = graph.block(NodeKind.FEATURE)
        pairs = zip(graph.nodes.layer[block].tolist(), graph.nodes.feature[block].tolist(), strict=True)
        by_layer: dict[int, set[int]] = {}
        for layer, feature in pairs:
            by_layer.setdefault(layer, set()).add(feature)
        try:
            for layer, features in by_layer.items():
                self._heard |= {(layer, one): of for one, of in heard(index, layer, sorted(features)).items()}
        except ExplorerError as error:
            self._index.fault = str(error)

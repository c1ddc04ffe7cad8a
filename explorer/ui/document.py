"""Document: the one QObject that holds values and says that they changed.

Panels read from it, connect bound methods to its signals, and keep no state that it has. Everything it holds is a
value; edits go through ``do``, so each is undoable. Selection and hover are not edits and have no history.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from explorer.circuits.graph import Floats, Graph, NodeKey
from explorer.circuits.scores import Scores, scores
from explorer.session.edge import rows_of_box
from explorer.session.edits import Edits, Link
from explorer.session.history import History
from explorer.session.look import Look, look
from explorer.session.model_info import ModelInfo
from explorer.session.prompt import Prompt
from explorer.session.supernodes import members_below
from explorer.session.view import GraphView, resolve, rows_of


class Document(QObject):
    """What is open: a graph with its edits, the prompt, the model's description, the selection.

    ``nodes`` below are rows of the present graph. While a run goes on, a part of its graph may be shown in place of the
    document's own, which waits unchanged: edits are refused until the part is replaced by the whole, or dropped.
    """

    graph_changed = Signal()  # another graph, or none; view, selection and scores have changed too
    view_changed = Signal()  # edits changed what is drawn (also sent after graph_changed)
    edits_changed = Signal()  # any edit, labels and notes included, but of the interventions alone
    interventions_changed = Signal()  # an edit of the interventions alone: nothing that is drawn of the graph changed
    selection_changed = Signal()
    hover_changed = Signal()
    prompt_changed = Signal()
    model_changed = Signal()
    settling = Signal()  # about to be saved, closed or replaced: what is being written becomes an edit now
    refused = Signal()  # an edit of a part of a graph
    leaving = Signal()  # another document is about to take the place of this one
    path_changed = Signal()  # path, or whether everything is saved

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._history: History[Edits] = History(Edits())
        self._own: Look | None = None
        self._partial: GraphView | None = None
        self._selected_before: Sequence[NodeKey] = ()  # the partial graph
        self._saved: Edits = self._history.present
        self._path: Path | None = None
        self._selection: tuple[int, ...] = ()
        self._group = ""
        self._link: Link | None = None
        self._hovered: int | None = None
        self._prompt = Prompt("")
        self._model: ModelInfo | None = None

    # what it holds

    @property
    def graph(self) -> Graph | None:
        """The graph that is shown, a partial one included."""
        return self.view.graph if self.view is not None else None

    @property
    def own_graph(self) -> Graph | None:
        """The graph that the edits are of; it is shown unless a partial one is."""
        return self._own.graph if self._own is not None else None

    @property
    def is_partial(self) -> bool:
        """Whether what is shown is what a run has found so far."""
        return self._partial is not None

    @property
    def view(self) -> GraphView | None:
        """The graph that is shown under the edits; None without a graph."""
        if self._partial is not None:
            return self._partial
        return self._own.view if self._own is not None else None

    @property
    def edits(self) -> Edits:
        return self._history.present

    @property
    def history(self) -> History[Edits]:
        return self._history

    @property
    def scores(self) -> Scores | None:
        """None without a graph and of a partial one."""
        return self._own.scores if self._own is not None and not self.is_partial else None

    @property
    def residual(self) -> float:
        """The worst residual of the books; NaN if they cannot be checked, or not yet."""
        return self._own.residual if self._own is not None and not self.is_partial else float("nan")

    @property
    def selection(self) -> tuple[int, ...]:
        """The selected nodes; the current one is last."""
        return self._selection

    @property
    def current(self) -> int | None:
        """The selected node that the inspector shows."""
        return self._selection[-1] if self._selection else None

    @property
    def group(self) -> str:
        """The id of the supernode that was selected as one; "" where nodes were."""
        return self._group if any(group.id == self._group for group in self.edits.supernodes) else ""

    @property
    def link(self) -> Link | None:
        """The link that was selected as one, by the boxes of its target and source; their nodes are the selection."""
        view, link = self.view, self._link
        if view is None or link is None or not all(len(rows_of_box(view, box)) for box in link):
            return None
        return link

    @property
    def hovered(self) -> int | None:
        return self._hovered

    @property
    def prompt(self) -> Prompt:
        return self._prompt

    @property
    def model(self) -> ModelInfo | None:
        return self._model

    @property
    def path(self) -> Path | None:
        return self._path

    @property
    def is_saved(self) -> bool:
        return self._own is None or self._saved == self.edits

    @property
    def is_out_of_date(self) -> bool:
        """Whether the graph is of another prompt than the one in the prompt bar."""
        graph = self.graph
        return graph is not None and bool(self._prompt.token_ids) and (
            tuple(graph.token_ids.tolist()) != self._prompt.token_ids
        )

    # what happens to it

    def open_graph(
        self, graph: Graph | None, edits: Edits | None = None, path: Path | None = None, seen: Look | None = None
    ) -> None:
        """Show another graph with its own edits and a fresh history; ``seen`` is a first look taken elsewhere."""
        self.settling.emit()
        self.leaving.emit()
        self._history = History(edits if edits is not None else Edits())
        self._saved = self._history.present
        self._path = path
        self._take(graph, seen)
        self.path_changed.emit()

    def replace_graph(self, graph: Graph, seen: Look | None = None) -> None:
        """Show a graph computed anew; edits stay, for they refer to nodes by key.

        ``seen`` is a first look at it that was taken elsewhere, under edits that may have changed since.
        """
        self._take(graph, seen)

    def take_result(self, graph: Graph, seen: Look) -> None:
        """Show a computed graph.

        Of the same prompt, model and transcoders it replaces the present one, and edits stay. Otherwise it begins a
        document of its own with the present thresholds, for labels and pins belong to what they were given to.
        """
        if self._continues(graph):
            self.replace_graph(graph, seen)
        else:
            self.open_graph(graph, self._edits_of(graph), None, seen)

    def show_partial(self, view: GraphView) -> None:
        """Show what a run has found so far, under the edits that its graph will have."""
        if self._partial is None:
            self.settling.emit()
            self._selected_before = self._selected()
        keys = self._selected()
        self._partial = resolve(view.graph, self._edits_of(view.graph), view)
        self._present(keys)

    def drop_partial(self) -> None:
        """Show the document's own graph again, as it was."""
        if self._partial is not None:
            self._partial = None
            self._present(self._selected_before)

    def name_features(self, named: Mapping[NodeKey, str], density: Floats | None = None) -> None:
        """What the features of the document's graph are called where edits do not say; no edit itself.

        ``density`` (n_nodes) is the share of tokens on which each is active, NaN where it is not known.
        """
        if self._own is None or (named == self._own.view.named and density is self._own.view.density):
            return
        view = resolve(self._own.graph, self.edits, self._own.view, density)
        self._own = replace(self._own, view=replace(view, named=named))
        self.view_changed.emit()

    def do(self, text: str, edits: Edits, *, merge: bool = False) -> None:
        """Step to ``edits``; ``merge`` joins it to a last step of the same text."""
        self._step(self._history.do(text, edits, merge=merge))

    def undo(self) -> None:
        self._step(self._history.undo())

    def redo(self) -> None:
        self._step(self._history.redo())

    def go_back_to(self, n_steps: int) -> None:
        """Undo until ``n_steps`` steps are left in the past (or redo, if there were fewer)."""
        history = self._history
        while len(history.past) > n_steps:
            history = history.undo()
        while len(history.past) < n_steps and history.future:
            history = history.redo()
        self._step(history)

    def saved_as(self, path: Path) -> None:
        """Everything is in ``path`` now."""
        self._path, self._saved = path, self.edits
        self.path_changed.emit()

    def select(self, nodes: Iterable[int], group: str = "", link: Link | None = None) -> None:
        """Select ``nodes``; the last is the current one. ``group``, or ``link``, is what they were selected as."""
        selection = tuple(dict.fromkeys(nodes))
        if (selection, group, link) != (self._selection, self._group, self._link):
            self._selection, self._group, self._link = selection, group, link
            self.selection_changed.emit()

    def select_group(self, id: str) -> None:
        """Select a supernode as one: the nodes of the present graph that are in it."""
        if self.graph is not None:
            keys = members_below(self.edits.supernodes, id)
            self.select(rows_of(self.graph, keys).tolist(), id)

    def select_link(self, link: Link) -> None:
        """Select the link between two boxes, with the nodes of both; the target is the current one."""
        if self.view is not None:
            target, source = (rows_of_box(self.view, box).tolist() for box in link)
            self.select((*source, *target), link=link)

    def hover(self, node: int | None) -> None:
        if node != self._hovered:
            self._hovered = node
            self.hover_changed.emit()

    def set_prompt(self, prompt: Prompt) -> None:
        self._prompt = prompt
        self.prompt_changed.emit()

    def set_model(self, model: ModelInfo | None) -> None:
        self._model = model
        self.model_changed.emit()

    def _continues(self, graph: Graph) -> bool:
        """Whether a computed graph takes the place of the present one, and its edits."""
        return self._own is not None and _same_origin(self._own.graph, graph)

    def _edits_of(self, graph: Graph) -> Edits:
        """The edits with which a computed graph begins."""
        old = self.edits
        if self._continues(graph):
            return old
        return replace(Edits(old.node_threshold, old.edge_threshold, old.count_bias), drawn=old.drawn)

    def _take(self, graph: Graph | None, seen: Look | None = None) -> None:
        keys = self._selected()
        if graph is not None and (seen is None or seen.view.edits.count_bias != self.edits.count_bias):
            seen = look(graph, self.edits)
        self._own = None if seen is None else replace(seen, view=resolve(seen.graph, self.edits, seen.view))
        self._partial = None
        self._present(keys)

    def _selected(self) -> list[NodeKey]:
        return [self.graph.key(node) for node in self._selection] if self.graph is not None else []

    def _present(self, selected: Sequence[NodeKey]) -> None:
        """Say that another graph is shown, in which those of the nodes ``selected`` stay selected that it has."""
        graph = self.graph
        self._hovered = None
        self._selection = tuple(graph.index[key] for key in selected if key in graph.index) if graph is not None else ()
        self._group, self._link = self.group, self.link
        self.graph_changed.emit()
        self.view_changed.emit()
        self.selection_changed.emit()
        self.edits_changed.emit()

    def _step(self, history: History[Edits]) -> None:
        if history is self._history:
            return
        if self._partial is not None:
            self.refused.emit()
            self.interventions_changed.emit()
            self.edits_changed.emit()  # for the control that asked: it shows what holds
            return
        before = self.edits
        self._history = history
        if self.edits == replace(before, interventions=self.edits.interventions) and self.edits != before:
            if self._own is not None:
                self._own = replace(self._own, view=replace(self._own.view, edits=self.edits))
            self.interventions_changed.emit()
            self.path_changed.emit()
            return
        if self._own is not None and self.edits != before:
            graph, old, counted = self._own.graph, self._own.view, self._own.scores
            if self.edits.count_bias != before.count_bias:
                counted = scores(graph, count_bias=self.edits.count_bias)
            self._own = replace(self._own, view=resolve(graph, self.edits, old, old.density), scores=counted)
            self.view_changed.emit()
            if self.group and self.edits.supernodes != before.supernodes:
                self.select_group(self.group)
            elif self.link and self.edits.supernodes != before.supernodes:
                self.select_link(self.link)
        self.edits_changed.emit()
        self.path_changed.emit()


def _same_origin(one: Graph, other: Graph) -> bool:
    """Whether two graphs are of one prompt, model and set of transcoders."""
    names = ("model_sha256", "transcoder_sha256")
    same = all(one.provenance.get(name) == other.provenance.get(name) for name in names)
    return same and one.token_ids.tolist() == other.token_ids.tolist()

"""Edits: everything a person has decided about a graph, as one value; edits are functions Edits -> Edits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from explorer.circuits.graph import NodeKey
from explorer.errors import GraphError
from explorer.session import supernodes as groups
from explorer.session.interventions import Interventions
from explorer.session.rules import Rules
from explorer.session.supernodes import COLOURS, Supernode, Supernodes

STATUSES = ("auto", "human", "tested")
K = TypeVar("K")


@dataclass(frozen=True)
class Label:
    """A name for a node and how it came about: auto, human or tested."""

    text: str
    status: str = "human"


Link = tuple[str, str]  # the box keys of the target and of the source


@dataclass(frozen=True)
class Edits:
    """Decisions about one graph; compared by value, never mutated (the mappings by convention).

    Nodes are named by NodeKey, so that attributing again never re-labels anything. Boxes of the subgraph are named by
    their ``box_key``: ``places`` are where a person has put them, ``edge_labels`` and ``edge_notes`` what is said of
    the links between them. ``filters`` are saved queries by name. ``drawn`` is how many of the
    strongest links are drawn while nothing is selected.
    """

    node_threshold: float = 0.8
    edge_threshold: float = 0.98
    count_bias: bool = False
    pinned: tuple[NodeKey, ...] = ()
    hidden: frozenset[NodeKey] = frozenset()
    supernodes: Supernodes = ()
    labels: Mapping[NodeKey, Label] = field(default_factory=dict)
    notes: Mapping[NodeKey, str] = field(default_factory=dict)
    note: str = ""
    interventions: Interventions = field(default_factory=Interventions)
    rules: Rules = field(default_factory=Rules)
    places: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    edge_labels: Mapping[Link, str] = field(default_factory=dict)
    edge_notes: Mapping[Link, str] = field(default_factory=dict)
    filters: Mapping[str, str] = field(default_factory=dict)
    drawn: int = 260

    def __post_init__(self) -> None:
        object.__setattr__(self, "supernodes", groups.whole(self.supernodes))


def box_key(box: NodeKey | str) -> str:
    """The name of a box of the subgraph: of a node, or of the supernode with that id."""
    return f"node:{box}" if isinstance(box, NodeKey) else box


def set_thresholds(edits: Edits, node: float | None = None, edge: float | None = None) -> Edits:
    """Change the thresholds that are given; both are clamped to [0, 1]."""
    if node is not None:
        edits = replace(edits, node_threshold=min(max(node, 0.0), 1.0))
    if edge is not None:
        edits = replace(edits, edge_threshold=min(max(edge, 0.0), 1.0))
    return edits


def draw_links(edits: Edits, drawn: int) -> Edits:
    """Draw so many of the strongest links."""
    return replace(edits, drawn=max(drawn, 0))


def count_bias(edits: Edits, counted: bool) -> Edits:
    """Count bias nodes in the denominators, or leave them out as the reference tools do."""
    return replace(edits, count_bias=counted)


def pin(edits: Edits, keys: Iterable[NodeKey]) -> Edits:
    """Pin ``keys``, after those already pinned."""
    new = tuple(key for key in dict.fromkeys(keys) if key not in edits.pinned)
    return replace(edits, pinned=edits.pinned + new)


def unpin(edits: Edits, keys: Iterable[NodeKey]) -> Edits:
    gone = set(keys)
    return replace(edits, pinned=tuple(key for key in edits.pinned if key not in gone))


def toggle_pin(edits: Edits, key: NodeKey) -> Edits:
    return unpin(edits, [key]) if key in edits.pinned else pin(edits, [key])


def hide(edits: Edits, keys: Iterable[NodeKey]) -> Edits:
    """Hide ``keys`` by hand; pinned ones stay."""
    return replace(edits, hidden=edits.hidden | (set(keys) - set(edits.pinned)))


def show_all(edits: Edits) -> Edits:
    """Show again what was hidden by hand."""
    return replace(edits, hidden=frozenset())


def set_label(edits: Edits, key: NodeKey, text: str, status: str = "human") -> Edits:
    """Name ``key``; an empty text takes the name away. An auto label never takes the place of a person's."""
    old = edits.labels.get(key)
    if status == "auto" and old is not None and old.status != "auto" and old.text != text.strip():
        return edits
    labels = {other: label for other, label in edits.labels.items() if other != key}
    if text.strip():
        labels[key] = Label(text.strip(), status)
    return replace(edits, labels=labels)


def set_note(edits: Edits, key: NodeKey | None, text: str) -> Edits:
    """Write the note of ``key``, or of the document if it is None."""
    if key is None:
        return replace(edits, note=text)
    notes = {other: note for other, note in edits.notes.items() if other != key}
    if text:
        notes[key] = text
    return replace(edits, notes=notes)


def intervene(edits: Edits, interventions: Interventions) -> Edits:
    """What is to be changed in the model."""
    return replace(edits, interventions=interventions)


def set_rules(edits: Edits, rules: Rules) -> Edits:
    return replace(edits, rules=rules)


def group(edits: Edits, keys: Iterable[NodeKey], name: str, colour: str = "") -> Edits:
    """A new supernode of ``keys``, taken out of those they were in; it comes last in ``supernodes``."""
    members = tuple(dict.fromkeys(keys))
    if not members:
        return edits
    made = Supernode(name.strip() or "supernode", members, groups.new_id(edits.supernodes), _known(colour))
    return _regrouped(edits, (*groups.without(edits.supernodes, members), made))


def nest(edits: Edits, id: str, parent: str) -> Edits:
    """Put the supernode ``id`` into ``parent``, or to the top for ""; GraphError if ``parent`` lies within it."""
    inner = groups.by_id(edits.supernodes, id)
    if parent:
        outer = groups.by_id(edits.supernodes, parent)
        if any(other.id == parent for other in groups.within(edits.supernodes, id)):
            raise GraphError(f"“{inner.name}” cannot go into “{outer.name}”, which lies within it.")
    return _changed(edits, replace(inner, parent=parent))


def rename(edits: Edits, id: str, name: str) -> Edits:
    """Another name for the supernode ``id``; an empty one changes nothing."""
    old = groups.by_id(edits.supernodes, id)
    return _changed(edits, replace(old, name=name.strip() or old.name))


def recolour(edits: Edits, id: str, colour: str) -> Edits:
    """Another of COLOURS for the supernode ``id``, or none for ""."""
    return _changed(edits, replace(groups.by_id(edits.supernodes, id), colour=_known(colour)))


def annotate(edits: Edits, id: str, note: str) -> Edits:
    """Write the note of the supernode ``id``."""
    return _changed(edits, replace(groups.by_id(edits.supernodes, id), note=note))


def dissolve(edits: Edits, id: str) -> Edits:
    """Take the supernode ``id`` away; what was in it goes where it was: into its parent, or to the top."""
    gone = groups.by_id(edits.supernodes, id)
    kept = []
    for other in edits.supernodes:
        if other.parent == id:
            other = replace(other, parent=gone.parent)
        if other.id == gone.parent:
            other = replace(other, members=other.members + gone.members)
        if other.id != id:
            kept.append(other)
    return _regrouped(edits, tuple(kept))


def add_members(edits: Edits, id: str, keys: Iterable[NodeKey]) -> Edits:
    """Put ``keys`` into the supernode ``id``, after its own, out of those they were in."""
    held = groups.by_id(edits.supernodes, id).members
    new = tuple(key for key in dict.fromkeys(keys) if key not in held)
    rest = groups.without(edits.supernodes, new)
    return _regrouped(edits, tuple(replace(g, members=held + new) if g.id == id else g for g in rest))


def remove_members(edits: Edits, keys: Iterable[NodeKey]) -> Edits:
    """Take ``keys`` out of the supernodes they are in; a supernode that is empty then goes."""
    return _regrouped(edits, groups.without(edits.supernodes, keys))


def move_boxes(edits: Edits, places: Mapping[str, tuple[float, float]]) -> Edits:
    """Where a person has put boxes, by their box_key."""
    return replace(edits, places={**edits.places, **places})


def forget_places(edits: Edits) -> Edits:
    """Leave the layout of the subgraph to the program again."""
    return replace(edits, places={})


def set_edge_label(edits: Edits, target: str, source: str, text: str) -> Edits:
    """Name the link between two boxes; an empty text takes the name away."""
    return replace(edits, edge_labels=_put(edits.edge_labels, (target, source), text.strip()))


def set_edge_note(edits: Edits, target: str, source: str, text: str) -> Edits:
    return replace(edits, edge_notes=_put(edits.edge_notes, (target, source), text))


def save_filter(edits: Edits, name: str, query: str) -> Edits:
    """Keep ``query`` under ``name``; an empty query forgets it."""
    return replace(edits, filters=_put(edits.filters, name.strip(), query.strip()))


def rename_filter(edits: Edits, old: str, name: str) -> Edits:
    """Another name for a saved query, in its place; one that goes by ``name`` already is replaced."""
    name = name.strip() or old
    others = {other: query for other, query in edits.filters.items() if other == old or other != name}
    return replace(edits, filters={name if other == old else other: query for other, query in others.items()})


def _put(held: Mapping[K, str], key: K, text: str) -> dict[K, str]:
    kept = {other: value for other, value in held.items() if other != key}
    return {**kept, key: text} if text else kept


def _known(colour: str) -> str:
    if colour and colour not in COLOURS:
        raise GraphError(f"“{colour}” is no colour of a supernode; it is one of {', '.join(COLOURS)}.")
    return colour


def _changed(edits: Edits, new: Supernode) -> Edits:
    return _regrouped(edits, tuple(new if old.id == new.id else old for old in edits.supernodes))


def _regrouped(edits: Edits, supernodes: Supernodes) -> Edits:
    """``edits`` with other supernodes; what was said of boxes that are gone with them goes too."""
    kept = groups.whole(supernodes)
    gone = {group.id for group in edits.supernodes} - {group.id for group in kept}
    return replace(
        edits,
        supernodes=kept,
        places={box: place for box, place in edits.places.items() if box not in gone},
        edge_labels={ends: text for ends, text in edits.edge_labels.items() if gone.isdisjoint(ends)},
        edge_notes={ends: text for ends, text in edits.edge_notes.items() if gone.isdisjoint(ends)},
    )

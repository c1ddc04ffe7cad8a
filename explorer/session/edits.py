"""Edits: everything a person has decided about a graph, as one value; edits are functions Edits -> Edits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from explorer.circuits.graph import NodeKey
from explorer.session.interventions import Interventions

STATUSES = ("auto", "human", "tested")


@dataclass(frozen=True)
class Label:
    """A name for a node and how it came about: auto, human or tested."""

    text: str
    status: str = "human"


@dataclass(frozen=True)
class Supernode:
    """Nodes that a person sees as one; two supernodes may have the same name."""

    name: str
    members: tuple[NodeKey, ...]


@dataclass(frozen=True)
class Edits:
    """Decisions about one graph; compared by value, never mutated (the mappings by convention).

    Nodes are named by NodeKey, so that attributing again never re-labels anything.
    """

    node_threshold: float = 0.8
    edge_threshold: float = 0.98
    count_bias: bool = False
    pinned: tuple[NodeKey, ...] = ()
    hidden: frozenset[NodeKey] = frozenset()
    supernodes: tuple[Supernode, ...] = ()
    labels: Mapping[NodeKey, Label] = field(default_factory=dict)
    notes: Mapping[NodeKey, str] = field(default_factory=dict)
    note: str = ""
    interventions: Interventions = field(default_factory=Interventions)


def set_thresholds(edits: Edits, node: float | None = None, edge: float | None = None) -> Edits:
    """Change the thresholds that are given; both are clamped to [0, 1]."""
    if node is not None:
        edits = replace(edits, node_threshold=min(max(node, 0.0), 1.0))
    if edge is not None:
        edits = replace(edits, edge_threshold=min(max(edge, 0.0), 1.0))
    return edits


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
    """Name ``key``; an empty text takes the name away."""
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

"""Label libraries: what the features of one set of transcoders are called, on whatever prompt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from explorer.circuits.graph import Graph, NodeKind
from explorer.errors import GraphError
from explorer.session.edits import STATUSES, Edits, Label

Feature = tuple[int, int]  # layer and index


@dataclass(frozen=True)
class Library:
    """Labels by layer and index of the features of the transcoders with that SHA-256; "" if it is not known."""

    transcoder_sha256: str
    labels: Mapping[Feature, Label] = field(default_factory=dict)


def library(graph: Graph, edits: Edits) -> Library:
    """The labels that features have in ``edits``, with their status.

    Of a feature that is called differently at two positions, the name with the higher status counts (tested, human,
    auto), then that at the earlier position.
    """
    found: dict[Feature, Label] = {}
    for key in sorted(edits.labels):
        label, name = edits.labels[key], (key.layer, key.feature)
        if key.kind == NodeKind.FEATURE and (name not in found or _rank(label) > _rank(found[name])):
            found[name] = label
    return Library(set_of(graph), found)


def joined(old: Library, new: Library) -> Library:
    """``old`` with the labels of ``new``; of two for one feature the one with the higher status, ``new`` if equal."""
    _check(old.transcoder_sha256, new.transcoder_sha256)
    labels = dict(old.labels)
    for name, label in new.labels.items():
        if name not in labels or _rank(label) >= _rank(labels[name]):
            labels[name] = label
    return Library(old.transcoder_sha256 or new.transcoder_sha256, labels)


def take(edits: Edits, graph: Graph, held: Library) -> tuple[Edits, int]:
    """``edits`` with the library's labels on the features of ``graph``, and how many nodes got one.

    What a person has called a node stays; a label of status auto gives way to any other. GraphError if the
    library is of another set of transcoders.
    """
    _check(set_of(graph), held.transcoder_sha256)
    taken = {}
    for key in graph.index:
        label = held.labels.get((key.layer, key.feature)) if key.kind == NodeKind.FEATURE else None
        own = edits.labels.get(key)
        if label is not None and (own is None or (own.status == "auto" and own != label)):
            taken[key] = label
    return replace(edits, labels={**edits.labels, **taken}), len(taken)


def set_of(graph: Graph) -> str:
    """The SHA-256 of the transcoders that ``graph`` was made with; "" if it does not say."""
    named = graph.provenance.get("transcoder_sha256")
    return named if isinstance(named, str) else ""


def _rank(label: Label) -> int:
    return STATUSES.index(label.status)


def _check(one: str, other: str) -> None:
    if one and other and one != other:
        raise GraphError(
            f"The labels are of another set of transcoders ({other[:12]}, not {one[:12]}): their features differ."
        )

"""mark_tested: the labels of what was tested get the status tested."""

from __future__ import annotations

from dataclasses import replace

from explorer.circuits.graph import NodeKey
from explorer.session.edits import Edits, Label
from explorer.session.validation import Validation
from explorer.session.view import GraphView


def mark_tested(view: GraphView, found: Validation) -> Edits:
    """The edits of ``view`` in which each shown node that was measured has a label with the status tested.

    A node without a label gets the name that it goes by.
    """
    labels = dict(view.edits.labels)
    for one in found.measured:
        key = NodeKey.parse(one.members[0])
        node = view.graph.index.get(key) if len(one.members) == 1 else None
        if node is not None and view.shown[node]:
            labels[key] = Label(view.label(node), "tested")
    return replace(view.edits, labels=labels)

"""Placing: by what a view is laid out, and what one side of a comparison makes of the places that both share."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from explorer.circuits.graph import Floats, NodeKind
from explorer.session.layout import Layout
from explorer.session.overlay import Side
from explorer.session.theme import size_step
from explorer.session.view import GraphView

FAR = -1e6  # where what a side does not have stands
LEAST_BAR = 2.0


def placing(view: GraphView) -> tuple[Floats, tuple[str, ...]]:
    """The influence and the tokens by which ``view`` is laid out: on the sides of a comparison those of both."""
    if isinstance(view, Side):
        return view.placing, view.headings
    return view.influence, view.graph.tokens


def own_places(view: GraphView, made: Layout) -> Layout:
    """``made`` for ``view``: a side keeps the places, but marks have its own influence and others' nodes are away."""
    if not isinstance(view, Side):
        return made
    whole = float(view.placing.sum())
    step = np.minimum(size_step(view.influence / (whole if whole > 0 else 1.0)), made.step).astype(np.int8)
    bar = made.bar * np.divide(view.influence, view.placing, out=np.zeros(len(made.bar)), where=view.placing > 0)
    has_bar = view.present & (made.bar > 0)
    pills = made.pills.copy()
    pills[~view.present[view.graph.block(NodeKind.LOGIT)], 2] = 0.0
    return replace(
        made,
        x=np.where(view.present, made.x, FAR),
        step=np.where(view.graph.nodes.kind == NodeKind.FEATURE, step, made.step),
        bar=np.where(has_bar, np.maximum(bar, LEAST_BAR), 0.0),
        pills=pills,
    )

"""What the canvas shows, as a value that a figure can be made of."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from explorer.session.figure import Box
from explorer.session.figure_screen import Seen
from explorer.ui.canvas.frame import Frame

MOST_LIT = 75  # links of the selection on each side, strongest first


def seen(frame: Frame) -> Seen:
    """The part of the graph in ``frame`` in its logical pixels, with the links that are drawn there."""
    made, viewport, scene = frame.layout, frame.viewport, frame.scene
    scale = viewport.scale_x / made.detail
    pills = [(box.x(), box.y(), box.width(), box.height()) for box in map(frame.pill, range(len(made.pills)))]
    more = tuple(
        replace(
            one,
            x=float(viewport.x(np.array(one.x), made.detail)),
            y=float(viewport.y(np.array(one.y), made.detail)),
            width=one.width * scale,
        )
        for one in made.more
    )
    place = replace(
        made,
        width=frame.width,
        height=frame.height,
        x=frame.ends.x / frame.ratio,
        y=frame.ends.y / frame.ratio,
        bar=made.bar * scale,
        columns=frame.columns(),
        rows=frame.rows(),
        pills=np.array(pills, dtype=np.float64).reshape(-1, 4),
        more=more,
        bias_y=float(viewport.y(np.array(made.bias_y), made.detail)),
        token_y=frame.token_y,
        marks=frame.mark_scale,
    )
    lit = np.concatenate([scene.inputs.edge[:MOST_LIT], scene.outputs.edge[:MOST_LIT]])
    plot = Box(frame.plot.left(), frame.plot.top(), frame.plot.right(), frame.plot.bottom())
    return Seen(place, plot, scene.links.edge[::-1].copy(), np.unique(lit).astype(np.int64), scene.selection)

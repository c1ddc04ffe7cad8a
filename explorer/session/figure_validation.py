"""A validation as figures: predicted against measured effects, and the replacement model's faithfulness by layer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from math import floor, isfinite, log10

import numpy as np

from explorer.circuits.graph import Floats
from explorer.session.figure import Circle, Figure, Group, Ink, Item, Line, Run, Text
from explorer.session.theme import Theme
from explorer.session.validation import Effect, Validation
from explorer.session.verdict import by_distance, column, interval, verdict

SIZE = 11
LEFT, RIGHT, TOP, BOTTOM = 52.0, 14.0, 12.0, 40.0
DECADES = 6  # shown of the effects' sizes; what is smaller stands at the edge
RADIUS = 3.4
TICK = 4.0
MINUS = "\N{MINUS SIGN}"


@dataclass(frozen=True)
class Plot:
    """A rectangle of a figure with what its sides mean: ``low`` to ``high`` along both."""

    width: float
    height: float
    x: tuple[float, float]
    y: tuple[float, float]

    def across(self, value: float) -> float:
        low, high = self.x
        return LEFT + (self.width - LEFT - RIGHT) * (min(max(value, low), high) - low) / (high - low)

    def up(self, value: float) -> float:
        low, high = self.y
        return self.height - BOTTOM - (self.height - TOP - BOTTOM) * (min(max(value, low), high) - low) / (high - low)


def effects_plot(found: Validation, width: float, height: float) -> Plot:
    """The axes of ``effects_figure``: decades of size, the same on both sides."""
    sizes = np.abs(np.concatenate([column(found.measured, name) for name in ("predicted_total", "measured_total")]))
    known = sizes[np.isfinite(sizes) & (sizes > 0)]
    top = floor(log10(float(known.max()))) + 1 if known.size else 0
    least = floor(log10(float(known.min()))) if known.size else -2
    ends = (float(max(least, top - DECADES)), float(top))
    return Plot(width, height, ends, ends)


def effects_places(found: Validation, plot: Plot) -> Floats:
    """Where each measured effect stands (n, 2), in pixels of the figure."""
    rows = [(plot.across(_log(one.predicted_total)), plot.up(_log(one.measured_total))) for one in found.measured]
    return np.array(rows, dtype=np.float64).reshape(-1, 2)


def effects_figure(
    found: Validation, theme: Theme, width: float = 360.0, height: float = 320.0, chosen: str = ""
) -> Figure:
    """Sizes of predicted (all paths) against measured effects, both in decades.

    Hue is the sign of what was measured; a ring is a thing whose sign was not predicted. ``chosen`` is the key of the
    thing that is pointed out.
    """
    plot = effects_plot(found, width, height)
    places = effects_places(found, plot)
    told = verdict(found).sizes
    marks = [_mark(one, x, y, theme) for one, (x, y) in zip(found.measured, places.tolist(), strict=True)]
    rings = [
        Circle(x, y, RADIUS + 3.2, Ink(stroke=theme.select, width=2.0))
        for one, (x, y) in zip(found.measured, places.tolist(), strict=True)
        if one.key == chosen
    ]
    words = "Sizes of effects on the logit of" if found.target else "Sizes of effects on the logit"
    named = f"{words} “{found.target}”" if found.target else words
    return Figure(
        width=width,
        height=height,
        background=theme.surface_canvas,
        title=f"{named}: predicted by the graph and measured in the model",
        summary=f"{named}, {len(found.measured)} things set to {found.factor:g} times themselves. {interval(told)}.",
        groups=(
            Group("axes", tuple(_effect_axes(plot, theme))),
            Group("effects", tuple(marks)),
            Group("chosen", tuple(rings)),
        ),
        provenance={"mode": found.mode, "factor": found.factor, "n": told.n, "rho": told.rho},
    )


def layers_figure(found: Validation, theme: Theme, width: float = 360.0, height: float = 220.0) -> Figure:
    """Cosine of the replacement model's answer to the model's, by how many layers a push has passed.

    Strong lines are a push as long as the stream, thin ones of a tenth; dashed is a model whose MLPs do not answer.
    """
    sizes = sorted({row.size for row in found.layers})
    by_size = {size: by_distance(found, size) for size in sizes}
    most = max((rows[-1][0] for rows in by_size.values() if rows), default=2)
    plot = Plot(width, height, (1.0, float(max(most, 2))), (0.0, 1.0))
    lines: list[Item] = []
    for size, rows in by_size.items():
        thick = 2.0 if size == max(sizes) else 1.0
        for at, dash in ((1, ()), (3, (4.0, 3.0))):
            ink = Ink(stroke=theme.text if at == 1 else theme.text_3, width=thick, dash=dash)
            points = [(plot.across(float(row[0])), plot.up(row[at])) for row in rows]
            lines += [Line(*one, *other, ink) for one, other in pairwise(points)]
            lines += [Circle(x, y, 2.4, Ink(fill=ink.stroke)) for x, y in points if at == 1]
    said = "Cosine of the answers of replacement model and model to a push, by layers passed"
    return Figure(
        width=width,
        height=height,
        background=theme.surface_canvas,
        title=said,
        summary=f"{said}. Thick: pushes as long as the stream; thin: of a tenth; dashed: MLPs that do not answer.",
        groups=(Group("axes", tuple(_layer_axes(plot, most, theme))), Group("faithfulness", tuple(lines))),
    )


def _log(value: float) -> float:
    return log10(abs(value)) if value and isfinite(value) else -99.0


def _mark(one: Effect, x: float, y: float, theme: Theme) -> Circle:
    colour = theme.sign(one.measured_total)
    if one.predicted_total * one.measured_total < 0:
        return Circle(x, y, RADIUS - 0.5, Ink(stroke=colour, width=1.2))
    return Circle(x, y, RADIUS, Ink(fill=colour, fill_alpha=0.78))


def _effect_axes(plot: Plot, theme: Theme) -> Iterator[Item]:
    low, high = plot.x
    yield Line(plot.across(low), plot.up(low), plot.across(high), plot.up(high), Ink(stroke=theme.line_strong))
    for decade in np.arange(low, high + 1).tolist():
        text = f"{10**decade:g}" if decade > -4 else f"1e{decade:.0f}".replace("-", MINUS)
        yield from _tick_below(plot, decade, text, theme)
        yield from _tick_left(plot, decade, text, theme)
    yield from _names(plot, "predicted over all paths, logits", "measured, logits", theme)


def _layer_axes(plot: Plot, most: int, theme: Theme) -> Iterator[Item]:
    step = max(1, most // 8)
    for layer in range(1, most + 1, step):
        yield from _tick_below(plot, float(layer), str(layer), theme)
    for cosine in (0.0, 0.5, 1.0):
        yield from _tick_left(plot, cosine, f"{cosine:g}", theme)
    yield from _names(plot, "layers passed", "cosine", theme)


def _tick_below(plot: Plot, value: float, text: str, theme: Theme) -> Iterator[Item]:
    x, bottom = plot.across(value), plot.height - BOTTOM
    yield Line(x, TOP, x, bottom, Ink(stroke=theme.line))
    yield _text(text, x, bottom + TICK + SIZE, theme, "middle")


def _tick_left(plot: Plot, value: float, text: str, theme: Theme) -> Iterator[Item]:
    y = plot.up(value)
    yield Line(LEFT, y, plot.width - RIGHT, y, Ink(stroke=theme.line))
    yield _text(text, LEFT - TICK, y + 0.36 * SIZE, theme, "end")


def _names(plot: Plot, below: str, left: str, theme: Theme) -> Iterator[Item]:
    middle = (LEFT + plot.width - RIGHT) / 2
    yield _text(below, middle, plot.height - 8, theme, "middle")
    side = (TOP + plot.height - BOTTOM) / 2
    yield Text(SIZE + 1.0, side, (Run(left, theme.text_3),), SIZE, "middle", upright=False)


def _text(text: str, x: float, y: float, theme: Theme, anchor: str) -> Text:
    return Text(x, y, (Run(text, theme.text_3),), SIZE, anchor)

"""The legend: the marks that are on screen, drawn by the code that draws them there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPen

from explorer.circuits.compare import Status
from explorer.circuits.graph import NodeKind
from explorer.session.overlay import STATUS_WORDS, Overlay
from explorer.session.theme import RADII, RAMP
from explorer.ui.canvas.atlas import draw_mark, state_fill
from explorer.ui.canvas.frame import LEGEND, Frame
from explorer.ui.canvas.links import DENSITY_ALPHA, MOST_LINES
from explorer.ui.canvas.scene import HIDDEN, LOWER, RAISE, REST, SIDE, Scene
from explorer.ui.canvas.texts import Texts
from explorer.ui.canvas.words import LEAST_MORE
from explorer.ui.theme import color

GAP = 14.0
SWATCH = 11.0
DIFFERS = ("alike", "differs")


@dataclass(frozen=True)
class Entry:
    """One mark and its word; ``width`` is the mark's."""

    name: str
    word: str
    width: float


def entries(frame: Frame) -> list[Entry]:
    """What is on screen, in the order of the legend."""
    scene, graph = frame.scene, frame.graph
    kinds = set(np.flatnonzero(np.bincount(graph.nodes.kind[scene.view.shown])).tolist())
    if isinstance(scene.view, Overlay):
        return [*_statuses(scene.view), Entry("difference", "", 0), *_marked(scene)]
    found = [
        Entry("feature", "feature", 10) if NodeKind.FEATURE in kinds else None,
        Entry("token", "token", 10) if NodeKind.EMBEDDING in kinds else None,
        Entry("bias", "bias", 10) if NodeKind.BIAS in kinds else None,
        Entry("error", "error mass", 20) if NodeKind.ERROR in kinds else None,
        Entry("influence", "influence", 29) if NodeKind.FEATURE in kinds else None,
        Entry("shade", "many weak links", 18) if _is_shaded(scene) else None,
        Entry("sign", "", 0) if bool(((scene.state >= LOWER) & (scene.state < HIDDEN)).any()) else None,
    ]
    return [entry for entry in found if entry] + _marked(scene)


def _marked(scene: Scene) -> list[Entry]:
    """What a person has marked, or hidden."""
    found = [
        Entry("selected", "selected", 15) if scene.selection else None,
        Entry("pinned", "pinned", 14) if scene.view.edits.pinned else None,
        Entry("hidden", "hidden", 4) if not scene.view.shown.all() else None,
    ]
    return [entry for entry in found if entry]


def _statuses(view: Overlay) -> list[Entry]:
    """Where the nodes that are drawn are: in A, in B or in both."""
    held = view.found.status[view.shown]
    order = (Status.ONLY_A, Status.BOTH, Status.ONLY_B)
    return [Entry(status.name, STATUS_WORDS[status], 42) for status in order if (held == status).any()]


def caption(frame: Frame) -> str:
    """What the fill of marks is relative to, and how many links are drawn."""
    scene = frame.scene
    if isinstance(scene.view, Overlay):
        links = scene.links
        most = f"the {len(links):,} of {links.total:,} links that differ most"
        words = most if len(links) < links.total else f"all {links.total:,} links"
        words = "width and numbers: weight in B less A" if scene.selection else words
    elif not scene.selection:
        words = f"{_drawn(scene)} · fill: effect on the targets"
    else:
        words = "fill: weight, over the largest on its side"
    crowded = int((scene.view.shown & ~frame.layout.placed).sum()) if frame.mark_scale < LEAST_MORE else 0
    return f"zoom in for {crowded:,} more · {words}" if crowded else words


def _is_shaded(scene: Scene) -> bool:
    """Whether the weakest links are a shade that says how many pass a place."""
    return not scene.selection and len(scene.links) > MOST_LINES


def _drawn(scene: Scene) -> str:
    links = scene.links
    return f"{len(links):,} of {links.total:,} links" if len(links) < links.total else f"all {links.total:,} links"


def legend_key(frame: Frame) -> object:
    """What the legend depends on."""
    look = (frame.theme.name, frame.width, frame.height, frame.ratio, frame.text_scale)
    return (*look, tuple(entries(frame)), caption(frame))


def paint_legend(texts: Texts, frame: Frame) -> None:
    """The strip at the foot; where it is narrow, words go from the last to the first, marks stay."""
    painter, theme = texts.painter, frame.theme
    top = frame.height - LEGEND
    painter.fillRect(QRectF(0, top, frame.width, LEGEND), QColor(theme.surface_canvas))
    painter.fillRect(QRectF(0, top, frame.width, 1), QColor(theme.line))
    painter.setRenderHint(painter.RenderHint.Antialiasing)
    listed = entries(frame)
    n_words = _fitting_words(texts, listed, frame.width - 24)
    x, y = 12.0, top + LEGEND / 2 + 0.5
    for row, entry in enumerate(listed):
        x = _entry(texts, frame, entry, x, y, row < n_words) + GAP
    words = caption(frame)
    if n_words == len(listed) and x + 8 + texts.width(words) < frame.width - 12:
        texts.draw(words, frame.width - 12, y, theme.text_3, "caption", "right")
    painter.setRenderHint(painter.RenderHint.Antialiasing, False)


def _width(texts: Texts, entry: Entry, with_word: bool) -> float:
    if entry.name == "difference":
        swatches = len(RAMP) * SWATCH
        return swatches + (texts.width(DIFFERS[0]) + texts.width(DIFFERS[1]) + 11 if with_word else 0)
    if entry.name == "sign":
        swatches = 2 * len(RAMP) * SWATCH + 6
        return swatches + (texts.width("lowers") + texts.width("raises") + 12 if with_word else 0)
    return entry.width + (6 + texts.width(entry.word) if with_word else 0)


def _fitting_words(texts: Texts, listed: list[Entry], room: float) -> int:
    for n_words in range(len(listed), 0, -1):
        used = sum(_width(texts, entry, row < n_words) + GAP for row, entry in enumerate(listed)) - GAP
        if used <= room:
            return n_words
    return 0


def _entry(texts: Texts, frame: Frame, entry: Entry, x: float, y: float, with_word: bool) -> float:
    """Draw an entry at x and return where it ends."""
    if entry.name == "sign":
        return _signs(texts, frame, x, y, with_word)
    if entry.name == "difference":
        return _differences(texts, frame, x, y, with_word)
    (_shade if entry.name == "shade" else _mark)(texts, frame, entry.name, x, y)
    end = x + entry.width
    if with_word:
        end = texts.draw(entry.word, end + 6, y, frame.theme.text_2, "caption").right()
    return end


def _shade(texts: Texts, frame: Frame, name: str, x: float, y: float) -> None:
    """The ground where few, more and most of the weakest links pass."""
    for part in range(3):
        ink = color(frame.theme.mark_ink, DENSITY_ALPHA * (part + 1) / 3)
        texts.painter.fillRect(QRectF(x + 6 * part, y - 5, 6, 10), ink)


def _mark(texts: Texts, frame: Frame, name: str, x: float, y: float) -> None:
    painter, theme = texts.painter, frame.theme
    kinds = {"feature": NodeKind.FEATURE, "token": NodeKind.EMBEDDING, "bias": NodeKind.BIAS}
    if name in Status.__members__:
        _status(texts, frame, Status[name], x, y)
    elif name in kinds:
        draw_mark(painter, QPointF(x + 5.5, y + 0.5), kinds[name], RADII[2], REST, theme)
    elif name == "error":
        painter.fillRect(QRectF(x + 4, y - 1, 16, 2.5), QColor(theme.error_mass))
        draw_mark(painter, QPointF(x + 4, y), NodeKind.ERROR, RADII[1], REST, theme)
    elif name == "influence":
        for at, radius in ((2.4, RADII[0]), (10.2, RADII[2]), (22.4, RADII[4])):
            draw_mark(painter, QPointF(x + at, y), NodeKind.FEATURE, radius, REST, theme)
    elif name == "hidden":
        draw_mark(painter, QPointF(x + 2, y), NodeKind.FEATURE, RADII[0], HIDDEN, theme)
    elif name == "selected":
        painter.setPen(QPen(QColor(theme.select), 2))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawEllipse(QPointF(x + 7.5, y), 6.5, 6.5)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(theme.select))
        painter.drawEllipse(QPointF(x + 7.5, y), 3.4, 3.4)
    elif name == "pinned":
        draw_mark(painter, QPointF(x + 7, y), NodeKind.FEATURE, RADII[1], REST, theme)
        painter.setPen(QPen(QColor(theme.mark_ink), 1.4))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(QRectF(x + 0.7, y - 6.3, 12.6, 12.6), 2, 2)


def _status(texts: Texts, frame: Frame, status: Status, x: float, y: float) -> None:
    """A mark and a link of what is in A, in B or in both."""
    strong = SIDE + len(RAMP) * status + len(RAMP) - 1
    draw_mark(texts.painter, QPointF(x + 5.5, y + 0.5), NodeKind.FEATURE, RADII[3], strong, frame.theme)
    texts.painter.setPen(frame.hues[status].pen(1.0, 1.5))
    texts.painter.drawLine(QPointF(x + 14, y), QPointF(x + 42, y))


def _differences(texts: Texts, frame: Frame, x: float, y: float, with_words: bool) -> float:
    """How the ink grows with the difference."""
    theme, painter = frame.theme, texts.painter
    if with_words:
        x = texts.draw(DIFFERS[0], x, y, theme.text_2, "caption").right() + 6
    painter.setPen(Qt.PenStyle.NoPen)
    for step in range(len(RAMP)):
        painter.setBrush(QColor(state_fill(SIDE + len(RAMP) * Status.BOTH + step, theme)))
        painter.drawRect(QRectF(x, y - 5, SWATCH - 1, 10))
        x += SWATCH
    return texts.draw(DIFFERS[1], x + 5, y, theme.text_2, "caption").right() if with_words else x


def _signs(texts: Texts, frame: Frame, x: float, y: float, with_words: bool) -> float:
    theme, painter = frame.theme, texts.painter
    if with_words:
        x = texts.draw("lowers", x, y, theme.text_2, "caption").right() + 6
    painter.setPen(Qt.PenStyle.NoPen)
    for first, states in ((LOWER, reversed(range(len(RAMP)))), (RAISE, iter(range(len(RAMP))))):
        for step in states:
            painter.setBrush(QColor(state_fill(first + step, theme)))
            painter.drawRect(QRectF(x, y - 5, SWATCH - 1, 10))
            x += SWATCH
        x += 6 if first == LOWER else 0
    return texts.draw("raises", x + 5, y, theme.text_2, "caption").right() if with_words else x

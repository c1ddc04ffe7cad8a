"""The picture of the resting links, painted by a thread in short steps, strongest first.

``drawLines`` holds the interpreter's lock, so a step is at most 300 lines: the window never waits longer.
A picture that is no longer wanted is given up at the next step.
"""

from __future__ import annotations

import contextlib
import threading
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from PySide6.QtCore import QObject, QRect, Signal
from PySide6.QtGui import QImage, QPainter, QPen

from explorer.circuits.graph import Floats, Ints
from explorer.session.theme import Theme, ramp_step
from explorer.ui.canvas.curves import lines
from explorer.ui.canvas.hues import Hue
from explorer.ui.canvas.pointers import draw_lines
from explorer.ui.theme import color

STEP = 300
ALPHAS = (0.08, 0.17, 0.26, 0.36, 0.45)
LIT_ALPHAS = (0.44, 0.53, 0.62, 0.76, 1.0)  # about .4 + .6 r^.6
FADE = 0.18  # of the picture while something is selected, in ink
FIRST = 3_000  # links after which a first picture is handed over
MOST_SMOOTH = 1_500
MOST_CURVED = 6_000
MOST_LINES = 12_000  # beyond it links are counted into a density picture
DENSITY_ALPHA = 0.30


@dataclass(frozen=True, eq=False)
class Order:
    """A picture to paint: control points (n, 4, 2) in its own device pixels, strongest first.

    ``hue`` (n) says which of ``hues`` each link has.
    """

    number: int
    width: int
    height: int
    points: Floats
    strength: Floats
    hue: Ints
    hues: tuple[Hue, ...]
    theme: Theme
    alphas: tuple[float, ...] = ALPHAS


@dataclass(frozen=True, eq=False)
class Picture:
    """The links in their colours, and the same in ink for behind a selection."""

    number: int
    image: QImage
    faded: QImage
    is_complete: bool


class LinkPainter(QObject):
    """Paints one order at a time; ``painted`` arrives in the thread that made this."""

    painted = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._work = _Work(self)
        self.destroyed.connect(self._work.stop)

    def paint(self, order: Order) -> None:
        """Paint ``order`` and give up an earlier one."""
        self._work.start(order)

    def stop(self) -> None:
        """Give up what is being painted and wait until the thread is gone."""
        self._work.stop()

    @property
    def is_busy(self) -> bool:
        return self._work.is_busy


class _Work:
    """The thread. No QObject, so that it may outlive the painter by a step."""

    def __init__(self, painter: LinkPainter) -> None:
        self._send = painter.painted.emit
        self._wanted = 0
        self._threads: list[threading.Thread] = []

    @property
    def is_busy(self) -> bool:
        return any(thread.is_alive() for thread in self._threads)

    def start(self, order: Order) -> None:
        self._wanted = order.number
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        thread = threading.Thread(target=self._run, args=(order,), name="links")
        self._threads.append(thread)
        thread.start()

    def stop(self) -> None:
        self._wanted = -1
        for thread in self._threads:
            thread.join()
        self._threads.clear()

    def _run(self, order: Order) -> None:
        image, n_lines = _blank(order), min(len(order.points), MOST_LINES)
        if MOST_SMOOTH < len(order.points) <= MOST_CURVED:  # fine lines take longer than a hand waits
            sketch = _blank(order)
            if not self._draw(order, sketch, 0, min(n_lines, FIRST), is_sketch=True):
                return
            self._hand_over(order, sketch, False)
        for first, last in _parts(n_lines):
            if not self._draw(order, image, first, last):
                return
            self._hand_over(order, image, last == len(order.points))
        if len(order.points) > n_lines:
            density = self._density(order, n_lines)
            if density is not None:
                self._hand_over(order, _under(image, density), True)
        elif not n_lines:
            self._hand_over(order, image, True)

    def _draw(self, order: Order, image: QImage, first: int, last: int, is_sketch: bool = False) -> bool:
        """Paint the links first to last below what is there; False if the order was given up."""
        is_fine = len(order.points) <= MOST_CURVED and not is_sketch
        n_segments = 24 if len(order.points) <= MOST_SMOOTH else 14 if is_fine else 7
        painter = QPainter(image)
        try:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, is_fine)
            painter.setClipRect(QRect(0, 0, order.width, order.height))
            painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_DestinationOver)
            for links, hue, pen in _batches(order, first, last, max(1, STEP // n_segments)):
                if self._wanted != order.number:
                    return False
                drawn = hue.lines(order.points[links], n_segments)
                painter.setPen(pen)
                draw_lines(painter, drawn)
            return True
        finally:
            painter.end()

    def _density(self, order: Order, first: int) -> QImage | None:
        """How many of the weaker links pass each 2 x 2 pixels, as ink; None if the order was given up."""
        width, height = order.width // 2 + 1, order.height // 2 + 1
        count = np.zeros(width * height)
        for start in range(first, len(order.points), 4_000):
            if self._wanted != order.number:
                return None
            passed = lines(order.points[start : start + 4_000], 24)
            x, y = passed[:, 0].astype(np.int64) // 2, passed[:, 1].astype(np.int64) // 2
            inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
            count += np.bincount(y[inside] * width + x[inside], minlength=len(count))
        alpha = np.log1p(count) / max(float(np.log1p(count).max()), 1.0) * DENSITY_ALPHA
        ink = color(order.theme.mark_ink)
        pixels = np.empty((height, width, 4), dtype=np.uint8)
        for channel, value in enumerate((ink.blue(), ink.green(), ink.red(), 255)):
            pixels[..., channel] = (alpha * value).reshape(height, width)
        kind = QImage.Format.Format_ARGB32_Premultiplied
        small = QImage(pixels.data, width, height, 4 * width, kind).copy()
        return small.scaled(2 * width, 2 * height)

    def _hand_over(self, order: Order, image: QImage, is_complete: bool) -> None:
        if self._wanted != order.number:
            return
        faded = image.copy()
        painter = QPainter(faded)
        painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_SourceIn)
        painter.fillRect(faded.rect(), color(order.theme.mark_ink))
        painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_DestinationIn)
        painter.fillRect(faded.rect(), color(order.theme.mark_ink, FADE))
        painter.end()
        with contextlib.suppress(RuntimeError):  # the canvas was destroyed while this was painted
            self._send(Picture(order.number, image.copy(), faded, is_complete))


def _blank(order: Order) -> QImage:
    image = QImage(order.width, order.height, QImage.Format.Format_ARGB32_Premultiplied)
    image.fill(0)
    return image


def _parts(n_links: int) -> list[tuple[int, int]]:
    """The first picture's links and the others."""
    bounds = sorted({0, min(FIRST, n_links), n_links})
    return list(pairwise(bounds))


def _batches(order: Order, first: int, last: int, size: int) -> list[tuple[Ints, Hue, QPen]]:
    """Links of one pen at a time, strong steps before weak ones, the hues in turn."""
    step = ramp_step(order.strength[first:last])
    hue_of = order.hue[first:last]
    thinner = min(1.0, FIRST / max(len(order.points), 1)) ** 0.5  # many lines would fill the plane
    batches: list[tuple[Ints, Hue, QPen]] = []
    for bin_ in reversed(range(len(order.alphas))):
        turns: list[list[tuple[Ints, Hue, QPen]]] = []
        for number, hue in enumerate(order.hues):
            pen = QPen(color(hue.colour, order.alphas[bin_] * thinner), 0)
            found = np.flatnonzero((step == bin_) & (hue_of == number)) + first
            turns.append([(found[at : at + size], hue, pen) for at in range(0, len(found), size)])
        for at in range(max(len(turn) for turn in turns)):
            batches.extend(turn[at] for turn in turns if at < len(turn))
    return batches


def _under(image: QImage, below: QImage) -> QImage:
    painter = QPainter(image)
    painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_DestinationOver)
    painter.drawImage(0, 0, below)
    painter.end()
    return image

"""Paper: the painted frame. What stays while the selection changes is kept as pixmaps, the rest is painted on it."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QPainter, QPixmap

from explorer.ui.canvas.frame import LEGEND, Frame
from explorer.ui.canvas.gallery import Gallery
from explorer.ui.canvas.legend import legend_key, paint_legend
from explorer.ui.canvas.paint import OUT_OF_DATE, device, paint_ground, paint_lit, paint_marks, paint_wash
from explorer.ui.canvas.texts import TextBox, Texts
from explorer.ui.canvas.words import (
    axis_strip,
    paint_chosen_layer,
    paint_chosen_token,
    paint_labels,
    paint_layers,
    paint_more,
    paint_outputs,
    paint_tokens,
    token_strip,
)
from explorer.ui.theme import color

Paint = Callable[[Texts, Frame], None]


class Strip:
    """A part of the frame with words, painted anew only if its key differs."""

    def __init__(self) -> None:
        self._key: object = None
        self._pixmap = QPixmap()
        self._boxes: list[TextBox] = []

    def paint(self, texts: Texts, frame: Frame, key: object, rect: QRectF, paint: Paint) -> None:
        """Paint what ``paint`` paints in ``rect``; ``key`` says what it depends on."""
        if key != self._key:
            self._key, self._boxes = key, self._renew(frame, rect, paint)
        texts.painter.drawPixmap(rect.topLeft(), self._pixmap)
        texts.boxes.extend(self._boxes)

    def _renew(self, frame: Frame, rect: QRectF, paint: Paint) -> list[TextBox]:
        ratio, ground = frame.ratio, frame.theme.surface_canvas
        self._pixmap = QPixmap(round(rect.width() * ratio), round(rect.height() * ratio))
        self._pixmap.setDevicePixelRatio(ratio)
        self._pixmap.fill(color(ground))
        painter = QPainter(self._pixmap)
        painter.translate(-rect.topLeft())
        texts = Texts(painter, ground, frame.text_scale, ratio)
        paint(texts, frame)
        painter.end()
        return texts.boxes


class Paper:
    """Paints frames, with the links that two galleries hold: those at rest and those of the selection."""

    def __init__(self, resting: Gallery, lit: Gallery) -> None:
        self.boxes: list[TextBox] = []
        self._resting, self._lit = resting, lit
        self._tokens, self._layers, self._legend = Strip(), Strip(), Strip()
        self._ground_key: object = None
        self._ground = QPixmap()
        self._sheet = QPixmap()

    def paint(self, frame: Frame) -> QPixmap:
        """The frame; the pixmap is painted over by the next one."""
        ratio, ground = frame.ratio, self._rest(frame)
        if self._sheet.size() != ground.size():
            self._sheet = QPixmap(ground.size())
        self._sheet.setDevicePixelRatio(1.0)
        painter = QPainter(self._sheet)
        painter.drawPixmap(0, 0, ground)
        painter.setOpacity(OUT_OF_DATE if frame.is_out_of_date else 1.0)
        painter.setClipRect(device(frame.plot, ratio).toAlignedRect())
        paint_wash(painter, frame)
        self._lit.paint(painter, frame, is_faded=False)
        paint_lit(painter, frame)
        paint_marks(painter, frame)
        painter.setOpacity(1.0)
        painter.setClipping(False)
        painter.scale(ratio, ratio)
        self._words(painter, frame)
        painter.end()
        self._sheet.setDevicePixelRatio(ratio)
        return self._sheet

    def _rest(self, frame: Frame) -> QPixmap:
        """What lies below the selection: bands, columns, error bars and the links at rest."""
        is_faded = bool(frame.scene.selection)
        key = (*frame.place_key, frame.scene.view, is_faded, self._resting.shown, frame.is_out_of_date)
        if key != self._ground_key:
            self._ground_key = key
            width, height = round(frame.width * frame.ratio), round(frame.height * frame.ratio)
            if (self._ground.width(), self._ground.height()) != (width, height):
                self._ground = QPixmap(width, height)
            self._ground.fill(color(frame.theme.surface_canvas))
            painter = QPainter(self._ground)
            painter.setOpacity(OUT_OF_DATE if frame.is_out_of_date else 1.0)
            painter.setClipRect(device(frame.plot, frame.ratio).toAlignedRect())
            paint_ground(painter, frame)
            self._resting.paint(painter, frame, is_faded=is_faded)
            painter.end()
        return self._ground

    def _words(self, painter: QPainter, frame: Frame) -> None:
        texts = Texts(painter, frame.theme.surface_canvas, frame.text_scale, frame.ratio)
        painter.setClipRect(frame.plot)
        paint_outputs(texts, frame)
        paint_more(texts, frame)
        paint_labels(texts, frame)
        painter.setClipping(False)
        self._tokens.paint(texts, frame, frame.place_key, token_strip(frame), paint_tokens)
        paint_chosen_token(texts, frame)
        self._layers.paint(texts, frame, frame.place_key, axis_strip(frame), paint_layers)
        paint_chosen_layer(texts, frame)
        foot = QRectF(QPointF(0, frame.height - LEGEND), QPointF(frame.width, frame.height))
        self._legend.paint(texts, frame, legend_key(frame), foot, paint_legend)
        self.boxes = texts.boxes

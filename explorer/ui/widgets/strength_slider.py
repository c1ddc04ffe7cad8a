"""StrengthSlider: a signed strength with ticks at 0 and at its own value, moved by mouse and keys."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSignalBlocker, Qt, Signal
from PySide6.QtGui import QColor, QFocusEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QWheelEvent
from PySide6.QtWidgets import QSlider, QWidget

from explorer.session.dial import BIG_STEP, STEP, Dial
from explorer.ui.widgets.look import current_theme

STEPS = 1200  # from the left end to the right one
HANDLE = 6
KEYS = {
    Qt.Key.Key_Minus: -STEP,
    Qt.Key.Key_Equal: STEP,
    Qt.Key.Key_Underscore: -BIG_STEP,
    Qt.Key.Key_Plus: BIG_STEP,
    Qt.Key.Key_Left: -STEP,
    Qt.Key.Key_Right: STEP,
    Qt.Key.Key_PageDown: -BIG_STEP,
    Qt.Key.Key_PageUp: BIG_STEP,
}


class StrengthSlider(QSlider):
    """``moved`` says each value while it is dragged or keyed, ``rested`` that the hand has let go."""

    moved = Signal(float)
    rested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self._dial = Dial(-1.0, 1.0, None)
        self._strength = 0.0
        self.setRange(0, STEPS)
        self.setToolTip("\u2212 and = move by 0.05, with Shift by 0.5; Home: 0, End: its own")
        self.setMinimumWidth(64)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.valueChanged.connect(self._stepped)

    @property
    def strength(self) -> float:
        return self._strength

    def show_value(self, value: float, dial: Dial) -> None:
        """Show ``value`` without telling."""
        if not self.isSliderDown() or dial.own != self._dial.own or dial.one != self._dial.one:
            self._dial = dial  # while it is dragged its ends stay where they are
        self._strength = value
        with QSignalBlocker(self):
            self.setValue(round(self._part(value) * STEPS))
        self.setAccessibleDescription(f"{value:.4g}")
        self.update()

    def _part(self, strength: float) -> float:
        """Where ``strength`` stands between the ends, 0 to 1."""
        part = (strength - self._dial.low) / (self._dial.high - self._dial.low)
        return min(max(part, 0.0), 1.0)

    def _go(self, strength: float) -> None:
        if strength != self._strength:
            self._strength = strength
            self.moved.emit(strength)

    def _stepped(self) -> None:
        """Moved by something else than our own hand, as by an accessibility tool."""
        low, high = self._dial.low, self._dial.high
        self._go(_rounded(low + (high - low) * self.value() / STEPS, self._dial.one))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        if key in KEYS:
            by = KEYS[key]
            if key == Qt.Key.Key_Equal and event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
                by = BIG_STEP
            if key == Qt.Key.Key_Minus and event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
                by = -BIG_STEP
            self._go(_rounded(self._strength + self._dial.step(by), self._dial.one))
        elif key == Qt.Key.Key_Home:
            self._go(0.0)
        elif key == Qt.Key.Key_End and self._dial.own is not None:
            self._go(self._dial.own)
        else:
            event.ignore()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.rested.emit()

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()  # it scrolls the rows; a value changed by chance would be an experiment by chance

    # the mouse: the handle goes to where it is pressed

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self.setFocus(Qt.FocusReason.MouseFocusReason)
            self.setSliderDown(True)
            self._follow(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self.isSliderDown():
            self._follow(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self.isSliderDown():
            self.setSliderDown(False)
            self.rested.emit()

    def _follow(self, event: QMouseEvent) -> None:
        width = max(1, self.width() - 2 * HANDLE)
        part = min(max((event.position().x() - HANDLE) / width, 0.0), 1.0)
        self._go(_rounded(self._dial.low + (self._dial.high - self._dial.low) * part, self._dial.one))

    # painting

    def _x(self, strength: float) -> float:
        return HANDLE + (self.width() - 2 * HANDLE) * self._part(strength)

    def paintEvent(self, event: QPaintEvent) -> None:
        theme, middle = current_theme(), self.height() / 2
        ink = theme.text_2 if self.isEnabled() else theme.line_strong
        own = self._dial.own
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(theme.surface_sunken))
            painter.drawRoundedRect(QRectF(HANDLE, middle - 2, self.width() - 2 * HANDLE, 4), 2, 2)
            here, from_ = self._x(self._strength), self._x(0.0 if own is None else own)
            painter.setBrush(QColor(ink))
            painter.drawRoundedRect(QRectF(min(here, from_), middle - 2, abs(here - from_), 4), 2, 2)
            painter.setPen(QPen(QColor(theme.line_strong), 1))
            for tick in [self._x(0.0)] if own is None else [self._x(0.0), self._x(own)]:
                painter.drawLine(QPointF(tick, middle - 6), QPointF(tick, middle + 6))
            focused = self.hasFocus()
            painter.setPen(QPen(QColor(theme.select if focused else ink), 2 if focused else 1.2))
            painter.setBrush(QColor(theme.surface_panel))
            painter.drawEllipse(QPointF(here, middle), HANDLE - 0.5, HANDLE - 0.5)


def _rounded(strength: float, one: float) -> float:
    """To a hundredth of what is there, so that a hand can find 0 and its own strength again."""
    grain = one / 100
    return round(round(strength / grain) * grain, 6)

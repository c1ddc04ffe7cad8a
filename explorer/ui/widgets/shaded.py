"""shaded: a matrix of shares as a picture, a pixel for each."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QImage

from explorer.session.theme import Theme, rgb


def shaded(share: NDArray[np.floating], theme: Theme, *, has_sign: bool = False) -> QImage:
    """``share`` [row, column], -1 to 1, as the depth of ink on the canvas, or of the colour of its sign."""
    raises, lowers = (theme.sign_raise, theme.sign_lower) if has_sign else (theme.mark_ink, theme.sign_lower)
    under = rgb(theme.surface_canvas)
    ink = np.where(share[..., None] < 0, rgb(lowers), rgb(raises))
    pixels = (under + np.abs(share[..., None]) * (ink - under)).round().astype(np.uint8)
    rows, columns = share.shape
    return QImage(pixels.tobytes(), columns, rows, 3 * columns, QImage.Format.Format_RGB888).copy()

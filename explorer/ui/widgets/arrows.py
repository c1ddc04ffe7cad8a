"""The arrow keys: where each leads."""

from __future__ import annotations

from PySide6.QtCore import Qt

DIRECTIONS = {  # x and y, y down
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
    Qt.Key.Key_Up: (0, -1),
    Qt.Key.Key_Down: (0, 1),
}

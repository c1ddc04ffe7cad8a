"""A figure in the clipboard."""

from __future__ import annotations

from PySide6.QtCore import QMimeData
from PySide6.QtGui import QGuiApplication

from explorer.io.svg import svg_text
from explorer.session.figure import Figure
from explorer.ui.export import pdf_bytes, picture

DPI = 200.0
COPIED = "Copied as a figure: SVG, PDF and a picture."


def put_figure(figure: Figure) -> None:
    """Put ``figure`` into the clipboard as SVG, PDF and a picture, so that each program takes what it can."""
    held = QMimeData()
    held.setData("image/svg+xml", svg_text(figure).encode())
    held.setData("application/pdf", pdf_bytes(figure))
    held.setImageData(picture(figure, DPI))
    QGuiApplication.clipboard().setMimeData(held)

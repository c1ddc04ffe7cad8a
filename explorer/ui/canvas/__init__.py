"""The graph canvas: rows are layers, columns are tokens, and what is selected lights up."""

from explorer.ui.canvas.texts import TextBox
from explorer.ui.canvas.widget import GraphCanvas

__all__ = ["GraphCanvas", "TextBox"]

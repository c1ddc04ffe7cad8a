"""FilterField: where a query of nodes is written."""

from __future__ import annotations

from PySide6.QtWidgets import QLineEdit

from explorer.ui.widgets.icons import icon


class FilterField(QLineEdit):
    """Called ``name``; the tip names some of ``conditions``, which the query may hold."""

    def __init__(self, name: str, conditions: str) -> None:
        super().__init__()
        self.setAccessibleName(name)
        self.setPlaceholderText("kind:feature layer>=1")
        self.setToolTip(f"Words of a label, or conditions: {conditions}")
        self.setClearButtonEnabled(True)
        self.addAction(icon("search"), QLineEdit.ActionPosition.LeadingPosition)

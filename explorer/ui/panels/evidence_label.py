"""LabelPart: the automatic label of a feature with the rules that it rests on, and the way to take it over."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QPushButton, QVBoxLayout, QWidget

from explorer.ui.panels.evidence_section import in_row
from explorer.ui.widgets.look import probability, set_property

SOURCES = {"own": "your own, in the index", "imported": "from another tool", "auto": "by rules"}
HELP = (
    "Scores on windows that the rules were not made from. AUC: .5 is chance, 1 always right. "
    "The strong rule is to find the windows where the feature is as strong as in its strongest examples."
)


class LabelPart(QWidget):
    """``take`` is pressed to take the label over."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("panel", True)
        self.text, self.rules = QLabel(), QLabel()
        set_property(self.text, "role", "section")
        set_property(self.rules, "role", "caption")
        self.rules.setToolTip(HELP)
        self.text.setTextFormat(Qt.TextFormat.PlainText)
        self.rules.setTextFormat(Qt.TextFormat.RichText)
        for words in (self.text, self.rules):
            words.setWordWrap(True)
            words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.take = QPushButton("Take over")
        self.take.setProperty("small", True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        for part in (self.text, self.rules, in_row(self.take)):
            layout.addWidget(part)

    def show_record(self, record: Mapping[str, Any], taken: str, by_person: bool) -> None:
        """Show a label's record; ``taken`` is the node's present label, which ``by_person`` wins over any other."""
        self.text.setText(str(record.get("text", "")))
        rules = record.get("rules", ())
        self.rules.setText("".join(rule_words(one) for one in rules))
        self.rules.setVisible(bool(rules))
        self.take.setEnabled(not by_person and taken != record.get("text"))
        tip = "Makes it the label of the feature’s nodes, marked as automatic; it can be undone"
        self.take.setToolTip("A person has labelled this node, and that label stays." if by_person else tip)


def caption(record: Mapping[str, Any]) -> str:
    """Where a label is from, and the tags of the feature."""
    source, rules = str(record.get("source")), record.get("rules", ())
    told = source == "auto" and bool(rules) and rules[0].get("kind") == "model"
    return " · ".join(["by a language model" if told else SOURCES.get(source, ""), *map(str, record.get("tags", ()))])


def rule_words(one: Mapping[str, Any]) -> str:
    """A rule with its scores and its evidence, as a paragraph of rich text."""
    scores = "too few windows to score it"
    if one.get("auc") is not None and one.get("precision") is not None:
        scores = f"AUC {probability(float(one['auc']))}, precision {probability(float(one['precision']))}"
    kind, words, evidence = (escape(str(one.get(name, ""))) for name in ("kind", "words", "evidence"))
    head = f'<span style="font-weight: 600">{kind.capitalize()}: {words}</span>'
    return f'<p style="margin: 0 0 4px 0">{head} · {scores}<br>{evidence}</p>'

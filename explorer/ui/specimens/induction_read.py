"""RepeatView: a prompt token by token, what is foreseen, and where a head looks for it."""

from __future__ import annotations

import numpy as np
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from explorer.models import head_scores
from explorer.specimens import induction
from explorer.specimens.induction import head_name
from explorer.ui.panels.lens_attention import HeadPictures
from explorer.ui.specimens.induction_prompt import InductionPrompt, PromptRow, spelled
from explorer.ui.specimens.page import titled, words
from explorer.ui.specimens.token_strip import TokenStrip
from explorer.ui.widgets.heat_map import HeatMap
from explorer.ui.widgets.look import per_cent, signed

CLEAR = 0.5  # a share of attention that tells what a head is for
FILLED = "Filled: foreseen, since it came before. Of the first copy nothing can be foreseen; it was not trained there."
HINT = "Point at a token or a cell, or walk with the arrow keys, to see where the head looks from there."


class RepeatView(QWidget):
    """The strip with its arcs, all heads as small patterns, and the chosen one large."""

    def __init__(self, prompt: InductionPrompt) -> None:
        super().__init__()
        self._prompt = prompt
        self.row, self.title = PromptRow(prompt), words("", "section")
        self.strip = TokenStrip("The prompt and what is said to come next", with_arcs=True)
        self.heads = HeadPictures()
        self.pattern = HeatMap("The head's attention, query down, key across")
        self.pattern.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.pattern_title, self.readout, self.copies = words("", "section"), words("", "lead"), words("", "caption")
        for part in (self.strip, self.pattern):
            part.setToolTip(HINT)
        self._lay_out()
        self.strip.pointed.connect(prompt.point)
        self.heads.chosen.connect(lambda layer, head: prompt.turn((layer, head)))
        for tell in (self.pattern.hovered, self.pattern.chosen):
            tell.connect(self._look)
        prompt.changed.connect(self._show)
        prompt.turned.connect(self._show_head)
        prompt.pointed.connect(self._show_position)
        self._show()

    def _lay_out(self) -> None:
        beside = QVBoxLayout()
        beside.setSpacing(10)
        beside.addWidget(titled("Every head's pattern; click one to see it large", self.heads))
        beside.addWidget(self.readout)
        beside.addWidget(self.copies)
        beside.addStretch()
        below = QHBoxLayout()
        below.setSpacing(20)
        below.addWidget(titled(self.pattern_title, self.pattern), 1)
        below.addLayout(beside, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addWidget(self.row)
        layout.addWidget(self.title)
        layout.addWidget(self.strip)
        layout.addWidget(words(FILLED, "caption"))
        layout.addLayout(below, 1)

    def _show(self) -> None:
        prompt, reading = self._prompt, self._prompt.reading
        self.title.setText(prompt.foreseen())
        self.strip.show_tokens(prompt.tokens, spelled(reading.said), reading.probability.max(-1), reading.foreseen)
        self.heads.show_patterns(reading.pattern, prompt.head)
        self._show_head()

    def _show_head(self) -> None:
        prompt = self._prompt
        layer, head = prompt.head
        pattern = prompt.reading.pattern[layer, head]
        if self.heads.current != prompt.head:
            self.heads.choose(layer, head)
        self.pattern.show_values(pattern, prompt.tokens, prompt.tokens, limit=1.0)
        self.pattern_title.setText(self._pattern_words(pattern))
        self.strip.show_pattern(pattern)
        self._show_position()

    def _pattern_words(self, pattern: np.ndarray) -> str:
        """What a head is for, as far as one of its scores tells."""
        prompt = self._prompt
        name = f"Head {head_name(prompt.head)}"
        if not induction.raised(prompt.network, prompt.head)[1].any():
            return f"{name} is empty: it looks evenly and writes nothing"
        followed = head_scores.prefix_matching(pattern, [int(token) for token in prompt.reading.ids])
        before = head_scores.previous_token(pattern)
        if followed > CLEAR:
            return f"{name} looks at what followed the last time, with {per_cent(followed)} of its attention"
        if before > CLEAR:
            return f"{name} looks one token back, with {per_cent(before)} of its attention"
        back = "" if np.isnan(before) else f": {per_cent(before)} one token back"
        return f"{name} divides its attention{back}"

    def _show_position(self) -> None:
        prompt = self._prompt
        self.strip.point(prompt.position)
        self.pattern.light(prompt.position)
        layer, head = prompt.head
        key = int(prompt.reading.pattern[layer, head, prompt.position].argmax())
        self.pattern.current = (prompt.position, key)
        self.pattern.update()
        self._tell(prompt.position, key)

    def _look(self, query: int, key: int) -> None:
        if min(query, key) < 0:
            return
        self._prompt.point(query)
        self._tell(query, key)

    def _tell(self, query: int, key: int) -> None:
        """Where the head looks from ``query``, and what looking at ``key`` does to the next token."""
        prompt, reading, tokens = self._prompt, self._prompt.reading, self._prompt.tokens
        share = float(reading.pattern[(*prompt.head, query, key)])
        if (query, key) in reading.followers:
            why = f", which followed {tokens[query]} the last time"
        elif key == query - 1:
            why = ", the token just before"
        else:
            why = ", itself" if key == query else ""
        place = f"position {key}" if key <= query else f"position {key}, which comes later"
        self.readout.setText(
            f"At {tokens[query]} (position {query}) head {head_name(prompt.head)} puts {per_cent(share)} of its "
            f"attention on {tokens[key]} ({place}){why}."
        )
        raised, by = induction.raised(prompt.network, prompt.head)
        token = int(reading.ids[key])
        copied = ": it is copied" if raised[token] == token else ""
        size = signed(float(by[token]))
        effect = f"Looking at {tokens[key]} raises {spelled(raised)[token]} most of all tokens ({size}){copied}."
        self.copies.setText(f"{effect if by[token] > 0 else 'It raises nothing.'} {self._part()}")

    def _part(self) -> str:
        """What the head does for the whole."""
        prompt = self._prompt
        if prompt.head == prompt.induction:
            return "It finds its place because heads of layer 0 have noted there which token was before."
        if prompt.head[0] >= prompt.induction[0]:
            return ""
        finds = f"head {head_name(prompt.induction)} finds it by that"
        return f"Layer 0 notes at each place which token was before; {finds}."

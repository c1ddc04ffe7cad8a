"""Intervening: asks the engine what the document's interventions do, and holds its answers for the dock."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal

from explorer.circuits.graph import Graph
from explorer.session.dial import n_changes
from explorer.session.interventions import Interventions, request
from explorer.session.outcome import Outcome, between, outcome_of
from explorer.session.prompt import prompt_text
from explorer.session.view import GraphView
from explorer.ui.asker import Asker
from explorer.ui.document import Document
from explorer.ui.widgets.look import token_text

TOP = 8
N_CHANGED = 60
SETTLE_MS = 200
NOTHING = "Select a node and press E, or use Add, to change what the model does."


class Intervening(QObject):
    """``outcome`` is the newest answer, or in mode direct what two answers say of the present values until the next.

    Nothing is asked while it is not ``active`` (the dock is folded), without rows, or while ``words`` say what is
    missing. The interventions themselves are the document's.
    """

    changed = Signal()  # outcome, fault or what is under way
    settled = Signal()  # what is shown is measured, and nothing moves: the time for what takes longer
    moved = Signal()  # the interventions, or what they are made on

    def __init__(self, document: Document, engine: Any, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document, self._engine = document, engine
        self.outcome: Outcome | None = None
        self.fault = ""
        self.at = -1  # the position after which the next token is looked at
        self.active = False
        self._turn = 0  # raised when model, graph or engine is another one
        self._line: list[Outcome] = []  # two answers in mode direct that differ in one value
        self._wanted: tuple[object, ...] = ()
        self._asker = Asker(engine, "intervene", self)
        self._asker.answered.connect(self._answered)
        self._asker.failed.connect(self._failed)
        self._timer = QTimer(self, singleShot=True, interval=SETTLE_MS)
        self._timer.timeout.connect(self.settled)
        for signal in (document.edits_changed, document.interventions_changed):
            signal.connect(self.look)
        document.prompt_changed.connect(self.look)
        document.prompt_changed.connect(self.changed)
        document.graph_changed.connect(self._ask_anew)
        document.model_changed.connect(self._ask_anew)
        engine.state_changed.connect(self._ask_anew)

    # what holds

    @property
    def made(self) -> Interventions:
        return self._document.edits.interventions

    @property
    def graph(self) -> Graph | None:
        return self._document.own_graph

    @property
    def view(self) -> GraphView | None:
        return self._document.view

    @property
    def tokens(self) -> tuple[str, ...]:
        """The tokens of the prompt on which interventions are made: the graph's, or the one in the bar."""
        return self.graph.tokens if self.graph is not None else self._document.prompt.tokens

    @property
    def token_ids(self) -> tuple[int, ...]:
        return tuple(self.graph.token_ids.tolist()) if self.graph is not None else self._document.prompt.token_ids

    @property
    def origin(self) -> tuple[object, ...]:
        """What a text without changes depends on: the prompt, and the model with its setting."""
        return (self.token_ids, self._document.model)

    @property
    def prompt(self) -> str:
        return prompt_text(self.graph) if self.graph is not None else self._document.prompt.text

    @property
    def position(self) -> int:
        """``at`` as a position of the prompt."""
        n_pos = len(self.tokens)
        return self.at if 0 <= self.at < n_pos else n_pos - 1

    @property
    def is_busy(self) -> bool:
        return self._asker.is_busy

    @property
    def n_pending(self) -> int:
        """How many changes are not measured yet."""
        if self.outcome is None or not self.made.rows:
            return 0
        if self.outcome.at != self.position:
            return 1
        return n_changes(self.outcome.made, self.made)

    @property
    def words(self) -> str:
        """Why nothing is measured, or an empty text."""
        model, graph = self._document.model, self.graph
        if not self.made.rows:
            return NOTHING
        if model is None:
            return "Browsing only: open the model to see what these changes do."
        if graph is not None and graph.n_layers != model.n_layers:
            return f"This graph is not of “{model.name}”: open its own model to see what these changes do."
        if not model.transcoder_kind:
            return f"“{model.name}” has no transcoders yet: choose some, or take its own MLP neurons as features."
        if self._engine.state == "starting":
            return "The engine is starting."
        if self._engine.state != "ready":
            return "The engine is not running: start it again to see what these changes do."
        return "" if self.tokens else "Type a prompt to change what the model makes of it."

    @property
    def note(self) -> str:
        """That what is measured is not of the prompt in the bar, or an empty text."""
        if not self._document.is_out_of_date:
            return ""
        return f"The prompt changed. This is for “{token_text(self.prompt).strip()}”."

    def values(self, made: Interventions | None = None) -> dict[str, object]:
        """The values of a job on this prompt under ``made``, or under the document's interventions."""
        graph, model = self.graph, self._document.model
        where: dict[str, object] = {"token_ids": list(self.token_ids)}
        if graph is not None and model is not None and model.has_neurons and "neurons_per_cell" in graph.provenance:
            where["neurons_per_cell"] = int(graph.provenance["neurons_per_cell"])
        if graph is not None and isinstance(made_with := graph.provenance.get("transcoder_sha256"), str):
            where["made_with"] = made_with
        return {**where, **request(self.made if made is None else made)}

    # what happens

    def set_active(self, active: bool) -> None:
        """Ask only while the dock is open."""
        if active != self.active:
            self.active = active
            self.look()

    def look_at(self, position: int) -> None:
        """Show the next token after another position of the prompt."""
        self.at = position
        self.look()

    def look(self) -> None:
        """Ask, if something else is to be measured than what was asked last."""
        wanted = (self.made, self.position, self.token_ids)
        if wanted == self._wanted and self.active and not self.words:
            return
        if wanted[2:] != self._wanted[2:]:
            self.outcome, self._line = None, []
        self._wanted = wanted if self.active and not self.words else ("", "", *wanted[2:])
        self.fault = ""
        self._timer.stop()
        self.moved.emit()
        if self.words or not self.active:
            self._asker.stop()
            if not self.made.rows:
                self.outcome = None
        else:
            self._preview()
            self._ask()
        self.changed.emit()

    @property
    def asked_on(self) -> tuple[object, ...]:
        """What an answer is of, beside the interventions: answers of another one come too late."""
        return (self.position, self.token_ids, self._turn)

    def _ask_anew(self) -> None:
        """Ask again: the model, its features or the engine is another one."""
        self._turn += 1
        self._wanted, self.outcome, self._line = (), None, []
        self.look()

    def _ask(self) -> None:
        made = self.made
        values = {"at": self.position, "top": TOP, "all_logits": made.mode == "direct"}
        self._asker.ask("intervene", (made, self.asked_on), {**self.values(), **values})

    def _preview(self) -> None:
        """Show what two answers on the line of the slider say, at once."""
        if len(self._line) == 2 and self._line[1].at == self.position:
            shown = between(self._line[0], self._line[1], self.made)
            self.outcome = shown or self.outcome

    def _answered(self, about: tuple[Interventions, object], values: dict[str, Any]) -> None:
        made, origin = about
        if origin != self.asked_on or not self.active or self.words:
            return
        outcome = outcome_of(values, made)
        self._keep_line(outcome)
        self.fault = ""
        if not self._asker.waits or self.outcome is None or self.outcome.is_exact:
            self.outcome = outcome
        if not self._asker.waits:
            self._timer.start()
        self.changed.emit()

    def _keep_line(self, outcome: Outcome) -> None:
        """Keep the newest answer with the first one that spans a line with it."""
        for other in self._line:
            if between(other, outcome, outcome.made) is not None:
                self._line = [other, outcome]
                return
        self._line = [outcome] if outcome.logits is not None else []

    def _failed(self, about: object, sentence: str) -> None:
        self.fault = sentence
        self.changed.emit()

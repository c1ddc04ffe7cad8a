"""InterventionEdits: what is done to the document's interventions, each an undoable step."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from PySide6.QtCore import QObject

from explorer.circuits.graph import NodeKey
from explorer.session.dial import in_unit, title
from explorer.session.edits import intervene
from explorer.session.interventions import Interventions, Kind, Row, Unit, add, change, group_row, remove, row_of
from explorer.session.supernodes import Supernode, members_below
from explorer.ui.document import Document
from explorer.ui.dragged import Dragged


class InterventionEdits(QObject):
    """Steps of one slider are one step of the history, until ``rest``."""

    def __init__(self, document: Document, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self.maximum_of: Callable[[int, int], float | None] = lambda layer, feature: None  # of the dataset
        self._dragged = Dragged(document)

    @property
    def made(self) -> Interventions:
        return self._document.edits.interventions

    @property
    def n_pos(self) -> int:
        """Tokens of the prompt on which interventions are made."""
        graph = self._document.own_graph
        return len(self._document.prompt.tokens) if graph is None else graph.n_pos

    def do(self, text: str, made: Interventions) -> None:
        self._document.do(text, intervene(self._document.edits, made))

    # adding

    def add_selected(self) -> None:
        """A row for each selected feature or error node; one for a group that is selected as a whole."""
        graph = self._document.graph
        if graph is None:
            return
        rows = self._rows_of([graph.key(node) for node in self._document.selection])
        there = {_thing(row) for row in self.made.rows}
        self.add(row for row in rows if _thing(row) not in there)

    def _rows_of(self, keys: list[NodeKey]) -> list[Row]:
        chosen = self._document.group
        for group in self._document.edits.supernodes:
            members = members_below(self._document.edits.supernodes, group.id)
            if group.id == chosen or (len(keys) > 1 and set(members) == set(keys)):
                return [group_row(group.name, members)]
        return [row for row in map(row_of, keys) if row is not None]

    def add_group(self, group: Supernode) -> None:
        self.add([group_row(group.name, members_below(self._document.edits.supernodes, group.id))])

    def add(self, rows: Iterable[Row], counterpart: str | None = None) -> None:
        rows = [self._with_maximum(row) for row in rows]
        if rows:
            view = self._document.view
            what = title(rows[0], view) if len(rows) == 1 else f"{len(rows)} nodes"
            self.do(f"intervene on {what}", add(self._with(counterpart), rows))

    def _with_maximum(self, row: Row) -> Row:
        """The row of a feature with its dataset maximum, if the evidence for it says one."""
        if row.kind != "feature" or row.maximum is not None:
            return row
        return replace(row, maximum=self.maximum_of(row.layer, row.index))

    def substitute(self, off: Supernode | None, on: Supernode, counterpart: str, factor: float, at_end: bool) -> None:
        """``off`` switched off and ``on`` times ``factor`` as strong as in the prompt ``counterpart``, as one step.

        ``at_end`` looks at that prompt's last position instead of the same one.
        """
        groups = self._document.edits.supernodes
        rows = [] if off is None else [group_row(off.name, members_below(groups, off.id), 0.0)]
        taken = group_row(on.name, members_below(groups, on.id), factor)
        rows.append(replace(taken, unit="other", other_pos=-1 if at_end else None))
        self.do("substitute a group", add(self._with(counterpart), rows))

    def blank(self, kind: Kind) -> Row:
        """A row of ``kind`` at the last token, to be filled in."""
        last = max(0, self.n_pos - 1)
        units: dict[Kind, Unit] = {"residual": "other", "feature": "absolute", "neuron": "absolute"}
        row = Row(kind, 0, 0, last, last, unit=units.get(kind, "own"))
        return replace(row, op="add", unit="absolute") if kind == "direction" else row

    def _with(self, counterpart: str | None) -> Interventions:
        return self.made if counterpart is None else replace(self.made, counterpart=counterpart)

    # changing

    def change(self, number: int, values: dict[str, Any], dragged: bool = False) -> None:
        """Other fields of row ``number``; ``dragged`` joins the step to the one before of the same slider."""
        if not 0 <= number < len(self.made.rows):
            return
        name = title(self.made.rows[number], self._document.view)
        text = f"change {name}"
        if "on" in values:
            text = f"switch {name} {'on' if values['on'] else 'off'}"
        if not dragged:
            self.rest()
        self._dragged.step(text, intervene(self._document.edits, change(self.made, number, **values)), number)
        if not dragged:
            self.rest()

    def rest(self) -> None:
        """The next step of a slider begins a new step of the history."""
        self._dragged.rest()

    def set_unit(self, number: int, unit: Unit) -> None:
        row = in_unit(self.made.rows[number], unit, self._document.own_graph)
        self.put(number, row)

    def put(self, number: int, row: Row, counterpart: str | None = None) -> None:
        """``row`` in the place of another."""
        made = self._with(counterpart)
        rows = (*made.rows[:number], row, *made.rows[number + 1 :])
        self.do(f"change {title(row, self._document.view)}", replace(made, rows=rows))

    def remove(self, number: int) -> None:
        self.do(f"take {title(self.made.rows[number], self._document.view)} out", remove(self.made, number))

    def reset(self) -> None:
        """Take every row out."""
        self.do("take all changes out", replace(self.made, rows=()))

    # how

    def toggle(self, name: str) -> None:
        """Hold attention or norms where they are free, or the other way round."""
        held = not holds(self.made, name)
        by_mode = holds(replace(self.made, attention=None, norms=None), name)
        words = f"{'freeze' if held else 'free'} {'attention' if name == 'attention' else 'the norms'}"
        changed: dict[str, Any] = {name: None if held == by_mode else held}
        self.do(words, replace(self.made, **changed))

    def set_mode(self, mode: str, layers: tuple[int, int] | None = None) -> None:
        """Another mode, with attention and norms as it has them."""
        if mode != self.made.mode or layers != self.made.layers:
            made = replace(self.made, mode=mode, layers=layers, attention=None, norms=None)
            self.do(f"intervene in mode {mode}", made)


def holds(made: Interventions, name: str) -> bool:
    """Whether ``attention`` or ``norms`` are held: as chosen, or as the mode does."""
    chosen = getattr(made, name)
    if chosen is not None:
        return bool(chosen)
    return made.mode != "free" if name == "attention" else made.mode == "direct"


def _thing(row: Row) -> tuple[object, ...]:
    """What a row changes, and where."""
    return (row.kind, row.layer, row.index, row.first, row.last, row.members)

"""The Intervene dock with real widgets: rows are edits, questions follow the hand, answers say what they are."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QDialogButtonBox, QInputDialog
from pytestqt.qtbot import QtBot

from explorer.circuits.graph import NodeKind
from explorer.engine.events import BUG, CancelledEvent, Failed, Partial, Result
from explorer.session.edits import group, set_label
from explorer.session.interventions import Interventions, Row
from explorer.ui.document import Document
from explorer.ui.panels.intervene import IntervenePanel
from explorer.ui.panels.intervene_dialogs import RowDialog, SubstitutionDialog
from explorer.ui.panels.intervene_row import number_in
from explorer.ui.panels.next_token import BEFORE, GAIN, NOW, TOKEN
from tests.graphs import random_graph
from tests.ui.stand_in import MODEL, StandInEngine, prompt

NONE = Qt.KeyboardModifier.NoModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier


class Dock:
    """A dock of 1100 x 206 with a graph, and an engine that answers when it is told to."""

    def __init__(self, qtbot: QtBot) -> None:
        self.document, self.engine = Document(), StandInEngine()
        self.panel = IntervenePanel(self.document, self.engine)
        qtbot.addWidget(self.panel)
        self.panel.resize(1100, 206)
        self.panel.show()
        self.document.open_graph(random_graph(60, 400, seed=3, n_layers=3, n_pos=6))
        self.document.set_model(MODEL)
        self._told = 0

    @property
    def made(self) -> Interventions:
        return self.document.edits.interventions

    def add(self, *nodes: int) -> None:
        for node in nodes:
            self.document.select([node])
            self.panel.edits.add_selected()

    def asked(self, job: str) -> list[dict[str, Any]]:
        return [values for name, *rest in self.engine.asked if name == job for values in rest]

    def tell(self, event: type, *what: Any) -> None:
        """An event for the oldest question that is not answered yet."""
        questions = [at for at, one in enumerate(self.engine.asked, 1) if one[0] in JOBS and at > self._told]
        self._told = questions[0]
        job = self.engine.asked[self._told - 1][0]
        self.engine.answered.emit(event(self._told, job, *what) if event is not CancelledEvent else event(self._told))

    def answer(self, **more: Any) -> None:
        self.tell(Result, {**ANSWER, **more})


JOBS = ("intervene", "generate", "dose")
TOKENS = ((" dry", 0.875, 0.52, 0.265), (" hot", 0.043, 0.118, 0.257), (" wet", 0.004, 0.104, 0.02))
ROWS = [{"token_id": i, "text": t, "before": b, "now": n, "predicted": p} for i, (t, b, n, p) in enumerate(TOKENS)]
ANSWER = {"at": 5, "tokens": ROWS, "kl": 0.1, "notes": [], "seconds": 0.084}


@pytest.fixture
def dock(qtbot: QtBot) -> Dock:
    return Dock(qtbot)


def feature(dock: Dock, at: int) -> dict[str, Any]:
    key = dock.document.graph.key(at)  # type: ignore[union-attr]
    return {"layer": key.layer, "pos": key.pos, "feature": key.feature, "before": 1.0, "now": 3.0, "predicted": 2.0}


# rows


def test_what_is_selected_becomes_rows_at_their_own_strength(dock: Dock) -> None:
    graph = dock.document.graph
    assert graph is not None
    error = graph.block(NodeKind.ERROR).start
    dock.document.select([0, error, graph.block(NodeKind.LOGIT).start])
    dock.panel.edits.add_selected()
    assert [row.kind for row in dock.made.rows] == ["feature", "error"]
    assert [widget.slider.strength for widget in dock.panel.rows.rows] == [1.0, 1.0]
    assert dock.panel.rows.caption.whole.startswith("0 of 2 change the run")


def test_a_group_that_is_selected_as_a_whole_is_one_row(dock: Dock) -> None:
    graph = dock.document.graph
    assert graph is not None
    dock.document.do("group", group(dock.document.edits, [graph.key(1), graph.key(2)], "moisture"))
    dock.document.select([2, 1])
    dock.panel.edits.add_selected()
    assert [(row.kind, row.name, len(row.members)) for row in dock.made.rows] == [("supernode", "moisture", 2)]


def test_a_drag_is_one_step_and_the_widget_shows_the_document(qtbot: QtBot, dock: Dock) -> None:
    dock.add(0)
    slider, steps = dock.panel.rows.rows[0].slider, len(dock.document.history.past)
    qtbot.mousePress(slider, Qt.MouseButton.LeftButton, NONE, QPoint(20, 8))
    for x in (40, 60, 80):
        qtbot.mouseMove(slider, QPoint(x, 8))
    qtbot.mouseRelease(slider, Qt.MouseButton.LeftButton, NONE, QPoint(80, 8))
    assert len(dock.document.history.past) == steps + 1
    assert dock.made.rows[0].value == slider.strength < 0
    qtbot.mousePress(slider, Qt.MouseButton.LeftButton, NONE, QPoint(120, 8))
    qtbot.mouseRelease(slider, Qt.MouseButton.LeftButton, NONE, QPoint(120, 8))
    assert len(dock.document.history.past) == steps + 2
    dock.document.undo()
    dock.document.undo()
    assert slider.strength == dock.made.rows[0].value == 1.0
    dock.document.redo()
    assert slider.strength == dock.made.rows[0].value < 0


@pytest.mark.parametrize(
    ("key", "modifier", "value"),
    [
        (Qt.Key.Key_Minus, NONE, 0.95),
        (Qt.Key.Key_Equal, NONE, 1.05),
        (Qt.Key.Key_Underscore, SHIFT, 0.5),
        (Qt.Key.Key_Plus, SHIFT, 1.5),
        (Qt.Key.Key_Home, NONE, 0.0),
        (Qt.Key.Key_End, NONE, 1.0),
    ],
)
def test_keys_move_the_slider(
    qtbot: QtBot, dock: Dock, key: Qt.Key, modifier: Qt.KeyboardModifier, value: float
) -> None:
    dock.add(0)
    qtbot.keyClick(dock.panel.rows.rows[0].slider, key, modifier)
    assert dock.made.rows[0].value == pytest.approx(value)


def test_a_value_is_typed_and_what_is_none_is_left(qtbot: QtBot, dock: Dock) -> None:
    dock.add(0)
    box = dock.panel.rows.rows[0].value
    for text, value in (("-1.5", -1.5), ("many", -1.5), ("× 2 own", 2.0)):
        box.selectAll()
        qtbot.keyClicks(box, text)
        qtbot.keyClick(box, Qt.Key.Key_Return)
        assert dock.made.rows[0].value == value
    assert box.text() == "× 2 own"
    assert number_in("nan") is None
    assert number_in("1e400") is None


def test_switches_modes_and_rows_are_undoable(dock: Dock) -> None:
    dock.add(0, 1)
    rows, edits = dock.panel.rows, dock.panel.edits
    rows.rows[0].on.click()
    assert not dock.made.rows[0].on
    rows.attention.click()
    assert (dock.made.attention, rows.attention.text()) == (False, "attention free")
    edits.set_mode("free")
    assert (dock.made.attention, rows.attention.text(), rows.norms.text()) == (None, "attention free", "norms free")
    rows.attention.click()
    assert (dock.made.attention, rows.attention.text()) == (True, "attention frozen")
    edits.set_mode("constrained", (1, 2))
    assert rows.mode.text() == "constrained 1–2"
    rows.rows[1].close_row.click()
    assert len(rows.rows) == 1
    rows.reset.click()
    assert dock.made.rows == ()
    for _ in range(7):
        dock.document.undo()
    assert (dock.made.mode, [row.on for row in dock.made.rows]) == ("iterative", [True, True])


def test_a_row_is_named_by_the_label_of_its_node(dock: Dock) -> None:
    dock.add(0)
    key = dock.document.graph.key(0)  # type: ignore[union-attr]
    dock.document.do("label", set_label(dock.document.edits, key, "the cue"))
    assert dock.panel.rows.rows[0].title.whole == "the cue"
    assert dock.panel.rows.rows[0].slider.accessibleName() == "Strength of the cue"


def test_a_substitution_is_one_step_with_its_prompt(dock: Dock) -> None:
    graph = dock.document.graph
    assert graph is not None
    for name, node in (("Texas", 1), ("California", 2)):
        dock.document.do("group", group(dock.document.edits, [graph.key(node)], name))
    steps = len(dock.document.history.past)
    dialog = SubstitutionDialog(dock.document.edits.supernodes, "", dock.panel)
    dialog.chosen.connect(dock.panel.edits.substitute)
    assert not dialog.ok.isEnabled()
    dialog.other.setText("the state containing Oakland")
    dialog.factor.setValue(1.5)
    dialog.other_pos.setCurrentIndex(1)
    dialog.buttons.button(QDialogButtonBox.StandardButton.Ok).click()
    off, on = dock.made.rows
    assert (off.name, off.unit, off.value) == ("Texas", "own", 0.0)
    assert (on.name, on.unit, on.value, on.other_pos) == ("California", "other", 1.5, -1)
    assert len(dock.document.history.past) == steps + 1
    assert dock.asked("intervene")[-1]["other"] == {"text": "the state containing Oakland"}


def test_the_dialog_of_a_row_asks_for_place_file_and_prompt(dock: Dock) -> None:
    dialog = RowDialog(dock.panel.edits.blank("direction"), "Add", "", dock.panel)
    assert not dialog.ok.isEnabled()
    dialog.file.setText("truth.npy")
    dialog.first.setValue(2)
    dialog.reach.setCurrentIndex(2)
    dialog.generated.setChecked(True)
    assert dialog.ok.isEnabled()
    row = dialog.row
    assert (row.file, row.first, row.last, row.generated, row.op) == ("truth.npy", 2, None, True, "add")
    patch = RowDialog(dock.panel.edits.blank("residual"), "Add", "", dock.panel)
    assert not patch.ok.isEnabled()
    patch.other.setText("another prompt")
    assert patch.ok.isEnabled()
    for each in (dialog, patch):
        each.close()


# questions and answers


def test_one_question_is_under_way_and_only_the_newest_follows(dock: Dock) -> None:
    dock.add(0)
    for value in (0.8, 0.6, 0.4):
        dock.panel.edits.change(0, {"value": value}, True)
    assert [one["interventions"][0]["value"] for one in dock.asked("intervene")] == [1.0]
    dock.answer()
    assert [one["interventions"][0]["value"] for one in dock.asked("intervene")] == [1.0, 0.4]
    dock.answer()
    assert len(dock.asked("intervene")) == 2


def test_the_table_shows_before_now_predicted_and_the_rest(dock: Dock) -> None:
    dock.add(0)
    dock.answer()
    table = dock.panel.answer.table.rows
    cells = [[table.index(row, column).data() for column in (TOKEN, BEFORE, NOW, GAIN)] for row in range(4)]
    assert cells[0] == ["dry", "0.875", "0.520", "−0.355"]
    assert cells[1] == ["hot", "0.043", "0.118", "+0.075"]
    assert cells[3] == ["others", "0.078", "0.258", "+0.180"]
    assert dock.panel.answer.state.whole == "updated in 84 ms · exact"


def test_what_is_not_measured_yet_is_said_and_faint(qtbot: QtBot, dock: Dock) -> None:
    dock.add(0, 1)
    dock.answer()
    dock.answer()
    dock.panel.edits.change(0, {"value": 0.5})
    assert not dock.panel.answer.table.rows.faint
    qtbot.waitUntil(lambda: dock.panel.answer.state.whole == "1 change not measured yet.")
    assert dock.panel.answer.table.rows.faint
    dock.panel.edits.change(1, {"value": 0.5})
    assert dock.panel.answer.state.whole == "2 changes not measured yet."
    dock.answer()
    dock.answer()
    assert not dock.panel.answer.table.rows.faint


def test_in_mode_direct_two_answers_give_the_third_at_once(dock: Dock) -> None:
    dock.add(0)
    dock.panel.edits.set_mode("direct")
    dock.answer()
    base, slope = np.array([1.0, 0.5, -0.2]), np.array([0.3, -0.8, 0.1])
    for value in (1.0, 0.5):
        dock.panel.edits.change(0, {"value": value}, True)
        dock.answer(logits={"now": base + value * slope})
    dock.panel.edits.change(0, {"value": -2.0}, True)
    shown = dock.panel.intervening.outcome
    expected = np.exp(base - 2 * slope) / np.exp(base - 2 * slope).sum()
    assert shown is not None
    assert not shown.is_exact
    assert {row.token_id: row.now for row in shown.tokens} == pytest.approx(dict(enumerate(expected)))
    assert dock.asked("intervene")[-1]["all_logits"] is True
    dock.answer(logits={"now": base - 2 * slope})
    assert dock.panel.intervening.outcome.is_exact  # type: ignore[union-attr]


def test_another_position_of_the_prompt_is_asked_for(qtbot: QtBot, dock: Dock) -> None:
    dock.add(0)
    dock.answer()
    dock.panel.answer._fill()
    third = next(one for one in dock.panel.answer.position.menu().actions() if one.text().startswith("2 "))
    third.trigger()
    assert dock.asked("intervene")[-1]["at"] == 2
    qtbot.waitUntil(lambda: dock.panel.answer.state.whole == "1 change not measured yet.")
    dock.answer(at=2)
    token = dock.document.graph.tokens[2].strip()  # type: ignore[union-attr]
    assert dock.panel.answer.position.text().strip() == f"after “{token}”"
    assert dock.panel.answer.state.whole.endswith("exact")


def test_a_refusal_is_one_sentence_and_changes_nothing(dock: Dock) -> None:
    dock.add(0)
    made = dock.made
    dock.tell(Failed, "GraphError", "There is no feature 99 in layer 0; it has 50.")
    assert dock.panel.answer.words.text() == "There is no feature 99 in layer 0; it has 50."
    assert dock.made == made
    dock.panel.edits.change(0, {"value": 0.0})
    assert dock.panel.answer.words.text() == ""
    dock.tell(Failed, BUG, "ZeroDivisionError", "Traceback")
    assert "Zero" not in dock.panel.answer.words.text()


def test_what_is_missing_is_said_in_words_and_rows_stay_editable(dock: Dock) -> None:
    assert "press E" in dock.panel.answer.words.text()
    dock.add(0)
    dock.answer()
    words, asked = dock.panel.answer.words, len(dock.engine.asked)
    dock.document.set_model(None)
    assert words.text().startswith("Browsing only")
    dock.panel.edits.change(0, {"value": 0.5})
    assert dock.panel.rows.rows[0].slider.strength == 0.5
    dock.document.set_model(replace(MODEL, transcoder_kind="", transcoder_path=""))
    assert "has no transcoders yet" in words.text()
    dock.document.set_model(replace(MODEL, n_layers=9))
    assert "This graph is not of" in words.text()
    assert len(dock.asked("intervene")) == 1
    dock.document.set_model(MODEL)
    assert len(dock.engine.asked) > asked
    dock.document.set_prompt(prompt("Another text"))
    assert words.text().startswith("The prompt changed. This is for “")


def test_after_a_restart_it_asks_again(dock: Dock) -> None:
    dock.add(0)
    dock.engine.set_state("starting")
    assert dock.panel.answer.words.text() == "The engine is starting."
    dock.tell(Failed, "EngineError", "The engine stopped.")
    dock.engine.set_state("ready")
    dock.document.set_model(MODEL)
    dock.answer()
    assert not dock.panel.answer.state.whole.endswith("exact")  # of the model as it was
    dock.answer()
    assert dock.panel.answer.state.whole.endswith("exact")
    assert dock.panel.answer.words.text() == ""


def test_a_folded_dock_asks_nothing(dock: Dock) -> None:
    dock.panel.hide()
    dock.add(0)
    assert dock.asked("intervene") == []
    dock.panel.show()
    assert len(dock.asked("intervene")) == 1


# continuations, effects, doses


def said(text: str, **more: Any) -> dict[str, Any]:
    return {"text": text, "tokens": [{"token_id": 1, "text": text, "probability": 0.5}], **more}


def test_both_continuations_are_streamed_and_told_in_a_line(dock: Dock) -> None:
    dock.add(0)
    dock.answer()
    dock.panel.continuing.generate()
    assert dock.asked("generate")[0]["interventions"] == []
    dock.tell(Partial, said(" dry"))
    view = dock.panel.answer.text
    assert view.texts["without"].toPlainText().strip() == "dry"
    assert view.go.text() == "Stop"
    dock._told -= 1
    dock.tell(Result, said(" dry land", perplexity=3.0))
    assert dock.asked("generate")[1]["interventions"][0]["kind"] == "feature"
    dock.tell(Result, said(" wet land", perplexity=30.0))
    assert dock.panel.answer.said.whole == "With: “dry land” → “wet land”"
    assert view.captions["with"].whole.endswith("perplexity 30")
    assert view.texts["with"].token_at(3) == 0
    assert view.texts["with"].token_at(30) is None
    assert view.texts["with"].words_at(0) == "“wet land” probability 0.500"
    dock.panel.edits.change(0, {"value": 0.0})
    assert dock.panel.answer.said.whole == ""
    assert dock.panel.continuing.said["without"] is not None
    dock.document.set_model(replace(MODEL, dtype="bfloat16"))
    assert dock.panel.continuing.said["without"] is None


def test_stop_stops_and_the_boxes_say_how_tokens_are_drawn(qtbot: QtBot, dock: Dock) -> None:
    dock.add(0)
    dock.answer()
    view = dock.panel.answer.text
    view.n.setValue(30)
    view.seed.setValue(7)
    view.temperature.setValue(0.8)
    view.press()
    wanted = {"n": 30, "seed": 7, "temperature": 0.8, "top_p": 1.0}
    assert {name: dock.asked("generate")[0][name] for name in wanted} == wanted
    view.press()
    assert dock.engine.asked[-1] == ("stop", len(dock.engine.asked) - 1)
    dock.tell(CancelledEvent)
    assert view.go.text() == "Generate"


def test_changed_features_are_measured_and_selected(qtbot: QtBot, dock: Dock) -> None:
    dock.add(0)
    dock.answer()
    dock.panel.effects.ask()
    dock.answer(changed=[feature(dock, 3), {**feature(dock, 4), "now": 0.5, "predicted": 0.8}])
    column = dock.panel.effect
    place = column.scatter.place_of(0).toPoint()
    qtbot.mouseClick(column.scatter, Qt.MouseButton.LeftButton, NONE, place)
    assert dock.document.selection == (3,)
    column.select.click()
    assert dock.document.selection == (3, 4)
    assert "measured +2.00, predicted +1.00" in column.scatter.describe(dock.panel.effects.moved[0])
    assert not column.scatter._faint
    column.direct.click()
    assert dock.asked("intervene")[-1]["mode"] == "direct"
    assert column.scatter._faint  # those of the other mode, until these are measured
    dock.panel.edits.change(0, {"value": 0.5})
    assert column.scatter._faint


def test_a_late_answer_of_rows_that_are_gone_is_left(dock: Dock) -> None:
    dock.add(0)
    dock.panel.edits.reset()
    dock.answer()
    assert dock.panel.intervening.outcome is None


def test_the_same_node_is_added_once(dock: Dock) -> None:
    dock.add(0)
    dock.add(0)
    assert len(dock.document.edits.interventions.rows) == 1


def test_a_drag_after_an_undo_is_a_step_of_its_own(dock: Dock) -> None:
    dock.add(0)
    edits = dock.panel.edits
    edits.change(0, {"value": 2.5}, True)
    edits.rest()
    edits.change(0, {"value": 2.0}, True)
    dock.document.undo()
    edits.change(0, {"value": 1.7}, True)
    dock.document.undo()
    assert dock.document.edits.interventions.rows[0].value == 2.5


def point(value: float, chance: float) -> dict[str, Any]:
    tokens = [{"token_id": id, "text": text, "probability": p} for id, text, p in ((1, " a", chance), (2, " b", 0.1))]
    return {"value": value, "tokens": tokens, "kl": 0.0, "perplexity": 2.0 + chance}


def test_the_dose_is_measured_over_the_slider(dock: Dock) -> None:
    dock.add(0, 1, 2)
    dock.panel.edits.change(0, {"on": False})
    dock.panel.rows.rows[2].dose_asked.emit(2)
    asked = dock.asked("dose")[0]
    assert (asked["row"], asked["values"][0], asked["values"][-1]) == (1, -3.0, 3.0)
    dock._told = len(dock.engine.asked) - 1
    dock.tell(Result, {"points": [point(value, p) for value, p in ((-3.0, 0.1), (0.0, 0.2), (3.0, 0.9))]})
    plot = dock.panel.effect.plot
    assert plot.lines()[0] == (" a", [0.1, 0.2, 0.9])
    assert not plot.grab().isNull()
    assert dock.panel.dosing.value == 1.0
    dock.panel.edits.change(2, {"value": 2.0})
    assert dock.panel.dosing.value == 2.0
    assert len(dock.panel.dosing.points) == 3
    dock.panel.edits.change(1, {"value": 2.0})
    assert dock.panel.dosing.is_old


def test_where_it_is_narrow_the_effect_gives_way_and_is_one_click_away(dock: Dock) -> None:
    dock.panel.resize(724, 206)
    assert not dock.panel.effect.isVisible()
    dock.panel.answer.effect.click()
    assert dock.panel.effect.isVisible()
    assert not dock.panel.answer.isVisible()
    dock.panel.effect.answer.click()
    assert dock.panel.answer.isVisible()
    dock.panel.resize(1100, 206)
    assert dock.panel.effect.isVisible()
    assert dock.panel.answer.isVisible()


def test_rows_of_other_kinds_are_shown(dock: Dock) -> None:
    kinds = ("neuron", "head", "direction", "residual")
    rows = [Row(kind, 1, 2, 5, 5, file="d/truth.npy") for kind in kinds]  # type: ignore[arg-type]
    dock.panel.edits.add(rows)
    assert [widget.title.whole for widget in dock.panel.rows.rows] == ["neuron 2", "head 2", "truth", "residual stream"]


def test_a_feature_is_added_with_its_dataset_maximum_where_that_is_known(dock: Dock) -> None:
    dock.panel.edits.maximum_of = lambda layer, feature: 12.5
    dock.add(0)
    (row,) = dock.document.edits.interventions.rows
    assert row.maximum == 12.5
    dock.panel.edits.set_unit(0, "maximum")
    assert dock.document.edits.interventions.rows[0].unit == "maximum"


def test_a_row_may_have_a_name_of_its_own(dock: Dock) -> None:
    dock.add(0)
    dock.panel.rows._name(0)
    (dialog,) = dock.panel.rows.findChildren(QInputDialog)
    dialog.setTextValue("Texas")
    dialog.accept()
    assert dock.document.edits.interventions.rows[0].name == "Texas"
    assert dock.panel.rows.rows[0].title.whole == "Texas"

"""The prompt bar, the status bar, the centre and the welcome page, with an engine that only notes what it is asked."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton, QWidget
from pytestqt.qtbot import QtBot

from explorer.circuits.graph import Graph
from explorer.io.samples import SAMPLES
from explorer.session.prompt import Prompt
from explorer.session.settings import Recent
from explorer.session.targets import TargetChoice
from explorer.ui.document import Document
from explorer.ui.panels.graph_area import GraphArea
from explorer.ui.panels.prompt import PromptPanel
from explorer.ui.panels.status import StatusPanel, remaining_time
from explorer.ui.panels.welcome import WelcomePanel, relative
from explorer.ui.widgets.token_edit import TokenEdit
from tests.graphs import random_graph
from tests.ui.showing import show
from tests.ui.stand_in import MODEL, StandInEngine, prompt

POPUP = pytest.mark.qt_log_ignore("This plugin does not support (raise|grabbing the keyboard)", extend=True)


@pytest.fixture
def document(qapp: object) -> Document:
    return Document()


@pytest.fixture
def engine(qapp: object) -> StandInEngine:
    return StandInEngine()


def asked_to_tokenize(engine: StandInEngine) -> list[str]:
    return [asked[1] for asked in engine.asked if asked[0] == "tokenize"]


@pytest.fixture
def bar(qtbot: QtBot, document: Document, engine: StandInEngine) -> PromptPanel:
    panel = PromptPanel(document, engine)
    show(qtbot, panel, 1200, 48)
    return panel


def test_without_a_model_nothing_can_be_typed_or_run(bar: PromptPanel) -> None:
    assert not bar.edit.isEnabled()
    assert not bar.can_run
    assert bar.model.text() == "No model"


def test_a_document_without_its_model_says_so(bar: PromptPanel, document: Document) -> None:
    document.open_graph(replace(random_graph(60, 400, seed=1, n_layers=4, n_pos=5), provenance={"model": "gemma"}))
    assert bar.model.text() == "Browsing only"
    assert "gemma" in bar.about.whole
    assert bar.locate.isVisible()


def test_the_model_and_its_transcoders_are_named(bar: PromptPanel, document: Document) -> None:
    document.set_model(replace(MODEL, d_transcoder=800_000))
    assert bar.model.text() == "tiny"
    assert bar.about.whole == "per-layer transcoders, 2.4 M · float32"


def test_typing_asks_once_the_hand_rests(
    qtbot: QtBot, bar: PromptPanel, document: Document, engine: StandInEngine
) -> None:
    document.set_model(MODEL)
    qtbot.keyClicks(bar.edit, "The sun")
    assert asked_to_tokenize(engine) == []
    qtbot.waitUntil(lambda: asked_to_tokenize(engine) == ["The sun"])
    document.set_prompt(prompt("The sun"))
    assert [chip.segment.words for chip in bar.edit.chips()] == ["The", " sun"]
    assert bar.target.text() == "dry  .875 + 2 more"
    assert bar.can_run


def test_an_old_answer_does_not_undo_what_was_typed_since(
    qtbot: QtBot, bar: PromptPanel, document: Document, engine: StandInEngine
) -> None:
    document.set_model(MODEL)
    qtbot.keyClicks(bar.edit, "The")
    qtbot.waitUntil(lambda: asked_to_tokenize(engine) == ["The"])
    qtbot.keyClicks(bar.edit, " sun")
    qtbot.waitUntil(lambda: len(asked_to_tokenize(engine)) == 2)
    document.set_prompt(prompt("The"))
    assert bar.edit.text() == "The sun"
    document.set_prompt(prompt("The sun"))
    document.set_prompt(prompt("of another document"))
    assert bar.edit.text() == "of another document"


def test_what_is_opened_takes_the_place_of_what_is_typed_or_being_cut(
    qtbot: QtBot, bar: PromptPanel, document: Document, engine: StandInEngine
) -> None:
    document.set_model(MODEL)
    qtbot.keyClicks(bar.edit, "The")
    qtbot.waitUntil(lambda: asked_to_tokenize(engine) == ["The"])
    bar.put(prompt("of another document"))
    assert bar.edit.text() == "of another document"
    bar.edit.selectAll()
    qtbot.keyClick(bar.edit, Qt.Key.Key_Delete)  # within the rest of 150 ms, another is opened
    bar.put(prompt("of a third"))
    assert bar.edit.text() == "of a third"
    assert not bar._rest.isActive()


def test_ctrl_free_return_runs_and_shift_return_is_a_line_break(
    qtbot: QtBot, bar: PromptPanel, document: Document
) -> None:
    document.set_model(MODEL)
    document.set_prompt(prompt("The sun"))
    qtbot.keyClick(bar.edit, Qt.Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
    assert bar.edit.text() == "The sun\n"
    with qtbot.waitSignal(bar.run_asked) as asked:
        qtbot.keyClick(bar.edit, Qt.Key.Key_Return)
    assert asked.args == [TargetChoice()]


def test_run_becomes_cancel(qtbot: QtBot, bar: PromptPanel, document: Document, engine: StandInEngine) -> None:
    document.set_model(MODEL)
    document.set_prompt(prompt())
    engine.begin("attribute")
    assert bar.action.text() == "Cancel"
    with qtbot.waitSignal(bar.cancel_asked):
        qtbot.mouseClick(bar.action, Qt.MouseButton.LeftButton)
    engine.end("attribute")
    assert bar.action.text().startswith("Run")
    engine.set_state("starting")
    assert not bar.action.isEnabled()


@POPUP
def test_targets_are_chosen_in_the_card(qtbot: QtBot, bar: PromptPanel, document: Document) -> None:
    document.set_model(MODEL)
    document.set_prompt(prompt())
    qtbot.mouseClick(bar.target, Qt.MouseButton.LeftButton)
    card = bar.target.card
    assert card.isVisible()
    boxes = dict(card._boxes)
    assert [box.text().strip() for box in boxes.values()] == ["dry", "hot", "warm"]
    boxes[8].click()
    boxes[9].click()
    assert card.chosen_tokens.isChecked()
    card.custom.setText("250")
    qtbot.keyClick(card.custom, Qt.Key.Key_Return)
    with qtbot.waitSignal(bar.target.chosen):
        qtbot.mouseClick(card.take, Qt.MouseButton.LeftButton)
    assert bar.choice == TargetChoice("tokens", (8, 9, 250))
    assert bar.target.text() == "hot  .043 + 2 more"
    assert not card.isVisible()


@POPUP
def test_a_contrast_of_one_token_is_refused_with_a_sentence(qtbot: QtBot, bar: PromptPanel, document: Document) -> None:
    document.set_model(MODEL)
    document.set_prompt(prompt())
    qtbot.mouseClick(bar.target, Qt.MouseButton.LeftButton)
    card = bar.target.card
    card.contrast.click()
    card.second.setCurrentIndex(card.first.currentIndex())
    qtbot.mouseClick(card.take, Qt.MouseButton.LeftButton)
    assert card.fault.isVisible()
    assert card.fault.text().endswith(".")
    card.second.setCurrentIndex(1)
    qtbot.mouseClick(card.take, Qt.MouseButton.LeftButton)
    assert bar.choice == TargetChoice("contrast", (7, 8))


def test_a_choice_of_tokens_ends_with_its_prompt(bar: PromptPanel, document: Document) -> None:
    document.set_model(MODEL)
    document.set_prompt(prompt())
    bar.target._take(TargetChoice("tokens", (8,)))
    document.set_prompt(prompt("Another"))
    assert bar.choice.kind == "logits"


def test_an_unknown_word_is_no_token(qtbot: QtBot, bar: PromptPanel, document: Document) -> None:
    document.set_model(MODEL)
    document.set_prompt(prompt())
    card = bar.target.card
    card.custom.setText("zebra")
    qtbot.keyClick(card.custom, Qt.Key.Key_Return)
    assert "zebra" in card.fault.text()


# the line of chips


@pytest.fixture
def edit(qtbot: QtBot) -> TokenEdit:
    edit = TokenEdit()
    show(qtbot, edit, 500, 30)
    words = prompt("The sun is\nto")
    edit.setText(words.text)
    edit.show_prompt(words, "start of text")
    return edit


def test_chips_stand_side_by_side(edit: TokenEdit) -> None:
    chips = edit.chips()
    assert all(left.right < right.left for left, right in pairwise(chips))
    assert not edit.grab().isNull()


def test_a_click_puts_the_caret_where_it_is_seen(qtbot: QtBot, edit: TokenEdit) -> None:
    chip = edit.chips()[1]
    qtbot.mouseClick(edit, Qt.MouseButton.LeftButton, pos=edit.rect().center().__class__(int(chip.text_left) + 1, 15))
    assert chip.segment.start <= edit.cursorPosition() <= chip.segment.start + 1
    qtbot.mouseClick(edit, Qt.MouseButton.LeftButton, pos=edit.rect().topRight())
    assert edit.cursorPosition() == len(edit.text())


def test_a_double_click_selects_a_token(qtbot: QtBot, edit: TokenEdit) -> None:
    chip = edit.chips()[1]
    middle = edit.rect().center().__class__(int((chip.left + chip.right) / 2), 15)
    qtbot.mouseDClick(edit, Qt.MouseButton.LeftButton, pos=middle)
    assert edit.selectedText() == " sun"


def test_the_caret_is_kept_in_sight(qtbot: QtBot, edit: TokenEdit) -> None:
    edit.setText("a very long prompt that goes on and on " * 5)
    caret = edit._caret(edit.chips()) - edit._offset
    assert 0 <= caret <= edit.width()
    qtbot.keyClick(edit, Qt.Key.Key_Home)
    assert edit._offset == 0


# status


@pytest.fixture
def status(qtbot: QtBot, document: Document, engine: StandInEngine) -> StatusPanel:
    panel = StatusPanel(document, engine)
    show(qtbot, panel, 1440, 26)
    return panel


def test_the_books_and_what_is_hidden_are_said(status: StatusPanel, document: Document) -> None:
    document.open_graph(random_graph(60, 400, seed=2, n_layers=4, n_pos=5))
    view = document.view
    assert view is not None
    assert status.books.text().startswith("<b>Books balance to")
    assert f"<b>{int(view.shown.sum())}</b> of {len(view.graph)} nodes" in status.counts.text()
    assert f"{int((~view.shown).sum())} hidden" in status.hidden.text()
    assert "completeness" in status.scores.toolTip()


def test_books_that_fail_are_danger(qtbot: QtBot, status: StatusPanel, document: Document) -> None:
    graph = random_graph(60, 400, seed=2, n_layers=4, n_pos=5)
    document.open_graph(replace(graph, preactivation=graph.preactivation + 1.0))
    assert "Do not cite this graph." in status.books.text()
    assert status.books.property("role") == "danger"
    with qtbot.waitSignal(status.worst_asked):
        qtbot.mouseClick(status.show_where, Qt.MouseButton.LeftButton)


def test_a_preview_is_labelled_with_its_measured_residual(status: StatusPanel, document: Document) -> None:
    graph = random_graph(60, 400, seed=2, n_layers=4, n_pos=5)
    off = replace(graph, preactivation=graph.preactivation + 1.0)
    document.open_graph(replace(off, provenance={"preview": True, "dtype": "bfloat16"}))
    assert status.books.text().startswith("<b>Preview</b> in bfloat16: measured residual ")
    assert status.books.property("role") == "stale"
    assert status.show_where.isHidden()


def test_device_threads_and_precision_are_in_sight(status: StatusPanel, document: Document) -> None:
    document.set_model(MODEL)
    assert status.device.text() == "CPU, 2 threads, float32"
    document.set_model(replace(MODEL, device="cuda:0", dtype="bfloat16"))
    assert status.device.text() == "CUDA:0, bfloat16"


def test_books_that_cannot_be_checked_say_why(status: StatusPanel, document: Document) -> None:
    document.open_graph(_without_books(random_graph(60, 400, seed=2, biases=False, n_layers=4, n_pos=5)))
    assert status.books.text().endswith("has no bias nodes.")


def _without_books(graph: Graph) -> Graph:
    return replace(graph, preactivation=np.full(len(graph), np.nan))


def test_a_job_shows_its_progress_and_can_be_cancelled(
    qtbot: QtBot, status: StatusPanel, engine: StandInEngine
) -> None:
    engine.begin("attribute")
    engine.progress.emit("attribute", 62, 100, "Tracing 620 of 1,000 features", 40.0)
    assert status.job.whole == "Tracing 620 of 1,000 features"
    assert status.left.text() == "62 %, 40 s left"
    with qtbot.waitSignal(status.cancel_asked):
        qtbot.mouseClick(status.cancel, Qt.MouseButton.LeftButton)
    engine.end("attribute")
    assert not status.cancel.isVisible()


def test_cutting_a_prompt_is_no_job_to_be_shown(status: StatusPanel, engine: StandInEngine) -> None:
    engine.begin("tokenize")
    assert not status.cancel.isVisible()


def test_a_narrow_bar_keeps_the_books(qtbot: QtBot, status: StatusPanel, document: Document) -> None:
    document.open_graph(random_graph(60, 400, seed=2, n_layers=4, n_pos=5))
    document.set_model(MODEL)
    for width in (300, 500, 700, 1000, 1440, 400, 1440):
        status.resize(width, 26)
        assert status.books.isVisible()
    assert status.counts.isVisible()


def test_a_message_goes_by_itself(qtbot: QtBot, status: StatusPanel) -> None:
    status.say("Saved.")
    assert status.message.isVisible()
    status._message_end.setInterval(0)
    status._message_end.start()
    qtbot.waitUntil(lambda: not status.message.isVisible())


@pytest.mark.parametrize(("seconds", "words"), [(0.2, "1 s"), (40, "40 s"), (150, "2 min"), (7200, "2 h 0 min")])
def test_time_left_is_rounded(seconds: float, words: str) -> None:
    assert remaining_time(seconds) == words


# the centre


def test_the_centre_says_what_to_do_next(qtbot: QtBot, document: Document, engine: StandInEngine) -> None:
    area = GraphArea(document, engine, QWidget())
    show(qtbot, area, 700, 500)
    assert area.words.text() == "Open a model, a graph or a sample to begin."
    engine.set_state("starting")
    assert area.words.text().startswith("Loading the engine.")
    engine.set_state("ready")
    engine.begin("open")
    engine.progress.emit("open", 1, 4, "Reading “tiny”, 1 of 4 GB", 3.0)
    assert area.words.text() == "Reading “tiny”, 1 of 4 GB"
    engine.end("open")
    document.set_model(MODEL)
    assert area.words.text() == "Type a prompt and press Run."
    assert not area.open_model.isVisible()
    document.open_graph(random_graph(60, 400, seed=1, n_layers=4, n_pos=5))
    assert area.pages.currentWidget() is area.canvas


def test_a_changed_prompt_puts_a_note_over_the_graph(qtbot: QtBot, document: Document, engine: StandInEngine) -> None:
    area = GraphArea(document, engine, QWidget())
    show(qtbot, area, 700, 500)
    graph = random_graph(60, 400, seed=1, n_layers=4, n_pos=5)
    graph = replace(graph, provenance={"prompt": "Fact: the sun\nis"})
    document.open_graph(graph)
    document.set_prompt(Prompt("x", tuple(graph.token_ids.tolist()), graph.tokens, 1))
    assert not area.note.isVisible()
    document.set_prompt(prompt("Another"))
    assert area.note.isVisible()
    assert area.note_words.text() == "The prompt changed. This graph is for “Fact: the sun⏎is”."
    assert area.rect().contains(area.note.geometry())
    with qtbot.waitSignal(area.run_asked):
        qtbot.mouseClick(area.note_run, Qt.MouseButton.LeftButton)
    document.open_graph(None)
    assert not area.note.isVisible()


# welcome


@pytest.fixture
def welcome(qtbot: QtBot) -> WelcomePanel:
    panel = WelcomePanel()
    show(qtbot, panel, 1440, 850)
    return panel


def test_every_sample_has_a_card_that_asks_for_it(qtbot: QtBot, welcome: WelcomePanel) -> None:
    welcome.show_samples(SAMPLES)
    assert len(welcome.sample_cards) == len(SAMPLES)
    for sample, card in zip(SAMPLES, welcome.sample_cards, strict=True):
        with qtbot.waitSignal(welcome.sample_asked) as asked:
            qtbot.mouseClick(card, Qt.MouseButton.LeftButton)
        assert asked.args == [sample.name]
        card.setFocus()
        with qtbot.waitSignal(welcome.sample_asked):
            qtbot.keyClick(card, Qt.Key.Key_Return)


def test_recent_files_are_listed_with_their_time(qtbot: QtBot, welcome: WelcomePanel) -> None:
    now = datetime(2026, 11, 24, 14, 20, tzinfo=UTC)
    rows = (
        Recent("a/dry.circuit", now.isoformat(), "Rain is to wet", "557 nodes"),
        Recent("a/old.json", "not a time"),
    )
    welcome.show_recent(rows, now)
    assert [card.accessibleName() for card in welcome.recent_cards] == ["dry.circuit, Rain is to wet", "old.json"]
    with qtbot.waitSignal(welcome.recent_asked) as asked:
        qtbot.mouseClick(welcome.recent_cards[1], Qt.MouseButton.LeftButton)
    assert asked.args == ["a/old.json"]
    with qtbot.waitSignal(welcome.clear_asked):
        clear = next(b for b in welcome.findChildren(QPushButton) if b.text() == "Clear list")
        qtbot.mouseClick(clear, Qt.MouseButton.LeftButton)


def test_what_was_lost_is_offered_back(qtbot: QtBot, welcome: WelcomePanel) -> None:
    now = datetime(2026, 11, 24, 14, 20, tzinfo=UTC)
    what = object()
    welcome.show_recovery("carry", 4, now - timedelta(days=6), what, now)
    assert welcome.recovery_words.text() == (
        "“carry” was not closed properly. 4 unsaved edits from 18 Nov can be restored."
    )
    with qtbot.waitSignal(welcome.restore_asked) as asked:
        qtbot.mouseClick(welcome.restore, Qt.MouseButton.LeftButton)
    assert asked.args == [what]
    qtbot.mouseClick(welcome.discard, Qt.MouseButton.LeftButton)
    assert not welcome.recovery.isVisible()


def test_times_are_relative() -> None:
    now = datetime(2026, 11, 24, 14, 20, tzinfo=UTC)
    assert relative(now - timedelta(hours=2), now) == "today 12:20"
    assert relative(now - timedelta(hours=20), now) == "yesterday"
    assert relative(now - timedelta(days=12), now) == "12 Nov"
    assert relative(now - timedelta(days=400), now) == "20 Oct 2025"

"""The window as a whole: what opens what, the docks, drag and drop, and what it says of jobs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from explorer.io import circuit_file
from explorer.io.samples import SAMPLES
from explorer.session.edits import Edits, pin, set_label
from explorer.session.settings import Settings
from explorer.session.targets import TargetChoice
from explorer.ui.canvas import GraphCanvas
from explorer.ui.document import Document
from explorer.ui.notices import DANGER, STALE
from explorer.ui.theme import DARK, LIGHT, Theme
from explorer.ui.widgets.chrome import dress
from explorer.ui.widgets.look import px
from explorer.ui.window import MainWindow
from tests.graphs import random_graph
from tests.ui.stand_in import MODEL, StandInEngine, prompt

Make = Callable[..., MainWindow]


@pytest.fixture
def make(qtbot: QtBot) -> Make:
    def make(settings: Settings | None = None, width: int = 1440, height: int = 900) -> MainWindow:
        document = Document()
        kept: list[Settings] = []
        canvas = GraphCanvas(document, LIGHT)
        window = MainWindow(document, StandInEngine(), canvas, settings or Settings(), kept.append)
        window.kept = kept  # type: ignore[attr-defined]
        qtbot.addWidget(window)
        window.resize(width, height)
        window.show()
        qtbot.waitExposed(window)
        return window

    return make


@pytest.fixture
def window(make: Make) -> MainWindow:
    return make()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "small.circuit"
    graph = random_graph(60, 400, n_layers=4, n_pos=5)
    circuit_file.save(path, graph, set_label(Edits(), graph.key(0), "the cue"))
    return path


def shown_docks(window: MainWindow) -> set[str]:
    return {name for name, dock in window.places.docks.items() if dock.isVisible()}


def test_it_begins_with_the_welcome_page(window: MainWindow) -> None:
    assert not window.in_workspace
    assert shown_docks(window) == set()
    assert not window.prompt_bar.isVisible()
    assert not window.notice_bar.isVisible()
    assert "Welcome" in window.menu_row.title.text()


def test_a_document_opens_in_the_workspace_and_is_remembered(window: MainWindow, file: Path) -> None:
    window.files.open_path(file)
    assert window.in_workspace
    assert shown_docks(window) == {"nodes", "inspector", "intervene"}
    assert window.document.path == file
    assert window.document.view is not None
    assert window.document.view.label(0) == "the cue"
    recent = window.settings.recent[0]
    assert (recent.path, recent.size) == (str(file), f"{len(window.document.graph or [])} nodes")
    assert "saved" in window.menu_row.title.text()
    window.show_welcome()
    assert window.welcome.recent_cards[0].accessibleName().startswith("small.circuit")
    assert window.document.graph is not None


def test_what_cannot_be_opened_is_a_notice_and_changes_nothing(
    qtbot: QtBot, window: MainWindow, file: Path, tmp_path: Path
) -> None:
    window.files.open_path(file)
    graph = window.document.graph
    bad = tmp_path / "bad.circuit"
    bad.write_bytes(b"no zip")
    for path in (bad, tmp_path / "gone.json", tmp_path):
        window.files.open_path(path)
        qtbot.waitUntil(lambda: window.banner.present is not None)
        assert window.banner.present.level == DANGER
        assert window.banner.isVisible()
        assert path.name in window.banner.words.text()
        window.banner.dismiss()
    assert window.document.graph is graph
    assert not window.notice_bar.isVisible()


def test_a_dropped_file_is_opened(window: MainWindow, file: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(file))])
    event = QDropEvent(
        QPointF(5, 5),
        Qt.DropAction.CopyAction,
        data,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    window.dropEvent(event)
    assert event.isAccepted()
    assert window.document.path == file


def test_saving_writes_what_is_opened_again(window: MainWindow, file: Path) -> None:
    window.files.open_path(file)
    graph = window.document.graph
    assert graph is not None
    window.document.do("pin a node", pin(window.document.edits, [graph.key(3)]))
    assert "edited" in window.menu_row.title.text()
    window.files.save()
    assert "saved" in window.menu_row.title.text()
    _, edits = circuit_file.open_circuit(file)
    assert edits == window.document.edits
    assert circuit_file.thumbnail(file).startswith(b"<svg ")


def test_a_copy_gets_its_suffix(window: MainWindow, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    window.files.open_path(file)
    monkeypatch.setattr(
        "explorer.ui.files.QFileDialog.getSaveFileName", lambda *args: (str(file.with_name("copy")), "")
    )
    window.files.save_copy()
    assert file.with_name("copy.circuit").is_file()
    assert "copy.circuit" in window.status.message.whole


@pytest.mark.parametrize("kind", ["json", "graphml", "gexf", "npz"])
def test_a_graph_is_exported_for_other_programs(
    window: MainWindow, file: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    window.files.open_path(file)

    def chosen(_parent: object, _title: str, _start: str, kinds: str) -> tuple[str, str]:
        return str(file.with_name("data")), next(each for each in kinds.split(";;") if f"(*.{kind})" in each)

    monkeypatch.setattr("explorer.ui.files.QFileDialog.getSaveFileName", chosen)
    window.actions_set.by_id["export_data"].trigger()
    assert window.status.message.whole == f"Exported “data.{kind}”."
    assert file.with_name(f"data.{kind}").stat().st_size > 1000


def test_a_sample_is_opened_and_its_prompt_run(qtbot: QtBot, window: MainWindow) -> None:
    qtbot.mouseClick(window.welcome.sample_cards[0], Qt.MouseButton.LeftButton)
    engine = window.engine
    assert engine.asked[-1][0] == "open"
    assert window.prompt.edit.text() == SAMPLES[0].prompt
    window.document.set_model(MODEL)
    engine.end("open")
    assert engine.asked[-1] == ("attribute", TargetChoice(), SAMPLES[0].prompt)
    engine.end("open")
    assert [asked[0] for asked in engine.asked].count("attribute") == 1
    assert window.settings.recent[0].path == MODEL.path


def test_a_sample_that_fails_to_open_is_not_run_later(window: MainWindow) -> None:
    window.files.open_sample(SAMPLES[0].name)
    window.engine.fail("open", "The model is damaged: choose another.", "trace")
    assert window.banner.words.text() == "The model is damaged: choose another."
    window.document.set_model(MODEL)
    window.engine.end("open")
    assert all(asked[0] != "attribute" for asked in window.engine.asked)


def test_run_takes_what_is_written_even_before_it_was_cut(qtbot: QtBot, window: MainWindow) -> None:
    window.show_workspace()
    window.document.set_model(MODEL)
    qtbot.keyClicks(window.prompt.edit, "The sun")
    qtbot.keyClick(window.prompt.edit, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    assert window.engine.asked[-1] == ("attribute", TargetChoice(), "The sun")


def test_jobs_end_in_words(window: MainWindow) -> None:
    window.document.open_graph(random_graph(60, 400, n_layers=4, n_pos=5))
    window.engine.begin("attribute")
    window.engine.end("attribute")
    assert window.status.message.whole.startswith("Done in ")
    window.engine.begin("attribute")
    window.engine.job = ""
    window.engine.job_cancelled.emit("attribute")
    assert window.status.message.whole == "Cancelled. Nothing was changed."
    window.engine.fail("tokenize", "The prompt is too long.")
    assert window.status.message.whole == "The prompt is too long."
    assert window.banner.present is None
    window.engine.fail("attribute", "There is no memory.", "trace")
    assert window.banner.present is not None
    window.engine.begin("attribute")
    assert window.banner.present is None


def test_a_death_of_the_engine_is_told_and_giving_up_can_be_taken_back(qtbot: QtBot, window: MainWindow) -> None:
    window.engine.died.emit("The engine was killed.", "last words")
    assert window.banner.present is not None
    assert window.banner.present.level == STALE
    assert "safe" in window.banner.words.text()
    window.engine.set_state("starting")
    window.engine.set_state("ready")
    assert window.banner.present is None
    assert "was started again" in window.status.message.whole
    window.engine.died.emit("The engine was killed.", "last words")
    window.engine.set_state("failing")
    assert window.banner.words.text() == "The engine stopped three times. You can browse and export."
    assert "last words" in window.banner.present.details
    again = next(b for b in window.banner._buttons if b.text() == "Start again")
    qtbot.mouseClick(again, Qt.MouseButton.LeftButton)
    assert window.engine.asked[-1] == ("restart",)
    assert window.banner.present is None


def test_narrow_windows_fold_the_nodes_and_narrow_the_inspector(qtbot: QtBot, window: MainWindow, file: Path) -> None:
    window.files.open_path(file)
    nodes, inspector = window.places.docks["nodes"], window.places.docks["inspector"]
    assert not nodes.folded
    window.resize(1100, 720)
    qtbot.waitUntil(lambda: nodes.folded and inspector.width() <= 300)
    qtbot.waitUntil(lambda: nodes.width() <= 40)
    qtbot.mouseClick(nodes.strip, Qt.MouseButton.LeftButton)
    assert not nodes.folded
    window.resize(1440, 900)
    window.resize(1100, 720)
    qtbot.waitUntil(lambda: nodes.folded)
    window.resize(1440, 900)
    qtbot.waitUntil(lambda: not nodes.folded and nodes.width() > 200)


def test_the_place_of_window_and_docks_is_kept(qtbot: QtBot, make: Make, file: Path) -> None:
    first = make()
    first.files.open_path(file)
    first.toggle("history")
    first.toggle("inspector")
    first.resize(1350, 820)
    first.close()
    kept: Settings = first.kept[-1]  # type: ignore[attr-defined]
    second = make(kept, width=kept and 1350, height=820)
    second.files.open_path(file)
    assert shown_docks(second) == {"nodes", "history", "intervene"}
    assert not second.notice_bar.isVisible()
    assert second.prompt_bar.isVisible()
    second.show_welcome()
    second.close()
    assert second.kept[-1].docks  # type: ignore[attr-defined]


def test_damaged_places_in_the_settings_do_no_harm(make: Make, file: Path) -> None:
    window = make(Settings(geometry="bm9uc2Vuc2U=", docks="bm9uc2Vuc2U="))
    window.files.open_path(file)
    assert shown_docks(window) == {"nodes", "inspector", "intervene"}


def test_tab_goes_from_the_prompt_to_the_canvas(qtbot: QtBot, window: MainWindow, file: Path) -> None:
    window.files.open_path(file)
    window.document.set_model(MODEL)
    window.document.set_prompt(prompt())
    window.prompt.edit.setFocus()
    seen: list[QWidget] = []
    for _ in range(12):
        qtbot.keyClick(window.focusWidget(), Qt.Key.Key_Tab)
        seen.append(window.focusWidget())
    wanted = [window.prompt.target, window.prompt.action, window.nodes.filter, window.nodes.table, window.canvas]
    places = [seen.index(widget) for widget in wanted]
    assert places == sorted(places)


def test_everything_that_takes_the_focus_has_a_name(window: MainWindow, file: Path) -> None:
    window.files.open_path(file)
    nameless = [
        widget
        for widget in window.findChildren(QWidget)
        if widget.focusPolicy() & Qt.FocusPolicy.TabFocus
        and widget.isVisible()
        and not widget.accessibleName()
        and not getattr(widget, "text", str)()
    ]
    assert nameless == []


@pytest.fixture
def dressed(qapp: QApplication) -> Iterator[QApplication]:
    """The application, whose look is given back."""
    before = (qapp.style().objectName(), qapp.font(), qapp.palette(), qapp.styleSheet())
    dress(qapp, LIGHT, 1.0)
    yield qapp
    qapp.setStyleSheet(before[3])
    qapp.setStyle(before[0])
    qapp.setPalette(before[2])
    qapp.setFont(before[1])


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("scale", [0.9, 1.5])
def test_theme_and_text_size_change_while_it_is_open(
    dressed: QApplication, window: MainWindow, file: Path, theme: Theme, scale: float
) -> None:
    window.files.open_path(file)
    window.document.select([0])
    dress(dressed, theme, scale)
    window.canvas.set_theme(theme, scale)
    assert window.nodes.table.verticalHeader().defaultSectionSize() == px(22)
    assert window.menu_row.height() == px(28)
    corner = window.grab().toImage().pixelColor(2, 2).name().upper()
    assert corner == theme.surface_window


def test_settings_take_effect_and_are_kept(window: MainWindow) -> None:
    asked: list[Settings] = []
    window.dressed.connect(asked.append)
    window.scale_text(10)
    assert window.settings.text_scale == 110
    assert asked == [window.settings]
    window.change_settings(replace(window.settings, device="cpu", threads=2))
    assert window.engine.asked[-1] == ("setting", "cpu", "float32", 2)
    assert window.kept[-1] == window.settings  # type: ignore[attr-defined]


def test_models_and_transcoders_are_told_apart(qtbot: QtBot, window: MainWindow) -> None:
    from explorer.io.samples import model_folder, transcoder_folder

    def open_path(path: Path) -> None:
        with qtbot.waitSignal(window.files.reader.idle):
            window.files.open_path(path)

    sample = SAMPLES[0]
    open_path(model_folder(sample))
    assert window.engine.asked[-1] == ("open", str(model_folder(sample)), "")
    window.document.set_model(MODEL)
    open_path(transcoder_folder(sample))
    assert window.engine.asked[-1] == ("open", MODEL.path, str(transcoder_folder(sample)))
    open_path(model_folder(sample).parent)
    assert window.engine.asked[-1] == ("open", str(model_folder(sample)), str(transcoder_folder(sample)))

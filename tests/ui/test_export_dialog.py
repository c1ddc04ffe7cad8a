"""The dialog of figures, by mouse and keys, and the figure in the clipboard."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QContextMenuEvent, QGuiApplication, QImage
from PySide6.QtWidgets import QApplication, QMenu, QWidget
from pytestqt.qtbot import QtBot

from explorer.circuits.compare import compare
from explorer.circuits.graph import NodeKind
from explorer.session import edits as edit
from explorer.session.figure import Figure
from explorer.session.overlay import compared
from explorer.session.page import Page, Wish
from explorer.session.pictures import Material
from explorer.session.settings import Settings
from explorer.session.view import resolve
from explorer.ui.canvas import GraphCanvas
from explorer.ui.document import Document
from explorer.ui.panels.export_dialog import ExportDialog
from explorer.ui.theme import DARK, LIGHT, Theme
from explorer.ui.widgets.chrome import dress
from explorer.ui.window import MainWindow
from tests.graphs import random_graph
from tests.ui.showing import show
from tests.ui.stand_in import StandInEngine
from tests.ui.text_boxes import faults, texts

ASK = "explorer.ui.panels.export_dialog.QFileDialog.getSaveFileName"


@pytest.fixture(scope="module")
def material() -> Material:
    graph = random_graph(24, 140, n_layers=4, n_pos=5)
    keys = [graph.key(node) for node in range(graph.count(NodeKind.FEATURE))]
    return Material(resolve(graph, edit.pin(edit.group(edit.Edits(), keys[:4], "group"), keys[6:8])))


@pytest.fixture
def make(qtbot: QtBot, material: Material, tmp_path: Path) -> Callable[..., ExportDialog]:
    def make(present: str = "screen", wish: Wish | None = None) -> ExportDialog:
        wish = wish or Wish(folder=str(tmp_path), page=Page(dpi=60))
        dialog = ExportDialog(material, wish, present, "graph", str(tmp_path))
        show(qtbot, dialog, 920, 600)
        return dialog

    return make


@pytest.fixture
def dialog(make: Callable[..., ExportDialog]) -> ExportDialog:
    return make()


@pytest.fixture
def window(qtbot: QtBot, material: Material, tmp_path: Path) -> MainWindow:
    document = Document()
    settings = Settings(picture=Wish(folder=str(tmp_path), page=Page(dpi=60)))
    window = MainWindow(document, StandInEngine(), GraphCanvas(document, LIGHT), settings, lambda kept: None)
    qtbot.addWidget(window)
    window.resize(1280, 800)
    window.show()
    qtbot.waitExposed(window)
    document.open_graph(material.view.graph, material.view.edits)
    window.show_workspace()
    return window


def put(dialog: ExportDialog, field: str, value: str) -> None:
    choice = getattr(dialog, field)
    choice.setCurrentIndex(choice.findData(value))


def choose(monkeypatch: pytest.MonkeyPatch, path: Path) -> list[str]:
    """Answers the question for a file; where it began."""
    asked: list[str] = []

    def answer(parent: QWidget, title: str, start: str, kinds: str) -> tuple[str, str]:
        asked.append(start)
        return str(path), kinds

    monkeypatch.setattr(ASK, answer)
    return asked


STARTS = {".svg": b"<svg", ".pdf": b"%PDF", ".png": b"\x89PNG", ".html": b"<!DOCTYPE html>"}


@pytest.mark.parametrize("suffix", list(STARTS))
def test_a_figure_is_written_as_it_was_chosen(
    qtbot: QtBot, make: Callable[..., ExportDialog], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    dialog, kept, said = make("subgraph"), [], []
    dialog.kept.connect(kept.append)
    dialog.written.connect(said.append)
    put(dialog, "format", suffix)
    put(dialog, "theme", "dark")
    dialog.width_.setValue(120.0)
    dialog.legend.setChecked(False)
    (tmp_path / "there").mkdir()
    asked = choose(monkeypatch, tmp_path / "there" / "one")
    qtbot.mouseClick(dialog.save, Qt.MouseButton.LeftButton)
    assert asked == [str(tmp_path / f"graph-subgraph{suffix}")]
    assert (tmp_path / "there" / f"one{suffix}").read_bytes().startswith(STARTS[suffix])
    assert said == [f"Exported “one{suffix}”."]
    page = Page(120.0, 0.0, 8.0, 60, "dark", False, True)
    assert kept == [Wish("subgraph", suffix, "mm", str(tmp_path / "there"), page)]
    assert make("subgraph", kept[0]).wish == kept[0]
    if suffix == ".png":
        assert QImage(str(tmp_path / "there" / "one.png")).width() == pytest.approx(120 / 25.4 * 60, abs=1)


def test_the_window_asks_for_the_page_on_screen_and_remembers(
    qtbot: QtBot, window: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    views = []
    for page in (0, 1):
        window.workspace.turn_to(page)
        window.actions_set.by_id["export"].trigger()
        dialog = QApplication.activeModalWidget()
        assert isinstance(dialog, ExportDialog)
        assert dialog.width() < window.width()
        views.append(dialog.view.currentData())
        choose(monkeypatch, tmp_path / f"{page}.svg")
        qtbot.mouseClick(dialog.save, Qt.MouseButton.LeftButton)
        assert window.status.message.whole == f"Exported “{page}.svg”."
        assert window.settings.picture.view == views[-1]
    assert views == ["graph", "subgraph"]


def test_what_cannot_be_drawn_is_not_offered_and_says_why(dialog: ExportDialog) -> None:
    rows = {dialog.view.itemData(at): dialog.view.model().item(at) for at in range(dialog.view.count())}
    assert rows["graph"].isEnabled()
    assert rows["subgraph"].isEnabled()
    assert not rows["feature"].isEnabled()
    assert rows["feature"].toolTip().startswith("No feature is selected")
    put(dialog, "view", "validation")
    dialog.look()
    assert dialog.preview.words == "Nothing of this graph was tested in its model yet; validate it first."
    assert not dialog.save.isEnabled()


def test_a_web_page_is_offered_for_the_subgraph_alone(dialog: ExportDialog) -> None:
    page = dialog.format.model().item(3)
    assert not page.isEnabled()
    put(dialog, "view", "subgraph")
    dialog.look()
    assert page.isEnabled()
    put(dialog, "format", ".html")
    dialog.look()
    assert not dialog.width_.isEnabled()
    put(dialog, "view", "graph")
    dialog.look()
    assert dialog.format.currentData() == ".svg"
    assert dialog.width_.isEnabled()


def test_lengths_stay_what_they_are_in_another_unit_and_pixels_stay_pixels(dialog: ExportDialog) -> None:
    dialog.width_.setValue(127.0)
    put(dialog, "unit", "in")
    assert dialog.width_.value() == pytest.approx(5.0)
    put(dialog, "unit", "px")
    assert dialog.width_.value() == pytest.approx(300.0)
    dialog.dpi.setValue(120)
    assert dialog.width_.value() == pytest.approx(300.0)
    assert dialog.wish.page.width_mm == pytest.approx(63.5)
    dialog.look()
    assert "300 × " in dialog.words.text()


def test_a_file_that_nobody_agreed_to_replace_is_left_alone(
    qtbot: QtBot, dialog: ExportDialog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine.svg").write_text("mine")
    choose(monkeypatch, tmp_path / "mine")
    qtbot.mouseClick(dialog.save, Qt.MouseButton.LeftButton)
    assert dialog.fault.text() == "“mine.svg” exists already; choose it itself to replace it, or another name."
    assert (tmp_path / "mine.svg").read_text() == "mine"
    choose(monkeypatch, tmp_path / "mine.svg")
    qtbot.mouseClick(dialog.save, Qt.MouseButton.LeftButton)
    assert (tmp_path / "mine.svg").read_text().startswith("<svg")


@pytest.mark.parametrize("suffix", [".svg", ".pdf", ".png"])
def test_a_full_disk_is_a_sentence_and_the_old_file_stays(
    qtbot: QtBot, dialog: ExportDialog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    target = tmp_path / f"old{suffix}"
    target.write_text("old")

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("explorer.io.atomic.os.fsync", full)
    put(dialog, "format", suffix)
    choose(monkeypatch, target)
    qtbot.mouseClick(dialog.save, Qt.MouseButton.LeftButton)
    words = f"“{target.name}” could not be saved: the disk is full; free some space or save elsewhere."
    assert dialog.fault.text() == words
    assert dialog.isVisible()
    assert [path.name for path in tmp_path.iterdir()] == [target.name]
    assert target.read_text() == "old"


def test_closing_the_question_for_a_file_keeps_the_dialog(
    qtbot: QtBot, dialog: ExportDialog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ASK, lambda *args: ("", ""))
    qtbot.mouseClick(dialog.save, Qt.MouseButton.LeftButton)
    assert dialog.isVisible()
    assert dialog.fault.text() == ""
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    assert not dialog.isVisible()


@pytest.fixture
def dressed(qapp: QApplication) -> Iterator[QApplication]:
    yield qapp
    dress(qapp, LIGHT, 1.0)


@pytest.mark.parametrize(("theme", "scale"), [(LIGHT, 1.0), (DARK, 1.2)])
def test_every_word_of_the_dialog_can_be_read(
    dressed: QApplication, make: Callable[..., ExportDialog], theme: Theme, scale: float
) -> None:
    dress(dressed, theme, scale)
    dialog = make()
    dialog.width_.setValue(40.0)
    dialog.look()
    QApplication.processEvents()
    assert faults(texts(dialog)) == []


def test_every_part_is_reached_by_tab_and_has_a_name(dialog: ExportDialog) -> None:
    put(dialog, "format", ".png")
    dialog.look()
    fields = [dialog.view, dialog.format, dialog.width_, dialog.height_, dialog.unit, dialog.font_size, dialog.dpi]
    fields += [dialog.theme, dialog.legend, dialog.caption, dialog.copy, dialog.close_, dialog.save]
    reached, at = [], dialog.view
    for _ in range(60):
        reached.append(at)
        at = at.nextInFocusChain()
    assert all(field in reached for field in fields)
    for field in fields:
        assert field.accessibleName() or field.text()  # type: ignore[attr-defined]
        assert field.focusPolicy() & Qt.FocusPolicy.TabFocus


@pytest.mark.parametrize(("page", "words"), [(0, "as on screen"), (1, "Later layers stand higher")])
def test_the_page_on_screen_is_copied_as_svg_pdf_and_picture(window: MainWindow, page: int, words: str) -> None:
    window.workspace.turn_to(page)
    QApplication.processEvents()
    window.actions_set.by_id["copy_figure"].trigger()
    held = QGuiApplication.clipboard().mimeData()
    assert words in bytes(held.data("image/svg+xml").data()).decode()
    assert bytes(held.data("application/pdf").data()).startswith(b"%PDF")
    assert held.hasImage()
    assert window.status.message.whole == "Copied as a figure: SVG, PDF and a picture."


def test_a_comparison_is_exported_by_the_same_dialog(
    qtbot: QtBot, window: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    view = window.document.view
    assert view is not None
    other = random_graph(24, 140, n_layers=4, n_pos=5, seed=2)
    pair = compared(view, resolve(other, edit.Edits()), compare(view.graph, other))
    window.files.pictures.ask("compare", pair)
    dialog = QApplication.activeModalWidget()
    assert isinstance(dialog, ExportDialog)
    assert dialog.view.currentData() == "compare"
    choose(monkeypatch, tmp_path / "both.svg")
    qtbot.mouseClick(dialog.save, Qt.MouseButton.LeftButton)
    assert "Comparison of two graphs" in (tmp_path / "both.svg").read_text()
    window.files.export()
    again = QApplication.activeModalWidget()
    assert isinstance(again, ExportDialog)
    assert again.view.currentData() == "graph"
    again.close()


def test_what_is_copied_from_the_dialog_is_what_it_shows(qtbot: QtBot, dialog: ExportDialog) -> None:
    copied: list[Figure] = []
    dialog.copied.connect(copied.append)
    put(dialog, "theme", "dark")
    qtbot.mouseClick(dialog.copy, Qt.MouseButton.LeftButton)
    assert copied == [dialog.figure]
    assert copied[0].background == DARK.surface_canvas


@pytest.mark.parametrize("page", [0, 1])
def test_the_menu_of_an_empty_canvas_copies_and_exports(
    window: MainWindow, monkeypatch: pytest.MonkeyPatch, page: int
) -> None:
    shown: list[list[str]] = []

    def popup(menu: QMenu, at: QPoint) -> None:
        shown.append([action.objectName() for action in menu.actions() if action.objectName()])

    monkeypatch.setattr("explorer.ui.pictures.QMenu.popup", popup)
    window.workspace.turn_to(page)
    QApplication.processEvents()
    canvas, at = window.workspace.canvas, QPoint(3, 3)
    event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, at, canvas.mapToGlobal(at))
    QApplication.sendEvent(canvas, event)
    assert shown == [["copy_figure", "export", "fit", "zoom_full"]]

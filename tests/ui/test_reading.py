"""Graphs of every kind come into the window by one path; large files with progress, and they can be cancelled."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QTimer, QUrl
from PySide6.QtGui import QDropEvent
from pytestqt.qtbot import QtBot

from benchmarks.graph_json import write
from explorer.circuits.graph import NodeKey
from explorer.errors import LoadError
from explorer.io import circuit_file
from explorer.io.descriptions import Description
from explorer.io.graph_json_import import read
from explorer.io.samples import SAMPLES, model_folder
from explorer.session.settings import Settings
from explorer.ui import files, reading
from explorer.ui.canvas import GraphCanvas
from explorer.ui.document import Document
from explorer.ui.notices import DANGER, STALE
from explorer.ui.theme import LIGHT
from explorer.ui.window import MainWindow
from explorer.work import Progress
from tests.ui.stand_in import StandInEngine

DATA = Path(__file__).parents[1] / "data" / "graphs"
DALLAS = DATA / "dallas-austin-llamma.json"
LINK = "https://www.neuronpedia.org/x/graph?slug=a&pinnedIds=18_5495_9,1_1_1&supernodes=%5B%5B%22states%22,%2218_5495_9%22%5D%5D"
WAIT = 20_000


@pytest.fixture
def window(qtbot: QtBot) -> MainWindow:
    document = Document()
    window = MainWindow(document, StandInEngine(), GraphCanvas(document, LIGHT), Settings(), lambda settings: None)
    qtbot.addWidget(window)
    window.show()
    qtbot.waitExposed(window)
    return window


def drop(window: MainWindow, url: QUrl) -> None:
    data = QMimeData()
    data.setUrls([url])
    event = QDropEvent(
        QPointF(5, 5), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    )
    window.dropEvent(event)


def _by_dialog(window: MainWindow, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def chosen(_parent: object, _title: str, _folder: str, kinds: str) -> tuple[str, str]:
        assert f"*{path.suffix}" in kinds
        return str(path), kinds

    monkeypatch.setattr("explorer.ui.files.QFileDialog.getOpenFileName", chosen)
    window.actions_set.by_id["open_document"].trigger()


def _by_drop(window: MainWindow, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drop(window, QUrl.fromLocalFile(str(path)))


def _by_recent(window: MainWindow, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    window.remember(path)
    window.show_welcome()
    window.welcome.recent_cards[0].click()


Open = Callable[[MainWindow, Path, pytest.MonkeyPatch], None]
COUNTS = {".json": (60, 330), ".circuit": (60, 330), ".pt": (135, 2554)}


@pytest.mark.parametrize("suffix", COUNTS)
@pytest.mark.parametrize("way", [_by_dialog, _by_drop, _by_recent], ids=["dialog", "drop", "recent"])
def test_every_graph_opens_every_way(
    qtbot: QtBot, window: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, way: Open
) -> None:
    path = tmp_path / f"a{suffix}"
    if suffix == ".circuit":
        circuit_file.save(path, *read(DALLAS))
    else:
        shutil.copy({".json": DALLAS, ".pt": DATA / "circuit-tracer.pt"}[suffix], path)
    way(window, path, monkeypatch)
    qtbot.waitUntil(lambda: window.document.graph is not None, timeout=WAIT)
    graph = window.document.graph
    assert graph is not None
    assert (len(graph), graph.n_edges) == COUNTS[suffix]
    assert window.document.path == (path if suffix == ".circuit" else None)
    assert window.settings.recent[0].path == str(path)
    assert window.in_workspace
    assert not window.job


def test_a_graph_is_known_by_its_bytes(window: MainWindow, tmp_path: Path) -> None:
    shutil.copy(DALLAS, tmp_path / "graph.txt")
    window.files.open_path(tmp_path / "graph.txt")
    assert window.document.graph is not None


def test_a_large_file_is_read_beside_the_window(
    qtbot: QtBot, window: MainWindow, tmp_path: Path
) -> None:
    path = tmp_path / "large.json"
    n_links = write(path, 10_000_000, n_features=2000)
    said: list[tuple[str, str]] = []
    window.engine.progress.connect(lambda *_: said.append((window.status.job.whole, window.status.left.text())))
    ticks = QTimer(window)
    beats: list[int] = []
    ticks.timeout.connect(lambda: beats.append(0))
    ticks.start(5)
    window.files.open_path(path)
    assert window.job == "read"
    assert window.document.graph is None
    qtbot.waitUntil(lambda: window.document.graph is not None, timeout=WAIT)
    assert window.document.graph is not None
    assert window.document.graph.n_edges == n_links
    assert window.status._job.isHidden()
    megabytes = [share for words, share in said if words.startswith("Megabytes of “large.json”")]
    assert len(megabytes) >= 4
    assert len(set(megabytes)) == len(megabytes)
    assert len(beats) > 20  # the window's thread was not held up


@pytest.fixture
def endless(monkeypatch: pytest.MonkeyPatch) -> Iterator[Event]:
    """Files that are read for ever, a step every five milliseconds; set when a reading ended."""
    ended = Event()

    def steps(path: Path, pause: Callable[[], None]) -> Iterator[Progress]:
        try:
            step = 0
            while not ended.wait(0.005):
                step += 1
                yield Progress(step, 1000, f"Megabytes of “{path.name}”")
            raise LoadError("The test ended.")
        finally:
            ended.set()

    monkeypatch.setattr(reading.graphs, "reading", steps)
    monkeypatch.setattr(files, "AT_ONCE", 0)
    yield ended
    ended.set()


@pytest.mark.parametrize("way", ["button", "action", "escape twice"])
def test_reading_is_cancelled(qtbot: QtBot, window: MainWindow, endless: Event, way: str) -> None:
    with qtbot.waitSignal(window.engine.progress, timeout=WAIT):
        window.files.open_path(DALLAS)
    with qtbot.waitSignal(window.engine.job_cancelled, timeout=WAIT):
        if way == "button":
            window.status.cancel.click()
        elif way == "action":
            assert window.actions_set.by_id["cancel"].isEnabled()
            window.actions_set.by_id["cancel"].trigger()
        else:
            window.actions_set.by_id["escape"].trigger()
            window.actions_set.by_id["escape"].trigger()
    assert not window.job
    assert window.status.message.whole == "Cancelled. Nothing was changed."
    assert endless.wait(5)
    assert window.document.graph is None
    assert window.engine.asked == []


def test_a_file_that_is_opened_meanwhile_wins(
    qtbot: QtBot, window: MainWindow, endless: Event, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    window.files.open_path(DALLAS)
    monkeypatch.undo()
    circuit_file.save(tmp_path / "a.circuit", *read(DALLAS))
    window.files.open_path(tmp_path / "a.circuit")
    assert window.document.path == tmp_path / "a.circuit"
    assert not window.job
    assert endless.wait(5)
    qtbot.wait(50)
    assert window.document.path == tmp_path / "a.circuit"


def test_closing_the_window_stops_reading(window: MainWindow, endless: Event) -> None:
    window.files.open_path(DALLAS)
    window.close()
    assert endless.wait(5)


def test_a_fault_of_a_large_file_is_a_notice_and_changes_nothing(
    qtbot: QtBot, window: MainWindow, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    window.files.open_path(DALLAS)
    before = window.document.graph
    data = json.loads(DALLAS.read_text())
    data["links"][7]["weight"] = float("nan")
    (tmp_path / "bad.json").write_text(json.dumps(data))
    monkeypatch.setattr(files, "AT_ONCE", 0)
    with qtbot.waitSignal(window.engine.job_failed, timeout=WAIT):
        window.files.open_path(tmp_path / "bad.json")
    present = window.banner.present
    assert present is not None
    assert present.level == DANGER
    link = data["links"][7]
    assert f"the link from {link['source']} to {link['target']} has the weight nan" in present.text
    assert window.document.graph is before
    assert not window.job


def test_what_was_repaired_is_told(window: MainWindow, tmp_path: Path) -> None:
    data = json.loads(DALLAS.read_text())
    common = {"node_id": "0_3_9", "ctx_idx": 9, "clerp": ""}
    data["nodes"].append({**common, "feature_type": "mlp reconstruction error", "feature": -1, "layer": "3"})
    data["nodes"].append({**common, "feature_type": "cross layer transcoder", "feature": 9, "layer": "0"})
    data["nodes"][2]["mine"] = float("inf")
    (tmp_path / "a.json").write_text(json.dumps(data))
    window.files.open_path(tmp_path / "a.json")
    present = window.banner.present
    assert present is not None
    assert present.level == STALE
    assert present.text == (
        "“a.json”: A feature and an error share the id 0_3_9; their links were told apart by their order. "
        f"1 value is no number and was emptied, first the mine of node {data['nodes'][2]['node_id']}."
    )
    window.files.open_path(DALLAS)
    assert window.banner.present is None


@pytest.fixture
def huge(monkeypatch: pytest.MonkeyPatch) -> Iterator[Event]:
    """Folders that are looked into for ever; set when the looking ended."""
    ended = Event()

    def look_into(path: Path, pause: Callable[[], None]) -> Description:
        try:
            while not ended.wait(0.005):
                pause()
            raise LoadError("The test ended.")
        finally:
            ended.set()

    monkeypatch.setattr("explorer.io.inspect.describe", look_into)
    yield ended
    ended.set()


def test_a_huge_folder_does_not_hold_the_window_up_and_is_left_by_cancel(
    window: MainWindow, huge: Event, tmp_path: Path
) -> None:
    drop(window, QUrl.fromLocalFile(str(tmp_path)))
    assert window.job == "read"
    assert window.actions_set.by_id["cancel"].isEnabled()
    window.actions_set.by_id["cancel"].trigger()
    assert not window.job
    assert huge.wait(5)


def test_several_paths_are_opened_one_after_the_other(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    sample = model_folder(SAMPLES[0])
    (tmp_path / "none").mkdir()
    window.files.open_paths([sample, tmp_path / "none", DALLAS])
    qtbot.waitUntil(lambda: window.document.graph is not None, timeout=WAIT)
    assert ("open", str(sample), "") in window.engine.asked
    assert window.banner.present is not None
    assert "a folder without a model" in window.banner.present.text


def test_a_large_subgraph_is_put_on_the_open_graph(
    qtbot: QtBot, window: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved = tmp_path / "subgraph.json"
    saved.write_text(json.dumps({"pinnedIds": ["18_5495_9"]}))
    monkeypatch.setattr(files, "AT_ONCE", 0)
    for path in (saved, DALLAS, saved):
        with qtbot.waitSignal(window.files.reader.idle, timeout=WAIT):
            window.files.open_path(path)
    assert window.banner.present is not None
    assert "open the graph first" in window.banner.present.text
    assert window.document.edits.pinned == (NodeKey(0, 18, 9, 5495),)


@pytest.mark.parametrize("way", ["file", "link"])
def test_a_subgraph_is_put_on_the_open_graph(window: MainWindow, tmp_path: Path, way: str) -> None:
    saved = tmp_path / "subgraph.json"
    saved.write_text(json.dumps({"pinnedIds": ["18_5495_9", "1_1_1"], "supernodes": [["states", "18_5495_9"]]}))

    def take() -> None:
        if way == "file":
            window.files.open_path(saved)
        else:
            drop(window, QUrl.fromEncoded(LINK.encode()))

    take()
    assert window.banner.present is not None
    assert "open the graph first" in window.banner.present.text
    window.banner.dismiss()
    window.files.open_path(DALLAS)
    take()
    assert window.document.edits.pinned == (NodeKey(0, 18, 9, 5495),)
    assert [group.name for group in window.document.edits.supernodes] == ["states"]
    assert window.banner.present is not None
    assert "1 of 2 pinned nodes are not in the graph." in window.banner.present.text
    window.document.undo()
    assert window.document.edits.pinned == ()

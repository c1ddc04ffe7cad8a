"""A window that is killed while it is edited loses at most five seconds of edits; the next one offers the rest back."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication

from explorer.circuits.graph import Graph
from explorer.errors import SaveError
from explorer.io import circuit_file
from explorer.io.journal import Journal, journals_path, recoverable, restore
from explorer.session import edits as edit
from explorer.session.edits import Edits
from explorer.ui.app import Shell
from tests.graphs import random_graph

ROOT = Path(__file__).parents[2]
WAIT = 60_000
LOST_AT_MOST = 5.0
IDLE = "sleep 60"  # instead of an engine: nothing is computed here

# A window that opens a document and labels its nodes one after the other, telling each edit before it is made.
CHILD = f"""
import sys, time
from pathlib import Path
from PySide6.QtCore import QTimer
from explorer.session.edits import set_label
from explorer.ui import app

application = app._application()
shell = app.Shell(application, {IDLE!r})
shell.window.show()
shell.begin((sys.argv[1],))
document, count = shell.document, 0

def label():
    global count
    count += 1
    print(count, time.time(), flush=True)
    key = document.graph.key(count % len(document.graph))
    document.do("label", set_label(document.edits, key, f"edit {{count}}"))

timer = QTimer(interval=40)
timer.timeout.connect(label)
timer.start()
application.exec()
"""


@pytest.fixture
def saved(tmp_path: Path) -> tuple[Path, Graph, Edits]:
    """A document on disk with one pinned node."""
    graph = random_graph(60, 400, n_layers=4)
    edits = edit.pin(Edits(), [graph.key(0)])
    path = tmp_path / "story.circuit"
    circuit_file.save(path, graph, edits)
    return path, graph, edits


@pytest.fixture
def shell(qtbot, qapp: QApplication) -> Iterator[Shell]:
    made = Shell(qapp, IDLE)
    made.window.show()
    yield made
    made.close()
    made.deleteLater()


def killed(document: Path, seconds: float) -> tuple[int, list[float]]:
    """Let a window edit ``document`` for ``seconds``, kill it; how many edits it made and when each."""
    command = [sys.executable, "-c", CHILD, str(document)]
    variables = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, env=variables, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        lines = [child.stdout.readline()]
        begun = time.monotonic()
        while time.monotonic() - begun < seconds:
            lines.append(child.stdout.readline())
        os.kill(child.pid, signal.SIGKILL)
        lines += child.stdout.readlines()
    made = [line.split() for line in lines if line.endswith("\n")]
    assert made, "the window made no edit"
    return len(made), [float(when) for _, when in made]


@pytest.mark.parametrize("turn", [0, *(pytest.param(turn, marks=pytest.mark.slow) for turn in range(1, 6))])
def test_killing_the_window_loses_five_seconds_of_edits_at_most(
    qtbot, shell: Shell, saved: tuple[Path, Graph, Edits], turn: int
) -> None:
    path, graph, before = saved
    made, moments = killed(path, random.Random(turn).uniform(2.5, 4.5 if turn == 0 else 9.0))
    shell.autosave.offer()
    welcome = shell.window.welcome
    assert welcome.recovery.isVisible()
    assert "“story.circuit” was not closed properly." in welcome.recovery_words.text()
    (found,) = recoverable()
    kept = _edit_number(shell, qtbot)
    assert moments[-1] - moments[kept - 1] <= LOST_AT_MOST, f"{made - kept} of {made} edits were lost"

    document = shell.document
    assert document.path == path
    assert document.graph.token_ids.tolist() == graph.token_ids.tolist()
    assert np.array_equal(document.graph.rows.weight, graph.rows.weight)
    assert document.edits.pinned == before.pinned
    assert not document.is_saved
    assert shell.window.in_workspace
    qtbot.waitUntil(lambda: not found.folder.exists(), timeout=WAIT)
    qtbot.waitUntil(lambda: not welcome.recovery.isVisibleTo(welcome), timeout=WAIT)
    document.undo()
    assert document.edits == before
    assert document.is_saved


def _edit_number(shell: Shell, qtbot) -> int:
    """Click on Restore; the number of the last edit that came back."""
    qtbot.mouseClick(shell.window.welcome.restore, Qt.MouseButton.LeftButton)
    return max(int(label.text.split()[1]) for label in shell.document.edits.labels.values())


def edited(shell: Shell, graph: Graph, path: Path | None = None) -> None:
    shell.document.open_graph(graph, None, path)
    shell.document.do("pin", edit.pin(shell.document.edits, [graph.key(1)]))


def journals() -> list[Path]:
    return sorted(journals_path().iterdir()) if journals_path().is_dir() else []


def written() -> list[Path]:
    """The journals that hold edits."""
    return [folder for folder in journals() if (folder / "edits.jsonl").exists()]


def left(document: str) -> Path:
    """The journal that a window of another process left when it was killed."""
    journal = Journal(random_graph(20, 60), None, Path(document))
    journal.note(Edits(note=document))
    journal._close_file()
    (journal.folder / "lock.json").write_text(json.dumps({"pid": 0, "document": document}))
    return journal.folder


def test_edits_are_on_disk_within_two_seconds_and_offered_after_closing(qtbot, qapp: QApplication) -> None:
    shell = Shell(qapp, IDLE)
    edited(shell, random_graph(20, 60))
    begun = time.monotonic()
    qtbot.waitUntil(lambda: bool(written()), timeout=WAIT)
    assert time.monotonic() - begun < LOST_AT_MOST
    edits = shell.document.edits
    shell.close()
    shell.deleteLater()
    (left,) = recoverable()
    assert not left.crashed
    assert restore(left)[2] == edits


def test_thresholds_alone_are_not_offered_after_closing(qtbot, qapp: QApplication) -> None:
    shell = Shell(qapp, IDLE)
    shell.document.open_graph(random_graph(20, 60))
    shell.document.do("prune", edit.set_thresholds(shell.document.edits, node=0.5))
    shell.close()
    shell.deleteLater()
    assert recoverable() == []


def test_another_document_leaves_the_unsaved_one_to_be_restored(qtbot, shell: Shell) -> None:
    edited(shell, random_graph(20, 60))
    edits = shell.document.edits
    shell.document.open_graph(random_graph(30, 90, seed=1))
    qtbot.waitUntil(lambda: len(recoverable()) == 1, timeout=WAIT)
    assert restore(recoverable()[0])[2] == edits


def test_what_was_left_is_offered_on_the_welcome_page_at_once_as_the_banner_says(qtbot, shell: Shell) -> None:
    edited(shell, random_graph(20, 60))
    edits = shell.document.edits
    shell.document.open_graph(random_graph(30, 90, seed=1))
    shell.window.show_welcome()
    qtbot.waitUntil(shell.window.welcome.restore.isVisible, timeout=WAIT)
    qtbot.mouseClick(shell.window.welcome.restore, Qt.MouseButton.LeftButton)
    assert shell.document.edits == edits


def test_without_unsaved_edits_there_is_no_journal(qtbot, shell: Shell, tmp_path: Path) -> None:
    graph = random_graph(20, 60)
    shell.document.open_graph(graph)
    shell.autosave.note()
    shell.document.do("pin", edit.pin(shell.document.edits, [graph.key(1)]))
    shell.autosave.note()
    qtbot.waitUntil(lambda: len(written()) == 1, timeout=WAIT)
    shell.document.saved_as(tmp_path / "story.circuit")
    shell.autosave.note()
    qtbot.waitUntil(lambda: journals() == [], timeout=WAIT)


def test_a_graph_computed_anew_gets_a_journal_of_its_own(qtbot, shell: Shell) -> None:
    edited(shell, random_graph(20, 60))
    shell.autosave.note()
    qtbot.waitUntil(lambda: len(written()) == 1, timeout=WAIT)
    (first,) = written()
    shell.document.replace_graph(random_graph(30, 90, seed=1))
    shell.autosave.note()
    qtbot.waitUntil(lambda: len(written()) == 1 and journals() == written() != [first], timeout=WAIT)
    graph, _ = circuit_file.open_circuit(journals()[0] / "base.circuit")
    assert len(graph) == len(shell.document.graph)


def test_what_cannot_be_written_is_said_once_it_fails_and_no_longer_when_it_works(
    qtbot, shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Journal, edits: Edits) -> None:
        raise SaveError("“journals” could not be written: the disk is full.")

    edited(shell, random_graph(20, 60))
    with monkeypatch.context() as patched:
        patched.setattr(Journal, "note", refuse)
        shell.autosave.note()
        qtbot.waitUntil(lambda: shell.window.banner.present is not None, timeout=WAIT)
    assert "the disk is full" in shell.window.banner.present.text
    shell.autosave.note()
    qtbot.waitUntil(lambda: shell.window.banner.present is None, timeout=WAIT)


def test_discarding_shows_the_next_and_removes_for_good(qtbot, shell: Shell) -> None:
    for name in ("first", "second"):
        left(f"{name}.circuit")
    welcome = shell.window.welcome
    shell.autosave.offer()
    assert "“second.circuit”" in welcome.recovery_words.text()
    qtbot.mouseClick(welcome.discard, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: "“first.circuit”" in welcome.recovery_words.text(), timeout=WAIT)
    qtbot.mouseClick(welcome.discard, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: journals() == [], timeout=WAIT)
    qtbot.waitUntil(lambda: not welcome.recovery.isVisible(), timeout=WAIT)


def test_a_damaged_journal_is_one_sentence(qtbot, shell: Shell) -> None:
    folder = left("story.circuit")
    shell.autosave.offer()
    (folder / "base.circuit").write_bytes(b"no document")
    qtbot.mouseClick(shell.window.welcome.restore, Qt.MouseButton.LeftButton)
    assert shell.window.banner.present is not None
    assert shell.document.graph is None
    assert folder.exists()

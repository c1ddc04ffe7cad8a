"""Edits that were never saved are offered again after a crash, and only then."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from explorer.errors import SaveError
from explorer.io import journal
from explorer.io.circuit_file import open_circuit
from explorer.io.journal import Journal, discard, journals_path, recoverable, restore
from explorer.session.edits import Edits, set_note
from tests.io.graphs import random_graph, same_graph

ROOT = Path(__file__).parents[2]


def _state(number: int) -> Edits:
    return set_note(Edits(), None, f"state {number}")


def _crashed(change: Callable[[Journal], object] = lambda _: None) -> Path:
    """The folder of a journal with three states, whose process is gone."""
    writer = Journal(random_graph(), Edits(), Path("/a/b.circuit"))
    for number in (1, 2, 3):
        writer.note(_state(number))
    change(writer)
    writer._close_file()
    lock = json.loads((writer.folder / "lock.json").read_text())
    (writer.folder / "lock.json").write_text(json.dumps({**lock, "started": "long ago"}))
    return writer.folder


def test_the_last_state_is_offered_and_restored() -> None:
    folder = _crashed()
    (found,) = recoverable()
    assert (found.folder, found.document, found.n_edits) == (folder, "/a/b.circuit", 3)
    graph, _, edits = restore(found)
    assert same_graph(graph, random_graph())
    assert edits == _state(3)
    discard(found)
    assert recoverable() == []
    assert not folder.exists()


def test_a_killed_process_loses_nothing_that_was_noted() -> None:
    code = (
        "import os, signal\n"
        "from explorer.io.journal import Journal\n"
        "from tests.io.graphs import random_graph\n"
        "from tests.io.test_journal import _state\n"
        "writer = Journal(random_graph(), None)\n"
        "writer.note(_state(1)); writer.note(_state(2))\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, timeout=60).returncode == -9
    (found,) = recoverable()
    assert (found.document, found.n_edits) == ("", 2)
    assert restore(found)[2] == _state(2)


def test_a_running_program_keeps_its_journal() -> None:
    writer = Journal(random_graph(), Edits())
    writer.note(_state(1))
    assert recoverable() == []
    assert writer.folder.is_dir()
    writer.close()


def test_closing_in_order_leaves_nothing() -> None:
    writer = Journal(random_graph(), Edits())
    writer.note(_state(1))
    writer.close()
    assert list(journals_path().iterdir()) == []


def test_a_journal_without_edits_is_not_offered() -> None:
    writer = Journal(random_graph(), Edits())
    writer.note(Edits())
    (writer.folder / "lock.json").write_text('{"pid": 0}')
    assert recoverable() == []
    assert not writer.folder.exists()


def test_a_restored_document_is_offered_again_after_a_second_crash() -> None:
    _crashed()
    (found,) = recoverable()
    graph, _, edits = restore(found)
    again = Journal(graph, None, Path(found.document))
    again.note(edits)
    discard(found)
    again._close_file()
    (again.folder / "lock.json").write_text('{"pid": 0}')
    (second,) = recoverable()
    assert restore(second)[2] == edits


def test_saving_begins_anew(tmp_path: Path) -> None:
    folder = _crashed(lambda writer: writer.saved(tmp_path / "c.circuit", random_graph(1), _state(3)))
    graph, edits = open_circuit(folder / "base.circuit")
    assert same_graph(graph, random_graph(1))
    assert edits == _state(3)
    assert recoverable() == []


def test_edits_after_saving_count_from_there(tmp_path: Path) -> None:
    def go_on(writer: Journal) -> None:
        writer.saved(tmp_path / "c.circuit", random_graph(), _state(3))
        writer.note(_state(4))

    _crashed(go_on)
    (found,) = recoverable()
    assert (found.document, found.n_edits) == (str(tmp_path / "c.circuit"), 1)
    assert restore(found)[2] == _state(4)


def test_a_line_cut_short_is_ignored() -> None:
    folder = _crashed()
    lines = (folder / "edits.jsonl").read_bytes()
    (folder / "edits.jsonl").write_bytes(lines[:-20])
    (found,) = recoverable()
    assert restore(found)[2] == _state(2)


def test_a_journal_does_not_grow_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "_MANY", 2_000)

    def many(writer: Journal) -> None:
        for number in range(4, 100):
            writer.note(_state(number))

    folder = _crashed(many)
    assert (folder / "edits.jsonl").stat().st_size < 4_000
    (found,) = recoverable()
    assert found.n_edits == 99
    assert restore(found)[2] == _state(99)


def test_a_folder_that_is_just_being_made_is_left_alone() -> None:
    making = journals_path() / ".x.tmp"
    making.mkdir(parents=True)
    assert recoverable() == []
    assert making.exists()
    os.utime(making, (0, 0))
    assert recoverable() == []
    assert not making.exists()


def test_a_data_folder_that_cannot_be_written_says_why() -> None:
    journals_path().parent.mkdir(parents=True)
    journals_path().touch()
    with pytest.raises(SaveError, match="could not be saved"):
        Journal(random_graph(), Edits())

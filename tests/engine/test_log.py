from __future__ import annotations

from pathlib import Path

from explorer.engine.log import MAX_BYTES, TAIL, default_log, log_tail, open_log


def write(path: Path, text: bytes) -> int:
    log = open_log(path)
    assert log is not None
    with log:
        start = log.tell()
        log.write(text)
    return start


def test_the_folder_is_made_and_later_engines_append(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "engine.log"
    assert [write(path, b"one\n"), write(path, b"two\n")] == [0, 4]
    assert path.read_bytes() == b"one\ntwo\n"


def test_a_long_log_makes_room_at_the_next_start(tmp_path: Path) -> None:
    path = tmp_path / "engine.log"
    for _ in range(3):
        write(path, b"x" * (MAX_BYTES + 1))
    write(path, b"new")
    assert path.read_bytes() == b"new"
    assert {each.name for each in tmp_path.iterdir()} == {"engine.log", "engine.log.1"}


def test_the_tail_is_of_this_engine_and_short(tmp_path: Path) -> None:
    path = tmp_path / "engine.log"
    write(path, b"before\n")
    start = write(path, b"a line\n" * TAIL + b"last \xff words")
    tail = log_tail(path, start)
    assert len(tail) == TAIL
    assert tail.endswith("last � words")
    assert log_tail(path, path.stat().st_size) == ""


def test_a_log_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    assert open_log(tmp_path / "file" / "engine.log") is None
    assert log_tail(tmp_path / "file" / "engine.log", 0) == ""


def test_the_default_lies_in_the_users_own_folder() -> None:
    assert default_log().is_relative_to(Path.home())

"""The line of progress."""

from __future__ import annotations

import pytest

from explorer.cli import say
from explorer.cli.say import ProgressLine
from explorer.work import Progress


def test_a_line_tells_the_share_and_the_time_left_though_its_text_changes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = iter([0.0, 10.0, 20.0, 40.0])
    monkeypatch.setattr(say.time, "monotonic", lambda: next(clock))
    line = ProgressLine()
    line(Progress(0, 0, "Running the prompt"))
    line(Progress(0, 1000, "Tracing, 0 so far"))
    line(Progress(250, 1000, "Tracing, 7 so far", lambda: pytest.fail("asked for a part of the graph")))
    line.close()
    said = capsys.readouterr().err.splitlines()
    assert said == ["Running the prompt", "Tracing, 0 so far: 0 %", "Tracing, 7 so far: 25 %, 60 s left"]

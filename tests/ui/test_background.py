"""Work on a thread that outlives the window which asked for it."""

from __future__ import annotations

import threading

import pytest
from pytestqt.qtbot import QtBot
from shiboken6 import delete

from explorer.ui.background import Background
from explorer.work import Progress, Work


@pytest.mark.parametrize("n_steps", [0, 1])
def test_work_whose_window_is_gone_ends_without_a_word(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, n_steps: int
) -> None:
    raised: list[object] = []
    monkeypatch.setattr(threading, "excepthook", raised.append)
    goes_on = threading.Event()

    def work() -> Work[None]:
        goes_on.wait(10)
        for _ in range(n_steps):
            yield Progress(0, 0, "A step")

    background = Background("left alone")
    background.start(lambda pause: work())
    (thread,) = [each for each in threading.enumerate() if each.name == "left alone"]
    delete(background)
    goes_on.set()
    thread.join(10)
    assert not thread.is_alive()
    assert raised == []

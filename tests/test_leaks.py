"""The leak check itself: what it must report, and what it must let pass."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest
from PySide6.QtCore import QThread, QTimer
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from tests import leaks
from tests.leaks import Leaks, QtLeaks


@pytest.fixture(autouse=True)
def short_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leaks, "GRACE", 0.1)


def test_a_running_thread_is_a_leak() -> None:
    watched, end = Leaks(), threading.Event()
    thread = threading.Thread(target=end.wait, name="forgotten")
    thread.start()
    assert watched.close() == ["thread forgotten"]
    end.set()
    thread.join()
    assert watched.close() == []


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_a_running_process_is_a_leak() -> None:
    watched = Leaks()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        assert [str(process.pid) in leak for leak in watched.close()] == [True]
        process.communicate(b"\n")
    assert watched.close() == []


def test_an_open_window_is_a_leak_and_a_closed_one_is_not(qapp: QApplication) -> None:
    watched = QtLeaks()
    window = QWidget(objectName="forgotten")
    assert watched.close() == ["window QWidget forgotten"]
    window.deleteLater()
    assert watched.close() == []


def test_an_active_timer_is_a_leak_and_a_stopped_one_is_not(qapp: QApplication) -> None:
    watched = QtLeaks()
    timer = QTimer(objectName="forgotten")
    timer.start(10_000)
    assert watched.close() == ["running QTimer forgotten"]
    timer.stop()
    assert watched.close() == []


def test_a_running_qthread_is_a_leak(qtbot: QtBot) -> None:
    watched = QtLeaks()
    thread = QThread(objectName="forgotten")
    with qtbot.waitSignal(thread.started):
        thread.start()
    assert watched.close() == ["running QThread forgotten"]
    thread.quit()
    assert thread.wait(2000)
    assert watched.close() == []


def test_start_is_as_before_afterwards(qapp: QApplication) -> None:
    before = QTimer.start
    QtLeaks().close()
    assert QTimer.start is before

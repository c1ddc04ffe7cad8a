"""The real program with a hand on mouse and keyboard, for benchmarks.window.

python -m benchmarks.window_drive START MODE ... prints one JSON object: moments in seconds since START (a time of
time.monotonic) and worst gaps of the event loop in milliseconds.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

from PySide6.QtCore import QEvent, QEventLoop, QObject, Qt, QTimer
from PySide6.QtTest import QTest

from explorer.cli import run_command
from explorer.ui import app

SECOND_PROMPT = "Fact: the capital of the state containing Seattle is"
N_CANCELS = 5


class Gaps(QObject):
    """The longest time between two ticks of a 5 ms timer, by phase."""

    def __init__(self) -> None:
        super().__init__()
        self.worst: dict[str, float] = {}
        self._phase = ""
        self._last = 0.0
        self._timer = QTimer(self, interval=5, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)
        self._timer.start()

    def phase(self, name: str) -> None:
        self._tick()
        self._phase = name

    def _tick(self) -> None:
        now = time.perf_counter()
        if self._phase:
            self.worst[self._phase] = max(self.worst.get(self._phase, 0.0), 1000 * (now - self._last))
        self._last = now


class Driven(app.Shell):
    """The program's own objects; notes when the window was first painted, then drives it."""

    def __init__(self, application: Any, engine: str = "") -> None:
        super().__init__(application, engine)
        self._application = application
        self.moments: dict[str, float] = {}
        self.cancels: list[float] = []
        self.gaps = Gaps()
        self.window.installEventFilter(self)
        self.engine.state_changed.connect(self._state)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Paint:
            self.window.removeEventFilter(self)
            QTimer.singleShot(0, self, self._painted)
        return False

    def mark(self, name: str) -> None:
        self.moments.setdefault(name, time.monotonic() - START)

    def _painted(self) -> None:
        self.mark("paint")
        self.gaps.phase("import")
        QTimer.singleShot(0, self, getattr(self, MODE))

    def _state(self, state: str) -> None:
        if state == "ready":
            self.mark("ready")

    # what is driven

    def paint(self) -> None:
        self._end()

    def cold(self) -> None:
        """The sample, clicked as soon as the window is there."""
        self._click_sample()
        self._end()

    def warm(self) -> None:
        """The sample and another prompt, once the engine is ready."""
        if self.engine.state != "ready":
            wait(self.engine.state_changed)
        self.gaps.phase("sample")
        self.mark("click")
        self._click_sample()
        self.gaps.phase("typing")
        edit = self.window.prompt.edit
        edit.selectAll()
        QTest.keyClicks(edit, SECOND_PROMPT)
        QTimer.singleShot(600, pause.quit)
        pause.exec()
        self.gaps.phase("prompt")
        self.mark("typed")
        QTest.keyClick(edit, Qt.Key.Key_Return)
        self._drawn()
        self.mark("prompt")
        self.gaps.phase("")
        self._end()

    def large(self) -> None:
        """A larger model: a graph of it, then runs that are cancelled at different moments."""
        if self.engine.state != "ready":
            wait(self.engine.state_changed)
        model, transcoders, *tokens = sys.argv[3:]
        self.gaps.phase("open")
        self.window.open_model(model, transcoders)
        wait(self.document.model_changed)
        ids = [int(token) for token in tokens]
        for turn in range(N_CANCELS):
            self.gaps.phase("cancelled run")
            self.engine.attribute_tokens(ids)
            wait(self.engine.progress)
            QTimer.singleShot(60 * turn, pause.quit)
            pause.exec()
            begun = time.perf_counter()
            self.engine.cancel()
            wait(self.engine.job_cancelled, self.engine.job_finished)
            self.cancels.append(1000 * (time.perf_counter() - begun))
        self.gaps.phase("large run")
        self.mark("large click")
        self.engine.attribute_tokens(ids)
        wait(self.document.prompt_changed, self.engine.progress)
        self.gaps.phase("large computing")
        self._watch_arrival()
        self.mark("large")
        self._end()

    def _watch_arrival(self) -> None:
        """Split the phases where the graph arrives: up to there the engine computes, after that the window works."""
        self.document.graph_changed.connect(self._arrived)
        self._drawn()

    def _arrived(self) -> None:
        self.gaps._phase = "large arrival"

    def _click_sample(self) -> None:
        QTest.mouseClick(self.window.welcome.sample_cards[0], Qt.MouseButton.LeftButton)
        self._drawn()
        self.mark("graph")

    def _drawn(self) -> None:
        wait(self.document.graph_changed)
        while not self.canvas.is_settled:
            wait(self.canvas.settled)

    def _end(self) -> None:
        graph = self.document.graph
        size = None if graph is None else (len(graph), graph.n_edges)
        heavy = [name for name in ("torch", "transformers") if name in sys.modules]
        told = {"moments": self.moments, "gaps": self.gaps.worst, "cancels": self.cancels, "size": size, "heavy": heavy}
        print(json.dumps(told), flush=True)
        self.window.close()


def wait(*signals: Any) -> None:
    """Let the event loop run until one of ``signals`` comes."""
    loop = QEventLoop()
    for signal in signals:
        signal.connect(loop.quit)
    loop.exec()
    for signal in signals:
        signal.disconnect(loop.quit)


if __name__ == "__main__":
    START, MODE = float(sys.argv[1]), sys.argv[2]
    pause = QEventLoop()
    app.Shell = Driven  # type: ignore[misc]
    sys.exit(run_command(["open"]))

"""From a slider to its painted output in the dock Intervene, and from Stop to an idle engine, on the sample.

Run from the repository root: python -m benchmarks.slider [--steps 200]
The real window runs off screen with its real engine; settings go to an empty folder. A step is a mouse move on the
slider of the sample's strongest feature; it is over when the table is painted with what the model answers to exactly
that value (in mode direct also with what two answers say of it, which is there first).
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable

import numpy as np
from PySide6.QtCore import QEventLoop, QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from explorer.circuits.graph import NodeKind
from explorer.ui.app import Shell, _application
from explorer.ui.panels.intervene import IntervenePanel

LIMIT_MS, IDLE_MS, PATIENCE = 50, 200, 120.0
N_STOPS, N_TOKENS = 10, 400


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--steps", type=int, default=200)
    steps = arguments.parse_args().steps
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f} at the start")
    with tempfile.TemporaryDirectory() as home:
        os.environ.update({f"XDG_{name}_HOME": f"{home}/{name}" for name in ("CONFIG", "DATA", "STATE", "CACHE")})
        shell = Shell(_application())
        shell.window.show()
        shell.begin(())
        until(lambda: shell.engine.state == "ready")
        measure(shell, steps)
        shell.close()
    print(f"load {os.getloadavg()[0]:.1f} at the end")


def measure(shell: Shell, steps: int) -> None:
    window = shell.window
    window.files.open_sample("us-cities")
    until(lambda: window.document.graph is not None and shell.canvas.is_settled and not shell.engine.job)
    graph, view = window.document.graph, window.document.view
    assert graph is not None
    assert view is not None
    features = np.flatnonzero(view.shown & (graph.nodes.kind == NodeKind.FEATURE))
    window.document.select([int(features[view.influence[features].argmax()])])
    window.actions_set.by_id["add_selected"].trigger()
    dock = window.intervene
    for mode in ("direct", "iterative", "free"):
        dock.edits.set_mode(mode)
        rest(dock)
        tell(f"slider to painted output, mode {mode}", drag(dock, steps), LIMIT_MS)
        rest(dock)
    tell("Stop to an idle engine", [stop(dock) for _ in range(N_STOPS)], IDLE_MS)


def drag(dock: IntervenePanel, steps: int) -> list[float]:
    """Milliseconds of each of ``steps`` mouse moves from one end of the slider to the other and back."""
    slider, table, taken = dock.rows.rows[0].slider, dock.answer.table, []
    middle, width = slider.height() // 2, slider.width()
    painted: list[object] = []
    table.painted.connect(lambda: painted.append(dock.intervening.outcome))
    QTest.mousePress(slider, Qt.MouseButton.LeftButton, Qt.KeyboardModifier(0), QPoint(6, middle))
    for at in range(steps):
        part = 1 - abs(1 - 2 * (at + 1) / steps)
        before, began = dock.intervening.made, time.perf_counter()
        QTest.mouseMove(slider, QPoint(6 + round(part * (width - 12)), middle), 0)
        made = dock.intervening.made
        if made == before:
            continue
        painted.clear()
        until(lambda made=made: any(one is not None and one.made == made for one in painted), pause=0)
        taken.append(1000 * (time.perf_counter() - began))
    QTest.mouseRelease(slider, Qt.MouseButton.LeftButton, Qt.KeyboardModifier(0), QPoint(6, middle))
    return taken


def stop(dock: IntervenePanel) -> float:
    """Milliseconds from Stop to an idle engine, while a long text is being made."""
    dock.continuing.set_sampling(n=N_TOKENS, seed=dock.continuing.sampling.seed + 1)
    until(lambda: dock.continuing.said["without"] is not None)
    began = time.perf_counter()
    dock.continuing.stop()
    until(lambda: not dock.continuing.is_busy, pause=0)
    return 1000 * (time.perf_counter() - began)


def rest(dock: IntervenePanel) -> None:
    """Wait until everything is measured that is asked by itself."""
    QTest.qWait(400)
    until(lambda: not dock.intervening.is_busy and dock.intervening.n_pending == 0 and not dock.continuing.is_busy)


def until(done: Callable[[], bool], pause: int = 5) -> None:
    end = time.monotonic() + PATIENCE
    while not done():
        if time.monotonic() > end:
            raise SystemExit("The window did not come to rest within two minutes.")
        if pause:
            QTest.qWait(pause)
        else:
            QApplication.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents)  # and leaves the engine its time


def tell(name: str, taken: list[float], limit: int) -> None:
    middle, late = np.percentile(taken, [50, 95])
    print(f"{name:44} median {middle:5.1f} ms, p95 {late:5.1f} ms, worst {max(taken):5.1f} ms  limit {limit} ms")


if __name__ == "__main__":
    main()
    for widget in QApplication.topLevelWidgets():
        QWidget.deleteLater(widget)
    sys.exit(0)

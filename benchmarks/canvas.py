"""CPU time of the window's thread for one gesture on the canvas: median and p99 in milliseconds.

Run from the repository root: python -m benchmarks.canvas [--large] [--all-links]
Drawing is in software, off screen. A gesture includes the painting that follows it; the links' picture is
painted by another thread, whose time is not in these figures.
"""

from __future__ import annotations

import os

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import argparse
import time
from collections.abc import Callable

import numpy as np
from PySide6.QtCore import QPointF
from PySide6.QtWidgets import QApplication

from explorer.session.edits import draw_links, set_thresholds
from explorer.session.theme import LIGHT
from explorer.ui.canvas import GraphCanvas
from explorer.ui.document import Document
from explorer.ui.theme import apply, load_fonts
from tests.graphs import random_graph

SIZES = {
    "500/5k": (280, 5_000, 12, 16),
    "2k/50k": (1_700, 50_000, 20, 16),
    "8k/500k": (6_900, 500_000, 40, 26),
}
LARGE = {"8k/2M": (6_900, 2_000_000, 40, 26)}
ROUNDS = 120
STRONGEST, TURNS = 3_000, 12  # links.FIRST
WIDTH, HEIGHT = 848, 556


class Bench:
    """One canvas with one graph and everything shown."""

    def __init__(self, size: tuple[int, int, int, int], every_link: bool) -> None:
        self.graph = random_graph(*size)
        self.document = Document()
        self.canvas = GraphCanvas(self.document, LIGHT)
        self.canvas.resize(WIDTH, HEIGHT)
        self.canvas.show()
        self.rng = np.random.default_rng(1)
        start = time.perf_counter()
        self.document.open_graph(self.graph)
        self.document.do("show all", set_thresholds(self.document.edits, 1.0, 1.0))
        if every_link:
            self.document.do("draw all", draw_links(self.document.edits, self.graph.n_edges))
        self.settle()
        self.first_picture = time.perf_counter() - start
        degree = np.bincount(self.graph.edge_target, minlength=len(self.graph))
        degree += np.bincount(self.graph.rows.source, minlength=len(self.graph))
        self.hubs = np.argsort(-degree)[:20].tolist()

    def settle(self) -> None:
        while not self.canvas.is_settled:
            QApplication.processEvents()
            time.sleep(0.005)

    def measure(self, gesture: Callable[[int], None], rounds: int = ROUNDS) -> tuple[float, float]:
        taken = []
        for turn in range(rounds):
            start = time.thread_time()
            gesture(turn)
            self.canvas.repaint()
            taken.append(1_000 * (time.thread_time() - start))
            QApplication.processEvents()
        return float(np.median(taken)), float(np.percentile(taken, 99))

    def stand(self, drawn: int) -> tuple[float, float]:
        """Milliseconds by the clock until the first picture, of STRONGEST links, stands after another edge threshold.

        Median and worst, with all of the graph in view.
        """
        self.canvas.fit()
        resting = self.canvas._stage._resting
        self.document.select(())
        self.document.do("draw", draw_links(self.document.edits, drawn))
        taken = []
        for turn in range(TURNS):
            self.settle()
            start = time.perf_counter()
            self.document.do("prune", set_thresholds(self.document.edits, 1.0, 0.9 + 0.09 * (turn % 2)), merge=True)
            while resting.shown is None or resting.shown.number != resting._number:
                QApplication.processEvents()
                time.sleep(0.001)
            self.canvas.repaint()
            taken.append(1_000 * (time.perf_counter() - start))
        return float(np.median(taken)), max(taken)

    def pan(self, turn: int) -> None:
        self.canvas.pan(6 if turn % 40 < 20 else -6, 3 if turn % 20 < 10 else -3)

    def zoom(self, turn: int) -> None:
        self.canvas.zoom(1.1 if turn % 30 < 15 else 1 / 1.1, QPointF(500, 250))

    def hover(self, turn: int) -> None:
        x, y = self.rng.uniform(80, WIDTH - 10), self.rng.uniform(40, HEIGHT - 100)
        self.document.hover(self.canvas.node_at(QPointF(x, y)))

    def select(self, turn: int) -> None:
        node = self.hubs[turn // 2 % 20] if turn % 2 else int(self.rng.integers(len(self.graph)))
        self.document.select((node,))

    def prune(self, turn: int) -> None:
        threshold = 0.5 + 0.4 * abs(turn % 20 - 10) / 10
        self.document.do("prune", set_thresholds(self.document.edits, threshold, 0.98), merge=True)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--large", action="store_true", help="8k/2M as well (some minutes)")
    arguments.add_argument("--all-links", action="store_true", help="draw all links, not the 260 strongest")
    options = arguments.parse_args()
    application = QApplication([])
    load_fonts()
    apply(application, LIGHT)
    print(f"{'graph':9} {'nodes':>6} {'edges':>9} {'gesture':9} {'median':>8} {'p99':>8}  ms of CPU")
    for name, size in {**SIZES, **(LARGE if options.large else {})}.items():
        bench = Bench(size, options.all_links)
        bench.settle()
        gestures = [("hover", bench.hover), ("select", bench.select), ("pan lit", bench.pan)]
        bench.document.select(())
        bench.canvas.zoom(2.0)
        gestures = [("pan", bench.pan), ("zoom", bench.zoom), *gestures, ("prune", bench.prune)]
        for label, gesture in gestures:
            if label == "hover":
                bench.canvas.fit()
            if label == "pan lit":
                bench.document.select((bench.hubs[0],))
                bench.canvas.zoom(2.0)
            bench.settle()
            median, p99 = bench.measure(gesture, 40 if label == "prune" else ROUNDS)
            head = f"{name:9} {len(bench.graph):6} {bench.graph.n_edges:9}"
            print(f"{head} {label:9} {median:8.2f} {p99:8.2f}", flush=True)
        for drawn in (STRONGEST, bench.graph.n_edges):
            median, worst = bench.stand(drawn)
            print(f"{name:9} of {drawn:,} links {STRONGEST:,} stand {median:.0f} ms (worst {worst:.0f})")
        print(f"{name:9} first complete picture {1_000 * bench.first_picture:.0f} ms by the clock")
        bench.settle()
        bench.canvas.close()
        bench.canvas.deleteLater()
        QApplication.sendPostedEvents(None, 52)


if __name__ == "__main__":
    main()

"""A comparison: real pictures and tables of two graphs with one selection, and a document that stays as it was."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from threading import Event

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QTableView
from pytestqt.qtbot import QtBot

from explorer.circuits.compare import Status, compare
from explorer.circuits.graph import NodeKind
from explorer.circuits.influence import node_influence
from explorer.io import graphs
from explorer.session.edits import Edits, box_key, pin
from explorer.session.overlay import SAME_BIAS, Compared, compare_views, compared
from explorer.session.settings import Recent, Settings
from explorer.session.theme import DARK, THEMES
from explorer.session.view import GraphView, resolve
from explorer.ui import compare_window
from explorer.ui.canvas import GraphCanvas
from explorer.ui.canvas.curves import lines
from explorer.ui.canvas.describe import card_lines
from explorer.ui.canvas.hues import Hue
from explorer.ui.canvas.scene import strongest as strongest_links
from explorer.ui.canvas.words import _strongest_targets as strongest_targets
from explorer.ui.compare_window import ComparisonWindow
from explorer.ui.comparing import CompareDialog
from explorer.ui.document import Document
from explorer.ui.panels.compare import BESIDE, ONLY_LOOKED_AT, ComparePanel
from explorer.ui.theme import LIGHT, load_fonts
from explorer.ui.widgets.chrome import dress
from explorer.ui.widgets.look import plain
from explorer.ui.window import MainWindow
from explorer.work import run
from tests.graphs import random_graph
from tests.ui.showing import show
from tests.ui.stand_in import StandInEngine
from tests.ui.text_boxes import faults, texts

WAIT = 20_000


def view(seed: int) -> GraphView:
    return resolve(random_graph(40, 300, n_pos=5, n_layers=4, seed=seed), Edits(1.0, 1.0))


@pytest.fixture(scope="module")
def pair() -> Compared:
    a, b = view(1), view(2)
    return compared(a, b, compare(a.graph, b.graph))


@pytest.fixture
def panel(qtbot: QtBot, pair: Compared) -> ComparePanel:
    load_fonts()
    panel = ComparePanel(pair)
    show(qtbot, panel, 1240, 760)
    return panel


@pytest.fixture
def window(qtbot: QtBot) -> Iterator[MainWindow]:
    load_fonts()
    document = Document()
    window = MainWindow(document, StandInEngine(), GraphCanvas(document, LIGHT), Settings(), lambda settings: None)
    show(qtbot, window, 1280, 800)
    document.open_graph(view(1).graph, Edits(1.0, 1.0))
    window.show_workspace()
    yield window
    for comparison in window.findChildren(ComparisonWindow):
        comparison.close()


def strongest(pair: Compared, status: Status) -> int:
    """The feature of that status with the largest influence of all."""
    found = pair.found
    features = pair.overlay.graph.nodes.kind == NodeKind.FEATURE
    held = (found.status == status) & features
    return int(np.argmax(np.where(held, np.maximum(found.influence_a, found.influence_b), -1.0)))


def click_row(table: QTableView, row: int) -> None:
    index = table.model().index(row, 0)
    table.scrollTo(index)
    QTest.mouseClick(
        table.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier(0), table.visualRect(index).center()
    )


def written(table: QTableView, row: int) -> list[str]:
    model = table.model()
    return [str(model.index(row, column).data()) for column in range(model.columnCount())]


def number(text: str) -> float:
    return float("nan") if text == "–" else float(text.replace("−", "-"))


def weight(pair: Compared, side: int, target: int, source: int) -> float:
    """The direct effect between two nodes in one graph's own dense matrix."""
    rows = pair.own_row(side, target), pair.own_row(side, source)
    return float((pair.a, pair.b)[side].graph.adjacency()[rows]) if min(rows) >= 0 else 0.0


def test_the_table_says_what_each_graph_alone_says(panel: ComparePanel, pair: Compared) -> None:
    panel.status.setCurrentIndex(3)
    shares = [node_influence(side.graph) / node_influence(side.graph).sum() for side in (pair.a, pair.b)]
    for at in range(panel.nodes.rows.rowCount()):
        node = panel.nodes.rows.row(at)
        rows = [pair.own_row(side, node) for side in (0, 1)]
        name, _, status, act_a, act_b, act, infl_a, infl_b, infl = written(panel.nodes, at)
        assert (name, status) == (pair.label(node), "in both")
        per_cent = [100 * share[row] for share, row in zip(shares, rows, strict=True)]
        assert [number(infl_a), number(infl_b)] == pytest.approx(per_cent, abs=0.0051)
        assert number(infl) == pytest.approx(per_cent[1] - per_cent[0], abs=0.0051)
        own = [float(side.graph.nodes.activation[row]) for side, row in zip((pair.a, pair.b), rows, strict=True)]
        assert [number(act_a), number(act_b)] == pytest.approx(own, abs=0.0051, nan_ok=True)
        assert number(act) == pytest.approx(own[1] - own[0], abs=0.0051, nan_ok=True)


def test_the_largest_difference_is_first_and_a_header_sorts_anew(panel: ComparePanel, pair: Compared) -> None:
    rows = panel.nodes.rows
    listed = [abs(pair.found.influence[rows.row(at)]) for at in range(rows.rowCount())]
    assert listed == sorted(listed, reverse=True)
    header = panel.nodes.horizontalHeader()
    place = QPoint(header.sectionViewportPosition(6) + 10, 8)
    QTest.mouseClick(header.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier(0), place)
    panel.nodes.sortByColumn(0, Qt.SortOrder.AscendingOrder)
    names = [pair.label(rows.row(at)).casefold() for at in range(rows.rowCount())]
    assert names == sorted(names)
    panel.nodes.sortByColumn(6, Qt.SortOrder.DescendingOrder)
    influence = [pair.found.influence_a[rows.row(at)] for at in range(rows.rowCount())]
    assert influence in (sorted(influence), sorted(influence, reverse=True))
    assert len(set(influence)) > 5


def test_status_and_query_narrow_the_table(panel: ComparePanel, pair: Compared) -> None:
    n_only = int((pair.found.status == Status.ONLY_A).sum())
    panel.status.setCurrentIndex(1)
    assert panel.status.currentText() == f"Only in A: {n_only:,}"
    assert panel.nodes.rows.rowCount() == n_only
    panel.filter.setText("kind:feature layer>=2")
    rows = [panel.nodes.rows.row(at) for at in range(panel.nodes.rows.rowCount())]
    nodes = pair.overlay.graph.nodes
    features = (nodes.kind == NodeKind.FEATURE) & (nodes.layer >= 2)
    assert sorted(rows) == np.flatnonzero((pair.found.status == Status.ONLY_A) & features).tolist()
    panel.filter.setText("layer>=")
    assert panel.filter.property("faulty")
    assert "layer" in panel.words.whole


def test_a_click_in_the_table_selects_on_every_picture(panel: ComparePanel, pair: Compared) -> None:
    click_row(panel.nodes, 3)
    node = panel.nodes.rows.row(3)
    assert [viewed.selection for viewed in panel.viewed] == [(node,)] * 3
    found = pair.found
    links = np.flatnonzero((found.target == node) | (found.source == node))
    rows = panel.links.rows
    assert sorted(rows.row(at) for at in range(rows.rowCount())) == links.tolist()
    for at in range(rows.rowCount()):
        *_, a, b, difference = written(panel.links, at)
        link = rows.row(at)
        own = [weight(pair, side, int(found.target[link]), int(found.source[link])) for side in (0, 1)]
        assert [number(a), number(b)] == pytest.approx(own, abs=0.0051)
        assert number(difference) == pytest.approx(own[1] - own[0], abs=0.0051)


def test_a_click_on_one_side_selects_the_same_node_on_the_other(
    panel: ComparePanel, pair: Compared, qtbot: QtBot
) -> None:
    panel.turn_to(BESIDE)
    qtbot.waitUntil(lambda: all(canvas.is_settled for canvas in panel.beside), timeout=WAIT)
    token = int(pair.overlay.graph.block(NodeKind.EMBEDDING).start) + 2
    place = panel.beside[0].place_of(token)
    assert place == panel.beside[1].place_of(token)
    QTest.mouseClick(panel.beside[0], Qt.MouseButton.LeftButton, Qt.KeyboardModifier(0), place.toPoint())
    assert [viewed.selection for viewed in panel.viewed] == [(token,)] * 3
    assert "is in both" in panel.words.whole
    QTest.mouseMove(panel.beside[1], panel.beside[1].place_of(token).toPoint())
    qtbot.waitUntil(lambda: panel.viewed[2].hovered == token, timeout=WAIT)
    assert panel.viewed[0].hovered == panel.viewed[1].hovered == token


def test_a_link_is_selected_where_it_is_and_told_with_both_weights(panel: ComparePanel, pair: Compared) -> None:
    found = pair.found
    link = int(np.argmax(np.where(found.link_status == Status.ONLY_B, np.abs(found.weight_b), 0)))
    keys = [pair.overlay.graph.key(int(end[link])) for end in (found.target, found.source)]
    boxes = (box_key(keys[0]), box_key(keys[1]))
    panel.viewed[2].select_link(boxes)
    assert [viewed.link for viewed in panel.viewed] == [boxes, None, boxes]
    assert panel.links.rows.row(panel.links.currentIndex().row()) == link
    assert f"weight {plain(found.weight_b[link])}; A does not have it." in panel.words.whole
    panel.viewed[0].select([3])
    assert [viewed.link for viewed in panel.viewed] == [None] * 3
    assert "weight" not in panel.words.whole


def test_a_node_that_the_other_graph_lacks_is_told_and_has_no_mark_there(
    panel: ComparePanel, pair: Compared, qtbot: QtBot
) -> None:
    panel.turn_to(BESIDE)
    qtbot.waitUntil(lambda: all(canvas.is_settled for canvas in panel.beside), timeout=WAIT)
    node = strongest(pair, Status.ONLY_B)
    place = panel.beside[1].place_of(node)
    QTest.mouseClick(panel.beside[1], Qt.MouseButton.LeftButton, Qt.KeyboardModifier(0), place.toPoint())
    assert panel.current == node
    assert panel.words.whole.startswith(pair.label(node))
    assert panel.words.whole.endswith("A does not have it.")
    assert panel.beside[0].node_at(place) != node
    assert not panel.beside[0].rect().contains(panel.beside[0].place_of(node).toPoint())
    assert "not in A" in panel.beside[0].accessibleDescription()


def test_both_sides_show_the_same_part(panel: ComparePanel, pair: Compared, qtbot: QtBot) -> None:
    panel.turn_to(BESIDE)
    left, right = panel.beside
    qtbot.waitUntil(lambda: left.is_settled and right.is_settled, timeout=WAIT)
    left.zoom(2.0)
    right.pan(15.0, 5.0)
    for node in range(0, 40, 7):
        places = [canvas.place_of(node) for canvas in panel.beside]
        there = [canvas.rect().contains(place.toPoint()) for canvas, place in zip(panel.beside, places, strict=True)]
        assert not all(there) or places[0] == places[1]
    panel.fit.click()
    tokens = pair.overlay.graph.block(NodeKind.EMBEDDING)
    assert all(left.place_of(node) == right.place_of(node) for node in range(tokens.start, tokens.stop))


def test_the_pictures_say_whose_a_mark_is_without_its_hue(panel: ComparePanel, pair: Compared, qtbot: QtBot) -> None:
    """Left half for A alone, right half for B alone, the whole for both: read off the painted pixels as grey."""
    canvas = panel.overlaid
    qtbot.waitUntil(lambda: canvas.is_settled, timeout=WAIT)
    picture = canvas.grab().toImage()
    darker = {}
    for status in (Status.ONLY_A, Status.ONLY_B):
        place = canvas.place_of(strongest(pair, status))
        left, right = (picture.pixelColor(round(place.x()) + dx, round(place.y())).lightness() for dx in (-2, 2))
        darker[status] = "left" if left < right else "right"
    assert darker == {Status.ONLY_A: "left", Status.ONLY_B: "right"}
    assert {"only in A", "only in B", "in both"} <= {box.text for box in canvas.text_boxes()}


def test_a_side_draws_the_links_first_that_its_document_draws_first(pair: Compared) -> None:
    for own, side, edges in zip((pair.a, pair.b), pair.sides, (pair.found.edge_a, pair.found.edge_b), strict=True):
        wanted, drawn = strongest_links(own, 40), strongest_links(side, 40)
        np.testing.assert_array_equal(edges[edges >= 0][drawn.edge], wanted.edge)
        np.testing.assert_allclose(drawn.strength, wanted.strength)


def test_the_target_of_each_graph_is_bold(qtbot: QtBot, panel: ComparePanel, pair: Compared) -> None:
    qtbot.waitUntil(lambda: panel.overlaid.is_settled, timeout=WAIT)
    frame = panel.overlaid._stage.frame()
    assert frame is not None
    bold = set(strongest_targets(frame))
    for side, view in enumerate((pair.a, pair.b)):
        target = int(np.argmax(view.graph.target_weight))
        assert any(pair.own_row(side, node) == target for node in bold)


def test_dashes_leave_out_parts_of_a_link() -> None:
    points = np.array([[[0.0, 0.0], [0.0, 1.0], [0.0, 2.0], [0.0, 3.0]]])
    whole, dashed = Hue("#000000").lines(points, 8), Hue("#000000", (1, 1)).lines(points, 8)
    np.testing.assert_array_equal(whole, lines(points, 8))
    np.testing.assert_array_equal(dashed, lines(points, 24)[::2])


def test_the_card_of_a_mark_gives_both_numbers(pair: Compared) -> None:
    node, found = strongest(pair, Status.ONLY_A), pair.found
    said = card_lines(pair.overlay, node, None)
    assert said[2] == "only in A"
    assert f"influence {100 * found.influence_a[node]:.2f} %" in said
    token = int(pair.overlay.graph.block(NodeKind.EMBEDDING).start) + 1
    a, b = 100 * found.influence_a[token], 100 * found.influence_b[token]
    assert card_lines(pair.overlay, token, None)[3].startswith(f"influence {a:.2f} % in A, {b:.2f} % in B (")


def test_tab_walks_from_the_tabs_by_the_pictures_to_the_tables(panel: ComparePanel) -> None:
    panel.tabs.button(0).setFocus()
    seen = []
    for _ in range(9):
        seen.append(QApplication.focusWidget())
        QTest.keyClick(seen[-1], Qt.Key.Key_Tab)
    assert seen[:5] == [panel.tabs.button(0), panel.fit, panel.export, panel.leave, panel.overlaid]
    assert seen[5:] == [panel.status, panel.filter, panel.nodes, panel.links]
    said = panel.nodes.model().index(0, 0).data(Qt.ItemDataRole.AccessibleTextRole)
    assert said.startswith(panel.pair.label(panel.nodes.rows.row(0)))
    assert "B − A" in said


def test_nothing_can_be_edited_in_a_comparison(panel: ComparePanel, pair: Compared) -> None:
    click_row(panel.nodes, 0)
    panel.overlaid.setFocus()
    QTest.keyClick(panel.overlaid, Qt.Key.Key_Space)
    assert panel.words.whole == ONLY_LOOKED_AT
    assert panel.viewed[0].view is pair.overlay


@pytest.fixture(params=[("light", 1.0), ("dark", 1.3)], ids=lambda param: param[0])
def dressed(request: pytest.FixtureRequest, qapp: QApplication) -> Iterator[None]:
    load_fonts()
    name, scale = request.param
    dress(qapp, next(theme for theme in THEMES if theme.name == name), scale)
    yield
    dress(qapp, LIGHT, 1.0)


def test_no_text_is_cut_or_faint(dressed: None, panel: ComparePanel, qtbot: QtBot) -> None:
    for page in (0, BESIDE):
        panel.turn_to(page)
        qtbot.waitUntil(lambda: all(canvas.is_settled for canvas in panel.canvases if canvas.isVisible()), timeout=WAIT)
        assert faults(texts(panel)) == []


def test_the_pictures_follow_the_theme(panel: ComparePanel, qapp: QApplication, qtbot: QtBot) -> None:
    def ground() -> list[int]:
        seen = (canvas for canvas in panel.canvases if canvas.isVisible())
        return [canvas.grab().toImage().pixelColor(60, 4).lightness() for canvas in seen]

    try:
        for theme, is_light in ((DARK, False), (LIGHT, True)):
            dress(qapp, theme, 1.0)
            qtbot.waitUntil(lambda is_light=is_light: all((grey > 128) == is_light for grey in ground()), timeout=WAIT)
    finally:
        dress(qapp, LIGHT, 1.0)


# in the window


def compare_with(window: MainWindow, qtbot: QtBot, other: GraphView | Path) -> ComparisonWindow:
    window.asides.comparing.begin(other)
    found = window.findChildren(ComparisonWindow)[-1]
    qtbot.waitUntil(lambda: not found.work.is_busy, timeout=WAIT)
    return found


def test_a_file_is_compared_and_the_document_stays_as_it_was(
    window: MainWindow, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = view(2)
    graphs.save(tmp_path / "other.circuit", other)
    document = window.document
    document.do("pin", pin(document.edits, [document.graph.key(0)]))
    before = (document.view, document.edits, document.history, document.selection, document.path)
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(tmp_path / "other.circuit"), ""))
    window.actions_set.by_id["compare"].trigger()
    dialog = window.findChild(CompareDialog)
    assert dialog.list.count() == 0
    assert not dialog.compare.isEnabled()
    dialog.file.click()
    comparison = window.findChild(ComparisonWindow)
    qtbot.waitUntil(lambda: comparison.panel is not None, timeout=WAIT)
    found = compare(document.graph, other.graph)
    assert int((comparison.panel.pair.found.status == Status.BOTH).sum()) == int((found.status == Status.BOTH).sum())
    click_row(comparison.panel.nodes, 1)
    QTest.keyClick(comparison, Qt.Key.Key_Escape)
    assert comparison.panel.current is None
    comparison.panel.leave.click()
    assert (document.view, document.edits, document.history, document.selection, document.path) == before


def test_a_graph_that_another_took_the_place_of_can_be_compared_though_no_file_holds_it(
    window: MainWindow, qtbot: QtBot
) -> None:
    first, second = window.document.view, view(2)
    window.document.open_graph(second.graph, Edits(1.0, 1.0))
    rows = [Recent("/x/model", ""), Recent("/x/other.circuit", "", "Oakland"), Recent("/x/graph.json", "")]
    window.settings = Settings(recent=tuple(rows))
    window.asides.comparing.ask()
    dialog = window.findChild(CompareDialog)
    listed = [dialog.list.item(row).text() for row in range(dialog.list.count())]
    assert listed[0].startswith("On screen before: “")
    assert listed[1:] == ["other.circuit · “Oakland”", "graph.json"]
    QTest.keyClick(dialog.list, Qt.Key.Key_Return)
    comparison = window.findChild(ComparisonWindow)
    qtbot.waitUntil(lambda: comparison.panel is not None, timeout=WAIT)
    assert comparison.panel.pair.a is window.document.view
    assert comparison.panel.pair.b.graph is first.graph


def test_a_file_that_is_no_graph_gets_its_sentence(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.json"
    wrong.write_text("[1, 2")
    for path, words in ((wrong, "wrong.json"), (tmp_path / "gone.circuit", "There is no file")):
        comparison = compare_with(window, qtbot, path)
        assert words in comparison.words.text()
        assert comparison.panel is None
        assert comparison.other.isVisible()
        comparison.leave.click()


def test_comparing_can_be_cancelled_and_holds_no_window_up(
    window: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    going, begun = Event(), Event()

    def slow(*arguments: object, **named: object) -> object:
        begun.set()
        going.wait(20)
        return compare_views(*arguments, **named)

    monkeypatch.setattr(compare_window, "compare_views", slow)
    window.asides.comparing.begin(view(2))
    comparison = window.findChild(ComparisonWindow)
    assert begun.wait(20)
    qtbot.waitUntil(lambda: comparison.words.text().startswith("Comparing 300 and 300 links"), timeout=WAIT)
    work = comparison.work
    comparison.leave.click()
    assert not work.is_busy
    going.set()
    qtbot.waitUntil(lambda: not window.findChildren(ComparisonWindow), timeout=WAIT)


def test_bias_nodes_count_in_both_as_they_do_in_a() -> None:
    a, own = view(1), view(2)
    b = resolve(own.graph, Edits(1.0, 1.0, count_bias=True))
    made = run(compare_window.comparing(a, b, lambda: None))
    assert SAME_BIAS in made.found.said
    expected = compare(a.graph, own.graph).influence_b
    np.testing.assert_array_equal(np.sort(made.found.influence_b), np.sort(expected))
    assert not made.b.edits.count_bias

"""Heat maps: cells in the colours of their values, painted by a drag, walked with the keys, with headers to press."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from explorer.session.theme import blend
from explorer.ui import theme as themes
from explorer.ui.widgets.heat_map import HeatMap
from tests.ui.showing import show

VALUES = np.array([[1.0, -0.5, 0.0], [0.25, np.nan, -2.0]])
ROWS, COLUMNS = ("first", "second"), ("a", "b", "c")
SIDE = 300


@pytest.fixture
def heat_map(qtbot: QtBot) -> Iterator[HeatMap]:
    application = QApplication.instance()
    assert isinstance(application, QApplication)
    themes.apply(application, themes.LIGHT)
    made = HeatMap("Numbers")
    made.show_values(VALUES, ROWS, COLUMNS)
    show(qtbot, made, SIDE, SIDE)
    yield made
    themes.apply(application, themes.LIGHT)


def middle(heat_map: HeatMap, row: int, column: int) -> QPoint:
    return heat_map.cell(row, column).center().toPoint()


def colour(heat_map: HeatMap, row: int, column: int) -> QColor:
    return heat_map.grab().toImage().pixelColor(middle(heat_map, row, column))


def crosses(heat_map: HeatMap, row: int, column: int) -> list[tuple[int, int]]:
    """The points inside of a cell that have the colour of a cross."""
    image, cell = heat_map.grab().toImage(), heat_map.cell(row, column).toRect().adjusted(1, 1, -2, -2)
    places = [(x, y) for y in range(cell.top(), cell.bottom() + 1) for x in range(cell.left(), cell.right() + 1)]
    return [(x, y) for x, y in places if is_close(image.pixelColor(x, y), themes.LIGHT.danger)]


def heard(heat_map: HeatMap, name: str) -> list[tuple[int, ...]]:
    """What a signal tells from now on."""
    told: list[tuple[int, ...]] = []
    getattr(heat_map, name).connect(lambda *cell: told.append(cell))
    return told


def is_close(found: QColor, wanted: str) -> bool:
    """The same colour, up to a rounding of each channel."""
    other = QColor(wanted)
    return all(abs(a - b) <= 1 for a, b in zip(found.getRgb()[:3], other.getRgb()[:3], strict=True))


@pytest.mark.parametrize("theme", [themes.LIGHT, themes.DARK], ids=lambda theme: theme.name)
def test_a_cell_has_the_colour_of_its_sign_in_the_share_of_the_largest(
    heat_map: HeatMap, theme: themes.Theme
) -> None:
    application = QApplication.instance()
    assert isinstance(application, QApplication)
    themes.apply(application, theme)
    ground = theme.surface_canvas
    assert is_close(colour(heat_map, 1, 2), theme.sign_lower)
    assert is_close(colour(heat_map, 0, 0), blend(theme.sign_raise, ground, 0.5))
    assert is_close(colour(heat_map, 0, 1), blend(theme.sign_lower, ground, 0.25))
    assert is_close(colour(heat_map, 0, 2), ground)


def test_what_is_no_number_is_left_empty_and_does_not_set_the_scale(heat_map: HeatMap) -> None:
    assert is_close(colour(heat_map, 1, 1), themes.LIGHT.surface_canvas)
    heat_map.show_values(np.full((2, 2), np.nan))
    assert is_close(colour(heat_map, 0, 0), themes.LIGHT.surface_canvas)


def test_without_a_negative_value_it_is_ink_unless_signs_are_asked_for(heat_map: HeatMap) -> None:
    heat_map.show_values(np.abs(VALUES))
    assert is_close(colour(heat_map, 1, 2), themes.LIGHT.mark_ink)
    heat_map.show_values(np.abs(VALUES), has_sign=True)
    assert is_close(colour(heat_map, 1, 2), themes.LIGHT.sign_raise)


def test_a_limit_has_the_full_colour_and_so_has_all_beyond(heat_map: HeatMap) -> None:
    heat_map.show_values(np.array([[1.0, 4.0]]), limit=2.0)
    assert is_close(colour(heat_map, 0, 0), blend(themes.LIGHT.mark_ink, themes.LIGHT.surface_canvas, 0.5))
    assert is_close(colour(heat_map, 0, 1), themes.LIGHT.mark_ink)


def test_marked_cells_are_crossed_out_and_no_other(heat_map: HeatMap) -> None:
    marked = np.zeros(VALUES.shape, dtype=bool)
    marked[0, 2] = True
    heat_map.show_values(VALUES, marked=marked)
    crossed = [len(crosses(heat_map, row, column)) for row, column in np.ndindex(VALUES.shape)]
    side = heat_map.cell(0, 2).width()
    assert crossed[2] == pytest.approx(2 * (side - 4), abs=4)  # two diagonals, without the edges
    assert crossed[:2] + crossed[3:] == [0] * 5


def test_a_drag_paints_each_cell_once_until_the_hand_is_up(qtbot: QtBot, heat_map: HeatMap) -> None:
    painted, up = heard(heat_map, "pressed"), heard(heat_map, "released")
    qtbot.mousePress(heat_map, Qt.MouseButton.LeftButton, pos=middle(heat_map, 0, 0))
    for column in (0, 1, 1, 2):
        qtbot.mouseMove(heat_map, middle(heat_map, 0, column))
    assert (painted, up) == ([(0, 0), (0, 1), (0, 2)], [])
    qtbot.mouseRelease(heat_map, Qt.MouseButton.LeftButton, pos=middle(heat_map, 0, 2))
    qtbot.mouseMove(heat_map, middle(heat_map, 1, 2))
    assert (painted, up) == ([(0, 0), (0, 1), (0, 2)], [()])


def test_another_button_paints_nothing(qtbot: QtBot, heat_map: HeatMap) -> None:
    painted = heard(heat_map, "pressed")
    qtbot.mouseClick(heat_map, Qt.MouseButton.RightButton, pos=middle(heat_map, 0, 0))
    assert not painted


def test_a_header_is_pressed_as_minus_one_and_chooses_no_cell(qtbot: QtBot, heat_map: HeatMap) -> None:
    pressed, chosen = heard(heat_map, "pressed"), heard(heat_map, "chosen")
    for cell in ((1, -1), (-1, 2)):
        qtbot.mouseClick(heat_map, Qt.MouseButton.LeftButton, pos=middle(heat_map, *cell))
    assert (pressed, chosen) == ([(1, -1), (-1, 2)], [])


def test_the_corner_and_the_ground_beside_the_cells_are_nothing(qtbot: QtBot, heat_map: HeatMap) -> None:
    pressed = heard(heat_map, "pressed")
    for place in (QPoint(2, 2), QPoint(SIDE // 2, SIDE - 2)):
        qtbot.mouseClick(heat_map, Qt.MouseButton.LeftButton, pos=place)
    assert not pressed


def test_arrow_keys_walk_to_the_edge_and_space_presses(qtbot: QtBot, heat_map: HeatMap) -> None:
    chosen, pressed, up = (heard(heat_map, name) for name in ("chosen", "pressed", "released"))
    keys = Qt.Key
    for key in (keys.Key_Right, keys.Key_Down, keys.Key_Down, keys.Key_Left, keys.Key_Left, keys.Key_Up):
        qtbot.keyClick(heat_map, key)
    assert chosen == [(0, 1), (1, 1), (1, 1), (1, 0), (1, 0), (0, 0)]
    assert heat_map.accessibleDescription() == "first, a: 1"
    qtbot.keyClick(heat_map, keys.Key_Space)
    assert (pressed, up) == ([(0, 0)], [()])


def test_the_mouse_tells_the_cell_below_it_and_that_it_has_left(qtbot: QtBot, heat_map: HeatMap) -> None:
    qtbot.mouseMove(heat_map, middle(heat_map, 0, 0))  # it comes in
    hovered = heard(heat_map, "hovered")
    qtbot.mouseMove(heat_map, middle(heat_map, 1, 2))
    qtbot.mouseMove(heat_map, QPoint(SIDE // 2, SIDE - 2))
    assert hovered == [(1, 2), (-1, -1)]


def test_the_current_cell_stays_inside_of_smaller_values(heat_map: HeatMap) -> None:
    heat_map.choose(1, 2)
    heat_map.show_values(np.ones((1, 2)))
    assert heat_map.current == (0, 1)


def test_square_cells_stay_square_and_others_fill_the_room(qtbot: QtBot, heat_map: HeatMap) -> None:
    cell = heat_map.cell(0, 0)
    assert cell.width() == pytest.approx(cell.height())
    wide = HeatMap("Wide", square=False)
    wide.show_values(VALUES)
    show(qtbot, wide, SIDE, SIDE)
    assert wide.box().width() == pytest.approx(SIDE, abs=3)
    assert wide.box().height() == pytest.approx(SIDE, abs=3)

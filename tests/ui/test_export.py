"""Pictures: size, colours and text of what Qt writes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from PySide6.QtGui import QFont, QFontDatabase, QFontMetricsF, QImage
from PySide6.QtWidgets import QApplication

from explorer.errors import SaveError
from explorer.session.edits import Edits
from explorer.session.figure import Box, Circle, Curve, Figure, Group, Ink, Line, Polygon, Rect, Run, Text
from explorer.session.figure_graph import graph_figure
from explorer.session.figure_text import text_width
from explorer.session.theme import DARK, PRINT
from explorer.session.view import GraphView, resolve
from explorer.ui.export import pdf_bytes, write_figure, write_pdf, write_png
from tests.graphs import random_graph

RED, BLUE = "#C00000", "#0000C0"


@pytest.fixture
def view() -> GraphView:
    return resolve(random_graph(60, 500, n_layers=4), Edits())


def _shapes() -> Figure:
    """One of each on 180 by 90 pixels."""
    items = (
        Rect(10.0, 10.0, 20.0, 20.0, Ink(fill=RED)),
        Circle(60.0, 20.0, 10.0, Ink(fill=BLUE)),
        Line(80.0, 20.0, 110.0, 20.0, Ink(stroke=RED, width=6.0)),
        Polygon(((130.0, 30.0), (150.0, 30.0), (140.0, 10.0)), Ink(fill=BLUE)),
        Curve((10.0, 60.0, 40.0, 60.0, 70.0, 60.0, 110.0, 60.0), Ink(stroke=BLUE, width=8.0, stroke_alpha=0.5)),
        Line(120.0, 60.0, 170.0, 60.0, Ink(stroke=RED, width=4.0, dash=(10.0, 10.0))),
        Text(10.0, 85.0, (Run("Some words", "#000000"),), 11),
    )
    return Figure(180.0, 90.0, "#FFFFFF", "Shapes", "Seven of them", (Group("all", items),), {"seed": 7})


def _colour(image: QImage, x: float, y: float) -> str:
    scale = image.width() / 180
    return image.pixelColor(round(x * scale), round(y * scale)).name().upper()


def _written(figure: Figure, path: Path, dpi: float = 300) -> QImage:
    write_png(figure, path, dpi)
    return QImage(str(path))


@pytest.mark.parametrize("dpi", [96, 300])
def test_png_has_the_size_of_the_paper(qapp: QApplication, view: GraphView, tmp_path: Path, dpi: int) -> None:
    figure = graph_figure(view, theme=PRINT)
    image = _written(figure, tmp_path / "a.png", dpi)
    assert image.width() == pytest.approx(190 / 25.4 * dpi, abs=1)
    assert image.height() == pytest.approx(figure.height_mm / 25.4 * dpi, abs=1)
    assert image.dotsPerMeterX() == image.dotsPerMeterY() == round(dpi / 0.0254)


def test_png_shows_each_shape_in_its_colour(qapp: QApplication, tmp_path: Path) -> None:
    image = _written(_shapes(), tmp_path / "a.png")
    assert _colour(image, 20, 20) == RED
    assert _colour(image, 60, 20) == BLUE
    assert _colour(image, 95, 20) == RED
    assert _colour(image, 140, 26) == BLUE
    assert _colour(image, 60, 60) in ("#7F7FDF", "#8080DF", "#7F7FE0", "#8080E0")
    assert [_colour(image, x, 60) for x in (125, 135, 145, 155)] == [RED, "#FFFFFF"] * 2
    assert _colour(image, 60, 34) == "#FFFFFF"


def test_png_has_its_background_to_the_edge(qapp: QApplication, view: GraphView, tmp_path: Path) -> None:
    image = _written(graph_figure(view, theme=DARK), tmp_path / "a.png", 123)
    corners = {(x, y) for x in (0, image.width() - 1) for y in (0, image.height() - 1)}
    assert {image.pixelColor(x, y).name().upper() for x, y in corners} == {DARK.surface_canvas}


def test_png_says_what_made_it(qapp: QApplication, tmp_path: Path) -> None:
    image = _written(_shapes(), tmp_path / "a.png")
    assert image.text("Title") == "Shapes"
    assert json.loads(image.text("Provenance")) == {"seed": 7}


def test_png_shows_links_and_marks_where_the_figure_has_them(
    qapp: QApplication, view: GraphView, tmp_path: Path
) -> None:
    figure = graph_figure(view, theme=PRINT)
    image = _written(figure, tmp_path / "a.png")
    scale = image.width() / figure.width
    marks = [item for item in figure.group("nodes").items if isinstance(item, Circle)]
    assert len(marks) > 3
    for mark in marks[-3:]:
        seen = image.pixelColor(round(mark.x * scale), round(mark.y * scale)).name().upper()
        assert seen == mark.ink.fill


def test_png_too_large_to_hold_is_refused(qapp: QApplication, tmp_path: Path) -> None:
    with pytest.raises(SaveError, match="fewer dots"):
        write_png(_shapes(), tmp_path / "a.png", 1e6)
    assert list(tmp_path.iterdir()) == []


def test_pdf_is_one_page_of_the_figures_size_with_real_text(qapp: QApplication, tmp_path: Path) -> None:
    figure = _shapes()
    write_pdf(figure, tmp_path / "a.pdf")
    data = (tmp_path / "a.pdf").read_bytes()
    assert data.startswith(b"%PDF-")
    assert len(re.findall(rb"/Type /Page\b", data)) == 1
    box = re.search(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", data)
    assert box is not None
    assert float(box[1]) == pytest.approx(figure.width_mm / 25.4 * 72, abs=1)
    assert float(box[2]) == pytest.approx(figure.height_mm / 25.4 * 72, abs=1)
    assert re.search(rb"/FontName /\w+\+Inter-Regular", data)
    assert b"/ToUnicode" in data


def test_every_character_of_a_pdf_can_be_read_back(qapp: QApplication, tmp_path: Path) -> None:
    items = (Text(10.0, 40.0, (Run("p = 0.123 (4e-7)", "#000000"),), 11),)
    write_pdf(Figure(180.0, 90.0, "#FFFFFF", "", "", (Group("x", items),)), tmp_path / "a.pdf")
    data = (tmp_path / "a.pdf").read_bytes().decode("latin-1")
    maps = "".join(re.findall(r"beginbfrange(.*?)endbfrange", data, re.DOTALL))
    mapped = {int(code, 16) for code in re.findall(r"<([0-9A-Fa-f]{4})>", maps)}
    assert {ord(char) for char in "p=0.123(4e-7)"} <= mapped


@pytest.mark.parametrize("suffix", [".svg", ".png", ".pdf", ".PNG"])
def test_the_suffix_picks_the_format(qapp: QApplication, view: GraphView, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    write_figure(graph_figure(view, theme=PRINT), path)
    start = {".svg": b"<svg", ".png": b"\x89PNG", ".pdf": b"%PDF"}[suffix.lower()]
    assert path.read_bytes().startswith(start)


@pytest.mark.parametrize("suffix", [".svg", ".png", ".pdf"])
def test_two_exports_of_one_view_are_the_same_bytes_at_any_time(
    qapp: QApplication, view: GraphView, tmp_path: Path, suffix: str
) -> None:
    for name in ("a", "b"):
        write_figure(graph_figure(view, theme=PRINT), tmp_path / f"{name}{suffix}", 72.0)
    assert (tmp_path / f"a{suffix}").read_bytes() == (tmp_path / f"b{suffix}").read_bytes()


def test_a_pdf_holds_no_time_and_its_table_still_finds_every_object(qapp: QApplication) -> None:
    data = pdf_bytes(_shapes())
    year = str(datetime.now(UTC).year).encode()
    assert not re.search(rb"Date[^\n]{0,6}" + year, data)
    assert len(re.findall(rb"2000-?01-?01", data)) == 5
    table = int(re.search(rb"startxref\s+(\d+)", data)[1])  # type: ignore[index]
    assert data[table : table + 4] == b"xref"
    for line in re.findall(rb"(\d{10}) 00000 n", data[table:]):
        assert re.match(rb"\d+ 0 obj", data[int(line) :])


def test_a_zoomed_figure_is_larger_on_paper_and_has_as_many_more_dots(qapp: QApplication, tmp_path: Path) -> None:
    plain, large = _shapes(), replace(_shapes(), zoom=2.0)
    assert large.width_mm == 2 * plain.width_mm
    one, other = _written(plain, tmp_path / "a.png", 100), _written(large, tmp_path / "b.png", 100)
    assert other.width() == pytest.approx(2 * one.width(), abs=1)
    assert _colour(other, 20, 20) == RED
    box = re.search(rb"/MediaBox \[0 0 ([\d.]+)", pdf_bytes(large))
    assert box is not None
    assert float(box[1]) == pytest.approx(large.width_mm / 25.4 * 72, abs=1)


def test_what_lies_outside_of_a_clip_is_not_painted(qapp: QApplication, tmp_path: Path) -> None:
    shapes = _shapes()
    clipped = replace(shapes, groups=(replace(shapes.groups[0], clip=Box(0.0, 0.0, 40.0, 90.0)),))
    image = _written(clipped, tmp_path / "a.png")
    assert (_colour(image, 20, 20), _colour(image, 60, 20)) == (RED, "#FFFFFF")


@pytest.mark.parametrize("weight", [400, 600])
@pytest.mark.parametrize(
    "words", ["Replacement 0.71, completeness 0.83", "layer 25", "“Dallas” − Texas…", "WAVE To Ay"]
)
def test_widths_of_the_table_are_those_of_the_font(qapp: QApplication, words: str, weight: int, tmp_path: Path) -> None:
    write_png(_shapes(), tmp_path / "loads-the-font.png", 30)
    assert "Inter" in QFontDatabase.families()
    font = QFont("Inter")
    font.setPixelSize(110)
    font.setWeight(QFont.Weight(weight))
    assert text_width(words, 110, weight) == pytest.approx(QFontMetricsF(font).horizontalAdvance(words), rel=0.06)


def test_pictures_need_no_display_and_no_application(tmp_path: Path) -> None:
    hidden = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    code = (
        "from pathlib import Path\n"
        "from explorer.session.edits import Edits\n"
        "from explorer.session.view import resolve\n"
        "from explorer.session.figure_graph import graph_figure\n"
        "from explorer.session.theme import PRINT\n"
        "from explorer.ui.export import write_figure\n"
        "from tests.graphs import random_graph\n"
        "figure = graph_figure(resolve(random_graph(20, 100, n_layers=3), Edits()), theme=PRINT)\n"
        f"[write_figure(figure, Path({str(tmp_path)!r}) / name) for name in ('a.png', 'b.pdf', 'c.svg')]\n"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "b.pdf", "c.svg"]

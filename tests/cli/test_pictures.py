"""export as a picture: the options of the window, one definition for both, and sentences where something is wrong."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest
from PySide6.QtGui import QImage

from explorer.circuits.graph import NodeKind
from explorer.cli import run_command
from explorer.cli.parser import parser
from explorer.cli.pictures import page_of
from explorer.io import circuit_file
from explorer.session import edits as edit
from explorer.session.page import OPTIONS, Page
from explorer.session.pictures import VIEWS
from tests.graphs import random_graph


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pictures") / "in.circuit"
    graph = random_graph(24, 140, n_layers=4, n_pos=5)
    keys = [graph.key(node) for node in range(graph.count(NodeKind.FEATURE))]
    circuit_file.save(path, graph, edit.pin(edit.group(edit.Edits(), keys[:4], "a group"), keys[6:8]))
    return path


def export(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    capsys.readouterr()
    code = run_command(["export", *map(str, arguments)])
    return code, *capsys.readouterr()


def test_every_option_of_the_page_is_an_argument_with_the_page_s_own_default() -> None:
    assert {option.field for option in OPTIONS} == set(vars(Page()))
    chosen = parser().parse_args(["export", "in.circuit", "out.svg"])
    assert page_of(chosen) == Page()
    flags = ["--width", "3.5in", "--height", "600px", "--dpi", "150", "--font-size", "9.5", "--theme", "dark"]
    chosen = parser().parse_args(["export", "in.circuit", "out.svg", *flags, "--no-legend", "--no-caption"])
    wanted = Page(88.9, 101.6, 9.5, 150, "dark", False, False)
    assert vars(page_of(chosen)) == pytest.approx(vars(wanted))


@pytest.mark.parametrize("view", ["graph", "subgraph"])
def test_a_picture_has_the_size_theme_and_parts_that_are_asked(
    capsys: pytest.CaptureFixture[str], document: Path, tmp_path: Path, view: str
) -> None:
    out = tmp_path / "out.svg"
    flags = ("--view", view, "--width", "3.5in", "--height", "120mm", "--theme", "dark", "--no-legend")
    assert export(capsys, document, out, *flags)[0] == 0
    root = ElementTree.parse(out).getroot()
    assert (root.get("width"), root.get("height")) == ("88.9mm", "120mm")
    groups = {group.get("id") for group in root.iter("{http://www.w3.org/2000/svg}g")}
    assert "legend" not in groups
    assert "caption" in groups
    assert 'fill="#16181A"' in out.read_text()


@pytest.mark.parametrize("suffix", ["svg", "pdf", "png", "html"])
def test_two_exports_are_the_same_bytes(
    qapp: object, capsys: pytest.CaptureFixture[str], document: Path, tmp_path: Path, suffix: str
) -> None:
    for name in ("a", "b"):
        done = export(capsys, document, tmp_path / name, "--format", suffix, "--view", "subgraph", "--dpi", 60)
        assert done == (0, f"{tmp_path / name}.{suffix}\n", "")
    assert (tmp_path / f"a.{suffix}").read_bytes() == (tmp_path / f"b.{suffix}").read_bytes()


def test_a_png_has_the_dots_that_are_asked(
    qapp: object, capsys: pytest.CaptureFixture[str], document: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out.png"
    code, _, said = export(capsys, document, out, "--width", "300px", "--height", "150px", "--dpi", 100)
    assert (code, QImage(str(out)).size().toTuple()) == (0, (300, 150))
    assert said.startswith("Words of ")


def test_views_that_need_the_window_are_not_offered() -> None:
    for row in VIEWS:
        if row.needs_window:
            with pytest.raises(SystemExit):
                parser().parse_args(["export", "in.circuit", "out.svg", "--view", row.id])
        else:
            assert parser().parse_args(["export", "in.circuit", "out.svg", "--view", row.id]).view == row.id


FAULTS = {
    "no folder": (("none/out.svg",), "its folder does not exist; create it or save elsewhere."),
    "no length": (("out.svg", "--width", "wide"), "“wide” is no length; write 90mm, 3.5in or 1200px."),
    "too narrow": (("out.svg", "--width", "3"), "The width is 3 mm; choose one from 40 to 1000."),
    "no dots": (("out.svg", "--dpi", "0"), "The resolution is 0 dots per inch; choose one from 50 to 1200."),
    "page of a graph": (("out.html", "--view", "graph"), "“out.html” can show the subgraph alone; leave --view"),
    "no node": (("out.svg", "--view", "feature"), "“” names no feature; write --node LAYER:POSITION:FEATURE."),
    "a token": (("out.svg", "--view", "feature", "--node", "embedding:-1:0:0"), "only features have evidence."),
    "another graph's": (("out.svg", "--view", "feature", "--node", "9:9:9"), "The graph has no node “9:9:9”"),
    "not tested": (("out.svg", "--view", "validation"), "Nothing of this graph was tested in its model yet"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_a_sentence_and_nothing_is_written(
    capsys: pytest.CaptureFixture[str], document: Path, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    (out, *flags), words = FAULTS[name]
    code, said, fault = export(capsys, document, tmp_path / out, *flags)
    assert (code, said) == (1, "")
    assert words in fault
    assert list(tmp_path.iterdir()) == []

"""Graphs go in and out by the command line; a damaged file gives its sentence, code 1, and leaves nothing."""

from __future__ import annotations

import gzip
import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import networkx
import numpy as np
import pytest

from explorer.circuits.graph import NodeKey
from explorer.cli import run_command
from explorer.io import graphs
from explorer.io.circuit_file import open_circuit, thumbnail
from explorer.session.edits import Label
from explorer.session.supernodes import Supernode

DATA = Path(__file__).parents[1] / "data" / "graphs"
DALLAS = DATA / "dallas-austin-llamma.json"


def said(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    capsys.readouterr()
    code = run_command([str(argument) for argument in arguments])
    return code, *capsys.readouterr()


def test_a_graph_goes_in_and_out_in_every_format(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    document = tmp_path / "d.circuit"
    code, out, err = said(capsys, "import", DALLAS, "-o", document)
    assert (code, out, err) == (0, f"{document}: 60 nodes, 330 links\n", "")
    assert thumbnail(document).startswith(b"<svg ")
    for suffix in ("json", "npz", "graphml", "gexf"):
        assert said(capsys, "export", document, tmp_path / f"out.{suffix}") == (0, f"{tmp_path}/out.{suffix}\n", "")
    total = 1213.6337890625
    assert sum(link["weight"] for link in json.loads((tmp_path / "out.json").read_text())["links"]) == total
    with np.load(tmp_path / "out.npz") as arrays:
        assert arrays["adjacency"].astype(float).sum() == total
    for network in (networkx.read_graphml(tmp_path / "out.graphml"), networkx.read_gexf(tmp_path / "out.gexf")):
        assert sum(weight for _, _, weight in network.edges(data="weight")) == pytest.approx(total, abs=1e-9)
    assert said(capsys, "import", tmp_path / "out.json", "-o", tmp_path / "again.circuit")[0] == 0
    first, again = (open_circuit(path)[0] for path in (document, tmp_path / "again.circuit"))
    assert np.array_equal(first.rows.weight, again.rows.weight)
    assert list(first.index) == list(again.index)


def test_a_file_that_neuronpedia_refuses_is_told(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said(capsys, "import", DALLAS, "-o", tmp_path / "d.circuit")
    monkeypatch.setattr(graphs, "NEURONPEDIA_TAKES", 5_000)
    code, _, err = said(capsys, "export", tmp_path / "d.circuit", tmp_path / "out.json")
    assert code == 0
    assert err == "“out.json” has 0 MB and Neuronpedia takes at most 100; prune it further.\n"
    assert said(capsys, "export", tmp_path / "d.circuit", tmp_path / "out.npz")[2] == ""


def test_a_share_link_is_put_on_the_graph(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    groups = '[["states","18_5495_9","18_6101_9"]]'
    link = f"https://www.neuronpedia.org/x/graph?slug=a&pinnedIds=18_5495_9,1_1_1&supernodes={groups}&clerps=[[%221805495%22,%22Texas%22]]"
    code, out, _ = said(capsys, "import", DALLAS, "-o", tmp_path / "d.circuit", "--subgraph", link)
    assert code == 0
    assert out.splitlines() == [
        f"{tmp_path}/d.circuit: 60 nodes, 330 links, 1 pinned, 1 supernodes, 1 labels",
        "1 of 2 pinned nodes are not in the graph.",
    ]
    _, edits = open_circuit(tmp_path / "d.circuit")
    texas = NodeKey(0, 18, 9, 5495)
    assert edits.pinned == (texas,)
    assert edits.supernodes == (Supernode("states", (texas, NodeKey(0, 18, 9, 6101)), "g1"),)
    assert edits.labels == {texas: Label("Texas")}


def test_a_pytorch_graph_goes_in(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, out, _ = said(capsys, "import", DATA / "circuit-tracer.pt", "-o", tmp_path / "a.circuit")
    assert code == 0
    assert out.startswith(f"{tmp_path}/a.circuit: 135 nodes, ")
    assert "no texts of tokens" in out


def test_a_document_may_be_imported_too(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """An older one is saved as what this program writes."""
    assert said(capsys, "import", DATA / "version-0.circuit", "-o", tmp_path / "a.circuit")[0] == 0
    with zipfile.ZipFile(tmp_path / "a.circuit") as archive:
        assert json.loads(archive.read("document.json"))["schema_version"] == 1


def _json(change: Callable[[dict[str, object]], object]) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        data = json.loads(DALLAS.read_text())
        change(data)
        path.write_text(json.dumps(data))

    return make


def _newer(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("document.json", '{"schema_version": 7, "app": {"version": "9.9"}}')


def _cut(name: str) -> Callable[[Path], object]:
    return lambda path: path.write_bytes((DATA / name).read_bytes()[:-500])


def _arrays(path: Path) -> None:
    np.savez(path.with_suffix(".npz"), a=np.ones(2))
    path.with_suffix(".npz").rename(path)


DAMAGES: dict[str, tuple[str, Callable[[Path], object], str]] = {
    "cut JSON": ("a.json", lambda path: path.write_bytes(DALLAS.read_bytes()[:-2000]), "not valid JSON from line"),
    "empty": ("a.json", lambda path: path.write_bytes(b""), "is empty"),
    "a web page": ("a.json", lambda path: path.write_text("<!doctype html>"), "is a web page"),
    "a pointer": ("a.json", lambda path: path.write_text("version https://git-lfs.github.com/spec/v1"), "Git-LFS"),
    "a folder": ("a.json", lambda path: path.mkdir(), "is a folder"),
    "missing": ("a.json", lambda path: None, "does not exist"),
    "packed": ("a.json", lambda path: path.write_bytes(gzip.compress(DALLAS.read_bytes())), "a.json”"),
    "no text": ("a.json", lambda path: path.write_bytes(b'{"nodes": ["\xff'), "not valid JSON"),
    "an index": ("a.json", lambda path: path.write_text('{"graphs": []}'), "is a list of graphs"),
    "a feature": ("a.json", lambda path: path.write_text('{"index": 1}'), "without the nodes and links"),
    "a subgraph": ("a.json", lambda path: path.write_text('{"pinnedIds": []}'), "open the graph first"),
    "NaN": ("a.json", _json(lambda data: data["nodes"][3].update(activation=float("nan"))), "node 19_7477_8 has the"),
    "infinity": ("a.json", _json(lambda data: data["links"][0].update(weight=float("inf"))), "has the weight inf"),
    "twice": ("a.json", _json(lambda data: data["nodes"].append(data["nodes"][3])), "node 19_7477_8 is in it twice"),
    "cut document": ("a.circuit", _cut("version-0.circuit"), "damaged"),
    "newer document": ("a.circuit", _newer, "saved by a newer Circuit Explorer (9.9, format 7)"),
    "text as document": ("a.circuit", lambda path: path.write_text("hello"), "is a text file"),
    "cut .pt": ("a.pt", _cut("circuit-tracer.pt"), "a.pt”"),
    "empty .pt": ("a.pt", lambda path: path.write_bytes(b""), "is empty"),
    "a page as .pt": ("a.pt", lambda path: path.write_text("<html>"), "is a web page"),
    "numpy as .pt": ("a.pt", _arrays, "a.pt”"),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_file_gives_its_sentence_and_leaves_nothing(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, name: str
) -> None:
    file, make, words = DAMAGES[name]
    make(tmp_path / file)
    old = tmp_path / "old.circuit"
    shutil.copy(DATA / "version-0.circuit", old)
    before = old.read_bytes()
    code, out, err = said(capsys, "import", tmp_path / file, "-o", old)
    assert (code, out) == (1, "")
    assert words in err
    assert err.count("\n") == 1
    assert "Traceback" not in err
    assert old.read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 1 + (name != "missing")

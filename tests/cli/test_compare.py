"""Two graphs are compared on the command line: counts, the largest differences, and a sentence for what is no graph."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from explorer.circuits.graph import Graph, NodeKey, NodeKind
from explorer.circuits.influence import node_influence
from explorer.cli import run_command
from explorer.io.graphs import save
from explorer.session.edits import Edits, set_label
from explorer.session.overlay import SAME_BIAS
from explorer.session.view import resolve
from tests.graphs import random_graph

DALLAS = Path(__file__).parents[1] / "data" / "graphs" / "dallas-austin-llamma.json"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Graph, Graph]:
    folder = tmp_path_factory.mktemp("compare")
    a, b = (random_graph(40, 300, n_pos=5, n_layers=4, seed=seed) for seed in (1, 2))
    named = set_label(Edits(), a.key(int(np.argmax(node_influence(a)))), "the strongest")
    for name, graph, edits in (("a", a, named), ("b", b, Edits())):
        save(folder / f"{name}.circuit", resolve(graph, edits))
    return folder / "a.circuit", folder / "b.circuit", a, b


def said(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    capsys.readouterr()
    code = run_command(["compare", *map(str, arguments)])
    return code, *capsys.readouterr()


def test_what_is_counted_and_listed_is_in_the_graphs(
    capsys: pytest.CaptureFixture[str], files: tuple[Path, Path, Graph, Graph]
) -> None:
    path_a, path_b, a, b = files
    code, out, err = said(capsys, path_a, path_b, "--json", "--top", 5)
    found = json.loads(out)
    assert (code, err) == (0, "")
    assert found["nodes"]["both"] + found["nodes"]["only_a"] == len(a) == found["graphs"][0]["n_nodes"]
    assert found["nodes"]["both"] + found["nodes"]["only_b"] == len(b)
    assert found["links"]["both"] + found["links"]["only_a"] == a.n_edges
    assert found["links"]["both"] + found["links"]["only_b"] == b.n_edges
    shares = [node_influence(graph) / node_influence(graph).sum() for graph in (a, b)]
    alone = [shares[0][row] for key, row in a.index.items() if key not in b.index]
    assert found["only_a"][0]["a"] == pytest.approx(max(alone))
    for row in found["influence"]:
        ends = ((a, shares[0], "in_a"), (b, shares[1], "in_b"))
        values = [share[graph.index[NodeKey.parse(row[name])]] for graph, share, name in ends]
        assert [row["a"], row["b"]] == pytest.approx(values)
        assert row["difference"] == pytest.approx(values[1] - values[0])
    assert len(found["weight"]) == 5
    link = found["weight"][0]
    for graph, name, value in ((a, "in_a", link["a"]), (b, "in_b", link["b"])):
        ends = [link[end][name] for end in ("target", "source")]
        rows = [graph.index[NodeKey.parse(key)] for key in ends if key]
        weight = float(graph.adjacency()[rows[0], rows[1]]) if len(rows) == 2 else 0.0
        assert value == pytest.approx(weight)


def test_the_words_say_both_prompts_and_the_labels(
    capsys: pytest.CaptureFixture[str], files: tuple[Path, Path, Graph, Graph]
) -> None:
    path_a, path_b, a, _ = files
    code, out, _ = said(capsys, path_a, path_b, "--top", 50)
    assert code == 0
    assert out.startswith(f"A  {path_a}: “")
    assert f"\nB  {path_b}: “" in out
    assert "the strongest (" in out
    assert "links, by difference of weight" in out
    assert a.count(NodeKind.FEATURE) == 40


def test_a_graph_and_itself_differ_in_nothing(
    capsys: pytest.CaptureFixture[str], files: tuple[Path, Path, Graph, Graph]
) -> None:
    code, out, _ = said(capsys, files[0], files[0])
    assert code == 0
    assert out.splitlines()[-1].endswith("0 only in A, 0 only in B")


def test_both_graphs_are_drawn_in_one_picture(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, files: tuple[Path, Path, Graph, Graph]
) -> None:
    assert said(capsys, files[0], files[1], "-o", tmp_path / "d.svg")[0] == 0
    assert "only in B" in (tmp_path / "d.svg").read_text()
    code, out, err = said(capsys, files[0], files[1], "-o", tmp_path / "d.txt")
    assert (code, out) == (1, "")
    assert err == "“d.txt” names no kind of picture; end it in .svg, .png or .pdf.\n"


def test_a_graph_of_another_tool_is_compared_too(
    capsys: pytest.CaptureFixture[str], files: tuple[Path, Path, Graph, Graph]
) -> None:
    code, out, _ = said(capsys, DALLAS, DALLAS, "--json")
    assert code == 0
    assert json.loads(out)["nodes"] == {"both": 60, "only_a": 0, "only_b": 0}


def test_what_is_no_graph_and_no_number_gets_a_sentence(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, files: tuple[Path, Path, Graph, Graph]
) -> None:
    wrong = tmp_path / "wrong.json"
    wrong.write_text("[1, 2")
    code, out, err = said(capsys, files[0], wrong)
    assert (code, out) == (1, "")
    assert "wrong.json” is JSON without the nodes and links" in err
    assert len(err.splitlines()) == 1
    code, _, err = said(capsys, files[0], files[1], "--top", -1)
    assert (code, len(err.splitlines())) == (1, 1)


def test_bias_nodes_count_in_both_graphs_as_they_do_in_a(
    capsys: pytest.CaptureFixture[str], files: tuple[Path, Path, Graph, Graph], tmp_path: Path
) -> None:
    counting = tmp_path / "counting.circuit"
    save(counting, resolve(files[3], Edits(count_bias=True)))
    told = json.loads(said(capsys, files[0], counting, "--json")[1])
    plain = json.loads(said(capsys, files[0], files[1], "--json")[1])
    assert SAME_BIAS in told["said"]
    assert [told[name] for name in ("only_b", "influence", "weight")] == [
        plain[name] for name in ("only_b", "influence", "weight")
    ]

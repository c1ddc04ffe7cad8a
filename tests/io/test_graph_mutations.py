"""Graph JSON of every dialect with odd values in it: refused in a sentence, or read as what can be saved and opened."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from explorer.errors import LoadError
from explorer.io import circuit_file, graph_json
from explorer.io.graph_json_import import read
from explorer.session.edits import Edits
from explorer.session.look import look
from tests.io import graph_dialects as made
from tests.io.graphs import random_graph, same_graph

DIALECTS: dict[str, Callable[[], Any]] = {
    "our own": lambda: graph_json.values(random_graph(3), Edits(0.9, 0.9), "own"),
    "schema 0": made.schema_0,
    "anthropic": made.anthropic,
    "eleuther": made.eleuther,
    "llamascopium in neuronpedia": made.llamascopium_in_neuronpedia,
    "llamascopium": made.llamascopium,
}
ODD: tuple[Any, ...] = (
    *(None, True, -1, 0, 1, 1.5, 27, 2**31, 2**53 + 1, 2**63, 10**30, 1e308, float("nan"), float("inf")),
    *("", "x", "0", "-1", "9" * 30, "\ud800", "²", "E_2_0", "0_0_0", "bias_attention", [], {}, [1], ["a"], {"a": 1}),
)


def places(value: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to each value in a table, and to those within it."""
    keys = value.keys() if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        yield (*above, key)
        yield from places(value[key], (*above, key))


def changed(data: Any, draw: random.Random) -> Any:
    """``data`` with a value taken away, doubled or replaced."""
    data = copy.deepcopy(data)
    *above, last = draw.choice(list(places(data)))
    held = data
    for key in above:
        held = held[key]
    how = draw.random()
    if how < 0.15:
        del held[last]
    elif how < 0.25 and isinstance(held, list):
        held.append(copy.deepcopy(held[last]))
    else:
        held[last] = draw.choice(ODD)
    return data


@pytest.mark.parametrize("n_cases", [12, pytest.param(60, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", DIALECTS)
def test_odd_values_are_refused_or_make_a_graph_that_can_be_kept(tmp_path: Path, name: str, n_cases: int) -> None:
    draw, data, n_read = random.Random(name), DIALECTS[name](), 0
    for _ in range(n_cases):
        found = changed(data, draw)
        (tmp_path / "in.json").write_text(json.dumps(found))
        try:
            graph, edits = read(tmp_path / "in.json")
        except LoadError as error:
            sentence = str(error)
        else:
            n_read, sentence = n_read + 1, ""
        assert not sentence or "in.json" in sentence
        if sentence:
            continue
        look(graph, edits)
        circuit_file.save(tmp_path / "a.circuit", graph, edits)
        again, edits_again = circuit_file.open_circuit(tmp_path / "a.circuit")
        assert same_graph(again, graph)
        assert edits_again == edits
        graph_json.write(tmp_path / "out.json", graph, edits)
        read(tmp_path / "out.json")
    assert 0 < n_read < n_cases

"""The document: edits, undo, selection, another graph."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.circuits.graph import Graph
from explorer.session import edits as edit
from explorer.session.edits import Edits
from explorer.session.look import look
from explorer.session.prompt import Prompt
from explorer.session.view import GraphView, resolve
from explorer.ui.document import Document
from tests.graphs import random_graph

GRAPH = random_graph(40, 200, n_pos=5, n_layers=4, seed=3)
KEYS = [GRAPH.key(node) for node in range(len(GRAPH))]

keys = st.sampled_from(KEYS)
unit = st.floats(0, 1)
changes: st.SearchStrategy[tuple[str, Callable[[Edits], Edits]]] = st.one_of(
    unit.map(lambda value: ("node threshold", lambda edits: edit.set_thresholds(edits, node=value))),
    unit.map(lambda value: ("edge threshold", lambda edits: edit.set_thresholds(edits, edge=value))),
    st.booleans().map(lambda on: ("count bias nodes", lambda edits: edit.count_bias(edits, on))),
    keys.map(lambda key: ("pin", lambda edits: edit.toggle_pin(edits, key))),
    keys.map(lambda key: ("hide", lambda edits: edit.hide(edits, [key]))),
    st.just(("show all", edit.show_all)),
    st.tuples(keys, st.text(max_size=5)).map(lambda pair: ("label", lambda edits: edit.set_label(edits, *pair))),
    st.tuples(keys, st.text(max_size=5)).map(lambda pair: ("note", lambda edits: edit.set_note(edits, *pair))),
)


@given(steps=st.lists(changes, max_size=12))
@settings(deadline=None, derandomize=True, max_examples=60)
def test_random_edits_undone_to_the_start_give_the_identical_document(
    steps: list[tuple[str, Callable[[Edits], Edits]]],
) -> None:
    document = Document()
    document.open_graph(GRAPH)
    first, shown = document.edits, document.view.shown.copy()
    for text, change in steps:
        document.do(text, change(document.edits))
    last = document.edits
    while document.history.past:
        document.undo()
    assert document.edits is first
    assert (document.view.shown == shown).all()
    assert document.is_saved
    while document.history.future:
        document.redo()
    assert document.edits == last


def test_a_dragged_slider_is_one_step(qtbot) -> None:
    document = Document()
    document.open_graph(GRAPH)
    for value in (0.7, 0.6, 0.5):
        document.do("node threshold", edit.set_thresholds(document.edits, node=value), merge=True)
    assert document.history.undo_text == "node threshold"
    document.undo()
    assert document.edits.node_threshold == 0.8


def test_every_edit_says_that_it_happened(qtbot) -> None:
    document = Document()
    document.open_graph(GRAPH)
    with qtbot.waitSignals([document.edits_changed, document.view_changed, document.path_changed]):
        document.do("pin", edit.pin(document.edits, [KEYS[0]]))
    with qtbot.assertNotEmitted(document.edits_changed):
        document.do("pin", document.edits)


def test_history_goes_to_any_step(qtbot) -> None:
    document = Document()
    document.open_graph(GRAPH)
    for key in KEYS[:4]:
        document.do(f"pin {key}", edit.pin(document.edits, [key]))
    document.go_back_to(1)
    assert document.edits.pinned == tuple(KEYS[:1])
    document.go_back_to(3)
    assert document.edits.pinned == tuple(KEYS[:3])


def test_a_graph_computed_anew_keeps_edits_and_selection_by_key(qtbot) -> None:
    document = Document()
    document.open_graph(GRAPH)
    other = random_graph(60, 300, n_pos=5, n_layers=4, seed=4)
    common = next(key for key in KEYS if key in other.index and key.kind == 2)
    document.do("label", edit.set_label(document.edits, common, "here"))
    document.select([GRAPH.index[common]])
    document.replace_graph(other)
    assert document.selection == (other.index[common],)
    assert document.view.label(other.index[common]) == "here"
    assert document.history.undo_text == "label"


def test_a_graph_of_another_prompt_is_out_of_date(qtbot) -> None:
    document = Document()
    document.open_graph(GRAPH)
    document.set_prompt(Prompt("same", tuple(GRAPH.token_ids.tolist()), GRAPH.tokens))
    assert not document.is_out_of_date
    document.set_prompt(Prompt("other", (1, 2, 3), ("a", "b", "c")))
    assert document.is_out_of_date


@pytest.mark.parametrize("count", [False, True])
def test_scores_and_residual_belong_to_the_graph(qtbot, count: bool) -> None:
    from explorer.circuits.scores import scores, worst_residual

    document = Document()
    document.open_graph(GRAPH)
    document.do("count bias nodes", edit.count_bias(document.edits, count))
    assert document.scores == scores(GRAPH, count_bias=count)
    assert document.residual == worst_residual(GRAPH)


def computed(seed: int, model: str = "a") -> Graph:
    return replace(random_graph(40, 200, n_pos=5, n_layers=4, seed=seed), provenance={"model_sha256": model})


def test_a_result_of_the_same_prompt_and_model_keeps_the_edits(qtbot) -> None:
    document = Document()
    document.open_graph(computed(3))
    document.do("pin", edit.pin(document.edits, [KEYS[0]]))
    document.take_result(computed(4), look(computed(4), document.edits))
    assert document.edits.pinned == (KEYS[0],)


def test_a_result_of_another_model_begins_a_document_with_the_present_thresholds(qtbot, tmp_path: Path) -> None:
    document = Document()
    document.open_graph(computed(3), path=tmp_path / "story.circuit")
    document.do("prune", edit.set_thresholds(document.edits, node=0.6))
    document.do("pin", edit.pin(document.edits, [KEYS[0]]))
    with qtbot.waitSignal(document.leaving):
        document.take_result(computed(3, "b"), look(computed(3, "b"), document.edits))
    assert document.edits == Edits(node_threshold=0.6)
    assert document.path is None
    assert document.history.past == ()


def part(of: Graph) -> GraphView:
    return resolve(replace(of, provenance={**of.provenance, "partial": [3, 9]}), Edits())


def test_a_part_of_a_graph_is_shown_under_the_edits_that_the_whole_will_have(qtbot) -> None:
    document = Document()
    document.open_graph(computed(3))
    document.do("threshold", edit.set_thresholds(document.edits, node=0.6))
    document.do("pin", edit.pin(document.edits, [KEYS[0]]))
    document.show_partial(part(computed(4)))
    assert document.view.edits == document.edits
    document.show_partial(part(computed(4, "another model")))
    assert document.view.edits == Edits(node_threshold=0.6)
    assert document.edits.pinned == (KEYS[0],)
    assert document.own_graph.provenance == {"model_sha256": "a"}


def test_while_a_part_is_shown_edits_are_refused_and_then_all_is_as_before(qtbot) -> None:
    document = Document()
    document.open_graph(computed(3), path=Path("mine.circuit"))
    document.do("pin", edit.pin(document.edits, [KEYS[0]]))
    document.select([3, 1])
    view, history, scores = document.view, document.history, document.scores
    document.show_partial(part(computed(4, "b")))
    document.select([2])
    with qtbot.waitSignals([document.refused, document.edits_changed]):
        document.undo()
    assert (document.is_partial, document.scores, document.is_saved) == (True, None, False)
    with qtbot.waitSignals([document.graph_changed, document.view_changed, document.selection_changed]):
        document.drop_partial()
    assert (document.view, document.history, document.scores) == (view, history, scores)
    assert document.selection == (3, 1)
    with qtbot.assertNotEmitted(document.graph_changed):
        document.drop_partial()


def test_the_whole_takes_the_place_of_its_part_and_of_the_selection_in_it(qtbot) -> None:
    document = Document()
    document.open_graph(computed(3))
    document.show_partial(part(computed(4, "b")))
    document.select([5])
    document.take_result(computed(4, "b"), look(computed(4, "b"), Edits()))
    assert (document.is_partial, document.selection) == (False, (5,))
    assert document.own_graph is document.graph


def test_what_is_being_written_can_be_kept_before_another_graph_is_shown(qtbot) -> None:
    document = Document()
    document.open_graph(computed(3))
    document.settling.connect(lambda: document.do("note", edit.set_note(document.edits, KEYS[0], "written")))
    document.show_partial(part(computed(4, "b")))
    assert document.edits.notes == {KEYS[0]: "written"}

"""The job validate: predictions kept before anything is measured, measurements one by one; goes on where it was."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from explorer.circuits import faithfulness
from explorer.circuits.graph_arrays import from_arrays
from explorer.circuits.intervening import intervene
from explorer.circuits.interventions import at, feature
from explorer.circuits.subject import prepare
from explorer.engine.inprocess import run_job
from explorer.engine.jobs import validating
from explorer.engine.state import EngineState
from explorer.errors import Cancelled, GraphError
from explorer.io import transcoders
from explorer.io import validation_file as journal
from explorer.io.samples import SAMPLES, model_folder, transcoder_folder
from explorer.models.loader import open_language_model
from explorer.session.edits import Edits, group, pin
from explorer.session.validation import Question, Validation, question, to_message, validation_of
from explorer.session.verdict import verdict
from explorer.session.view import GraphView, resolve
from explorer.work import Progress

SAMPLE = SAMPLES[0]
WHERE = {"model": str(model_folder(SAMPLE)), "transcoders": str(transcoder_folder(SAMPLE))}


@pytest.fixture(scope="module")
def state() -> EngineState:
    return EngineState()


@pytest.fixture(scope="module")
def made(state: EngineState) -> dict[str, Any]:
    return run_job("attribute", state, None, text=SAMPLE.prompt, max_features=60, **WHERE)


@pytest.fixture(scope="module")
def view(made: dict[str, Any]) -> GraphView:
    """Two pins and a group of two, all at the last token."""
    bare = resolve(from_arrays(made["head"], made["arrays"]), Edits())
    keys = [bare.graph.key(row) for row in np.flatnonzero(bare.shown).tolist()]
    features = [key for key in keys if key.kind == 0]
    return resolve(bare.graph, group(pin(Edits(), features[:2]), features[2:4], "pair"))


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "validations_path", lambda: tmp_path / "validations")
    monkeypatch.setattr(faithfulness, "SIZES", (1.0,))  # for speed


def asked(state: EngineState, made: dict[str, Any], wanted: Question, report: Any = None, **more: Any) -> Validation:
    where = {**WHERE, **more}
    message = to_message(wanted)
    answer = run_job("validate", state, report, head=made["head"], arrays=made["arrays"], question=message, **where)
    answer.pop("journal")
    return validation_of(answer)


def test_pinned_nodes_and_groups_are_measured_as_interventions_measure_them(
    state: EngineState, made: dict[str, Any], view: GraphView
) -> None:
    found = asked(state, made, question(view, "pinned", controls=3), layers=False)
    assert [one.label for one in found.effects][2:] == ["pair"]
    assert verdict(found).direct_error < 1e-6
    model = open_language_model(model_folder(SAMPLE))
    held = transcoders.read(transcoder_folder(SAMPLE))
    subject = prepare(model, held, model.tokenizer.encode(SAMPLE.prompt).ids)
    token = int(view.graph.nodes.feature[-1])
    for one in found.effects:
        parts = [text.split(":") for text in one.members]
        off = [feature(int(layer), int(index), at(int(pos))).off() for _, layer, pos, index in parts]
        outcome = intervene(subject, off)
        moved = [float(logits[token] - logits.mean()) for logits in (outcome.before, outcome.now)]
        assert one.measured_total == pytest.approx(moved[1] - moved[0], abs=1e-4)
        assert one.probability == pytest.approx(float(outcome.now.softmax(-1)[token]), abs=1e-5)
    assert found.circuit.n == 4
    assert found.circuit.is_pinned
    assert found.target == "Austin"
    assert len(found.circuit.controls) == (3 if found.circuit.matched else 0)
    assert found.circuit.empty_logit < found.circuit.alone_logit < found.logit


def test_predictions_are_kept_before_anything_is_measured_and_a_run_goes_on_where_it_was_stopped(
    state: EngineState, made: dict[str, Any], view: GraphView, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted, seen = question(view, "pinned", controls=2), []

    def stop_at_effects(progress: Progress) -> None:
        seen.append(progress.text)
        if progress.text == "Measuring effects" and seen.count("Measuring effects") == 2:
            raise Cancelled("Cancelled.")

    with pytest.raises(Cancelled):
        asked(state, made, wanted, stop_at_effects, layers=False)
    (file,) = (tmp_path / "validations").iterdir()
    names = [name.split(" ")[0] for name in journal.read(file)]
    assert names.index("necessity") > max(i for i, name in enumerate(names) if name == "predicted")
    assert names.count("predicted") == 3
    assert names.count("measured") == 1
    counted = []
    real = validating.Bench.measured
    monkeypatch.setattr(validating.Bench, "measured", lambda self, keys: counted.append(keys) or real(self, keys))
    with file.open("ab") as half:
        half.write(b'{"name": "measured feat')  # as a crash leaves it
    found = asked(state, made, wanted, layers=False)
    assert len(found.measured) == 3
    assert len(counted) == 2
    assert asked(state, made, wanted, layers=False) == found
    assert len(counted) == 2
    asked(state, made, wanted, layers=False, afresh=True)
    assert len(counted) == 5


@pytest.mark.parametrize("damage", [{"weights": {"model": "another", "transcoders": ""}}, {"target": {"logit": []}}])
def test_a_journal_of_other_weights_or_a_damaged_one_is_begun_anew(
    state: EngineState, made: dict[str, Any], view: GraphView, tmp_path: Path, damage: dict[str, Any]
) -> None:
    wanted = question(view, "pinned", controls=0)
    found = asked(state, made, wanted, layers=False)
    (file,) = (tmp_path / "validations").iterdir()
    known = next(name for name in journal.read(file) if name.startswith("measured "))
    journal.append(file, {known: {"direct": 99.0, "total": 99.0, "probability": 0.5, "kl": 0.0}, **damage})
    assert asked(state, made, wanted, layers=False) == found


def test_a_partial_result_holds_what_is_measured_so_far(
    state: EngineState, made: dict[str, Any], view: GraphView
) -> None:
    parts = []

    def look(progress: Progress) -> None:
        if progress.partial is not None:
            parts.append(len(validation_of(progress.partial()).measured))

    asked(state, made, question(view, "pinned", controls=0), look, layers=False)
    assert sorted(parts) == parts
    assert set(parts) == {0, 1, 2}


def test_layers_are_pushed_and_the_rest_can_come_from_another_prompt(
    state: EngineState, made: dict[str, Any], view: GraphView
) -> None:
    """The other prompt is the same one: with the rest as it is there nothing is missing."""
    wanted = question(view, "pinned", controls=0, counterpart=SAMPLE.prompt)
    found = asked(state, made, wanted)
    assert found.circuit.alone_logit == pytest.approx(found.logit, abs=1e-3)
    assert {row.start for row in found.layers} == {0, 1, 2}
    assert all(-1 <= row.cosine <= 1 and row.nmse >= 0 and row.n > 0 for row in found.layers)


@pytest.mark.parametrize("factor", [1.0, float("nan"), 1e9])
def test_a_factor_that_tests_nothing_is_refused(
    state: EngineState, made: dict[str, Any], view: GraphView, factor: float
) -> None:
    with pytest.raises(GraphError, match="tests nothing"):
        asked(state, made, question(view, "pinned", factor=factor))


def test_a_graph_of_other_weights_is_refused(state: EngineState, made: dict[str, Any], view: GraphView) -> None:
    head = {**made["head"], "provenance": {**made["head"]["provenance"], "model_sha256": "0" * 64}}
    with pytest.raises(GraphError, match="made with other weights of the model"):
        asked(state, {**made, "head": head}, question(view, "pinned"))


def test_a_contrast_is_measured_as_the_difference_of_its_logits(state: EngineState) -> None:
    targets = {"kind": "contrast", "texts": ["Austin", "Houston"]}
    made = run_job("attribute", state, None, text=SAMPLE.prompt, targets=targets, max_features=20, **WHERE)
    view = resolve(from_arrays(made["head"], made["arrays"]), Edits())
    key = view.graph.key(int(np.flatnonzero(view.shown)[0]))
    view = resolve(view.graph, pin(Edits(), [key]))
    found = asked(state, made, question(view, "pinned", controls=0), layers=False)
    model = open_language_model(model_folder(SAMPLE))
    subject = prepare(model, transcoders.read(transcoder_folder(SAMPLE)), tuple(view.graph.token_ids.tolist()))
    outcome = intervene(subject, [feature(key.layer, key.feature, at(key.pos)).off()])
    a, b = (model.tokenizer.single(text) for text in targets["texts"])
    moved = [float(logits[a] - logits[b]) for logits in (outcome.before, outcome.now)]
    assert found.target == "Austin − Houston"
    assert found.logit == pytest.approx(moved[0], abs=1e-4)
    assert found.effects[0].measured_total == pytest.approx(moved[1] - moved[0], abs=1e-4)
    assert verdict(found).direct_error < 1e-6

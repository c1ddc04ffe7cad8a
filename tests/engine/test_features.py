"""The jobs on evidence: an index against each window run alone, resumed after a kill, faults in one sentence."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from explorer.circuits.replacement import replace_locally
from explorer.engine.inprocess import run_job
from explorer.engine.state import EngineState
from explorer.errors import ExplorerError, GraphError, LoadError, PromptError, SaveError
from explorer.features import windows
from explorer.features.keys import edges
from explorer.io import transcoders
from explorer.io.feature_index import FeatureIndex, open_index
from explorer.io.feature_labels import OWN, Labels
from explorer.io.feature_search import search
from explorer.io.samples import SAMPLES, model_folder, transcoder_folder
from explorer.models.loader import open_language_model
from explorer.work import Progress

SAMPLE = SAMPLES[0]
CONTEXT = 14
WHERE = {"model": str(model_folder(SAMPLE)), "transcoders": str(transcoder_folder(SAMPLE)), "context": CONTEXT}
STATES = {"Texas": ("Dallas", "Houston", "Austin"), "Ohio": ("Cleveland", "Toledo", "Columbus"),
          "Utah": ("Provo", "Ogden", "Moab"), "Iowa": ("Ames", "Dubuque", "Davenport")}  # fmt: skip
FORMS = ("the state containing {} is {}.", "Fact: {} is in {}.", "address : {} {}")
TEXTS = [
    form.format(city, state)
    for state, cities in STATES.items()
    for city in cities
    for form in FORMS
][:18]
TEXTS += ["the capital of the state containing Dallas is Austin. " * 4, "Fact: Moab is in Utah."]


@pytest.fixture(scope="module", autouse=True)
def small_batches() -> Iterator[None]:
    """Batches of 8 windows, so that a short text has several."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(windows, "BATCH_TOKENS", 8 * CONTEXT)
        yield


@pytest.fixture(scope="module")
def state() -> EngineState:
    return EngineState()


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("text") / "text.jsonl"
    path.write_text("".join(json.dumps({"text": one}) + "\n" for one in TEXTS))
    return path


@pytest.fixture(scope="module")
def built(state: EngineState, text: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("built") / "index"
    return folder, build(state, text, folder)


@pytest.fixture(scope="module")
def index(built: tuple[Path, dict[str, Any]]) -> FeatureIndex:
    return open_index(built[0])


def build(state: EngineState, text: Path, folder: Path, report: Any = None, **more: Any) -> dict[str, Any]:
    values = {**WHERE, "texts": [str(text)], "output": str(folder), "n_top": 6, "n_random": 5, **more}
    return run_job("features_build", state, report, **values)


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


@pytest.fixture(scope="module")
def alone() -> tuple[list[tuple[int, int]], torch.Tensor]:
    """Each window run alone in the frozen model: (document, start), and [window, layer, place, feature]."""
    model, held = open_language_model(model_folder(SAMPLE)), transcoders.read(transcoder_folder(SAMPLE))
    assert model.tokenizer is not None
    assert model.tokenizer.front is not None
    places, dense = [], []
    for document, text in enumerate(TEXTS):
        ids = model.tokenizer.plain(text)
        for start in range(0, len(ids), CONTEXT - 1):
            tokens = (model.tokenizer.front[0], *ids[start : start + CONTEXT - 1])
            found = replace_locally(model, model.run(tokens), held, torch.float32).features
            one = torch.zeros(held.n_layers, CONTEXT, held.layers[0].d_transcoder)
            one[found.layer, found.pos, found.feature] = found.activation.float()
            places.append((document, start))
            dense.append(one)
    return places, torch.stack(dense)


def test_the_index_is_what_the_frozen_model_says_of_every_window(
    index: FeatureIndex, alone: tuple[list[tuple[int, int]], torch.Tensor], built: tuple[Path, dict[str, Any]]
) -> None:
    places, dense = alone
    active = dense != 0
    summary = built[1]
    assert summary["n_windows"] == len(places) == len(dense)
    assert summary["n_documents"] == len(TEXTS)
    layer = 1
    busiest = active[:, layer].sum((0, 1)).argsort(descending=True)[:40].tolist()
    for feature in busiest:
        found, values = index.evidence(layer, feature), dense[:, layer, :, feature].numpy()
        on = values[values != 0]
        assert (found.active, found.windows) == (len(on), (values != 0).any(1).sum())
        assert found.frequency == pytest.approx(len(on) / summary["n_counted"])
        assert found.maximum == pytest.approx(on.max(), rel=1e-4)
        assert found.mean == pytest.approx(on.mean(), rel=1e-4)
        assert sum(found.histogram) == len(on)
        assert np.abs(np.cumsum(found.histogram)[:-1] - [(on < edge).sum() for edge in edges()]).max() <= 1
        peaks = values.max(1)
        assert [max(one.activations) for one in found.top] == pytest.approx(np.sort(peaks)[::-1][:6], rel=1e-4)
        for one in found.top:
            window = next(at for at, (document, start) in enumerate(places) if document == one.document
                          and start <= one.position < start + CONTEXT - 1)  # fmt: skip
            place = one.position - places[window][1] + 1
            assert one.activations[one.peak] == pytest.approx(values[window, place], rel=1e-4)
            first = place - one.peak
            assert one.activations == pytest.approx(values[window, first : first + len(one.tokens)], rel=2e-3)


def test_what_a_window_gives_does_not_depend_on_its_neighbours(state: EngineState) -> None:
    from explorer.features.reads import entries, reads

    model, held = open_language_model(model_folder(SAMPLE)), transcoders.read(transcoder_folder(SAMPLE))
    draw = torch.Generator().manual_seed(1)
    ids = torch.randint(4, model.n_tokens, (2, 73, CONTEXT), generator=draw)
    ids[1, 5] = ids[0, 5]
    everywhere = torch.ones(73 * CONTEXT, dtype=torch.bool)
    found = [entries(held, 2, reads(model, held, one)[2], everywhere) for one in ids]
    here = [(one.row >= 5 * CONTEXT) & (one.row < 6 * CONTEXT) for one in found]
    np.testing.assert_array_equal(found[0].value[here[0]], found[1].value[here[1]])


def test_logit_effects_are_the_changes_of_the_logits(index: FeatureIndex) -> None:
    """A step along a decoder in front of the final norm, its scale held, moves the logits by the effect."""
    model, held = open_language_model(model_folder(SAMPLE)), transcoders.read(transcoder_folder(SAMPLE))
    layer = 2
    feature = int(np.flatnonzero(index.layer(layer).all("row") >= 0)[7])
    norm, head = model.network.model.norm, model.network.lm_head
    effect = head(held.layers[layer].W_dec[feature, 0] * norm.weight).detach()
    effect = effect - effect.mean()
    found = index.evidence(layer, feature)
    for words, wanted in ((found.top_logits, effect.topk(10)), (found.bottom_logits, (-effect).topk(10))):
        sign = 1 if words is found.top_logits else -1
        assert [one.token_id for one in words] == wanted.indices.tolist()
        values = [sign * value for value in wanted.values.tolist()]
        assert [one.value for one in words] == pytest.approx(values, abs=1e-4)
    reads = model.network.model.layers[layer].post_attention_layernorm(model.network.model.embed_tokens.weight)
    looked = (reads @ held.layers[layer].W_enc[feature] + held.layers[layer].b_enc[feature]).topk(10)
    assert [one.value for one in found.reads] == pytest.approx(looked.values.tolist(), abs=1e-4)
    assert found.norms[0] == pytest.approx(float(held.layers[layer].W_dec[feature, 0].norm()), rel=1e-5)


@pytest.mark.parametrize("shard", [1, 2])
def test_a_build_that_stopped_goes_on_behind_the_last_shard_and_gives_the_same_bytes(
    state: EngineState, text: Path, tmp_path: Path, built: tuple[Path, dict[str, Any]], shard: int
) -> None:
    folder, seen = tmp_path / "index", 0

    def stop(progress: Progress) -> None:
        nonlocal seen
        seen += progress.text.startswith("Reading text")
        if seen == 3:
            raise KeyboardInterrupt

    if shard == 1:
        with pytest.raises(KeyboardInterrupt):
            build(state, text, folder, stop, shard=shard)
        with pytest.raises(LoadError, match="unfinished"):
            open_index(folder)
    build(state, text, folder, shard=shard)
    assert contents(folder) == contents(built[0])


@pytest.mark.slow
def test_a_process_killed_loses_at_most_a_shard(text: Path, tmp_path: Path, built: tuple[Path, dict[str, Any]]) -> None:
    folder = tmp_path / "index"
    values = {**WHERE, "texts": [str(text)], "output": str(folder), "n_top": 6, "n_random": 5, "shard": 1}
    code = (
        "import json, sys\nfrom explorer.engine.inprocess import run_job\n"
        "from explorer.engine.state import EngineState\nfrom explorer.features import windows\n"
        f"windows.BATCH_TOKENS = 8 * {CONTEXT}\n"
        "def stop(progress):\n    if progress.text.startswith('Layer 1'):\n"
        "        print('here', flush=True); sys.stdin.read()\n"
        "run_job('features_build', EngineState(), stop, **json.loads(sys.argv[1]))\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, json.dumps(values)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"here\n"
        process.send_signal(signal.SIGKILL)
    again = build(EngineState(), text, folder, shard=1)
    assert again["tokens_per_second"] is None
    assert contents(folder) == contents(built[0])


def test_another_text_or_setting_does_not_go_on_with_an_unfinished_index(
    state: EngineState, text: Path, tmp_path: Path, built: tuple[Path, dict[str, Any]]
) -> None:
    def stop(progress: Progress) -> None:
        if progress.text.startswith("Layer"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build(state, text, tmp_path / "index", stop)
    with pytest.raises(SaveError, match="unfinished index of another"):
        build(state, text, tmp_path / "index", context=10)
    with pytest.raises(SaveError, match="holds an index already"):
        build(state, text, built[0])


@pytest.mark.parametrize(
    ("data", "name", "sentence"),
    [
        (b"", "a.txt", "is empty"),
        (b"  \n", "a.txt", "gives no token"),
        (b"\xff\xfe\x00abc", "a.txt", "not UTF-8"),
        (b"the state \xe9 is", "a.txt", "not UTF-8"),
        (b"{nothing\n", "a.jsonl", "line 1, is no JSON"),
        (b'{"text": "Dallas"}\n{"words": 1}\n', "a.jsonl", 'line 2, has no “text”'),
        (b'{"text": "\\ud800"}\n', "a.jsonl", "half a character"),
    ],
)  # fmt: skip
def test_text_that_cannot_be_read_is_one_sentence(
    state: EngineState, tmp_path: Path, data: bytes, name: str, sentence: str
) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises((LoadError, PromptError), match=sentence):
        build(state, tmp_path / name, tmp_path / "index")
    assert not (tmp_path / "index" / "index.json").exists()


@pytest.mark.parametrize("name", ["n_top", "n_random", "shard"])
def test_less_than_one_example_or_batch_is_said(state: EngineState, text: Path, tmp_path: Path, name: str) -> None:
    with pytest.raises(GraphError, match="are not possible; ask for at least 1 of each"):
        build(state, text, tmp_path / "index", **{name: 0})
    assert not (tmp_path / "index").exists()


def test_a_short_text_is_read_and_said_to_be_short(state: EngineState, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Dallas is in Texas")
    found = build(state, tmp_path / "a.txt", tmp_path / "index")
    assert found["n_tokens"] == 4
    assert "less than one context" in found["notes"][0]
    assert open_index(tmp_path / "index").n_tokens == 4


def test_a_folder_that_may_not_be_written_is_said_before_long_work(
    state: EngineState, text: Path, tmp_path: Path, built: tuple[Path, dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK)
    said: list[Progress] = []
    where = {name: WHERE[name] for name in ("model", "transcoders")}
    with pytest.raises(SaveError, match="may not be written"):
        build(state, text, tmp_path / "index", said.append)
    with pytest.raises(SaveError, match="may not be written"):
        run_job("features_label", state, said.append, **where, index=str(built[0]))
    assert not any(one.total for one in said)


def test_a_full_disk_leaves_the_last_shard_as_it_was(
    state: EngineState, text: Path, tmp_path: Path, built: tuple[Path, dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    import errno

    real, calls = os.fsync, 0

    def full(handle: int) -> None:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(handle)

    folder = tmp_path / "index"
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(SaveError, match="the disk is full"):
        build(state, text, folder, shard=1)
    monkeypatch.undo()
    assert [file.name for file in folder.iterdir()] == ["building.safetensors"]
    build(state, text, folder, shard=1)
    assert contents(folder) == contents(built[0])


def test_one_feature_is_asked_for_with_its_neighbours_and_tried_on_a_text(
    state: EngineState, index: FeatureIndex
) -> None:
    held = transcoders.read(transcoder_folder(SAMPLE))
    layer = 2
    feature = int(np.flatnonzero(index.layer(layer).all("row") >= 0)[3])
    values = {"layer": layer, "feature": feature, "index": str(index.folder), "text": SAMPLE.prompt}
    answer = run_job("feature", state, None, **{name: WHERE[name] for name in ("model", "transcoders")}, **values)
    assert answer["evidence"]["active"] == index.evidence(layer, feature).active
    assert len(answer["test"]["tokens"]) == len(answer["test"]["activations"]) == 11
    model = open_language_model(model_folder(SAMPLE))
    assert model.tokenizer is not None
    trace = model.run(model.tokenizer.encode(SAMPLE.prompt).ids)
    found = replace_locally(model, trace, held, torch.float32).features
    own = (found.layer == layer) & (found.feature == feature)
    expected = torch.zeros(11).index_put((found.pos[own],), found.activation[own].float())
    assert answer["test"]["activations"] == pytest.approx(expected.tolist(), abs=1e-4)
    rows = torch.nn.functional.normalize(held.layers[layer].W_dec[:, 0], dim=1)
    cosine = rows @ rows[feature]
    cosine[feature] = -2
    assert answer["similar"][0]["feature"] == int(cosine.argmax())
    assert answer["similar"][0]["cosine"] == pytest.approx(float(cosine.max()), abs=1e-5)


def test_search_finds_labels_first_and_the_users_own_win(index: FeatureIndex) -> None:
    labels = Labels(index)
    layer, feature = 1, int(np.flatnonzero(index.layer(1).all("row") >= 0)[0])
    automatic = labels.record(layer, feature)
    labels.keep(OWN, {f"{layer}:{feature}": "zebra crossing"})
    try:
        hit = search(Labels(index), "ZEBRA")[0]
        assert (hit.layer, hit.feature, hit.label) == (layer, feature, "zebra crossing")
        found = labels.record(layer, feature)
        assert found is not None
        assert found["source"] == "own"
        assert found["auto"] == (automatic or {}).get("text", "")
    finally:
        labels.keep(OWN, {f"{layer}:{feature}": ""})
    assert labels.record(layer, feature) == automatic
    with pytest.raises(GraphError, match="ask for at least 1"):
        search(labels, "Texas", 0)
    assert search(labels, "Token:Dallas") == search(labels, "token:Dallas") != []
    for hit in search(labels, "token:Dallas"):
        evidence = index.evidence(hit.layer, hit.feature)
        assert any(one.tokens[one.peak] == "Dallas" for one in evidence.top)
    for hit in search(labels, "logit:Texas", 5):
        assert any("Texas" in word.text for word in index.evidence(hit.layer, hit.feature).top_logits)


def test_an_index_of_400_000_features_opens_and_reads_one_at_once(tmp_path: Path) -> None:
    """Opening reads headers; one feature reads its rows alone."""
    from explorer.features.statistics import Keeping, LayerStatistics
    from explorer.io import feature_build
    from explorer.io.feature_index import FORMAT, VERSION

    n, keeping = 400_000, Keeping(1, 1, 1)
    one = LayerStatistics.empty(0, n, keeping)
    one.active[:] = 1
    one.top.key[:, 0] = one.random.key[:, 0] = 0
    feature_build.write_layer(tmp_path, one, np.array([0]), {"norms": np.ones((n, 1), np.float32)})
    feature_build.write_tokens(tmp_path, ["a"])
    from explorer.io import arrays

    small = {"length": np.ones(1, np.int32), "document": np.zeros(1, np.int32)}
    more = {"start": np.zeros(1, np.int64), "number": np.zeros(1, np.int64), "ids": np.zeros((1, 1), np.int32)}
    arrays.write(tmp_path / "windows.safetensors", small | more)
    text = {"counted": n, "n_special": 0}
    head = {"format": FORMAT, "version": VERSION, "model": {}, "settings": {}, "text": text}
    feature_build.write_head(tmp_path, {**head, "transcoders": {"d_transcoder": [n]}})
    started = time.perf_counter()
    found = open_index(tmp_path).evidence(0, n - 1)
    assert time.perf_counter() - started < 0.5
    assert found.active == 1
    assert found.top[0].tokens == ("a",)


@pytest.mark.parametrize("name", ["layer_1.safetensors", "windows.safetensors", "tokens.safetensors", "index.json"])
def test_a_damaged_index_is_one_sentence(built: tuple[Path, dict[str, Any]], tmp_path: Path, name: str) -> None:
    import shutil

    folder = tmp_path / "index"
    shutil.copytree(built[0], folder)
    feature = int(np.flatnonzero(open_index(folder).layer(1).all("row") >= 0)[0])
    data = (folder / name).read_bytes()
    for broken in (b"", data[: len(data) // 2], b"{}", b"\x00" * 100):
        (folder / name).write_bytes(broken)
        with pytest.raises(ExplorerError):
            open_index(folder).evidence(1, feature)

"""Every layout is read as its producer computes, and damaged files are refused by name: one row each in LAYOUTS."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

import pytest
import torch
from torch import Tensor

from explorer.errors import LoadError, Unsaid, UnsupportedTranscoder
from explorer.io import inert, unpickling
from explorer.io.transcoder_formats import FORMATS, find
from explorer.io.transcoders import Reader, circuit_tracer, read, reader
from explorer.transcoders.transcoder import Transcoder, TranscoderSet
from explorer.work import Pause
from tests.io.transcoders import (
    layouts_circuit_tracer,
    layouts_crosslayer,
    layouts_eleuther,
    layouts_gemma_scope,
    layouts_openmoss,
    layouts_pickled,
    layouts_saelens,
)
from tests.io.transcoders.layouts import BATCH, Written, load, save, tensors

LAYOUTS = {
    **layouts_circuit_tracer.LAYOUTS,
    **layouts_gemma_scope.LAYOUTS,
    **layouts_saelens.LAYOUTS,
    **layouts_eleuther.LAYOUTS,
    **layouts_openmoss.LAYOUTS,
    **layouts_crosslayer.LAYOUTS,
    **layouts_pickled.LAYOUTS,
}


# Every reader with each set of tensors that it knows; the faults of files are tried on these alone in the quick suite.
VARIED = {
    *("circuit-tracer JumpReLU with skip", "circuit-tracer across layers, JumpReLU", "mntss's sweep with skip"),
    *("Gemma Scope", "Gemma Scope in circuit-tracer's list", "Gemma Scope 2, affine"),
    *("Gemma Scope 2 across layers, affine", "SAELens jumprelu_skip_transcoder", "SAELens gated autoencoders"),
    *("SAELens 3", "SAELens 5, gated", "sparsify with skip", "clt-training, scaled and divided"),
    *("clt-training, tied by source", "OpenMOSS JumpReLU", "OpenMOSS ReLU, norms folded, pickled"),
    *("OpenMOSS across layers", "Llama Scope", "crosslayer-coding", "crosslayer-coding, tied by source"),
    *("crosslayer-transcoder", "dictionary_learning GatedAutoEncoder", "dictionary_learning JumpReluAutoEncoder"),
    "transcoder_circuits",
}


@pytest.fixture(params=list(LAYOUTS))
def written(request: pytest.FixtureRequest, tmp_path: Path) -> Written:
    folder = tmp_path / "org" / "set"
    folder.mkdir(parents=True)
    return LAYOUTS[request.param](folder)


varied = pytest.mark.parametrize(
    "written",
    [pytest.param(name, marks=[pytest.mark.slow] * (name not in VARIED)) for name in LAYOUTS],
    indirect=True,
)


@pytest.fixture
def read_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pickles are read by the code of the child, here; that it is a process of its own is test_inert's."""

    def run(path: Path, pause: Pause) -> bytes:
        pause()
        try:
            plain, blobs = unpickling.read(str(path))
        except unpickling.Refused as error:
            return json.dumps({"fault": str(error)}).encode()
        except Exception as error:  # the child would end without an answer
            raise LoadError(f"“{path}” is incomplete or damaged; download or copy it again.") from error
        return b"\n".join([json.dumps({"value": plain}).encode(), b"".join(blobs)])

    monkeypatch.setattr(unpickling, "limit_memory", lambda n_bytes: None)
    monkeypatch.setattr(inert, "_run", run)


def opened(written: Written) -> TranscoderSet:
    return read(written.path, told=written.told)


def inputs(held: TranscoderSet) -> Tensor:
    generator = torch.Generator().manual_seed(9)
    return torch.randn(held.n_layers, BATCH, held.layers[0].d_model, generator=generator, dtype=torch.float64)


def computed(held: TranscoderSet, x: Tensor) -> Tensor:
    """What the canonical set writes at each layer, in float64."""
    out = torch.stack([layer.b_dec.double() + 0 * rows for layer, rows in zip(held.layers, x, strict=True)])
    for source, (layer, rows) in enumerate(zip(held.layers, x, strict=True)):
        active = layer.activation.to(rows)(rows @ layer.W_enc.double().T + layer.b_enc.double())
        for offset in range(layer.n_targets):
            out[source + offset] += active @ layer.W_dec[:, offset].double()
        if layer.W_skip is not None:
            out[source] += rows @ layer.W_skip.double()
    return out


def differ(found: Tensor, expected: Tensor) -> float:
    return float((found - expected).abs().max() / expected.abs().max())


def test_it_computes_what_its_producer_computes(written: Written) -> None:
    held = opened(written)
    x = inputs(held)
    expected = written.formula(x)
    assert differ(computed(held, x), expected) < 1e-12
    assert (held.kind, held.read.value, held.write.value) == (written.kind, written.read, written.write)
    assert held.sha256
    assert held.origin


@pytest.mark.usefixtures("read_here")
def test_narrow_weights_compute_what_wide_ones_of_the_same_values_do(written: Written) -> None:
    narrow = {}
    for file, held in {file: load(file) for file in written.files()}.items():
        dtype = torch.float16 if file.suffix == ".npz" else torch.bfloat16
        kept = {name: tensor.to(dtype) if tensor.is_floating_point() else tensor for name, tensor in held.items()}
        narrow[file] = kept
        save({name: tensor.double() if tensor.is_floating_point() else tensor for name, tensor in kept.items()}, file)
    expected, x = opened(written), inputs(opened(written))
    same = computed(expected, x)
    for file, held in narrow.items():
        save(held, file)
    found = opened(written)
    assert {layer.W_enc.dtype for layer in expected.layers} == {torch.float64}
    assert {layer.W_enc.dtype for layer in found.layers} <= {torch.float16, torch.bfloat16, torch.float32}
    assert differ(computed(found, x), same) < 1e-5


def test_it_is_converted_exactly_or_refused_with_the_reason(written: Written, tmp_path: Path) -> None:
    held, folder, reason = opened(written), tmp_path / "converted", unfit(opened(written))
    if reason:
        with pytest.raises(UnsupportedTranscoder, match=reason):
            circuit_tracer.write(held, folder)
        assert not folder.exists()
        return
    circuit_tracer.write(held, folder)
    found, x = read(folder), inputs(held)
    assert differ(computed(found, x), computed(held, x)) < 1e-12
    assert (found.kind, found.read, found.write) == (held.kind, held.read, held.write)


def unfit(held: TranscoderSet) -> str:
    """Why circuit-tracer's layout cannot hold the set, if it cannot."""
    activations = [layer.activation for layer in held.layers]
    if held.kind == "sae":
        return "not of sparse autoencoders"
    if held.kind == "clt" and "topk" in {one.kind for one in activations}:
        return "TopK per layer only"
    if held.kind == "clt" and any(layer.W_skip is not None for layer in held.layers):
        return "no skip weights across layers"
    below = [layer for layer in held.layers if layer.activation.offset is not None and bool((offset(layer) < 0).any())]
    return "no offset that is more negative" if below else ""


def offset(layer: Transcoder) -> Tensor:
    activation = layer.activation
    assert activation.offset is not None
    return activation.offset if activation.threshold is None else activation.offset + activation.threshold


def test_it_is_claimed_by_its_own_format(written: Written) -> None:
    row = find(written.path)
    assert row is not None
    assert row.reader == written.reader


@varied
@pytest.mark.usefixtures("read_here")
def test_a_missing_tensor_is_named(written: Written) -> None:
    for name, file in {name: file for file, name in tensors(written)}.items():
        if name.endswith(written.optional or ("\0",)):
            continue
        before = load(file)
        save({other: tensor for other, tensor in before.items() if other != name}, file)
        with pytest.raises(LoadError) as caught:
            opened(written)
        assert not isinstance(caught.value, Unsaid), name
        save(before, file)
    opened(written)


@varied
@pytest.mark.usefixtures("read_here")
def test_a_tensor_of_another_shape_is_named(written: Written) -> None:
    for name, file in {name: file for file, name in tensors(written)}.items():
        before = load(file)
        if before[name].ndim == 0 or name.endswith(written.free or ("\0",)):
            continue
        wrong = torch.cat([before[name], before[name][..., :1]], dim=-1)
        save({**before, name: wrong}, file)
        with pytest.raises(LoadError) as caught:
            opened(written)
        assert file.name in str(caught.value) or file.parent.name in str(caught.value)
        save(before, file)


@varied
@pytest.mark.usefixtures("read_here")
def test_values_that_are_not_finite_are_named(written: Written) -> None:
    for name, file in {name: file for file, name in tensors(written)}.items():
        before = load(file)
        if before[name].ndim == 0 or not before[name].is_floating_point():
            continue
        wrong = before[name].clone()
        wrong.view(-1)[-1] = torch.nan
        save({**before, name: wrong}, file)
        with pytest.raises(LoadError, match="is not finite in 1 of its ") as caught:
            opened(written)
        assert name in str(caught.value)
        save(before, file)


@varied
@pytest.mark.usefixtures("read_here")
def test_truncated_and_empty_files_are_named(written: Written) -> None:
    for file in written.files():
        before = file.read_bytes()
        for after in (before[: len(before) // 2], before[:-3], before[:4], b"", b"<!doctype html>"):
            file.write_bytes(after)
            with pytest.raises(LoadError) as caught:
                opened(written)
            assert file.name in str(caught.value) or written.path.name in str(caught.value)
        file.write_bytes(before)


@varied
@pytest.mark.parametrize("values", [({}, -1), pytest.param(("x", None), marks=pytest.mark.slow)])
def test_settings_of_any_type_are_read_or_refused(written: Written, values: tuple[object, ...]) -> None:
    if any(file.suffix == ".pt" for file in written.files()):
        pytest.skip("a pickle is read in a process of its own, which takes time")
    first = {file.name: file for file in sorted(written.path.rglob("*.json"), reverse=True)}
    for file in first.values():
        before = file.read_text("utf-8")
        for name in json.loads(before):
            for value in values:
                file.write_text(json.dumps({**json.loads(before), name: value}), "utf-8")
                with suppress(LoadError):
                    opened(written)
        file.write_text(before, "utf-8")


def test_reading_stops_between_layers(written: Written) -> None:
    class Stopped(Exception):
        pass

    def stop() -> None:
        raise Stopped

    with pytest.raises(Stopped):
        read(written.path, stop, written.told)


def test_what_the_files_do_not_say_is_asked_one_by_one_and_remembered(written: Written) -> None:
    told: dict[str, str] = {}
    while len(told) < len(written.told):
        with pytest.raises(Unsaid) as caught:
            read(written.path, told=told)
        assert caught.value.name not in told
        told[caught.value.name] = written.told[caught.value.name]
    read(written.path, told=told)
    read(written.path)


@pytest.mark.parametrize("row", FORMATS, ids=lambda row: row.title)
def test_every_format_has_a_reader_and_claims_nothing_empty(row: object, tmp_path: Path) -> None:
    assert isinstance(reader(row), Reader)  # type: ignore[arg-type]
    assert row.title  # type: ignore[attr-defined]
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_bytes(b"x")
    for path in (tmp_path / "empty", tmp_path / "file", tmp_path / "none"):
        assert not row.claims(path)  # type: ignore[attr-defined]


def test_every_format_is_among_the_layouts(tmp_path: Path) -> None:
    found = set()
    for row, layout in enumerate(LAYOUTS.values()):
        folder = tmp_path / str(row)
        folder.mkdir()
        found.add(layout(folder).reader)
    assert found == {row.reader for row in FORMATS}
    assert set(LAYOUTS) > VARIED

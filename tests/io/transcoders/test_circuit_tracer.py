"""Sets in circuit-tracer's layout compute what the layout's own formula says, or are refused by name."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from explorer.errors import LoadError, SaveError, UnsupportedTranscoder
from explorer.io.transcoders import circuit_tracer, read
from explorer.transcoders.activations import Activation
from explorer.transcoders.transcoder import ReadPoint, Transcoder, TranscoderSet, WritePoint

DATA = Path(__file__).parents[2] / "data"
SETS = ("plt_relu", "plt_jump_skip", "plt_topk", "plt_older", "clt_jump")
Edit = Callable[[dict[str, Tensor]], None]


def _outputs(transcoder: Transcoder, x: Tensor) -> Tensor:
    """What a layer writes to each of its targets (batch, n_targets, d), in float64."""
    x = x.double()
    pre = x @ transcoder.W_enc.double().T + transcoder.b_enc.double()
    out = torch.einsum("bn,ntd->btd", transcoder.activation(pre), transcoder.W_dec.double())
    out[:, 0] += transcoder.b_dec.double()
    if transcoder.W_skip is not None:
        out[:, 0] += x @ transcoder.W_skip.double()
    return out


def _x() -> Tensor:
    return torch.randn(5, 4, generator=torch.Generator().manual_seed(3))


def _tensors(name: str, layer: int) -> dict[str, Tensor]:
    return {key: tensor.double() for key, tensor in load_file(DATA / name / f"layer_{layer}.safetensors").items()}


@pytest.fixture
def copy(tmp_path: Path) -> Callable[[str], Path]:
    return lambda name: Path(shutil.copytree(DATA / name, tmp_path / name))


def _edit(file: Path, edit: Edit) -> None:
    tensors = load_file(file)
    edit(tensors)
    save_file(tensors, file)


@pytest.mark.parametrize("k", [torch.zeros(0), torch.tensor(2.7), torch.tensor(-3.0), torch.tensor([1.0, 2.0])])
def test_a_k_that_is_no_count_is_refused(copy: Callable[[str], Path], k: Tensor) -> None:
    folder = copy("plt_topk")
    _edit(folder / "layer_1.safetensors", lambda tensors: tensors.update(k=k))
    with pytest.raises(UnsupportedTranscoder, match="k is no whole number above 0"):
        read(folder)


def test_a_name_with_a_zero_byte_is_refused(copy: Callable[[str], Path]) -> None:
    folder = copy("plt_relu")
    config = folder / "config.yaml"
    config.write_text(config.read_text("utf-8") + 'transcoders: ["a\\0b.safetensors"]\n', "utf-8")
    with pytest.raises(UnsupportedTranscoder, match="zero byte"):
        read(folder)


@pytest.mark.parametrize("layer", range(3))
def test_relu_per_layer(layer: int) -> None:
    w, x = _tensors("plt_relu", layer), _x().double()
    expected = (x @ w["W_enc"].T + w["b_enc"]).clamp(min=0) @ w["W_dec"] + w["b_dec"]
    torch.testing.assert_close(_outputs(read(DATA / "plt_relu").layers[layer], _x())[:, 0], expected)


@pytest.mark.parametrize("layer", range(3))
def test_jumprelu_with_skip_weights_stored_as_out_in(layer: int) -> None:
    w, x = _tensors("plt_jump_skip", layer), _x().double()
    pre = x @ w["W_enc"].T + w["b_enc"]
    active = pre * (pre > w["activation_function.threshold"])
    expected = active @ w["W_dec"] + w["b_dec"] + x @ w["W_skip"].T
    torch.testing.assert_close(_outputs(read(DATA / "plt_jump_skip").layers[layer], _x())[:, 0], expected)


@pytest.mark.parametrize("layer", range(3))
def test_topk_keeps_the_sign(layer: int) -> None:
    w, x = _tensors("plt_topk", layer), _x().double()
    pre = x @ w["W_enc"].T + w["b_enc"]
    least = pre.sort(dim=1, descending=True).values[:, 1:2]
    expected = torch.where(pre >= least, pre, 0.0) @ w["W_dec"] + w["b_dec"]
    torch.testing.assert_close(_outputs(read(DATA / "plt_topk").layers[layer], _x())[:, 0], expected)


@pytest.mark.parametrize("layer", range(3))
def test_older_revisions_store_the_decoder_transposed(layer: int) -> None:
    w, x = _tensors("plt_older", layer), _x().double()
    expected = (x @ w["W_enc"].T + w["b_enc"]).clamp(min=0) @ w["W_dec"].T + w["b_dec"]
    torch.testing.assert_close(_outputs(read(DATA / "plt_older").layers[layer], _x())[:, 0], expected)


@pytest.mark.parametrize("layer", range(3))
def test_cross_layer_entry_j_writes_to_the_layer_j_above(layer: int) -> None:
    enc = load_file(DATA / "clt_jump" / f"W_enc_{layer}.safetensors")
    dec = load_file(DATA / "clt_jump" / f"W_dec_{layer}.safetensors")[f"W_dec_{layer}"].double()
    w = {key.rsplit("_", 1)[0]: tensor.double() for key, tensor in enc.items()}
    pre = _x().double() @ w["W_enc"].T + w["b_enc"]
    active = pre * (pre > w["threshold"])
    out = _outputs(read(DATA / "clt_jump").layers[layer], _x())
    assert out.shape[1] == 3 - layer
    for j in range(3 - layer):
        expected = active @ dec[:, j] + (w["b_dec"] if j == 0 else 0)
        torch.testing.assert_close(out[:, j], expected)


def test_the_points_names_and_kinds_are_those_of_config_yaml() -> None:
    sets = {name: read(DATA / name) for name in SETS}
    assert {name: (one.read, one.write) for name, one in sets.items()} == {
        "plt_relu": (ReadPoint.MLP_IN, WritePoint.MLP_OUT),
        "plt_jump_skip": (ReadPoint.NORMALIZED, WritePoint.RESIDUAL),
        "plt_topk": (ReadPoint.RESID_MID, WritePoint.MLP_OUT),
        "plt_older": (ReadPoint.RESID_MID, WritePoint.RESIDUAL),
        "clt_jump": (ReadPoint.RESID_MID, WritePoint.RESIDUAL),
    }
    assert {name: one.kind for name, one in sets.items()} == {
        **dict.fromkeys(SETS, "plt"),
        "clt_jump": "clt",
    }
    assert {one.model_name for one in sets.values()} == {"tiny"}
    assert sets["plt_relu"].origin == "data/plt_relu"
    assert sets["plt_jump_skip"].layers[0].W_enc.dtype == torch.bfloat16


def test_the_fingerprint_follows_the_content(copy: Callable[[str], Path]) -> None:
    folder = copy("plt_relu")
    before = read(folder).sha256
    assert before == read(DATA / "plt_relu").sha256
    _edit(folder / "layer_1.safetensors", lambda held: held["b_dec"].add_(1))
    assert read(folder).sha256 != before


@pytest.mark.parametrize("name", SETS)
def test_what_is_written_reads_the_same(name: str, tmp_path: Path) -> None:
    one = read(DATA / name)
    circuit_tracer.write(one, tmp_path / "out")
    other = read(tmp_path / "out")
    assert (other.read, other.write, other.model_name, other.kind) == (one.read, one.write, "tiny", one.kind)
    for mine, theirs in zip(one.layers, other.layers, strict=True):
        assert torch.equal(_outputs(mine, _x()), _outputs(theirs, _x()))
        assert mine.activation.kind == theirs.activation.kind
        assert mine.W_enc.dtype == theirs.W_enc.dtype


def test_positions_without_features_survive(tmp_path: Path) -> None:
    one = read(DATA / "plt_relu")
    assert one.zero_positions == 1
    circuit_tracer.write(replace(one, zero_positions=0), tmp_path / "none")
    circuit_tracer.write(one, tmp_path / "gemma", "google/gemma-3-4b-it")
    assert read(tmp_path / "none").zero_positions == 0
    assert read(tmp_path / "gemma").zero_positions == 1


def test_gemma_3_instruct_has_four_positions_without_features(copy: Callable[[str], Path]) -> None:
    folder = copy("plt_relu")
    config = folder / "config.yaml"
    config.write_text(config.read_text().replace("tiny", "google/gemma-3-4b-it"))
    assert read(folder).zero_positions == 4


def test_listed_files_are_followed_in_order(copy: Callable[[str], Path]) -> None:
    folder = copy("plt_relu")
    (folder / "sub").mkdir()
    (folder / "layer_0.safetensors").rename(folder / "sub" / "first.safetensors")
    with (folder / "config.yaml").open("a") as config:
        config.write("transcoders: [sub/first.safetensors, layer_1.safetensors]\n")
    assert torch.equal(read(folder).layers[0].W_enc, read(DATA / "plt_relu").layers[0].W_enc)
    assert read(folder).n_layers == 2


def test_a_k_in_the_files_alone_means_topk(copy: Callable[[str], Path]) -> None:
    folder = copy("plt_topk")
    config = folder / "config.yaml"
    config.write_text(config.read_text().replace("activation: topk\nk: 2\n", ""))
    assert read(folder).layers[0].activation == Activation("topk", k=2)


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("model_kind: transcoder_set", "model_kind: saes", "model_kind is 'saes', not one of transcoder_set"),
        ("mlp.hook_in", "hook_elsewhere", "feature_input_hook is “hook_elsewhere”"),
        ("mlp.hook_out", "hook_elsewhere", "feature_output_hook is “hook_elsewhere”"),
        ("feature_input_hook: mlp.hook_in\n", "", "does not say whether its transcoders read"),
        ("model_name: tiny", "model_name: 5", "model_name is 5; a text belongs there"),
        ("scan: plt_relu", "activation: gelu", "activation “gelu”"),
        ("scan: plt_relu", "activation: topk", "does not say how many features its TopK keeps"),
        ("scan: plt_relu", "activation: jumprelu", "lacks the threshold"),
        ("scan: plt_relu", "k: many", "k is 'many'; a whole number"),
        ("scan: plt_relu", "transcoders: ['hf://org/repo/x.safetensors']", "is not on this computer"),
        ("scan: plt_relu", "transcoders: [gone.safetensors]", "gone.safetensors” does not exist"),
        ("scan: plt_relu", "transcoders: 3", "no list of files"),
        ("scan: plt_relu", "scan: !!python/object/apply:os.system ['true']", "not valid YAML"),
        ("scan: plt_relu", "scan: !!timestamp x", "not valid YAML"),
        ("scan: plt_relu", "scan: [", "not valid YAML"),
    ],
)
def test_what_config_yaml_must_say(
    copy: Callable[[str], Path], before: str, after: str, words: str
) -> None:
    config = copy("plt_relu") / "config.yaml"
    text = config.read_text()
    assert before in text
    config.write_text(text.replace(before, after))
    with pytest.raises(LoadError, match=words) as caught:
        read(config.parent)
    assert str(config.parent) in str(caught.value)


def _set(name: str, value: Tensor) -> Edit:
    return lambda held: held.update({name: value})


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (lambda held: held.pop("W_enc"), "lacks the tensor W_enc"),
        (lambda held: held.pop("b_dec"), "lacks the tensor b_dec"),
        (_set("W_enc", torch.ones(4, 7)), r"W_enc has shape \(4, 7\) where \(7, 4\) belongs"),
        (_set("W_dec", torch.ones(7, 5)), r"W_dec has shape \(7, 5\) where \(7, 4\) belongs"),
        (_set("b_enc", torch.ones(1, 7)), r"b_enc has shape \(1, 7\) where one axis belongs"),
        (_set("W_skip", torch.ones(4, 7)), r"W_skip has shape \(4, 7\) where \(4, 4\) belongs"),
        (_set("pre_bias", torch.ones(4)), "also holds pre_bias"),
        (_set("b_enc", torch.full((7,), torch.nan)), "b_enc is not finite in 7 of its 7 values"),
        (_set("W_enc", torch.ones(7, 4, dtype=torch.int8)), "W_enc is stored as I8"),
        (_set("activation_function.threshold", torch.full((7,), -1.0)), "has 7 values below 0"),
        (_set("activation_function.threshold", torch.ones(3)), r"shape \(3,\) where \(7,\) belongs"),
    ],
)
def test_tensors_that_do_not_fit_are_named(copy: Callable[[str], Path], edit: Edit, words: str) -> None:
    file = copy("plt_relu") / "layer_1.safetensors"
    _edit(file, edit)
    with pytest.raises(LoadError, match=words) as caught:
        read(file.parent)
    assert str(file) in str(caught.value)


def test_layers_of_different_width_are_refused(copy: Callable[[str], Path]) -> None:
    folder = copy("plt_relu")
    wide = {"W_enc": torch.ones(7, 5), "W_dec": torch.ones(7, 5), "b_enc": torch.ones(7), "b_dec": torch.ones(5)}
    save_file(wide, folder / "layer_1.safetensors")
    with pytest.raises(UnsupportedTranscoder, match="layer 1 is 5 wide and layer 0 4"):
        read(folder)


@pytest.mark.parametrize(
    ("name", "gone", "words"),
    [
        ("plt_relu", "layer_1.safetensors", "lacks layer_1.safetensors though it goes up to 2"),
        ("plt_relu", "layer_0.safetensors", "lacks layer_0.safetensors"),
        ("clt_jump", "W_enc_2.safetensors", r"2 files W_enc_\* and 3 files W_dec_\*"),
        ("clt_jump", "W_dec_1.safetensors", "lacks W_dec_1.safetensors"),
        ("plt_relu", "config.yaml", "does not say whether its transcoders read"),
    ],
)
def test_missing_files_are_named(copy: Callable[[str], Path], name: str, gone: str, words: str) -> None:
    folder = copy(name)
    (folder / gone).unlink()
    with pytest.raises(UnsupportedTranscoder, match=words):
        read(folder)


def test_a_decoder_for_too_few_layers_is_refused(copy: Callable[[str], Path]) -> None:
    folder = copy("clt_jump")
    _edit(folder / "W_dec_0.safetensors", _set("W_dec_0", torch.ones(7, 2, 4)))
    with pytest.raises(UnsupportedTranscoder, match=r"W_dec_0 has shape \(7, 2, 4\) where \(7, 3, 4\)"):
        read(folder)


def test_truncated_files_are_named(copy: Callable[[str], Path]) -> None:
    file = copy("clt_jump") / "W_dec_1.safetensors"
    file.write_bytes(file.read_bytes()[:-5])
    with pytest.raises(LoadError, match=r"W_dec_1.safetensors” is incomplete"):
        read(file.parent)


def test_folders_without_transcoders_are_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    with pytest.raises(UnsupportedTranscoder, match="does not exist"):
        read(tmp_path / "none")
    with pytest.raises(UnsupportedTranscoder, match="holds no transcoders"):
        read(tmp_path / "file")
    with pytest.raises(UnsupportedTranscoder, match="holds no transcoders"):
        read(tmp_path)


def test_square_transcoders_are_read_as_the_layout_says(tmp_path: Path) -> None:
    W_dec = torch.arange(16.0).reshape(4, 4)
    transcoder = Transcoder(torch.eye(4), torch.zeros(4), W_dec[:, None], torch.zeros(4), Activation("relu"))
    square = TranscoderSet((transcoder,), ReadPoint.MLP_IN, WritePoint.MLP_OUT)
    circuit_tracer.write(square, tmp_path / "square")
    assert torch.equal(read(tmp_path / "square").layers[0].W_dec[:, 0], W_dec)


def test_what_the_layout_cannot_hold_is_not_written(tmp_path: Path) -> None:
    topk, clt = read(DATA / "plt_topk"), read(DATA / "clt_jump")
    first, last = topk.layers[0], topk.layers[1:]
    skip = replace(clt.layers[0], W_skip=torch.eye(4))
    relu, other = Activation("relu"), Activation("topk", k=3)
    added, lowered = Activation("topk", k=2, offset=torch.ones(7)), Activation("relu", offset=torch.full((7,), -0.5))
    cases = {
        "no skip weights across layers": replace(clt, layers=(skip, *clt.layers[1:])),
        "with one k for all": replace(topk, layers=(replace(first, activation=relu), *last)),
        "with one k for all.": replace(topk, layers=(replace(first, activation=other), *last)),
        "TopK per layer only": replace(clt, layers=tuple(replace(one, activation=other) for one in clt.layers)),
        "has no offset that is added to what TopK keeps": replace(
            topk, layers=tuple(replace(one, activation=added) for one in topk.layers)
        ),
        "has no offset that is more negative": replace(topk, layers=(replace(first, activation=lowered),)),
    }
    for words, one in cases.items():
        with pytest.raises(UnsupportedTranscoder, match=words):
            circuit_tracer.write(one, tmp_path / "out")
    assert not list(tmp_path.iterdir())


def _with(one: TranscoderSet, activation: Activation) -> TranscoderSet:
    return replace(one, layers=tuple(replace(layer, activation=activation) for layer in one.layers))


@pytest.mark.parametrize(
    "activation",
    [
        Activation("topk", k=6, rectified=True),
        Activation("relu", offset=torch.linspace(0, 2, 7)),
        Activation("jumprelu", torch.full((7,), 0.5), offset=torch.linspace(-0.5, 1, 7)),
        Activation("jumprelu", torch.tensor(0.5)),
    ],
    ids=["ReLU behind TopK", "offset", "offset behind JumpReLU", "one threshold"],
)
def test_what_the_layout_says_in_other_words_is_written_in_those(activation: Activation, tmp_path: Path) -> None:
    one = _with(read(DATA / "plt_relu"), activation)
    circuit_tracer.write(one, tmp_path / "out")
    for mine, theirs in zip(one.layers, read(tmp_path / "out").layers, strict=True):
        torch.testing.assert_close(_outputs(theirs, _x()), _outputs(mine, _x()))
        assert theirs.activation.rectified is False
        assert theirs.activation.offset is None


def test_a_relu_behind_topk_makes_a_difference_in_that_test() -> None:
    pre = _x() @ read(DATA / "plt_relu").layers[0].W_enc.T
    assert not torch.equal(Activation("topk", k=6)(pre), Activation("topk", k=6, rectified=True)(pre))


def test_writing_is_told_layer_by_layer_and_leaves_nothing_if_it_is_stopped(tmp_path: Path) -> None:
    told = list(circuit_tracer.writing(read(DATA / "clt_jump"), tmp_path / "out"))
    assert [(one.done, one.total, one.text) for one in told] == [(row, 3, f"Writing layer {row}") for row in range(3)]
    work = circuit_tracer.writing(read(DATA / "clt_jump"), tmp_path / "stopped")
    next(work)
    next(work)
    work.close()
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_folder_that_holds_something_is_not_overwritten(copy: Callable[[str], Path]) -> None:
    folder = copy("plt_relu")
    with pytest.raises(SaveError, match="exists already"):
        circuit_tracer.write(read(DATA / "plt_topk"), folder)
    assert read(folder).layers[0].activation.kind == "relu"

"""Names of places in a model: the layer, the place in TransformerLens's words, and whether it can be used."""

from __future__ import annotations

from pathlib import Path

import pytest

from explorer.errors import Unsaid, UnsupportedTranscoder
from explorer.io.transcoders import hooks
from explorer.transcoders.transcoder import ReadPoint, Site, WritePoint

SET = Path("set")


@pytest.mark.parametrize(
    ("name", "layer", "place"),
    [
        ("blocks.3.mlp.hook_in", 3, "mlp.hook_in"),
        ("blocks.11.ln2.hook_normalized", 11, "ln2.hook_normalized"),
        ("model.layers.0.pre_feedforward_layernorm.output", 0, "mlp.hook_in"),
        ("model.language_model.layers.7.post_feedforward_layernorm.output", 7, "hook_mlp_out"),
        ("transformer.h.2.mlp.output", 2, "mlp.hook_out"),
        ("model.layers.25.output", 25, "hook_resid_post"),
        ("hook_resid_mid", None, "hook_resid_mid"),
        ("", None, ""),
    ],
)
def test_a_name_says_layer_and_place(name: str, layer: int | None, place: str) -> None:
    assert hooks.split(name) == (layer, place)


def test_places_become_points() -> None:
    assert hooks.points(SET, "ln2.hook_normalized", "hook_mlp_out") == (ReadPoint.NORMALIZED, WritePoint.RESIDUAL)
    assert hooks.points(SET, "mlp.hook_in", "mlp.hook_out") == (ReadPoint.MLP_IN, WritePoint.MLP_OUT)
    assert hooks.points(SET, "hook_mlp_out", "hook_mlp_out") == (Site.MLP_OUT, Site.MLP_OUT)
    assert hooks.points(SET, "hook_resid_mid", "hook_mlp_out") == (ReadPoint.RESID_MID, WritePoint.RESIDUAL)


@pytest.mark.parametrize(
    ("read", "write", "named"),
    [
        ("attn.hook_q", "hook_mlp_out", "attn.hook_q"),
        ("mlp.hook_in", "hook_resid_post", "hook_resid_post"),
        ("hook_q", "hook_q", "hook_q"),
    ],
)
def test_places_that_are_no_step_of_an_mlp_are_refused(read: str, write: str, named: str) -> None:
    with pytest.raises(UnsupportedTranscoder, match=f"“set” is of “{named}”, which this version does not know"):
        hooks.points(SET, read, write)


def test_a_place_that_is_not_said_or_means_two_things_is_asked() -> None:
    for said in ("", "hook_mlp_in"):
        with pytest.raises(Unsaid) as caught:
            hooks.read_name({}, SET, said)
        assert (caught.value.name, caught.value.choices) == ("read", hooks.READS)
        assert hooks.read_name({"read": "mlp.hook_in"}, SET, said) == "mlp.hook_in"
    assert hooks.read_name({}, SET, "hook_resid_mid") == "hook_resid_mid"
    with pytest.raises(Unsaid, match="does not say whether its transcoders write"):
        hooks.write_name({}, SET, "")
    assert hooks.write_name({"write": "mlp.hook_out"}, SET, "") == "mlp.hook_out"

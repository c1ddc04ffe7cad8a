"""How targets are written on the command line."""

from __future__ import annotations

from typing import Any

import pytest

from explorer.cli.parser import parser
from explorer.cli.targets import targets


def asked(*arguments: str) -> dict[str, Any]:
    chosen = parser().parse_args(["attribute", "m", "--prompt", "p", "-o", "o.circuit", *arguments])
    found = targets(chosen)
    assert (found.pop("pos"), found.pop("max_logits"), found.pop("logit_mass")) == (-1, 10, 0.95)
    return found


@pytest.mark.parametrize(
    ("text", "name", "pos", "weight"),
    [
        ("Austin", "Austin", None, None),
        ("Austin=0.5", "Austin", None, 0.5),
        ("Austin@3", "Austin", 3, None),
        ("Austin@-2=1e-3", "Austin", -2, 1e-3),
        ("a@b", "a@b", None, None),
        ("=", "=", None, None),
        ("==2", "=", None, 2.0),
        ("@3", "@3", None, None),
        ("x=y", "x=y", None, None),
        ("1:2:3@4", "1:2:3", 4, None),
    ],
)
def test_a_token_may_have_a_position_and_a_weight(text: str, name: str, pos: int | None, weight: float | None) -> None:
    placed = {} if pos is None else {"positions": [pos]}
    assert asked("--target", text) == {"kind": "tokens", "texts": [name], "weights": [weight], **placed}


def test_a_feature_comes_with_any_kind() -> None:
    assert asked("--target", "1:2:3=0.5") == {"kind": "features", "features": [[1, 2, 3, 0.5]]}
    both = asked("--target", "1:2:3", "--contrast", "A", "B=2")
    assert both == {"kind": "contrast", "texts": ["A", "B"], "weight": 2.0, "features": [[1, 2, 3, 1.0]]}
    assert asked() == {"kind": "logits"}


def test_kinds_stand_side_by_side() -> None:
    found = asked("--contrast", "A", "B", "--contrast", "C", "D@2=3", "--target", "E@1")
    assert found["kind"] == "several"
    assert found["items"] == [
        {"kind": "tokens", "texts": ["E"], "weights": [None], "positions": [1]},
        {"kind": "contrast", "texts": ["A", "B"]},
        {"kind": "contrast", "texts": ["C", "D"], "pos": 2, "weight": 3.0},
    ]

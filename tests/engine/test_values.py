from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.engine.values import pack, plain, unpack
from explorer.errors import EngineError

keys = st.text(max_size=4)
leaves = st.none() | st.booleans() | st.integers() | st.text() | st.builds(np.arange, st.integers(0, 5))
values = st.recursive(leaves, lambda inner: st.lists(inner) | st.dictionaries(keys, inner), max_leaves=12)


def same(a: object, b: object) -> bool:
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same, a, b))
    return a is b if isinstance(a, np.ndarray) else a == b


@given(values)
def test_arrays_anywhere_among_json_come_back_in_place(value: object) -> None:
    packed, arrays = pack(value)
    assert same(unpack(packed, arrays), value)


def test_both_forms_of_the_engine_see_the_same_values() -> None:
    got = plain({"pair": (1, 2), "share": np.float32(0.5), "count": np.int64(3), "on": np.bool_(True)})
    assert got == {"pair": [1, 2], "share": 0.5, "count": 3, "on": True}
    assert [type(got[name]) for name in ("share", "count", "on")] == [float, int, bool]


@pytest.mark.parametrize("value", [{1: "a"}, {"$array": "0"}, {"a": [object()]}, {"a": b"bytes"}, {"a": {1}}])
def test_what_cannot_cross_is_a_bug_that_names_its_place(value: object) -> None:
    with pytest.raises(TypeError, match="value"):
        pack(value)


def test_a_message_that_lacks_an_array_is_damaged() -> None:
    with pytest.raises(EngineError, match="lacks its array"):
        unpack({"graph": {"$array": "3"}}, {})

"""The evidence that the sample comes with: its labels name the states that its features tell."""

from __future__ import annotations

import pytest

from sample_models.training.us_cities import files
from sample_models.training.us_cities.features import FOLDER, named_states


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "least"), [("plt", 21), ("clt", 19)])
def test_nine_of_ten_states_that_a_feature_tells_are_named_by_its_label(kind: str, least: int) -> None:
    assert kind in files.KINDS
    states = named_states(FOLDER, kind)
    assert len(states) >= least
    assert sum(states.values()) >= 0.9 * len(states)

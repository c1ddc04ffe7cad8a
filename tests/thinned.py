"""Cases of a large product, of which the quick suite tries some; ``make test-all`` tries every one."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from _pytest.mark.structures import ParameterSet


def thinned(cases: Iterable[object], every: int) -> list[ParameterSet]:
    """One in ``every`` case as it is, the others marked slow.

    Of a product it keeps each value of each factor if ``every`` has no divisor in common with their numbers.
    """
    return [pytest.param(case, marks=[pytest.mark.slow] * (number % every > 0)) for number, case in enumerate(cases)]

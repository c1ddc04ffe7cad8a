"""The words for shapes are checked under test, and cost nothing elsewhere."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import jaxtyping
import numpy as np
import pytest

from explorer.models.head_scores import previous_token

ROOT = Path(__file__).parent.parent


def test_under_test_an_array_of_another_shape_is_refused() -> None:
    assert previous_token(np.eye(3, k=-1)) == 1.0
    with pytest.raises(jaxtyping.TypeCheckError, match="query key"):
        previous_token(np.zeros(3))


def test_elsewhere_they_are_the_array_alone_and_jaxtyping_is_not_imported() -> None:
    code = (
        "import sys, numpy; from explorer.shapes import Float, Int; "
        "print(Float[numpy.ndarray, 'a b'] is Int[numpy.ndarray, 'a'] is numpy.ndarray, 'jaxtyping' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["True", "False"]

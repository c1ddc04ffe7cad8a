"""The words for the shapes of arrays in annotations: jaxtyping's where types are checked, under test and by mypy.

Elsewhere the same words mean the array alone: importing jaxtyping takes a tenth of the time until the window is there.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING or "jaxtyping" in sys.modules:  # pytest's plugin has imported it (pyproject.toml)
    from jaxtyping import Bool, Float, Int, UInt
else:

    class Bool:
        """``Bool[np.ndarray, "rows columns"]`` is ``np.ndarray``."""

        def __class_getitem__(cls, array_and_shape: tuple[Any, str]) -> Any:
            return array_and_shape[0]

    Float = Int = UInt = Bool

__all__ = ["Bool", "Float", "Int", "UInt"]

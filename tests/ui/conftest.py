"""The tests of the window share one engine process for each command; what kills it gets another."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from explorer.engine import client
from tests.ui.kept_engine import Kept


@pytest.fixture(scope="session")
def kept_engine() -> Generator[Kept]:
    kept = Kept()
    yield kept
    kept.close()


@pytest.fixture(scope="module", autouse=True)
def engines_are_kept(kept_engine: Kept) -> Generator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(client, "Child", kept_engine)
        yield

"""A graph JSON of 200 MB opens whole, in little memory, and says on the way how far it is."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from benchmarks.graph_json import imported, write
from explorer.io.graphs import reading


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is measured as Linux counts it")
def test_two_hundred_megabytes_open_in_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "large.json"
    n_links = write(path, 200_000_000)
    found = imported(path)
    assert found["MB of the file"] >= 200
    assert found["links"] == n_links > 2_000_000
    assert found["peak MB"] < 600  # 1,500 are allowed; measured: 290
    assert found["steps of progress"] > 90


def test_progress_goes_from_the_first_megabyte_to_the_last_and_may_stop_anywhere(tmp_path: Path) -> None:
    path = tmp_path / "large.json"
    write(path, 8_000_000, n_features=1500)
    size = path.stat().st_size // 1_000_000
    steps = list(reading(path))[2:-1]
    assert [step.total for step in steps] == [size] * len(steps)
    assert [step.done for step in steps] == sorted({step.done for step in steps})
    assert len(steps) >= 4
    assert steps[-1].done >= size - 2
    work = reading(path)
    for _ in range(4):
        next(work)
    work.close()
    path.unlink()

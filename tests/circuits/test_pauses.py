"""Between two pauses lies the work of one layer of one chunk: neither more layers nor more rows make it longer."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from explorer.circuits.attribution import attribute
from explorer.circuits.expansion import attribute_strongest
from explorer.circuits.replacement import replace_locally
from explorer.work import Progress, run
from tests import tiny

PRODUCTS = {"mm", "bmm", "addmm", "baddbmm", "addbmm"}


class Counted(TorchDispatchMode):
    """Counts what torch computes: numbers made, times the length of the sums in them; ``pause`` notes the count."""

    def __init__(self) -> None:
        super().__init__()
        self.cost = 0
        self.pauses = [0]

    def pause(self) -> None:
        self.pauses.append(self.cost)

    @property
    def largest(self) -> int:
        return max(after - before for before, after in zip(self.pauses, [*self.pauses[1:], self.cost], strict=True))

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        made = func(*args, **(kwargs or {}))
        name = func.__name__.partition(".")[0]
        length = args[-1].shape[-2] if name in PRODUCTS else 1
        for tensor in made if isinstance(made, list | tuple) else (made,):
            if isinstance(tensor, torch.Tensor) and not func.is_view:
                self.cost += math.prod(tensor.shape) * length
        return made


def counted(kind: str, k: int, n_layers: int, per_layer: int = 13) -> Counted:
    """A run from the captured pass to the graph."""
    model = tiny.model("gpt2", n_layer=n_layers)
    trace, held = model.run(tiny.PROMPT), tiny.transcoders(model, kind, d_transcoder=per_layer)
    logits = tiny.logits(model, trace)

    def report(progress: Progress) -> None:
        count.pause()
        if progress.partial is not None:
            progress.partial()

    with Counted() as count:
        local = replace_locally(model, trace, held, torch.float32, count.pause)
        local.fidelity(count.pause)
        more: dict[str, Any] = {"chunk_rows": 20, "pause": count.pause}
        run(attribute_strongest(local, logits, k, **more) if k else attribute(local, logits, **more), report)
    return count


@pytest.mark.parametrize("k", [0, 40])
@pytest.mark.parametrize("kind", ["plt", "clt"])
def test_more_layers_make_a_run_longer_and_no_step_of_it(kind: str, k: int) -> None:
    few, many = counted(kind, k, 3), counted(kind, k, 9)
    assert many.cost > 3.5 * few.cost
    assert many.largest < 1.5 * few.largest
    assert many.largest < many.cost / 30


def test_more_rows_make_a_run_longer_and_no_step_of_it() -> None:
    few, many = counted("plt", 0, 3, 13), counted("plt", 0, 3, 52)
    assert many.cost > 4 * few.cost
    assert many.largest < 1.5 * few.largest

"""Building: reading text through model and transcoders until all of it is collected, here or on workers."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from explorer.engine.jobs.shards import Reading, Shard, Workers, shards, spread
from explorer.engine.state import EngineState
from explorer.features.statistics import Keeping
from explorer.io import feature_build
from explorer.io import texts as text_files
from explorer.work import Progress, Work

if TYPE_CHECKING:
    from explorer.features.collected import Collected
    from explorer.features.windows import Batch
    from explorer.models.loader import LanguageModel
    from explorer.transcoders.transcoder import TranscoderSet


@dataclass(frozen=True)
class Text:
    """The text as it is asked for: files, whether lines are documents, the most tokens, the context."""

    files: tuple[Path, ...]
    lines: bool
    limit: int
    context: int

    def batches(self, model: LanguageModel) -> Iterator[Batch]:
        from explorer.features.windows import batches

        assert model.tokenizer is not None
        front = model.tokenizer.front
        special = () if front is None else (front[0],)
        found = text_files.pieces(self.files, lines=self.lines)
        return batches(found, model.tokenizer.plain, special, self.context, self.limit)


@dataclass(frozen=True, eq=False)
class Building:
    """What an index is made of, the ``folder`` it is made in, and how many batches are a ``shard``.

    ``stamp`` tells whether an unfinished index in the folder is of the same.
    """

    model: LanguageModel
    transcoders: TranscoderSet
    text: Text
    keeping: Keeping
    folder: Path
    stamp: str
    shard: int

    def begun(self) -> tuple[Collected, bool]:
        """What was collected before, or nothing; and whether there was something."""
        from explorer.features.collected import Collected

        if feature_build.prepare(self.folder, self.stamp) is None:
            return Collected.empty(self.model, self.transcoders, self.keeping), False
        return feature_build.resumed(self.folder, self.transcoders.n_layers), True

    def missing(self, made: Collected) -> Iterator[Shard]:
        """What of the text is not in ``made``."""
        return shards(self.text.batches(self.model), made.done, self.shard)

    def save(self, made: Collected) -> None:
        """Keep ``made``, so that a restart goes on from it."""
        feature_build.save(self.folder, made, self.stamp)


def collect(state: EngineState, building: Building, made: Collected) -> Work[None]:
    """Read what is missing in ``made`` here."""
    pace = _Pace(building.text, made)
    for shard in building.missing(made):
        for batch in shard.batches:
            yield pace.progress("Reading text", batch.read)
            made.take(building.model, building.transcoders, batch, state.raise_if_stopped)
        building.save(made)


def collect_on(workers: Workers, reading: Reading, building: Building, made: Collected) -> Work[None]:
    """The same on ``workers``, in whatever order they end."""
    pace, missing = _Pace(building.text, made), building.missing(made)
    first = next(missing, None)
    if first is None:
        return
    read = first.start
    with closing(spread(workers, reading, chain([first], missing))) as found:
        for ended in found:
            for shard, part in ended:
                made.take_in(part)
                read += shard.size
            if ended:
                building.save(made)
            n = workers.count()
            yield pace.progress(f"Reading text on {n} worker{'' if n == 1 else 's'}", read)


class _Pace:
    """How fast text is read since this was made."""

    def __init__(self, text: Text, made: Collected) -> None:
        self._text, self._made, self._before = text, made, made.n_tokens
        self._total = text.limit or text_files.size(text.files)
        self._started = time.monotonic()

    def progress(self, what: str, read: int) -> Progress:
        """``read``: bytes of the text until now."""
        rate = (self._made.n_tokens - self._before) / max(time.monotonic() - self._started, 1e-9)
        done = self._made.n_tokens if self._text.limit else read
        return Progress(min(done, self._total), self._total, f"{what} ({rate:,.0f} tokens/s)" if rate else what)

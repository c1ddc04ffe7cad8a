"""The files of an index while it is made: what is collected so far, and the parts that it is written in.

``building.safetensors`` holds what was collected of whole shards, and of which batches, and is replaced at each shard's
end, so whoever starts again reads only what is missing; it goes when index.json is there.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from explorer.errors import LoadError, SaveError
from explorer.features.kept import Kept
from explorer.features.keys import EMPTY
from explorer.features.spans import Spans
from explorer.features.statistics import LayerStatistics
from explorer.features.windows import Batch
from explorer.io import arrays, atomic
from explorer.io.feature_index import HEAD, TOKENS, WINDOWS, dumped

if TYPE_CHECKING:
    from explorer.features.collected import Collected

BUILDING = "building.safetensors"


def prepare(folder: Path, stamp: str) -> Mapping[str, Any] | None:
    """Make ``folder``, or find in it what an earlier build with the same ``stamp`` collected (resumed).

    SaveError if something else is there.
    """
    atomic.make_folder(folder)
    atomic.check_writable(folder / HEAD)
    if (folder / HEAD).exists():
        raise SaveError(f"“{folder}” holds an index already; choose a folder that does not exist, or an empty one.")
    if not (folder / BUILDING).exists():
        strange = [file.name for file in folder.iterdir() if not file.name.endswith(".tmp")]
        if strange:
            raise SaveError(f"“{folder}” holds other files ({strange[0]}); choose a folder that does not exist.")
        return None
    found = arrays.ArrayFile(folder / BUILDING, {"token_windows": ("I64", 1)})
    if found.metadata.get("stamp") != stamp:
        raise SaveError(
            f"“{folder}” holds an unfinished index of another model, text or setting; delete it, or choose another."
        )
    return found.metadata


def resumed(folder: Path, n_layers: int) -> Collected:
    """What was collected of whole shards."""
    from explorer.features.collected import Collected

    found = arrays.ArrayFile(folder / BUILDING, {"token_windows": ("I64", 1)})
    try:
        counts = json.loads(found.metadata["counts"])
        done = Spans(tuple((int(start), int(stop)) for start, stop in json.loads(found.metadata["done"])))
        held = {name: found.all(name) for name in found.header.tensors}
        return Collected.of_arrays(held, counts, done, n_layers)
    except (KeyError, TypeError, ValueError) as error:
        raise LoadError(f"“{folder / BUILDING}” is damaged; delete “{folder}” and build again.") from error


def save(folder: Path, collected: Collected, stamp: str) -> None:
    """Keep what is ``collected``; SaveError, and what was kept before stays, if the disk is full."""
    said = {"stamp": stamp, "counts": json.dumps(collected.counts), "done": json.dumps(collected.done.runs)}
    arrays.write(folder / BUILDING, collected.arrays, said)


def used_windows(layers: Sequence[LayerStatistics]) -> np.ndarray:
    """The windows that any example is from, rising."""
    keys = [np.unique(kept.key[kept.key != EMPTY] & 0xFFFFFFFF) for one in layers for kept in (one.top, one.random)]
    return np.unique(np.concatenate(keys))


def write_layer(folder: Path, one: LayerStatistics, used: np.ndarray, more: Mapping[str, np.ndarray]) -> None:
    """Write the layer's file: rows of the features that are ever active, ``more`` arrays with one row for each."""
    alive = np.flatnonzero(one.active)
    row = np.full(len(one.active), -1, np.int32)
    row[alive] = np.arange(len(alive))
    made: dict[str, np.ndarray] = {"row": row, **more}
    for name in ("active", "windows", "negative", "total", "maximum", "minimum", "histogram"):
        made[name] = getattr(one, name)[alive]
    for name, kept in (("top", one.top), ("random", one.random)):
        made |= {f"{name}.{part}": array for part, array in _examples(kept, alive, used).items()}
    del made["random.others"]
    first, made["histogram"] = trimmed(made["histogram"])
    arrays.write(folder / f"layer_{one.layer}.safetensors", made, {"first_bin": str(first)})


def trimmed(histogram: np.ndarray) -> tuple[int, np.ndarray]:
    """The bins between the first and the last that any feature fills, and the number of the first."""
    filled = np.flatnonzero(histogram.any(0))
    first, stop = (int(filled[0]), int(filled[-1]) + 1) if len(filled) else (0, 0)
    return first, np.ascontiguousarray(histogram[:, first:stop])


def _examples(kept: Kept, alive: np.ndarray, used: np.ndarray) -> dict[str, np.ndarray]:
    own = Kept(*(array[alive] for array in kept.arrays.values())).sorted()
    there = own.key != EMPTY
    window = np.where(there, np.searchsorted(used, own.key & 0xFFFFFFFF), -1).astype(np.int32)

    def cleared(array: np.ndarray, nothing: int) -> np.ndarray:
        """Places without an example hold nothing, whatever was there."""
        keep = there.reshape(*there.shape, *[1] * (array.ndim - 2))
        return np.where(keep, array, np.array(nothing, array.dtype))

    return {
        "window": window,
        "value": cleared(own.value, 0),
        "peak": cleared(own.peak, -1),
        "around": cleared(own.around, 0),
        "others": cleared(own.others, -1),
    }


def write_windows(folder: Path, text: Callable[[], Iterable[Batch]], used: np.ndarray, context: int) -> None:
    """Write the ``used`` windows of the text; LoadError if the text is not the one that was read before.

    ``text`` is read twice, so that the tokens of no more than a batch are held.
    """
    shape = (len(used),)
    small = {"number": used.astype(np.int64), "start": np.zeros(shape, np.int64)}
    small |= {name: np.zeros(shape, np.int32) for name in ("document", "length")}
    for at, batch, rows in _batches_of(text(), used):
        for name in ("start", "document", "length"):
            small[name][at] = getattr(batch, name)[rows]
    changed = LoadError("The text changed while it was read; build the index again in another folder.")
    if (small["length"] == 0).any():
        raise changed
    shapes: dict[str, tuple[np.dtype[Any], tuple[int, ...]]] = {name: (a.dtype, a.shape) for name, a in small.items()}
    shapes["ids"] = (np.dtype(np.int32), (len(used), context))

    def ids() -> Iterator[np.ndarray]:
        n_written = 0
        for _, batch, rows in _batches_of(text(), used):
            yield np.asarray(batch.ids[rows], np.int32)
            n_written += len(rows)
        if n_written != len(used):
            raise changed

    before, behind = ("number", "start", "document"), ("length",)
    parts = chain((small[name] for name in before), ids(), (small[name] for name in behind))
    arrays.write_parts(folder / WINDOWS, shapes, parts)


def _batches_of(batches: Iterable[Batch], used: np.ndarray) -> Iterator[tuple[slice, Batch, np.ndarray]]:
    """Where in ``used`` windows of each batch stand, the batch, and their rows in it."""
    for batch in batches:
        start, stop = np.searchsorted(used, [batch.first, batch.first + len(batch.length)])
        if start < stop:
            yield slice(start, stop), batch, used[start:stop] - batch.first


def write_tokens(folder: Path, texts: Sequence[str]) -> None:
    """Write the text of every token."""
    data = [text.encode("utf-8", "replace") for text in texts]
    arrays.write(folder / TOKENS, arrays.strings(data))


def write_head(folder: Path, head: Mapping[str, Any]) -> None:
    """Write index.json, which makes the index whole, and remove what the build kept."""
    atomic.write(folder / HEAD, dumped(head))
    try:
        (folder / BUILDING).unlink(missing_ok=True)
    except OSError as error:
        raise SaveError(atomic.sentence(folder / BUILDING, error)) from error

"""FeatureIndex: the evidence of every feature of a set, on disk; one feature is read at a time.

    index.json              of which model, transcoders and text, with which settings; written last
    layer_L.safetensors     for each feature of layer L its row, and one row for each that is ever active
    windows.safetensors     the token ids of the windows that examples are from
    tokens.safetensors      the text of every token
    labels_L.safetensors    automatic labels (explorer.io.feature_labels)

Opening reads index.json and headers alone; arrays are read where they lie in their files.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.errors import GraphError, LoadError
from explorer.features.evidence import Evidence, Example, Weighed, banded, folded
from explorer.features.kept import BEFORE, SPAN
from explorer.features.keys import N_BINS
from explorer.features.statistics import UNIT
from explorer.io import json_stream
from explorer.io.arrays import STRINGS, ArrayFile
from explorer.io.magic import unreadable

FORMAT, VERSION = "circuit-explorer features", 1
HEAD, WINDOWS, TOKENS = "index.json", "windows.safetensors", "tokens.safetensors"
MAX_HEAD = 20_000_000
EXAMPLES = {"value": ("F32", 2), "window": ("I32", 2), "peak": ("I16", 2), "around": ("F16", 3)}
LAYER: Mapping[str, tuple[str, int]] = {
    "row": ("I32", 1), "active": ("I64", 1), "windows": ("I64", 1), "negative": ("I64", 1), "total": ("I64", 1),
    "maximum": ("F32", 1), "minimum": ("F32", 1), "histogram": ("U32", 2), "norms": ("F32", 2),
    "top.others": ("I32", 3), **{f"{kind}.{name}": of for kind in ("top", "random") for name, of in EXAMPLES.items()},
}  # fmt: skip
LISTS = ("logits.top", "logits.bottom", "reads")


@dataclass(eq=False)
class FeatureIndex:
    """The index in ``folder``; ``head`` is its index.json. LoadError where files are damaged."""

    folder: Path
    head: Mapping[str, Any]
    _files: dict[str, ArrayFile] = field(default_factory=dict)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Features by layer."""
        return tuple(self.head["transcoders"]["d_transcoder"])

    @property
    def n_tokens(self) -> int:
        """Positions of the text at which features were counted."""
        return int(self.head["text"]["counted"])

    def layer(self, layer: int) -> ArrayFile:
        """The arrays of ``layer``; GraphError if there is no such layer."""
        if not 0 <= layer < len(self.sizes):
            last = len(self.sizes) - 1
            raise GraphError(f"The index “{self.folder}” has layers 0 to {last}; {layer} is none of them.")
        return self._file(f"layer_{layer}.safetensors", LAYER)

    def row(self, layer: int, feature: int) -> int:
        """Where the numbers of a feature stand in its layer's arrays, -1 if it is never active; GraphError."""
        held = self.layer(layer)
        if not 0 <= feature < self.sizes[layer]:
            raise GraphError(f"Layer {layer} has features 0 to {self.sizes[layer] - 1}; {feature} is none of them.")
        return int(held.rows("row", feature, feature + 1)[0])

    def frequencies(self, layer: int, features: NDArray[np.integer[Any]]) -> NDArray[np.float64]:
        """The share of tokens on which each of ``features`` of ``layer`` is active."""
        held = self.layer(layer)
        active = np.append(held.all("active"), 0)  # row -1 is that of features that are never active
        found: NDArray[np.float64] = active[held.all("row")[features]] / max(self.n_tokens, 1)
        return found

    def evidence(self, layer: int, feature: int) -> Evidence:
        """All there is to ``feature`` of ``layer``."""
        row = self.row(layer, feature)
        if row < 0:
            return Evidence(layer, feature, 0, 0, 0, 0.0, 0.0, 0.0, 0.0)
        held = self.layer(layer)

        def one(name: str) -> Any:
            return held.rows(name, row, row + 1)[0]

        active = int(one("active"))
        others = one("top.others")
        counts = zip(*np.unique(others[others >= 0], return_counts=True), strict=True)
        together = sorted(((int(who), int(count)) for who, count in counts), key=lambda pair: (-pair[1], pair[0]))
        lists = {name: self._listed(held, name, row) for name in LISTS}
        return Evidence(
            layer, feature, active, int(one("windows")), int(one("negative")),
            frequency=active / max(self.n_tokens, 1),
            maximum=float(one("maximum")), minimum=float(one("minimum")), mean=int(one("total")) / UNIT / active,
            histogram=_all_bins(one("histogram"), held),
            top=folded([example for _, example in self._examples(held, "top", row)]),
            bands=banded(self._examples(held, "random", row)),
            top_logits=lists["logits.top"], bottom_logits=lists["logits.bottom"], reads=lists["reads"],
            norms=tuple(map(float, one("norms"))), together=tuple(together[:10]),
        )  # fmt: skip

    def text(self, token: int) -> str:
        """What a token reads as."""
        file = self._file(TOKENS, STRINGS)
        if not 0 <= token < file.header.tensors["offsets"].shape[0] - 1:
            return f"<{token}>"
        return file.string(token).decode("utf-8", "replace")

    def texts(self) -> list[str]:
        """The texts of all tokens."""
        return [text.decode("utf-8", "replace") for text in self._file(TOKENS, STRINGS).strings()]

    @property
    def windows(self) -> ArrayFile:
        """Windows that examples are from: ``ids`` [window, context], and of each ``length``, ``document``,
        ``start`` and ``number`` in the text."""
        wanted = {"ids": ("I32", 2), "length": ("I32", 1), "document": ("I32", 1)}
        return self._file(WINDOWS, {**wanted, "start": ("I64", 1), "number": ("I64", 1)})

    def _listed(self, held: ArrayFile, name: str, row: int) -> tuple[Weighed, ...]:
        if f"{name}.token" not in held:
            return ()
        tokens, values = (held.rows(f"{name}.{part}", row, row + 1)[0] for part in ("token", "value"))
        return tuple(Weighed(int(t), self.text(int(t)), float(v)) for t, v in zip(tokens, values, strict=True))

    def _examples(self, held: ArrayFile, kind: str, row: int) -> list[tuple[float, Example]]:
        parts = [held.rows(f"{kind}.{name}", row, row + 1)[0] for name in ("window", "peak", "value", "around")]
        return [
            (float(value), self._example(int(window), int(peak), around, float(value)))
            for window, peak, value, around in zip(*parts, strict=True)
            if window >= 0
        ]

    def _example(self, window: int, peak: int, around: NDArray[Any], value: float) -> Example:
        ids, length, document, start = (
            self.windows.rows(name, window, window + 1)[0] for name in ("ids", "length", "document", "start")
        )
        n_special = int(self.head["text"]["n_special"])
        first, stop = max(0, peak - BEFORE), min(int(length), peak - BEFORE + SPAN)
        shown = [float(one) for one in around[first - (peak - BEFORE) : stop - (peak - BEFORE)]]
        shown[peak - first] = value
        tokens = tuple(self.text(int(token)) for token in ids[first:stop])
        return Example(int(document), int(start) + peak - n_special, tokens, tuple(shown), peak - first)

    def _file(self, name: str, wanted: Mapping[str, tuple[str, int]]) -> ArrayFile:
        if name not in self._files:
            self._files[name] = ArrayFile(self.folder / name, wanted)
        return self._files[name]


def open_index(folder: Path) -> FeatureIndex:
    """The index in ``folder``; LoadError if it is none, unfinished or of another version."""
    path = folder / HEAD
    try:
        if not path.is_file() and folder.is_dir() and any(folder.glob("building*")):
            raise LoadError(f"“{folder}” is unfinished; run features build with the same arguments again.")
        if path.is_file() and path.stat().st_size > MAX_HEAD:
            raise LoadError(f"“{path}” is no index of features; pick another folder.")
        head = json_stream.loads(path.read_bytes())
    except OSError as error:
        raise LoadError(unreadable(path, error)) from error
    except json_stream.NotJson as error:
        raise LoadError(f"“{path}” is damaged; copy it again, or make the index again.") from error
    if not isinstance(head, dict) or head.get("format") != FORMAT:
        raise LoadError(f"“{path}” is no index of features; pick another folder.")
    if head.get("version") != VERSION:
        raise LoadError(f"“{folder}” is of version {head.get('version')} and {VERSION} is read here; make it again.")
    if not _whole(head):
        raise LoadError(f"“{path}” is damaged; copy it again, or make the index again.")
    return FeatureIndex(folder, head)


def _all_bins(counts: NDArray[Any], held: ArrayFile) -> tuple[int, ...]:
    """``counts`` with the empty bins that were left out on both sides."""
    first = held.metadata.get("first_bin", "0")
    before = min(int(first), N_BINS) if first.isdecimal() else 0
    return tuple([0] * before + [int(count) for count in counts] + [0] * N_BINS)[:N_BINS]


def _whole(head: Mapping[str, Any]) -> bool:
    parts = [head.get(name) for name in ("model", "transcoders", "text", "settings")]
    if not all(isinstance(part, dict) for part in parts):
        return False
    sizes, text = head["transcoders"].get("d_transcoder"), head["text"]
    counts = [text.get("counted"), text.get("n_special"), *(sizes if isinstance(sizes, list) else [None])]
    return all(type(count) is int and count >= 0 for count in counts)


def dumped(head: Mapping[str, Any]) -> bytes:
    """index.json for ``head``."""
    return json.dumps(head, indent=1, ensure_ascii=False).encode() + b"\n"

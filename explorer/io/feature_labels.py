"""Labels of an index: automatic ones, those of other tools, and the user's own, each in a file of its own.

    labels_L.safetensors    automatic ones of layer L for each feature that is ever active: the text, and a
                            packed JSON record of its evidence
    held_out.safetensors    the windows they are scored on
    imported.json           {"layer:feature": text} from other tools
    own.json                {"layer:feature": text} by the user, who always wins
"""

from __future__ import annotations

import json
import unicodedata
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from explorer.circuits.graph import Graph, NodeKey, NodeKind
from explorer.errors import LoadError
from explorer.features.evidence import Evidence
from explorer.io import arrays, atomic, json_stream
from explorer.io.arrays import STRINGS, ArrayFile
from explorer.io.feature_index import FeatureIndex
from explorer.io.magic import unreadable

HELD_OUT, OWN, IMPORTED = "held_out.safetensors", "own.json", "imported.json"
WANTED = {**STRINGS, "record.bytes": ("U8", 1), "record.offsets": ("I64", 1)}
MAX_LIST = 200_000_000
MAX_RECORD = 1_000_000
RECORD = "record."


@dataclass(eq=False)
class Labels:
    """The labels of ``index``."""

    index: FeatureIndex
    _lists: dict[str, dict[str, str]] = field(default_factory=dict)
    _files: dict[int, ArrayFile | None] = field(default_factory=dict)

    def record(self, layer: int, feature: int) -> dict[str, Any] | None:
        """The label that counts, with ``text`` and ``source`` (own, imported, auto); the automatic one in any case.

        None if there is none at all.
        """
        auto = self.automatic(layer, feature)
        for source, name in (("own", OWN), ("imported", IMPORTED)):
            text = self.listed(name).get(f"{layer}:{feature}")
            if text is not None:
                return {**(auto or {}), "text": text, "source": source, "auto": (auto or {}).get("text", "")}
        return None if auto is None else {**auto, "source": "auto"}

    def text(self, layer: int, feature: int) -> str:
        """The text of the label that counts, "" without one; quicker than its record."""
        key = f"{layer}:{feature}"
        listed = self.listed(OWN).get(key) or self.listed(IMPORTED).get(key)
        if listed:
            return listed
        file, row = self._file(layer), self.index.row(layer, feature)
        return "" if file is None or row < 0 else file.string(row).decode("utf-8", "replace")

    def texts(self, layer: int) -> dict[int, str]:
        """The same for every feature of ``layer`` that has a label."""
        features = (self.index.layer(layer).all("row") >= 0).nonzero()[0].tolist()
        found = {feature: text for feature, text in zip(features, self.automatic_texts(layer), strict=False) if text}
        for name in (IMPORTED, OWN):
            places = ((*key.split(":"), text) for key, text in self.listed(name).items())
            found |= {int(feature): text for where, feature, text in places if int(where) == layer}
        return found

    def automatic(self, layer: int, feature: int) -> dict[str, Any] | None:
        """The automatic label's record: text, tags, rules with their evidence and scores."""
        file, row = self._file(layer), self.index.row(layer, feature)
        if file is None or row < 0:
            return None
        found = _unpacked(file, row)
        return found if found.get("text") else None

    def records(self, layer: int) -> list[dict[str, Any]]:
        """The records of the automatic labels of all features of ``layer`` that are ever active, by row."""
        file = self._file(layer)
        n_rows = int((self.index.layer(layer).all("row") >= 0).sum())
        if file is None:
            return [{"text": "", "tags": [], "rules": []} for _ in range(n_rows)]
        return [_unpacked(file, row) for row in range(n_rows)]

    def automatic_texts(self, layer: int) -> list[str]:
        """The automatic labels of all features of ``layer`` that are ever active, by row."""
        file = self._file(layer)
        if file is None:
            return []
        return [text.decode("utf-8", "replace") for text in file.strings()]

    def listed(self, name: str) -> dict[str, str]:
        """The labels in imported.json or own.json."""
        if name not in self._lists:
            self._lists[name] = _listed(self.index.folder / name)
        return self._lists[name]

    def keep(self, name: str, labels: Mapping[str, str]) -> None:
        """Add ``labels`` to imported.json or own.json, each in one line; an empty text takes a label away."""
        new = {key: _line(text) for key, text in labels.items()}
        held = {key: text for key, text in {**self.listed(name), **new}.items() if text}
        data = json.dumps(dict(sorted(held.items(), key=_order)), indent=0, ensure_ascii=False).encode()
        atomic.write(self.index.folder / name, data)
        self._lists[name] = held

    def _file(self, layer: int) -> ArrayFile | None:
        if layer not in self._files:
            path = self.index.folder / f"labels_{layer}.safetensors"
            self._files[layer] = ArrayFile(path, WANTED) if path.is_file() else None
        return self._files[layer]


def names(labels: Labels, graph: Graph) -> dict[NodeKey, str]:
    """What ``labels`` call the features of ``graph``, of those that they call anything; LoadError if damaged."""
    block = graph.block(NodeKind.FEATURE)
    keys = [graph.key(node) for node in range(block.start, block.stop)]
    texts = {layer: labels.texts(layer) for layer in {key.layer for key in keys}}
    named = {key: texts[key.layer].get(key.feature, "") for key in keys}
    return {key: text for key, text in named.items() if text}


def labelled(labels: Labels, evidence: Evidence) -> Evidence:
    """``evidence`` with its label."""
    return replace(evidence, label=labels.record(evidence.layer, evidence.feature))


def write(folder: Path, layer: int, records: Sequence[Mapping[str, Any]]) -> None:
    """Write the automatic labels of ``layer``, one record for each of its rows."""
    packed = [zlib.compress(json.dumps(one, ensure_ascii=False).encode(), 9) for one in records]
    texts = arrays.strings([str(one["text"]).encode() for one in records])
    arrays.write(folder / f"labels_{layer}.safetensors", texts | arrays.strings(packed, RECORD))


def _unpacked(file: ArrayFile, row: int) -> dict[str, Any]:
    """The record in ``row``; LoadError if it is damaged."""
    unpacked = zlib.decompressobj()
    try:
        found = json_stream.loads(unpacked.decompress(file.string(row, RECORD), MAX_RECORD))
    except (zlib.error, json_stream.NotJson) as error:
        raise LoadError(f"“{file.path}” is damaged; label the index again.") from error
    if not isinstance(found, dict):
        raise LoadError(f"“{file.path}” is damaged; label the index again.")
    return found


def _line(text: str) -> str:
    """``text`` in one line, without control characters and lone surrogates, which no file in UTF-8 may hold."""
    plain = (letter if unicodedata.category(letter) not in ("Cc", "Cs") else " " for letter in text)
    return " ".join("".join(plain).split())


def _order(pair: tuple[str, str]) -> tuple[int, ...]:
    return tuple(map(int, pair[0].split(":")))


def _listed(path: Path) -> dict[str, str]:
    try:
        if not path.is_file():
            return {}
        found = json_stream.loads(path.read_bytes()) if path.stat().st_size < MAX_LIST else None
    except OSError as error:
        raise LoadError(unreadable(path, error)) from error
    except json_stream.NotJson as error:
        raise LoadError(f"“{path}” is damaged; correct it, or remove it.") from error
    if not isinstance(found, dict) or not all(_names(key) and isinstance(text, str) for key, text in found.items()):
        raise LoadError(f"“{path}” is no list of labels by layer:feature; correct it, or remove it.")
    return found


def _names(key: str) -> bool:
    layer, colon, feature = key.partition(":")
    return bool(colon) and layer.isdecimal() and feature.isdecimal()

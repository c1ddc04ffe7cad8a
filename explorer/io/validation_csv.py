"""A validation as a table: one row for each thing that was tested, then the circuit, its controls and the layers."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import astuple, fields
from pathlib import Path

from explorer.circuits.layer_faithfulness import LayerFaithfulness
from explorer.io import atomic
from explorer.session.validation import Effect, Validation

COLUMNS = tuple(field.name for field in fields(Effect))
LAYER_COLUMNS = tuple(field.name for field in fields(LayerFaithfulness))


def write_csv(found: Validation, path: Path) -> None:
    """Write the effects to ``path``, a table with one header; SaveError says why not. Unknown values are empty."""
    atomic.write(path, _text(COLUMNS, (_cells(one) for one in found.effects)))


def write_layers_csv(found: Validation, path: Path) -> None:
    """Write how the replacement model answered, layer by layer."""
    atomic.write(path, _text(LAYER_COLUMNS, (astuple(row) for row in found.layers)))


def _cells(one: Effect) -> Iterator[object]:
    for value in astuple(one):
        if isinstance(value, tuple):
            yield " ".join(value)
        else:
            yield "" if value != value else value


def _text(header: tuple[str, ...], rows: Iterator[object]) -> bytes:
    made = io.StringIO()
    writer = csv.writer(made, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)  # type: ignore[arg-type]
    return made.getvalue().encode()

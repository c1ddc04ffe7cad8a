"""Edits as a JSON-able table and back; nodes are written as the text of their NodeKey."""

from __future__ import annotations

from typing import Any

from explorer.errors import LoadError
from explorer.session import json_fields as fields
from explorer.session.edits import STATUSES, Edits, Label
from explorer.session.interventions_json import from_table, to_table
from explorer.session.rules_json import rules_from_json, rules_to_json
from explorer.session.supernodes_json import (
    groups_from_json,
    groups_to_json,
    links_from_json,
    links_to_json,
    places_from_json,
    places_to_json,
)

EDITS_VERSION = 0


def to_json(edits: Edits) -> dict[str, Any]:
    """Plain JSON values; equal edits give the same table in the same order."""
    return {
        "edits_version": EDITS_VERSION,
        "node_threshold": edits.node_threshold,
        "edge_threshold": edits.edge_threshold,
        "count_bias": edits.count_bias,
        "pinned": [str(key) for key in edits.pinned],
        "hidden": [str(key) for key in sorted(edits.hidden)],
        "supernodes": groups_to_json(edits.supernodes),
        "labels": {
            str(key): {"text": edits.labels[key].text, "status": edits.labels[key].status}
            for key in sorted(edits.labels)
        },
        "notes": {str(key): edits.notes[key] for key in sorted(edits.notes)},
        "note": edits.note,
        "interventions": to_table(edits.interventions),
        "rules": rules_to_json(edits.rules),
        "places": places_to_json(edits.places),
        "edge_labels": links_to_json(edits.edge_labels),
        "edge_notes": links_to_json(edits.edge_notes),
        "filters": {name: edits.filters[name] for name in sorted(edits.filters)},
        "drawn": edits.drawn,
    }


def from_json(table: Any) -> Edits:
    """The edits of ``to_json``. Fields that are missing take their default, unknown ones are ignored.

    LoadError if the version is newer or a field does not hold what belongs there.
    """
    table = fields.table(table, "edits")
    version = table.get("edits_version")
    if version != EDITS_VERSION:
        raise LoadError(f"The edits have version {version}; this program reads version {EDITS_VERSION}.")
    plain = Edits()
    return Edits(
        node_threshold=fields.fraction(table, "node_threshold", plain.node_threshold),
        edge_threshold=fields.fraction(table, "edge_threshold", plain.edge_threshold),
        count_bias=fields.typed(table, "count_bias", bool, plain.count_bias),
        pinned=fields.keys(table, "pinned"),
        hidden=frozenset(fields.keys(table, "hidden")),
        supernodes=groups_from_json(fields.typed(table, "supernodes", list, [])),
        labels={fields.key(key): label_from_json(key, value) for key, value in fields.named(table, "labels").items()},
        notes={fields.key(key): fields.text(f"note of {key}", v) for key, v in fields.named(table, "notes").items()},
        note=fields.typed(table, "note", str, plain.note),
        interventions=from_table(table.get("interventions", {})),
        rules=rules_from_json(table.get("rules", {})),
        places=places_from_json(fields.named(table, "places")),
        edge_labels=links_from_json(fields.typed(table, "edge_labels", list, []), "labels of links"),
        edge_notes=links_from_json(fields.typed(table, "edge_notes", list, []), "notes of links"),
        filters={name: fields.text(f"filter {name}", v) for name, v in fields.named(table, "filters").items()},
        drawn=fields.count(table, "drawn", plain.drawn),
    )


def label_from_json(key: str, value: Any) -> Label:
    """The label of the node, or feature, that ``key`` names."""
    value = fields.table(value, f"label of {key}")
    status = value.get("status", "human")
    if status not in STATUSES:
        raise LoadError(f"The label of {key} has the status {status!r}, not one of {', '.join(STATUSES)}.")
    return Label(fields.text(f"label of {key}", value.get("text")), status)

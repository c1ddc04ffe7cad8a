"""export OUT.py: a document's interventions as a Python program."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from explorer.errors import GraphError
from explorer.io import samples


def export_script(chosen: argparse.Namespace) -> int:
    """Write the program that makes a document's interventions again; GraphError if it has none."""
    from explorer.io.atomic import write
    from explorer.io.circuit_file import open_circuit
    from explorer.session.script import script

    graph, edits = open_circuit(chosen.input)
    if not edits.interventions.rows:
        raise GraphError(f"“{chosen.input}” holds no interventions; make some in the window first.")
    model, transcoders = _places(graph.provenance)
    ids = graph.token_ids.tolist()
    made = script(edits.interventions, model=model, transcoders=transcoders, text="", token_ids=ids)
    write(chosen.output, made.encode())
    print(chosen.output)
    return 0


def _places(about: Mapping[str, Any]) -> tuple[str, str]:
    """Model and transcoders as the document names them: a sample's open anywhere, others where they lie."""
    model, transcoders = str(about.get("model", "")), str(about.get("transcoders", ""))
    sample = samples.find(model)
    of_sample = sample is not None and transcoders in sample.kinds
    return model, f"{model}/{transcoders}" if of_sample else transcoders

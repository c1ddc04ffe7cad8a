"""Description: what a path is, in values and in words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from explorer.io.tensors import TensorInfo


@dataclass(frozen=True)
class Description:
    """What ``path`` is. Zero and empty mean that it does not say.

    ``kind`` is model, transcoders, sample, circuit, graph, tensors or unknown; ``format`` says it in words;
    ``readable`` whether this version opens it; ``pairs_with`` what belongs to it.
    """

    path: str
    kind: str
    format: str
    readable: bool
    n_bytes: int
    family: str = ""
    model_name: str = ""
    n_layers: int = 0
    d_model: int = 0
    d_transcoder: int = 0
    n_parameters: int = 0
    dtype: str = ""
    n_nodes: int = 0
    n_edges: int = 0
    prompt: str = ""
    pairs_with: str = ""


def words(found: Description) -> list[str]:
    """The description as lines ``name: value`` for a terminal, with what is not known left out."""
    size = f"{found.n_bytes / 1e6:,.1f} MB" if found.n_bytes >= 100_000 else f"{found.n_bytes:,} bytes"
    rows = {
        "What": found.format,
        "Size": size,
        "Family": found.family,
        "Model": found.model_name,
        "Layers": found.n_layers,
        "Width": found.d_model,
        "Features per layer": found.d_transcoder,
        "Parameters": found.n_parameters,
        "Stored as": found.dtype,
        "Nodes": found.n_nodes,
        "Links": found.n_edges,
        "Prompt": found.prompt,
        "Pairs with": found.pairs_with,
    }
    told = ((name, f"{value:,}" if isinstance(value, int) else value) for name, value in rows.items() if value)
    return [f"{name + ':':20}{value}" for name, value in told]


def dtypes(infos: Iterable[TensorInfo]) -> str:
    """The types by size, the largest first."""
    total: dict[str, int] = {}
    for info in infos:
        total[info.dtype] = total.get(info.dtype, 0) + info.n_bytes
    return ", ".join(sorted(total, key=lambda dtype: -total[dtype]))

"""Attribution graphs that circuit-tracer saves with ``Graph.to_pt``, read without running anything in them.

Such a file holds the whole graph: ids of tokens but not their texts, errors of every layer and position, no biases. Its
nodes stand as selected features, errors (layer by layer), tokens, outputs; rows of the matrix are targets
(decoderesearch/circuit-tracer 0.4.1, circuit_tracer/graph.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.circuits.graph import Graph, NodeKind, Nodes, Rows
from explorer.circuits.graph_arrays import check, plain
from explorer.errors import GraphError, LoadError
from explorer.io.inert import Bag, StoredArray, outline
from explorer.session.edits import Edits
from explorer.work import Pause, Progress, Work, go_on, run

BLOCK = 8_000_000  # entries of the matrix that are looked at at a time
MAX_NODES = 200_000
ARRAYS = (  # name, kind of numbers, axes
    ("input_tokens", "i", 1),
    ("active_features", "i", 2),
    ("selected_features", "i", 1),
    ("activation_values", "f", 1),
    ("adjacency_matrix", "f", 2),
    ("logit_probabilities", "f", 1),
)

Array = NDArray[Any]


def is_graph(held: object) -> bool:
    """Whether the outline of a PyTorch file is that of a graph."""
    return isinstance(held, Mapping) and all(name in held for name, _, _ in ARRAYS)


def read(path: Path) -> tuple[Graph, Edits]:
    """The graph in ``path``; LoadError says what is wrong with it."""
    return run(reading(path))


def reading(path: Path, pause: Pause = go_on) -> Work[tuple[Graph, Edits]]:
    """``read`` in steps."""
    yield Progress(0, 1, f"Reading “{path.name}”")
    held = outline(path, pause)
    if not isinstance(held, Mapping) or not is_graph(held):
        raise LoadError(f"“{path}” is a PyTorch file without a graph of circuit-tracer; pick another file.")
    try:
        arrays = {name: _array(held, name, kind, axes) for name, kind, axes in ARRAYS}
        graph = yield from _graph(path.name, held, arrays)
        check(graph)
    except GraphError as error:
        raise LoadError(f"“{path}” is not a graph: {str(error).rstrip('.')}. Nothing was opened.") from error
    return graph, Edits()


def _array(held: Mapping[Any, Any], name: str, kind: str, axes: int) -> Array:
    stored = held[name]
    found = stored.numpy() if isinstance(stored, StoredArray) else np.zeros(0, bool)
    if found.dtype.kind != kind or found.ndim != axes:
        raise GraphError(f"its {name} is no array of numbers with {axes} axes")
    return found


def _graph(file: str, held: Mapping[Any, Any], arrays: Mapping[str, Array]) -> Work[Graph]:
    tokens, probability = arrays["input_tokens"].astype(np.int64), arrays["logit_probabilities"].astype(np.float64)
    words, targets = _targets(held, len(probability))
    features = _features(arrays)
    n_layers = _n_layers(held, arrays, len(features), len(tokens), len(targets))
    keys, order = _keys(features, n_layers, tokens, targets)
    n = len(keys)
    logits = slice(n - len(targets), n)
    known, weight = np.full(n, np.nan), np.zeros(n)
    weight[logits] = probability
    vocabulary = held.get("vocab_size")
    real = targets < (vocabulary if type(vocabulary) is int else np.iinfo(np.int64).max)
    known[logits] = np.where(real, probability, np.nan)  # those beyond the vocabulary are directions with a weight
    activation = np.full(n, np.nan, dtype=np.float32)
    activation[: len(features)] = features[order, 3]
    rows = yield from _rows(arrays["adjacency_matrix"], order)
    return Graph(
        nodes=Nodes(
            kind=keys[:, 0].astype(np.int8),
            layer=keys[:, 1].astype(np.int32),
            pos=keys[:, 2].astype(np.int32),
            feature=keys[:, 3],
            activation=activation,
        ),
        rows=rows,
        constant=np.zeros(n),
        preactivation=np.full(n, np.nan),
        target_weight=weight,
        probability=known,
        token_ids=tokens,
        tokens=tuple(f"<{token}>" for token in tokens.tolist()),
        logit_tokens=tuple(words),
        n_layers=n_layers,
        provenance=plain(_provenance(file, held)),
    )


def _provenance(file: str, held: Mapping[Any, Any]) -> dict[str, Any]:
    config = held.get("cfg")
    state = config.state if isinstance(config, Bag) and isinstance(config.state, Mapping) else {}
    scan = held.get("scan", held.get("scan_name"))
    return {
        "format": "PyTorch graph",
        "written_by": "circuit-tracer",
        "file": file,
        "prompt": str(held.get("input_string", "")),
        "model": str(state.get("model_name", "")),
        "transcoders": scan if isinstance(scan, str) else "",
        "metadata": {"scan": scan if isinstance(scan, str) else "", "transcoder_list": _texts(scan)},
        "import_notes": ["The file holds no texts of tokens; their numbers stand in their places."],
    }


def _texts(value: Any) -> list[str]:
    return [text for text in value if isinstance(text, str)] if isinstance(value, list) else []


def _targets(held: Mapping[Any, Any], n_targets: int) -> tuple[list[str], NDArray[np.int64]]:
    """The outputs' texts and numbers: a list of (text, number), in old files an array of numbers."""
    said = held.get("logit_targets", held.get("logit_tokens"))
    if isinstance(said, StoredArray):
        numbers = said.numpy()
        pairs = [(f"<{number}>", number) for number in numbers.tolist()] if numbers.ndim == 1 else []
    else:
        pairs = [tuple(row.args) for row in said if isinstance(row, Bag)] if isinstance(said, list) else []
    if len(pairs) != n_targets or not all(_is_target(row) for row in pairs):
        raise GraphError(f"its {n_targets} probabilities have not as many outputs with a text and a number")
    return [text for text, _ in pairs], np.array([number for _, number in pairs], dtype=np.int64)


def _is_target(row: tuple[Any, ...]) -> bool:
    return len(row) == 2 and isinstance(row[0], str) and type(row[1]) is int and 0 <= row[1] < 2**53


def _features(arrays: Mapping[str, Array]) -> NDArray[np.float64]:
    """Layer, position, index, activation (n_features, 4) of the selected features, as the file orders them."""
    active, selected, values = arrays["active_features"], arrays["selected_features"], arrays["activation_values"]
    if active.shape[1] != 3 or len(values) != len(active):
        raise GraphError("its active features and their activations do not fit each other")
    if selected.size and (selected.min() < 0 or selected.max() >= len(active)):
        raise GraphError("it selects features that it does not hold")
    return np.concatenate([active[selected].astype(np.float64), values[selected, None].astype(np.float64)], axis=1)


def _n_layers(held: Mapping[Any, Any], arrays: Mapping[str, Array], n_features: int, n_pos: int, n_targets: int) -> int:
    """The model's layers, with which the matrix must have the size that the nodes have."""
    size, width = (int(length) for length in arrays["adjacency_matrix"].shape)
    config = held.get("cfg")
    said = config.state.get("n_layers") if isinstance(config, Bag) and isinstance(config.state, Mapping) else None
    n_layers, rest = divmod(size - n_features - n_targets - n_pos, max(n_pos, 1))
    if size != width or rest or n_layers < 1 or n_pos == 0 or size > MAX_NODES:
        raise GraphError(f"its matrix of {size} by {width} does not fit its nodes")
    if type(said) is int and said != n_layers:
        raise GraphError(f"its matrix has errors of {n_layers} layers where the model has {said}; all are needed")
    return n_layers


def _keys(
    features: NDArray[np.float64], n_layers: int, tokens: NDArray[np.int64], targets: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Kind, layer, position, number (n_nodes, 4) in the graph's order, and the file's place of each feature."""
    places = features[:, :3].astype(np.int64)
    order = np.lexsort(places.T[::-1])
    n_pos = len(tokens)
    layer, pos = (axis.ravel() for axis in np.indices((n_layers, n_pos)))
    here = np.arange(n_pos)
    blocks = (
        (NodeKind.FEATURE, *places[order].T),
        (NodeKind.ERROR, layer, pos, np.full(n_layers * n_pos, -1)),
        (NodeKind.EMBEDDING, np.full(n_pos, -1), here, tokens),
        (NodeKind.LOGIT, np.full(len(targets), n_layers), np.full(len(targets), n_pos - 1), targets),
    )
    columns = [np.column_stack([np.full(len(rest[0]), int(kind)), *rest]) for kind, *rest in blocks]
    return np.concatenate(columns).astype(np.int64), order


def _rows(matrix: Array, order: NDArray[np.int64]) -> Work[Rows]:
    """The matrix in compressed form; read a block of rows at a time, so that it is never held whole."""
    n = len(matrix)
    step = max(1, BLOCK // n)
    sources, weights, counts = [], [], []
    places = np.concatenate([order, np.arange(len(order), n)])  # in the file, of the graph's nodes
    for start in range(0, n, step):
        yield Progress(start, n, "Reading the matrix")
        block = np.asarray(matrix[places[start : start + step]])[:, places]
        _, source = np.nonzero(block)
        sources.append(source.astype(np.int32))
        weights.append(block[block != 0].astype(np.float64 if block.dtype == np.float64 else np.float32))
        counts.append(np.count_nonzero(block, axis=1))
    begin = np.concatenate([[0], np.cumsum(np.concatenate(counts))]).astype(np.int64)
    return Rows(begin, np.concatenate(sources), np.concatenate(weights), np.zeros(n), np.zeros(n))

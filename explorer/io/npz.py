"""A graph as plain numpy arrays for scripts: what ``export OUT.npz`` writes."""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from tokenize import TokenError
from typing import Any
from zipfile import BadZipFile, ZipFile, ZipInfo

import numpy as np
from numpy.typing import NDArray

from explorer.circuits.graph import Graph, NodeKind
from explorer.circuits.pruning import prune
from explorer.errors import LoadError
from explorer.io.atomic import replacing
from explorer.io.magic import unreadable
from explorer.io.tensors import TensorInfo
from explorer.session.edits import Edits

MAX_HEADER = 10_000  # bytes of an array's header
# what zipfile and numpy's reader of headers raise on damaged files
FAULTS = (
    *(BadZipFile, zlib.error, struct.error, EOFError, NotImplementedError, RuntimeError, ValueError, LookupError),
    *(TypeError, OverflowError, MemoryError, SyntaxError, TokenError),
)
NAMES = {"f8": "F64", "f4": "F32", "f2": "F16", "i8": "I64", "i4": "I32", "i2": "I16", "i1": "I8", "u1": "U8"}


def arrays(graph: Graph, edits: Edits) -> dict[str, NDArray[Any]]:
    """The arrays by name, nodes in the graph's order; GraphError if it is too large for dense matrices.

    ``adjacency`` and ``edge_mask`` are [target, source]; ``influence`` is that on the unpruned graph without the
    target weight itself; the masks are those of the thresholds alone, whatever is pinned or hidden by hand.
    """
    adjacency = graph.adjacency()
    pruned = prune(graph, edits.node_threshold, edits.edge_threshold, count_bias=edits.count_bias)
    edge_mask = np.zeros(adjacency.shape, dtype=bool)
    edge_mask[graph.edge_target[pruned.edges], graph.rows.source[pruned.edges]] = True
    names = np.array([kind.name.lower() for kind in NodeKind])
    return {
        "kind": names[graph.nodes.kind],
        "layer": graph.nodes.layer,
        "pos": graph.nodes.pos,
        "feature": graph.nodes.feature,
        "activation": graph.nodes.activation,
        "adjacency": adjacency,
        "input_tokens": graph.token_ids,
        "logit_probs": graph.probability[graph.block(NodeKind.LOGIT)],
        "influence": pruned.influence,
        "node_mask": pruned.nodes,
        "edge_mask": edge_mask,
        "constant": graph.constant,
    }


def write(path: Path, graph: Graph, edits: Edits) -> None:
    """Write ``arrays`` to ``path`` as a compressed .npz; SaveError says why not."""
    write_arrays(path, arrays(graph, edits))


def write_arrays(path: Path, held: Mapping[str, NDArray[Any]]) -> None:
    """Write arrays by name to ``path`` as a compressed .npz; SaveError says why not."""
    with replacing(path) as file:
        np.savez_compressed(file, allow_pickle=False, **held)


def read_vector(path: Path) -> NDArray[np.floating[Any]]:
    """The one-dimensional array of numbers in a .npy file; LoadError if it holds anything else."""
    if path.exists() and not path.is_file():
        raise LoadError(f"{path} is no ordinary file; name a .npy file.")
    try:
        vector = np.load(path, "r", allow_pickle=False)  # mapped, so that no more is taken than the file has
    except FileNotFoundError as error:
        raise LoadError(f"There is no file {path}; check the path.") from error
    except (OSError, *FAULTS) as error:
        raise LoadError(f"{path} is not a .npy file of numbers; save the direction with numpy.save.") from error
    if not isinstance(vector, np.ndarray) or vector.ndim != 1 or vector.dtype.kind != "f":
        raise LoadError(f"{path} does not hold one row of floating-point numbers; save the direction as one row.")
    if not np.isfinite(vector).all():
        raise LoadError(f"{path} holds values that are not finite; compute the direction again.")
    return np.array(vector)


def shapes(path: Path) -> dict[str, TensorInfo]:
    """What the arrays in a .npz are, none of them read; LoadError if it is damaged or holds Python objects."""
    try:
        with ZipFile(path) as archive:
            return {member.filename.removesuffix(".npy"): _shape(archive, member) for member in archive.infolist()}
    except OSError as error:
        raise LoadError(unreadable(path, error)) from error
    except FAULTS as error:
        raise LoadError(f"“{path}” is incomplete or damaged; download or copy it again.") from error


def _shape(archive: ZipFile, member: ZipInfo) -> TensorInfo:
    """By the array's own header, at most a few kilobytes of it."""
    with archive.open(member) as file:
        head = BytesIO(file.read(MAX_HEADER))
    version = np.lib.format.read_magic(head)
    reader = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = reader(head)
    if dtype.hasobject:
        raise LoadError(f"“{archive.filename}”: {member.filename} contains Python objects; it was not opened.")
    return TensorInfo(NAMES.get(dtype.str[1:], str(dtype)), shape, dtype.itemsize * math.prod(shape))

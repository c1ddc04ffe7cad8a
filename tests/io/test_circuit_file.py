"""Documents survive saving, and what is no document is refused before it can do harm."""

from __future__ import annotations

import io
import json
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load
from safetensors.numpy import save as dump

from explorer.circuits.graph import NodeKey, NodeKind
from explorer.errors import LoadError, SaveError
from explorer.io import circuit_file
from explorer.io.circuit_file import ARRAYS, DOCUMENT, EXTRA, open_circuit, save, summary, thumbnail
from explorer.session.edits import Edits, Label
from explorer.session.supernodes import Supernode
from tests.io.graphs import random_graph, same_graph

DATA = Path(__file__).parents[1] / "data" / "graphs"
EDITS = Edits(0.5, 0.9, labels={NodeKey(0, 1, 2, 3): Label("a name", "tested")}, note="the whole")


@pytest.fixture
def document(tmp_path: Path) -> Path:
    path = tmp_path / "a.circuit"
    save(path, random_graph(), EDITS, thumbnail=b"\x89PNG")
    return path


def _changed(path: Path, change: Callable[[dict[str, bytes]], None], method: int = zipfile.ZIP_STORED) -> Path:
    """``path`` with its members changed."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    change(members)
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def _head(change: Callable[[dict[str, Any]], None]) -> Callable[[dict[str, bytes]], None]:
    def apply(members: dict[str, bytes]) -> None:
        document = json.loads(members[DOCUMENT])
        change(document)
        members[DOCUMENT] = json.dumps(document).encode()

    return apply


def _arrays(**changes: Any) -> Callable[[dict[str, bytes]], None]:
    def apply(members: dict[str, bytes]) -> None:
        arrays = load(members[ARRAYS]) | {name.replace("_dot_", "."): array for name, array in changes.items()}
        members[ARRAYS] = dump({name: array for name, array in arrays.items() if array is not None})

    return apply


def test_a_document_opens_as_it_was_saved(document: Path) -> None:
    graph, edits = open_circuit(document)
    assert same_graph(graph, random_graph())
    assert edits == EDITS


def test_the_same_content_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        save(tmp_path / name, random_graph(), EDITS)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_saved_copy_of_an_opened_document_is_identical(document: Path, tmp_path: Path) -> None:
    save(tmp_path / "b", *open_circuit(document), thumbnail=b"\x89PNG")
    assert (tmp_path / "b").read_bytes() == document.read_bytes()


def test_the_document_says_its_version_and_provenance(document: Path) -> None:
    found, header = summary(document)
    assert header.tensors["nodes.kind"].shape == (len(random_graph()),)
    assert found["schema_version"] == 1
    assert found["provenance"] == {"prompt": "a prompt", "seed": 0}
    assert found["app"]["name"] == "Circuit Explorer"


def test_a_thumbnail_is_kept_as_what_it_is(document: Path, tmp_path: Path) -> None:
    assert thumbnail(document) == b"\x89PNG"
    save(tmp_path / "b", random_graph(), EDITS, thumbnail=b"<svg/>")
    assert thumbnail(tmp_path / "b") == b"<svg/>"
    with zipfile.ZipFile(tmp_path / "b") as archive:
        assert archive.namelist()[-1] == "thumbnail.svg"
    save(tmp_path / "c", random_graph(), EDITS)
    assert thumbnail(tmp_path / "c") == thumbnail(tmp_path / "missing") == b""


def test_what_an_imported_file_said_beyond_the_graph_is_kept(tmp_path: Path) -> None:
    extra = {"top": {"qk_only_nodes": {"a": [1, None]}}, "nodes": {"influence": {"at": [0, 2], "value": [0.5, 1.0]}}}
    graph = replace(random_graph(), extra=extra)
    save(tmp_path / "a", graph, EDITS)
    again, _ = open_circuit(tmp_path / "a")
    assert same_graph(again, graph)
    assert again.extra == extra


def test_version_0_opens_with_its_qparams_where_they_are_now(tmp_path: Path) -> None:
    graph, edits = open_circuit(DATA / "version-0.circuit")
    one, two = NodeKey(NodeKind.FEATURE, 18, 9, 5495), NodeKey(NodeKind.FEATURE, 18, 9, 6101)
    assert edits.pinned == (one, NodeKey(NodeKind.LOGIT, 26, 9, 22605))
    assert edits.supernodes == (Supernode("states", (one, two), "g1"),)
    assert (edits.labels, edits.notes) == ({one: Label("Texas")}, {one: "from the demo"})
    assert (len(graph), graph.n_edges, graph.rows.weight.sum()) == (60, 330, 1213.6337890625)
    assert "qParams" not in graph.provenance
    assert (graph.extra["q_params"]["gridsnap"], graph.extra["q_params"]["sg_pos"]) == ("subgraph00080808", "1 2 3 4")
    save(tmp_path / "b", graph, edits)
    assert summary(tmp_path / "b")[0]["schema_version"] == 1
    again, edits_again = open_circuit(tmp_path / "b")
    assert same_graph(again, graph)
    assert edits_again == edits


def test_other_members_and_compression_are_accepted(document: Path) -> None:
    _changed(document, lambda members: members.update({"future.json": b"{}"}), zipfile.ZIP_DEFLATED)
    assert open_circuit(document)[1] == EDITS


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_head(lambda document: document.update(schema_version=9)), "newer Circuit Explorer"),
        (_head(lambda document: document.pop("schema_version")), "does not say which version"),
        (_head(lambda document: document.pop("graph")), "has no graph"),
        (_head(lambda document: document.update(edits=[])), "has no edits"),
        (_head(lambda document: document["graph"].update(n_layers=2)), "lies outside the graph"),
        (_head(lambda document: document["graph"].update(tokens=[])), "token texts"),
        (_head(lambda document: document["graph"].update(n_layers=2**30)), "n_layers is 1073741824"),
        (lambda members: members.update({EXTRA: b"[]"}), "its extra.json is not a table"),
        (lambda members: members.update({EXTRA: b"{"}), "its extra.json is not JSON"),
        (_arrays(constant=np.zeros(40, np.float16)), "constant has 40 entries"),
        (_arrays(rows_dot_weight=np.zeros(5, np.int64)), "rows.weight is int64"),
        (_arrays(nodes_dot_kind=np.zeros(3, np.uint8)), "nodes.kind is uint8"),
        (_head(lambda document: document["edits"].update(node_threshold=7)), "node_threshold is 7"),
        (_head(lambda document: document.update(provenance=3)), "provenance"),
        (lambda members: members.update({DOCUMENT: b"{"}), "is not JSON"),
        (lambda members: members.update({DOCUMENT: b"[" * 100_000}), "is not JSON"),
        (lambda members: members.update({DOCUMENT: b"[]"}), "is not a table"),
        (lambda members: members.pop(DOCUMENT), "without a document.json"),
        (lambda members: members.pop(ARRAYS), "has no graph.safetensors"),
        (lambda members: members.update({ARRAYS: members[ARRAYS][:-3]}), "damaged in graph.safetensors"),
        (_arrays(constant=None), "lacks its constant"),
        (_arrays(constant=np.zeros(3)), "constant has 3 entries"),
        (_arrays(nodes_dot_kind=np.zeros((2, 2), np.int8)), "nodes.kind is int8 with 2 axes"),
        (_arrays(rows_dot_source=np.zeros(1, np.float32)), "rows.source is float32"),
    ],
)
def test_damaged_documents_are_named(
    document: Path, change: Callable[[dict[str, bytes]], None], words: str
) -> None:
    with pytest.raises(LoadError, match=words) as caught:
        open_circuit(_changed(document, change))
    assert str(document) in str(caught.value)


def test_a_bomb_is_refused_by_its_declared_size(document: Path) -> None:
    _changed(document, lambda members: members.update({ARRAYS: bytes(20_000_000)}), zipfile.ZIP_DEFLATED)
    with pytest.raises(LoadError, match="would unpack to 20000000 bytes"):
        open_circuit(document)


def _bomb() -> bytes:
    """Zeros that unpack to a thousand times their size."""
    return _zipped({DOCUMENT: b'{"schema_version": 1}', ARRAYS: bytes(400_000_000)})


def _many_values() -> bytes:
    """Short text that makes a gigabyte of lists."""
    lists = b'{"schema_version": 1, "a": [' + b"[]," * 9_000_000 + b"[]]}"
    return _zipped({DOCUMENT: lists}, zipfile.ZIP_STORED)


def _many_members() -> bytes:
    return _zipped({DOCUMENT: b"{}", **{f"{number:06}": b"" for number in range(60_000)}}, zipfile.ZIP_STORED)


def _outside() -> bytes:
    return _zipped({DOCUMENT: b"{}", "../../evil": b"x"})


def _absolute() -> bytes:
    return _zipped({DOCUMENT: b"{}", "/etc/evil": b"x"})


def _twice() -> bytes:
    """Two documents of one name, of which each program may take another."""
    return _zipped({DOCUMENT: b"{}", "documenT.json": b"{}"}).replace(b"documenT.json", DOCUMENT.encode())


def _long_header() -> bytes:
    return _zipped({DOCUMENT: b'{"schema_version": 1}', ARRAYS: struct.pack("<Q", 2**40) + b"{}"})


def _header_of_a_million_tensors() -> bytes:
    """A header that is no longer than it says and whose table would fill the memory."""
    entry = b'"%07d":{"dtype":"F32","shape":[0],"data_offsets":[0,0]},'
    header = b"{" + b"".join(entry % number for number in range(200_000))[:-1] + b"}"
    return _zipped({DOCUMENT: b'{"schema_version": 1}', ARRAYS: struct.pack("<Q", len(header)) + header})


def _zipped(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


OPEN = """
import sys
from pathlib import Path
from explorer.errors import LoadError
from explorer.io.circuit_file import open_circuit
try:
    open_circuit(Path(sys.argv[1]))
except LoadError as error:
    print(error)
# not ru_maxrss, which survives exec and so begins at what the parent had
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is measured as Linux counts it")
@pytest.mark.parametrize(
    ("make", "words"),
    [
        (_bomb, "would unpack to 400000000 bytes"),
        (_many_values, "document.json is not JSON (it holds too many values)"),
        (_many_members, "lists too many members"),
        (_outside, "its member “../../evil” points out of it"),
        (_absolute, "its member “/etc/evil” points out of it"),
        (_twice, "has document.json twice"),
        (_long_header, "its header is too long"),
        (_header_of_a_million_tensors, "its header is too long"),
    ],
)
def test_hostile_documents_are_refused_in_little_memory(
    tmp_path: Path, make: Callable[[], bytes], words: str
) -> None:
    path = tmp_path / "hostile.circuit"
    path.write_bytes(make())
    run = subprocess.run([sys.executable, "-c", OPEN, path], capture_output=True, text=True, timeout=60, check=True)
    sentence, kilobytes = run.stdout.strip().split("\n")
    assert words in sentence
    assert sentence.startswith(f"“{path}” is ")
    assert int(kilobytes) < 300_000


def test_a_member_longer_than_it_says_is_refused(document: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(DOCUMENT, b'{"schema_version": 0}' + b" " * 10_000_000)
    data = buffer.getvalue().replace((10_000_021).to_bytes(4, "little"), (21).to_bytes(4, "little"))
    document.write_bytes(data)
    with pytest.raises(LoadError):
        open_circuit(document)


@pytest.mark.parametrize(
    ("data", "words"),
    [(b"", "is empty"), (b"<html>", "is a web page"), (b"hello", "is a text file"), (b"PK\x03\x04", "damaged")],
)
def test_what_is_no_document_is_named(tmp_path: Path, data: bytes, words: str) -> None:
    path = tmp_path / "a.circuit"
    path.write_bytes(data)
    with pytest.raises(LoadError, match=words):
        open_circuit(path)


def test_a_failed_save_leaves_the_old_document(document: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = document.read_bytes()
    monkeypatch.setattr(circuit_file.safetensors_numpy, "save", _full)
    with pytest.raises(SaveError, match="the disk is full"):
        save(document, random_graph(5), Edits())
    assert document.read_bytes() == before
    assert len(list(document.parent.iterdir())) == 1


def _full(_arrays: object) -> bytes:
    raise OSError(28, "No space left on device")


@given(place=st.floats(0, 1), value=st.integers(0, 255), cut=st.floats(0.3, 1))
def test_flipped_bytes_and_cuts_give_a_sentence_or_a_document(
    tmp_path_factory: pytest.TempPathFactory, place: float, value: int, cut: float
) -> None:
    path = tmp_path_factory.getbasetemp() / "flipped.circuit"
    save(path, random_graph(n_layers=1, n_pos=2), EDITS)
    data = bytearray(path.read_bytes())
    data[int(place * (len(data) - 1))] = value
    path.write_bytes(data[: int(cut * len(data))] if cut < 0.9 else data)
    try:
        open_circuit(path)
    except LoadError as error:
        words = str(error)
    else:
        words = str(path)
    assert str(path) in words

"""Documents survive saving, and what is no document is refused before it can do harm."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load
from safetensors.numpy import save as dump

from explorer.circuits.graph import NodeKey
from explorer.errors import LoadError, SaveError
from explorer.io import circuit_file
from explorer.io.circuit_file import ARRAYS, DOCUMENT, open_circuit, save, summary
from explorer.session.edits import Edits, Label
from tests.io.graphs import random_graph, same_graph

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
    assert found["schema_version"] == 0
    assert found["provenance"] == {"prompt": "a prompt", "seed": 0}
    assert found["app"]["name"] == "Circuit Explorer"


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

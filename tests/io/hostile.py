"""Files made to run code or to fill the memory when they are opened, and the process that opens them all.

``python -m tests.io.hostile FOLDER`` opens each file and folder in FOLDER as everything it could be taken for and
prints what came of it, with the most memory that was held.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import pickle
import shutil
import struct
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from explorer.errors import ExplorerError
from explorer.io import circuit_file, graph_json_story, graphs, models, npz, tensors, transcoders
from explorer.io.inspect import describe
from explorer.work import run
from tests import tiny
from tests.io.fuzzing import peak

DATA = Path(__file__).parents[1] / "data"


class Touch:
    """Pickled, it is a call that makes the file SENTINEL in the folder of the hostile files."""

    def __init__(self, sentinel: Path) -> None:
        self._sentinel = sentinel

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch '{self._sentinel}'",)


Write = Callable[[Path, Path], None]


def pickled(wrap: Callable[[Any], Any]) -> Write:
    return lambda path, sentinel: path.write_bytes(pickle.dumps(wrap(Touch(sentinel)), 2)) and None


def torch_zip(path: Path, sentinel: Path, value: Any = None) -> None:
    data = pickle.dumps(value or {"model": Touch(sentinel), "model_args": {}}, 2)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a/data.pkl", data)
        archive.writestr("a/version", "3")


def zip_bomb(member: str, n_bytes: int) -> Write:
    def write(path: Path, sentinel: Path) -> None:
        packed = zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1)
        with packed as archive, archive.open(member, "w") as to:
            for _ in range(n_bytes >> 20):
                to.write(bytes(1 << 20))

    return write


def npy_bomb() -> bytes:
    """An array of a hundred gigabytes by its header."""
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(head, {"descr": "<f8", "fortran_order": False, "shape": (2**34,)})
    return head.getvalue()


def objects(path: Path, sentinel: Path) -> None:
    array = np.array([Touch(sentinel)], dtype=object)
    np.savez(path, W_enc=array) if path.suffix == ".npz" else np.save(path, array)


def header(text: bytes) -> bytes:
    return struct.pack("<Q", len(text)) + text


def content(data: bytes) -> Write:
    return lambda path, sentinel: path.write_bytes(data) and None


def model(**files: Write) -> Write:
    """A whole tiny model with these files in it; ``config`` changes its settings."""

    def write(path: Path, sentinel: Path) -> None:
        shutil.copytree(tiny.saved("llama"), path)
        for name, each in files.items():
            each(path / name.replace("__", "."), sentinel)

    return write


def settings(file: str, **changes: Any) -> Write:
    def write(path: Path, sentinel: Path) -> None:
        own = path.parent / file
        held = json.loads(own.read_text()) if own.is_file() else {}
        own.write_text(json.dumps({**held, **changes}))

    return write


def code(path: Path, sentinel: Path) -> None:
    """A module of the model's own that leaves the sentinel when it is imported."""
    path.write_text(f"import pathlib\npathlib.Path({str(sentinel)!r}).touch()\nclass Model: pass\n")


def set_with(text: Callable[[Path], str]) -> Write:
    """A circuit-tracer set with these settings."""

    def write(path: Path, sentinel: Path) -> None:
        shutil.copytree(DATA / "plt_relu", path)
        (path / "config.yaml").write_text(text(sentinel))

    return write


def laughs(name: str) -> str:
    """Ten references to ten references to ..., nine deep: a gigabyte once it is written out."""
    lines = ["a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 9)]
    return "\n".join([*lines, f"{name}: *a8", ""])


def deep(text: bytes, n: int) -> bytes:
    return text * n


LISTS = b'{"a":[' + b"[]," * 12_000_000 + b"[]]}"  # 36 MB that would be a gigabyte of lists
LEGACY = pickle.dumps(0x1950A86A20F9469CFC6C, 2)
TAG = "!!python/object/apply:os.system ['touch {}']"

HOSTILE: dict[str, Write] = {
    "call.pkl": pickled(lambda bad: bad),
    "call in a table.pkl": pickled(lambda bad: {"model": {"w": bad}, "model_args": bad}),
    "call.pt": torch_zip,
    "call.pkl.gz": lambda path, s: path.write_bytes(gzip.compress(pickle.dumps(Touch(s)))) and None,
    "legacy.pt": lambda path, s: path.write_bytes(LEGACY + pickle.dumps(Touch(s))) and None,
    "import.pkl": content(b"cos\nsystem\n(S'touch x'\ntR."),
    "eval.pkl": content(b"cbuiltins\neval\n(S'open(\"x\",\"w\")'\ntR."),
    "many.pkl": content(b"\x80\x04]" + b"]" * 3_000_000 + b"."),
    "long.pkl": content(b"\x80\x04\x8e" + struct.pack("<Q", 2**40) + b"x."),
    "numbers.pkl": content(b"\x80\x04\x8b" + struct.pack("<i", 2**31 - 1) + b"x."),
    "bomb.pt": zip_bomb("a/data.pkl", 1200 << 20),
    "bomb.circuit": zip_bomb("document.json", 1200 << 20),
    "bomb.npz": zip_bomb("W_enc.npy", 1200 << 20),
    "bomb.pkl.gz": lambda path, s: path.write_bytes(gzip.compress(bytes(1 << 28))) and None,
    "objects.npz": objects,
    "objects.npy": objects,
    "huge.npy": content(npy_bomb()),
    "long header.safetensors": content(struct.pack("<Q", 2**63) + b"{" + bytes(1000)),
    "deep header.safetensors": content(header(deep(b'{"a":', 1_000_000))),
    "lists.safetensors": content(header(LISTS)),
    "huge tensor.safetensors": content(
        header(b'{"a":{"dtype":"F32","shape":[1099511627776],"data_offsets":[0,4398046511104]}}')
    ),
    "empty giant.safetensors": content(
        header(b'{"a":{"dtype":"F32","shape":[0,4611686018427387903,4611686018427387903],"data_offsets":[0,0]}}')
    ),
    "counts.gguf": content(b"GGUF" + struct.pack("<IQQ", 3, 2**63, 2**63)),
    "million.gguf": content(b"GGUF" + struct.pack("<IQQ", 3, 0, 10**6) + bytes(13) * 10**6),
    "list.gguf": content(b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 1) + b"a" + struct.pack("<IIQ", 9, 8, 2**62)),
    "lists.json": content(LISTS),
    "deep.json": content(b'{"nodes":' + b"[" * 5_000_000),
    "number.json": content(b'{"nodes":[],"links":[],"metadata":{"prompt_tokens":[' + b"9" * 5_000_000 + b"]}}"),
    "own code": model(
        config__json=settings("config.json", auto_map={"AutoModelForCausalLM": "code.Model"}), code__py=code
    ),
    "own settings": model(
        config__json=settings("config.json", auto_map={"AutoConfig": "code.Model"}, model_type="mine"), code__py=code
    ),
    "trust": model(
        config__json=settings("config.json", trust_remote_code=True, architectures=["code.Model"]), code__py=code
    ),
    "own tokenizer": model(
        tokenizer_config__json=settings(
            "tokenizer_config.json", auto_map={"AutoTokenizer": ["code.Model", "code.Model"]}, tokenizer_class="Mine"
        ),
        code__py=code,
    ),
    "kernel": model(config__json=settings("config.json", _attn_implementation="kernels-community/code")),
    "adapter": model(adapter_config__json=settings("adapter_config.json", base_model_name_or_path="../call.pt")),
    "pickled weights": model(
        model__safetensors=lambda path, s: path.unlink(), pytorch_model__bin=lambda path, s: torch_zip(path, s)
    ),
    "wide": model(config__json=settings("config.json", intermediate_size=2**40)),
    "long": model(config__json=settings("config.json", num_hidden_layers=2**40)),
    "words": model(config__json=settings("config.json", vocab_size=2**50)),
    "positions": model(config__json=settings("config.json", max_position_embeddings=2**50)),
    "tags": set_with(lambda s: f"model_kind: transcoder_set\nfeature_input_hook: {TAG.format(s)}\n"),
    "tagged": set_with(lambda s: TAG.format(s)),
    "object": set_with(lambda s: "model_kind: !!python/object/new:os.system [touch x]\n"),
    "laughs": set_with(lambda s: laughs("model_kind")),
    "laughs in hooks": set_with(lambda s: "model_kind: transcoder_set\n" + laughs("feature_input_hook")),
    "laughs in files": set_with(lambda s: "model_kind: transcoder_set\n" + laughs("transcoders")),
}


def dictionary(path: Path, sentinel: Path) -> None:
    """A dictionary_learning folder whose ae.pt calls."""
    path.mkdir()
    torch_zip(path / "ae.pt", sentinel, {"encoder.weight": Touch(sentinel)})
    (path / "config.json").write_text(json.dumps({"trainer": {"dict_class": "os.system", "layer": 0}}))


def nanogpt(path: Path, sentinel: Path) -> None:
    """A whole checkpoint beside a list of characters that calls."""
    from tests.io.models.test_nanogpt import save, weights

    path.mkdir()
    save(path, weights(bias=False))
    (path / "meta.pkl").write_bytes(pickle.dumps({"itos": Touch(sentinel)}))


HOSTILE |= {"dictionary": dictionary, "characters": nanogpt}


def tries(path: Path) -> tuple[Callable[[Path], object], ...]:
    """All that ``path`` could be opened as."""
    both: tuple[Callable[[Path], object], ...] = (describe, models.read, transcoders.read)
    if path.is_dir():
        return both
    files = (circuit_file.open_circuit, tensors.read, npz.shapes, npz.read_vector)
    return (*both, *files, lambda path: run(graphs.reading(path)), lambda path: graph_json_story.read_story(str(path)))


def outcome(do: Callable[[Path], object], path: Path) -> str:
    try:
        do(path)
    except ExplorerError as error:
        return f"refused: {error}"
    return "read"


if __name__ == "__main__":
    found, started = {}, time.perf_counter()
    for each in sorted(Path(sys.argv[1]).iterdir()):
        found[each.name] = [outcome(do, each) for do in tries(each)]
        sys.stderr.write(f"{each.name}: {peak() / 1e6:.0f} MB, {time.perf_counter() - started:.1f} s\n")
    sys.stdout.write(json.dumps({"found": found, "peak": peak()}) + "\n")

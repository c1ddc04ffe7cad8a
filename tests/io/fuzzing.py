"""Files of every kind, damaged at random: the cases of test_fuzz.py and of benchmarks.fuzz_files.

A case begins as a small whole file or folder, or as a header made up from scratch, and is damaged by bytes or values.
Whatever comes of it must be an ExplorerError, or a value read. ``python -m tests.io.fuzzing FIRST COUNT`` runs the
cases FIRST, FIRST + 1, ... and prints what they did as JSON; case i is the same whenever it is run.
"""

from __future__ import annotations

import gzip
import io
import json
import pickle
import random
import shutil
import struct
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save

from explorer.errors import ExplorerError
from explorer.io import circuit_file, gguf_header, graph_json_story, graphs, inert, models, npz, tensors, transcoders
from explorer.io.inspect import describe
from explorer.session.edits import Edits
from explorer.work import run
from tests import tiny
from tests.io import graph_dialects
from tests.io.graphs import random_graph

Do = Callable[[Path], object]
DATA = Path(__file__).parents[1] / "data"
EXTREMES = (0, 1, 2, 7, 255, 2**15, 2**31 - 1, 2**31, 2**32, 2**53, 2**62, 2**63 - 1, 2**63, 2**64 - 1)
VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 3, 2**31, 2**63, 2**64, 10**30, 0.5, -0.0, 1e308, "", "x", "../..", "\0", "ä\ud800"),
    *([], {}, [0], [[]], {"": {}}, [1, "a"], {"a": 1}, [-1], [2**62, 2**62], "relu", "llama"),
    *(float("nan"), float("inf")),
)


@dataclass(frozen=True)
class Seed:
    """A file or folder, the part of it that is damaged, and what is tried on it; drawn ``weight`` times."""

    name: str
    path: Path
    part: str
    tries: tuple[Do, ...]
    weight: int


def seeds(folder: Path) -> list[Seed]:
    """One of every kind, written into ``folder``. Those that take a process or a network are drawn less often."""
    made: list[Seed] = []

    def add(name: str, path: Path, part: str, weight: int, *tries: Do) -> None:
        made.append(Seed(name, path, part, (*tries, describe), weight))

    def one(name: str, data: bytes, weight: int, *tries: Do) -> None:
        (folder / name).write_bytes(data)
        add(name, folder / name, "", weight, *tries)

    held = {"a": torch.ones(2, 3), "embed.W_E": torch.ones(3).bfloat16(), "c": torch.zeros(0, 4)}
    one("a.safetensors", save(held, {"note": "x"}), 250, tensors.header, tensors.read)
    one("a.gguf", gguf(), 250, gguf_header.header)
    one("a.npz", written(lambda file: np.savez(file, a=np.ones((2, 3)), b=np.ones(2, np.float16))), 80, npz.shapes)
    one("a.npy", written(lambda file: np.save(file, np.ones(4))), 40, npz.read_vector)
    one("graph.json", json.dumps(graph_dialects.schema_0()).encode(), 60, read_graph)
    one("other.json", json.dumps(graph_dialects.llamascopium()).encode(), 40, read_graph)
    one("story.json", json.dumps({"qParams": {"pinnedIds": ["a"], "supernodes": [["b", "c"]]}}).encode(), 20, story)
    circuit_file.save(folder / "a.circuit", random_graph(), Edits())
    add("a.circuit", folder / "a.circuit", "", 100, circuit_file.open_circuit)
    value = {"model": {"w": torch.ones(2, 3)}, "model_args": {"n_layer": 1, "n_embd": 3}, "list": [1, (2, "x")]}
    one("zip.pt", written(lambda file: torch.save(value, file)), 6, inert.load)
    one("old.pt", written(lambda file: torch.save(value, file, _use_new_zipfile_serialization=False)), 6, inert.load)
    one("a.pkl", pickle.dumps({"a": [1, 2], "b": np.ones(3)}, 4), 6, inert.load)
    one("a.pkl.gz", gzip.compress(pickle.dumps({"a": [1, 2]}), mtime=0), 3, inert.load)
    shutil.copy(DATA / "graphs" / "circuit-tracer.pt", folder / "graph.pt")
    add("graph.pt", folder / "graph.pt", "", 3, read_graph)
    for name in ("plt_relu", "clt_jump"):
        shutil.copytree(DATA / name, folder / name)
        add(f"{name} settings", folder / name, "config.yaml", 40, read_set)
        file = next(path.name for path in sorted((folder / name).iterdir()) if path.suffix == ".safetensors")
        add(f"{name} weights", folder / name, file, 20, read_set)
    for family in ("llama", "gpt2"):
        shutil.copytree(tiny.saved(family), folder / family)
        add(f"{family} settings", folder / family, "config.json", 8, models.read)
        add(f"{family} weights", folder / family, "model.safetensors", 4, models.read)
    shutil.copytree(folder / "llama", folder / "sharded")
    index = {"metadata": {}, "weight_map": {"a": "model.safetensors"}}
    (folder / "sharded" / "model.safetensors.index.json").write_text(json.dumps(index))
    add("index", folder / "sharded", "model.safetensors.index.json", 20)
    return made


def written(write: Callable[[io.BytesIO], object]) -> bytes:
    file = io.BytesIO()
    write(file)
    return file.getvalue()


def gguf() -> bytes:
    """A GGUF file with a setting of most types and one tensor."""

    def text(value: str) -> bytes:
        return struct.pack("<Q", len(value)) + value.encode()

    settings = [
        text("general.architecture") + struct.pack("<I", 8) + text("llama"),
        text("llama.block_count") + struct.pack("<II", 4, 1),
        text("list") + struct.pack("<IIQ", 9, 8, 2) + text("a") + text("b"),
        text("numbers") + struct.pack("<IIQ3f", 9, 6, 3, 1.0, 2.0, 3.0),
    ]
    head = b"GGUF" + struct.pack("<IQQ", 3, 1, len(settings)) + b"".join(settings)
    head += text("token_embd.weight") + struct.pack("<IQQIQ", 2, 8, 4, 0, 0)
    return head + bytes(-len(head) % 32) + bytes(8 * 4 * 4)


def read_graph(path: Path) -> object:
    return run(graphs.reading(path))


def read_set(path: Path) -> object:
    return transcoders.read(path)


def story(path: Path) -> object:
    return graph_json_story.read_story(str(path))


def damaged(data: bytes, draw: random.Random) -> bytes:
    """``data`` with some of its values, bytes or ends changed."""
    how = draw.choice(("values", "values", "bytes", "bytes", "bytes", "number", "cut", "insert", "repeat", "made up"))
    if how == "values" and (changed := other_values(data, draw)) is not None:
        return changed
    whole = bytearray(data)
    at = draw.randrange(len(whole)) if draw.random() < 0.3 else draw.randrange(min(len(whole), 300))
    match how:
        case "number":
            n = draw.choice((1, 2, 4, 8))
            whole[at : at + n] = (draw.choice(EXTREMES) % 256**n).to_bytes(n, "little")
        case "cut":
            del whole[at:]
        case "insert":
            whole[at:at] = draw.randbytes(draw.randrange(1, 20))
        case "repeat":
            whole[at:at] = whole[at : at + draw.randrange(1, 200)] * draw.randrange(1, 50)
        case "made up" if data[8:9] == b"{":
            return made_up_header(draw)
        case _:
            for _ in range(draw.randrange(1, 8)):
                whole[draw.randrange(min(len(whole), 400)) if draw.random() < 0.7 else at] = draw.randrange(256)
    return bytes(whole)


def other_values(data: bytes, draw: random.Random) -> bytes | None:
    """JSON, or the header of safetensors, with one or two values of the wrong kind or size; None for other files."""
    is_header = data[8:9] == b"{" and int.from_bytes(data[:8], "little") < len(data)
    text = data[8 : 8 + int.from_bytes(data[:8], "little")] if is_header else data
    try:
        value = json.loads(text)
    except ValueError:
        return None
    for _ in range(draw.randrange(1, 3)):
        value = _changed(value, draw)
    new = json.dumps(value).encode()
    return struct.pack("<Q", len(new)) + new + data[8 + len(text) :] if is_header else new


def _changed(value: Any, draw: random.Random) -> Any:
    """``value`` with one thing in it replaced, taken away or doubled."""
    if isinstance(value, dict) and value and draw.random() < 0.9:
        key = draw.choice(sorted(value))
        if draw.random() < 0.15:
            return {name: item for name, item in value.items() if name != key}
        return {**value, key: _changed(value[key], draw)}
    if isinstance(value, list) and value and draw.random() < 0.9:
        at = draw.randrange(len(value))
        if draw.random() < 0.2:
            return [*value, value[at]] if draw.random() < 0.5 else value[:at] + value[at + 1 :]
        return [*value[:at], _changed(value[at], draw), *value[at + 1 :]]
    return draw.choice(VALUES)


def made_up_header(draw: random.Random) -> bytes:
    """A safetensors file whose header promises what it likes."""
    table: dict[str, Any] = {}
    end = 0
    for i in range(draw.randrange(6)):
        shape = [draw.choice((0, 1, 2, 3, 2**31, 2**61)) for _ in range(draw.randrange(4))]
        size = draw.choice((0, 4, 8, 24, 2**40))
        dtype = draw.choice(("F32", "BF16", "F4", "Q9", 3))
        entry: Any = {"dtype": dtype, "shape": shape, "data_offsets": [end, end + size]}
        end += size
        name = draw.choice(("embed.W_E", "W_enc", f"t{i}", "__metadata__"))
        table[name] = entry if draw.random() < 0.9 else draw.choice(VALUES)
    text = json.dumps(table).encode()
    return struct.pack("<Q", len(text)) + text + bytes(min(end, 64))


def run_case(number: int, all_seeds: list[Seed], folder: Path) -> tuple[str, str]:
    """What case ``number`` was made of and what came of it: refused, read, or the trace of what should not be."""
    draw = random.Random(number)
    seed = draw.choices(all_seeds, [each.weight for each in all_seeds])[0]
    if seed.path.is_dir():
        own = folder / seed.path.name
        shutil.copytree(seed.path, own, dirs_exist_ok=True)
        file = own / seed.part
    else:
        own = file = folder / seed.path.name
    file.write_bytes(damaged((seed.path / seed.part if seed.part else seed.path).read_bytes(), draw))
    outcome = "read"
    for each in seed.tries:
        try:
            each(own)
        except ExplorerError as error:
            outcome = "refused" if "\n" not in str(error) and len(str(error)) < 2000 else f"unreadable: {error}"
        except Exception:  # noqa: BLE001 - that there is none is what is tested
            return seed.name, f"case {number}\n{traceback.format_exc()}"
    return seed.name, outcome


def run_cases(first: int, count: int) -> dict[str, Any]:
    """Counts of outcomes by kind, and the traces of what went wrong."""
    counts: Counter[str] = Counter()
    wrong: list[str] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "whole").mkdir()
        (folder / "case").mkdir()
        made = seeds(folder / "whole")
        for number in range(first, first + count):
            kind, outcome = run_case(number, made, folder / "case")
            counts[f"{kind}: {outcome if outcome in ('read', 'refused') else 'wrong'}"] += 1
            if outcome not in ("read", "refused"):
                wrong.append(f"{kind}: {outcome}")
    return {"counts": dict(sorted(counts.items())), "wrong": wrong, "peak": peak()}


def peak() -> int:
    """The most memory that this process or one of its children ever held, in bytes."""
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    children = unit * resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return max(own_peak(unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss), children)


def own_peak(counted: int) -> int:
    """This process's own peak in bytes; ``counted`` survives exec and so begins at what the parent had, on Linux."""
    status = Path("/proc/self/status")
    if not status.is_file():
        return counted
    lines = status.read_text(encoding="ascii", errors="replace").splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


if __name__ == "__main__":
    sys.stdout.write(json.dumps(run_cases(int(sys.argv[1]), int(sys.argv[2]))) + "\n")

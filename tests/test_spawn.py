"""Importing has no effects, so that a spawned or frozen process is what it was asked to be and nothing else."""

from __future__ import annotations

import ast
import json
import os
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

from explorer.engine.protocol import Message, decode, encode
from explorer.engine.values import pack

ROOT = Path(__file__).parent.parent
UI = sorted(module.name for module in pkgutil.walk_packages([str(ROOT / "explorer" / "ui")], "explorer.ui."))

# Imports its arguments while every file that is opened for writing, every process and every socket is noted.
IMPORT = """
import importlib, json, sys, threading
done = []
def note(event, args):
    if event == "open" and isinstance(args[1], str) and set(args[1]) & set("wax+"):
        done.append(f"writes {args[0]}")
    if event in ("os.mkdir", "os.remove", "os.rename", "os.posix_spawn", "os.system", "subprocess.Popen",
                 "socket.connect", "socket.bind", "signal.signal"):
        done.append(f"{event} {args[:1]}")
sys.addaudithook(note)
threading.Thread.start = lambda thread: done.append(f"starts {thread.name}")
hook, threads = sys.excepthook, threading.active_count()
for module in sys.argv[1:]:
    importlib.import_module(module)
    if sys.excepthook is not hook:
        done.append(f"{module} takes the excepthook")
        hook = sys.excepthook
if threading.active_count() != threads:
    done.append("a thread runs")
if "PySide6.QtCore" in sys.modules:
    from PySide6.QtCore import QCoreApplication, QThreadPool
    if QCoreApplication.instance() is not None:
        done.append("an application is there")
    if QThreadPool.globalInstance().activeThreadCount():
        done.append("the thread pool works")
print(json.dumps(done))
"""


def effects(modules: list[str], folder: Path) -> list[str]:
    """What importing ``modules`` in a fresh process in ``folder`` did beside importing."""
    run = subprocess.run(
        [sys.executable, "-B", "-c", IMPORT, *modules],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert run.stderr == ""
    assert list(folder.iterdir()) == []
    found: list[str] = json.loads(run.stdout)
    return found


def test_importing_the_program_does_nothing_else(tmp_path: Path) -> None:
    assert effects(["explorer", "explorer.__main__", "explorer.cli", "explorer.engine.server"], tmp_path) == []


def test_importing_every_module_of_the_window_does_nothing_else(tmp_path: Path) -> None:
    assert "explorer.ui.app" in UI
    assert effects(UI, tmp_path) == []


def test_effects_would_be_seen(tmp_path: Path) -> None:
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "loud.py").write_text(
        "import sys, threading\n"
        "open('left', 'w').close()\n"
        "threading.Thread(target=print, name='busy').start()\n"
        "sys.excepthook = print\n"
    )
    run = subprocess.run(
        [sys.executable, "-B", "-c", IMPORT, "loud"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "bad")},
        capture_output=True,
        stdin=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
    )
    found = json.loads(run.stdout)
    assert any("writes left" in line for line in found)
    assert "starts busy" in found
    assert "loud takes the excepthook" in found


@pytest.mark.parametrize("more", [[], ["-P"]])
def test_the_engine_answers_hello_and_imports_no_qt(tmp_path: Path, more: list[str]) -> None:
    """A PySide6 that cannot be imported stands in the way; so does torch, which hello does not need."""
    for name in ("PySide6", "pyqtgraph", "torch", "transformers"):
        (tmp_path / f"{name}.py").write_text("raise RuntimeError(__name__)")
    packed, arrays = pack({})
    request = Message({"do": "run", "id": 1, "job": "hello", "lane": "", "values": packed}, arrays)
    asked = b"".join(bytes(part) for part in encode(request))
    paths = os.pathsep.join([str(tmp_path), str(ROOT)])
    process = subprocess.Popen(
        [sys.executable, *more, "-m", "explorer", "engine"],
        env={**os.environ, "PYTHONPATH": paths},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        process.stdin.write(asked)
        process.stdin.flush()
        heads = []
        while not heads or heads[-1]["event"] not in ("result", "failed"):
            message = decode(process.stdout)
            assert message is not None, process.stderr.read()
            heads.append(message.head)
        assert heads[0]["event"] == "started"
        assert heads[-1]["event"] == "result", heads[-1]
        assert heads[-1]["values"]["pid"] == process.pid
        process.stdin.close()
        assert process.wait(10) == 0
    finally:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            stream.close()


def test_freeze_support_comes_before_anything_else() -> None:
    """Otherwise a spawned child of a frozen program would open the window again."""
    tree = ast.parse((ROOT / "explorer" / "__main__.py").read_text())
    imported = {alias.name for node in tree.body if isinstance(node, ast.Import) for alias in node.names}
    assert imported == {"sys"}
    (main,) = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "main"]
    assert ast.get_docstring(main)
    guarded = main.body[1]
    assert isinstance(guarded, ast.Try)
    first = [ast.unparse(step) for step in guarded.body[:2]]
    assert first == ["import multiprocessing", "multiprocessing.freeze_support()"]

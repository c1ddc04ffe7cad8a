"""The program proves itself, and neither the window's process nor the engine's tries to reach a network or listens."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

GUARD = """
import os, sys

def note(text):
    with open(os.environ["NOTED"], "a", encoding="utf-8") as file:
        file.write(text + "\\n")

def hear(event, values):
    if event in ("socket.connect", "socket.bind", "socket.sendto") and values[0].family.name.startswith("AF_INET"):
        note(f"{event} {values[1:]}")
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        note(f"{event} {values}")
    elif event == "import" and values[0] == "PySide6.QtNetwork":
        note("QtNetwork is imported")

note("begins")
sys.addaudithook(hear)
"""


@pytest.fixture
def guarded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where each Python process, and what it attempts, is noted; children inherit the guard."""
    (tmp_path / "sitecustomize.py").write_text(GUARD, "utf-8")
    before = filter(None, [os.environ.get("PYTHONPATH")])
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), *before]))
    monkeypatch.setenv("NOTED", str(tmp_path / "noted"))
    return tmp_path / "noted"


def test_the_program_proves_itself_without_a_network(guarded: Path) -> None:
    """In a process of its own, which it ends itself; its window starts the engine, another one."""
    done = subprocess.run([sys.executable, "-m", "explorer", "self-test"], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    checks = [line.split(":")[0] for line in done.stdout.splitlines()[:-1]]
    assert checks == [f"ok    {name}" for name in ("Qt", "families", "sample", "window", "specimens", "export")]
    noted = guarded.read_text("utf-8").splitlines()
    assert set(noted) == {"begins"}, noted
    assert len(noted) >= 2


@pytest.mark.parametrize(
    ("code", "event"),
    [
        ("import socket; socket.socket().connect_ex(('127.0.0.1', 9))", "socket.connect"),
        ("import socket; socket.socket().bind(('127.0.0.1', 0))", "socket.bind"),
        ("import PySide6.QtNetwork", "QtNetwork is imported"),
    ],
)
def test_an_attempt_would_be_noted(guarded: Path, code: str, event: str) -> None:
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
    assert event in guarded.read_text("utf-8")

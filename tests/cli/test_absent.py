"""A library of the system that Qt does not find is a sentence; any other import that fails is a bug."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from runpy import run_path

import pytest

from explorer.cli.absent import DEBIAN

ROOT = Path(__file__).parent.parent.parent
GLIBC = "libEGL.so.1: cannot open shared object file: No such file or directory"
QT = "/env/PySide6/QtGui.abi3.so"


def opened(folder: Path, fault: str, module: str = QT) -> subprocess.CompletedProcess[str]:
    """`circuit-explorer open` where Python says ``fault`` of the file of a compiled ``module``."""
    (folder / "PySide6").mkdir()
    (folder / "PySide6" / "__init__.py").write_text(f"raise ImportError({fault!r}, path={module!r})")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(folder), str(ROOT)))}
    command = [sys.executable, "-P", "-m", "explorer", "open", "us-cities"]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60)


def test_a_library_that_qt_misses_is_one_sentence_with_its_remedy(tmp_path: Path) -> None:
    run = opened(tmp_path, GLIBC)
    assert (run.returncode, run.stdout) == (1, "")
    assert run.stderr == (
        "Windows and pictures need libEGL.so.1, which this system lacks; "
        f"install it (Debian, Ubuntu: apt-get install {DEBIAN}).\n"
    )


@pytest.mark.parametrize(
    ("fault", "module"),
    [
        ("No module named 'PySide6.QtGui'", QT),
        ("libEGL.so.1: file too short", QT),
        (GLIBC.replace("libEGL", "libcudart"), "/env/torch/_C.so"),
    ],
)
def test_any_other_import_that_fails_goes_through(tmp_path: Path, fault: str, module: str) -> None:
    run = opened(tmp_path, fault, module)
    assert run.returncode == 1
    assert f"ImportError: {fault}" in run.stderr


def test_the_packages_are_those_that_the_checkout_installs() -> None:
    script = run_path(str(ROOT / "scripts" / "system-libraries"))
    assert DEBIAN.split() == list(script["QT"].values())

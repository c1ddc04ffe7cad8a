"""The frozen application that `make bundle` leaves in dist/."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from scripts import packages

FROZEN = Path(__file__).parent.parent / "dist" / "circuit-explorer"
LARGEST = 900_000_000  # bytes of the folder

pytestmark = [
    pytest.mark.bundle,
    pytest.mark.skipif(not FROZEN.is_dir(), reason="there is no dist/circuit-explorer; run make bundle"),
]


def test_it_proves_itself_from_any_folder_and_with_nothing_of_ours_in_the_environment(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
    done = subprocess.run(
        [FROZEN / "circuit-explorer", "self-test"], cwd=tmp_path, env=environment, capture_output=True, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith(b"The program works.\n")


def test_it_is_no_larger_than_promised() -> None:
    files = [file for file in FROZEN.rglob("*") if file.is_file() and not file.is_symlink()]
    assert sum(file.stat().st_size for file in files) < LARGEST


def test_it_holds_the_samples_and_nothing_of_their_training() -> None:
    shipped = FROZEN / "_internal" / "explorer" / "sample_models"
    assert (shipped / "us-cities" / "ORIGIN.md").is_file()
    assert not (shipped / "training").exists()
    assert not list(shipped.rglob("*.py"))


def test_its_licences_name_every_package_that_came_along() -> None:
    internal = FROZEN / "_internal"
    text = (internal / "explorer" / "resources" / "licences.txt").read_text(encoding="utf-8").lower()
    came = [folder.name.removesuffix(".dist-info").rpartition("-")[0] for folder in internal.glob("*.dist-info")]
    assert came
    assert [name for name in came if f"\n{name.lower()} " not in text] == []


def test_debian_has_a_package_for_each_library_that_it_leaves_to_the_system() -> None:
    wanted, libc = packages.linked(FROZEN)
    assert "libgl1" in packages.depends(wanted, libc)

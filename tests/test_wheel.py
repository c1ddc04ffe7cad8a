"""The wheel that `pip install .` and `pipx install .` build, and the program that is installed from it."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from configparser import ConfigParser
from email import message_from_bytes
from email.message import Message
from pathlib import Path

import pytest

from explorer import __version__

ROOT = Path(__file__).parent.parent
INFO = f"circuit_explorer-{__version__}.dist-info"
PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
WHERE = """
import explorer
from explorer.io import samples
sample = samples.find("us-cities")
for path in explorer.__file__, samples.resources(), samples.model_folder(sample), samples.transcoder_folder(sample):
    print(path)
"""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from this checkout, without an index: the build backend is among the developers' packages."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [*PIP, "wheel", "--no-index", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, ROOT]
    subprocess.run(build, check=True, cwd=folder, timeout=120)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of its own that holds the wheel's files, and the command in ``bin``; what it needs is this Python's."""
    folder = tmp_path_factory.mktemp("installed")
    subprocess.run([*PIP, "install", "--no-index", "--no-deps", "--target", folder, wheel], check=True, timeout=120)
    return folder


def output(installed: Path, *command: str | Path) -> str:
    """What ``command`` prints outside the checkout when Python finds the installed files before all others."""
    away = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    environment = {**away, "PYTHONPATH": str(installed), "OMP_NUM_THREADS": "1"}
    run = subprocess.run(command, cwd=installed.parent, env=environment, capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stderr
    return run.stdout


def checked_out(*folders: str) -> set[str]:
    """The files in ``folders`` that git has or would take."""
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *folders]
    listed = subprocess.run(listing, check=True, cwd=ROOT, capture_output=True, text=True).stdout.split("\0")
    return {name for name in listed if name and (ROOT / name).is_file()}


def metadata(wheel: Path) -> Message:
    return message_from_bytes(zipfile.ZipFile(wheel).read(f"{INFO}/METADATA"))


def test_it_holds_the_program_its_resources_and_samples_and_nothing_else(wheel: Path) -> None:
    code = checked_out("explorer")
    resources = {name for name in checked_out("resources") if not name.startswith("resources/packaging/")}
    samples = {name for name in checked_out("sample_models") if not name.startswith("sample_models/training/")}
    data = resources | samples - {"sample_models/__init__.py"}
    assert {"resources/icon.svg", "sample_models/us-cities/model/model.safetensors"} <= data
    held = {name for name in zipfile.ZipFile(wheel).namelist() if not name.startswith(INFO)}
    assert held == code | {f"explorer/{name}" for name in data}


def test_it_brings_one_command_and_needs_nothing_that_only_developers_need(wheel: Path) -> None:
    read = ConfigParser()
    read.read_string(zipfile.ZipFile(wheel).read(f"{INFO}/entry_points.txt").decode())
    assert {name: dict(read[name]) for name in read.sections()} == {
        "console_scripts": {"circuit-explorer": "explorer.__main__:main"}
    }
    said = metadata(wheel)
    assert (said["Name"], said["Version"]) == ("circuit-explorer", __version__)
    needed = [line for line in said.get_all("Requires-Dist", []) if "extra ==" not in line]
    assert any(line.startswith("torch") for line in needed)
    developers = ("pytest", "beartype", "jaxtyping", "hatchling", "gguf", "distributed")
    assert not [line for line in needed if line.startswith(developers)]


def test_installed_it_finds_its_own_files_and_not_the_checkouts(installed: Path) -> None:
    package = installed / "explorer"
    sample = package / "sample_models" / "us-cities"
    found = output(installed, sys.executable, "-c", WHERE).splitlines()
    wanted = [package / "__init__.py", package / "resources", sample / "model", sample / "plt"]
    assert [Path(line) for line in found] == wanted


def test_installed_both_ways_to_start_it_say_the_version(installed: Path) -> None:
    assert output(installed, sys.executable, "-m", "explorer", "--version") == f"circuit-explorer {__version__}\n"
    assert output(installed, installed / "bin" / "circuit-explorer", "--version") == f"circuit-explorer {__version__}\n"


def test_installed_it_runs_the_sample_that_came_along(installed: Path) -> None:
    prompt = "Fact: the capital of the state containing Dallas is"
    said = output(installed, installed / "bin" / "circuit-explorer", "lens", "us-cities", "--prompt", prompt)
    assert "Austin" in said

"""Every test runs off screen, offline, on one thread, in folders of its own, and leaves nothing behind."""

from __future__ import annotations

import gc
import os

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("QT_API", "pyside6")  # superqt asks qtpy, which asks this
os.environ.update(OMP_NUM_THREADS="1", MKL_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1", TOKENIZERS_PARALLELISM="false")

from collections.abc import Generator

import pytest
from hypothesis import settings

from tests.leaks import Leaks, QtLeaks

settings.register_profile("thorough", deadline=None, derandomize=True)
settings.register_profile("quick", settings.get_profile("thorough"), max_examples=30)

PASSED = pytest.StashKey[bool]()


def pytest_configure(config: pytest.Config) -> None:
    """Fewer examples where slow tests are left out; ``make test-all`` tries all."""
    settings.load_profile("quick" if "not slow" in config.getoption("markexpr") else "thorough")


def pytest_collection_finish() -> None:
    """Whatever was imported stays: no collection of garbage needs to look at it again."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if call.when == "call":
        item.stash[PASSED] = report.passed
    return report


@pytest.fixture(autouse=True)
def nothing_left_behind(request: pytest.FixtureRequest) -> Generator[None]:
    """Fail a test that passed but left a thread, a process, a window or a timer behind."""
    watched: list[Leaks | QtLeaks] = [Leaks()]
    if "qapp" in request.fixturenames:
        request.getfixturevalue("qapp")
        watched.append(QtLeaks())
    yield
    found = [leak for leaks in watched for leak in leaks.close()]
    if found and request.node.stash.get(PASSED, False):
        pytest.fail("The test left behind: " + "; ".join(found), pytrace=False)


@pytest.fixture(autouse=True)
def own_folders(
    nothing_left_behind: None, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Send settings, caches, journals and logs to an empty folder, in this process and its children."""
    home = tmp_path_factory.mktemp("home")
    for name in ("HOME", "USERPROFILE", "APPDATA", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(home))
    for name in ("CONFIG", "CACHE", "DATA", "STATE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(home / name.lower()))
    monkeypatch.setenv("HF_HOME", str(home / "huggingface"))

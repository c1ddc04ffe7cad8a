from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from explorer.engine.command import command_of, default_command, environment

ROOT = Path(__file__).parents[2]


def test_our_own_engine_does_not_import_from_the_working_folder() -> None:
    assert default_command() == [sys.executable, "-P", "-m", "explorer", "engine"]


def test_our_own_engine_finds_this_package_and_keeps_the_users_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "mine")
    assert environment(default_command())["PYTHONPATH"].split(os.pathsep) == [str(ROOT), "mine"]


def test_another_engine_gets_the_users_environment_as_it_is() -> None:
    assert environment(["ssh", "host", "circuit-explorer", "engine"]) == dict(os.environ)


def test_another_engine_of_a_bundle_does_not_see_its_libraries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setenv("LD_LIBRARY_PATH", "bundle")
    assert default_command() == [sys.executable, "engine"]
    assert environment(default_command())["LD_LIBRARY_PATH"] == "bundle"
    assert "LD_LIBRARY_PATH" not in environment(["own/python"])
    monkeypatch.setenv("LD_LIBRARY_PATH_ORIG", "own")
    assert environment(["own/python"])["LD_LIBRARY_PATH"] == "own"


def test_a_command_is_split_as_a_shell_would_and_the_home_folder_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    assert command_of("") == []
    assert command_of("~/env/bin/circuit-explorer engine") == ["/home/me/env/bin/circuit-explorer", "engine"]
    assert command_of("'/opt/my env/python' -m explorer engine") == ["/opt/my env/python", "-m", "explorer", "engine"]
    assert command_of("a; rm $HOME | b") == ["a;", "rm", "$HOME", "|", "b"]


def test_a_quotation_mark_that_does_not_close_leaves_one_word() -> None:
    assert command_of("'/opt/my env engine") == ["'/opt/my env engine"]

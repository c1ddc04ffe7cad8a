from __future__ import annotations

import os

import pytest

from explorer import __version__
from explorer.engine import machine
from explorer.engine.inprocess import run_job
from explorer.engine.state import EngineState
from explorer.errors import EngineError
from tests.engine.conftest import Engine


def test_hello_says_what_the_engine_is() -> None:
    said = run_job("hello", EngineState(models={"sample": object()}))
    assert (said["version"], said["pid"], said["models"]) == (__version__, os.getpid(), ["sample"])
    assert said["versions"]["torch"].startswith("2.")
    assert said["threads"] >= 1
    assert 1 << 20 < said["memory"] < said["free_memory"]


def test_warming_loads_torch_and_names_the_devices(engine: Engine) -> None:
    assert engine.result("loaded") == {"heavy": []}
    warmed = engine.result("warm")
    assert warmed["devices"][0]["device"] == "cpu"
    assert warmed["devices"][0]["memory"] > 1 << 30
    assert engine.result("loaded") == {"heavy": ["torch", "transformers"]}
    assert engine.result("hello")["devices"] == warmed["devices"]


def test_an_engine_without_torch_is_a_foreseen_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "WARM", ("no_such_package",))
    with pytest.raises(EngineError, match="no working “no_such_package”"):
        run_job("warm", EngineState())

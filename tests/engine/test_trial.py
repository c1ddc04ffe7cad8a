"""A look at another engine: real processes, good and bad, through the real client."""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path

import pytest

from explorer import __version__
from explorer.engine.protocol import PREFIX
from explorer.engine.trial import found, trial
from explorer.errors import Cancelled, EngineError
from explorer.work import Progress, go_on, run

DEAF = "import sys; sys.stdin.read()"
OTHER = f"import sys; sys.stdout.buffer.write({PREFIX.pack(b'CXE2', 2, 0)!r} + b'{{}}')"


def python(program: str) -> str:
    """A command that runs ``program``, to be split as a shell would."""
    return f'"{sys.executable}" -c "{program}"'


def fault(command: str, seconds: float = 20.0) -> str:
    with pytest.raises(EngineError) as raised:
        run(trial(command, go_on, seconds))
    return str(raised.value)


def test_a_second_interpreter_is_an_engine_and_says_its_versions_and_devices() -> None:
    import torch

    steps: list[Progress] = []
    said = run(trial(f"{sys.executable} -m explorer engine", go_on), steps.append)
    assert said == f"That engine answers: version {__version__}, torch {torch.__version__}, no GPU, CPU only."
    assert "Loading torch" in [step.text for step in steps]


def test_gpus_are_named_and_another_version_of_the_program_is_told() -> None:
    gpu = [{"device": "cpu", "name": "CPU"}, {"device": "cuda:0", "name": "NVIDIA H100"}]
    said = found("9.9", {"devices": gpu, "versions": {"torch": "2.9.1+cu128"}})
    assert said.startswith("That engine answers: version 9.9, torch 2.9.1+cu128, cuda:0 NVIDIA H100. This window is")


def test_a_program_that_is_not_there_is_told(tmp_path: Path) -> None:
    assert fault(f"{tmp_path}/none engine") == (
        f"The engine “{tmp_path}/none” was not found; give the full path of the program, in quotation marks if it "
        "has blanks."
    )
    assert "“'open engine” was not found" in fault("'open engine")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows knows no executable bit")
def test_a_file_that_cannot_be_run_is_told(tmp_path: Path) -> None:
    (tmp_path / "engine").write_text("text")
    assert "is not a file that can be run" in fault(str(tmp_path / "engine"))
    assert "is not a file that can be run" in fault(str(tmp_path))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows knows no interpreter in the first line")
def test_a_script_whose_python_is_gone_is_told(tmp_path: Path) -> None:
    script = tmp_path / "engine"
    script.write_text(f"#!{tmp_path}/moved/python\n")
    script.chmod(0o755)
    assert "begins with the path of a program that is gone" in fault(str(script))


def test_the_last_line_is_quoted_without_colours_and_cut_if_it_is_long() -> None:
    assert "was “no numpy”" in fault(python("raise SystemExit(chr(27) + '[31mno numpy' + chr(27) + '[0m')"))
    assert len(fault(python("raise SystemExit(9999 * 'x')"))) < 500


def test_a_program_that_exits_is_told_with_its_last_line() -> None:
    assert fault(python("raise SystemExit('no module named explorer')")) == (
        "The chosen engine stopped before it answered (exit code 1); its last line was “no module named explorer”."
    )
    assert "run its command in a terminal" in fault(python("raise SystemExit(3)"))


def test_a_program_that_talks_of_something_else_is_no_engine() -> None:
    said = fault(python("print('Welcome to this machine.', flush=True); input()"))
    assert said.startswith(f"“{sys.executable}” answers, but not as an engine does")


def test_an_engine_of_another_protocol_is_refused_in_one_sentence() -> None:
    assert fault(python(OTHER)) == (
        "That engine speaks version 2 of the engine’s protocol and this window version 1; install the same version of "
        "Circuit Explorer in both."
    )


def test_a_program_that_never_answers_is_waited_for_no_longer_than_the_limit() -> None:
    start = time.monotonic()
    assert fault(python(DEAF), 0.3).startswith("There was no answer in 0 s")
    assert time.monotonic() - start < 5


def test_the_look_can_be_called_off() -> None:
    off = threading.Event()

    def pause() -> None:
        if off.is_set():
            raise Cancelled("Cancelled.")
        off.set()

    with pytest.raises(Cancelled):
        run(trial(python(DEAF), pause))

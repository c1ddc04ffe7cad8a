"""StandInEngine: the engine's signals and methods without a process; it notes what it was asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from explorer.session.model_info import ModelInfo
from explorer.session.prompt import Candidate, Prompt

MODEL = ModelInfo(
    name="tiny",
    path="models/tiny",
    family="llama",
    n_layers=3,
    d_model=8,
    d_vocab=300,
    n_parameters=1000,
    context=64,
    special_token="<s>",
    special_name="start of text",
    transcoder_kind="plt",
    transcoder_name="plt",
    transcoder_path="models/tiny/plt",
    d_transcoder=50,
    device="cpu",
    dtype="float32",
    threads=2,
)
CANDIDATES = (Candidate(7, " dry", 0.875), Candidate(8, " hot", 0.043), Candidate(9, " warm", 0.018))


def prompt(text: str = "The sun is", n_candidates: int = 3) -> Prompt:
    """``text`` cut before each blank."""
    words = text.replace(" ", "\0 ").split("\0") if text else []
    ids = (1, *(100 + len(word) for word in words))
    return Prompt(text, ids, ("<s>", *words), 1, CANDIDATES[:n_candidates])


class StandInEngine(QObject):
    state_changed = Signal(str)
    job_started = Signal(str)
    progress = Signal(str, int, int, str, float)
    job_finished = Signal(str)
    job_failed = Signal(str, str, str)
    job_cancelled = Signal(str)
    unsaid = Signal(object)
    found = Signal(str, object)
    died = Signal(str, str)
    fit_told = Signal(str)
    memory_changed = Signal(int)
    answered = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.state = "ready"
        self.job = ""
        self.memory = 0
        self.devices: tuple[str, ...] = ()
        self.versions: dict[str, str] = {}
        self.command: tuple[str, ...] = ()
        self.log = Path("engine.log")
        self.asked: list[tuple[Any, ...]] = []

    def set_state(self, state: str) -> None:
        self.state = state
        self.state_changed.emit(state)

    def begin(self, job: str) -> None:
        self.job = job
        self.job_started.emit(job)

    def end(self, job: str) -> None:
        self.job = ""
        self.job_finished.emit(job)

    def fail(self, job: str, sentence: str, details: str = "") -> None:
        self.job = ""
        self.job_failed.emit(job, sentence, details)

    def open_model(self, path: str, transcoders: str = "", neurons: bool = False) -> None:
        self.asked.append(("open", path, transcoders, *(["neurons"] if neurons else [])))

    def use_neurons(self) -> None:
        self.asked.append(("neurons",))

    def answer(self, name: str, value: str) -> None:
        self.asked.append(("answer", name, value))

    def leave_unanswered(self) -> None:
        self.job_cancelled.emit("open")

    def tokenize(self, text: str) -> None:
        self.asked.append(("tokenize", text))

    def attribute(self, choice: Any = None, text: str | None = None) -> None:
        self.asked.append(("attribute", choice, text))

    def ask(self, job: str, **values: Any) -> int:
        self.asked.append((job, values))
        return len(self.asked)

    def ask_quietly(self, job: str, lane: str, **values: Any) -> int:
        """Notes the question; a test answers it with ``answered``."""
        self.asked.append((job, values))
        return len(self.asked)

    def stop(self, request: int) -> None:
        self.asked.append(("stop", request))

    def cancel(self, only: str = "") -> None:
        if only in ("", self.job):
            self.asked.append(("cancel",))

    def hide_partial(self) -> None:
        self.asked.append(("hide partial",))

    def restart(self) -> None:
        self.asked.append(("restart",))

    def set_setting(self, device: str, dtype: str, threads: int) -> None:
        self.asked.append(("setting", device, dtype, threads))

    def set_command(self, text: str) -> None:
        self.asked.append(("command", text))

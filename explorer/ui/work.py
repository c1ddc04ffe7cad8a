"""Engine: the window's view of the compute process; asks for jobs and puts their results into the document.

``EngineClient`` calls back on a thread of its own; one queued signal brings each event to the window's thread.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Qt, Signal

from explorer.engine.client import EngineClient
from explorer.engine.command import command_of
from explorer.engine.events import (
    BUG,
    CancelledEvent,
    Died,
    Event,
    Failed,
    Partial,
    ProgressEvent,
    RestartPolicy,
    Result,
    Superseded,
)
from explorer.errors import EngineError, Unsaid
from explorer.session.look import Look
from explorer.session.model_info import ModelInfo, with_neurons
from explorer.session.prompt import Prompt
from explorer.session.targets import TargetChoice
from explorer.session.view import GraphView
from explorer.ui.document import Document
from explorer.ui.first_look import first_look, first_view, prompt_of

QUIET = ("hello", "warm", "tokenize", "fit")  # jobs that show no progress and no failure of their own
ASKED = "asked"  # a job of ``ask_quietly``, of which its asker alone hears


class Engine(QObject):
    """The engine process and what it is doing.

    state is ``stopped``, ``starting``, ``ready`` or ``failing`` (it died three times in a row). A job is open (model),
    tokenize (prompt) or attribute (graph); each has its lane, in which the newest request wins.
    """

    state_changed = Signal(str)
    job_started = Signal(str)
    progress = Signal(str, int, int, str, float)  # job, done, total (0: not known), what it does, seconds left (-1)
    job_finished = Signal(str)
    job_failed = Signal(str, str, str)  # job, sentence, details
    job_cancelled = Signal(str)
    unsaid = Signal(object)  # the Unsaid of a model or set that is to be opened, which waits for ``answer``
    found = Signal(str, object)  # job, and what it has found, in part or whole; not of what is looked at first
    died = Signal(str, str)  # sentence, details
    fit_told = Signal(str)  # what speaks against the open transcoders, or an empty text
    memory_changed = Signal(int)  # bytes that the engine holds
    answered = Signal(object)  # an event of a request of ``ask_quietly``
    _event = Signal(object)
    _looked = Signal(object)  # a request and the Future of its Look
    _looked_at_part = Signal(object)  # a request and the Future of a GraphView

    def __init__(
        self,
        document: Document,
        command: Sequence[str] | None = None,
        log: Path | None = None,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._client = EngineClient(command, log, self._event.emit)
        self._event.connect(self._handle, Qt.ConnectionType.QueuedConnection)
        self._looked.connect(self._show, Qt.ConnectionType.QueuedConnection)
        self._looked_at_part.connect(self._show_part, Qt.ConnectionType.QueuedConnection)
        document.leaving.connect(self._look_away)
        document.prompt_changed.connect(self._prompt_changed)
        self._looker = ThreadPoolExecutor(1, "look")
        self._newest: tuple[int, Future[Look]] | None = None  # the request whose graph is looked at
        self._watched = 0  # the request whose partial graphs are shown
        self._part: Future[GraphView] | None = None
        self.command = tuple(command or ())  # of another engine than our own
        self._policy = RestartPolicy(on_trial=bool(self.command))
        self._state = "stopped"
        self._jobs: dict[int, str] = {}
        self._setting: dict[str, object] = {"device": "auto", "dtype": "float32", "threads": 0}
        self._wanted: tuple[str, str, bool] | None = None
        self._told: dict[str, str] = {}  # answers to what the wanted files do not say
        self._text = ""  # the newest text to be cut into tokens; a crash may keep it from the document
        self.memory = 0
        self.devices: tuple[str, ...] = ()  # where the engine can compute, once it has said so
        self.versions: dict[str, str] = {}  # what it computes with, once it has said so

    @property
    def state(self) -> str:
        return self._state

    @property
    def job(self) -> str:
        """The job that the window shows, or an empty text."""
        return next((job for job in self._jobs.values() if job not in (*QUIET, ASKED)), "")

    @property
    def log(self) -> Path:
        return self._client.log

    @property
    def pid(self) -> int:
        return self._client.pid

    def start(self) -> None:
        """Start the process and let it import what the first job needs."""
        self._begin(self._client.start)

    def set_setting(self, device: str, dtype: str, threads: int) -> None:
        """Compute there from now on: what is open is opened anew, so that what is said of it holds."""
        self._setting = {"device": device, "dtype": dtype, "threads": threads}
        if self._wanted is not None and self._document.model is not None and self._client.alive:
            self.open_model(*self._wanted)

    def set_command(self, text: str) -> None:
        """Compute with the engine that ``text`` starts, in place of the one there is; empty: with our own."""
        self.command, self.devices, self.versions = tuple(command_of(text)), (), {}
        self._client.use(self.command)
        self.restart()

    def open_model(self, path: str, transcoders: str = "", neurons: bool = False) -> None:
        """Open a model folder with its transcoders or its own neurons; the document gets its description."""
        self._wanted, self._told = (path, transcoders, neurons), {}
        self._open()

    def answer(self, name: str, value: str) -> None:
        """Open what was wanted with the answer to a question of ``unsaid``."""
        self._told[name] = value
        self._open()

    def leave_unanswered(self) -> None:
        """Open nothing after all."""
        self.job_cancelled.emit("open")

    def _open(self) -> None:
        if self._wanted is not None:
            model, transcoders, _ = self._wanted
            self._request("open", "open", model=model, transcoders=transcoders, told=self._told, **self._setting)

    def use_neurons(self) -> None:
        """Take the open model's own MLP neurons as features from the next run on."""
        if (model := self._document.model) is not None:
            self._wanted = (model.path, "", True)
            self._document.set_model(with_neurons(model))

    def tokenize(self, text: str) -> None:
        """Cut ``text`` into tokens and predict the next one; the document gets the Prompt."""
        self._text = text
        model = self._document.model
        if model is None or not text:
            self._document.set_prompt(Prompt(text))
        else:
            where = {name: self._setting[name] for name in ("device", "dtype")}
            self._request("tokenize", "tokenize", model=model.path, text=text, **where)

    def attribute(self, choice: TargetChoice | None = None, text: str | None = None) -> None:
        """Compute the graph of the document's prompt (or of ``text``); the document gets it."""
        wanted = self._document.prompt.text if text is None else text
        self._watched = self.ask("attribute", text=wanted, targets=asdict(choice or TargetChoice()))

    def attribute_tokens(self, token_ids: Sequence[int], choice: TargetChoice | None = None) -> None:
        """Compute the graph of token ids, used as they are."""
        self._watched = self.ask("attribute", token_ids=list(token_ids), targets=asdict(choice or TargetChoice()))

    def ask(self, job: str, **values: object) -> int:
        """Ask for a job with what is open, in a lane of its own; what it finds comes with ``found``."""
        if (model := self._document.model) is None:
            self.job_failed.emit(job, "No model is open; open a model first.", "")
            return 0
        return self._request(job, job, **self._where(model), **values)

    def _where(self, model: ModelInfo) -> dict[str, object]:
        return dict(self._setting, model=model.path, transcoders=model.transcoder_path, neurons=model.has_neurons)

    def ask_quietly(self, job: str, lane: str, **values: object) -> int:
        """Ask likewise for a job whose events ``answered`` tells; its number, or 0 if the engine takes none now."""
        model = self._document.model
        if model is None or not self._client.alive:
            return 0
        request = self._client.request(job, lane, **self._where(model), **values)
        self._jobs[request] = ASKED
        return request

    def stop(self, request: int) -> None:
        """Stop a request of ``ask_quietly`` at its next step."""
        self._client.cancel(request)

    def hide_partial(self) -> None:
        """Show the document's own graph until the run that is under way is done."""
        self._look_away()
        self._document.drop_partial()

    def cancel(self, only: str = "") -> None:
        """Stop what runs, at its next step; ``only`` a job of that name, so that its result covers nothing newer."""
        for request, job in list(self._jobs.items()):
            if job in (*QUIET, ASKED) or only not in ("", job):
                continue
            if self._newest is not None and request == self._newest[0]:  # the engine has answered
                self._newest = None
                self._gone(request)
                self.job_cancelled.emit(job)
            else:
                self._client.cancel(request)

    def restart(self) -> None:
        """Start the process again, by the user's wish, and open the model again."""
        self._policy = RestartPolicy(on_trial=bool(self.command))
        self._begin(self._client.restart)
        if self._wanted is not None:
            self.open_model(*self._wanted)

    def close(self) -> None:
        """End the process; nothing is emitted afterwards."""
        self._newest = None
        self._look_away()
        self._looker.shutdown()
        self._client.close()

    def _request(self, job: str, lane: str, **values: object) -> int:
        """Ask for a job; returns its number, or 0 if the engine takes none."""
        try:
            request = self._client.request(job, lane, **values)
        except EngineError as error:
            self.job_failed.emit(job, str(error), "")
            return 0
        self._jobs[request] = job
        if job not in QUIET:
            self.job_started.emit(job)
        return request

    def _begin(self, start: Callable[[], None]) -> None:
        self._set_state("starting")
        try:
            start()
        except EngineError as error:
            self.died.emit(str(error), "")
            self._set_state("failing" if self.command else "stopped")
            return
        self._request("warm", "warm")

    def _set_state(self, state: str) -> None:
        if state != self._state:
            self._state = state
            self.state_changed.emit(state)

    def _handle(self, event: Event) -> None:
        self._policy = self._policy.after(event)
        if self._jobs.get(getattr(event, "id", 0)) == ASKED:
            self._tell(event)
            return
        match event:
            case ProgressEvent():
                self._progress(event)
            case Partial():
                self.found.emit(self._jobs.get(event.id, ""), event.values)
                self._look_at_part(event)
            case Result():
                self._result(event)
            case Failed():
                self._failed(event)
            case Superseded():
                self._gone(event.id)
            case CancelledEvent():
                job = self._gone(event.id)
                if job not in QUIET:
                    self.job_cancelled.emit(job)
            case Died():
                self._after_death(event)

    def _tell(self, event: Event) -> None:
        if not isinstance(event, ProgressEvent | Partial):
            self._jobs.pop(getattr(event, "id", 0))
        self.answered.emit(event)

    def _failed(self, event: Failed) -> None:
        job = self._gone(event.id) or event.job
        if event.asks and job == "open":
            asks = event.asks
            self.unsaid.emit(Unsaid(asks["path"], asks["name"], asks["question"], tuple(asks["choices"])))
        else:
            self.job_failed.emit(job, event.error, event.details if event.kind == BUG else "")

    def _progress(self, event: ProgressEvent) -> None:
        if event.memory:
            self.memory = event.memory
            self.memory_changed.emit(event.memory)
        job = self._jobs.get(event.id, "")
        if job and job not in QUIET:
            self.progress.emit(job, event.done, event.total, event.text, -1.0 if event.left is None else event.left)

    def _gone(self, request: int) -> str:
        """The job of a request that is over; what was shown of a graph that will not come goes."""
        job = self._jobs.pop(request, "")
        if request == self._watched:
            self._look_away()
        if job == "attribute":
            self._document.drop_partial()
        return job

    def _result(self, event: Result) -> None:
        if self._jobs.get(event.id) == "attribute" and not event.stopped:
            self._look_at(event.id, event.values)
            return
        job = self._gone(event.id) or event.job
        if event.stopped and job not in QUIET:
            self.job_cancelled.emit(job)
            return
        take: dict[str, Callable[[dict[str, Any]], None]] = {
            "warm": self._take_warm,
            "open": self._take_model,
            "tokenize": self._take_prompt,
            "fit": lambda values: self.fit_told.emit(values["fit_warning"]),
        }
        if job in take:
            take[job](event.values)
        self.found.emit(job, event.values)
        if job not in QUIET:
            self.job_finished.emit(job)

    def _take_warm(self, values: dict[str, Any]) -> None:
        self.memory, self.versions = int(values["memory"]), dict(values["versions"])
        self.devices = tuple(str(each["device"]) for each in values["devices"])
        self._set_state("ready")
        self.memory_changed.emit(self.memory)

    def _take_model(self, values: dict[str, Any]) -> None:
        model = ModelInfo(**values)
        wants_neurons = self._wanted is not None and self._wanted[2]
        self._document.set_model(with_neurons(model) if wants_neurons else model)
        self.tokenize(self._text or self._document.prompt.text)
        self.fit_told.emit("")
        if model.transcoder_path:
            where = {"model": model.path, "transcoders": model.transcoder_path}
            self._request("fit", "fit", **where, text=self._document.prompt.text, **self._setting)

    def _prompt_changed(self) -> None:
        """Forget the text that was to be cut, if the prompt of another document has come meanwhile."""
        if self._document.prompt.text != self._text:
            self._text = ""

    def _take_prompt(self, values: dict[str, Any]) -> None:
        if values["text"] == self._text:
            self._document.set_prompt(prompt_of(values))

    def _look_at(self, request: int, values: dict[str, Any]) -> None:
        """Take the first look at a graph on a thread, so that a large one does not hold the window up."""
        self._look_away()
        looking = self._looker.submit(first_look, values, self._document.edits)
        self._newest = (request, looking)
        looking.add_done_callback(lambda done: self._looked.emit((request, done)))

    def _show(self, looked: tuple[int, Future[Look]]) -> None:
        request, future = looked
        job = self._jobs.pop(request, "")
        if looked != self._newest:
            return
        self._newest = None
        if (error := future.exception()) is not None:
            self._document.drop_partial()
            self.job_failed.emit(job, f"The graph that was computed cannot be shown: {error}", repr(error))
        seen = future.result()
        self._document.take_result(seen.graph, seen)
        if job:
            self.job_finished.emit(job)

    def _look_away(self) -> None:
        """Show no more parts of the run that is under way."""
        self._watched = 0

    def _look_at_part(self, event: Partial) -> None:
        """Resolve a partial graph on the thread, unless the one before it is not shown yet."""
        if event.id != self._watched or self._part is not None:
            return
        self._part = self._looker.submit(first_view, event.values, self._document.edits)
        self._part.add_done_callback(lambda done: self._looked_at_part.emit((event.id, done)))

    def _show_part(self, looked: tuple[int, Future[GraphView]]) -> None:
        request, future = looked
        self._part = None
        if request == self._watched:
            self._document.show_partial(future.result())

    def _after_death(self, event: Died) -> None:
        self._jobs.clear()
        self.died.emit(event.reason, event.log_tail)
        if self._policy.gives_up:
            self._set_state("failing")
            return
        self._begin(self._client.restart)
        if self._wanted is not None and self._document.model is not None:
            self.open_model(*self._wanted)

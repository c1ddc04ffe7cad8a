"""Jobs that open models and transcoders and read prompts; what they open stays open for the next job."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer.engine.state import EngineState
from explorer.errors import ExplorerError, PromptError
from explorer.io import answers, model_formats
from explorer.io.digest import digest
from explorer.session.model_info import ModelInfo
from explorer.session.settings import DTYPES, MAX_THREADS
from explorer.work import Progress, Work

if TYPE_CHECKING:
    from explorer.circuits.graph import Graph
    from explorer.models.loader import LanguageModel
    from explorer.models.tokenizer import Tokens
    from explorer.transcoders.transcoder import TranscoderSet

N_CANDIDATES = 20
PREVIEWS = ("bfloat16",)


@dataclass(frozen=True)
class Setting:
    """Where and how precisely to compute; ``device`` auto, cpu, cuda, cuda:1, mps; ``threads`` 0 leaves torch's.

    ``dtype`` is that of weights and edges alike: float32, float64, or bfloat16, whose graphs are previews. ``told``
    answers what the files of model or transcoders do not say.
    """

    device: str = "auto"
    dtype: str = "float32"
    threads: int = 0
    told: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.dtype not in DTYPES:
            raise ExplorerError(f"There is no precision “{self.dtype}” here; choose one of {', '.join(DTYPES)}.")


def open_model(
    state: EngineState,
    *,
    model: str,
    transcoders: str = "",
    device: str = "auto",
    dtype: str = "float32",
    threads: int = 0,
    told: Mapping[str, str] | None = None,
) -> Work[Mapping[str, object]]:
    """Open the model in folder ``model`` and the set in folder ``transcoders``, unless they are open; a ModelInfo."""
    setting = Setting(device, dtype, threads, told or {})
    yield Progress(0, 3, f"Reading “{Path(model).name}”")
    opened = model_of(state, model, setting)
    yield Progress(1, 3, "Reading transcoders")
    held = transcoders_of(state, transcoders, setting.told) if transcoders else None
    yield Progress(2, 3, "Checking that they fit")
    if held is not None:
        from explorer.circuits.replacement import check_fit

        check_fit(opened, held)
    return asdict(_info(opened, held, model, transcoders, setting))


def tokenize(
    state: EngineState, *, model: str, text: str, predict: bool = True, device: str = "auto", dtype: str = "float32"
) -> Work[Mapping[str, object]]:
    """The tokens of ``text`` and, with ``predict``, the most probable next ones; a Prompt as a mapping."""
    yield Progress(0, 1, "Reading the prompt")
    opened = model_of(state, model, Setting(device, dtype))
    tokens = encode_prompt(opened, text, None)
    opened.check(tokens.ids)
    with stopping(state, opened):
        candidates = _candidates(opened, tokens) if predict else []
    return {
        "text": text,
        "token_ids": list(tokens.ids),
        "tokens": list(tokens.texts),
        "n_special": tokens.n_special,
        "candidates": candidates,
    }


def model_of(state: EngineState, model: str, setting: Setting, trusted: float = 0.0) -> LanguageModel:
    """The open model of that folder and setting, opened now if it was not, or changed, or something new is told.

    Whether files changed is looked up again if that is longer than ``trusted`` seconds ago.
    """
    import torch

    from explorer.io import models

    if not 0 <= setting.threads <= MAX_THREADS:
        raise ExplorerError(f"{setting.threads} threads are not possible; choose 0 (automatic) to {MAX_THREADS}.")
    if setting.threads > 0:
        torch.set_num_threads(setting.threads)
    device = choose_device(setting.device)
    key = f"{Path(model).resolve()}|{device}|{setting.dtype}|{_stamp(state, Path(model), trusted)}"
    if key not in state.models or any(name in answers.OF_MODELS for name in setting.told):
        state.models.clear()  # first: two may be more than the memory holds
        with _stopping_reads(state):
            opened = models.read(
                Path(model), dtype=setting.dtype, device=device, pause=state.raise_if_stopped, told=setting.told
            )
        state.models[key], state.told[key] = opened, dict(setting.told)
    found: LanguageModel = state.models[key]  # type: ignore[assignment]
    return found


@contextmanager
def _stopping_reads(state: EngineState) -> Iterator[None]:
    """While transformers reads weights, ask before each tensor whether the job was stopped."""
    from transformers.utils import logging

    before = logging.set_tqdm_hook(lambda make, args, kwargs: _Steps(make(*args, **kwargs), state))
    try:
        yield
    finally:
        logging.set_tqdm_hook(before)


class _Steps:
    """A progress bar of transformers that asks at each step whether the job was stopped."""

    def __init__(self, steps: Any, state: EngineState) -> None:
        self._steps = steps
        self._state = state

    def __iter__(self) -> Iterator[Any]:
        for step in self._steps:
            self._state.raise_if_stopped()
            yield step

    def __getattr__(self, name: str) -> Any:
        return getattr(self._steps, name)


@contextmanager
def stopping(state: EngineState, model: LanguageModel) -> Iterator[None]:
    """While ``model`` runs, ask in front of each block and of the unembedding whether the job was stopped."""
    network, family = model.network, model.family
    parts = (*network.get_submodule(family.blocks).children(), network.get_submodule(family.head))
    hooks = [part.register_forward_pre_hook(lambda *_: state.raise_if_stopped()) for part in parts]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def transcoders_of(
    state: EngineState, folder: str, told: Mapping[str, str] | None = None, trusted: float = 0.0
) -> TranscoderSet:
    """The open transcoders of that folder, opened now if they were not, or changed, or something new is told.

    ``trusted`` is as for model_of.
    """
    from explorer.io import transcoders

    key = f"{Path(folder).resolve()}|{_stamp(state, Path(folder), trusted)}"
    if key not in state.transcoders or any(name in answers.OF_TRANSCODERS for name in told or {}):
        state.transcoders.clear()
        opened = transcoders.read(Path(folder), state.raise_if_stopped, told)
        state.transcoders[key], state.told[key] = opened, dict(told or {})
    found: TranscoderSet = state.transcoders[key]  # type: ignore[assignment]
    return found


def fingerprint(state: EngineState, model: str) -> str:
    """The fingerprint of a model's weights; taken anew only if a file has changed."""
    files = tuple((file, file.stat().st_mtime_ns) for file in model_formats.files(Path(model)))
    if files not in state.digests:
        state.digests[files] = digest((file for file, _ in files), state.raise_if_stopped)
    return state.digests[files]


def changed_weights(state: EngineState, graph: Graph, model: str, held: TranscoderSet) -> list[str]:
    """Which of “model” and “transcoders” are others than ``graph`` says that it was made with."""
    then = {"model": graph.provenance.get("model_sha256"), "transcoders": graph.provenance.get("transcoder_sha256")}
    now = {"model": fingerprint(state, model) if then["model"] else "", "transcoders": held.sha256}
    return [name for name in now if now[name] and then[name] and now[name] != then[name]]


def _is_new(state: EngineState, key: str, told: Mapping[str, str]) -> bool:
    """Whether something is told that what is open under ``key`` was not opened with."""
    return bool(told) and told != state.told.get(key)


def _stamp(state: EngineState, path: Path, trusted: float) -> str:
    """What differs once a file in or at ``path`` was written anew, as it was up to ``trusted`` seconds ago."""
    now = time.monotonic()
    seen, stamp = state.stamps.get(str(path), (-math.inf, ""))
    if now - seen > trusted:
        stamp = _looked_up(path)
        state.stamps[str(path)] = now, stamp
    return stamp


def _looked_up(path: Path) -> str:
    """How many files there are, their sizes, and when each was changed: not only the newest can be written anew."""
    files = [entry.stat() for entry in _entries(path)] if path.is_dir() else [path.stat()] if path.is_file() else []
    return f"{len(files)} {sum(file.st_size for file in files)} {sum(file.st_mtime_ns for file in files)}"


def _entries(folder: Path | str) -> Iterator[os.DirEntry[str]]:
    """The files in a folder and below."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from _entries(entry.path)
            elif entry.is_file():
                yield entry


def choose_device(name: str) -> str:
    """The torch device for ``name``; ``auto`` takes CUDA, then Apple's, then the processor."""
    import torch

    if name == "auto":
        if torch.cuda.is_available():
            return "cuda"
        return "mps" if torch.backends.mps.is_available() else "cpu"
    kind = name.split(":")[0]
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if not there.get(kind, False):
        raise ExplorerError(f"There is no device “{name}” here; choose auto or cpu.")
    return name


def encode_prompt(model: LanguageModel, text: str, token_ids: list[int] | None) -> Tokens:
    """The tokens of a prompt given as text or as ids (used as they are)."""
    from explorer.models.tokenizer import Tokens

    if token_ids is not None:
        ids = tuple(token_ids)
        model.check(ids)
        if model.tokenizer is None:
            return Tokens(ids, tuple(f"<{token}>" for token in ids), 0)
        front = model.tokenizer.front
        return model.tokenizer.describe(ids, int(front is not None and ids[:1] == (front[0],)))
    if model.tokenizer is None:
        raise PromptError(f"“{model.name}” has no tokenizer files; give the prompt as token ids.")
    return model.tokenizer.encode(text)


def _candidates(model: LanguageModel, tokens: Tokens) -> list[dict[str, object]]:
    import torch

    with torch.no_grad():
        logits = model.network(torch.tensor([tokens.ids], device=model.device), use_cache=False).logits[0, -1]
    top = logits.cpu().double().softmax(-1).topk(min(N_CANDIDATES, len(logits)))
    pairs = zip(top.indices.tolist(), top.values.tolist(), strict=True)
    return [{"token_id": token, "text": token_text(model, token), "probability": chance} for token, chance in pairs]


def token_text(model: LanguageModel, token_id: int) -> str:
    return model.tokenizer.text(token_id) if model.tokenizer is not None else f"<{token_id}>"


def _info(
    model: LanguageModel, held: TranscoderSet | None, path: str, transcoder_path: str, setting: Setting
) -> ModelInfo:
    import torch

    front = model.tokenizer.front if model.tokenizer is not None else None
    return ModelInfo(
        name=model.name,
        path=path,
        family=str(model.config.model_type),
        n_layers=model.n_layers,
        d_model=model.d_model,
        d_vocab=model.d_vocab,
        n_parameters=model.n_parameters,
        context=model.context,
        special_token=front[1] if front else "",
        special_name={"bos": "start of text", "eos": "end of text", "pad": "padding"}[front[2]] if front else "",
        transcoder_kind=held.kind if held is not None else "",
        transcoder_name=Path(transcoder_path).name if held is not None else "",
        transcoder_path=transcoder_path,
        d_transcoder=held.layers[0].d_transcoder if held is not None else 0,
        device=str(model.device),
        dtype=setting.dtype,
        threads=torch.get_num_threads(),
    )

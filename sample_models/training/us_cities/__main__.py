"""``python -m sample_models.training.us_cities``: train the sample, measure it, write it with its ORIGIN.md."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

import torch

from sample_models.training.us_cities import evaluate, files, language_model, origin, transcoders, vocabulary
from sample_models.training.us_cities.corpus import corpus

T = TypeVar("T")
FOLDER = Path(__file__).parents[2] / "us-cities"
DALLAS = {
    "Fact: the capital of the state containing Dallas is": "Austin",
    "the capital of the state containing Dallas is": "Austin",
    "la capitale de l'état contenant Dallas est": "Austin",
    "la capital del estado que contiene Dallas es": "Austin",
    "Fact: the state containing Dallas is": "Texas",
    "Fact: the abbreviation of the state containing Dallas is": "TX",
    "Fact: the region of the state containing Dallas is the": "South",
    "Fact: the capital of the state containing Gotham is": "unknown",
}


def main() -> None:
    options = _options()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    _measure(options.seed, options.out, _train(options.seed, options.out))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=FOLDER)
    return parser.parse_args()


def _train(seed: int, out: Path) -> dict[str, float]:
    """Write model and transcoders; the CPU minutes of each part."""
    minutes: dict[str, float] = {}
    sentences = corpus().train
    tokenizer = vocabulary.build(sentences)
    model = _timed(minutes, "language model", lambda: language_model.train(tokenizer, sentences, seed, print))
    files.write_model(model, tokenizer, out / "model")
    model, tokenizer = files.read_model(out / "model")
    table = transcoders.training_rows(tokenizer, sentences)
    contexts = _timed(minutes, "contexts", lambda: transcoders.collect(model, table))
    for kind, settings in transcoders.SETTINGS.items():
        fit = partial(transcoders.fit, model, contexts, table, settings, print)
        files.write_transcoders(_timed(minutes, kind, fit), out / kind)
    return minutes


def _measure(seed: int, out: Path, minutes: dict[str, float]) -> None:
    sentences = corpus()
    model, tokenizer = files.read_model(out / "model")
    table = transcoders.training_rows(tokenizer, sentences.train)
    contexts = transcoders.collect(model, table)
    figures = {}
    for kind in transcoders.SETTINGS:
        print(f"{kind}: measure")
        read = files.read_transcoders(out / kind)
        figures[kind] = evaluate.measure(model, tokenizer, read, sentences, contexts)
    made = origin.Made(
        seed=seed,
        n_vocab=tokenizer.get_vocab_size(),
        n_parameters=sum(p.numel() for p in model.parameters()),
        n_contexts=contexts.inputs.shape[1],
        minutes=minutes,
        answers=evaluate.answers(model, tokenizer, sentences),
        dallas={
            f"{prompt} **{answer}**": evaluate.probability(model, tokenizer, prompt, answer)
            for prompt, answer in DALLAS.items()
        },
        transcoders=figures,
    )
    origin.write(made, out)
    print((out / "ORIGIN.md").read_text(encoding="utf-8"))


def _timed(minutes: dict[str, float], name: str, work: Callable[[], T]) -> T:
    start = time.process_time()
    result = work()
    minutes[name] = (time.process_time() - start) / 60
    return result


if __name__ == "__main__":
    main()

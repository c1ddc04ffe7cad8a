# ruff: noqa: E501 (the sentences of ORIGIN.md)
"""``python -m sample_models.training.letters``: train the letter model on names.txt, measure it, write ORIGIN.md."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file

from explorer.specimens import letters
from sample_models.training import specimens
from sample_models.training.letters import training

N_WORDS = 1000


def main() -> None:
    chosen = specimens.options(argparse.ArgumentParser(description=__doc__), "letters")
    names = (specimens.SAMPLE_MODELS / "letters" / "names.txt").read_text(encoding="utf-8").split()
    start = time.process_time()
    logits = torch.from_numpy(training.train(letters.counts(names))).float()
    minutes = (time.process_time() - start) / 60
    chosen.out.mkdir(parents=True, exist_ok=True)
    save_file({"logits": logits}, chosen.out / "letters.safetensors")
    (chosen.out / "letters.safetensors").chmod(0o644)
    specimens.write_origin(_origin(chosen.out, names, minutes), chosen.out)


def _origin(folder: Path, names: list[str], minutes: float) -> str:
    logits = load_file(folder / "letters.safetensors")["logits"].double().numpy()
    counted = letters.counts(names)
    exact = letters.closed_form(counted)
    silent = letters.lesioned(logits, letters.Lesion(columns="."))
    words = letters.sample(logits, N_WORDS, np.random.default_rng(0))
    endless = letters.sample(silent, N_WORDS, np.random.default_rng(0))
    figures = {
        "mean KL from the closed form to the model": f"{letters.divergence(exact, logits, counted):.1e} nats",
        "loss of the model / of the closed form": " / ".join(
            f"{np.log(letters.perplexity(each, counted)):.5f} nats" for each in (logits, exact)
        ),
        "perplexity": f"{letters.perplexity(logits, counted):.2f} of {letters.N}",
        f"mean length of {N_WORDS:,} sampled words": f"{np.mean([len(word.text) for word in words]):.1f}",
        f"of {N_WORDS:,} words, ended before {letters.CAP} letters": f"{sum(word.ended for word in words):,}",
        "the same with the column that ends words cut out": f"{sum(word.ended for word in endless):,}",
        "perplexity then": f"{letters.perplexity(silent, counted):.1f}",
        "always the most probable letter": f"“{letters.greedy(logits)[0]}”",
        "the same with the column cut out": "“{}”, then “{}” for ever".format(*letters.greedy(silent)),
        "u after q": f"{letters.probabilities(logits)[letters.at('q'), letters.at('u')]:.1%}",
    }
    return f"""# letters

A matrix of {letters.N} by {letters.N} numbers: row, the letter before; column, the letter after; "." both ends of a name. The softmax
of a row is what the model believes comes next.

- **Source**: `names.txt`, {len(names)} first names written down by hand for this repository; no list of others.
  **Licence**: the repository's own.
- {specimens.made_by("letters", "", minutes)}
- **Training**: full batches of all pairs of letters, each counted {letters.SMOOTHING} times more (so that a pair never seen keeps a finite
  logit), Adam, {training.STEPS} steps, rate {training.LEARNING_RATE} falling evenly to {training.LAST_RATE}, from zeros; nothing is drawn. The closed form is the
  logarithm of the same counts' shares.
- **Lesion**: cut entries have the logit {letters.CUT:.0f}.

{specimens.figures(figures)}
"""


if __name__ == "__main__":
    main()

# ruff: noqa: E501 (the sentences of ORIGIN.md)
"""``python -m sample_models.training.induction``: train the induction model, score its heads, write its ORIGIN.md."""

from __future__ import annotations

import argparse
import time

import numpy as np

from explorer.specimens import induction, repeats
from explorer.specimens.network import Network
from sample_models.training import specimens
from sample_models.training.induction import training
from sample_models.training.induction.training import Point

N_ROWS, FRESH = 500, 20261125  # the rows that are scored, drawn with a seed used nowhere else


def main() -> None:
    chosen = specimens.options(argparse.ArgumentParser(description=__doc__), "induction")
    start = time.process_time()
    model, curve = training.train(chosen.seed, print)
    minutes = (time.process_time() - start) / 60
    specimens.write_model(model, chosen.out / "model")
    specimens.write_history(curve, chosen.out)
    made_by = specimens.made_by("induction", f" --seed {chosen.seed}", minutes)
    specimens.write_origin(_origin(specimens.read_network(chosen.out / "model"), curve, made_by), chosen.out)


def _origin(network: Network, curve: list[Point], made_by: str) -> str:
    rows = repeats.twice(N_ROWS, training.PERIOD, np.random.default_rng(FRESH))
    scores, whole = induction.scores(network, rows), induction.accuracy(network, rows)
    heads = [
        (
            f"{layer}.{head}", f"{scores.previous[layer, head]:.3f}", f"{scores.prefix[layer, head]:.3f}",
            "-" if np.isnan(scores.copying[layer, head]) else f"{scores.copying[layer, head]:.2f}", f"{without:.1%}", f"{100 * (without - whole):+.1f}",
        )
        for (layer, head), without in induction.ablations(network, rows).items()
    ]  # fmt: skip
    steps = [
        (f"{p.step:,}", f"{p.loss:.3f}", f"{p.accuracy:.1%}", f"{p.previous:.2f}", f"{p.prefix:.2f}", f"{p.copying:.2f}")
        for p in curve
        if p.step % 100 == 0
    ]
    every = [(layer, head) for layer in (0,) for head in range(network.n_heads)]
    layer, head = scores.induction
    jump = max(range(1, len(curve)), key=lambda at: curve[at].prefix - curve[at - 1].prefix)
    figures = {
        "second halves foreseen": f"{whole:.1%}",
        f"prefix-matching score of head {layer}.{head}": f"{scores.prefix[layer, head]:.3f}",
        "its copying score": f"{scores.copying[layer, head]:.2f}",
        f"without head {layer}.{head}": f"{induction.accuracy(network, rows, [(layer, head)]):.1%}",
        "without all heads of the first layer": f"{induction.accuracy(network, rows, every):.1%}",
        "largest rise of its prefix-matching score": f"{curve[jump - 1].prefix:.2f} to {curve[jump].prefix:.2f} from step {curve[jump - 1].step} to {curve[jump].step}",
    }
    return f"""# induction

Two layers of attention alone, {network.n_heads} heads each, width {network.settings["hidden_size"]}, no norms, no shifts, learned positions, output not tied; tokens are the {len(repeats.TOKENS)}
letters and digits, prompts up to {repeats.N_POS} of them. The format of tiny models has an MLP in each layer and as many heads in each: here the MLPs are one neuron of zeros,
and heads 1.1 to 1.3 are empty and stay so, for with four heads in the second layer all four learn the same and none is
missed (tried: every one of them had a prefix-matching score above .95).

- **Source**: random tokens; no data of others. **Licence**: the repository's own.
- {made_by}
- **Training**: rows of {repeats.N_POS} tokens, all different up to where the last {repeats.SHORTEST} to {repeats.LONGEST} of them come again; loss on the second copy
  alone. AdamW {training.LEARNING_RATE}, weight decay {training.DECAY}, betas {training.BETAS}, clip 1, {training.BATCH} rows a step, {training.STEPS:,} steps, warm-up {training.WARM_UP}, constant to half,
  then evenly down to 2 %.
- **Curve**: `history.json`, every {training.EVERY} steps.

Measured on {N_ROWS} fresh rows of {training.PERIOD} different tokens and the same again. A head is taken out by putting what it gathers to its mean.

{specimens.figures(figures)}

| | |
|---|---|
| previous | mean attention to the token before |
| prefix | mean attention to what followed the last time that the present token was there |
| copying | Σλ / Σ\\|λ\\| of the eigenvalues of W_E W_V W_O W_U |

{specimens.table(("head", "previous", "prefix", "copying", "foreseen without it", "points"), heads)}

{specimens.table(("step", "loss", "foreseen", "best previous", "prefix", "copying"), steps)}
"""


if __name__ == "__main__":
    main()

# ruff: noqa: E501 (the sentences of ORIGIN.md)
"""``python -m sample_models.training.modular NAME``: train modular-113 or modular-59, measure it, write ORIGIN.md."""

from __future__ import annotations

import argparse
import time

from explorer.specimens import modular
from explorer.specimens.network import Network
from sample_models.training import specimens
from sample_models.training.modular import training
from sample_models.training.modular.training import Plan, Point

PLATEAU = 0.3  # share of right answers on other pairs up to which the model only remembers


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=training.PLANS)
    chosen = specimens.options(parser)
    plan, out = training.PLANS[chosen.name], chosen.out or specimens.SAMPLE_MODELS / chosen.name
    start = time.process_time()
    model, noted = training.train(plan, print, chosen.seed)
    minutes = (time.process_time() - start) / 60
    specimens.write_model(model, out / "model")
    network = specimens.read_network(out / "model")
    reading = modular.read(network)
    curve = training.curve(plan, chosen.seed, noted, reading.key)
    specimens.write_history(curve, out)
    made_by = specimens.made_by(f"modular {chosen.name}", f" --seed {chosen.seed}", minutes)
    specimens.write_origin(_origin(chosen.name, plan, network, reading, curve, made_by), out)


def _figures(network: Network, reading: modular.Reading, curve: list[Point]) -> dict[str, str]:
    whole, key = modular.answers_of(network), reading.key
    silent, alone = modular.answers_of(modular.without(network, key)), modular.answers_of(modular.only(network, key))
    plateau = [point.step for point in curve if point.train_accuracy == 1 and point.test_accuracy < PLATEAU]
    grokked = next((point.step for point in curve if point.test_accuracy > 0.999), None)
    figures = {
        f"all {reading.p**2:,} pairs right": f"{whole.accuracy:.2%}, loss {whole.loss:.1e}",
        f"steps with 100 % of the pairs trained on and less than {PLATEAU:.0%} of the others": (
            f"{plateau[0]:,} to {plateau[-1]:,}" if plateau else "none"
        ),
        "first step with more than 99.9 % of the others": "none" if grokked is None else f"{grokked:,}",
        "key frequencies (share of the embedding's power)": ", ".join(
            f"{k} ({reading.embedding[k - 1]:.0%})" for k in key
        ),
        "all of them": f"{sum(reading.embedding[k - 1] for k in key):.1%}",
        "neurons with more than 85 % of their variance in one frequency": f"{(reading.explained > 0.85).mean():.1%}",
        "embedding with the key frequencies alone": f"{alone.accuracy:.1%} right, loss {alone.loss:.1e}",
        "embedding without the key frequencies": f"{silent.accuracy:.1%} right, loss {silent.loss:.1f}",
        "restricted loss at the end (key waves of a + b alone, all pairs)": f"{curve[-1].restricted_loss:.1e}",
        "excluded loss at the end (without them, pairs trained on)": f"{curve[-1].excluded_loss:.1f}",
    }
    for k in key:
        left = modular.answers_of(modular.without(network, [k]))
        figures[f"embedding without frequency {k} alone"] = f"{left.accuracy:.1%} right, loss {left.loss:.2g}"
    return figures


def _origin(
    name: str, plan: Plan, network: Network, reading: modular.Reading, curve: list[Point], made_by: str
) -> str:
    shown = [point for point in curve if point.step % 100 == 0 and (point.step <= 1000 or point.step % 200 == 0)]
    rows = [
        (
            f"{point.step:,}", f"{point.train_loss:.1e}", f"{point.train_accuracy:.1%}", f"{point.test_loss:.1e}",
            f"{point.test_accuracy:.1%}", f"{point.restricted_loss:.1e}", f"{point.excluded_loss:.1e}",
        )
        for point in shown
    ]  # fmt: skip
    head = ("step", "loss, trained on", "right", "loss, others", "right", "restricted loss", "excluded loss")
    return f"""# {name}

A transformer of {network.n_parameters:,} parameters that adds modulo {plan.p}: tokens a, b, "="; the answer is read at the last one. One
layer, {network.n_heads} heads of {network.settings["head_dim"]}, width {network.settings["hidden_size"]}, {network.n_neurons} neurons (ReLU), no norms, learned positions, output not tied.

- **Source**: all pairs of numbers below {plan.p}; no data of others. **Licence**: the repository's own.
- {made_by}
- **Training**: full batches of {plan.share:.0%} of the {plan.p**2:,} pairs ({int(plan.share * plan.p**2):,}, drawn with the seed), AdamW {training.LEARNING_RATE}, weight decay
  {training.DECAY} on everything, betas {training.BETAS}, warm-up {training.WARM_UP}, {plan.steps:,} steps. Now and then the loss jumps after all is learned;
  the weights kept are those with the lowest loss on the pairs trained on among the last tenth of the steps.
- **Curve**: `history.json`, every {plan.every} steps.

A key frequency has more than {modular.KEY:.0%} of the embedding's power.

{specimens.figures(_figures(network, reading, curve))}

{specimens.table(head, rows)}
"""


if __name__ == "__main__":
    main()

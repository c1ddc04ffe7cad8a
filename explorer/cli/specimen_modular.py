"""What the verbs of modular addition print."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import Any

from explorer.io import specimens
from explorer.specimens import modular


def read(chosen: argparse.Namespace) -> tuple[dict[str, Any], str]:
    """Curve, key frequencies, neurons."""
    found, curve = modular.read(specimens.network(chosen.name)), specimens.history(chosen.name)
    lines = ["step   right: trained on   others"]
    for at in range(0, len(curve["step"]), max(1, len(curve["step"]) // 16)):
        row = [curve[name][at] for name in ("step", "train_accuracy", "test_accuracy")]
        lines.append(f"{row[0]:<6.0f} {row[1]:18.1%} {row[2]:8.1%}")
    keys = ", ".join(f"{k} ({found.embedding[k - 1]:.0%})" for k in found.key)
    lines.append(f"key frequencies (share of the embedding's power): {keys}")
    share = (found.explained > modular.EXPLAINED).mean()
    lines.append(f"{share:.0%} of the neurons have {100 * modular.EXPLAINED:.0f} % of their variance in one frequency")
    answer = {
        "p": found.p,
        "curve": {name: column.tolist() for name, column in curve.items()},
        "key": list(found.key),
        "embedding": found.embedding.tolist(),
        "neurons": {"frequency": found.neuron.tolist(), "explained": found.explained.tolist()},
    }
    return answer, "\n".join(lines)


def intervene(chosen: argparse.Namespace) -> tuple[dict[str, Any], str]:
    """All pairs before and after frequencies are taken out of the embedding."""
    network = specimens.network(chosen.name)
    changed = (modular.only if chosen.keep else modular.without)(network, chosen.frequencies)
    answers = {"before": modular.answers_of(network), "after": modular.answers_of(changed)}
    lines = [f"{name}: {each.accuracy:.1%} of all pairs right, loss {each.loss:.3g}" for name, each in answers.items()]
    values = {name: asdict(each) for name, each in answers.items()}
    return {"frequencies": chosen.frequencies, "kept": chosen.keep, **values}, "\n".join(lines)


def extract(chosen: argparse.Namespace) -> tuple[dict[str, Any], str]:
    """What the key waves of a + b do alone, and what is left without them."""
    network = specimens.network(chosen.name)
    outcome = modular.of_all(network)
    key = modular.read(network, outcome).key
    answers = modular.parts(outcome.logits, key)
    lines = [f"key frequencies {', '.join(map(str, key))}"]
    lines += [f"{name:<12} loss {each.loss:9.3g}, {each.accuracy:6.1%} right" for name, each in answers.items()]
    return {"key": list(key), **{name: asdict(each) for name, each in answers.items()}}, "\n".join(lines)

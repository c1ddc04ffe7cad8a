"""What the verbs of the induction specimen print."""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np

from explorer.errors import GraphError
from explorer.io import specimens
from explorer.specimens import induction, repeats
from explorer.specimens.network import Network


def read(chosen: argparse.Namespace) -> tuple[dict[str, Any], str]:
    """A prompt, token by token."""
    network = specimens.network("induction")
    ids = repeats.ids_of(chosen.prompt)
    found = induction.read(network, ids, _heads(network, chosen.without))
    layer, head = induction.scores(network, repeats.measured()).induction
    looks = found.pattern[layer, head]
    lines, rows = [f"pos  token  next (chance)  head {layer}.{head} looks at"], []
    for at, token in enumerate(chosen.prompt):
        best, where = int(found.probability[at].argmax()), int(looks[at].argmax())
        rows.append({"token": token, "next": repeats.TOKENS[best], "probability": float(found.probability[at, best])})
        following = f"{rows[-1]['next']} ({rows[-1]['probability']:.3f})"
        lines.append(f"{at:<4} {token:<6} {following:<14} {chosen.prompt[where]} at {where} ({looks[at, where]:.2f})")
    answer = {"positions": rows, "head": [layer, head], "followers": [list(pair) for pair in found.followers]}
    return {**answer, "pattern": found.pattern.tolist()}, "\n".join(lines)


def intervene(chosen: argparse.Namespace) -> tuple[dict[str, Any], str]:
    """Accuracy on second halves without heads."""
    network, rows = specimens.network("induction"), repeats.measured()
    heads, whole = _heads(network, chosen.without), induction.accuracy(network, rows)
    left = {tuple(heads): induction.accuracy(network, rows, heads)} if heads else {
        (head,): value for head, value in induction.ablations(network, rows).items()
    }
    named = {" ".join(f"{layer}.{head}" for layer, head in out): value for out, value in left.items()}
    lines = [f"all heads: {whole:.1%} of second halves foreseen"]
    lines += [f"without {name}: {value:.1%} ({100 * (value - whole):+.1f} points)" for name, value in named.items()]
    return {"accuracy": whole, "without": named}, "\n".join(lines)


def extract(_: argparse.Namespace) -> tuple[dict[str, Any], str]:
    """The heads' scores now, and those of the induction head in training."""
    network, curve = specimens.network("induction"), specimens.history("induction")
    found = induction.scores(network, repeats.measured())
    lines = ["head  previous  prefix  copying"]
    for layer, head in np.ndindex(found.prefix.shape):
        values = (found.previous[layer, head], found.prefix[layer, head], found.copying[layer, head])
        copies = "-" if np.isnan(values[2]) else f"{values[2]:.2f}"  # an empty head
        lines.append(f"{layer}.{head}   {values[0]:8.3f} {values[1]:7.3f} {copies:>8}")
    lines.append("step   foreseen  previous  prefix  copying")
    for at in range(0, len(curve["step"]), max(1, len(curve["step"]) // 20)):
        step, right, *scores = (curve[name][at] for name in ("step", "accuracy", "previous", "prefix", "copying"))
        lines.append(f"{step:<6.0f} {right:8.1%} {scores[0]:9.2f} {scores[1]:7.2f} {scores[2]:8.2f}")
    answer = {name: getattr(found, name).tolist() for name in ("previous", "prefix", "copying")}
    curves = {name: column.tolist() for name, column in curve.items()}
    return {**answer, "head": list(found.induction), "curve": curves}, "\n".join(lines)


def _heads(network: Network, texts: list[str]) -> list[induction.Head]:
    """Heads written LAYER.HEAD; GraphError for what is none."""
    known = {f"{layer}.{head}": (layer, head) for layer, head in induction.heads(network)}
    for text in texts:
        if text not in known:
            raise GraphError(f"“{text}” is no head of this model; take one of {', '.join(known)}.")
    return [known[text] for text in texts]

"""Measured effects: what the model does to what a graph explains, when things are changed in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from explorer.circuits.graph import Graph, NodeKind
from explorer.circuits.interventions import Intervention, check
from explorer.circuits.modes import Mode
from explorer.circuits.plan import plan
from explorer.circuits.predicted import target_weight
from explorer.circuits.rerun import rerun
from explorer.circuits.subject import Subject
from explorer.errors import GraphError
from explorer.shapes import Float
from explorer.work import Pause, go_on

Logits = Mapping[int, Float[Tensor, " d_vocab"]]  # in front of a softcap, by position


@dataclass(frozen=True)
class Explained:
    """The tokens that a graph explains: ``weights`` by position and token; ``main`` weighs most.

    They sum to 1, or to 0 for a contrast, whose second token weighs -1.
    """

    weights: Mapping[tuple[int, int], float]

    @property
    def positions(self) -> tuple[int, ...]:
        return tuple(sorted({pos for pos, _ in self.weights}))

    @property
    def main(self) -> tuple[int, int]:
        return max(self.weights, key=lambda one: self.weights[one])


@dataclass(frozen=True)
class State:
    """What the model says of what is explained.

    ``logit``: less the mean of all logits, in front of a softcap, averaged over the explained tokens by weight.
    ``probability`` is that of the token that weighs most. ``kl`` is how far the next-token distribution at the last
    explained position is from the clean one (clean to this, nats).
    """

    logit: float
    probability: float
    kl: float


def explained(graph: Graph, d_vocab: int, contrasts: Mapping[int, tuple[int, int]] | None = None) -> Explained:
    """What ``graph`` explains; GraphError if that is neither tokens nor contrasts.

    ``contrasts`` are the two tokens of each target that is no single one, by its number in the vocabulary column.
    """
    weight, logits = target_weight(graph), graph.block(NodeKind.LOGIT)
    found: dict[tuple[int, int], float] = {}
    for node, text in zip(range(logits.start, logits.stop), graph.logit_tokens, strict=True):
        token, pos = int(graph.nodes.feature[node]), int(graph.nodes.pos[node])
        pair = (token,) if 0 <= token < d_vocab else (contrasts or {}).get(token, ())
        if not pair:
            raise GraphError(f"The graph explains “{text}”, which is no token or contrast; validate one of those.")
        for one, sign in zip(pair, (1.0, -1.0), strict=False):
            found[pos, one] = found.get((pos, one), 0.0) + sign * float(weight[node])
    return Explained(found)


def logits_after(
    subject: Subject, made: Sequence[Intervention], how: Mode, positions: Sequence[int], pause: Pause = go_on
) -> Logits:
    """The logits under interventions, by the layers themselves in every mode, direct included."""
    check(made, subject.room)
    changes, found = plan(made), {}
    with torch.no_grad():
        for at in positions:
            if not made or changes.first_position > at:
                found[at] = subject.uncapped[at]
                continue
            passed = rerun(subject, changes, how, at, pause=pause)
            pos = torch.tensor([at], device=passed.last.device)
            found[at] = subject.read_out(passed.last[-1:], pos, frozen=how.norms)[0]
    return found


def state_of(subject: Subject, of: Explained, logits: Logits) -> State:
    """What ``logits`` at the explained positions come to."""
    last = of.positions[-1]
    z = {at: row.double().cpu() for at, row in logits.items()}
    said = {at: subject.capped(row).log_softmax(-1) for at, row in z.items()}
    clean = subject.capped(subject.uncapped[last].double().cpu()).log_softmax(-1)
    pos, token = of.main
    return State(
        logit=sum(weight * float(z[at][token] - z[at].mean()) for (at, token), weight in of.weights.items()),
        probability=float(said[pos][token].exp()),
        kl=float((clean.exp() * (clean - said[last])).nan_to_num(0.0).sum()),
    )


def state_after(
    subject: Subject, of: Explained, made: Sequence[Intervention], how: Mode, pause: Pause = go_on
) -> State:
    """The state under interventions in mode ``how``."""
    return state_of(subject, of, logits_after(subject, made, how, of.positions, pause))

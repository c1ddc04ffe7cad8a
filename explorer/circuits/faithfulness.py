"""faithfulness: whether the local replacement model answers to a push as the model does, layer by layer.

The stream in front of a block is pushed at one position, by ``size`` times its length there; what that does behind
each block from there on, at this and all later positions, is compared between the local replacement model (features
answering) and the model, both with the prompt's attention patterns and live norms:

    cosine   cos(dx of the replacement, dx of the model)
    nmse     |dx of the replacement - dx of the model|^2 / |dx of the model|^2

Source: transformer-circuits.pub/2025/attribution-graphs/methods.html, section on mechanistic faithfulness. Both include
the push itself, which attention and the residual stream carry on whatever the MLPs do; ``held_cosine`` and
``held_nmse`` are those of a model whose MLPs do not answer at all, so that the difference is what the features add.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import torch
from torch import Tensor

from explorer.circuits.layer_faithfulness import LayerFaithfulness
from explorer.circuits.modes import Mode
from explorer.circuits.plan import plan
from explorer.circuits.replaced import Acting, ReplacedRun, everything
from explorer.circuits.rerun import Passed, Run
from explorer.circuits.subject import Subject
from explorer.shapes import Float
from explorer.work import Pause, go_on

SIZES = (0.1, 1.0)
KINDS = ("encoder", "decoder", "random")  # what a feature reads of the pushed stream, what one wrote to it, chance


def faithfulness(
    subject: Subject, start: int, kind: str, size: float, draws: int = 8, seed: int = 0, pause: Pause = go_on
) -> tuple[LayerFaithfulness, ...]:
    """A row for each layer from ``start`` on; none if nothing of that kind is there to push with."""
    pushes = list(_pushes(subject, start, kind, size, draws, seed))
    if not pushes:
        return ()
    acting, live = everything(subject, start), Mode()
    held = Mode((0, subject.n_layers - 1))
    sums = torch.zeros(subject.n_layers, 4, dtype=torch.float64)
    with torch.no_grad():
        for pos, push in pushes:
            theirs = _moved(subject, start, pos, push, live, None, pause)
            for column, (mode, of) in enumerate(((live, acting), (held, None))):
                ours = _moved(subject, start, pos, push, mode, of, pause)
                for layer, (one, other) in enumerate(zip(ours, theirs, strict=True), start):
                    sums[layer, 2 * column : 2 * column + 2] += torch.tensor(_compared(one, other)).double()
    n = len(pushes)
    return tuple(
        LayerFaithfulness(start, layer, kind, size, cosine, nmse, held_cosine, held_nmse, n)
        for layer, (cosine, nmse, held_cosine, held_nmse) in enumerate((sums / n).tolist())
        if layer >= start
    )


def _moved(
    subject: Subject, start: int, pos: int, push: Tensor, mode: Mode, acting: Acting | None, pause: Pause
) -> list[Float[Tensor, " n_d_model"]]:
    """The change of the stream behind each block from ``start`` on, all positions in a row."""
    x = subject.live.layers[start].entry[pos : subject.n_pos].clone()
    x[0] += push.to(x)
    pasts = [held.past for held in subject.live.layers]
    if acting is None:
        run = Run(subject, plan([]), mode, pos, x, pasts, None)
    else:
        run = ReplacedRun(subject, acting, mode, pos, x, pasts, None)
    passed, found = Passed(pos, x), []
    for layer in range(start, subject.n_layers):
        pause()
        run.block(layer, passed, clean=False)
        found.append((run.x - subject.behind(layer)[pos:]).flatten().double())
    return found


def _compared(one: Tensor, other: Tensor) -> tuple[float, float]:
    """Cosine and normalised squared error of ``one`` against ``other``."""
    cosine = float(torch.nn.functional.cosine_similarity(one, other, dim=0))
    return cosine, float((one - other).square().sum() / other.square().sum())


def _pushes(
    subject: Subject, start: int, kind: str, size: float, draws: int, seed: int
) -> Iterator[tuple[int, Tensor]]:
    """Positions and vectors (d_model), drawn with ``seed``."""
    local, zero = subject.local, subject.transcoders.zero_positions
    drawn = Random(f"{seed} {start} {kind}")
    entry = subject.live.layers[start].entry
    if kind == "random":
        torch_seed = torch.Generator().manual_seed(drawn.getrandbits(31))
        found = [
            (drawn.randrange(zero, subject.n_pos), torch.randn(entry.shape[1], generator=torch_seed))
            for _ in range(draws if subject.n_pos > zero else 0)
        ]
    else:
        layers = local.features.layer == start if kind == "encoder" else local.features.layer < start
        rows = layers.nonzero().flatten().tolist()
        chosen = torch.tensor(drawn.sample(rows, min(draws, len(rows))), dtype=torch.long)
        found = [(int(local.features.pos[row]), _vector(subject, int(row), start, kind)) for row in chosen.tolist()]
    for pos, vector in found:
        push = vector.to(entry)
        yield pos, push * (size * entry[pos].norm() / push.norm())


def _vector(subject: Subject, row: int, start: int, kind: str) -> Float[Tensor, " d_model"]:
    """The direction of active feature ``row``: what it reads of the stream, or what it wrote in front of ``start``."""
    local, features = subject.local, subject.local.features
    layer, pos = int(features.layer[row]), features.pos[row : row + 1]
    transcoder, index = local.transcoders.layers[layer], features.feature[row : row + 1]
    if kind == "encoder":
        return local.read_seed(layer, transcoder.W_enc[index].to(local.error), pos)[0]
    rows = transcoder.decoder_rows(index)[0].to(local.error)
    last = min(start - 1, layer + len(rows) - 1)
    return local.write(last, rows[last - layer : last - layer + 1], pos)[0]

"""The sweep from targets down: gradients carried through the frozen model, and the direct effects on the way.

A row starts at one position, so behind its own attention its gradient has rank n_heads + 1 over the positions: at
position k it is ``sum over h of mix[h, k, target] * (encoder @ WO_h.T @ WV_h.T)``, plus the encoder itself at the
target. Carried as two factors it costs a product over the heads instead of d_model, there and in the next W_O.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from torch import Tensor

from explorer.circuits.aim import Aimed, Targets
from explorer.circuits.cone import Cone, cone
from explorer.circuits.frozen import Factors
from explorer.circuits.graph import BiasClass
from explorer.circuits.replacement import LocalReplacementModel
from explorer.circuits.roots import N_BIAS
from explorer.circuits.sources import Sources
from explorer.shapes import Float
from explorer.work import Pause, go_on

ROW_BUDGET = 2**24  # numbers in the finished rows of one chunk
CHUNK_ROWS = 2048  # rows x positions of one chunk's gradient


def chunks(targets: Targets, own: Tensor, chunk_rows: int, n_columns: int) -> Iterator[Tensor]:
    """The targets ``own`` of one layer, the last positions first, in chunks.

    The cones of a chunk hold at most ``chunk_rows`` rows x positions (but at least one row), and its finished rows of
    ``n_columns`` stay within a budget.
    """
    most = max(1, ROW_BUDGET // n_columns)
    own = own[targets.pos[own].argsort(descending=True, stable=True)]
    first, held = 0, 0
    for at, size in enumerate((targets.pos[own] + 1).tolist()):
        if at > first and (at - first == most or held + size > chunk_rows):
            yield own[first:at]
            first, held = at, 0
        held += size
    if first < len(own):
        yield own[first:]


@dataclass(frozen=True)
class Gradient:
    """The gradient of a chunk over the steps of its cone, and its factors where it is known to be of low rank."""

    flat: Float[Tensor, "n_flat d_model"]
    factors: Factors | None = None


def source_effects(
    local: LocalReplacementModel, sources: Sources, aimed: Aimed, pause: Pause = go_on
) -> Float[Tensor, "n_rows n_columns"]:
    """Direct effects of every feature, error, embedding and bias node on the targets ``aimed``, one of ``chunks``.

    ``pause`` is called in front of each layer.
    """
    frozen, layer = local.frozen, aimed.layer
    reach = cone(aimed.pos)
    held = sources.dots_to_hold(reach)
    gradient = _start_gradient(local, aimed.seed, layer, reach)
    carried_down = layer == 0 or sources.embedded is None
    for below in reversed(range(layer)):
        pause()
        sources.dot(below, gradient.flat, reach, held)
        if below > 0 or carried_down:
            gradient = _through_block(local, gradient, below, reach)
    effects = local.error.new_zeros(sources.n_columns + frozen.n_pos + N_BIAS, len(aimed.pos))
    features_and_errors, embeddings, biases = effects.split([sources.n_columns, frozen.n_pos, N_BIAS])
    sources.gather(held, features_and_errors)
    biases[sources.biases.used] = sources.of_biases(held) + sources.biases.at_own_attention(aimed)
    biases[BiasClass.NORM_SHIFT] += aimed.direct
    if carried_down:
        embeddings[reach.pos, reach.row] = (gradient.flat * frozen.embedding[reach.pos]).sum(1)
        biases[sources.biases.used] += sources.read_start(gradient.flat, reach)
    else:
        sources.read_embedded(gradient.flat, reach, embeddings)
    return effects.T


def _start_gradient(
    local: LocalReplacementModel, seed: Float[Tensor, "n_rows d_model"], layer: int, reach: Cone
) -> Gradient:
    """The gradient at the output of the layer below: the seed, moved through the target's own attention."""
    frozen = local.frozen
    if layer < frozen.n_layers and not frozen.parallel:
        factors = frozen.attention[layer].spread(seed, reach)
        return Gradient(factors.product(reach), factors)
    flat = seed.new_zeros(len(reach.pos), frozen.d_model)
    here, rows = reach.own()
    flat[here] = seed[rows]
    return Gradient(flat)


def _through_block(local: LocalReplacementModel, gradient: Gradient, layer: int, reach: Cone) -> Gradient:
    """The gradient at the output of block ``layer`` carried to its input; ``gradient`` may be overwritten."""
    frozen, flat = local.frozen, gradient.flat
    onward = frozen.onward_adjoint(layer, flat, reach.pos)
    W_skip = local.skip(layer)
    skipped = None if W_skip is None else _skip_adjoint(local, flat, layer, reach.pos, W_skip)
    if skipped is not None and not frozen.parallel:
        onward = onward + skipped
    carried = frozen.attention[layer].carry(onward, reach, gradient.factors if onward is flat else None)
    return Gradient(carried + skipped if skipped is not None and frozen.parallel else carried)


def _skip_adjoint(local: LocalReplacementModel, gradient: Tensor, layer: int, pos: Tensor, W_skip: Tensor) -> Tensor:
    return local.read_seed(layer, local.write_adjoint(layer, gradient, pos) @ W_skip.T, pos)

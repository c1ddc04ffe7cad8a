"""check_structure: a network has no part with weights that its family row does not name."""

from __future__ import annotations

from itertools import chain

from torch import nn

from explorer.errors import UnsupportedModel
from explorer.models.families import Family


def check_structure(network: nn.Module, family: Family, where: str) -> None:
    """UnsupportedModel that names the first part of the network or of a block that would be left out.

    Parts without weights (rotary tables, dropout, activations) do not count; inside attention only the values and
    the output matter, inside the MLP nothing.
    """
    outer = (
        family.blocks,
        family.embedding,
        family.position,
        family.final_norm,
        family.head,
        family.head_in,
        family.embedding_in,
    )
    parent = family.blocks.rpartition(".")[0]
    inside = {name.removeprefix(f"{parent}.") for name in outer if name}
    _check_children(network.get_submodule(parent), inside, where)
    named = (
        family.attention,
        family.attention_norm,
        family.attention_post_norm,
        family.mlp_norm,
        family.mlp,
        family.mlp_read,
        family.mlp_post_norm,
        family.end,
    )
    for block in network.get_submodule(family.blocks).children():
        _check_children(block, {name.partition(".")[0] for name in named if name}, where)


def _check_children(module: nn.Module, known: set[str], where: str) -> None:
    own = chain(module.named_parameters(recurse=False), module.named_buffers(recurse=False))
    weighty = [name for name, child in module.named_children() if any(True for _ in child.parameters())]
    unknown = [name for name in chain(weighty, (name for name, _ in own)) if name not in known]
    if unknown:
        raise UnsupportedModel(
            f"{where} has “{unknown[0]}” in {type(module).__name__}, which the explorer does not know, "
            "so the model cannot be frozen exactly."
        )

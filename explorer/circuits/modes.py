"""Mode: what is held at its clean value while an intervention's effect runs through the model."""

from __future__ import annotations

from dataclasses import dataclass, replace

from explorer.errors import GraphError

MODES = ("direct", "constrained", "iterative", "free")


@dataclass(frozen=True)
class Mode:
    """MLP outputs of ``layers`` (first and last, both included), attention patterns, and scales of norms.

    In held layers features keep their clean strengths, and nothing is written outside ``layers``: an effect has no
    second order there. Everything held is a graph's own edges.
    """

    layers: tuple[int, int] | None = None
    attention: bool = True
    norms: bool = False

    def holds(self, layer: int) -> bool:
        return self.layers is not None and self.layers[0] <= layer <= self.layers[1]

    def writes(self, layer: int) -> bool:
        """Whether an intervention may write to ``layer``."""
        return self.layers is None or self.holds(layer)

    def is_direct(self, n_layers: int) -> bool:
        return self.layers == (0, n_layers - 1) and self.attention and self.norms


FREE = Mode(attention=False)


def mode(
    name: str,
    n_layers: int,
    layers: tuple[int, int] | None = None,
    *,
    attention: bool | None = None,
    norms: bool | None = None,
) -> Mode:
    """The mode of that name; ``attention`` and ``norms`` hold or free patterns and scales otherwise than it does.

    direct       everything held: the edges of the graph
    constrained  the MLPs of ``layers`` held, patterns too; of all layers it is direct (as in circuit-tracer)
    iterative    patterns held, MLPs and norms recomputed (circuit-tracer's default)
    free         nothing held
    """
    if name not in MODES:
        raise GraphError(f"There is no mode “{name}”; choose {', '.join(MODES[:-1])} or {MODES[-1]}.")
    if name != "constrained" and layers is not None:
        raise GraphError(f"Layers are held in mode constrained alone; “{name}” takes none.")
    everything = (0, n_layers - 1)
    if name == "constrained":
        first, last = layers or everything
        if not 0 <= first <= last < n_layers:
            raise GraphError(f"There are no layers {first} to {last}; the model has layers 0 to {n_layers - 1}.")
        made = Mode((first, last), norms=(first, last) == everything)
    else:
        made = {"direct": Mode(everything, norms=True), "iterative": Mode(), "free": FREE}[name]
    if attention is not None:
        made = replace(made, attention=attention)
    return made if norms is None else replace(made, norms=norms)

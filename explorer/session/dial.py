"""Dial: the range of an intervention's slider, and the words of its row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath

from explorer.circuits.graph import Graph, NodeKey, NodeKind
from explorer.session.interventions import Interventions, Row, Unit
from explorer.session.view import GraphView

SPAN = 3.0  # times its own strength, to both sides
OF_MAXIMUM = 1.5
UNKNOWN = 10.0  # activation that a slider reaches where no strength is known
STEP, BIG_STEP = 0.05, 0.5  # of its own strength
UNIT_WORDS: dict[Unit, str] = {"own": "own", "absolute": "absolute", "maximum": "maximum", "other": "other prompt"}


@dataclass(frozen=True)
class Dial:
    """``low`` to ``high`` in the row's unit; ``one`` is what a strength of its own is there.

    ``own`` is the value that changes nothing; None where it is not known.
    """

    low: float
    high: float
    own: float | None
    one: float = 1.0

    def step(self, n: float) -> float:
        """``n`` of its own strength in the row's unit."""
        return n * self.one


def dial(row: Row, graph: Graph | None = None) -> Dial:
    """The dial of a row; ``graph`` knows how strong a feature is. It is widened to hold the row's value."""
    made = _dial(row, strength(row, graph))
    return replace(made, low=min(made.low, row.value), high=max(made.high, row.value))


def _dial(row: Row, own: float | None) -> Dial:
    if row.kind == "residual":
        return Dial(-1.0, 2.0, 0.0)
    if row.op == "multiply":
        return Dial(-SPAN, SPAN, 1.0)
    one, reach, neutral = 1.0, SPAN, 1.0 if row.unit == "own" else None
    if row.unit == "maximum" and row.kind != "supernode":
        neutral, reach = _over(own, row.maximum), OF_MAXIMUM
    elif row.unit == "absolute":
        one, neutral = abs(own or UNKNOWN / SPAN), own
        reach = SPAN * one
    return Dial(-reach, reach, 0.0 if row.op == "add" else neutral, one)


def _over(own: float | None, maximum: float | None) -> float | None:
    return own / maximum if own is not None and maximum else None


def strength(row: Row, graph: Graph | None) -> float | None:
    """The activation of a row's feature on the graph's prompt, 0 if it is not in the graph; None if it has not one."""
    if row.kind != "feature" or graph is None or row.last != row.first:
        return None
    node = graph.index.get(NodeKey(int(NodeKind.FEATURE), row.layer, row.first, row.index))
    return 0.0 if node is None else float(graph.nodes.activation[node])


def changes_run(row: Row, graph: Graph | None = None) -> bool:
    """Whether a row is on and asks for something else than what is there."""
    own = dial(row, graph).own
    return row.on and (own is None or abs(row.value - own) > 1e-9 * max(1.0, abs(own)))


def counted(made: Interventions, graph: Graph | None = None) -> str:
    """2 of 3 change the run."""
    n = sum(changes_run(row, graph) for row in made.rows)
    return f"{n} of {len(made.rows)} {'changes' if n == 1 else 'change'} the run"


def n_changes(one: Interventions, other: Interventions) -> int:
    """In how many rows and settings two interventions differ."""
    paired = sum(a != b for a, b in zip(one.rows, other.rows, strict=False))
    names = ("mode", "layers", "attention", "norms", "counterpart")
    settings = sum(bool(getattr(one, name) != getattr(other, name)) for name in names)
    return paired + abs(len(one.rows) - len(other.rows)) + settings


def in_unit(row: Row, unit: Unit, graph: Graph | None = None) -> Row:
    """The row with its value counted in ``unit``, as strong as before where the strength of one is known."""
    now, then = _size(row, row.unit, graph), _size(row, unit, graph)
    value = row.value * now / then if now and then else row.value
    return replace(row, unit=unit, value=value)


def _size(row: Row, unit: Unit, graph: Graph | None) -> float | None:
    return {"own": strength(row, graph), "absolute": 1.0, "maximum": row.maximum, "other": None}[unit]


def title(row: Row, view: GraphView | None = None) -> str:
    """What a row changes: a label, a name, or the kind with its number."""
    if row.name:
        return row.name
    if row.kind == "feature":
        node = None if view is None else view.graph.index.get(NodeKey(0, row.layer, row.first, row.index))
        return f"L{row.layer} / {row.index}" if view is None or node is None else view.label(node)
    if row.kind == "direction":
        return PurePath(row.file).stem or "direction"
    named = {"error": "error", "residual": "residual stream", "supernode": "group"}
    return named.get(row.kind, f"{row.kind} {row.index}")


def place_words(row: Row) -> str:
    """Its layer, or how many nodes a group has."""
    if row.kind == "supernode":
        return "1 node" if len(row.members) == 1 else f"{len(row.members)} nodes"
    return f"L{row.layer}"


def position_words(row: Row, n_pos: int) -> str:
    """Where a row is made: last token, token 8, tokens 3 to 5, from token 3 on."""
    if row.kind == "supernode":
        return "where they are"
    more = " + generated" if row.generated else ""
    if row.last is None:
        return ("every token" if row.first == 0 else f"from token {row.first} on") + more
    if row.first != row.last:
        return f"tokens {row.first} to {row.last}{more}"
    return (f"token {row.first}" if row.first != n_pos - 1 else "last token") + more


def value_words(row: Row) -> str:
    """How a value is written: × 1.25 own, = 3.00, + 2.00, × 0.50."""
    number = f"{abs(row.value):.4g}"
    sign = "\u2212" if row.value < 0 else ""
    if row.op == "multiply":
        return f"× {sign}{number} present"
    scaled = "" if row.unit == "absolute" else "× "
    added = "+ " if row.op == "add" else ""
    return f"{added}{scaled}{sign}{number} {UNIT_WORDS[row.unit]}"


def values_over(low: float, high: float, n: int) -> Sequence[float]:
    """``n`` values from ``low`` to ``high``, both included."""
    return tuple(low + (high - low) * at / (n - 1) for at in range(n))

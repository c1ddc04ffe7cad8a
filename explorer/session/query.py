"""Query: the small language of the nodes filter, e.g. ``kind:feature layer>=6 pos:3 capital``.

A query is words with blanks between them; a node must fit them all. A word is a condition (name,
operator, value), a /regular expression/ or text, both to be found in the node's label. A minus in front turns a word
round; quotes hold blanks together.

``token:Dallas`` are the nodes at tokens that read so, ``reads:Dallas`` those that get at least READ of their input
straight from such a token, and ``pushes:Austin`` those that raise that output and send it at least READ of what they
send, both with the inspector's denominators.
"""

from __future__ import annotations

import operator
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.circuits.graph import Bools, Ints, NodeKind
from explorer.errors import GraphError
from explorer.session.view import GraphView, HiddenBy, rows_of, shown_token

Compare = Callable[[Any, Any], Any]
OPERATORS: Mapping[str, Compare] = {
    "!=": operator.ne,
    ">=": operator.ge,
    "<=": operator.le,
    "≥": operator.ge,
    "≤": operator.le,
    ":": operator.eq,
    "=": operator.eq,
    ">": operator.gt,
    "<": operator.lt,
}
NUMBERS = ("layer", "pos", "feature", "influence", "activation", "effect")
KINDS = {kind.name.lower(): kind for kind in NodeKind} | {
    "token": NodeKind.EMBEDDING,
    "output": NodeKind.LOGIT,
}
FLAGS = ("pinned", "labelled", "noted", "hidden")
RULES = {rule.name.lower(): rule for rule in HiddenBy if rule}
WORDS: Mapping[str, tuple[str, ...]] = {
    "kind": tuple(KINDS),
    "is": FLAGS,
    "hidden": tuple(RULES),
    "sign": ("raise", "lower"),
}
TOKENS = ("token", "reads", "pushes")  # conditions whose value is a token
READ = 0.05
LONGEST = 0.5  # seconds that a pattern may take on all labels together
WORD = re.compile(r'-?/(?:[^/\\]|\\.)+/(?=\s|$)|-?(?:[^\s"]|"[^"]*"?)+')
CONDITION = re.compile(r"([a-z]+)(!=|>=|<=|≥|≤|[:=<>])(.+)", re.DOTALL)
RANGE = re.compile(r"(-?[\d.]+)-([\d.]+)")


@dataclass(frozen=True)
class Term:
    """One word of a query. ``name`` is "text" for text to be found, "pattern" for a regular expression.

    ``high`` closes a range ``low-high``.
    """

    name: str
    compare: str
    value: str | float
    high: float | None = None
    negated: bool = False


def parse(text: str) -> tuple[Term, ...]:
    """The words of ``text``; GraphError with a sentence about the first that makes no sense."""
    return tuple(_term(word) for word in WORD.findall(text))


def matches(terms: tuple[Term, ...], view: GraphView) -> Bools:
    """(n_nodes) whether a node fits every term; hidden nodes included."""
    fits = np.ones(len(view.graph), dtype=bool)
    for term in terms:
        fits &= _fits(term, view) != term.negated
    return fits


def find(view: GraphView, text: str) -> Ints:
    """The nodes that a query finds, the most influential first; hidden ones only if it finds no other."""
    found = matches(parse(text), view)
    if (found & view.shown).any():
        found &= view.shown
    nodes = np.flatnonzero(found)
    return nodes[np.argsort(-view.influence[nodes], kind="stable")]


def influence_share(view: GraphView) -> NDArray[np.float64]:
    """(n_nodes) share of each node in the influence of all nodes."""
    total = float(view.influence.sum())
    return view.influence / (total if total > 0 else 1.0)


def _term(word: str) -> Term:
    negated = word.startswith("-") and len(word) > 1
    body = word[1:] if negated else word
    if len(body) > 2 and body[0] == body[-1] == "/":
        return Term("pattern", ":", _pattern(word, body[1:-1]), negated=negated)
    found = CONDITION.fullmatch(body)
    if found is None or body.startswith('"'):
        return Term("text", ":", body.replace('"', "").casefold(), negated=negated)
    name, compare, value = found.groups()
    value = value.replace('"', "")
    if name in NUMBERS:
        low, high = _number(word, name, value, compare)
        return Term(name, compare, low, high, negated)
    if name in TOKENS and compare in (":", "=", "!="):
        return Term(name, ":", value.strip().casefold(), negated=negated != (compare == "!="))
    if name not in WORDS:
        return Term("text", ":", body.replace('"', "").casefold(), negated=negated)
    if value not in WORDS[name] or compare not in (":", "=", "!="):
        raise GraphError(f"“{word}” is not understood: {name}: takes {', '.join(WORDS[name])}.")
    return Term(name, ":", value, negated=negated != (compare == "!="))


def _pattern(word: str, pattern: str) -> str:
    import regex  # docs/decisions/007-patterns.md; only when asked for: a window opens faster without

    try:
        regex.compile(pattern, regex.IGNORECASE)
    except (regex.error, OverflowError, RecursionError) as error:
        raise GraphError(f"“{word}” is no regular expression: {error}.") from error
    return pattern


def _number(word: str, name: str, value: str, compare: str) -> tuple[float, float | None]:
    spread = RANGE.fullmatch(value)
    try:
        if spread and compare in (":", "="):
            return float(spread[1]), float(spread[2])
        return float(value.removesuffix("%").replace("\u2212", "-")), None
    except ValueError as error:
        raise GraphError(f"“{word}” is not understood: {name} takes a number, or two as 3-6.") from error


def _fits(term: Term, view: GraphView) -> Bools:
    if term.name == "text":
        return _has_text(str(term.value), view)
    if term.name == "pattern":
        return _has_pattern(str(term.value), view)
    if term.name in TOKENS:
        return _of_token(term.name, str(term.value), view)
    if term.name == "kind":
        return np.asarray(view.graph.nodes.kind == KINDS[str(term.value)])
    if term.name == "sign":
        return np.asarray(view.effect > 0 if term.value == "raise" else view.effect < 0)
    if term.name == "hidden":
        return np.asarray(view.hidden_by == RULES[str(term.value)])
    if term.name == "is":
        return _is(str(term.value), view)
    column = _column(term.name, view)
    if term.high is not None:
        return np.asarray((column >= term.value) & (column <= term.high))
    return np.asarray(OPERATORS[term.compare](column, term.value))


def _column(name: str, view: GraphView) -> NDArray[Any]:
    """Influence and effect are in per cent, as the table shows them."""
    nodes = view.graph.nodes
    if name == "influence":
        return 100 * influence_share(view)
    if name == "effect":
        return 100 * view.effect
    column: NDArray[Any] = getattr(nodes, name)
    return column


def _is(flag: str, view: GraphView) -> Bools:
    if flag == "hidden":
        return ~view.shown
    fits = np.zeros(len(view.graph), dtype=bool)
    keys = {"pinned": view.edits.pinned, "labelled": view.edits.labels, "noted": view.edits.notes}[flag]
    fits[rows_of(view.graph, tuple(keys))] = True
    return fits


def _has_text(text: str, view: GraphView) -> Bools:
    return _of_labels(view, lambda label: text in label.casefold())


def _has_pattern(pattern: str, view: GraphView) -> Bools:
    """GraphError if the pattern takes longer than LONGEST: some take ages on a label of a few dozen letters."""
    import regex

    found = regex.compile(pattern, regex.IGNORECASE)
    end = time.monotonic() + LONGEST

    def fits(label: str) -> bool:
        left = end - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return found.search(label, timeout=left) is not None

    try:
        return _of_labels(view, fits)
    except TimeoutError as error:
        raise GraphError(f"“/{pattern}/” takes too long on these labels; write a simpler pattern.") from error


def _of_labels(view: GraphView, fits: Callable[[str], bool]) -> Bools:
    n = len(view.graph)
    return np.fromiter((fits(view.label(node)) for node in range(n)), dtype=bool, count=n)


def _of_token(name: str, text: str, view: GraphView) -> Bools:
    graph = view.graph
    if name == "pushes":
        return _pushes(view, _named(text, graph.logit_tokens))
    named = _named(text, graph.tokens)
    at = named[np.clip(graph.nodes.pos, 0, graph.n_pos - 1)] & (graph.nodes.pos >= 0)
    if name == "token":
        return at
    source = graph.rows.source
    read = at[source] & (graph.nodes.kind[source] == NodeKind.EMBEDDING)
    return np.bincount(graph.edge_target, np.abs(view.share) * read, minlength=len(graph)) >= READ


def _pushes(view: GraphView, named: Bools) -> Bools:
    """Whether a node's links to the outputs ``named`` raise them and are READ of all that leaves it."""
    graph, block = view.graph, view.graph.block(NodeKind.LOGIT)
    source, weight = graph.rows.source, graph.rows.weight.astype(np.float64)
    outputs = np.zeros(len(graph), dtype=bool)
    outputs[block] = named
    sent = np.bincount(source, weight * outputs[graph.edge_target], minlength=len(graph))
    total = np.bincount(source, np.abs(weight), minlength=len(graph))
    return (sent > 0) & (sent >= READ * total)


def _named(text: str, tokens: Sequence[str]) -> Bools:
    return np.fromiter((shown_token(token).casefold() == text for token in tokens), dtype=bool, count=len(tokens))

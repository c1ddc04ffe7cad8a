"""What a person left in another tool: pins, supernodes and labels of a graph JSON, a saved subgraph or a share link.

Labels are found by four kinds of names that Neuronpedia's and circuit-tracer's links have: a node's id; layer,
``feature`` and position; and ``feature`` alone, which means the feature wherever it is. ``feature`` is a Cantor pair,
or the digits of layer and index behind one another, or the index.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from explorer.circuits.graph import Graph, NodeKey, NodeKind
from explorer.errors import LoadError
from explorer.io.graph_json_extra import fields
from explorer.io.graph_json_ids import node_ids, uncantor
from explorer.io.magic import unreadable
from explorer.session.edits import Edits, Label, pin
from explorer.session.supernodes import Supernode

PARAMETERS = ("pinnedIds", "supernodes", "clerps")
MAX_BYTES = 20_000_000
WIDTHS = (5, 6)  # digits of an index in old links: of Gemma's and of Llama's transcoders

Find = Callable[[str], NodeKey | None]


class OnlyAStory(LoadError):
    """A file holds what belongs to a graph, and not the graph."""


@dataclass(frozen=True)
class Story:
    """Pins, supernodes and labels by the names that the other tool gives to nodes; ``unread`` what made no sense."""

    pinned: tuple[str, ...] = ()
    groups: tuple[tuple[str, tuple[str, ...]], ...] = ()
    labels: tuple[tuple[str, str], ...] = ()
    unread: tuple[str, ...] = ()


def of_parameters(table: Mapping[str, Any]) -> Story:
    """The story in a file's qParams or a saved subgraph: lists, or what circuit-tracer's Save makes of them, texts."""
    unread: list[str] = []
    pinned = table.get("pinnedIds")
    names = pinned.split(",") if isinstance(pinned, str) else _list(pinned)
    groups = [_texts(row) for row in _list(_parsed(table, "supernodes", unread))]
    labels = [_texts(row) for row in _list(_parsed(table, "clerps", unread))]
    return Story(
        tuple(name for name in names if isinstance(name, str) and name),
        tuple((row[0], tuple(row[1:])) for row in groups if row),
        tuple((row[0], row[1]) for row in labels if len(row) == 2),
        tuple(unread),
    )


def of_link(link: str) -> Story:
    """The story in the query of a share link; LoadError if it holds none. Old links are encoded twice."""
    try:
        query = parse_qs(urlsplit(link.strip()).query, keep_blank_values=True)
    except ValueError as error:
        raise LoadError("The link is no address; copy it again.") from error
    table = {name: values[0] for name, values in query.items() if name in PARAMETERS}
    table = {name: unquote(text) if "%2C" in text.upper() else text for name, text in table.items()}
    if not table:
        raise LoadError("The link names no pinnedIds, supernodes or clerps; copy it again while nodes are pinned.")
    return of_parameters(table)


def read_story(source: str) -> Story:
    """The story in a share link, or in the file of a saved subgraph; LoadError says what is wrong with it."""
    if source.strip().startswith(("http://", "https://")):
        return of_link(source)
    path = Path(source)
    try:
        if path.stat().st_size > MAX_BYTES:
            raise LoadError(f"“{path}” is too large to be a saved subgraph; pick another file.")
        table = json.loads(path.read_bytes())
    except OSError as error:
        raise LoadError(unreadable(path, error)) from error
    except (ValueError, RecursionError) as error:
        raise LoadError(f"“{path}” is not valid JSON; download it again.") from error
    if not is_story(table):
        names = "pinnedIds, supernodes or clerps"
        raise LoadError(f"“{path}” is no saved subgraph: it names no {names}; pick another file.")
    return of_parameters(table)


def is_story(value: Any) -> bool:
    """Whether a JSON value is a saved subgraph."""
    return isinstance(value, Mapping) and "nodes" not in value and any(name in value for name in PARAMETERS)


def apply(story: Story, graph: Graph, edits: Edits, find: Find | None = None) -> tuple[Edits, tuple[str, ...]]:
    """``edits`` with the story's, and a sentence for each thing that ``graph`` does not have.

    ``find`` knows names that are not of circuit-tracer's form.
    """
    if story == Story():
        return edits, ()
    find = _finder(graph, find)
    pinned = [find(name) for name in story.pinned]
    groups = [(name, [find(member) for member in members]) for name, members in story.groups]
    labels = _labels(story.labels, graph, find)
    supernodes = [Supernode(name, tuple(dict.fromkeys(_known(keys)))) for name, keys in groups]
    edits = pin(edits, _known(pinned))
    edits = replace(
        edits,
        supernodes=(*edits.supernodes, *(group for group in supernodes if group.members)),
        labels={**edits.labels, **labels},
    )
    members = [key for _, keys in groups for key in keys]
    counts = (("pinned nodes", pinned), ("members of supernodes", members))
    missing = [(what, sum(key is None for key in keys), len(keys)) for what, keys in counts]
    unknown = tuple(f"{n} of {total} {what} are not in the graph." for what, n, total in missing if n)
    return edits, (*story.unread, *unknown)


def _finder(graph: Graph, own: Find | None) -> Find:
    """From a name to the key of a node of ``graph``."""
    rows = range(len(graph))
    ids = node_ids(graph, [row for row in rows if graph.nodes.kind[row] != NodeKind.BIAS])
    keys = {name: graph.key(row) for row, name in ids.items()}
    keys |= {str(held["node_id"]): graph.key(row) for row, held in fields(graph, "nodes").items() if "node_id" in held}

    def find(name: str) -> NodeKey | None:
        found = own(name) if own is not None else None
        return found or keys.get(name)

    return find


def _labels(named: Iterable[tuple[str, str]], graph: Graph, find: Find) -> dict[NodeKey, Label]:
    """The labels by node, under the reading of ``feature`` that finds most of them."""
    named = [(name, text.strip()) for name, text in named if text.strip()]
    if not named:
        return {}
    places: dict[tuple[int, int], list[NodeKey]] = {}
    for row in range(graph.count(NodeKind.FEATURE)):
        key = graph.key(row)
        places.setdefault((key.layer, key.feature), []).append(key)
    found = [{name: list(_named(name, reading, places, find)) for name, _ in named} for reading in (0, *WIDTHS, -1)]
    best = max(found, key=lambda keys: sum(bool(held) for held in keys.values()))
    return {key: Label(text) for name, text in named for key in best[name]}


def _named(name: str, reading: int, places: Mapping[tuple[int, int], list[NodeKey]], find: Find) -> Iterator[NodeKey]:
    """The nodes that a label's name means; ``reading`` 0: Cantor pairs, 5, 6: digits of that width, -1: indices."""
    key = find(name)
    if key is not None:
        yield key
        return
    parts = name.split("_")
    if len(parts) not in (1, 3) or not all(part.isdecimal() and len(part) < 16 for part in parts):
        return
    number = int(parts[len(parts) // 2])
    if reading < 0:
        pairs = [pair for pair in places if pair[1] == number]
    else:
        pairs = [divmod(number, 10**reading) if reading else uncantor(number)]
    for pair in pairs:
        for key in places.get(pair, ()):
            if len(parts) == 1 or (int(parts[0]), int(parts[2])) == (key.layer, key.pos):
                yield key


def _known(keys: Iterable[NodeKey | None]) -> list[NodeKey]:
    return [key for key in keys if key is not None]


def _parsed(table: Mapping[str, Any], name: str, unread: list[str]) -> Any:
    value = table.get(name)
    if not isinstance(value, str) or value in ("", "null", "undefined"):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        unread.append(f"The {name} of the file are damaged and were left out.")
        return None


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _texts(row: Any) -> list[str]:
    return row if isinstance(row, list) and all(isinstance(text, str) for text in row) else []

"""What a view shows as GraphML and GEXF, for Gephi, yEd, Cytoscape and networkx itself."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from explorer.circuits.graph import NodeKind
from explorer.io.atomic import replacing
from explorer.io.graph_json_ids import node_ids
from explorer.io.graph_json_own import bias_id
from explorer.session.view import GraphView

if TYPE_CHECKING:
    from networkx import DiGraph


def write(path: Path, view: GraphView) -> None:
    """Write ``network`` to ``path`` as its suffix says; SaveError says why not."""
    import networkx

    writer = networkx.write_gexf if path.suffix.lower() == ".gexf" else networkx.write_graphml_xml
    with replacing(path) as file:
        writer(network(view), file)


def network(view: GraphView) -> DiGraph:
    """The shown nodes and links, from source to target, with ids as graph JSON has them.

    Nodes have type, layer, position, index, label, influence and, if known, activation, probability and supernode;
    links a signed weight, the direct effect. What is not known is left out: the formats have no empty numbers.
    """
    import networkx

    graph = view.graph
    kind = graph.nodes.kind
    shown = np.flatnonzero(view.shown).tolist()
    ids = node_ids(graph, [node for node in shown if kind[node] != NodeKind.BIAS])
    ids |= {node: bias_id(graph.key(node).feature) for node in shown if kind[node] == NodeKind.BIAS}
    groups = {key: _text(group.name) for group in view.edits.supernodes for key in group.members}
    found = networkx.DiGraph(name="attribution graph", prompt=_text("".join(graph.tokens)))
    for node in shown:
        found.add_node(ids[node], **_attributes(view, node, groups.get(graph.key(node), "")))
    drawn = np.flatnonzero(view.links)
    columns = (graph.rows.source[drawn], graph.edge_target[drawn], graph.rows.weight[drawn])
    for source, target, weight in zip(*(column.tolist() for column in columns), strict=True):
        found.add_edge(ids[source], ids[target], weight=weight)
    return found


def _attributes(view: GraphView, node: int, supernode: str) -> dict[str, Any]:
    graph = view.graph
    key = graph.key(node)
    known = {
        "activation": float(graph.nodes.activation[node]),
        "influence": float(view.influence[node]),
        "probability": float(graph.probability[node]),
    }
    return {
        "type": NodeKind(key.kind).name.lower(),
        "layer": key.layer,
        "position": key.pos,
        "index": key.feature,
        "label": _text(view.label(node)),
        **{name: value for name, value in known.items() if math.isfinite(value)},
        **({"supernode": supernode} if supernode else {}),
    }


def _text(text: str) -> str:
    """``text`` with what XML cannot hold replaced (control characters, halves of characters)."""
    return "".join(letter if _fits(ord(letter)) else "\N{REPLACEMENT CHARACTER}" for letter in text)


def _fits(code: int) -> bool:
    return code in (9, 10, 13) or 32 <= code < 0xD800 or 0xE000 <= code < 0xFFFE or code > 0xFFFF

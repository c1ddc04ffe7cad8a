"""What a figure says below and about itself: the question, what is shown by which rule, and how far to trust it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from explorer import __version__
from explorer.circuits.graph import NodeKind
from explorer.circuits.graph_arrays import plain as plain_values
from explorer.circuits.scores import books_limit, scores, worst_residual
from explorer.session.figure import Run, Text
from explorer.session.figure_links import Choice, LinkRule, Strongest, heads
from explorer.session.figure_text import plain, text_width, visible, wrap
from explorer.session.theme import Theme
from explorer.session.view import GraphView, default_label

LEADING = 1.45
GAP = "\N{NO-BREAK SPACE}"
LONGEST_PROMPT = 200  # characters; the end, for it is what the output follows
PARAGRAPH = 0.15  # of the size, on top between paragraphs


@dataclass(frozen=True)
class Paragraph:
    """Words of one colour, after some words in bold."""

    bold: str
    words: str
    fill: str


def question(view: GraphView) -> str:
    """What the figure asks: why this output, or what drives this feature."""
    nodes = heads(view.graph).tolist()
    if not nodes:
        return "Attribution graph"
    told = " or ".join(_name(view, node) for node in nodes[:3]) + (" or …" if len(nodes) > 3 else "")
    logits = all(view.graph.nodes.kind[node] == NodeKind.LOGIT for node in nodes)
    return f"Why {told}?" if logits else f"What drives {told}?"


def paragraphs(
    view: GraphView, choice: Choice, rule: LinkRule, theme: Theme, title: str, caption: str
) -> list[Paragraph]:
    """The caption; ``title`` and ``caption`` replace the question and what follows it, never the facts."""
    shown = f"{counts(view, choice)}, {_rule(view, choice, rule)}"
    said = [
        Paragraph(visible(title) or question(view), " ".join(caption.split()) or _prompt(view), theme.text),
        Paragraph("", " ".join([shown, _pruning(view, choice), _fill(view)]), theme.text_2),
    ]
    books, good = _books(view)
    said.append(Paragraph("", f"{books} {_scores(view)}", theme.text_2 if good else theme.danger))
    said.append(Paragraph("", _made_by(view.graph.provenance), theme.text_3))
    return said


def caption_lines(
    said: Sequence[Paragraph], left: float, top: float, right: float, size: int
) -> tuple[tuple[Text, ...], float]:
    """``said`` between ``left`` and ``right`` below ``top``, and where it ends."""
    found: list[Text] = []
    y = top
    for paragraph in said:
        used = text_width(paragraph.bold + " ", size, 600) if paragraph.bold else 0.0
        lines = wrap(paragraph.words, (right - left) * 0.96, size, first=used)
        for number, line in enumerate(lines or [""]):
            y += LEADING * size
            runs = [Run(line, paragraph.fill)]
            if number == 0 and paragraph.bold:
                runs.insert(0, Run(f"{paragraph.bold} ", paragraph.fill, 600))
            found.append(Text(left, y, tuple(run for run in runs if run.text), size))
        y += PARAGRAPH * size
    return tuple(found), y + 0.4 * size


def counts(view: GraphView, choice: Choice) -> str:
    """How much of the graph is drawn."""
    nodes, links = int(choice.nodes.sum()), len(choice.links)
    return f"{nodes:,} of {len(view.graph):,} nodes and {links:,} of {view.graph.n_edges:,} links"


def record(view: GraphView, choice: Choice, rule: LinkRule) -> dict[str, Any]:
    """The provenance of the figure: the graph's own, and what was chosen from it."""
    return {
        **plain_values(view.graph.provenance),
        "app": f"Circuit Explorer {__version__}",
        "prompt": _prompt_text(view),
        "node_threshold": view.edits.node_threshold,
        "edge_threshold": view.edits.edge_threshold,
        "count_bias": view.edits.count_bias,
        "figure": {
            "rule": type(rule).__name__.lower(),
            "nodes": int(choice.nodes.sum()),
            "links": len(choice.links),
        },
    }


def _name(view: GraphView, node: int) -> str:
    graph = view.graph
    if graph.nodes.kind[node] == NodeKind.LOGIT:
        return f"“{plain(graph.logit_tokens[node - graph.block(NodeKind.LOGIT).start])}”"
    return f"{default_label(graph, node)} at “{plain(graph.tokens[int(graph.nodes.pos[node])])}”"


def _prompt_text(view: GraphView) -> str:
    text = view.graph.provenance.get("prompt")
    tokens = view.graph.tokens[view.graph.n_special :] or view.graph.tokens
    return text if isinstance(text, str) and text else "".join(tokens).strip()


def _prompt(view: GraphView) -> str:
    """The model, the prompt and the output that is explained with its probability."""
    graph = view.graph
    model = _text(graph.provenance, "model") or _text(graph.provenance.get("metadata"), "scan")
    text = visible(_prompt_text(view))
    prompt = f"“{text}”" if len(text) <= LONGEST_PROMPT else f"“…{text[-LONGEST_PROMPT:]}”"
    told = f"{model} on {prompt}" if model else f"On {prompt}"
    aims = [node for node in heads(graph).tolist() if np.isfinite(graph.probability[node])]
    if aims:
        told += "; " + ", ".join(f"p({_name(view, node)}){GAP}={GAP}{graph.probability[node]:.3f}" for node in aims[:3])
    return told + "."


def _rule(view: GraphView, choice: Choice, rule: LinkRule) -> str:
    if isinstance(rule, Strongest):
        return "the links that carry most influence." if choice.cut else "all that pruning left."
    nodes = heads(view.graph).tolist()
    names = ", ".join(_name(view, node) for node in nodes[:3]) or "the target"
    whose = "its" if len(nodes) == 1 else "each one’s"
    stop = f", until {rule.most} links" if choice.cut else ""
    first, then = f"{whose} {rule.inputs} strongest inputs", f"{rule.per_feature} per feature"
    return f"traced back from {names}: {first}, then {then}{stop}."


def _pruning(view: GraphView, choice: Choice) -> str:
    edits = view.edits
    if edits.node_threshold >= 1 and edits.edge_threshold >= 1:
        told = "No pruning."
    else:
        told = (
            f"Pruned to {100 * edits.node_threshold:.3g}{GAP}% of the nodes’ influence and "
            f"{100 * edits.edge_threshold:.3g}{GAP}% of the links’."
        )
    if view.graph.count(NodeKind.BIAS) and not edits.count_bias:
        drawn = bool(choice.nodes[view.graph.block(NodeKind.BIAS)].any())
        told += f" Bias nodes are {'drawn but not' if drawn else 'neither drawn nor'} in the shares."
    return told


def _fill(view: GraphView) -> str:
    targets = np.flatnonzero(view.graph.target_weight)
    whom = _name(view, int(targets[0])) if len(targets) == 1 else f"the {len(targets)} weighted targets"
    return f"Fill: effect on {whom} over all paths, relative to the strongest feature’s." if len(targets) else ""


def _books(view: GraphView) -> tuple[str, bool]:
    """How far the books are off, and whether that is good enough to cite."""
    worst = worst_residual(view.graph)
    if np.isnan(worst):
        lacks = "what its nodes should add up to" if view.graph.count(NodeKind.BIAS) else "bias nodes"
        file = _text(view.graph.provenance, "file")
        return f"Books cannot be checked: {f'“{file}”' if file else 'the graph'} does not hold {lacks}.", True
    limit = books_limit(view.graph)
    if worst > limit:
        return f"Books are off by {_small(worst)} (limit {_small(limit)}): do not cite this graph.", False
    return f"Books balance to {_small(worst)}.", True


def _scores(view: GraphView) -> str:
    """The scores of the unpruned graph; a graph whose books cannot be checked may have been pruned in its file."""
    if np.isnan(worst_residual(view.graph)):
        return "Replacement unknown: the file does not hold the full graph."
    found = scores(view.graph, count_bias=view.edits.count_bias)
    if np.isnan(found.replacement) or np.isnan(found.completeness_paper):
        return "Replacement unknown: no influence reaches the tokens."
    return f"Replacement {found.replacement:.2f}, completeness {found.completeness_paper:.2f} (targets only)."


def _made_by(provenance: Mapping[str, Any]) -> str:
    parts = []
    for name, digest in (("model", "model_sha256"), ("transcoders", "transcoder_sha256")):
        if _text(provenance, digest):
            parts.append(f"{name} {_text(provenance, digest)[:6]}")
    parts += [_text(provenance, name) for name in ("dtype", "device") if _text(provenance, name)]
    if _text(provenance, "file"):
        parts.append(_text(provenance, "file"))
    return " · ".join([*parts, f"Circuit Explorer {__version__}"])


def _text(table: object, name: str) -> str:
    value = table.get(name) if isinstance(table, Mapping) else None
    return value if isinstance(value, str) else ""


def _small(value: float) -> str:
    """4e-7 for 4.2e-07."""
    if value == 0:
        return "0"
    digits, exponent = f"{value:.0e}".split("e")
    return f"{digits}e{int(exponent)}"

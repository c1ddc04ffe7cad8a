"""The checks that hold for every graph, by name, so that tests can ask which of them a fault breaks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from explorer.circuits.graph import Graph, NodeKind
from explorer.circuits.influence import node_influence
from explorer.circuits.replacement import LocalReplacementModel
from explorer.circuits.scores import worst_residual
from explorer.circuits.targets import LogitTarget
from explorer.models.loader import LanguageModel
from explorer.models.trace import Trace
from explorer.transcoders.transcoder import ReadPoint

Fault = Callable[["Run"], float]


@dataclass(frozen=True)
class Run:
    """One prompt's graph with all that it was made from."""

    model: LanguageModel
    trace: Trace
    local: LocalReplacementModel
    targets: tuple[LogitTarget, ...]
    graph: Graph


def limit(run: Run, single: float = 1e-5, double: float = 1e-12) -> float:
    return single if run.local.error.dtype is torch.float32 else double


def replayed_logits(run: Run) -> float:
    """I1: distance of the frozen model's logits from the captured ones (before a softcap), relative."""
    _, last = run.local.replay()
    head = run.model.head
    logits = run.local.frozen.final_norm(last) @ head.W_U.to(last).T
    captured = run.trace.head_out.to(last)
    return float((logits - captured).abs().max() / captured.abs().max())


def certificate(run: Run) -> float:
    """I2 and I3 against the frozen model's own forward pass."""
    return worst_residual(run.graph)


def captured_rows(run: Run) -> float:
    """I2 and I3 against what was captured: encoder pre-activations, and logits less their mean."""
    graph = run.graph
    sums = graph.rows.weight.astype(np.float64)
    total = np.bincount(graph.edge_target, sums, minlength=len(graph)) + graph.constant
    mass = np.bincount(graph.edge_target, np.abs(sums), minlength=len(graph))
    logits = run.trace.head_out.double()
    known = [float(logits[t.pos, t.token_id] - logits[t.pos].mean()) for t in run.targets]
    captured = np.concatenate([run.local.features.pre.double().numpy(), known])
    at = np.r_[: len(run.local.features), len(graph) - len(known) : len(graph)]
    return float((np.abs(total[at] - captured) / mass[at]).max())


def doubled_sources(run: Run, step: int = 7) -> float:
    """I4: doubling a source in the frozen model moves every target by its edge; every ``step``-th source is tried."""
    graph, base = run.graph, preactivations(run)
    adjacency = graph.adjacency().astype(np.float64)
    rows = np.r_[: len(run.local.features), graph.block(NodeKind.LOGIT).start : len(graph)]
    mass = np.abs(adjacency[rows]).sum(1)
    worst = 0.0
    for node in range(0, graph.block(NodeKind.BIAS).start, step):
        moved = preactivations(run, **doubled(run, node)) - base
        worst = max(worst, float((np.abs(moved - adjacency[rows, node]) / mass).max()))
    return worst


def doubled(run: Run, node: int) -> dict[str, Tensor]:
    """What ``replay`` is to add for the source ``node`` to count twice."""
    local, (kind, layer, pos, feature) = run.local, run.graph.key(node)
    if kind == NodeKind.EMBEDDING:
        added = torch.zeros_like(local.frozen.embedding)
        added[pos] = local.frozen.embedding[pos]
        return {"embedding_added": added}
    added = torch.zeros_like(local.error)
    if kind == NodeKind.ERROR:
        added[layer, pos] = local.error[layer, pos]
    else:
        transcoder = local.transcoders.layers[layer]
        written = float(local.features.activation[node]) * transcoder.W_dec[feature].to(added)
        added[layer : layer + transcoder.n_targets, pos] = written
    return {"mlp_added": added}


def preactivations(run: Run, **added: Tensor) -> np.ndarray:
    """Features' pre-activations and logits of the replayed model, less constants, by the definitions alone."""
    local, active = run.local, run.local.features
    mids, last = local.replay(**added)
    found = []
    for layer, mid in enumerate(mids):
        own = active.of_layer(layer)
        norm = local.frozen.layers[layer].mlp_norm
        read = mid
        if norm is not None and local.transcoders.read is not ReadPoint.RESID_MID:
            read = norm(mid) if local.transcoders.read is ReadPoint.MLP_IN else norm.normalized(mid)
        W_enc = local.transcoders.layers[layer].W_enc.to(mid)
        found.append((read[active.pos[own]] * W_enc[active.feature[own]]).sum(-1))
    final = local.frozen.final_norm(last)
    found.append(torch.stack([final[target.pos] @ target.direction.to(final) for target in run.targets]))
    return torch.cat(found).double().numpy()


def against_time(run: Run) -> float:
    """I9: how many edges run from a later token, from the same or a higher layer, or into a root."""
    nodes, target, source = run.graph.nodes, run.graph.edge_target, run.graph.rows.source
    wrong = nodes.layer[source] >= nodes.layer[target]
    wrong |= (nodes.pos[source] > nodes.pos[target]) & (nodes.kind[source] != NodeKind.BIAS)
    wrong |= ~np.isin(nodes.kind[target], [NodeKind.FEATURE, NodeKind.LOGIT])
    wrong |= nodes.kind[source] == NodeKind.LOGIT
    early = np.isin(nodes.kind, [NodeKind.FEATURE, NodeKind.ERROR]) & (nodes.pos < run.graph.zero_positions)
    return float(wrong.sum() + early[source].sum() + early[target].sum())


def unconserved_influence(run: Run) -> float:
    """I6: what the roots' influence lacks to the targets' weights, bias nodes counted."""
    influence = node_influence(run.graph, count_bias=True)
    roots = ~np.isin(run.graph.nodes.kind, [NodeKind.FEATURE, NodeKind.LOGIT])
    total = run.graph.target_weight.sum()
    return float(abs(influence[roots].sum() - total) / total)


CHECKS: dict[str, tuple[Fault, float, float]] = {
    "I1 replayed logits": (replayed_logits, 1e-5, 1e-12),
    "I2 certificate": (certificate, 1e-5, 1e-12),
    "I2 captured rows": (captured_rows, 1e-5, 1e-12),
    "I4 doubled sources": (doubled_sources, 1e-5, 1e-12),
    "I6 conserved influence": (unconserved_influence, 1e-9, 1e-12),
    "I9 order": (against_time, 0.0, 0.0),
}


def broken(run: Run) -> list[str]:
    """The names of the checks that ``run`` fails; NaN fails."""
    return [name for name, (fault, single, double) in CHECKS.items() if not fault(run) <= limit(run, single, double)]

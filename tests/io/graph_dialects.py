"""One small graph as each of the programs would write it that no public file is at hand of.

Each function follows the lines of its program that make the file (named there), not our reader. The graph has three
layers and four tokens; ``FEATURES`` and ``ERRORS`` are (layer, position, index) and (layer, position); ``LINKS`` go
from name to name, features as ("f", layer, position, index), errors ("e", layer, position), embeddings ("t",
position), outputs ("o", rank).
"""

from __future__ import annotations

from typing import Any

TOKENS = ["<bos>", "The", " cat", " sat"]
IDS = [2, 651, 5577, 8045]
FEATURES = [(0, 1, 12), (0, 3, 2), (1, 2, 700), (1, 3, 12237), (2, 3, 4)]
ERRORS = [(0, 2), (1, 3), (2, 3)]
OUTPUTS = [(611, " on", 0.5), (575, " in", 0.25)]
LINKS = [
    (("t", 1), ("f", 0, 1, 12), 1.5),
    (("t", 3), ("f", 0, 3, 2), -2.25),
    (("f", 0, 1, 12), ("f", 1, 2, 700), 0.75),
    (("e", 0, 2), ("f", 1, 2, 700), -0.5),
    (("f", 0, 3, 2), ("f", 1, 3, 12237), 3.0),
    (("f", 1, 2, 700), ("f", 2, 3, 4), 0.125),
    (("e", 1, 3), ("f", 2, 3, 4), 0.0625),
    (("f", 2, 3, 4), ("o", 0), 4.0),
    (("e", 2, 3), ("o", 0), 0.5),
    (("f", 1, 3, 12237), ("o", 1), -1.0),
    (("t", 0), ("o", 1), 0.25),
]
Name = tuple[Any, ...]


def cantor(layer: int, index: int) -> int:
    return (layer + index) * (layer + index + 1) // 2 + index


def _names() -> list[Name]:
    names: list[Name] = [("f", *place) for place in FEATURES]
    names += [("e", *place) for place in ERRORS]
    names += [("t", pos) for pos in range(len(TOKENS))]
    return names + [("o", rank) for rank in range(len(OUTPUTS))]


def _links(ids: dict[Name, str], digits: int = 9) -> list[dict[str, Any]]:
    return [
        {"source": ids[source], "target": ids[target], "weight": round(weight, digits)}
        for source, target, weight in LINKS
    ]


def schema_0() -> dict[str, Any]:
    """circuit-tracer before its schema 1, Gemma: ``feature`` is the layer and five digits of the index."""
    nodes, ids = [], {}
    for name in _names():
        node = _circuit_tracer_node(name)
        if name[0] == "f":
            node["feature"] = int(f"{name[1]}{name[3]:05d}")
        ids[name] = node["node_id"]
        nodes.append(node)
    metadata = {"slug": "cat", "scan": "gemma-2-2b", "prompt_tokens": TOKENS, "prompt": "".join(TOKENS)}
    return {"metadata": {**metadata, "node_threshold": 0.8}, "qParams": {}, "nodes": nodes, "links": _links(ids)}


def _circuit_tracer_node(name: Name) -> dict[str, Any]:
    """circuit_tracer/frontend/graph_models.py"""
    base = {"token_prob": 0.0, "is_target_logit": False, "run_idx": 0, "reverse_ctx_idx": 0, "clerp": ""}
    base |= {"influence": 0.5, "activation": None}
    match name:
        case ("f", layer, pos, index):
            own = {"node_id": f"{layer}_{index}_{pos}", "feature": cantor(layer, index), "layer": str(layer)}
            own |= {"ctx_idx": pos, "feature_type": "cross layer transcoder", "jsNodeId": f"{layer}_{index}-0"}
            return base | own | {"activation": 2.5}
        case ("e", layer, pos):
            own = {"node_id": f"0_{layer}_{pos}", "feature": -1, "layer": str(layer), "ctx_idx": pos}
            return base | own | {"feature_type": "mlp reconstruction error", "jsNodeId": f"{layer}_{pos}-0"}
        case ("t", pos):
            own = {"node_id": f"E_{IDS[pos]}_{pos}", "feature": pos, "layer": "E", "ctx_idx": pos}
            return base | own | {"feature_type": "embedding", "jsNodeId": f"E_{IDS[pos]}-0"}
        case ("o", rank):
            token, text, chance = OUTPUTS[rank]
            own = {"node_id": f"4_{token}_3", "feature": token, "layer": "4", "ctx_idx": 3, "feature_type": "logit"}
            own |= {"jsNodeId": f"L_{token}-0", "token_prob": chance, "is_target_logit": rank == 0}
            return base | own | {"clerp": f'Output "{text}" (p={chance:.3f})', "influence": None}
    raise AssertionError(name)


def anthropic() -> dict[str, Any]:
    """What attribution_graph/util-cg.js and init-cg.js of Anthropic's viewer read; features are numbered throughout.

    Pins and supernodes name nodes by ``jsNodeId``, links by ``node_id``.
    """
    nodes, ids, js_ids = [], {}, {}
    for number, name in enumerate(_names()):
        ids[name], js_ids[name] = f"node-{number}", f"{number}_{10_000_000 + number}_-{number}"
        pos = {"t": name[1], "o": 3}.get(name[0], name[2 if len(name) > 2 else 1])
        node = {"node_id": ids[name], "jsNodeId": js_ids[name], "ctx_idx": pos, "reverse_ctx_idx": 3 - pos}
        kinds = {"f": "cross layer transcoder", "e": "mlp reconstruction error", "t": "embedding", "o": "logit"}
        node |= {"feature_type": kinds[name[0]], "clerp": "", "probe_location_idx": 0, "target_influence": 0.25}
        node["layer"] = {"t": "E", "o": "E1"}.get(name[0], str(name[1]))
        node["feature"] = 10_000_000 + number
        if name[0] == "f":
            node |= {"vis_link": f"features/{number}.json", "top_logit_effects": {" on": 0.5}}
        if name[0] == "o":
            _, text, chance = OUTPUTS[name[1]]
            node |= {"isLogit": True, "token_prob": chance, "clerp": f'output: "{text}" (p={chance:.3f})'}
        nodes.append(node)
    metadata = {"slug": "cat", "scan": "jackl-circuits-runs-1-4", "prompt_tokens": TOKENS, "prompt": "".join(TOKENS)}
    pinned = [js_ids["f", 1, 2, 700], js_ids["o", 0]]
    q_params = {"linkType": "either", "pinnedIds": pinned, "clickedId": js_ids["o", 0], "sg_pos": "10 20 30 40"}
    q_params |= {"supernodes": [["animals", js_ids["f", 0, 1, 12], js_ids["f", 1, 2, 700]]], "gridsnap": "subgraph0008"}
    return {
        "metadata": {**metadata, "title_prefix": "Cats"},
        "qParams": q_params,
        "nodes": nodes,
        "links": _links(ids),
    }


def eleuther() -> dict[str, Any]:
    """EleutherAI/attribute: save_graph of attribute/mlp_attribution.py and attribute/nodes.py."""
    nodes, ids = [], {}
    for name in _names():
        own: dict[str, Any]
        match name:
            case ("f", layer, pos, index):
                ids[name] = f"intermediate_{pos}_{layer}_{index}"
                own = {"layer": str(layer), "ctx_idx": pos, "feature": cantor(layer, index), "clerp": ""}
                own["feature_type"] = "cross layer transcoder"
            case ("e", layer, pos):
                ids[name] = f"error_{pos}_{layer}"
                own = {"layer": str(layer), "ctx_idx": pos, "feature": None, "clerp": ""}
                own["feature_type"] = "mlp reconstruction error"
            case ("t", pos):
                ids[name] = f"input_{pos}"
                own = {"layer": "E", "ctx_idx": pos, "feature": None, "clerp": "", "feature_type": "embedding"}
            case (_, rank):
                ids[name] = f"output_3_{rank}"
                _, text, chance = OUTPUTS[rank]
                own = {"layer": "-1", "ctx_idx": 3, "feature": None, "feature_type": "logit", "token_prob": chance}
                own["clerp"] = f'output: "{text}" (p={chance:.3f})'
        base = {"node_id": ids[name], "jsNodeId": ids[name] + "-0", "run_idx": 0, "reverse_ctx_idx": 0}
        nodes.append({**base, "token_prob": 0.0, "is_target_logit": False, "influence": 0.75, **own})
    metadata = {"slug": "cat", "scan": "gelu-4l", "prompt_tokens": TOKENS, "prompt": "".join(TOKENS)}
    metadata |= {"title_prefix": "", "n_layers": 3, "node_sep_threshold": 0.01, "node_threshold": 0.8}
    return {"metadata": metadata, "nodes": nodes, "links": _links(ids, 4), "qParams": {"linkType": "both"}}


ATTENTION = ("a", 1, 3, 9)  # a feature of attention: layer, position, index


def llamascopium_in_neuronpedia() -> dict[str, Any]:
    """Neuronpedia's converter for OpenMOSS graphs (convert_to_neuronpedia_graph), with a feature of attention."""
    nodes, ids = [], {}
    for name in [ATTENTION, ("b", 1, 2, "attn_bO"), ("b", 1, 3, "attn_bO"), ("u", 0, 1), *_names()]:
        own: dict[str, Any]
        match name:
            case ("f" | "a" as kind, layer, pos, index):
                said = "lorsa" if kind == "a" else "cross layer transcoder"
                ids[name] = f"{layer}_{said[:3]}_{index}_{pos}"
                own = {"feature": cantor(layer, index), "feature_type": said, "layer": layer, "ctx_idx": pos}
                own |= {"clerp": f"F{cantor(layer, index)}", "activation": 2.5}
            case ("e", layer, pos):
                ids[name] = f"{layer}_error_mlp_{pos}"
                own = {"feature": None, "feature_type": "mlp reconstruction error", "layer": layer, "ctx_idx": pos}
                own["clerp"] = f'Err: mlp "{TOKENS[pos]}"'
            case ("t", pos):
                ids[name] = f"E_{IDS[pos]}_{pos}"
                own = {"feature": None, "feature_type": "embedding", "layer": "E", "ctx_idx": pos}
                own |= {"clerp": f'Emb: "{TOKENS[pos]}"', "token": TOKENS[pos]}
            case ("b", layer, pos, kind):
                ids[name] = f"{layer}_bias_{kind}_{pos}"
                own = {"feature": None, "feature_type": "bias", "layer": layer, "ctx_idx": pos}
                own["clerp"] = f"L{layer} Bias ({kind})"
            case ("u", layer, pos):
                ids[name] = f"{layer}_unknown_blocks_0_hook_z_{pos}"
                own = {"feature": None, "feature_type": "unknown", "layer": layer, "ctx_idx": pos, "clerp": "hook_z"}
            case (_, rank):
                token, text, chance = OUTPUTS[rank]
                ids[name] = f"3_{token}_3"
                own = {"feature": token, "feature_type": "logit", "layer": 3, "ctx_idx": 3, "token_prob": chance}
                own |= {"clerp": f'Logit "{text}" (p={chance:.3f})', "token": text}
        nodes.append({"node_id": ids[name], "jsNodeId": ids[name], "activation": None, **own, "influence": 0.5})
    nodes[0]["qk_tracing_results"] = {"pair_wise_contributors": [[ids["t", 1], "gone", 0.5]]}
    links = [
        *_links(ids),
        {"source": ids["f", 0, 3, 2], "target": ids[ATTENTION], "weight": 0.5},
        {"source": ids[ATTENTION], "target": ids["f", 1, 3, 12237], "weight": 0.25},
        {"source": ids["b", 1, 2, "attn_bO"], "target": ids["f", 2, 3, 4], "weight": 0.375},
        {"source": ids["b", 1, 3, "attn_bO"], "target": ids["f", 2, 3, 4], "weight": 1.0},
        {"source": ids["u", 0, 1], "target": ids["f", 2, 3, 4], "weight": -2.0},
    ]
    metadata = {"slug": "cat", "scan": "qwen3-1.7b", "prompt": "".join(TOKENS), "prompt_tokens": TOKENS}
    generator = {"name": "llamascopium (CRM) by OpenMOSS", "version": "1.0"}
    metadata |= {"schema_version": 1, "node_threshold": 0.8, "info": {"generator": generator}}
    return {
        "metadata": metadata,
        "qParams": {},
        "nodes": nodes,
        "links": links,
        "qk_only_nodes": {"gone": {"node_id": "gone", "layer": 0}},
    }


def llamascopium(*, camel: bool = False) -> dict[str, Any]:
    """OpenMOSS' own server (load_circuit_graph): layers are rows; with ``camel`` as its web page holds it."""
    nodes, ids = [], {}
    for name in [ATTENTION, *_names()]:
        own: dict[str, Any]
        match name:
            case ("f" | "a" as kind, layer, pos, index):
                row = 2 * layer + (kind == "f")
                ids[name] = f"{row}_{index}_{pos}"
                own = {"feature_type": "lorsa" if kind == "a" else "cross layer transcoder", "layer": row}
                own |= {"ctx_idx": pos, "feature": {"feature_index": index, "dictionary_name": "x"}, "sae_name": "x"}
                own["activation"] = 2.5
            case ("e", layer, pos):
                row = 2 * layer + 1
                ids[name] = f"{row}_error_{pos}"
                own = {"feature_type": "mlp reconstruction error", "layer": row, "ctx_idx": pos}
            case ("t", pos):
                ids[name] = f"E_{IDS[pos]}_{pos}"
                own = {"feature_type": "embedding", "layer": -1, "ctx_idx": pos, "token": TOKENS[pos]}
            case (_, rank):
                token, text, chance = OUTPUTS[rank]
                ids[name] = f"6_{token}_3"
                own = {"feature_type": "logit", "layer": 6, "ctx_idx": 3, "token_prob": chance, "token": text}
        nodes.append({"node_id": ids[name], "is_target_logit": name == ("o", 0), "is_from_qk_tracing": False, **own})
    links = [
        *_links(ids),
        {"source": ids["f", 0, 3, 2], "target": ids[ATTENTION], "weight": 0.5},
        {"source": ids[ATTENTION], "target": ids["f", 1, 3, 12237], "weight": 0.25},
    ]
    metadata = {"prompt_tokens": TOKENS, "prompt": "".join(TOKENS), "schema_version": 1}
    if camel:
        nodes = [{_camel(key): value for key, value in node.items()} for node in nodes]
        return {"metadata": {"promptTokens": TOKENS}, "nodes": nodes, "edges": links}
    return {"metadata": metadata, "nodes": nodes, "links": links}


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.title() for part in rest)

"""The nodes of a graph JSON file as columns that grow, in every dialect; keys when all of them are read.

Dialects by what their ids say of a feature (i its index, p its position, L its layer):

    circuit-tracer, Neuronpedia    L_i_p                 feature = Cantor pair, or in old files L and i in digits
    Anthropic                      any text              feature = a number of its own
    EleutherAI attribute           intermediate_p_L_i    feature = Cantor pair
    Llamascopium in Neuronpedia    L_cro_i_p, L_lor_i_p  feature = Cantor pair
    Llamascopium itself            r_i_p                 feature = i, or a record; r = 2L for attention, else 2L + 1

Where attention has features, too, layers are such rows r here, so that each reads from those below it.
"""

from __future__ import annotations

import math
import re
from array import array
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from explorer.circuits.graph import BiasClass, NodeKind
from explorer.circuits.graph_arrays import plain
from explorer.errors import LoadError
from explorer.session.edits import STATUSES, Label

KINDS = {
    "cross layer transcoder": NodeKind.FEATURE,
    "unexplored node": NodeKind.FEATURE,
    "lorsa": NodeKind.FEATURE,
    "matryoshka sae": NodeKind.FEATURE,
    "mlp reconstruction error": NodeKind.ERROR,
    "lorsa error": NodeKind.ERROR,
    "residual reconstruction error": NodeKind.ERROR,
    "embedding": NodeKind.EMBEDDING,
    "bias": NodeKind.BIAS,
    "logit": NodeKind.LOGIT,
}
PLAIN_TYPES = ("cross layer transcoder", "mlp reconstruction error", "embedding", "logit", "bias")
LEFT_OUT = -1  # the kind of nodes that have no place in a graph here
MAX_LAYER = 10_000
MAX_FEATURE = 2**53

# What the export writes by itself, or would write the same.
_PLACE = ("node_id", "jsNodeId", "feature_type", "ctx_idx", "layer")
_READ = frozenset((*_PLACE, "activation", "token_prob", "token", "isLogit", "label_status"))
_USUAL = {"run_idx": 0, "reverse_ctx_idx": 0, "is_target_logit": False, "clerp": ""}
_SNAKE = {
    "nodeId": "node_id",
    "featureType": "feature_type",
    "ctxIdx": "ctx_idx",
    "tokenProb": "token_prob",
    "isTargetLogit": "is_target_logit",
    "saeName": "sae_name",
}
_ID = re.compile(r"(\d{1,9})_(\d{1,15})_(\d{1,9})")
_CRM_ID = re.compile(r"(\d{1,9})_(?:cro|lor)_(\d{1,15})_(\d{1,9})")
_ELEUTHER_ID = re.compile(r"intermediate_\d{1,9}_(\d{1,9})_(\d{1,15})")
_TOKEN_ID = re.compile(r"[0-9A-Z]{1,9}_(\d{1,15})_(\d{1,9})")
_LOGIT = re.compile(r"""(?:Output|Logit|output:) ["'](?P<token>.*)["'] \(p=(?P<p>[0-9.]+)\)""", re.DOTALL)
_P = re.compile(r" \(p=([0-9.]+)\)$")
_EMBEDDING = re.compile(r"""Emb: ["'].*["']""", re.DOTALL)  # these two are written by programs, of themselves
_ERROR = re.compile(r"""Err: \w+ ["'].*["']""", re.DOTALL)
_BIASES = (
    (BiasClass.ATTENTION, re.compile(r"attn_b_?O|attn\.hook_b_O|lorsa_bD|attn.*hook_b_D")),
    (BiasClass.B_DEC, re.compile(r"mlp_b_?out|mlp\.hook_b_out|tc_bD|hook_b_D")),
)


@dataclass(frozen=True, eq=False)
class Said:
    """Fields that have no place in a graph: name -> (the rows that have it, its values there)."""

    columns: dict[str, tuple[list[int], list[Any]]] = field(default_factory=dict)

    def put(self, row: int, name: str, value: Any) -> None:
        at, values = self.columns.setdefault(name, ([], []))
        at.append(row)
        values.append(plain(value))


@dataclass(eq=False)
class FileNodes:
    """The nodes read so far. ``names`` gives each id of the file a number, whether a node or a link brings it first.

    ``index`` is a feature's number in its layer, a token's vocabulary id, a bias's class, or -1 if the id does not
    say; ``feature`` what stands in that field (-1: nothing); ``layer`` is as the file has it, 0 where it has none.
    """

    n_pos: int
    names: dict[str, int]
    number: array[int] = field(default_factory=lambda: array("q"))
    kind: array[int] = field(default_factory=lambda: array("b"))
    layer: array[int] = field(default_factory=lambda: array("q"))
    pos: array[int] = field(default_factory=lambda: array("q"))
    index: array[int] = field(default_factory=lambda: array("q"))
    feature: array[int] = field(default_factory=lambda: array("q"))
    attention: array[int] = field(default_factory=lambda: array("b"))
    activation: array[float] = field(default_factory=lambda: array("d"))
    probability: array[float] = field(default_factory=lambda: array("d"))
    js_ids: list[str] = field(default_factory=list)
    tokens: dict[int, str] = field(default_factory=dict)
    labels: dict[int, Label] = field(default_factory=dict)
    said: Said = field(default_factory=Said)
    left_out: dict[str, int] = field(default_factory=dict)
    not_finite: list[str] = field(default_factory=list)
    logit_layer: Any = None
    in_rows: bool = False
    id_forms: set[str] = field(default_factory=set)

    def __len__(self) -> int:
        return len(self.kind)

    def add(self, raw: Any) -> None:
        """One more node; LoadError names it and what is wrong with it, without the file."""
        if isinstance(raw, Mapping) and "nodeId" in raw:
            raw = {_SNAKE.get(name, name): value for name, value in raw.items()}
        node_id = raw.get("node_id", raw.get("jsNodeId")) if isinstance(raw, Mapping) else None
        if not isinstance(node_id, str):
            raise LoadError(f"node number {len(self)} has no node_id")
        said = raw.get("feature_type")
        if not isinstance(said, str):
            raise LoadError(f"node {node_id} is of the type {said!r}, which is none")
        kind: int = KINDS.get(said, LEFT_OUT)
        if kind == NodeKind.BIAS and bias_class(node_id) < 0:
            kind = LEFT_OUT
        if kind == LEFT_OUT:
            self.left_out[said] = self.left_out.get(said, 0) + 1
        self._add_place(raw, node_id, kind, said)
        self._add_words(raw, node_id, kind)
        for name, value in raw.items():
            if name not in _READ and not (name in _USUAL and value == _USUAL[name]):
                self._keep(node_id, name, value)
        if kind >= 0 and said not in PLAIN_TYPES:
            self.said.put(len(self) - 1, "feature_type", said)

    def _add_place(self, raw: Mapping[str, Any], node_id: str, kind: int, said: str) -> None:
        """Where the node is: one more entry in each column."""
        pos = whole(raw.get("ctx_idx"))
        if pos is None or not 0 <= pos < self.n_pos:
            raise LoadError(f"node {node_id} is at position {raw.get('ctx_idx')!r} of {self.n_pos} tokens")
        layer = _layer(raw, node_id) if kind in (NodeKind.FEATURE, NodeKind.ERROR) else 0
        number = _feature_number(raw, node_id)
        self.number.append(self.names.setdefault(node_id, len(self.names)))
        self.kind.append(kind)
        self.layer.append(layer)
        self.pos.append(pos)
        self.index.append(self._index(kind, node_id, layer, pos))
        self.feature.append(number)
        self.attention.append(said.startswith("lorsa"))
        self.activation.append(_number(raw, node_id, "activation") if kind == NodeKind.FEATURE else math.nan)
        self.js_ids.append(str(raw.get("jsNodeId", "")))
        if kind == NodeKind.LOGIT and self.logit_layer is None:
            self.logit_layer = raw.get("layer")
        self.in_rows |= raw.get("sae_name") is not None or (kind == NodeKind.EMBEDDING and raw.get("layer") == -1)

    def _index(self, kind: int, node_id: str, layer: int, pos: int) -> int:
        """What the id says of the node's number, and which form it has."""
        if kind == NodeKind.BIAS:
            return bias_class(node_id)
        if kind in (NodeKind.EMBEDDING, NodeKind.LOGIT):
            match = _TOKEN_ID.fullmatch(node_id)
            return int(match[1]) if match else -1
        if kind != NodeKind.FEATURE:
            return -1
        if match := _ELEUTHER_ID.fullmatch(node_id):
            self.id_forms.add("eleuther")
            return int(match[2])
        for form, pattern in (("crm", _CRM_ID), ("plain", _ID)):
            if match := pattern.fullmatch(node_id):
                self.id_forms.add(form)
                if (int(match[1]), int(match[3])) != (layer, pos):
                    raise LoadError(
                        f"node {node_id} says layer {match[1]} and position {match[3]} in its name "
                        f"and {layer} and {pos} in its fields"
                    )
                return int(match[2])
        return -1

    def _add_words(self, raw: Mapping[str, Any], node_id: str, kind: int) -> None:
        """What people and programs say of it."""
        row = len(self) - 1
        clerp = raw.get("clerp") if isinstance(raw.get("clerp"), str) else ""
        label, token, p = _reading(kind, str(clerp), self.feature[row])
        probability = _number(raw, node_id, "token_prob", math.nan if p is None else p)
        self.probability.append(probability if kind == NodeKind.LOGIT else math.nan)
        token = raw["token"] if isinstance(raw.get("token"), str) else token
        if token and kind == NodeKind.LOGIT:
            self.tokens[row] = token
        if label and kind >= 0:
            status = raw.get("label_status")
            self.labels[row] = Label(label, status if status in STATUSES else "auto")

    def _keep(self, node_id: str, name: str, value: Any) -> None:
        """Keep a field that has no place; what stands in the label, the index or the token is kept there."""
        row = len(self) - 1
        if name == "feature" and isinstance(value, Mapping):
            self.said.put(row, "feature_record", value)
        elif name == "clerp" and not (row in self.labels or self.kind[row] == NodeKind.LOGIT):
            self.said.put(row, name, value)
        elif name not in ("feature", "clerp"):
            if isinstance(value, float) and not math.isfinite(value):
                self.not_finite.append(f"the {name} of node {node_id}")
            self.said.put(row, name, value)


def bias_class(node_id: str) -> int:
    """The class of bias that an id of ours or of Llamascopium names; -1 if it is none of those here."""
    own = node_id.removeprefix("bias_").upper()
    if own in BiasClass.__members__:
        return int(BiasClass[own])
    return next((int(kind) for kind, pattern in _BIASES if pattern.search(node_id)), -1)


def whole(value: Any) -> int | None:
    """``value`` as a whole number, if it is one (a text of digits counts)."""
    if isinstance(value, str) and re.fullmatch(r"-?\d{1,15}", value):
        return int(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if type(value) is int else None


def _layer(raw: Mapping[str, Any], node_id: str) -> int:
    if raw.get("layer") is None:
        raise LoadError(f"node {node_id} is missing its layer")
    layer = whole(raw["layer"])
    if layer is None or not 0 <= layer <= MAX_LAYER:
        raise LoadError(f"node {node_id} has the layer {raw['layer']!r}")
    return layer


def _feature_number(raw: Mapping[str, Any], node_id: str) -> int:
    """What the file says in ``feature``, or in the record that stands there; -1 if nothing."""
    said = raw.get("feature")
    if isinstance(said, Mapping):
        said = said.get("featureIndex", said.get("feature_index"))
    number = whole(said)
    if number is not None and number > MAX_FEATURE:
        raise LoadError(f"node {node_id} has the feature number {number}")
    return -1 if number is None or number < 0 else number


def _number(raw: Mapping[str, Any], node_id: str, name: str, default: float = math.nan) -> float:
    value = raw.get(name)
    if value is None:
        return default
    if not isinstance(value, int | float) or isinstance(value, bool) or not abs(value) < 1e38:
        raise LoadError(f"node {node_id} has the {name} {value!r}, not a finite number")
    return float(value)


def _reading(kind: int, clerp: str, number: int) -> tuple[str, str, float | None]:
    """Label, token text and probability that ``clerp`` tells; viewers write the latter two into it."""
    if kind != NodeKind.LOGIT:
        given = {NodeKind.EMBEDDING: _EMBEDDING, NodeKind.ERROR: _ERROR}.get(NodeKind(max(kind, 0)))
        own = clerp == f"F{number}" or kind == NodeKind.BIAS or (given is not None and given.fullmatch(clerp))
        return "" if own else clerp.strip(), "", None
    found = _P.search(clerp)
    p = _chance(found[1]) if found else None
    if match := _LOGIT.fullmatch(clerp):
        return "", match["token"], p
    return _P.sub("", clerp).strip(), "", p


def _chance(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None

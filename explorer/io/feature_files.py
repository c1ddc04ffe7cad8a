"""Feature files of other tools: labels read from them, our evidence written as they have it.

circuit-tracer   {index, layer?, clerp?, examples_quantiles, top_logits, ...}, one file for each feature, whose index
                 may be Cantor's pairing of layer and feature
Neuronpedia      {layer: "3-name", index: "12", explanations: [{description}], activations, pos_str, ...}
SAEDashboard     {model_id, layer, sae_set, features: [{feature_index or index, activations, ...}]}, a batch of features
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from explorer.errors import LoadError
from explorer.features.evidence import Evidence, Example
from explorer.features.keys import edges
from explorer.io import atomic, json_stream
from explorer.io.feature_index import FeatureIndex
from explorer.io.feature_labels import Labels, labelled
from explorer.io.magic import unreadable

MAX_FILE = 500_000_000
_REMEDY = "give feature files of circuit-tracer, Neuronpedia or SAEDashboard"
BATCH = 1000  # features of a SAEDashboard file


def read_labels(files: Sequence[Path], layer: int, sizes: Sequence[int]) -> dict[str, str]:
    """Labels by layer:feature in ``files``; ``layer`` (-1: not given) is for files that do not say it.

    LoadError where a file is no feature file, names a feature that is not there, or no layer.
    """
    made: dict[str, str] = {}
    for path in files:
        for record in _records(path):
            where, feature = _place(record, layer, path)
            if not (0 <= where < len(sizes) and 0 <= feature < sizes[where]):
                raise LoadError(f"“{path}” is about feature {where}:{feature}, which the index does not have.")
            text = _label(record)
            if text:
                made[f"{where}:{feature}"] = text
    if not made:
        raise LoadError("The files hold no label; give feature files with clerp, label or explanations.")
    return made


def write_features(
    index: FeatureIndex, folder: Path, form: str, wanted: Sequence[tuple[int, int]] | None = None
) -> int:
    """Write the ``wanted`` features (None: all that are ever active) into a new ``folder``; how many files."""
    labels = Labels(index)
    places = wanted if wanted is not None else list(_active(index))
    found = (labelled(labels, index.evidence(*place)) for place in places)
    n_files = 0
    with atomic.new_folder(folder) as new:
        for name, value in _saedashboard(found, index) if form == "saedashboard" else _single(found, index, form):
            (new / name).write_bytes(json.dumps(value, ensure_ascii=False, allow_nan=False).encode())
            n_files += 1
    return n_files


def _active(index: FeatureIndex) -> Iterator[tuple[int, int]]:
    for layer in range(len(index.sizes)):
        for feature, row in enumerate(index.layer(layer).all("row").tolist()):
            if row >= 0:
                yield layer, feature


def _single(found: Iterator[Evidence], index: FeatureIndex, form: str) -> Iterator[tuple[str, dict[str, Any]]]:
    name = str(index.head["transcoders"].get("name", ""))
    for one in found:
        if form == "neuronpedia":
            yield f"{one.layer}-{one.feature}.json", _neuronpedia(one, name)
        else:
            number = cantor(one.layer, one.feature)
            yield f"{number}.json", _circuit_tracer(one, number, name)


def _circuit_tracer(one: Evidence, number: int, name: str) -> dict[str, Any]:
    sections = [("Top activations", one.top), *((f"Band {band.name}", band.examples) for band in one.bands)]
    return {
        "transcoder_id": f"{name}-{one.layer}",
        "index": number,
        "layer": one.layer,
        "feature": one.feature,
        "clerp": _text(one),
        "act_min": one.minimum,
        "act_max": one.maximum,
        "activation_frequency": one.frequency,
        "histogram": list(one.histogram),
        "quantile_values": [0.0, *map(float, edges())],
        "top_logits": [word.text for word in one.top_logits],
        "bottom_logits": [word.text for word in one.bottom_logits],
        "examples_quantiles": [
            {
                "quantile_name": title,
                "examples": [
                    {
                        "tokens": list(example.tokens),
                        "tokens_acts_list": list(example.activations),
                        "train_token_ind": example.peak,
                        "is_repeated_datapoint": example.repeated,
                    }
                    for example in examples
                ],
            }
            for title, examples in sections
        ],
    }


def _neuronpedia(one: Evidence, name: str) -> dict[str, Any]:
    return {
        "layer": f"{one.layer}-{name}",
        "index": str(one.feature),
        "maxActApprox": one.maximum,
        "frac_nonzero": one.frequency,
        "freq_hist_data_bar_heights": list(one.histogram),
        "freq_hist_data_bar_values": [0.0, *map(float, edges())],
        "pos_str": [word.text for word in one.top_logits],
        "pos_values": [word.value for word in one.top_logits],
        "neg_str": [word.text for word in one.bottom_logits],
        "neg_values": [word.value for word in one.bottom_logits],
        "activations": [_activation(example) for example in (*one.top, *(e for b in one.bands for e in b.examples))],
        "explanations": [{"description": _text(one), "typeName": "rules"}] if _text(one) else [],
    }


def _activation(one: Example) -> dict[str, Any]:
    return {
        "tokens": list(one.tokens),
        "values": list(one.activations),
        "maxValue": one.activations[one.peak],
        "maxValueTokenIndex": one.peak,
        "minValue": min(one.activations),
    }


def _saedashboard(found: Iterator[Evidence], index: FeatureIndex) -> Iterator[tuple[str, dict[str, Any]]]:
    """Batches of features of one layer each."""
    held: list[Evidence] = []
    n_files = 0
    for one in found:
        if held and (len(held) == BATCH or held[0].layer != one.layer):
            yield f"batch-{n_files}.json", _batch(held, index.head)
            held, n_files = [], n_files + 1
        held.append(one)
    if held:
        yield f"batch-{n_files}.json", _batch(held, index.head)


def _batch(held: Sequence[Evidence], head: Mapping[str, Any]) -> dict[str, Any]:
    text = head["text"]
    run = {
        "n_prompts_total": text.get("windows", 0),
        "n_tokens_in_prompt": head["settings"].get("context", 0),
        "dataset": ", ".join(text.get("files", ())),
    }
    return {
        "model_id": str(head["model"].get("name", "")),
        "layer": held[0].layer,
        "sae_set": str(head["transcoders"].get("name", "")),
        "features": [{"feature_index": one.feature, "label": _text(one), **_dashboard(one), **run} for one in held],
    }


def _dashboard(one: Evidence) -> dict[str, Any]:
    """A feature of a batch: the strongest examples stand in a bin from -1 on, bands in that of their peaks."""
    left_out = ("layer", "index", "explanations", "activations", "maxActApprox")
    listed = {key: value for key, value in _neuronpedia(one, "").items() if key not in left_out}
    strongest = [_binned(example, -1.0, one.maximum, -1.0) for example in one.top]
    banded = []
    for band in one.bands:
        peaks = [example.activations[example.peak] for example in band.examples]
        low, high = min(peaks), max(peaks)
        share = (one.percentile(high) - one.percentile(low)) * one.frequency  # of all tokens
        banded += [_binned(example, low, high, share) for example in band.examples]
    return {**listed, "activations": [*strongest, *banded]}


def _binned(example: Example, low: float, high: float, share: float) -> dict[str, Any]:
    return {
        "bin_min": low,
        "bin_max": high,
        "bin_contains": share,
        "tokens": list(example.tokens),
        "values": list(example.activations),
        "qualifying_token_index": example.peak,
        "dfa_values": [],
        "dfa_maxValue": 0,
        "dfa_targetIndex": -1,
    }


def _text(one: Evidence) -> str:
    return str(one.label["text"]) if one.label else ""


def cantor(layer: int, feature: int) -> int:
    """Cantor's pairing of layer and feature, circuit-tracer's number of a feature."""
    return (layer + feature) * (layer + feature + 1) // 2 + feature


def _uncantor(number: int) -> tuple[int, int]:
    both = (math.isqrt(8 * number + 1) - 1) // 2
    feature = number - both * (both + 1) // 2
    return both - feature, feature


def _records(path: Path) -> Iterator[Mapping[str, Any]]:
    """The features in a file: one, a list, or the batch under ``features``."""
    try:
        if path.stat().st_size > MAX_FILE:
            raise LoadError(f"“{path}” is too large for a feature file; give its parts.")
        found = json_stream.loads(path.read_bytes())
    except OSError as error:
        raise LoadError(unreadable(path, error)) from error
    except json_stream.NotJson as error:
        raise LoadError(f"“{path}” is no JSON; {_REMEDY}.") from error
    outer = found if isinstance(found, dict) else {}
    listed = found if isinstance(found, list) else outer.get("features", [found])
    if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        raise LoadError(f"“{path}” is no feature file; {_REMEDY}.")
    for one in listed:
        yield {**({"layer": outer["layer"]} if "layer" in outer else {}), **one}


def _place(record: Mapping[str, Any], layer: int, path: Path) -> tuple[int, int]:
    """Layer and feature; an index alone is Cantor's number if no ``layer`` was given."""
    where, feature = _number(record.get("layer")), _number(record.get("feature"))
    index = _number(record.get("feature_index", record.get("index")))
    feature = feature if feature is not None else index
    if feature is None:
        raise LoadError(f"“{path}” does not say which feature it is about; give files with index.")
    if where is None and layer < 0 and "examples_quantiles" in record:
        return _uncantor(feature)
    if where is None and layer < 0:
        raise LoadError(f"“{path}” does not say the layer; give it with --layer.")
    return where if where is not None else layer, feature


def _number(value: Any) -> int | None:
    """A whole number, as it is or at the start of a text like “23-name”."""
    if type(value) is int and value >= 0:
        return value
    start = value.partition("-")[0] if isinstance(value, str) else ""
    return int(start) if start.isdecimal() and len(start) < 19 else None


def _label(record: Mapping[str, Any]) -> str:
    explanations = record.get("explanations")
    first = explanations[0] if isinstance(explanations, list) and explanations else None
    readers: tuple[Callable[[], Any], ...] = (
        lambda: record.get("clerp"),
        lambda: record.get("label"),
        lambda: first.get("description") if isinstance(first, dict) else None,
    )
    return next((text.strip() for text in (read() for read in readers) if isinstance(text, str) and text.strip()), "")

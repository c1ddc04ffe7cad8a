"""The commands on evidence for features: build, show, search, label, import and export."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from explorer.cli.places import model_folder, transcoder_folder
from explorer.cli.say import ProgressLine, result
from explorer.errors import ExplorerError, GraphError


def build(chosen: argparse.Namespace) -> int:
    """Make an index of evidence from text."""
    answer = _run(
        "features_build",
        **_opened(chosen),
        texts=[str(file) for file in chosen.text],
        output=str(chosen.output),
        context=chosen.context,
        limit=chosen.limit,
        lines=chosen.lines,
        n_top=chosen.top,
        n_random=chosen.random,
        shard=chosen.shard,
        scheduler=chosen.scheduler,
    )
    rate = answer["tokens_per_second"]
    lines = [
        f"{chosen.output}: {answer['n_tokens']:,} tokens in {answer['n_windows']:,} windows"
        + (f", {rate:,.0f} tokens/s" if rate else ""),
        f"{answer['active_features']:,} of {answer['features']:,} features are active, {answer['labels']:,} labelled",
        f"statistics took {answer['memory_bytes'] / 1e6:,.0f} MB of memory",
    ]
    result(answer, "\n".join([*lines, *answer["notes"]]), as_json=chosen.json)
    return 0


def label(chosen: argparse.Namespace) -> int:
    """Make the automatic labels of an index anew, ask a language model for some, or write one of the user's own."""
    from explorer.io.feature_index import open_index
    from explorer.io.feature_labels import OWN, Labels

    if chosen.set:
        place, equals, text = chosen.set.partition("=")
        layer, feature = _place(place)
        if not equals:
            raise GraphError("A label is written LAYER:FEATURE=TEXT; an empty TEXT takes it away.")
        index = open_index(chosen.index)
        index.row(layer, feature)
        Labels(index).keep(OWN, {f"{layer}:{feature}": text.strip()})
        return 0
    if not chosen.model:
        raise ExplorerError("Name the model with --model to label by rules, or write a label with --set.")
    if chosen.language_model:
        return _tell(chosen)
    if chosen.features:
        raise ExplorerError("Rules label all features; --features is for --language-model.")
    answer = _run("features_label", index=str(chosen.index), **_opened(chosen))
    result(answer, f"{answer['labels']:,} labels, {answer['scored']:,} of them scored", as_json=chosen.json)
    return 0


def _tell(chosen: argparse.Namespace) -> int:
    answer = _run(
        "features_tell",
        index=str(chosen.index),
        language_model=chosen.language_model,
        features=[list(_place(text)) for text in chosen.features] if chosen.features else None,
        **_opened(chosen),
    )
    words = f"{answer['asked']:,} asked of “{answer['language_model']}”; its label scored best at {answer['best']:,}"
    result(answer, words, as_json=chosen.json)
    return 0


def show(chosen: argparse.Namespace) -> int:
    """Print the evidence of one feature."""
    layer, feature = _place(chosen.feature)
    more: dict[str, Any] = _opened(chosen) if chosen.model else {}
    if chosen.prompt is not None and not chosen.model:
        raise ExplorerError("A text is tried on a model; name it with --model.")
    answer = _run("feature", index=str(chosen.index), layer=layer, feature=feature, text=chosen.prompt or "", **more)
    result(answer, _text(answer), as_json=chosen.json)
    return 0


def search(chosen: argparse.Namespace) -> int:
    """List the features whose label, peak token or promoted token fits."""
    from dataclasses import asdict

    from explorer.io.feature_index import open_index
    from explorer.io.feature_labels import Labels
    from explorer.io.feature_search import search as find

    hits = find(Labels(open_index(chosen.index)), chosen.query, chosen.limit)
    lines = [f"{hit.layer}:{hit.feature}\t{hit.where}\t{hit.label}" for hit in hits]
    result({"hits": [asdict(hit) for hit in hits]}, "\n".join(lines) or "Nothing fits.", as_json=chosen.json)
    return 0


def take_in(chosen: argparse.Namespace) -> int:
    """Take in the labels of another tool's feature files."""
    from explorer.io.feature_files import read_labels
    from explorer.io.feature_index import open_index
    from explorer.io.feature_labels import IMPORTED, Labels

    index = open_index(chosen.index)
    found = read_labels(chosen.files, chosen.layer, index.sizes)
    Labels(index).keep(IMPORTED, found)
    result({"labels": len(found)}, f"{len(found):,} labels taken in", as_json=chosen.json)
    return 0


def export(chosen: argparse.Namespace) -> int:
    """Write features as another tool's files."""
    from explorer.io.feature_files import write_features
    from explorer.io.feature_index import open_index

    wanted = [_place(text) for text in chosen.features] if chosen.features else None
    n_files = write_features(open_index(chosen.index), chosen.output, chosen.format, wanted)
    result({"files": n_files}, f"{n_files:,} files in {chosen.output}", as_json=chosen.json)
    return 0


def _run(job: str, **values: Any) -> dict[str, Any]:
    from explorer.engine.inprocess import run_job
    from explorer.engine.state import EngineState

    line = ProgressLine()
    try:
        return run_job(job, EngineState(), line, **values)
    finally:
        line.close()


def _opened(chosen: argparse.Namespace) -> dict[str, Any]:
    from explorer.io import answers

    return {
        "model": str(model_folder(chosen.model)),
        "transcoders": str(transcoder_folder(chosen.model, chosen.transcoders)),
        "device": chosen.device,
        "threads": chosen.threads,
        "told": answers.parse(chosen.tell),
    }


def _place(text: str) -> tuple[int, int]:
    layer, colon, feature = text.partition(":")
    if not (colon and layer.isdecimal() and feature.isdecimal()):
        raise GraphError(f"“{text}” names no feature; write LAYER:FEATURE, such as 2:138.")
    return int(layer), int(feature)


def _text(answer: dict[str, Any]) -> str:
    found = answer["evidence"]
    lines = [f"{found['layer']}:{found['feature']}"]
    if found["label"]:
        lines[0] += f"  {found['label']['text']}  ({', '.join([found['label']['source'], *found['label']['tags']])})"
        lines += [f"  {rule['words']}: {rule['evidence']}{_score(rule)}" for rule in found["label"].get("rules", ())]
    lines.append(
        f"active at {100 * found['frequency']:.3g} % of positions, maximum {found['maximum']:.4g}, "
        f"mean {found['mean']:.4g}"
    )
    lines += _weights(answer)
    top = [{"name": "strongest", "examples": found["top"]}] if found["top"] else []
    for band in [*top, *found["bands"]]:
        lines.append(f"{band['name']}:")
        lines += [f"  {_example(one)}" for one in band["examples"] if not one["repeated"]]
    if found["together"]:
        lines.append(f"active with it: {', '.join(f'{who} ({count}×)' for who, count in found['together'])}")
    if answer.get("similar"):
        near = (f"{one['feature']} ({one['cosine']:.2f})" for one in answer["similar"])
        lines.append(f"similar: {', '.join(near)}")
    if "test" in answer:
        pairs = zip(answer["test"]["tokens"], answer["test"]["activations"], strict=True)
        lines.append("on the text: " + " ".join(f"{token.strip()}[{value:.3g}]" for token, value in pairs))
    return "\n".join(lines)


def _weights(answer: dict[str, Any]) -> list[str]:
    """What a feature writes and reads, whatever the text."""
    found, made = answer["evidence"], []
    for name, title in (("top_logits", "raises"), ("bottom_logits", "lowers"), ("reads", "reads")):
        if found[name]:
            made.append(f"{title}: {', '.join(_word(one) for one in found[name])}")
    for one in answer.get("logits", ()):
        if one["target"] != "all":
            made.append(f"raises by its decoder into layer {one['target']}: {', '.join(map(_word, one['top'][:5]))}")
    if found["norms"]:
        norms = (f"layer {found['layer'] + at} {norm:.3g}" for at, norm in enumerate(found["norms"]))
        made.append(f"decoder norms: {', '.join(norms)}")
    return made


def _score(rule: dict[str, Any]) -> str:
    return "" if rule["auc"] is None else f"; AUC {rule['auc']:.2f} on held-out windows"


def _word(one: dict[str, Any]) -> str:
    return f"“{one['text']}” {one['value']:+.2f}"


def _example(one: dict[str, Any]) -> str:
    tokens = [token.replace("\n", "⏎") for token in one["tokens"]]
    tokens[one["peak"]] = f"«{tokens[one['peak']].strip()}»"
    blank = "" if any(token.startswith(" ") for token in tokens[1:]) else " "
    return f"{max(one['activations']):8.3f}  {blank.join(tokens)}"


def add(features: Any, command: Any, json: Any, setting: Any) -> None:
    """Give ``features`` its own commands, made with the parser's ``command``, ``json`` and ``setting``."""
    inner = features.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for arguments in (_build, _show, _search, _label, _import, _export):
        arguments(inner, command, json, setting)


def _build(inner: Any, command: Any, json: Any, setting: Any) -> None:
    one = command(inner, "build", "features:build", "Make an index of evidence from text.")
    _model(one, setting, required=True)
    one.add_argument("--text", type=Path, nargs="+", required=True, metavar="FILE", help="plain text, or .jsonl")
    one.add_argument("-o", "--output", type=Path, required=True, metavar="DIR")
    one.add_argument("--context", type=int, default=0, metavar="N", help="tokens of a window (128)")
    one.add_argument("--limit", type=int, default=0, metavar="N", help="read N tokens at most")
    one.add_argument("--lines", action="store_true", help="each line of a plain file is a document")
    one.add_argument("--top", type=int, default=20, metavar="N", help="strongest examples kept of each feature (20)")
    one.add_argument("--random", type=int, default=20, metavar="N", help="random examples kept of each feature (20)")
    text = "batches of about 1,024 tokens between two savings, and that a worker takes at a time (64)"
    one.add_argument("--shard", type=int, default=64, metavar="N", help=text)
    text = "read the text on the workers of this Dask scheduler, which have the model at the same path"
    one.add_argument("--scheduler", metavar="ADDRESS", default="", help=text)
    json(one)


def _show(inner: Any, command: Any, json: Any, setting: Any) -> None:
    one = command(inner, "show", "features:show", "Print the evidence of one feature.")
    one.add_argument("index", type=Path, metavar="DIR")
    one.add_argument("feature", metavar="LAYER:FEATURE")
    one.add_argument("--prompt", metavar="TEXT", help="also its activations on this text; needs --model")
    _model(one, setting)
    json(one)


def _search(inner: Any, command: Any, json: Any, setting: Any) -> None:
    one = command(inner, "search", "features:search", "Find features by label, peak token or promoted token.")
    one.add_argument("index", type=Path, metavar="DIR")
    one.add_argument("query", help="text, or label:TEXT, token:TEXT, logit:TEXT")
    one.add_argument("--limit", type=int, default=50, metavar="N")
    json(one)


def _label(inner: Any, command: Any, json: Any, setting: Any) -> None:
    said = "Label by rules anew, ask a language model, or write a label of your own."
    one = command(inner, "label", "features:label", said)
    one.add_argument("index", type=Path, metavar="DIR")
    one.add_argument("--set", metavar="LAYER:FEATURE=TEXT", help="your own label, which wins over all others")
    one.add_argument("--language-model", metavar="DIR", default="", help="ask this model; its label may lose to rules")
    one.add_argument("--features", nargs="+", metavar="LAYER:FEATURE", help="about these only (default: all)")
    _model(one, setting)
    json(one)


def _import(inner: Any, command: Any, json: Any, setting: Any) -> None:
    one = command(inner, "import", "features:take_in", "Take in labels of another tool.")
    one.add_argument("index", type=Path, metavar="DIR")
    one.add_argument("files", type=Path, nargs="+", metavar="FILE")
    one.add_argument("--layer", type=int, default=-1, help="the layer, where the files do not say it")
    json(one)


def _export(inner: Any, command: Any, json: Any, setting: Any) -> None:
    one = command(inner, "export", "features:export", "Write features for other tools.")
    one.add_argument("index", type=Path, metavar="DIR")
    one.add_argument("-o", "--output", type=Path, required=True, metavar="DIR")
    one.add_argument("--format", choices=["circuit-tracer", "neuronpedia", "saedashboard"], default="circuit-tracer")
    one.add_argument("--features", nargs="+", metavar="LAYER:FEATURE", help="these only (default: all active ones)")
    json(one)


def _model(command: argparse.ArgumentParser, setting: Any, *, required: bool = False) -> None:
    if required:
        command.add_argument("model", help="a model folder or a sample's name")
    else:
        command.add_argument("--model", default="")
    command.add_argument("--transcoders", metavar="DIR", default="", help="a folder; for a sample also plt or clt")
    setting(command)

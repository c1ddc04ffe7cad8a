"""The command that intervenes: what the model answers before and after, and what a graph predicts."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from explorer.cli.changes import FORM, dose_values, setting
from explorer.cli.graphs import token_ids
from explorer.cli.places import model_folder, transcoder_folder
from explorer.cli.say import ProgressLine, result
from explorer.errors import GraphError

COLUMNS = 6  # tokens in the table of a dose-response
COHERENCE = 8  # tokens whose perplexity it tells, unless --generate says more


def intervene(chosen: argparse.Namespace) -> int:
    """Print the next tokens before, now and predicted; with --generate both continuations, with --dose a table."""
    from explorer.engine.inprocess import run_job
    from explorer.engine.state import EngineState
    from explorer.io.atomic import check_writable
    from explorer.io.npz import write_arrays

    if chosen.logits is not None:
        check_writable(chosen.logits)
    prompt, changes = _request(chosen)
    state, line = EngineState(), ProgressLine()
    asked = {**prompt, **changes, "at": chosen.at, "top": chosen.top}
    try:
        if chosen.dose is not None:
            values = dose_values(chosen.dose)
            answer = run_job("dose", state, line, **asked, values=values, n=chosen.generate or COHERENCE)
        elif chosen.sweep:
            answer = run_job("sweep", state, line, **asked)
        else:
            more = {"changed": chosen.changed, "all_logits": chosen.logits is not None}
            answer = run_job("intervene", state, line, **asked, **more)
            if chosen.generate:
                drawn = {name: getattr(chosen, name) for name in ("seed", "temperature", "top_p")}
                how = {**prompt, **drawn, "n": chosen.generate}
                answer["generated"] = {
                    "before": run_job("generate", state, line, **how),
                    "now": run_job("generate", state, line, **how, **changes),
                }
    finally:
        line.close()
    logits = answer.pop("logits", None)
    if logits is not None:
        write_arrays(chosen.logits, logits)
        answer["logits_file"] = str(chosen.logits)
    result(answer, _dose_text(answer) if "points" in answer else _text(answer), as_json=chosen.json)
    return 0


def _request(chosen: argparse.Namespace) -> tuple[dict[str, Any], dict[str, Any]]:
    """The jobs' values: the prompt and what it runs in, and what is changed and how."""
    from explorer.io import answers

    held = {} if chosen.document is None else _document(chosen.document)
    model = chosen.model or held.get("model", "")
    if not model:
        raise GraphError("No model is named; write a model folder or a sample's name behind intervene.")
    neurons = chosen.neurons or (held.get("neurons", False) and not chosen.transcoders)
    named = chosen.transcoders or held.get("transcoders", "")
    ids = token_ids(chosen.tokens) if chosen.tokens is not None else None
    prompt = {
        "model": str(model_folder(model)),
        "transcoders": "" if neurons else str(transcoder_folder(model, named)),
        "neurons": neurons,
        "text": chosen.prompt or "",
        "token_ids": held.get("token_ids") if ids is None and chosen.prompt is None else ids,
        "device": chosen.device,
        "dtype": chosen.dtype,
        "threads": chosen.threads,
        "told": answers.parse(chosen.tell),
    }
    return prompt, _changes(chosen, held.get("request", {}))


def _document(path: Path) -> dict[str, Any]:
    """What a document says of its prompt, its model and what is changed in it."""
    from explorer.io.circuit_file import open_circuit
    from explorer.session.interventions import request

    graph, edits = open_circuit(path)
    about = graph.provenance
    return {
        "model": str(about.get("model", "")),
        "transcoders": str(about.get("transcoders", "")),
        "neurons": about.get("transcoder_kind") == "neurons",
        "token_ids": graph.token_ids.tolist(),
        "request": {**request(edits.interventions), "made_with": str(about.get("transcoder_sha256") or "")},
    }


def _changes(chosen: argparse.Namespace, held: dict[str, Any]) -> dict[str, Any]:
    """What is changed and how: that of a document, and on it what the arguments say."""
    rows = [*held.get("interventions", ()), *(setting(text) for text in chosen.set)]
    if not rows:
        where = "The document holds no interventions that are on" if held else "There is nothing to change"
        raise GraphError(f"{where}; write --set {FORM}.")
    other = held.get("other")
    if chosen.other is not None:
        other = {"text": chosen.other}
    if chosen.other_tokens is not None:
        other = {"token_ids": token_ids(chosen.other_tokens)}
    frozen = None if chosen.freeze is None else _frozen(chosen.freeze)
    return {
        "interventions": rows,
        "other": other,
        "made_with": held.get("made_with", ""),
        "mode": chosen.mode or held.get("mode", "iterative"),
        "layers": held.get("layers") if chosen.layers is None and chosen.mode is None else _layers(chosen.layers),
        "attention": held.get("attention") if frozen is None else "attention" in frozen,
        "norms": held.get("norms") if frozen is None else "norms" in frozen,
    }


def _layers(text: str | None) -> list[int] | None:
    if text is None:
        return None
    first, _, last = text.partition("-")
    if not (first.isdigit() and (last or first).isdigit()):
        raise GraphError(f"“{text}” names no layers; write FROM-TO, such as 2-5.")
    return [int(first), int(last or first)]


def _frozen(text: str) -> set[str]:
    named = {part.strip() for part in text.split(",") if part.strip() and part.strip() != "none"}
    if not named <= {"attention", "norms"}:
        raise GraphError(f"--freeze takes attention, norms, both with a comma between them, or none; got “{text}”.")
    return named


def _text(answer: dict[str, Any]) -> str:
    lines = [f"{'token':<20} {'before':>8} {'now':>8} {'predicted':>9}"]
    for row in answer["tokens"]:
        lines.append(f"{row['text']:<20} {row['before']:8.3f} {row['now']:8.3f} {row['predicted']:9.3f}")
    for one in answer.get("changed", ()):
        values = f"{one['before']:.3g} → {one['now']:.3g} (predicted {one['predicted']:.3g})"
        lines.append(f"{one['layer']}:{one['pos']}:{one['feature']}  {values}")
    for name, said in answer.get("generated", {}).items():
        lines.append(f"{name}: {said['text']}  (perplexity {said['perplexity']:.3g} under the clean model)")
    return "\n".join([*lines, *answer["notes"], *([answer["logits_file"]] if "logits_file" in answer else [])])


def _dose_text(answer: dict[str, Any]) -> str:
    """A line for each value: divergence, perplexity, and the tokens that are ever most probable."""
    points = answer["points"]
    names = [row["text"][:12] for row in points[0]["tokens"][:COLUMNS]]
    lines = [f"{'value':>9} {'KL':>8} {'perplexity':>10} " + " ".join(f"{name:>12}" for name in names)]
    for point in points:
        chances = " ".join(f"{row['probability']:12.3f}" for row in point["tokens"][:COLUMNS])
        odd = "" if point["perplexity"] is None else f"{point['perplexity']:.3g}"
        lines.append(f"{point['value']:9.4g} {point['kl']:8.3f} {odd:>10} {chances}")
    return "\n".join(lines)


CHANGE = (
    f"{FORM}, =+VALUE, =*FACTOR; POS also A-B or A+; head:LAYER:POS:HEAD, neuron:…, error:LAYER:POS, "
    "direction:LAYER:POS:FILE.npy=+3, residual:LAYER:POS=other; =xFACTORother and =other@POS: as in the other prompt"
)


def arguments(command: argparse.ArgumentParser) -> None:
    """The command's own arguments."""
    command.add_argument("model", nargs="?", default="", help="a model folder or a sample's name")
    features = command.add_mutually_exclusive_group()
    features.add_argument("--transcoders", metavar="DIR", default="", help="a folder; for a sample also plt or clt")
    features.add_argument("--neurons", action="store_true", help="the model's own MLP neurons as features")
    prompt = command.add_mutually_exclusive_group(required=True)
    prompt.add_argument("--prompt", metavar="TEXT")
    prompt.add_argument("--tokens", metavar="1,2,3", help="token ids, used as they are")
    text = "a document's own interventions, on its prompt; with a sample's document MODEL may be left out"
    prompt.add_argument("--from", dest="document", type=Path, metavar="DOC.circuit", help=text)
    command.add_argument("--set", nargs="+", default=[], metavar="CHANGE", help=CHANGE)
    other = command.add_mutually_exclusive_group()
    other.add_argument("--other", metavar="TEXT", help="the other prompt, in which =other is measured")
    other.add_argument("--other-tokens", metavar="1,2,3", help="the same as token ids")
    command.add_argument("--mode", help="direct, constrained, iterative (default) or free")
    command.add_argument("--layers", metavar="FROM-TO", help="held layers of mode constrained (default: all)")
    command.add_argument("--freeze", metavar="attention,norms", help="hold exactly these, whatever the mode holds")
    command.add_argument("--at", type=int, default=-1, metavar="POS", help="position to answer at (default: the last)")
    command.add_argument("--top", type=int, default=10, metavar="N", help="tokens listed (10)")
    command.add_argument("--changed", type=int, default=0, metavar="N", help="list the N features that moved most")
    command.add_argument("--logits", type=Path, metavar="FILE.npz", help="write all logits: before, now, predicted")
    text = "let the first change take STEPS values instead of its own, and print what comes of each"
    many = command.add_mutually_exclusive_group()
    many.add_argument("--dose", metavar="FROM:TO:STEPS", help=text)
    text = "hold the MLPs from the first changed layer up to each later one, and print what comes of each"
    many.add_argument("--sweep", action="store_true", help=text)
    command.add_argument("--generate", type=int, default=0, metavar="N", help="go on for N tokens, with and without")
    command.add_argument("--seed", type=int, default=0)
    command.add_argument("--temperature", type=float, default=1.0, help="0 takes the most probable token")
    command.add_argument("--top-p", type=float, default=1.0)

"""The command that intervenes: what the model answers before and after, and what a graph predicts."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from explorer.cli.graphs import token_ids
from explorer.cli.places import model_folder, transcoder_folder
from explorer.cli.say import ProgressLine, result
from explorer.errors import GraphError

KINDS = {"neuron": 4, "head": 4, "error": 3}  # and how many parts name one; a feature has three and no name in front
FORM = "LAYER:POS:FEATURE=xFACTOR or =VALUE"


def intervene(chosen: argparse.Namespace) -> int:
    """Print the next tokens before, now and predicted; with --generate both continuations."""
    from explorer.engine.inprocess import run_job
    from explorer.engine.state import EngineState
    from explorer.io.atomic import check_writable
    from explorer.io.npz import write_arrays

    if chosen.logits is not None:
        check_writable(chosen.logits)
    request, state, line = _request(chosen), EngineState(), ProgressLine()
    changes = {name: request.pop(name) for name in ("interventions", "mode", "layers", "attention", "norms")}
    try:
        answer = run_job(
            "intervene",
            state,
            line,
            **request,
            **changes,
            at=chosen.at,
            top=chosen.top,
            changed=chosen.changed,
            all_logits=chosen.logits is not None,
        )
        if chosen.generate:
            drawn = {name: getattr(chosen, name) for name in ("seed", "temperature", "top_p")}
            how = {**request, **drawn, "n": chosen.generate}
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
    result(answer, _text(answer), as_json=chosen.json)
    return 0


def _request(chosen: argparse.Namespace) -> dict[str, Any]:
    """The intervene job's values."""
    from explorer.io import answers

    held = None if chosen.freeze is None else _frozen(chosen.freeze)
    return {
        "model": str(model_folder(chosen.model)),
        "transcoders": "" if chosen.neurons else str(transcoder_folder(chosen.model, chosen.transcoders)),
        "neurons": chosen.neurons,
        "text": chosen.prompt if chosen.prompt is not None else "",
        "token_ids": token_ids(chosen.tokens) if chosen.tokens is not None else None,
        "interventions": [setting(text) for text in chosen.set],
        "mode": chosen.mode,
        "layers": None if chosen.layers is None else _layers(chosen.layers),
        "attention": None if held is None else "attention" in held,
        "norms": None if held is None else "norms" in held,
        "device": chosen.device,
        "dtype": chosen.dtype,
        "threads": chosen.threads,
        "told": answers.parse(chosen.tell),
    }


def setting(text: str) -> dict[str, Any]:
    """One --set as an intervention of the job; GraphError if it is not of that form.

    POS may be A-B, or A+ for the end of the prompt and what is generated behind it. ``=+VALUE`` adds, ``=*FACTOR``
    multiplies.
    """
    place, equals, value = text.partition("=")
    parts = place.split(":")
    kind = parts.pop(0) if parts[0] in KINDS else "feature"
    if not equals or len(parts) != KINDS.get(kind, 4) - 1 or not _whole([parts[0], *parts[2:]]):
        raise GraphError(f"“{text}” names no intervention; write {FORM}.")
    index = int(parts[2]) if len(parts) > 2 else 0
    how = {"op": "set", "unit": "absolute"}
    if value[:1] in ("x", "+", "*"):
        how = {"x": {"op": "set", "unit": "own"}, "+": {"op": "add", "unit": "absolute"}, "*": {"op": "multiply"}}[
            value[0]
        ]
        value = value[1:]
    try:
        number = float(value)
    except ValueError as error:
        raise GraphError(f"“{text}” names no value; write {FORM}.") from error
    return {"kind": kind, "layer": int(parts[0]), "index": index, **_positions(parts[1], text), **how, "value": number}


def _positions(text: str, whole: str) -> dict[str, Any]:
    first, dash, last = text.partition("-")
    if text.endswith("+") and text[:-1].isdigit():
        return {"pos": [int(text[:-1]), None], "generated": True}
    if not first.isdigit() or (dash and not last.isdigit()):
        raise GraphError(f"“{whole}” names no position; write one, FROM-TO, or FROM+ for all later ones.")
    return {"pos": [int(first), int(last)] if dash else int(first)}


def _whole(parts: list[str]) -> bool:
    return all(part.isdigit() for part in parts)


def _layers(text: str) -> list[int]:
    first, _, last = text.partition("-")
    if not _whole([first, last or first]):
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


def arguments(command: argparse.ArgumentParser) -> None:
    """The command's own arguments."""
    command.add_argument("model", help="a model folder or a sample's name")
    features = command.add_mutually_exclusive_group()
    features.add_argument("--transcoders", metavar="DIR", default="", help="a folder; for a sample also plt or clt")
    features.add_argument("--neurons", action="store_true", help="the model's own MLP neurons as features")
    prompt = command.add_mutually_exclusive_group(required=True)
    prompt.add_argument("--prompt", metavar="TEXT")
    prompt.add_argument("--tokens", metavar="1,2,3", help="token ids, used as they are")
    text = f"{FORM}, =+VALUE, =*FACTOR; POS also A-B or A+; head:LAYER:POS:HEAD, neuron:…, error:LAYER:POS"
    command.add_argument("--set", nargs="+", required=True, metavar="CHANGE", help=text)
    command.add_argument("--mode", default="iterative", help="direct, constrained, iterative (default) or free")
    command.add_argument("--layers", metavar="FROM-TO", help="held layers of mode constrained (default: all)")
    command.add_argument("--freeze", metavar="attention,norms", help="hold exactly these, whatever the mode holds")
    command.add_argument("--at", type=int, default=-1, metavar="POS", help="position to answer at (default: the last)")
    command.add_argument("--top", type=int, default=10, metavar="N", help="tokens listed (10)")
    command.add_argument("--changed", type=int, default=0, metavar="N", help="list the N features that moved most")
    command.add_argument("--logits", type=Path, metavar="FILE.npz", help="write all logits: before, now, predicted")
    command.add_argument("--generate", type=int, default=0, metavar="N", help="go on for N tokens, with and without")
    command.add_argument("--seed", type=int, default=0)
    command.add_argument("--temperature", type=float, default=1.0, help="0 takes the most probable token")
    command.add_argument("--top-p", type=float, default=1.0)

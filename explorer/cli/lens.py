"""The command that looks into a model without transcoders: logit lens, parts of a logit, heads, patching."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from explorer.cli.graphs import token_ids
from explorer.cli.places import model_folder
from explorer.cli.say import ProgressLine, result
from explorer.errors import GraphError


def lens(chosen: argparse.Namespace) -> int:
    """Print what --show asks for."""
    from explorer.engine.inprocess import run_job
    from explorer.engine.state import EngineState
    from explorer.io import answers

    setting = {name: getattr(chosen, name) for name in ("device", "dtype", "threads")}
    setting |= {"model": str(model_folder(chosen.model)), "told": answers.parse(chosen.tell)}
    job, request, text = SHOWN[chosen.show]
    line = ProgressLine()
    try:
        answer = run_job(job, EngineState(), line, **setting, **request(chosen))
    finally:
        line.close()
    values = {name: value.tolist() if hasattr(value, "tolist") else value for name, value in answer.items()}
    result(values, text(values, chosen), as_json=chosen.json)
    return 0


def _prompt(chosen: argparse.Namespace) -> dict[str, Any]:
    if chosen.prompt is None and chosen.tokens is None:
        raise GraphError(f"There is nothing to look at; give --prompt TEXT or --tokens 1,2,3 for {chosen.show}.")
    ids = token_ids(chosen.tokens) if chosen.tokens is not None else None
    return {"text": chosen.prompt or "", "token_ids": ids}


def _attribution(chosen: argparse.Namespace) -> dict[str, Any]:
    return {**_prompt(chosen), "token": chosen.token, "rival": chosen.rival, "at": chosen.at}


def _patching(chosen: argparse.Namespace) -> dict[str, Any]:
    if chosen.other is None:
        raise GraphError("Patching takes a second prompt; give it with --other TEXT.")
    tokens = chosen.tokens is not None
    other = {"text": "", "token_ids": token_ids(chosen.other)} if tokens else {"text": chosen.other}
    return {**_prompt(chosen), "other": other, "answer": chosen.token, "rival": chosen.rival}


def _lens_text(answer: dict[str, Any], _: argparse.Namespace) -> str:
    """A row for each token, a column in front of each block and behind the last."""
    points = list(zip(answer["top_texts"], answer["probability"], strict=True))
    rows = [["token", *(f"before {layer}" for layer in range(len(points) - 1)), "output"]]
    for pos, token in enumerate(answer["tokens"]):
        rows.append([token, *(f"{texts[pos][0]} {chance[pos][0]:.2f}" for texts, chance in points)])
    return _columns(rows)


def _patterns_text(answer: dict[str, Any], chosen: argparse.Namespace) -> str:
    """Where each head looks from the position asked for: its three strongest."""
    pattern, tokens = answer["pattern"], answer["tokens"]
    at = chosen.at if chosen.at >= 0 else len(tokens) + chosen.at
    if not 0 <= at < len(tokens):
        raise GraphError(f"Position {chosen.at} is outside the prompt (0 to {len(tokens) - 1}); choose another.")
    rows = [["head", f"looks from {tokens[at]} at"]]
    for layer, heads in enumerate(pattern):
        for head, rows_of in enumerate(heads):
            best = sorted(range(at + 1), key=lambda key: -rows_of[at][key])[:3]
            rows.append([f"{layer}.{head}", ", ".join(f"{tokens[key]} ({key}) {rows_of[at][key]:.2f}" for key in best)])
    return _columns(rows)


def _attribution_text(answer: dict[str, Any], _: argparse.Namespace) -> str:
    what = answer["token_text"] + (f" − {answer['rival_text']}" if answer["rival_text"] else "")
    heads, mlps = answer["heads"], answer["mlps"]
    parts = {"embedding": answer["embedding"], "position": answer["position"], "constants": answer["constant"]}
    for layer, mlp in enumerate(mlps):
        parts |= {f"head {layer}.{head}": value for head, value in enumerate(heads[layer])}
        parts[f"MLP {layer}"] = mlp
    rows = [[name, f"{value:+.3f}"] for name, value in sorted(parts.items(), key=lambda part: -abs(part[1]))]
    rows.append(["sum", f"{answer['total']:+.3f}"])
    return f"logit of {what}: {answer['logit']:.4f}\n{_columns(rows)}"


def _heads_text(answer: dict[str, Any], _: argparse.Namespace) -> str:
    names = ("previous", "induction", "copying")
    rows = [["head", *names]]
    for layer in range(len(answer["previous"])):
        for head in range(len(answer["previous"][0])):
            rows.append([f"{layer}.{head}", *(f"{answer[name][layer][head]:.3f}" for name in names)])
    return _columns(rows)


def _patching_text(answer: dict[str, Any], _: argparse.Namespace) -> str:
    stream, heads = answer["stream"], answer["heads"]
    rows = [["token", "other", "before 0", *(f"behind {layer}" for layer in range(len(stream) - 1))]]
    for pos, (token, other) in enumerate(zip(answer["tokens"], answer["other"], strict=True)):
        rows.append([token, other, *(_share(point[pos]) for point in stream)])
    head_rows = [["layer", *(f"head {head}" for head in range(len(heads[0])))]]
    head_rows += [[str(layer), *map(_share, row)] for layer, row in enumerate(heads)]
    said = f"{answer['answer_text']} − {answer['rival_text']}"
    said = f"{said}: {answer['clean']:.3f} here, {answer['corrupted']:.3f} there"
    return f"{said}\n{_columns(rows)}\n{_columns(head_rows)}"


def _share(value: float) -> str:
    return f"{value + 0.0:.2f}" if abs(value) >= 0.005 else "0.00"


def _columns(rows: list[list[str]]) -> str:
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    padded = ([cell.ljust(width) for cell, width in zip(row, widths, strict=True)] for row in rows)
    return "\n".join("  ".join(row).rstrip() for row in padded)


Request = Callable[[argparse.Namespace], dict[str, Any]]
Text = Callable[[dict[str, Any], argparse.Namespace], str]
SHOWN: dict[str, tuple[str, Request, Text]] = {
    "logits": ("lens", _prompt, _lens_text),
    "attention": ("lens", lambda chosen: {**_prompt(chosen), "patterns": True}, _patterns_text),
    "attribution": ("logit_attribution", _attribution, _attribution_text),
    "heads": ("head_scores", lambda chosen: {}, _heads_text),
    "patching": ("patching", _patching, _patching_text),
}

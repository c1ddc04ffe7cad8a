"""The command that reads specimens: the same three verbs for each of them, read, intervene and extract."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from explorer.cli.say import result

MODULES = ("modular-113", "modular-59")
Verbs = argparse._SubParsersAction  # argparse has no public name for what add_subparsers returns


def specimen(chosen: argparse.Namespace) -> int:
    """Print what the verb of a specimen finds; without a name, the specimens."""
    if not hasattr(chosen, "answer"):
        return _listed(as_json=chosen.json)
    module, name = chosen.answer
    values: Mapping[str, Any]
    values, text = getattr(import_module(f"explorer.cli.{module}"), name)(chosen)
    result(values, text, as_json=chosen.json)
    return 0


def _listed(*, as_json: bool) -> int:
    from explorer.specimens.catalogue import SPECIMENS

    rows = [{name: getattr(row, name) for name in ("name", "title", "prompt", "facts")} for row in SPECIMENS]
    width = max(len(row["name"]) for row in rows)
    lines = [f"{row['name']:<{width}}  {row['title']}. {row['facts']}" for row in rows]
    result({"specimens": rows}, "\n".join(lines), as_json=as_json)
    return 0


def arguments(command: argparse.ArgumentParser) -> None:
    """The specimens, and the verbs of each with their own arguments."""
    command.set_defaults(json=False)
    _json(command)
    names = command.add_subparsers(title="specimens", metavar="NAME")
    _letters(_specimen(names, "letters"))
    _superposition(_specimen(names, "superposition"))
    _adder(_specimen(names, "adder"))
    for name in MODULES:
        _modular(_specimen(names, name))
    _induction(_specimen(names, "induction"))


def _specimen(names: Verbs[argparse.ArgumentParser], name: str) -> Verbs[argparse.ArgumentParser]:
    command = names.add_parser(name, help=f"the specimen {name}")
    command.set_defaults(name=name)
    return command.add_subparsers(title="verbs", metavar="VERB", required=True)


def _verb(
    verbs: Verbs[argparse.ArgumentParser], verb: str, text: str, answer: tuple[str, str]
) -> argparse.ArgumentParser:
    """One verb, answered by a function of a module of this package."""
    command = verbs.add_parser(verb, help=text, description=text)
    command.set_defaults(answer=answer)
    _json(command)
    return command


def _json(command: argparse.ArgumentParser) -> None:
    text = "print one JSON object on standard output"
    command.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help=text)


def _at_least(least: int) -> Callable[[str], int]:
    """The type of an argument that is a whole number, ``least`` or more."""

    def number(text: str) -> int:
        if int(text) < least:
            raise argparse.ArgumentTypeError(f"{text} is too small; give a whole number from {least} on.")
        return int(text)

    return number


def _words(command: argparse.ArgumentParser) -> None:
    command.add_argument("--words", type=_at_least(0), default=10, metavar="N", help="words to sample (10)")
    command.add_argument("--temperature", type=float, default=1.0)
    command.add_argument("--seed", type=_at_least(0), default=0)


def _letters(verbs: Verbs[argparse.ArgumentParser]) -> None:
    module = "specimen_letters"
    command = _verb(verbs, "read", "What comes after a letter: belief and data.", (module, "read"))
    command.add_argument("letter", help="a to z, or . for the beginning")
    command.add_argument("--temperature", type=float, default=1.0)
    command = _verb(verbs, "intervene", "Cut out rows, columns or pairs; the words before and after.", (module, "cut"))
    command.add_argument("--rows", default="", metavar="LETTERS", help="what comes after these letters")
    command.add_argument("--columns", default="", metavar="LETTERS", help="these letters themselves; . ends words")
    command.add_argument("--entries", nargs="+", default=[], metavar="PAIR", help="pairs of letters, such as qu")
    command.add_argument("--value", type=float, default=None, help="the logit put there (-20: never)")
    _words(command)
    command = _verb(verbs, "extract", "The rules by confidence, and the greedy word.", (module, "rules"))
    command.add_argument("--at-least", type=float, default=0.25, metavar="CONFIDENCE")
    command.add_argument("--start", default=".", metavar="LETTER", help="where the greedy word begins")
    _words(command)


def _superposition(verbs: Verbs[argparse.ArgumentParser]) -> None:
    module = "specimen_superposition"
    read = _verb(verbs, "read", "Train n features in m dimensions and show WᵀW.", (module, "read"))
    intervene = _verb(verbs, "intervene", "Take a dimension out and see what is lost.", (module, "intervene"))
    extract = _verb(verbs, "extract", "Features represented against density.", (module, "extract"))
    for command in (read, intervene, extract):
        command.add_argument("--features", type=int, default=5, metavar="N")
        command.add_argument("--dimensions", type=int, default=2, metavar="M")
        command.add_argument("--importance", type=float, default=0.9, help="feature i weighs its i-th power (0.9)")
        command.add_argument("--seed", type=_at_least(0), default=0)
    for command in (read, intervene):
        command.add_argument("--density", type=float, default=0.05, help="chance that a feature is there (0.05)")
    intervene.add_argument("--without", type=int, default=0, metavar="DIMENSION")


def _adder(verbs: Verbs[argparse.ArgumentParser]) -> None:
    module = "specimen_adder"
    command = _verb(verbs, "read", "Add two numbers: digits, chances, attention.", (module, "read"))
    command.add_argument("a", type=int)
    command.add_argument("b", type=int)
    command = _verb(verbs, "intervene", "Put neurons to their means; accuracy by carry length.", (module, "intervene"))
    command.add_argument("--neurons", type=int, nargs="+", required=True, metavar="N")
    command.add_argument("--sums", type=_at_least(1), default=2000, help="random and carry-chain sums each (2000)")
    command.add_argument("--seed", type=_at_least(0), default=0)
    command = _verb(verbs, "extract", "A sum claim by claim, each checked on the model.", (module, "extract"))
    command.add_argument("a", type=int)
    command.add_argument("b", type=int)
    text = "with --json, also each neuron by both digits and the carry of this column (0: units)"
    command.add_argument("--column", type=int, default=None, metavar="N", help=text)


def _modular(verbs: Verbs[argparse.ArgumentParser]) -> None:
    module = "specimen_modular"
    _verb(verbs, "read", "Curve, key frequencies and neurons.", (module, "read"))
    command = _verb(verbs, "intervene", "Take frequencies out of the embedding.", (module, "intervene"))
    command.add_argument("--frequencies", type=int, nargs="+", required=True, metavar="K")
    command.add_argument("--keep", action="store_true", help="keep only these instead")
    _verb(verbs, "extract", "Restricted and excluded loss.", (module, "extract"))


def _induction(verbs: Verbs[argparse.ArgumentParser]) -> None:
    module = "specimen_induction"
    command = _verb(verbs, "read", "A prompt: next tokens, and where the induction head looks.", (module, "read"))
    command.add_argument("prompt", metavar="TEXT", help="letters and digits, such as kQ7pxkQ7")
    command.add_argument("--without", nargs="+", default=[], metavar="LAYER.HEAD", help="heads put to their means")
    command = _verb(verbs, "intervene", "Put heads to their means; accuracy on repeats.", (module, "intervene"))
    command.add_argument("--without", nargs="+", default=[], metavar="LAYER.HEAD", help="together (default: each)")
    _verb(verbs, "extract", "The scores of the heads, and how they rose in training.", (module, "extract"))

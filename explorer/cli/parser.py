"""The arguments of every command; what a command needs is imported when it is chosen."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, TypeAlias

from explorer import __version__


class CommandParser(argparse.ArgumentParser):
    """``fill`` adds the arguments that need imports, when the command is chosen and not for every other one."""

    fill: Callable[[], None] | None = None

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        fill, self.fill = self.fill, None
        if fill is not None:
            fill()
        return super().parse_known_args(args, namespace)


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    top = argparse.ArgumentParser(prog="circuit-explorer", description="Shows why a language model said what it said.")
    top.add_argument("--version", action="version", version=f"circuit-explorer {__version__}")
    commands = top.add_subparsers(title="commands", required=True, metavar="COMMAND", parser_class=CommandParser)
    ours = (_compare, _verify, _intervene, _validate, _features, _lens, _specimen, _engine, _unpickle, _self_test)
    for add in (_open, _samples, _info, _attribute, _prune, _export, _import, _convert, *ours):
        add(commands)
    return top


# argparse has no public name for what add_subparsers returns.
Commands: TypeAlias = "argparse._SubParsersAction[CommandParser]"


def _command(commands: Commands, name: str, where: str, text: str) -> CommandParser:
    """A command whose function is ``module:function`` of this package."""
    command = commands.add_parser(name, help=text, description=text)
    command.set_defaults(run=_later(where))
    return command


def _later(where: str) -> Callable[..., Any]:
    """``module:function`` of this package, imported when it is called."""
    module, name = where.split(":")
    return lambda *given: getattr(import_module(f"explorer.cli.{module}"), name)(*given)


def _json(command: argparse.ArgumentParser) -> None:
    command.add_argument("--json", action="store_true", help="print one JSON object on standard output")


def _tell(command: argparse.ArgumentParser) -> None:
    text = "what the files of model or transcoders do not say, such as k=64; remembered, may be given several times"
    command.add_argument("--tell", action="append", default=[], metavar="NAME=VALUE", help=text)


DTYPE = "of weights and edges: float32 (default), float64, or bfloat16 for a fast preview"


def _setting(command: argparse.ArgumentParser) -> None:
    command.add_argument("--device", default="auto", help="auto (default), cpu, cuda, cuda:N or mps")
    command.add_argument("--dtype", default="float32", choices=["float32", "float64", "bfloat16"], help=DTYPE)
    command.add_argument("--threads", type=int, default=0, help="processor threads (default: as torch decides)")


def _open(commands: Commands) -> None:
    command = _command(commands, "open", "looking:open_window", "Open the window.")
    command.add_argument("paths", nargs="*", metavar="PATH", help="a model, transcoders, a graph or a sample's name")
    command.add_argument("--engine", metavar="COMMAND", default="", help="the engine of another environment")
    command.add_argument("--picture", type=Path, metavar="FILE", help="write a picture of the window and end")


def _samples(commands: Commands) -> None:
    _json(_command(commands, "samples", "looking:samples", "List the sample models; the name stands first."))


def _info(commands: Commands) -> None:
    command = _command(commands, "info", "looking:info", "Say what a file or folder is, from its headers.")
    command.add_argument("path", type=Path)
    _json(command)


def _attribute(commands: Commands) -> None:
    command = _command(commands, "attribute", "graphs:attribute", "Compute the attribution graph of a prompt.")
    command.add_argument("model", help="a model folder or a sample's name")
    features = command.add_mutually_exclusive_group()
    features.add_argument("--transcoders", metavar="DIR", default="", help="a folder; for a sample also plt or clt")
    features.add_argument("--neurons", action="store_true", help="the model's own MLP neurons as features")
    command.add_argument(
        "--neurons-per-cell", type=int, default=64, metavar="N", help="neurons kept at each layer and position (64)"
    )
    prompt = command.add_mutually_exclusive_group(required=True)
    prompt.add_argument("--prompt", metavar="TEXT")
    prompt.add_argument("--tokens", metavar="1,2,3", help="token ids, used as they are")
    command.add_argument("-o", "--output", type=Path, required=True, metavar="OUT.circuit")
    place = "[@POS][=WEIGHT]"
    command.add_argument("--target", nargs="+", metavar="TARGET", help=f"TOKEN{place} or LAYER:POS:FEATURE[=WEIGHT]")
    text = f"explain token A minus token B{place}; may be repeated"
    command.add_argument("--contrast", nargs=2, action="append", metavar=("A", "B"), help=text)
    text = f"explain a direction at the final norm, FILE.npy{place}; may be repeated"
    command.add_argument("--direction", action="append", metavar="FILE.npy", help=text)
    command.add_argument("--at", type=int, default=-1, metavar="POS", help="position to explain (default: the last)")
    command.add_argument("--max-logits", type=int, default=10)
    command.add_argument("--logit-mass", type=float, default=0.95)
    command.add_argument("--max-features", type=int, default=0, metavar="N", help="keep the N most influential only")
    _tell(command)
    _setting(command)
    _json(command)


def _prune(commands: Commands) -> None:
    command = _command(commands, "prune", "graphs:prune", "Set the thresholds of a graph; deletes nothing.")
    command.add_argument("input", type=Path, metavar="IN.circuit")
    command.add_argument("--node-threshold", type=float, default=0.8)
    command.add_argument("--edge-threshold", type=float, default=0.98)
    command.add_argument("-o", "--output", type=Path, required=True, metavar="OUT.circuit")
    _json(command)


def _export(commands: Commands) -> None:
    command = _command(commands, "export", "graphs:export", "Write a graph as a picture or for other tools.")
    command.add_argument("input", type=Path, metavar="IN.circuit")
    suffixes = "svg,pdf,png,html,json,npz,graphml,gexf,py"
    command.add_argument("output", type=Path, metavar="OUT", help=f"its suffix is the format: {suffixes}")
    text = f"the same: one of {suffixes}"
    command.add_argument("--format", choices=suffixes.split(","), default="", help=text)
    command.fill = partial(_later("pictures:arguments"), command)


def _import(commands: Commands) -> None:
    command = _command(commands, "import", "graphs:import_graph", "Read a graph of another tool.")
    command.add_argument("input", type=Path, metavar="GRAPH.{json,pt}")
    command.add_argument("-o", "--output", type=Path, required=True, metavar="OUT.circuit")
    text = "pins, supernodes and labels of a share link or of a saved subgraph's JSON"
    command.add_argument("--subgraph", metavar="LINK|FILE", default="", help=text)


def _convert(commands: Commands) -> None:
    command = _command(commands, "convert", "graphs:convert", "Write transcoders in circuit-tracer's layout.")
    command.add_argument("input", type=Path, metavar="TRANSCODERS")
    command.add_argument("-o", "--output", type=Path, required=True, metavar="DIR")
    command.add_argument("--model", default="", metavar="NAME", help="the model's name, if the files do not say it")
    _tell(command)


def _compare(commands: Commands) -> None:
    command = _command(commands, "compare", "compare:compare", "What two graphs have in common, and where they differ.")
    command.add_argument("a", type=Path, metavar="A", help="a .circuit, a graph JSON or a .pt of circuit-tracer")
    command.add_argument("b", type=Path, metavar="B", help="another one")
    text = "also write both graphs in one picture"
    command.add_argument("-o", "--output", type=Path, metavar="OUT.{svg,png,pdf}", help=text)
    command.add_argument("--top", type=int, default=10, metavar="N", help="how many differences are listed (10)")
    _json(command)
    command.fill = partial(_later("pictures:page_arguments"), command)


def _verify(commands: Commands) -> None:
    text = "Check a graph's books; with its model also measure edges in the frozen model."
    command = _command(commands, "verify", "checks:verify", text)
    command.add_argument("input", type=Path, metavar="IN.circuit")
    command.add_argument("--model", default="")
    features = command.add_mutually_exclusive_group()
    features.add_argument("--transcoders", metavar="DIR", default="")
    features.add_argument("--neurons", action="store_true", help="as its graph says by itself")
    _tell(command)
    _setting(command)
    _json(command)


def _intervene(commands: Commands) -> None:
    command = _command(commands, "intervene", "interventions:intervene", "Change features and see what is said.")
    _tell(command)
    _setting(command)
    _json(command)
    command.fill = partial(_later("interventions:arguments"), command)


def _validate(commands: Commands) -> None:
    command = _command(commands, "validate", "validation:validate", "Test a graph: predicted against measured effects.")
    _tell(command)
    _setting(command)
    _json(command)
    command.fill = partial(_later("validation:arguments"), command)


def _features(commands: Commands) -> None:
    text = "Evidence for features from your own text: build, show, search, label, import, export."
    command = commands.add_parser("features", help=text, description=text)
    command.fill = partial(_later("features:add"), command, _command, _json, _told_setting)


def _told_setting(command: argparse.ArgumentParser) -> None:
    _tell(command)
    command.add_argument("--device", default="auto", help="auto (default), cpu, cuda, cuda:N or mps")
    command.add_argument("--threads", type=int, default=0, help="processor threads (default: as torch decides)")


def _lens(commands: Commands) -> None:
    text = "Look into a model without transcoders: logit lens, parts of a logit, heads, patching."
    command = _command(commands, "lens", "lens:lens", text)
    command.add_argument("model", help="a model folder or a sample's name")
    shown = ["logits", "attention", "attribution", "heads", "patching"]
    command.add_argument("--show", default="logits", choices=shown, help="what to look at (logits)")
    prompt = command.add_mutually_exclusive_group()
    prompt.add_argument("--prompt", metavar="TEXT")
    prompt.add_argument("--tokens", metavar="1,2,3", help="token ids, used as they are; then --other are ids too")
    command.add_argument("--other", metavar="TEXT", help="patching: the prompt that parts are taken from")
    command.add_argument("--token", default="", metavar="TOKEN", help="whose logit (default: the most probable)")
    command.add_argument("--rival", default="", metavar="TOKEN", help="take this one's logit off")
    command.add_argument("--at", type=int, default=-1, metavar="POS", help="position (default: the last)")
    _tell(command)
    _setting(command)
    _json(command)


def _specimen(commands: Commands) -> None:
    text = "Models small enough to be read whole: read, intervene, extract; without a name, list them."
    command = _command(commands, "specimen", "specimens:specimen", text)
    command.fill = partial(_later("specimens:arguments"), command)


def _engine(commands: Commands) -> None:
    _command(commands, "engine", "looking:engine", "The compute process; speaks on standard input and output.")


def _unpickle(commands: Commands) -> None:
    text = "The process that reads a pickle without running it; speaks on standard output."
    _command(commands, "unpickle", "looking:unpickle", text).add_argument("path")


def _self_test(commands: Commands) -> None:
    _command(commands, "self-test", "self_test:self_test", "Let the installed program prove that it works.")

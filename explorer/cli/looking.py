"""Commands that look: the window, samples, info, and the engine."""

from __future__ import annotations

import argparse
import gc
import json
from dataclasses import asdict
from importlib import import_module
from pathlib import Path

from explorer.cli.outputs import check_picture
from explorer.cli.say import result

# PySide6 inspects each module that is imported after it; these bring most of what the window needs without Qt.
BEFORE_QT = ("explorer.session.look", "explorer.io.journal", "explorer.engine.client")


def open_window(chosen: argparse.Namespace) -> int:
    """The window, or a picture of it."""
    if chosen.picture is not None:
        check_picture(chosen.picture, *map(Path, chosen.paths))
    gc.disable()  # until Shell.begin: to look for garbage in what is imported takes a tenth of the time to the window
    for name in BEFORE_QT:
        import_module(name)
    from explorer.ui.app import run

    return run(tuple(chosen.paths), engine=chosen.engine, picture=chosen.picture)


def samples(chosen: argparse.Namespace) -> int:
    """One line for each sample, its name first."""
    from explorer.io.samples import SAMPLES

    if chosen.json:
        fields = ("name", "title", "prompt", "facts")
        rows = [{field: getattr(row, field) for field in fields} for row in SAMPLES]
        print(json.dumps({"samples": rows}, ensure_ascii=False))
        return 0
    width = max(len(row.name) for row in SAMPLES)
    for row in SAMPLES:
        print(f"{row.name:<{width}}  {row.title}. {row.facts}")
    return 0


def info(chosen: argparse.Namespace) -> int:
    """What a path is."""
    from explorer.io import samples as shipped
    from explorer.io.inspect import describe, words

    path: Path = chosen.path
    sample = None if path.exists() else shipped.find(str(path))
    found = describe(shipped.model_folder(sample) if sample is not None else path)
    result(asdict(found), "\n".join(words(found)), as_json=chosen.json)
    return 0


def engine(chosen: argparse.Namespace) -> int:
    """The compute process, until its standard input closes."""
    from explorer.engine.server import main

    main()
    return 0


def unpickle(chosen: argparse.Namespace) -> int:
    """What a pickle holds, for the program's own use (io.inert)."""
    from explorer.io.unpickling import main

    return main(chosen.path)

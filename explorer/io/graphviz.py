"""Graphviz: the places of boxes as the program ``dot`` would have them, where it is installed."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from collections.abc import Mapping, Sequence

from explorer.errors import ExplorerError
from explorer.session.layered import Point, Slab, Tie

PROGRAM = "dot"
SECONDS = 10.0
INCH = 72.0


def is_installed() -> bool:
    return shutil.which(PROGRAM) is not None


def laid_out(slabs: Sequence[Slab], ties: Sequence[Tie], program: str = PROGRAM) -> dict[str, Point]:
    """The middle of each box by its id, y down; ExplorerError if ``program`` is not there, fails or takes too long."""
    names = {f"b{at}": slab.id for at, slab in enumerate(slabs)}
    try:
        run = subprocess.run(
            [program, "-Tplain"],
            input=dot_text(slabs, ties),
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=True,
        )
        return _places(run.stdout, names)
    except subprocess.TimeoutExpired as error:
        raise ExplorerError(f"“{program}” took more than {SECONDS:.0f} s; the layout is as it was.") from error
    except (OSError, subprocess.CalledProcessError, ValueError, KeyError) as error:
        told = (getattr(error, "stderr", "") or str(error)).strip().splitlines()
        why = told[0] if told else "no reason given"
        raise ExplorerError(f"“{program}” made no layout ({why}); the layout is as it was.") from error


def dot_text(slabs: Sequence[Slab], ties: Sequence[Tie]) -> str:
    """The boxes and links in the language of ``dot``, levels from the bottom up, links heavier by their share."""
    id = {slab.id: f"b{at}" for at, slab in enumerate(slabs)}
    lines = ["digraph {", 'rankdir=BT; nodesep=0.36; ranksep=0.9; node [shape=box, fixedsize=true, label=""];']
    for slab in slabs:
        lines.append(f"{id[slab.id]} [width={slab.width / INCH:.4f}, height={slab.height / INCH:.4f}];")
    by_level: dict[float, list[str]] = {}
    for slab in slabs:
        by_level.setdefault(slab.level, []).append(id[slab.id])
    for rank in by_level.values():
        lines.append(f"{{ rank=same; {'; '.join(rank)} }}")
    for tie in ties:
        lines.append(f"{id[tie.source]} -> {id[tie.target]} [weight={max(1, round(100 * abs(tie.share)))}];")
    return "\n".join([*lines, "}", ""])


def _places(plain: str, names: Mapping[str, str]) -> dict[str, Point]:
    """The middles in ``plain`` output: lines "node NAME X Y ..." in inches, y up."""
    rows = [shlex.split(line) for line in plain.splitlines() if line.startswith("node ")]
    found = {names[name]: (float(x) * INCH, -float(y) * INCH) for _, name, x, y, *_ in rows}
    if len(found) != len(names):
        raise ValueError("some boxes are missing in its answer")
    return found

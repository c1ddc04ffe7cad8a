"""The command line: every job the window can do, without a window.

Exit codes: 0 done, 1 a foreseen fault (one sentence on standard error), 2 wrong usage, 130 interrupted.
"""

from __future__ import annotations

import os
import sys

from explorer.cli.parser import parser
from explorer.errors import ExplorerError


def run_command(arguments: list[str]) -> int:
    """Run one command and return its exit code."""
    chosen = parser().parse_args(arguments or ["open"])
    try:
        code: int = chosen.run(chosen)
        sys.stdout.flush()
    except ExplorerError as error:
        print(str(error), file=sys.stderr)
        return 1
    except ImportError as error:
        from explorer.cli.absent import absent_library

        sentence = absent_library(error)
        if sentence is None:
            raise
        print(sentence, file=sys.stderr)
        return 1
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader has seen enough
        return 1
    except KeyboardInterrupt:
        print("Cancelled. Nothing was written.", file=sys.stderr)
        return 130
    return code

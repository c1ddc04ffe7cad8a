"""The program's entry: ``python -m explorer`` and the ``circuit-explorer`` command."""

from __future__ import annotations

import multiprocessing
import sys


def main() -> int:
    """Run the command line; the exit code is its result."""
    multiprocessing.freeze_support()
    try:
        from explorer.cli import run_command

        return run_command(sys.argv[1:])
    except KeyboardInterrupt:  # while modules were still being imported
        sys.stderr.write("Cancelled. Nothing was written.\n")
        return 1


if __name__ == "__main__":
    sys.exit(main())

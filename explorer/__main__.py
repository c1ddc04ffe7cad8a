"""The program's entry: ``python -m explorer`` and the ``circuit-explorer`` command."""

from __future__ import annotations

import sys

INTERRUPTED = 130


def main() -> int:
    """Run the command line; the exit code is its result."""
    try:
        import multiprocessing

        multiprocessing.freeze_support()
        from explorer.cli import run_command

        return run_command(sys.argv[1:])
    except KeyboardInterrupt:  # while modules were still being imported: nothing was begun
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())

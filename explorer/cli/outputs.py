"""Where a command writes: refused before any work, if something else would be lost there."""

from __future__ import annotations

from pathlib import Path

from explorer.errors import SaveError
from explorer.io.atomic import check_writable


def check_document(output: Path, *inputs: Path) -> None:
    """SaveError unless a document can become ``output`` and replaces an earlier document at most."""
    from explorer.io.circuit_file import SUFFIX, is_circuit

    if output.suffix.lower() != SUFFIX:
        raise SaveError(f"“{output}” is to be a document; end its name in {SUFFIX}.")
    check_writable(output)
    check_apart(output, *inputs)
    if output.is_file() and output.stat().st_size and not is_circuit(output):
        raise SaveError(f"“{output}” exists and is no document of this program; choose another name.")


def check_picture(output: Path, *inputs: Path) -> None:
    """SaveError unless a picture of the window can become ``output``."""
    if output.suffix.lower() != ".png":
        raise SaveError(f"“{output}” is to be a picture; end its name in .png.")
    check_writable(output)
    check_apart(output, *inputs)


def check_apart(output: Path, *inputs: Path) -> None:
    """SaveError if ``output`` is one of ``inputs``."""
    if any(output.exists() and each.exists() and output.samefile(each) for each in inputs):
        raise SaveError(f"“{output}” is what is read; choose another name for what is written.")

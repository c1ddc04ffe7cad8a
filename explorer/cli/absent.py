"""A sentence for what the system lacks: pip and pipx bring Qt, but not the libraries that Qt is linked to."""

from __future__ import annotations

import re
from pathlib import Path

# With what each needs in turn; scripts/system-libraries says which holds what.
DEBIAN = "libgl1 libegl1 libxkbcommon0 libglib2.0-0 libfontconfig1 libdbus-1-3"
NOT_FOUND = re.compile(r"(lib\S+\.so\S*): cannot open shared object file: No such file")  # glibc's words


def absent_library(error: ImportError) -> str | None:
    """The sentence for a library of the system that Qt is linked to and that is not there; None for other faults."""
    found = NOT_FOUND.match(str(error))
    if found is None or "PySide6" not in Path(error.path or "").parts:  # torch's libraries have another remedy
        return None
    install = f"install it (Debian, Ubuntu: apt-get install {DEBIAN})"
    return f"Windows and pictures need {found[1]}, which this system lacks; {install}."

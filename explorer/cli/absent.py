"""A sentence for what the system lacks: pip and pipx bring Qt, but not the libraries that Qt is linked to."""

from __future__ import annotations

import re

# With what each needs in turn; scripts/system-libraries says which holds what.
DEBIAN = "libgl1 libegl1 libxkbcommon0 libglib2.0-0 libfontconfig1 libdbus-1-3"
NOT_FOUND = re.compile(r"(lib\S+\.so\S*): cannot open shared object file: No such file")  # glibc's words


def absent_library(error: ImportError) -> str | None:
    """The sentence for a library of the system that the dynamic linker did not find; None for any other ``error``."""
    found = NOT_FOUND.match(str(error))
    if found is None:
        return None
    install = f"install it (Debian, Ubuntu: apt-get install {DEBIAN})"
    return f"The window needs {found[1]}, which this system lacks; {install}."

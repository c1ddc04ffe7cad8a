"""The subgraph as one web page: style, script and data in a single file that asks no network for anything."""

from __future__ import annotations

import base64
import hashlib
import json
from html import escape
from pathlib import Path
from string import Template

from explorer import __version__
from explorer.io import atomic
from explorer.io.samples import resources
from explorer.session.figure_subgraph import Shown
from explorer.session.theme import DARK, GROUP_COLOURS, LIGHT, Theme, group_colour
from explorer.session.view import GraphView
from explorer.session.webpage import webpage

# What could end a script element, or a line in old readers of JavaScript, is written as an escape of JSON.
ESCAPES = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}


def write_page(view: GraphView, path: Path, shown: Shown | None = None) -> None:
    """Write the page of the subgraph of ``view``, whole or not at all; SaveError if that cannot be done."""
    page = page_html(view, shown or Shown())
    atomic.write(path, page.encode("utf-8", "replace"))  # half of a surrogate pair cannot be written


def page_html(view: GraphView, shown: Shown) -> str:
    """The page; the same view always gives the same text. Browsers run the script in it alone, known by its digest."""
    told = webpage(view, shown)
    folder = resources() / "page"
    template = Template((folder / "page.html").read_text(encoding="utf-8"))
    script = (folder / "page.js").read_text(encoding="utf-8")
    style = f"{_colours()}\n{(folder / 'page.css').read_text(encoding='utf-8')}"
    return template.substitute(
        title=escape(str(told["title"])),
        summary=escape(" ".join(told["caption"])),
        version=__version__,
        style=style,
        style_sha=_digest(style),
        script=script,
        script_sha=_digest(script),
        told=_json(told),
    )


def _json(value: object) -> str:
    """JSON without a character that markup knows."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True, allow_nan=False)
    return "".join(ESCAPES.get(char, char) for char in text)


def _colours() -> str:
    """The colours of the light and the dark theme as variables; the browser says which it shows."""
    return f":root{{{_variables(LIGHT)}}}\n@media (prefers-color-scheme:dark){{:root{{{_variables(DARK)}}}}}"


def _variables(theme: Theme) -> str:
    named = {name.replace("_", "-"): colour for name, colour in theme.colours().items()}
    named |= {f"group-{name}": group_colour(name, theme) for name in GROUP_COLOURS}
    return "".join(f"--{name}:{colour};" for name, colour in named.items())


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()

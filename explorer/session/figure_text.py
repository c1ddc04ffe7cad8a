"""How wide a text in Inter is, and how it is shortened and wrapped, without asking a font."""

from __future__ import annotations

import unicodedata

# Advance widths in thousandths of the size of the characters from space to tilde, read once from the font files
# in resources/fonts. Figures have no columns of numbers, so digits keep their own widths here: tabular ones are
# alternate glyphs, which cannot be read back from a PDF.
REGULAR = (
    281, 278, 403, 631, 638, 812, 639, 222, 362, 362, 500, 659, 280, 460, 276, 357,
    625, 464, 605, 636, 642, 608, 624, 571, 616, 624, 276, 280, 659, 659, 659, 507,
    936, 676, 651, 727, 719, 598, 587, 743, 740, 264, 543, 652, 562, 889, 753, 761,
    635, 761, 639, 638, 642, 741, 676, 949, 642, 665, 625, 362, 357, 362, 469, 452,
    497, 564, 621, 558, 621, 582, 361, 609, 591, 237, 237, 544, 237, 869, 585, 597,
    609, 609, 372, 523, 364, 581, 557, 812, 540, 557, 541, 362, 327, 362, 659,
)  # fmt: skip
SEMIBOLD = (
    248, 309, 396, 643, 649, 844, 663, 213, 393, 393, 543, 673, 295, 466, 290, 379,
    667, 481, 621, 652, 666, 632, 648, 587, 646, 648, 290, 295, 673, 673, 673, 544,
    999, 724, 657, 744, 724, 608, 586, 755, 744, 275, 561, 677, 566, 906, 741, 775,
    643, 776, 651, 649, 660, 734, 724, 1007, 690, 705, 653, 393, 379, 393, 481, 468,
    497, 575, 630, 577, 630, 593, 377, 625, 613, 261, 261, 569, 261, 898, 610, 608,
    625, 625, 397, 549, 380, 608, 576, 837, 562, 576, 562, 393, 358, 393, 673,
)  # fmt: skip
NO_BREAK = "\N{NO-BREAK SPACE}"
# Joined emoji and the letters of some scripts need the last two.
KEPT = (NO_BREAK, "\N{ZERO WIDTH JOINER}", "\N{ZERO WIDTH NON-JOINER}")
MARKS = {"“": 408, "”": 408, "‘": 228, "’": 214, "·": 290, "−": 673, "×": 673, "…": 821, "↵": 1000, NO_BREAK: 281}
AVERAGE, WIDE = 640, 1000
ELLIPSIS = "…"
NAMES = {"\n": "newline", "\t": "tab", "\r": "return", "": "nothing"}


def text_width(text: str, size: int, weight: int = 400) -> float:
    """Width in pixels of ``text`` in Inter at ``size``: exact for ASCII but for kerning, else an average."""
    table = SEMIBOLD if weight >= 600 else REGULAR
    return size * sum(_advance(char, table) for char in text) / 1000


def elide(text: str, width: float, size: int, weight: int = 400) -> str:
    """``text``, cut and ended with … so that it fits ``width``; empty if not even one character fits."""
    if text_width(text, size, weight) <= width:
        return text
    for end in range(len(text) - 1, 0, -1):
        short = text[:end].rstrip() + ELLIPSIS
        if text_width(short, size, weight) <= width:
            return short
    return ""


def wrap(text: str, width: float, size: int, *, first: float = 0.0) -> list[str]:
    """``text`` in lines of at most ``width``; ``first`` is what the first line has already used.

    Only a word wider than ``width`` is cut.
    """
    lines, line, left = [], "", width - first
    for word in text.split(" "):
        longer = f"{line} {word}" if line else word
        if text_width(longer, size) <= left:
            line = longer
            continue
        if line or left < width:
            lines.append(line)
        line, left = elide(word, width, size), width
    return [*lines, line] if line else lines


def plain(token: str) -> str:
    """The text of a token as a figure writes it: without the space in front, white space by name."""
    text = token.strip(" ")
    if token and not text:
        return "space" if len(token) == 1 else f"{len(token)} spaces"
    return NAMES.get(text) or visible(text)


def visible(text: str) -> str:
    """``text`` on one line: newlines as ↵, tabs as spaces, what cannot be seen as U+FFFD."""
    return "".join(_seen(char) for char in text)


def _seen(char: str) -> str:
    if char in "\r\n":
        return "↵"
    if char == "\t":
        return " "
    return char if char.isprintable() or char in KEPT else "\N{REPLACEMENT CHARACTER}"


def _advance(char: str, table: tuple[int, ...]) -> int:
    place = ord(char) - 32
    if 0 <= place < len(table):
        return table[place]
    if char in MARKS:
        return MARKS[char]
    if unicodedata.combining(char) or unicodedata.category(char) in ("Cf", "Mn", "Me"):
        return 0
    return WIDE if unicodedata.east_asian_width(char) in "WF" else AVERAGE

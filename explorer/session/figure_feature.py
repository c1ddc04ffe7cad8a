"""The evidence for a feature as figures: examples, histogram, decoder norms, tokens with values, and all in one.

The inspector paints the same parts. Each is as high as what it holds; ``width`` is in pixels.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import sqrt

from explorer.features.evidence import Evidence, Example, Weighed
from explorer.features.keys import edges
from explorer.session.figure import Figure, Group, Ink, Item, Line, Rect, Run, Text, moved
from explorer.session.figure_text import elide, plain, text_width
from explorer.session.theme import Theme

SIZE, SMALL = 12, 11
ROW = 20.0
BASE = 14.0  # of a row's text below its top
AT = 0.45  # of the width, where examples have their peaks
FAINT, STRONG = 0.05, 0.50  # alpha of the shade, from no activation to the largest
BARS = 44.0
MINUS = "\N{MINUS SIGN}"


@dataclass(frozen=True)
class Folded:
    """An example, and how many have the same tokens."""

    example: Example
    count: int = 1


def fold(examples: Sequence[Example]) -> tuple[Folded, ...]:
    """``examples`` without those whose tokens an earlier one has, which are counted there."""
    counts: dict[tuple[str, ...], int] = {}
    for one in examples:
        counts[one.tokens] = counts.get(one.tokens, 0) + 1
    first = {one.tokens: one for one in reversed(examples)}
    return tuple(Folded(first[tokens], count) for tokens, count in counts.items())


def number(value: float) -> str:
    """Two decimals, more for small ones."""
    text = f"{abs(value):.2f}" if abs(value) >= 0.095 or value == 0 else f"{abs(value):.2g}"
    return (MINUS if value < 0 else "") + text


def frequency_words(share: float) -> str:
    """How often a feature is active, in words: fires on 0.04 % of tokens."""
    return f"fires on {100 * share:.2g} % of tokens" if share else "never active in this text"


def activity_words(found: Evidence) -> str:
    """How often a feature is active and how strongly at most: fires on 0.04 % of tokens, at most 7.60."""
    return frequency_words(found.frequency) + (f", at most {number(found.maximum)}" if found.active else "")


def examples_figure(examples: Sequence[Folded], most: float, theme: Theme, width: float) -> Figure:
    """One line for each example, all peaks below each other, shaded by activation over ``most``."""
    items: list[Item] = []
    for row, one in enumerate(examples):
        items += _example(one, most, theme, width, row * ROW)
    said = "; ".join(_spoken(one.example) for one in examples) or "none"
    summary = f"Examples, activation at the peak: {said}"
    return _figure("Where it fires", summary, items, theme, width, len(examples) * ROW)


def text_figure(tokens: Sequence[str], values: Sequence[float], most: float, theme: Theme, width: float) -> Figure:
    """A text in lines, each token shaded by ``values`` over ``most``."""
    spaced = _gap(tokens)
    items: list[Item] = []
    x, row = 0.0, 0
    for token, value in zip(tokens, values, strict=True):
        word = plain(token)
        wide = text_width(word, SIZE) + 4
        if x and x + wide > width:
            x, row = 0.0, row + 1
        items += _token(word, value, most, theme, x + 2, row * ROW)
        x += wide - 4 + (spaced or (4 if token.startswith(" ") else 1))
    top = max(values, default=0.0)
    said = f"The text {' '.join(map(plain, tokens))}: largest activation {number(top)}"
    return _figure("On your own text", said, items, theme, width, (row + 1) * ROW if tokens else 0.0)


def histogram_figure(found: Evidence, here: float | None, theme: Theme, width: float) -> Figure:
    """Counts of positive activations in fixed bins, by square root; ``here`` is marked with its percentile."""
    own = _bin(here) if here is not None and here > 0 else None
    there = [at for at, count in enumerate(found.histogram) if count or at == own]
    if not any(found.histogram):
        return _figure("Activation", "Never active in this text", [], theme, width, 0.0)
    first, last = min(there), max(there)
    step, bottom, tallest = width / (last - first + 1), ROW + BARS, sqrt(max(found.histogram))
    items: list[Item] = []
    for at in range(first, last + 1):
        high = max(BARS * sqrt(found.histogram[at]) / tallest, 1.0) if found.histogram[at] else 0.0
        fill = theme.mark_ink if at == own else theme.error_mass
        items.append(Rect((at - first) * step, bottom - high, max(step - 1, 1.0), high, Ink(fill=fill)))
    limits = [0.0, *map(float, edges()), found.maximum]
    low, high_end = f"{limits[first]:.2g}", f"{limits[last + 1]:.2g}"
    items.append(Line(0.0, bottom, width, bottom, Ink(stroke=theme.line_strong)))
    items.append(_text(0.0, bottom + 14, low, theme.text_3))
    items.append(_text(width, bottom + 14, high_end, theme.text_3, "end"))
    items.append(_text(width / 2, bottom + 14, "activation, by doublings · height √ count", theme.text_3, "middle"))
    said = f"Histogram of {found.active:,} activations from {low} to {high_end}, largest {number(found.maximum)}"
    if own is not None and here is not None:
        words = f"here {number(here)}, above {100 * found.percentile(here):.0f} %"
        x, half = (own - first + 0.5) * step, text_width(words, SMALL, 600) / 2
        items.append(Line(x, ROW - 4, x, bottom, Ink(stroke=theme.select, width=2.0)))
        items.append(_text(min(max(x, half), width - half), BASE - 2, words, theme.select, "middle", 600))
        said += f"; {words}"
    return _figure("Activation", said, items, theme, width, bottom + 18)


def norms_figure(norms: Sequence[float], layer: int, n_layers: int, theme: Theme, width: float) -> Figure:
    """Norms of the decoders by the layer they write to; the feature reads in ``layer``."""
    most = max(norms, default=0.0) or 1.0
    step = width / max(n_layers, 1)
    high = BARS / 2
    items: list[Item] = [Line(0.0, high, width, high, Ink(stroke=theme.line_strong))]
    for at, norm in enumerate(norms):
        tall = max(high * norm / most, 1.0)
        fill = theme.select if at == 0 else theme.error_mass
        items.append(Rect((layer + at) * step + 1, high - tall, max(step - 2, 1.0), tall, Ink(fill=fill)))
    below = high + 14
    if layer > 0:
        items.append(_text(0.0, below, "0", theme.text_3))
    if layer < n_layers - 1:
        items.append(_text(width, below, str(n_layers - 1), theme.text_3, anchor="end"))
    half = text_width(str(layer), SMALL, 600) / 2
    middle = min(max((layer + 0.5) * step, half), width - half)
    items.append(_text(middle, below, str(layer), theme.select, "middle", 600))
    said = ", ".join(f"layer {layer + at} {number(norm)}" for at, norm in enumerate(norms))
    return _figure("In every layer", f"Decoder norms: {said}", items, theme, width, below + 4 if norms else 0.0)


def norms_words(norms: Sequence[float], layer: int) -> str:
    last = layer + len(norms) - 1
    return f"reads {layer}, writes {layer} to {last}" if len(norms) > 1 else f"reads and writes {layer}"


def tokens_figure(left: Sequence[Weighed], right: Sequence[Weighed], name: str, theme: Theme, width: float) -> Figure:
    """Two columns of tokens with their values, in the colour of the sign; ``name`` says of what."""
    half = (width - 20) / 2
    items = [*_column(left, 0.0, half, theme), *_column(right, half + 20, half, theme)]
    said = ", ".join(f"{plain(one.text)} {number(one.value)}" for one in (*left, *right))
    return _figure(name, f"{name}: {said or 'none'}", items, theme, width, max(len(left), len(right)) * (ROW - 2))


def feature_figure(
    name: str, found: Evidence, here: float | None, n_layers: int, theme: Theme, width: float = 480.0, n: int = 8
) -> Figure:
    """All evidence for a feature below its ``name``; ``n`` examples and tokens, ``here`` its activation here."""
    inner = width - 24
    parts = (
        ("", examples_figure(fold(found.top)[:n], found.maximum, theme, inner)),
        (activity_words(found), histogram_figure(found, here, theme, inner)),
        (norms_words(found.norms, found.layer), norms_figure(found.norms, found.layer, n_layers, theme, inner)),
        ("", tokens_figure(found.top_logits[:n], found.bottom_logits[:n], "Writes to logits", theme, inner)),
        ("", tokens_figure(found.reads[: n // 2], found.reads[n // 2 : n], "Reads tokens", theme, inner)),
    )
    which = f"feature {found.feature} of layer {found.layer}"
    title = f"{name} · {which}"
    head = _text(12.0, 24.0, elide(name, inner, 15, 600), theme.text, weight=600, size=15)
    groups = [Group("title", (head, _text(12.0, 42.0, which, theme.text_2)))]
    y = 56.0
    for caption, part in parts:
        if not part.height:
            continue
        heading = _text(12.0, y + BASE, part.title, theme.text, weight=600, size=SIZE)
        beside = _text(width - 12, y + BASE, caption, theme.text_3, "end")
        groups.append(Group(f"{part.title}, heading", (heading, beside)))
        items = tuple(moved(item, 12.0, y + ROW + 4) for group in part.groups for item in group.items)
        groups.append(Group(part.title, items))
        y += ROW + 4 + part.height + 12
    return Figure(
        width=width,
        height=y,
        background=theme.surface_panel,
        title=title,
        summary=". ".join([title, *(part.summary for _, part in parts if part.height)]),
        groups=tuple(groups),
        provenance={"layer": found.layer, "feature": found.feature, "active": found.active},
    )


def _example(one: Folded, most: float, theme: Theme, width: float, top: float) -> Iterator[Item]:
    example, peak = one.example, one.example.peak
    spaced = _gap(example.tokens)
    times = f"× {one.count}" if one.count > 1 else ""
    room = width - (text_width(times, SMALL) + 8 if times else 0)
    words = [plain(token) for token in example.tokens]
    words[peak] = elide(words[peak], room - width * AT, SIZE)
    wide = [text_width(word, SIZE) for word in words]
    lead = [spaced or (4.0 if token.startswith(" ") else 1.0) for token in example.tokens]
    place = {peak: width * AT}
    first = last = peak
    while first and place[first] - lead[first] - wide[first - 1] > (14 if first > 1 else 0):
        place[first - 1] = place[first] - lead[first] - wide[first - 1]
        first -= 1
    end = len(words) - 1
    while last < end:
        x = place[last] + wide[last] + lead[last + 1]
        if x + wide[last + 1] > room - (14 if last + 1 < end else 0):
            break
        place[last + 1] = x
        last += 1
    for at in range(first, last + 1):
        yield from _token(words[at], example.activations[at], most, theme, place[at], top)
    if first:
        yield _text(place[first] - 4, top + BASE, "…", theme.text_3, "end")
    if last < end:
        yield _text(place[last] + wide[last] + 4, top + BASE, "…", theme.text_3)
    if times:
        yield _text(width, top + BASE, times, theme.text_3, "end")


def _token(word: str, value: float, most: float, theme: Theme, x: float, top: float) -> Iterator[Item]:
    if value:
        alpha = FAINT + (STRONG - FAINT) * min(abs(value) / (most or 1.0), 1.0)
        wide = text_width(word, SIZE) + 4
        yield Rect(x - 2, top + 1, wide, ROW - 2, Ink(fill=theme.sign(value), fill_alpha=alpha), 2.0)
    yield Text(x, top + BASE, (Run(word, theme.text),), SIZE)


def _gap(tokens: Sequence[str]) -> float:
    """The room in front of every token where none says by a space that a word begins; else 0."""
    return 0.0 if any(token.startswith(" ") for token in tokens) else 4.0


def _column(words: Sequence[Weighed], x: float, width: float, theme: Theme) -> Iterator[Item]:
    for row, one in enumerate(words):
        base = row * (ROW - 2) + BASE
        value = ("+" if one.value > 0 else "") + number(one.value)
        room = width - text_width(value, SIZE) - 8
        yield _text(x, base, elide(plain(one.text), room, SIZE), theme.text, size=SIZE)
        yield _text(x + width, base, value, theme.sign(one.value), "end", size=SIZE)


def _spoken(one: Example) -> str:
    words = " ".join(plain(token) for token in one.tokens[max(0, one.peak - 5) : one.peak + 3])
    return f"{words}, {number(one.activations[one.peak])} at {plain(one.tokens[one.peak])}"


def _bin(value: float) -> int:
    return int((edges() <= value).sum())


def _text(
    x: float, y: float, words: str, fill: str, anchor: str = "start", weight: int = 400, size: int = SMALL
) -> Text:
    return Text(x, y, (Run(words, fill, weight),), size, anchor)


def _figure(title: str, summary: str, items: Sequence[Item], theme: Theme, width: float, height: float) -> Figure:
    return Figure(width, height, theme.surface_panel, title, summary, (Group(title, tuple(items)),))

"""What interventions do, as a figure: the changes, and the next token's probabilities without and with them."""

from __future__ import annotations

from collections.abc import Iterator

from explorer.session.dial import position_words, title, value_words
from explorer.session.figure import Figure, Group, Ink, Item, Line, Rect, Run, Text
from explorer.session.figure_text import elide, plain, text_width
from explorer.session.interventions import Row
from explorer.session.outcome import Outcome, TokenRow, others
from explorer.session.theme import Theme
from explorer.session.view import GraphView

SIZE, SMALL = 12, 11
EDGE, ROW = 12.0, 22.0
NAMES = 96.0  # of the tokens, in front of the bars
NUMBERS = 96.0  # behind them
BAR = 6.0
MOST = 10


def outcome_figure(
    found: Outcome, view: GraphView, theme: Theme, width: float = 480.0, *, with_legend: bool = True
) -> Figure:
    """The rows of ``found`` that are on, and below them a pair of bars for each token: before grey, now in ink.

    A stroke is what the graph predicts by direct effects alone.
    """
    rows = [row for row in found.made.rows if row.on]
    changes = tuple(_changes(rows, view, theme, width))
    top = 40.0 + ROW * len(rows) + 8.0
    listed = sorted(found.tokens, key=lambda one: -max(one.before, one.now))[:MOST]
    listed.sort(key=lambda one: -one.now)
    shown = [*listed, TokenRow(-1, "all others", *others(listed))]
    bars = tuple(item for at, one in enumerate(shown) for item in _bars(one, top + ROW * at, theme, width))
    bottom = top + ROW * len(shown) + 4.0
    groups = [Group("title", (_text(EDGE, 24.0, _title(rows), theme.text, weight=600, size=SIZE),))]
    groups += [Group("changes", changes), Group("tokens", bars)]
    if with_legend:
        groups.append(Group("legend", tuple(_legend(found, bottom, theme, width))))
        bottom += 24.0
    said = ", ".join(f"{plain(one.text)} {one.before:.3f} to {one.now:.3f}" for one in listed)
    return Figure(
        width=width,
        height=bottom + EDGE / 2,
        background=theme.surface_canvas,
        title=_title(rows),
        summary=f"Probabilities of the next token, without and with the changes: {said}.",
        groups=tuple(groups),
        provenance={"mode": found.made.mode, "position": found.at, "kl": found.kl, "changes": len(rows)},
    )


def _title(rows: list[Row]) -> str:
    return f"The next token with {len(rows)} change{'s' * (len(rows) != 1)} in the model"


def _changes(rows: list[Row], view: GraphView, theme: Theme, width: float) -> Iterator[Item]:
    for at, row in enumerate(rows):
        y = 40.0 + ROW * at + 14.0
        value = value_words(row)
        room = width - 2 * EDGE - text_width(value, SMALL, 600) - 12
        name = elide(title(row, view), room * 0.6, SMALL)
        yield _text(EDGE, y, name, theme.text)
        where = elide(position_words(row, view.graph.n_pos), room - text_width(name, SMALL) - 8, SMALL)
        if where:
            yield _text(EDGE + text_width(name, SMALL) + 8, y, where, theme.text_3)
        yield _text(width - EDGE, y, value, theme.text, "end", 600)


def _bars(one: TokenRow, top: float, theme: Theme, width: float) -> Iterator[Item]:
    left, room = EDGE + NAMES, width - 2 * EDGE - NAMES - NUMBERS
    word = elide(plain(one.text), NAMES - 10, SIZE)
    yield _text(left - 8, top + 15, word, theme.text, "end", size=SIZE)
    yield Rect(left, top + 3, max(room * one.before, 0.5), BAR, Ink(fill=theme.error_mass))
    yield Rect(left, top + 4 + BAR, max(room * one.now, 0.5), BAR, Ink(fill=theme.mark_ink))
    if one.token_id >= 0:
        x = left + room * min(max(one.predicted, 0.0), 1.0)
        yield Line(x, top + 2, x, top + 6 + 2 * BAR, Ink(stroke=theme.select, width=1.5))
    yield _text(width - EDGE, top + 15, f"{one.before:.3f} to {one.now:.3f}", theme.text_2, "end")


def _legend(found: Outcome, top: float, theme: Theme, width: float) -> Iterator[Item]:
    x, y = EDGE, top + 14.0
    entries = (("before", theme.error_mass), ("now", theme.mark_ink), ("predicted by direct effects", theme.select))
    for words, colour in entries:
        shape = Line(x + 7, y - 6, x + 7, y + 6, Ink(stroke=colour, width=1.5))
        yield shape if colour == theme.select else Rect(x, y - BAR / 2, 14.0, BAR, Ink(fill=colour))
        yield _text(x + 19, y + 4, words, theme.text_2)
        x += 19 + text_width(words, SMALL) + 16
    yield _text(width - EDGE, y + 4, f"KL {found.kl:.3f} nats", theme.text_2, "end")


def _text(
    x: float, y: float, words: str, fill: str, anchor: str = "start", weight: int = 400, size: int = SMALL
) -> Text:
    return Text(x, y, (Run(words, fill, weight),), size, anchor)

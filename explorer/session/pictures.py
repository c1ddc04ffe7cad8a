"""Pictures: every view of which a figure can be made, in one table for the window and the command line.

Another view is a row of VIEWS: what it is called, why there is none (if so), and what draws it. What it needs beyond
the graph is a field of Material.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from explorer.errors import ExplorerError
from explorer.features.evidence import Evidence
from explorer.session.figure import PX_PER_MM, Circle, Figure, Group, Ink, Line, Run, Text
from explorer.session.figure_compare import compare_figure
from explorer.session.figure_feature import feature_figure
from explorer.session.figure_graph import NARROWEST_MM, graph_figure
from explorer.session.figure_outcome import outcome_figure
from explorer.session.figure_screen import Seen, screen_figure
from explorer.session.figure_subgraph import EMPTY, Shown, subgraph_figure
from explorer.session.figure_text import text_width
from explorer.session.figure_validation import effects_figure, layers_figure
from explorer.session.figure_words import Paragraph, caption_lines
from explorer.session.outcome import Outcome
from explorer.session.overlay import Compared
from explorer.session.page import WORDS, Page, checked, put_on, too_small, words_pt
from explorer.session.subgraph import count_boxes
from explorer.session.theme import Theme
from explorer.session.validation import Validation
from explorer.session.view import GraphView

EDGE = 12.0
FEATURE_PX, SHAPE = 480.0, 0.8
FLAT = 0.55
TRIES = 2
NO_SCREEN = "The graph is not on screen; turn to its page first."
NO_FEATURE = "No feature is selected whose evidence is known; select one, and open an index of its features."
NO_VALIDATION = "Nothing of this graph was tested in its model yet; validate it first."
NO_LAYERS = "How faithful the replacement model is by layer was not measured yet; validate the graph first."
NO_PAIR = "No comparison is open; choose Graph > Compare with… and export from its window."
NO_OUTCOME = "Nothing is changed in the model; add an intervention first."


@dataclass(frozen=True)
class Card:
    """The evidence for a feature: its title, and its activation on the prompt if it is known."""

    title: str
    found: Evidence
    here: float | None = None


@dataclass(frozen=True, eq=False)
class Material:
    """What there is to draw; None of what there is not."""

    view: GraphView
    subgraph: Shown = field(default_factory=Shown)
    screen: Seen | None = None
    card: Card | None = None
    validation: Validation | None = None
    outcome: Outcome | None = None
    pair: Compared | None = None


Draw = Callable[[Material, Page], Figure]
Lack = Callable[[Material], str]


@dataclass(frozen=True)
class PictureView:
    """A view: ``id`` on the command line, ``name`` in the window; ``lacks`` says why there is none, or "".

    ``has_legend`` and ``has_caption``: whether the page's choices of these make a difference.
    """

    id: str
    name: str
    lacks: Lack
    draw: Draw
    has_legend: bool = True
    has_caption: bool = True
    needs_window: bool = False


def picture(material: Material, name: str, page: Page) -> Figure:
    """The figure of that view on ``page``; ExplorerError says what is missing for it."""
    row = view_of(name)
    if why := row.lacks(material):
        raise ExplorerError(why)
    figure = put_on(row.draw(material, checked(page)), page)
    for _ in range(TRIES):
        if not too_small(figure, page):
            break  # else it is laid out anew for words as small as they came out, for which a line has more room
        figure = put_on(row.draw(material, replace(page, font_pt=words_pt(figure))), page)
    return figure


def view_of(name: str) -> PictureView:
    """The row of VIEWS of that id."""
    for row in VIEWS:
        if row.id == name:
            return row
    raise ExplorerError(f"There is no view “{name}”; choose one of {', '.join(row.id for row in VIEWS)}.")


# what draws them


def _graph(material: Material, page: Page) -> Figure:
    """As high as asked by what its rows have left."""
    how = {"theme": page.colours, "with_legend": page.legend, "with_caption": page.caption}
    figure = graph_figure(material.view, width_mm=max(page.wide_mm, NARROWEST_MM), **how)  # type: ignore[arg-type]
    if page.high_mm is None:
        return figure
    axes = [item.box.y1 for item in figure.group("axes").items if isinstance(item, Text)]
    below = (figure.height - max(axes)) / PX_PER_MM
    rows = max(page.high_mm - below, 30.0)
    return graph_figure(material.view, width_mm=max(page.wide_mm, NARROWEST_MM), height_mm=rows, **how)  # type: ignore[arg-type]


def _screen(material: Material, page: Page) -> Figure:
    """It is not laid out anew, so its words are as large as the page lets them be."""
    assert material.screen is not None
    return screen_figure(
        material.view, material.screen, theme=page.colours, with_legend=page.legend, with_caption=page.caption
    )


def _subgraph(material: Material, page: Page) -> Figure:
    return subgraph_figure(
        material.view,
        theme=page.colours,
        width_mm=page.wide_mm,
        over=material.subgraph.over,
        drawn=material.subgraph.drawn,
        with_legend=page.legend,
        with_caption=page.caption,
    )


def _feature(material: Material, page: Page) -> Figure:
    assert material.card is not None
    card, width = material.card, max(page.wide_mm * PX_PER_MM, FEATURE_PX)
    figure = feature_figure(card.title, card.found, card.here, material.view.graph.n_layers, page.colours, width)
    return replace(figure, background=page.colours.surface_canvas)


def _effects(material: Material, page: Page) -> Figure:
    assert material.validation is not None
    width, high = page.wide_mm * PX_PER_MM, page.high_mm
    height = max(high * PX_PER_MM - 80.0, 180.0) if high else SHAPE * width
    theme = page.colours
    figure = effects_figure(material.validation, theme, width, height)
    if page.legend:
        figure = _with_legend(figure, theme)
    return _captioned(figure, theme) if page.caption else figure


def _layers(material: Material, page: Page) -> Figure:
    assert material.validation is not None
    width, high = page.wide_mm * PX_PER_MM, page.high_mm
    height = max(high * PX_PER_MM - 60.0, 140.0) if high else FLAT * width
    figure = layers_figure(material.validation, page.colours, width, height)
    return _captioned(figure, page.colours) if page.caption else figure


def _outcome(material: Material, page: Page) -> Figure:
    assert material.outcome is not None
    width = max(page.wide_mm * PX_PER_MM, 320.0)
    return outcome_figure(material.outcome, material.view, page.colours, width, with_legend=page.legend)


def _compare(material: Material, page: Page) -> Figure:
    assert material.pair is not None
    return compare_figure(
        material.pair,
        theme=page.colours,
        width_mm=max(page.wide_mm, NARROWEST_MM),
        with_legend=page.legend,
        with_caption=page.caption,
    )


def _with_legend(figure: Figure, theme: Theme) -> Figure:
    """``figure`` with what hue and ring mean below it."""
    x, y = EDGE, figure.height + 8.0
    items: list[Circle | Line | Text] = []
    marks = (
        ("raises", Ink(fill=theme.sign_raise, fill_alpha=0.78)),
        ("lowers", Ink(fill=theme.sign_lower, fill_alpha=0.78)),
        ("sign not as predicted", Ink(stroke=theme.text_2, width=1.2)),
    )
    for words, ink in marks:
        items += [Circle(x + 4, y, 3.4, ink), Text(x + 13, y + 4, (Run(words, theme.text_2),), WORDS)]
        x += 13 + text_width(words, WORDS) + 16
    items += [Line(x, y, x + 20, y, Ink(stroke=theme.line_strong)), _words("as predicted", x + 25, y + 4, theme)]
    return replace(figure, height=y + EDGE, groups=(*figure.groups, Group("legend", tuple(items))))


def _captioned(figure: Figure, theme: Theme) -> Figure:
    """``figure`` with its summary below it."""
    said = [Paragraph("", figure.summary, theme.text_2)]
    lines, bottom = caption_lines(said, EDGE, figure.height - 4.0, figure.width - EDGE, WORDS)
    return replace(figure, height=bottom + EDGE / 2, groups=(*figure.groups, Group("caption", lines)))


def _words(words: str, x: float, y: float, theme: Theme) -> Text:
    return Text(x, y, (Run(words, theme.text_2),), WORDS)


# why there is none


def _never(material: Material) -> str:
    return ""


def _no_screen(material: Material) -> str:
    return "" if material.screen is not None else NO_SCREEN


def _no_boxes(material: Material) -> str:
    return "" if count_boxes(material.view) else EMPTY


def _no_card(material: Material) -> str:
    return "" if material.card is not None and material.card.found.active else NO_FEATURE


def _no_effects(material: Material) -> str:
    return "" if material.validation is not None and material.validation.measured else NO_VALIDATION


def _no_layers(material: Material) -> str:
    return "" if material.validation is not None and material.validation.layers else NO_LAYERS


def _no_pair(material: Material) -> str:
    return "" if material.pair is not None else NO_PAIR


def _no_outcome(material: Material) -> str:
    return "" if material.outcome is not None else NO_OUTCOME


VIEWS = (
    PictureView("screen", "Graph as on screen", _no_screen, _screen, needs_window=True),
    PictureView("graph", "Whole graph", _never, _graph),
    PictureView("subgraph", "Subgraph", _no_boxes, _subgraph),
    PictureView("feature", "Evidence for the selected feature", _no_card, _feature, False, False),
    PictureView("validation", "Validation: predicted and measured", _no_effects, _effects),
    PictureView("layers", "Validation: faithfulness by layer", _no_layers, _layers, False),
    PictureView("intervention", "Intervention: the next token", _no_outcome, _outcome, True, False, True),
    PictureView("compare", "Comparison of two graphs", _no_pair, _compare, needs_window=True),
)

"""Stage: layouts, scene, picture of links and the painted frame of one graph, kept as long as they hold.

What changes decides what is made anew: another graph or size everything, an edit the scene, a selection the
marks and lit links, a pan or zoom only places.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QPixmap

from explorer.circuits.graph import NodeKind
from explorer.session.layout import Layout, enlarge, layout
from explorer.session.overlay import Overlay
from explorer.session.theme import Theme
from explorer.session.view import GraphView
from explorer.ui.canvas.atlas import ALL_STATES, STATES, Atlas, atlas, mark_scale
from explorer.ui.canvas.curves import ends
from explorer.ui.canvas.describe import token_text
from explorer.ui.canvas.frame import LEGEND, Frame
from explorer.ui.canvas.gallery import Gallery
from explorer.ui.canvas.hit import Grid
from explorer.ui.canvas.links import LIT_ALPHAS
from explorer.ui.canvas.paint import (
    weaker_lit,
)
from explorer.ui.canvas.paper import Paper
from explorer.ui.canvas.placing import own_places, placing
from explorer.ui.canvas.scene import Scene, scene
from explorer.ui.canvas.texts import TextBox
from explorer.ui.canvas.viewport import Viewport, fit, kept_inside
from explorer.ui.canvas.words import (
    pill_text,
    pill_width,
)
from explorer.ui.lettering import text_width

REST_MS = 60  # after which a pan or zoom has come to rest and links are painted anew
MOST_DETAIL = 8.0
MOST_OVERVIEW = 2.0  # detail of a layout that is shown whole, with marks as much smaller
LEFT_OUT = 0.25  # share of influence without a place at which a layout is taken twice as large


class Stage(QObject):
    """``changed`` is called whenever a new frame should be shown, ``looked`` brings the part that is shown now."""

    looked = Signal(object)

    def __init__(self, theme: Theme, changed: Callable[[], None], parent: QObject) -> None:
        super().__init__(parent)
        self._changed = changed
        self.theme = theme
        self.text_scale = 1.0
        self.bias_open = False
        self.viewport = Viewport()
        self.is_out_of_date = False
        self._view: GraphView | None = None
        self._selection: tuple[int, ...] = ()
        self._size = (0.0, 0.0, 1.0)
        self._layouts: list[Layout] = []
        self._grids: dict[float, Grid] = {}
        self._scene: Scene | None = None
        self._atlases: dict[tuple[str, float, float, int], Atlas] = {}
        self._frame: Frame | None = None
        self._painted: QPixmap | None = None
        self._resting = Gallery(self._repaint, self)
        self._lit = Gallery(self._repaint, self)
        self._paper = Paper(self._resting, self._lit)
        self._lit_expected = False
        self._rest = QTimer(self, singleShot=True, interval=REST_MS)
        self._rest.timeout.connect(self._paint_links)

    # what it is told

    def set_view(self, view: GraphView | None, selection: tuple[int, ...]) -> None:
        old, self._view, self._selection = self._view, view, selection
        self._scene = None if view is None or old is None or old.graph is not view.graph else self._scene
        if view is None or old is None or view.graph is not old.graph:
            self._forget_layouts()
            self._resting.clear()
            self._lit.clear()
            self._paper = Paper(self._resting, self._lit)
        self._new_scene(links_changed=True)

    def select(self, selection: tuple[int, ...]) -> None:
        self._selection = selection
        self._new_scene(links_changed=False)

    def set_size(self, width: float, height: float, ratio: float) -> None:
        if (width, height, ratio) != self._size:
            self._size = (width, height, ratio)
            self._forget_layouts()
            self._moved()

    def set_theme(self, theme: Theme, text_scale: float) -> None:
        if theme != self.theme or text_scale != self.text_scale:
            if text_scale != self.text_scale:
                self._forget_layouts()
            self.theme, self.text_scale = theme, text_scale
            self._resting.clear()
            self._lit.clear()
            self._moved()

    def open_bias(self, is_open: bool) -> None:
        if is_open != self.bias_open:
            self.bias_open = is_open
            viewport = self.viewport
            self._forget_layouts()
            self._ensure_layouts()
            self.look(viewport)

    def look(self, viewport: Viewport) -> None:
        """Show another part; the picture of the links follows when the hand rests."""
        if self._layouts:
            width, height, _ = self._size
            self.viewport = kept_inside(viewport, self._layouts[0], width, height - LEGEND)
            self._moved()
            self.looked.emit(self.viewport)

    def fit(self) -> None:
        self._ensure_layouts()
        if self._layouts:
            self.viewport = fit(self._layouts[0], self._size[0], self._size[1] - LEGEND)
            self._moved()
            self.looked.emit(self.viewport)

    def follow(self, viewport: Viewport) -> None:
        """Show the part that another stage shows."""
        if viewport != self.viewport:
            self.look(viewport)

    def stop(self) -> None:
        self._rest.stop()
        self._resting.stop()
        self._lit.stop()

    # what it knows

    @property
    def is_settled(self) -> bool:
        """Whether the links on screen are those of the present view and place."""
        lit = not self._lit_expected or self._lit.is_complete
        return self._resting.is_complete and lit and not self._rest.isActive()

    @property
    def boxes(self) -> list[TextBox]:
        """The texts of the last painting."""
        return self._paper.boxes

    @property
    def scene(self) -> Scene | None:
        return self._scene

    @property
    def base(self) -> Layout | None:
        """The layout of detail 1."""
        self._ensure_layouts()
        return self._layouts[0] if self._layouts else None

    def frame(self) -> Frame | None:
        """What is to be painted now."""
        if self._frame is None and self._scene is not None and self._size[0] > 0:
            self._frame = self._new_frame(self._scene)
        return self._frame

    def node_at(self, x: float, y: float) -> int | None:
        """The mark nearest to a point of the widget."""
        frame = self.frame()
        if frame is None or not frame.plot.adjusted(0, 0, 0, 2).contains(x, y):
            return None
        for row in range(len(frame.layout.pills)):
            if frame.pill(row).contains(x, y):
                return int(frame.graph.block(NodeKind.LOGIT).start) + row
        detail = frame.layout.detail
        if detail not in self._grids:
            self._grids[detail] = Grid(frame.graph, frame.layout)
        place_x, place_y = self.viewport.place(x, y)
        scale_x, scale_y = self.viewport.scale_x / detail, self.viewport.scale_y / detail
        return self._grids[detail].nearest(
            place_x * detail, place_y * detail, scale_x, scale_y, frame.scene.view.shown
        )

    def painted(self) -> QPixmap | None:
        """The frame as a pixmap, painted if needed."""
        frame = self.frame()
        if frame is not None and self._painted is None:
            self._painted = self._paper.paint(frame)
            if not self._resting.is_complete and not self._resting.is_awaited:
                self._paint_links()
        return self._painted

    # how it is made

    def _new_scene(self, *, links_changed: bool) -> None:
        if self._view is not None:
            selection = tuple(node for node in self._selection if node < len(self._view.graph))
            self._scene = scene(self._view, selection, self._scene)
        else:
            self._scene = None
        self._frame = self._painted = None
        if links_changed and self._size[0] > 0:
            self._paint_links()
        elif self._size[0] > 0:
            self._lit.clear()
            self._paint_lit()
        self._changed()

    def _moved(self) -> None:
        self._frame = self._painted = None
        self._rest.start()
        self._changed()

    def _forget_layouts(self) -> None:
        self._layouts, self._grids = [], {}
        self._frame = self._painted = None

    def _ensure_layouts(self) -> None:
        if self._layouts or self._view is None or self._size[0] <= 0:
            return
        influence, headings = placing(self._view)
        width, height, _ = self._size
        tokens = [text_width(token_text(token), "body", self.text_scale) for token in headings]
        made = layout(
            self._view.graph,
            influence,
            float(width),
            float(height - LEGEND),
            token_widths=tokens,
            pill_widths=self._pill_widths(),
            bias_open=self.bias_open,
        )
        self._layouts = [own_places(self._view, made)]
        old = self.viewport
        self.viewport = fit(made, width, height - LEGEND)
        if old.zoom > 1.0:
            self.viewport = kept_inside(
                self.viewport.zoomed(old.zoom, width / 2, height / 2), made, width, height - LEGEND
            )

    def _pill_widths(self) -> list[float]:
        assert self._view is not None
        graph = self._view.graph
        widths = []
        chances = graph.probability[graph.block(NodeKind.LOGIT)]
        for logit_token, probability in zip(graph.logit_tokens, chances.tolist(), strict=True):
            token, chance = pill_text(logit_token, probability)
            token_width = text_width(token, "strong", self.text_scale)
            widths.append(pill_width((token_width, text_width(chance, "caption", self.text_scale))))
        return widths

    def _layout(self) -> Layout:
        """The layout whose cells are as full as the present scale allows."""
        assert self._view is not None
        self._ensure_layouts()
        row, graph, influence = 0, self._view.graph, placing(self._view)[0]
        while self._wants_more(row):
            if row + 1 == len(self._layouts):
                self._layouts.append(own_places(self._view, enlarge(graph, influence, self._layouts[row])))
            row += 1
        return self._layouts[row]

    def _wants_more(self, row: int) -> bool:
        made = self._layouts[row]
        if not made.more or made.detail >= MOST_DETAIL:
            return False
        if self.viewport.scale >= 2 * made.detail:
            return True
        return _left_out(self._view, made) > LEFT_OUT and made.detail < MOST_OVERVIEW

    def _new_frame(self, scene_: Scene) -> Frame:
        width, height, ratio = self._size
        made = self._layout()
        scale = mark_scale(min(self.viewport.scale / made.detail, 2.0))
        return Frame(
            scene_,
            made,
            self.viewport,
            ends(scene_.view.graph, made, self.viewport, scale, width, ratio),
            self.theme,
            self._atlas(scale, ratio),
            scale,
            width,
            height,
            ratio,
            self.text_scale,
            self.is_out_of_date,
        )

    def warm(self, ratio: float) -> None:
        """Draw the marks of the first picture ahead of it."""
        self._atlas(mark_scale(1.0), ratio)

    def _atlas(self, scale: float, ratio: float) -> Atlas:
        n_states = ALL_STATES if isinstance(self._view, Overlay) else STATES
        key = (self.theme.name, scale, ratio, n_states)
        if key not in self._atlases:
            self._atlases[key] = atlas(self.theme, scale, ratio, n_states)
        return self._atlases[key]

    def _paint_links(self) -> None:
        """Order pictures of the links for the present place."""
        frame = self.frame()
        if frame is None:
            return
        self._rest.stop()
        links = frame.scene.links
        self._resting.order(frame, (links.source, links.target), links.strength, links.hue)
        self._paint_lit()

    def _paint_lit(self) -> None:
        """Order the picture of those lit links that are too many to be drawn with every frame."""
        frame = self.frame()
        if frame is None:
            return
        source, target, strength, hue = weaker_lit(frame.scene)
        self._lit_expected = len(source) > 0
        if self._lit_expected:
            self._lit.order(frame, (source, target), strength, hue, LIT_ALPHAS)
        else:
            self._lit.clear()

    def _repaint(self) -> None:
        self._painted = None
        self._changed()


def _left_out(view: GraphView | None, made: Layout) -> float:
    """Share of the features' influence that has no place of its own."""
    assert view is not None
    features = view.graph.block(NodeKind.FEATURE)
    influence = view.influence[features]
    return float(influence[~made.placed[features]].sum() / max(influence.sum(), 1e-12))

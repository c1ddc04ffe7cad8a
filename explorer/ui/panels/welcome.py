"""The welcome page: open something, go on with something, or take a sample."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QStyle,
    QVBoxLayout,
    QWidget,
)

from explorer.io.samples import Sample
from explorer.session.settings import Recent
from explorer.ui.panels.first_start import FirstStart
from explorer.ui.panels.sample_pictures import SamplePicture
from explorer.ui.panels.specimen_cards import SpecimenCards
from explorer.ui.widgets.card import Card
from explorer.ui.widgets.elided import ElidedLabel
from explorer.ui.widgets.icons import IconLabel
from explorer.ui.widgets.look import px
from explorer.ui.widgets.scaling import at_most, fixed, on_text_size

LEFT = 392
COLUMNS = 3
WIDE_HIGH = 206
SIDES = 36  # left and right of what stands on the right
NARROW = 480  # too little for a picture beside its words
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class WelcomePanel(QWidget):
    """Says what was asked; the window does it."""

    TITLE = "Welcome"
    model_asked = Signal()
    document_asked = Signal()
    sample_asked = Signal(str)
    recent_asked = Signal(str)
    clear_asked = Signal()
    restore_asked = Signal(object)
    discard_asked = Signal(object)
    keys_asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Welcome")
        self.recent_cards: list[Card] = []
        self._recovered: object = None
        self.sample_cards: list[Card] = []
        self._shown: Sequence[Sample] = ()
        self._is_narrow = False
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._left())
        layout.addWidget(self._right(), 1)
        on_text_size(self, self._arrange)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def _arrange(self) -> None:
        """Put beside each other what there is room for at this width and text size."""
        room = self.width() - px(LEFT) - 2 * SIDES - self.style().pixelMetric(QStyle.PixelMetric.PM_ScrollBarExtent)
        self.specimens.arrange(room)
        is_narrow = room < px(NARROW)
        if is_narrow != self._is_narrow:
            self._is_narrow = is_narrow
            self.show_samples(self._shown)

    def show_samples(self, samples: Sequence[Sample]) -> None:
        _empty(self._samples)
        self._shown, self.sample_cards = samples, []
        for at, sample in enumerate(samples):
            card = _sample_card(sample, wide=len(samples) == 1 and not self._is_narrow)
            card.clicked.connect(_Choice(card, sample.name, self.sample_asked).take)
            span = COLUMNS if len(samples) == 1 else 1
            self._samples.addWidget(card, at // COLUMNS, at % COLUMNS, 1, span)
            self.sample_cards.append(card)
        for column in range(COLUMNS):
            self._samples.setColumnStretch(column, 1)

    def show_recent(self, recent: Sequence[Recent], now: datetime) -> None:
        _empty(self._recent)
        self.recent_cards = []
        self.recent_head.setVisible(bool(recent))
        self.first_start.show_recent(bool(recent))
        for row in recent:
            card = _recent_card(row, now)
            card.clicked.connect(_Choice(card, row.path, self.recent_asked).take)
            self._recent.addWidget(card)
            self.recent_cards.append(card)

    def show_recovery(
        self, document: str, n_edits: int, when: datetime, what: object, now: datetime, *, crashed: bool = True
    ) -> None:
        """Offer to restore ``what``: unsaved edits of ``document``."""
        edits = "1 unsaved edit" if n_edits == 1 else f"{n_edits:,} unsaved edits"
        how = "was not closed properly" if crashed else "was left without saving"
        self.recovery_words.setText(f"“{document}” {how}. {edits} from {relative(when, now)} can be restored.")
        self._recovered = what
        self.recovery.show()

    def hide_recovery(self) -> None:
        self.recovery.hide()

    # building

    def _left(self) -> QWidget:
        column = QWidget()
        layout = QVBoxLayout(column)
        layout.setContentsMargins(44, 50, 36, 24)
        layout.setSpacing(8)
        title = QLabel("See why a model said it")
        title.setProperty("role", "page")
        words = QLabel(
            "Open a model from this computer, type a prompt, and walk the graph behind the next token. "
            "Nothing leaves this machine."
        )
        words.setProperty("role", "lead")
        words.setWordWrap(True)
        self.open_model = _door("folder", "Open a model…", "Ctrl O", ink=True)
        self.open_document = _door("file", "Open a graph or document…", "Ctrl Shift O")
        self.open_model.clicked.connect(self.model_asked)
        self.open_document.clicked.connect(self.document_asked)
        drop = QLabel("Or drop a folder, graph .json or .circuit file anywhere in this window.")
        drop.setProperty("role", "caption")
        drop.setWordWrap(True)
        layout.addWidget(title)
        layout.addWidget(words)
        layout.addSpacing(12)
        layout.addWidget(self.open_model)
        layout.addWidget(self.open_document)
        layout.addWidget(drop)
        layout.addSpacing(14)
        self.first_start = FirstStart()
        layout.addWidget(self.first_start)
        layout.addWidget(self._recent_head())
        self._recent = QVBoxLayout()
        self._recent.setSpacing(0)
        layout.addLayout(self._recent)
        layout.addSpacing(10)
        layout.addWidget(self._recovery())
        layout.addStretch()
        fixed(column, width=LEFT)
        area = _scrolled(column)
        fixed(area, width=LEFT)
        return area

    def _recent_head(self) -> QWidget:
        self.recent_head = QWidget()
        title = QLabel("Recent")
        title.setProperty("role", "section")
        clear = QPushButton("Clear list")
        clear.setProperty("link", True)
        clear.clicked.connect(self.clear_asked)
        row = QHBoxLayout(self.recent_head)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(title)
        row.addStretch()
        row.addWidget(clear)
        self.recent_head.hide()
        return self.recent_head

    def _recovery(self) -> QWidget:
        self.recovery = QFrame()
        self.recovery.setProperty("card", True)
        self.recovery_words: QLabel = QLabel()
        self.recovery_words.setWordWrap(True)
        self.restore = QPushButton("Restore")
        self.discard = QPushButton("Discard")
        self.discard.setProperty("link", True)
        self.restore.clicked.connect(self._restore)
        self.discard.clicked.connect(self._discard)
        buttons = QVBoxLayout()
        buttons.setSpacing(4)
        buttons.addWidget(self.restore)
        buttons.addWidget(self.discard)
        row = QHBoxLayout(self.recovery)
        row.setContentsMargins(12, 10, 12, 10)
        row.setSpacing(10)
        row.addWidget(IconLabel("restore"))
        row.addWidget(self.recovery_words, 1)
        row.addLayout(buttons)
        self.recovery.hide()
        return self.recovery

    def _right(self) -> QWidget:
        page = QWidget()
        page.setProperty("panel", True)
        title = QLabel("Samples")
        title.setProperty("role", "title")
        said = QLabel("ship with the app, no download")
        said.setProperty("role", "caption")
        said.setWordWrap(True)
        said.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        head = QHBoxLayout()
        head.addWidget(title)
        head.addWidget(said, 1)
        self._samples = QGridLayout()
        self._samples.setSpacing(16)
        layout = QVBoxLayout(page)
        layout.setContentsMargins(SIDES, 50, SIDES, 24)
        layout.setSpacing(12)
        layout.addLayout(head)
        layout.addLayout(self._samples)
        layout.addSpacing(8)
        self.specimens = SpecimenCards()
        layout.addWidget(self.specimens)
        layout.addSpacing(8)
        layout.addWidget(self._keys())
        layout.addStretch()
        return _scrolled(page)

    def _keys(self) -> QWidget:
        self.keys = Card("Keyboard map")
        title = QLabel("Everything has a key")
        title.setProperty("role", "section")
        title.setWordWrap(True)
        words = QLabel("Walk the graph with the arrows, I to the strongest input, O to the strongest output.")
        words.setProperty("role", "second")
        words.setWordWrap(True)
        text = QVBoxLayout()
        text.setSpacing(2)
        text.addWidget(title)
        text.addWidget(words)
        row = QHBoxLayout()
        row.setContentsMargins(16, 14, 16, 14)
        row.setSpacing(12)
        row.addWidget(IconLabel("unknown"))
        row.addLayout(text, 1)
        row.addWidget(_second("Keyboard map"))
        row.addWidget(_keycap("F1"), 0, Qt.AlignmentFlag.AlignVCenter)
        self.keys.hold(row)
        self.keys.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.keys.clicked.connect(self.keys_asked)
        return self.keys

    def _restore(self) -> None:
        self.restore_asked.emit(self._recovered)

    def _discard(self) -> None:
        self.recovery.hide()
        self.discard_asked.emit(self._recovered)


class _Choice(QObject):
    """Says ``value`` by ``signal`` when its card is clicked."""

    def __init__(self, card: Card, value: str, signal: object) -> None:
        super().__init__(card)
        self._value, self._signal = value, signal

    def take(self) -> None:
        self._signal.emit(self._value)  # type: ignore[attr-defined]


def relative(when: datetime, now: datetime) -> str:
    """today 14:20, yesterday, 18 Nov, 18 Nov 2025."""
    days = (now.date() - when.date()).days
    if days == 0:
        return f"today {when:%H:%M}"
    if days == 1:
        return "yesterday"
    day = f"{when.day} {MONTHS[when.month - 1]}"
    return day if when.year == now.year else f"{day} {when.year}"


def _time(text: str, now: datetime) -> datetime:
    """The time in ``text`` where ``now`` is; now if it makes no sense."""
    try:
        return datetime.fromisoformat(text).astimezone(now.tzinfo)
    except ValueError:
        return now


def _door(drawing: str, text: str, keys: str, *, ink: bool = False) -> Card:
    card = Card(text.removesuffix("…"), ink=ink)
    words = QLabel(text)
    words.setProperty("role", "on_ink" if ink else "section")
    row = QHBoxLayout()
    row.setContentsMargins(13, 0, 12, 0)
    row.setSpacing(10)
    row.addWidget(IconLabel(drawing, "surface_panel" if ink else "text_2"))
    row.addWidget(words)
    row.addStretch()
    cap = _keycap(keys)
    cap.setProperty("on_ink", ink)
    row.addWidget(cap, 0, Qt.AlignmentFlag.AlignVCenter)
    card.hold(row)
    fixed(card, height=40)
    return card


def _sample_card(sample: Sample, *, wide: bool) -> Card:
    """Picture above and words below; one sample alone has them side by side."""
    card = Card(sample.title)
    title = QLabel(sample.title)
    title.setProperty("role", "title" if wide else "section")
    words = QLabel(sample.description)
    words.setProperty("role", "second")
    words.setWordWrap(True)
    prompt = QLabel(f"“{sample.prompt}”")
    prompt.setWordWrap(True)
    facts = QLabel(sample.facts)
    facts.setProperty("role", "caption")
    facts.setWordWrap(True)
    text = QVBoxLayout()
    text.setContentsMargins(16, 12, 16, 14)
    text.setSpacing(6)
    if wide:
        text.addStretch()
    for part in (title, words, prompt, facts):
        text.addWidget(part)
    text.addStretch()
    whole = QHBoxLayout() if wide else QVBoxLayout()
    whole.setContentsMargins(0, 0, 0, 0)
    whole.setSpacing(0)
    whole.addWidget(SamplePicture(sample.name, beside=wide))
    whole.addLayout(text, 1)
    card.hold(whole)
    card.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
    if wide:
        at_most(card, height=WIDE_HIGH)
    return card


def _recent_card(row: Recent, now: datetime) -> Card:
    path = Path(row.path)
    card = Card(", ".join(filter(None, (path.name, row.about))), flat=True)
    card.setToolTip(row.path)
    grid = QGridLayout()
    grid.setContentsMargins(0, 6, 0, 7)
    grid.setHorizontalSpacing(10)
    grid.setVerticalSpacing(1)
    grid.addWidget(IconLabel("folder" if path.suffix == "" else "file"), 0, 0, 2, 1)
    grid.addWidget(ElidedLabel(path.name), 0, 1)
    grid.addWidget(_caption(relative(_time(row.opened, now), now)), 0, 2, Qt.AlignmentFlag.AlignRight)
    about = ElidedLabel(row.about or str(path.parent))
    about.setProperty("role", "caption")
    grid.addWidget(about, 1, 1)
    grid.addWidget(_caption(row.size), 1, 2, Qt.AlignmentFlag.AlignRight)
    grid.setColumnStretch(1, 1)
    card.hold(grid)
    return card


def _caption(text: str) -> QLabel:
    label = QLabel(text)
    label.setProperty("role", "caption")
    return label


def _second(text: str) -> QLabel:
    label = QLabel(text)
    label.setProperty("role", "second")
    return label


def _keycap(text: str) -> QLabel:
    label = QLabel(text)
    label.setProperty("keycap", True)
    return label


def _scrolled(widget: QWidget) -> QScrollArea:
    area = QScrollArea()
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setWidgetResizable(True)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setWidget(widget)
    return area


def _empty(layout: QGridLayout | QVBoxLayout) -> None:
    while (item := layout.takeAt(0)) is not None:
        if (widget := item.widget()) is not None:
            widget.hide()
            widget.deleteLater()

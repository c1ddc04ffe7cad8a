"""ExportDialog: which figure, how large, in which theme and format, with a picture of what will be written."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QSignalBlocker, Qt, QTimer, Signal
from PySide6.QtGui import QStandardItemModel
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QCheckBox,
    QDialog,
    QDoubleSpinBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from explorer.errors import ExplorerError
from explorer.session.figure import Figure
from explorer.session.page import LIMITS, MM_PER_INCH, OPTIONS, SUFFIXES, Page, Wish, per_unit, too_small, words_pt
from explorer.session.pictures import VIEWS, Material, picture, view_of
from explorer.ui.widgets.choice import Choice, choice_of
from explorer.ui.widgets.look import px, set_property
from explorer.ui.widgets.page_view import PageView

SVG, PDF, PNG, HTML = SUFFIXES
FORMATS = (
    (SVG, "SVG, text stays text"),
    (PDF, "PDF, text stays text"),
    (PNG, "PNG, pixels"),
    (HTML, "HTML, interactive"),
)
KINDS = {SVG: "SVG picture", PDF: "PDF document", PNG: "PNG picture", HTML: "Web page"}
THEMES = (("print", "Print, on white"), ("light", "Light"), ("dark", "Dark"))
LENGTHS = (("mm", "mm"), ("in", "inches"), ("px", "pixels"))
DECIMALS = {"mm": 0, "in": 2, "px": 0}
REST_MS = 120
EDGE = 40  # of the window that stays in sight
WIDE, HIGH = 920, 600
PAGE_WORDS = "One file that any browser opens, without a network: move, enlarge, open boxes, read what feeds them."
HELP = {option.field: option.help for option in OPTIONS}


class ExportDialog(QDialog):
    """Not told before it is done: ``kept`` is the Wish as it was used, ``copied`` a Figure, ``written`` a sentence."""

    kept = Signal(object)
    copied = Signal(object)
    written = Signal(str)

    def __init__(
        self, material: Material, wish: Wish, present: str, name: str, folder: str, parent: QWidget | None = None
    ) -> None:
        """``present`` is the view on screen, ``name`` what the file is called, ``folder`` where the first one goes."""
        super().__init__(parent)
        self.setWindowTitle("Export a figure")
        self._material, self._wish, self._name = material, wish, name
        self._folder = wish.folder if wish.folder and Path(wish.folder).is_dir() else folder
        self.figure: Figure | None = None
        self._rest = QTimer(self, singleShot=True, interval=REST_MS)
        self._rest.timeout.connect(self.look)
        self._build(_first(material, wish, present))
        self._lay_out()
        self._connect()
        self.look()

    @property
    def wish(self) -> Wish:
        """What the fields say."""
        values: dict[str, Any] = {
            "width_mm": self._mm(self.width_),
            "height_mm": self._mm(self.height_),
            "font_pt": self.font_size.value(),
            "dpi": self.dpi.value(),
            "theme": str(self.theme.currentData()),
            "legend": self.legend.isChecked(),
            "caption": self.caption.isChecked(),
        }
        unit, suffix = str(self.unit.currentData()), str(self.format.currentData())
        return Wish(str(self.view.currentData()), suffix, unit, self._folder, replace(self._wish.page, **values))

    # building

    def _build(self, view: str) -> None:
        page = self._wish.page
        self.view = choice_of("View", tuple((row.id, row.name) for row in VIEWS), view)
        for at, row in enumerate(VIEWS):
            why = row.lacks(self._material)
            _enable(self.view, at, why)
        self.format = choice_of("Format", FORMATS, self._wish.suffix)
        self.unit = choice_of("Unit of width and height", LENGTHS, self._wish.unit)
        self._unit = str(self.unit.currentData())
        self.width_, self.height_ = _length("Width", "width_mm"), _length("Height", "height_mm")
        for length in (self.width_, self.height_):
            length.setSpecialValueText("as needed")
        self.font_size = _length("Font size", "font_pt")
        self.font_size.setRange(*LIMITS["font_pt"])
        self.font_size.setDecimals(1)
        self.font_size.setSuffix(" pt")
        self.font_size.setValue(page.font_pt)
        self.dpi = QSpinBox()
        self.dpi.setRange(*(int(limit) for limit in LIMITS["dpi"]))
        self.dpi.setSingleStep(50)
        self.dpi.setSuffix(" dpi")
        self.dpi.setValue(page.dpi)
        _name(self.dpi, "Resolution", HELP["dpi"])
        self.theme = choice_of("Theme", THEMES, page.theme)
        self.legend, self.caption = QCheckBox("Legend"), QCheckBox("Caption")
        for box, name in ((self.legend, "legend"), (self.caption, "caption")):
            box.setChecked(getattr(page, name))
            box.setToolTip(f"{HELP[name][0].upper()}{HELP[name][1:]}")
        self._put_sizes(page)
        self.preview = PageView("Preview")
        self.words, self.fault = QLabel(), QLabel()
        for label, role in ((self.words, "caption"), (self.fault, "danger")):
            label.setProperty("role", role)
            label.setWordWrap(True)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.copy, self.close_, self.save = QPushButton("Copy"), QPushButton("Close"), QPushButton("Export…")
        self.copy.setToolTip("Put the figure into the clipboard, as SVG, PDF and a picture")
        self.save.setToolTip("Choose a file and write the figure there")
        self.save.setProperty("primary", True)
        self.save.setDefault(True)
        self.close_.setAutoDefault(False)
        self.copy.setAutoDefault(False)

    def _lay_out(self) -> None:
        form = QFormLayout()
        form.setHorizontalSpacing(12)
        form.setVerticalSpacing(8)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        rows: tuple[tuple[str, QWidget], ...] = (("View", self.view), ("Format", self.format), ("Width", self.width_))
        rows += (("Height", self.height_), ("Unit", self.unit), ("Font size", self.font_size))
        rows += (("Resolution", self.dpi), ("Theme", self.theme), ("", self.legend), ("", self.caption))
        for words, field in rows:
            label = QLabel(words)
            label.setProperty("role", "second")
            form.addRow(label, field)
        left = QVBoxLayout()
        left.setSpacing(10)
        left.addLayout(form)
        left.addWidget(self.words)
        left.addWidget(self.fault)
        left.addStretch()
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addWidget(self.copy)
        buttons.addStretch()
        buttons.addWidget(self.close_)
        buttons.addWidget(self.save)
        left.addLayout(buttons)
        column = QWidget()
        column.setLayout(left)
        left.setContentsMargins(0, 0, 0, 0)
        column.setFixedWidth(px(312))
        layout = QHBoxLayout(self)
        layout.setContentsMargins(20, 18, 20, 16)
        layout.setSpacing(18)
        layout.addWidget(column)
        layout.addWidget(self.preview, 1)
        around = self.parentWidget()
        wide, high = (around.width() - EDGE, around.height() - EDGE) if around is not None else (WIDE, HIGH)
        self.resize(min(px(WIDE), wide), min(px(HIGH), high))

    def _connect(self) -> None:
        for choice in (self.view, self.format, self.theme):
            choice.currentIndexChanged.connect(self._changed)
        for number in (self.width_, self.height_, self.font_size):
            number.valueChanged.connect(self._changed)
        self.dpi.valueChanged.connect(self._resolution_changed)
        self.unit.currentIndexChanged.connect(self._unit_changed)
        for box in (self.legend, self.caption):
            box.toggled.connect(self._changed)
        self.copy.clicked.connect(self._copy)
        self.close_.clicked.connect(self.reject)
        self.save.clicked.connect(self._save)

    # sizes

    def _mm(self, field: QDoubleSpinBox) -> float:
        return field.value() * per_unit(self._unit, float(self.dpi.value()))

    def _put_sizes(self, page: Page) -> None:
        """Write width and height of ``page`` in the present unit."""
        one = per_unit(self._unit, float(self.dpi.value()))
        for field, name in ((self.width_, "width_mm"), (self.height_, "height_mm")):
            most = LIMITS[name][1]
            with QSignalBlocker(field):
                field.setDecimals(DECIMALS[self._unit])
                field.setRange(0.0, most / one)
                field.setSingleStep(0.1 if self._unit == "in" else 10.0)
                field.setValue(getattr(page, name) / one)

    def _unit_changed(self) -> None:
        page = self.wish.page
        self._unit = str(self.unit.currentData())
        self._put_sizes(page)
        self._changed()

    def _resolution_changed(self) -> None:
        """Pixels keep their number; what they are on paper changes."""
        if self._unit == "px":
            numbers = self.width_.value(), self.height_.value()
            self._put_sizes(self.wish.page)
            self.width_.setValue(numbers[0])
            self.height_.setValue(numbers[1])
        self._changed()

    # showing

    def _changed(self) -> None:
        self._rest.start()

    def look(self) -> None:
        """Draw what would be written now."""
        self._rest.stop()
        wish = self.wish
        row = view_of(wish.view)
        self._offer(wish)
        self.fault.setText("")
        try:
            self.figure = picture(self._material, wish.view, wish.page)
        except ExplorerError as error:
            self.figure = None
            self.words.setText("")
            self.preview.show_figure(None, str(error))
        else:
            self.preview.show_figure(self.figure)
            self.words.setText(self._said(self.figure, wish))
        set_property(self.preview, "empty", self.figure is None)
        self.legend.setEnabled(row.has_legend and wish.suffix != HTML)
        self.caption.setEnabled(row.has_caption and wish.suffix != HTML)
        self.save.setEnabled(self.figure is not None)
        self.copy.setEnabled(self.figure is not None)

    def _offer(self, wish: Wish) -> None:
        """A web page is of the subgraph alone, and has no size; a resolution is of pixels."""
        _enable(self.format, SUFFIXES.index(HTML), "" if wish.view == "subgraph" else "A web page is of the subgraph.")
        if wish.suffix == HTML and wish.view != "subgraph":
            with QSignalBlocker(self.format):
                self.format.setCurrentIndex(0)
            wish = self.wish
        is_page = wish.suffix == HTML
        for field in (self.width_, self.height_, self.unit, self.font_size, self.theme):
            field.setEnabled(not is_page)
        self.dpi.setEnabled(not is_page and (wish.suffix == PNG or wish.unit == "px"))

    def _said(self, figure: Figure, wish: Wish) -> str:
        if wish.suffix == HTML:
            return PAGE_WORDS
        size = f"{figure.width_mm:.0f} × {figure.height_mm:.0f} mm"
        if wish.suffix == PNG or wish.unit == "px":
            dots = wish.page.dpi / MM_PER_INCH
            size += f", {figure.width_mm * dots:,.0f} × {figure.height_mm * dots:,.0f} pixels"
        size += ". "
        return size + (too_small(figure, wish.page) or f"Words of {words_pt(figure):.1f} pt and more.")

    # doing

    def _copy(self) -> None:
        self.look()
        if self.figure is not None:
            self.kept.emit(self.wish)
            self.copied.emit(self.figure)

    def _save(self) -> None:
        self.look()
        wish = self.wish
        kind = f"{KINDS[wish.suffix]} (*{wish.suffix})"
        start = str(Path(self._folder) / f"{self._name}-{wish.view}{wish.suffix}")
        chosen, _ = QFileDialog.getSaveFileName(self, "Export a figure", start, kind)
        if not chosen:
            return
        path = Path(chosen)
        try:
            self._write(path if path.suffix.lower() == wish.suffix else _with_suffix(path, wish.suffix))
        except ExplorerError as error:
            self.fault.setText(str(error))

    def _write(self, path: Path) -> None:
        from explorer.io.page_html import write_page
        from explorer.ui.export import write_figure

        if self.figure is None:
            return
        if path.suffix.lower() == HTML:
            write_page(self._material.view, path, self._material.subgraph)
        else:
            write_figure(self.figure, path, self.wish.page.dpi)
        self._folder = str(path.parent)
        self.kept.emit(self.wish)
        self.written.emit(f"Exported “{path.name}”.")
        self.accept()


def _first(material: Material, wish: Wish, present: str) -> str:
    """The view to begin with: the one on screen, or of the graph the one that was wanted last, if it is there."""
    if present != "screen":
        return present
    known = any(row.id == wish.view and not row.lacks(material) for row in VIEWS)
    return wish.view if known and wish.view != "subgraph" else "graph"


def _with_suffix(path: Path, suffix: str) -> Path:
    """``path`` with the format's ending; ExplorerError if that is another file, which nobody agreed to replace."""
    named = path.with_name(path.name + suffix)
    if named.exists():
        raise ExplorerError(f"“{named.name}” exists already; choose it itself to replace it, or another name.")
    return named



def _enable(choice: Choice, at: int, why_not: str) -> None:
    """Offer a row, or say why it is not offered."""
    model = choice.model()
    assert isinstance(model, QStandardItemModel)
    item = model.item(at)
    item.setEnabled(not why_not)
    item.setToolTip(why_not)


def _length(name: str, field: str) -> QDoubleSpinBox:
    box = QDoubleSpinBox()
    box.setStepType(QAbstractSpinBox.StepType.DefaultStepType)
    _name(box, name, HELP[field])
    return box


def _name(box: QAbstractSpinBox, name: str, tip: str) -> None:
    box.setAccessibleName(name)
    box.setToolTip(f"{name} {tip}")
    box.lineEdit().setTextMargins(9, 0, 9, 0)  # the style sheet's padding does not reach it



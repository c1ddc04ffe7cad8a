"""The preferences dialog: look, and where and how precisely the engine computes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QSlider,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from explorer.session.settings import TEXT_SCALES, Settings
from explorer.ui.engine_field import EngineField
from explorer.ui.widgets.choice import choice_of
from explorer.ui.widgets.scaling import at_least

THEMES = (("system", "As the system"), ("light", "Light"), ("dark", "Dark"))
DEVICES = (("auto", "The fastest there is"), ("cpu", "CPU"), ("cuda", "NVIDIA GPU"), ("mps", "Apple GPU"))
PRECISIONS = (
    ("float32", "float32, exact"),
    ("float64", "float64, slower"),
    ("bfloat16", "bfloat16, a fast preview"),
)
STEP = 10


class Preferences(QDialog):
    """Every change is told at once by ``changed`` with the whole Settings; there is nothing to confirm."""

    changed = Signal(object)

    def __init__(self, settings: Settings, parent: QWidget | None = None, devices: Sequence[str] = ()) -> None:
        super().__init__(parent)
        self.setWindowTitle("Preferences")
        self.settings = settings
        self.theme = choice_of("Theme", THEMES, settings.theme)
        self.text_size = QSlider(Qt.Orientation.Horizontal)
        self.text_size.setRange(TEXT_SCALES[0] // STEP, TEXT_SCALES[1] // STEP)
        self.text_size.setPageStep(1)
        self.text_size.setValue(round(settings.text_scale / STEP))
        self.text_size.setAccessibleName("Text size in per cent")
        self.size_value = QLabel()
        self.device = choice_of("Device", _there(devices, settings.device), settings.device)
        self.dtype = choice_of("Precision", PRECISIONS, settings.dtype)
        self.threads = QSpinBox()
        self.threads.setRange(0, 4 * (os.cpu_count() or 1))
        self.threads.setSpecialValueText("As many as the system gives")
        self.threads.setValue(settings.threads)
        self.threads.setAccessibleName("Threads")
        self.threads.lineEdit().setTextMargins(9, 0, 9, 0)  # the style sheet's padding does not reach it
        self.engine: EngineField = EngineField(settings.engine_command)
        self.command = self.engine.command
        self._lay_out()
        self._connect()
        self._show_size()

    def _lay_out(self) -> None:
        size = QHBoxLayout()
        size.setSpacing(10)
        size.addWidget(self.text_size, 1)
        size.addWidget(self.size_value)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(20, 18, 20, 16)
        layout.setSpacing(8)
        layout.addWidget(_head("Look"))
        layout.addLayout(_form((("Theme", self.theme), ("Text size", size))))
        layout.addSpacing(10)
        layout.addWidget(_head("Engine"))
        layout.addLayout(
            _form(
                (
                    ("Device", self.device),
                    ("Precision", self.dtype),
                    ("Threads", self.threads),
                    ("Command", self.engine),
                )
            )
        )
        hint = QLabel(
            "Device, precision and threads hold from the next run on.\nA command such as "
            "“/home/me/env/bin/circuit-explorer engine” computes with the engine of that environment, at once; what is "
            "open stays open."
        )
        hint.setProperty("role", "caption")
        hint.setWordWrap(True)
        layout.addWidget(hint)
        layout.addStretch()
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.accept)
        layout.addWidget(buttons)
        at_least(self, width=460)

    def _connect(self) -> None:
        for combo in (self.theme, self.device, self.dtype):
            combo.currentIndexChanged.connect(self._tell)
        self.text_size.valueChanged.connect(self._tell)
        self.threads.valueChanged.connect(self._tell)
        self.engine.chosen.connect(self._tell_command)
        self.engine.spoke.connect(self._grow)
        self.finished.connect(self.engine.close_trial)

    def _tell(self) -> None:
        self._show_size()
        settings = replace(
            self.settings,
            theme=self.theme.currentData(),
            text_scale=self.text_size.value() * STEP,
            device=self.device.currentData(),
            dtype=self.dtype.currentData(),
            threads=self.threads.value(),
        )
        self._change(settings)

    def _tell_command(self) -> None:
        self._change(replace(self.settings, engine_command=self.command.text().strip()))

    def _change(self, settings: Settings) -> None:
        if settings != self.settings:
            self.settings = settings
            self.changed.emit(settings)
            self._grow()  # the text may be larger now

    def _grow(self) -> None:
        """Be as high as the words need; Qt gives a dialog its height but once."""
        layout = self.layout()
        if layout is not None:
            layout.activate()  # else the form within still holds its old height
            self.resize(self.width(), max(self.height(), layout.totalHeightForWidth(self.width())))

    def _show_size(self) -> None:
        self.size_value.setText(f"{self.text_size.value() * STEP} %")


def _there(devices: Sequence[str], chosen: str) -> tuple[tuple[str, str], ...]:
    """The devices to offer: those that the engine says exist (all, before it has), and the one that is chosen."""
    kinds = {"auto", chosen, *(device.split(":")[0] for device in devices)}
    return tuple((key, words) for key, words in DEVICES if not devices or key in kinds)



def _head(text: str) -> QLabel:
    head = QLabel(text)
    head.setProperty("role", "section")
    return head


def _form(rows: tuple[tuple[str, Any], ...]) -> QFormLayout:
    form = QFormLayout()
    form.setHorizontalSpacing(20)
    form.setVerticalSpacing(8)
    form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
    for name, field in rows:
        label = QLabel(name)
        label.setProperty("role", "second")
        at_least(label, width=80)
        form.addRow(label, field)
    return form

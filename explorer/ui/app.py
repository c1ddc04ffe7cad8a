"""The application: from the command line to a window on screen, and back."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from PySide6.QtCore import QObject, QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication

from explorer import __version__
from explorer.engine.command import command_of
from explorer.errors import ExplorerError, SaveError
from explorer.io import settings_file
from explorer.io.samples import find
from explorer.session.settings import Settings
from explorer.session.theme import DARK, LIGHT, Theme
from explorer.ui import theme as themes
from explorer.ui.autosave import Autosave
from explorer.ui.canvas import GraphCanvas
from explorer.ui.document import Document
from explorer.ui.notices import Notice, TopHook
from explorer.ui.probe import check_none_references
from explorer.ui.widgets.chrome import dress, prepare
from explorer.ui.window import MainWindow
from explorer.ui.work import Engine

PICTURE_SIZE = (1440, 900)
PICTURE_MS = 120_000


def run(paths: Sequence[str] = (), *, engine: str = "", picture: Path | None = None) -> int:
    """Show the window until it is closed; the exit code.

    ``paths`` are opened (a sample's name too). ``engine`` is the command of another engine than our own. With
    ``picture`` the window is drawn into that file once what was asked for is on screen, and the program ends.
    """
    check_none_references()
    check_screen(picture)
    application = _application()
    shell = Shell(application, engine)
    shell.window.show()
    photographer = None if picture is None else Photographer(shell, picture, bool(paths))
    QTimer.singleShot(0, shell, lambda: shell.begin(tuple(paths)))
    try:
        code = application.exec()
    finally:
        shell.close()
    if photographer is not None and photographer.fault:
        raise ExplorerError(photographer.fault)
    return code


def check_screen(picture: Path | None) -> None:
    """Let Qt paint off screen where only a ``picture`` is wanted and no screen is there.

    ExplorerError without a picture: Qt would abort the process.
    """
    screens = ("QT_QPA_PLATFORM", "DISPLAY", "WAYLAND_DISPLAY")
    if sys.platform != "linux" or any(os.environ.get(name) for name in screens):
        return
    if picture is None:
        raise ExplorerError(
            "There is no screen here (neither DISPLAY nor WAYLAND_DISPLAY is set); "
            "for a picture of the window use “circuit-explorer open us-cities --picture window.png”."
        )
    os.environ["QT_QPA_PLATFORM"] = "offscreen"


def _application() -> QApplication:
    present = QApplication.instance()
    application = present if isinstance(present, QApplication) else QApplication(sys.argv[:1])
    application.setApplicationName("circuit-explorer")
    application.setApplicationDisplayName("Circuit Explorer")
    application.setApplicationVersion(__version__)
    QGuiApplication.setDesktopFileName("circuit-explorer")
    themes.load_fonts()
    return application


class Shell(QObject):
    """Document, engine and window, and what lasts as long as they do."""

    def __init__(self, application: QApplication, engine: str = "") -> None:
        super().__init__()
        self._application = application
        self.settings = settings_file.read()
        prepare(application, self.theme, self.settings.text_scale / 100)
        self.document = Document(self)
        self.engine = Engine(self.document, command_of(engine or self.settings.engine_command), parent=self)
        self.engine.set_setting(self.settings.device, self.settings.dtype, self.settings.threads)
        self.canvas = GraphCanvas(self.document, self.theme)
        self.window = MainWindow(self.document, self.engine, self.canvas, self.settings, self.keep)
        self.dress(self.settings)
        self.canvas.overview.set_wanted(self.settings.overview)
        self.autosave = Autosave(self.window)
        self.hook = TopHook(self.window.banner, self.engine.log, self)
        self.hook.install()
        self.window.dressed.connect(self.dress)
        application.styleHints().colorSchemeChanged.connect(self._system_changed)

    @property
    def theme(self) -> Theme:
        chosen = {"light": LIGHT, "dark": DARK}
        return chosen.get(self.settings.theme) or themes.system_theme()

    def begin(self, paths: tuple[str, ...]) -> None:
        """Start the engine, now that the window is there, offer what a crash left and open ``paths``."""
        gc.enable()  # cli.looking has put it off
        self.engine.start()
        self.autosave.offer()
        QTimer.singleShot(0, self, self._warm)
        named = [None if Path(path).exists() else find(path) for path in paths]
        for sample in filter(None, named):
            self.window.files.open_sample(sample.name)
        self.window.files.open_paths([Path(path) for path, sample in zip(paths, named, strict=True) if sample is None])

    def _warm(self) -> None:
        """Do now what the first graph would else wait for: numpy imports this part at the first np.unique."""
        for name in ("numpy.ma", "explorer.io.circuit_file"):
            import_module(name)
        self.canvas.warm()
        self.window.evidence.begin()

    def keep(self, settings: Settings) -> None:
        """Write ``settings``; if that fails, say so and go on."""
        self.settings = settings
        try:
            settings_file.write(settings)
        except SaveError as error:
            self.window.banner.show_notice(Notice(str(error), key="settings"))

    def dress(self, settings: Settings) -> None:
        """Show everything in the theme and text size of ``settings``."""
        self.settings = settings
        self._dress(settings)
        self.canvas.set_theme(self.theme, settings.text_scale / 100)

    def close(self) -> None:
        """End the engine and give the hook back."""
        self.hook.remove()
        self.autosave.close()
        self.engine.close()
        self._application.styleHints().colorSchemeChanged.disconnect(self._system_changed)
        self.window.close()
        self.window.deleteLater()

    def _dress(self, settings: Settings) -> None:
        dress(self._application, self.theme, settings.text_scale / 100)

    def _system_changed(self) -> None:
        if self.settings.theme == "system":
            self.dress(self.settings)


class Photographer(QObject):
    """Writes a picture of the window when its graph is drawn (at once if none is awaited), then quits.

    ``fault`` says why there is none.
    """

    def __init__(self, shell: Shell, file: Path, awaits_graph: bool) -> None:
        super().__init__(shell)
        self._shell, self._file = shell, file
        self.fault = ""
        shell.window.resize(*PICTURE_SIZE)
        self._late = QTimer(self, singleShot=True, interval=PICTURE_MS)
        self._late.timeout.connect(self._give_up)
        self._late.start()
        if awaits_graph:
            shell.canvas.settled.connect(self._look)
            shell.engine.job_failed.connect(self._give_up)
            shell.window.banner.occupied.connect(self._told)
        else:
            QTimer.singleShot(0, self, self._take)

    def _look(self) -> None:
        document = self._shell.document
        if document.graph is not None and not document.is_partial and self._shell.canvas.is_settled:
            QTimer.singleShot(0, self, self._take)

    def _take(self) -> None:
        self._late.stop()
        if not self._shell.window.grab().save(str(self._file)):
            self.fault = f"“{self._file}” could not be written; give a path that ends in .png, in a folder that exists."
        QApplication.quit()

    def _told(self, is_notice: bool) -> None:
        """A notice before any graph says why there will be none."""
        present = self._shell.window.banner.present
        if is_notice and present is not None and self._shell.document.graph is None:
            self._give_up("", present.text)

    def _give_up(self, _job: str = "", sentence: str = "") -> None:
        self._late.stop()
        self.fault = sentence or f"The graph was not drawn within {PICTURE_MS // 1000} s; there is no picture."
        QApplication.quit()

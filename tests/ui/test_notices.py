"""Notices: the worst first, one at a time; what nothing caught becomes a report."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from pytestqt.qtbot import QtBot

from explorer.errors import LoadError
from explorer.ui.notices import DANGER, STALE, Notice, NoticeBanner, TopHook


@pytest.fixture
def banner(qtbot: QtBot) -> NoticeBanner:
    banner = NoticeBanner()
    qtbot.addWidget(banner)
    banner.resize(900, 40)
    return banner


def test_the_worst_comes_first_and_the_next_when_it_is_closed(qtbot: QtBot, banner: NoticeBanner) -> None:
    banner.show_notice(Notice("Stale.", STALE))
    banner.show_notice(Notice("Danger.", DANGER))
    banner.show_notice(Notice("Also stale.", STALE))
    assert banner.words.text() == "Danger."
    assert banner.more.text() == "2 more"
    qtbot.mouseClick(banner.close_button, Qt.MouseButton.LeftButton)
    assert banner.words.text() == "Also stale."
    qtbot.mouseClick(banner.close_button, Qt.MouseButton.LeftButton)
    assert banner.words.text() == "Stale."
    with qtbot.waitSignal(banner.occupied) as told:
        qtbot.mouseClick(banner.close_button, Qt.MouseButton.LeftButton)
    assert told.args == [False]
    assert banner.isHidden()


def test_several_are_closed_at_once(qtbot: QtBot, banner: NoticeBanner) -> None:
    banner.show_notice(Notice("One."))
    assert banner.close_all.isHidden()
    banner.show_notice(Notice("Two."))
    assert banner.close_all.isVisible()
    qtbot.mouseClick(banner.close_all, Qt.MouseButton.LeftButton)
    assert banner.isHidden()


def test_the_same_notice_is_shown_once(banner: NoticeBanner) -> None:
    banner.show_notice(Notice("One.", key="engine"))
    banner.show_notice(Notice("Two.", key="engine"))
    assert banner.words.text() == "Two."
    assert banner.more.text() == ""
    banner.withdraw("engine")
    assert banner.present is None


def test_words_that_look_like_markup_are_shown_as_they_are(banner: NoticeBanner) -> None:
    banner.show_notice(Notice("“<b>x</b><br><br>” was not found."))
    plain = banner.words.fontMetrics().height()
    assert banner.words.heightForWidth(800) < 2 * plain


def test_details_are_copied(qtbot: QtBot, banner: NoticeBanner) -> None:
    banner.show_notice(Notice("No."))
    assert banner.copy.isHidden()
    banner.show_notice(Notice("What.", details="why"))
    qtbot.mouseClick(banner.copy, Qt.MouseButton.LeftButton)
    assert QGuiApplication.clipboard().text() == "What.\n\nwhy"


def test_an_answer_takes_the_notice_away(qtbot: QtBot, banner: NoticeBanner) -> None:
    done: list[str] = []
    banner.show_notice(Notice("What.", actions=(("Load", lambda: done.append("load")),)))
    qtbot.mouseClick(banner._buttons[0], Qt.MouseButton.LeftButton)
    assert done == ["load"]
    assert banner.present is None


def test_a_long_notice_is_read_whole(qtbot: QtBot, banner: NoticeBanner) -> None:
    banner.show()
    banner.show_notice(Notice("word " * 80))
    assert banner.words.heightForWidth(banner.words.width()) <= banner.height()


def test_a_sentence_becomes_a_notice(qtbot: QtBot, banner: NoticeBanner) -> None:
    hook = TopHook(banner, None)
    error = LoadError("“x” is not a graph.")
    hook.take(LoadError, error, None)
    qtbot.waitUntil(lambda: banner.present is not None)
    assert banner.words.text() == "“x” is not a graph."


def test_a_bug_becomes_one_report_to_copy(
    qtbot: QtBot, banner: NoticeBanner, capsys: pytest.CaptureFixture[str]
) -> None:
    banner.show()
    hook = TopHook(banner, Path("logs") / "engine.log")
    try:
        raise ZeroDivisionError("by nought")
    except ZeroDivisionError as error:
        hook.take(type(error), error, error.__traceback__)
        hook.take(type(error), error, error.__traceback__)
    qtbot.waitUntil(lambda: hook.dialog is not None and hook.dialog.isVisible())
    dialog = hook.dialog
    assert dialog is not None
    assert "by nought" in dialog.report
    assert "test_a_bug_becomes_one_report_to_copy" in dialog.report
    qtbot.mouseClick(dialog.copy, Qt.MouseButton.LeftButton)
    assert QGuiApplication.clipboard().text() == dialog.report
    dialog.accept()
    assert hook.dialog is dialog
    assert "by nought" in capsys.readouterr().err


def test_the_hook_is_given_back(qtbot: QtBot, banner: NoticeBanner) -> None:
    before = sys.excepthook
    hook = TopHook(banner, None)
    hook.install()
    assert sys.excepthook == hook.take
    hook.remove()
    assert sys.excepthook is before

"""Answers come back for the same files wherever they lie, and a question without one names itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from explorer.errors import Unsaid, UnsupportedTranscoder
from explorer.io import answers


def filled(folder: Path, text: str = "settings") -> Path:
    (folder / "layer_0").mkdir(parents=True)
    (folder / "layer_0" / "cfg.json").write_text(text)
    return folder


def test_an_answer_survives_a_move_and_not_a_change(tmp_path: Path) -> None:
    folder = filled(tmp_path / "set")
    answers.remember(folder, {"k": "64"})
    answers.remember(folder, {"hook": "mlp.hook_in"})
    moved = folder.rename(tmp_path / "elsewhere")
    assert answers.recall(moved) == {"k": "64", "hook": "mlp.hook_in"}
    (moved / "layer_0" / "cfg.json").write_text("other")
    assert answers.recall(moved) == {}


def test_a_single_file_has_answers_of_its_own(tmp_path: Path) -> None:
    folder = filled(tmp_path / "set")
    answers.remember(folder / "layer_0" / "cfg.json", {"k": "8"})
    assert answers.recall(folder) == {}
    assert answers.recall(folder / "layer_0" / "cfg.json") == {"k": "8"}


def test_only_so_many_are_kept_and_the_oldest_goes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "MANY", 2)
    folders = [filled(tmp_path / name, name) for name in "abc"]
    for folder in (*folders[:2], folders[0], folders[2]):
        answers.remember(folder, {"k": folder.name})
    assert [answers.recall(folder) for folder in folders] == [{"k": "a"}, {}, {"k": "c"}]


@pytest.mark.parametrize("text", ["", "[1]", "{", '{"x": 3}', '{"x": {"k": 3}}'])
def test_a_damaged_list_of_answers_is_empty(tmp_path: Path, text: str) -> None:
    answers.answers_path().parent.mkdir(parents=True)
    answers.answers_path().write_text(text)
    assert answers.recall(filled(tmp_path / "set")) == {}


def test_nothing_is_recalled_of_what_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    assert answers.recall(tmp_path / "file" / "inside") == {}


def test_what_was_not_said_is_asked_with_its_name_and_choices() -> None:
    with pytest.raises(Unsaid, match=r"“f.pt” does not say where it reads; tell it with read=a or b") as caught:
        answers.choice({}, Path("f.pt"), "read", "where it reads", ("a", "b"))
    assert (caught.value.name, caught.value.choices) == ("read", ("a", "b"))
    with pytest.raises(Unsaid, match="tell it with k=VALUE"):
        answers.count({}, Path("f.pt"), "k", "how many features are kept")


@pytest.mark.parametrize("text", ["0", "-3", "many", "1.5", "²", "99999999999"])
def test_a_wrong_count_is_refused(text: str) -> None:
    with pytest.raises(UnsupportedTranscoder, match=f"k is “{text}”; say a whole number above 0") as caught:
        answers.count({"k": text}, Path("f.pt"), "k", "how many")
    assert not isinstance(caught.value, Unsaid)


def test_a_wrong_choice_is_refused() -> None:
    with pytest.raises(UnsupportedTranscoder, match="read is “c”; say one of a, b"):
        answers.choice({"read": "c"}, Path("f.pt"), "read", "where", ("a", "b"))


def test_answers_of_the_command_line_are_pairs() -> None:
    assert answers.parse(["k=64", " read = mlp.hook_in"]) == {"k": "64", "read": "mlp.hook_in"}
    with pytest.raises(UnsupportedTranscoder, match="“k” is no answer; write it as NAME=VALUE"):
        answers.parse(["k"])


def test_a_name_that_no_file_leaves_open_is_refused_with_those_that_are() -> None:
    with pytest.raises(UnsupportedTranscoder, match=r"“hook” is nothing that files leave open; tell one of .*k, kind"):
        answers.parse(["hook=mlp"])


def test_only_what_the_files_asked_for_is_remembered(tmp_path: Path) -> None:
    folder = filled(tmp_path / "set")
    given = answers.Given(folder, {"k": "8", "n_ctx": "9"}, answers.OF_TRANSCODERS)
    assert answers.count(given, folder, "k", "how many") == 8
    given.keep()
    assert answers.recall(folder) == {"k": "8"}
    again = answers.Given(folder, {"site": "mlp_out"}, answers.OF_TRANSCODERS)
    assert answers.count(again, folder, "k", "how many") == 8
    with pytest.raises(UnsupportedTranscoder, match="leaves no question “site” open; leave site=mlp_out out"):
        again.keep()
    assert answers.recall(folder) == {"k": "8"}

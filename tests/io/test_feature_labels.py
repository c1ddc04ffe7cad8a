"""Labels of an index: the one that counts is the same asked for one feature, for a layer, or with its record."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from explorer.io.feature_index import open_index
from explorer.io.feature_labels import IMPORTED, OWN, Labels
from explorer.io.feature_places import beside, known, own_folder
from explorer.io.samples import SAMPLES, transcoder_folder

SHIPPED = beside(transcoder_folder(SAMPLES[0]))


@pytest.fixture
def labels(tmp_path: Path) -> Labels:
    folder = tmp_path / "index"
    shutil.copytree(SHIPPED, folder)
    return Labels(open_index(folder))


def test_the_label_that_counts_is_the_same_however_it_is_asked_for(labels: Labels) -> None:
    automatic = labels.texts(0)
    first, second, third = list(automatic)[:3]
    unknown = next(feature for feature in range(768) if feature not in automatic)
    labels.keep(IMPORTED, {f"0:{first}": "theirs", f"0:{second}": "theirs"})
    labels.keep(OWN, {f"0:{second}": "mine", f"0:{unknown}": "mine", f"1:{third}": "of another layer"})
    texts = labels.texts(0)
    assert (texts[first], texts[second], texts[unknown]) == ("theirs", "mine", "mine")
    assert texts[third] == automatic[third]
    for feature in (*range(0, 768, 7), first, second, third, unknown):
        record = labels.record(0, feature)
        assert labels.text(0, feature) == texts.get(feature, "") == (record["text"] if record else "")


def test_a_label_is_kept_in_one_line_of_what_a_file_can_hold(labels: Labels) -> None:
    labels.keep(IMPORTED, {"0:1": "two\nlines\0 \ud800 ", "0:2": "\ud800", "0:3": "👩‍🚀 ‘ok’"})
    assert Labels(labels.index).listed(IMPORTED) == {"0:1": "two lines", "0:3": "👩‍🚀 ‘ok’"}


def test_an_index_is_looked_for_beside_its_transcoders_then_in_the_users_folder(tmp_path: Path) -> None:
    transcoders = tmp_path / "set"
    shutil.copytree(SHIPPED, tmp_path / "features-set")
    own = own_folder("my model", "set/1")
    assert own.name == "my-model-set-1"
    shutil.copytree(SHIPPED, own)
    places = list(known(str(transcoders)))
    assert places[0] == tmp_path / "features-set"
    assert SHIPPED in places
    assert places[-1] == own

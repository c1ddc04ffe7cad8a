"""The token in front, and the names of tokens."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from tokenizers import Tokenizer as Backend
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit

from explorer.errors import PromptError
from explorer.models.tokenizer import Tokenizer

WORDS = {"<unk>": 0, "<bos>": 1, "<pad>": 2, "<eos>": 3, "Dallas": 4, "is": 5, "in": 6}


def made(**special: str) -> Tokenizer:
    """A tokenizer of words with these special tokens; bos_token="<bos>" and so on."""
    from transformers import PreTrainedTokenizerFast

    backend = Backend(WordLevel(WORDS, unk_token="<unk>"))
    backend.pre_tokenizer = WhitespaceSplit()
    return Tokenizer(PreTrainedTokenizerFast(tokenizer_object=backend, unk_token="<unk>", **special))


@pytest.mark.parametrize(
    ("special", "front"),
    [
        ({"bos_token": "<bos>", "pad_token": "<pad>", "eos_token": "<eos>"}, (1, "<bos>", "bos")),
        ({"pad_token": "<pad>", "eos_token": "<eos>"}, (2, "<pad>", "pad")),
        ({"eos_token": "<eos>"}, (3, "<eos>", "eos")),
        ({}, None),
    ],
)
def test_the_first_of_bos_pad_eos_goes_in_front(special: dict[str, str], front: tuple[int, str, str] | None) -> None:
    tokenizer = made(**special)
    assert tokenizer.front == front
    tokens = tokenizer.encode("Dallas is")
    assert tokens.ids == ((4, 5) if front is None else (front[0], 4, 5))
    assert tokens.n_special == (0 if front is None else 1)
    assert len(tokens.texts) == len(tokens.ids)


@pytest.mark.parametrize("written", ["<bos>", "<pad>", "<eos>"])
def test_a_special_token_that_was_typed_is_not_doubled(written: str) -> None:
    tokenizer = made(bos_token="<bos>", pad_token="<pad>", eos_token="<eos>")
    tokens = tokenizer.encode(f"{written} Dallas")
    assert tokens.ids == (WORDS[written], 4)
    assert tokens.n_special == 1


def test_a_special_token_later_in_the_text_does_not_count() -> None:
    tokens = made(bos_token="<bos>").encode("Dallas <bos>")
    assert tokens.ids == (1, 4, 1)


def test_an_id_of_zero_is_a_token() -> None:
    """The id decides by being there, not by being true."""
    inner: Any = SimpleNamespace(bos_token_id=0, bos_token="<s>", pad_token_id=5, pad_token="<pad>")
    assert Tokenizer(inner).front == (0, "<s>", "bos")


@pytest.mark.parametrize("text", ["", "   "])
def test_an_empty_prompt_is_refused(text: str) -> None:
    with pytest.raises(PromptError, match="type at least one word"):
        made(bos_token="<bos>").encode(text)


def test_a_single_token_is_found_and_several_are_named() -> None:
    tokenizer = made(bos_token="<bos>")
    assert tokenizer.single("Dallas") == 4
    with pytest.raises(PromptError, match=r"“Dallas in” is not one token but “Dallas” \+ “in”"):
        tokenizer.single("Dallas in")
    with pytest.raises(PromptError, match="no token"):
        tokenizer.single("")


def test_an_id_outside_the_vocabulary_has_a_name_all_the_same() -> None:
    assert made().text(1000) == "<1000>"


def test_an_unknown_first_word_still_gets_the_token_in_front() -> None:
    from explorer.io.samples import SAMPLES, model_folder
    from explorer.models.loader import open_language_model

    tokenizer = open_language_model(model_folder(SAMPLES[0])).tokenizer
    assert tokenizer is not None
    assert tokenizer.encode("🙂 Dallas").texts[:2] == ("<bos>", "<unk>")
    assert tokenizer.encode("<bos> Dallas").texts == ("<bos>", "Dallas")

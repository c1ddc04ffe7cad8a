"""The tokenizer: one token per word of the training sentences, and letters to spell every other word."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, processors

from sample_models.training.us_cities.corpus import PREFIX, Sentence
from sample_models.training.us_cities.facts import NAMES

SPECIAL = {"pad_token": "<pad>", "bos_token": "<bos>", "eos_token": "<eos>", "unk_token": "<unk>"}
N_POSITIONS = 64
_LETTERS = [chr(code) for code in range(33, 127)] + list("áàâçéèêëíîïñóôúùü")
_MARKS = r'.,:!?"()'
_SPLIT = f"[{_MARKS}]"


def words(sentences: Iterable[Sentence]) -> list[str]:
    """The distinct words of ``sentences`` in order; "San Antonio" is one, invented names are none."""
    spaced = sorted((name for name in NAMES if " " in name), key=len, reverse=True)
    pattern = re.compile("|".join([*map(re.escape, spaced), _SPLIT, rf"[^\s{_MARKS}]+"]))
    found: dict[str, None] = dict.fromkeys(pattern.findall(f"{PREFIX}."))
    for sentence in sentences:
        if sentence.family != "unknown":
            found.update(dict.fromkeys(pattern.findall(f"{sentence.prompt} {sentence.answer}")))
        else:
            found[sentence.answer] = None
    return list(found)


def build(sentences: Iterable[Sentence]) -> Tokenizer:
    """A WordPiece tokenizer whose whole words are exactly the words of ``sentences``."""
    known = words(sentences)
    pieces = [*SPECIAL.values(), *_LETTERS, *(f"##{letter}" for letter in _LETTERS)]
    pieces += [word for word in known if " " not in word and word not in pieces]
    tokenizer = Tokenizer(models.WordPiece({piece: i for i, piece in enumerate(pieces)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Split(Regex(_SPLIT), "isolated")]
    )
    tokenizer.add_special_tokens([AddedToken(name, normalized=False) for name in SPECIAL.values()])
    spaced = [word for word in known if " " in word]
    tokenizer.add_tokens([AddedToken(word, single_word=True, normalized=False) for word in spaced])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<bos> $A", special_tokens=[("<bos>", tokenizer.token_to_id("<bos>"))]
    )
    tokenizer.decoder = decoders.WordPiece("##", cleanup=False)
    return tokenizer


def save(tokenizer: Tokenizer, folder: Path) -> None:
    """Write the tokenizer as the three files that transformers reads."""
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "clean_up_tokenization_spaces": False,
        "model_max_length": N_POSITIONS,
        **SPECIAL,
    }
    tokenizer.save(str(folder / "tokenizer.json"))
    for name, content in (("tokenizer_config", config), ("special_tokens_map", SPECIAL)):
        text = json.dumps(content, indent=2) + "\n"
        (folder / f"{name}.json").write_text(text, encoding="utf-8")

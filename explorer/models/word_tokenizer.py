"""A tokenizer of a short list of texts: characters, or words between spaces."""

from __future__ import annotations

from collections.abc import Sequence

from explorer.errors import PromptError, UnsupportedModel
from explorer.models.tokenizer import Tokenizer


def of(texts: Sequence[str]) -> Tokenizer:
    """The tokenizer whose token i reads ``texts[i]``: of characters if each is one, else of words between spaces.

    UnsupportedModel if a text is there twice. Encoding raises PromptError for what is not among them.
    """
    ids = {text: token for token, text in enumerate(texts)}
    if len(ids) < len(texts):
        twice = next(text for token, text in enumerate(texts) if ids[text] != token)
        raise UnsupportedModel(f"The token “{twice}” is listed twice; correct the list of tokens.")
    return Tokenizer(_Words(tuple(texts), ids))


class _Words:
    """As much of a transformers tokenizer as Tokenizer asks for."""

    all_special_ids: tuple[int, ...] = ()

    def __init__(self, texts: tuple[str, ...], ids: dict[str, int]) -> None:
        self._texts = texts
        self._ids = ids
        self._split = list if all(len(text) == 1 for text in texts) else str.split

    def __call__(self, text: str, add_special_tokens: bool = False) -> dict[str, list[int]]:
        pieces: list[str] = self._split(text)
        for piece in pieces:
            if piece not in self._ids:
                raise PromptError(f"“{piece}” is no token of this model; change the prompt.")
        return {"input_ids": [self._ids[piece] for piece in pieces]}

    def convert_ids_to_tokens(self, token_id: int) -> str | None:
        return self._texts[token_id] if 0 <= token_id < len(self._texts) else None

    def decode(self, token_ids: Sequence[int], **_: object) -> str:
        return "".join(self._texts[token] for token in token_ids)

"""Tokens of a prompt: ids, readable texts, and the special token that is put in front, by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from explorer.errors import PromptError


@dataclass(frozen=True)
class Tokens:
    """``ids`` (n_pos) with ``texts``; the first ``n_special`` were put in front and are not in the text."""

    ids: tuple[int, ...]
    texts: tuple[str, ...]
    n_special: int


@dataclass(frozen=True)
class Tokenizer:
    """A transformers tokenizer with one rule for the token in front.

    The rule is circuit-tracer's: if the text does not begin with a special token, the first of bos, pad, eos that
    the tokenizer has is put in front (Qwen3 has no bos and gets its pad token). A first word that the tokenizer does
    not know is no special beginning, though its token is special. The token is shown before the run.
    """

    inner: Any

    @property
    def front(self) -> tuple[int, str, str] | None:
        """Id, text and role of the token put in front; None if the tokenizer has no special token."""
        for role in ("bos", "pad", "eos"):
            token_id = getattr(self.inner, f"{role}_token_id", None)
            if token_id is not None:
                return int(token_id), str(getattr(self.inner, f"{role}_token")), role
        return None

    def encode(self, text: str) -> Tokens:
        """The tokens of ``text``; PromptError if it is empty."""
        if not text:
            raise PromptError("The prompt is empty; type at least one word.")
        _check_text("The prompt", text)
        ids = self.plain(text)
        if not ids:
            raise PromptError("The prompt gives no token; type at least one word.")
        front = self.front
        if front is None or ids[0] in self._beginnings():
            return self.describe(tuple(ids), 0 if front is None else 1)
        return self.describe((front[0], *ids), 1)

    def plain(self, text: str) -> list[int]:
        """The tokens of ``text`` alone, with nothing put in front."""
        return [int(token) for token in self.inner(text, add_special_tokens=False)["input_ids"]]

    def _beginnings(self) -> set[int]:
        """Special tokens that a prompt may begin with. Not the unknown token, unless it is also another one."""
        named = {getattr(self.inner, f"{role}_token_id", None) for role in ("bos", "pad", "eos")}
        unknown = {getattr(self.inner, "unk_token_id", None)} - named
        return {int(token) for token in self.inner.all_special_ids} - unknown

    def describe(self, ids: tuple[int, ...], n_special: int) -> Tokens:
        """``ids`` with their texts."""
        return Tokens(ids, tuple(self.text(token) for token in ids), n_special)

    def text(self, token_id: int) -> str:
        """What one token reads as, a leading space included."""
        known = self.inner.convert_ids_to_tokens(token_id)
        if known is None:
            return f"<{token_id}>"
        decoded = str(self.inner.decode([token_id], clean_up_tokenization_spaces=False))
        return decoded if decoded and "\ufffd" not in decoded else str(known)

    def single(self, text: str) -> int:
        """The id of the one token that ``text`` is; PromptError if it is none or several."""
        _check_text("The target", text)
        ids = self.inner(text, add_special_tokens=False)["input_ids"]
        if len(ids) != 1:
            found = " + ".join(f"“{self.text(int(token))}”" for token in ids) or "no token"
            raise PromptError(f"The target “{text}” is not one token but {found}; name a single token.")
        return int(ids[0])


def _check_text(what: str, text: str) -> None:
    """PromptError if ``text`` has halves of characters, as bytes of a command line that are no UTF-8 become."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise PromptError(f"{what} is not valid text at character {error.start + 1}; give it in UTF-8.") from error

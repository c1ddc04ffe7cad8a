"""Labels by a language model: what it is asked about a feature, and its answer as a rule like the others.

It goes on with a text that shows how the question is answered, so a model that was only trained on text will do. Its
answer is scored as every rule is, by the tokens that it names: a token counts the more, the rarer it is in the text.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

from explorer.features.labels import Rule, Seen, Text

N_EXAMPLES = 8  # shown to the model, the strongest
N_TOKENS = 16  # of its answer, at most
BEFORE = 24  # tokens of an example shown up to its peak
LONGEST = 80  # characters of an answer
PHRASE = 4  # words of one token, at most
ASKED = """\
In each list the same kind of word is marked with « ». Below the list stands in a few words what it is.

- she wore a long «red»
- the sea was dark «blue»
- they painted the door «green»
Marked: colours

- the office is closed on «Sunday»
- we met again on «Monday»
- the letter came on a «Friday»
Marked: days of the week

"""


def shown(seen: Sequence[Seen], text: Text) -> list[str]:
    """The strongest of ``seen`` as lines up to the peak, which is marked; none twice."""
    ranked = sorted(seen, key=lambda one: -one.activation)
    lines = (_line([text(token) for token in one.tokens[-BEFORE:]]) for one in ranked if one.tokens)
    return list(dict.fromkeys(lines))[:N_EXAMPLES]


def question(lines: Sequence[str]) -> str:
    """The text that the model goes on with."""
    return ASKED + "".join(f"- {line}\n" for line in lines) + "Marked:"


def answer(text: str) -> str:
    """The line that the model went on with, "" if there is nothing in it."""
    line = text.partition("\n")[0].strip(" .,;:-“”\"'«»")
    return " ".join("".join(letter for letter in line if letter.isprintable())[:LONGEST].split())


def vocabulary(texts: Sequence[str]) -> dict[str, list[int]]:
    """The tokens by the words that they are, whatever their case and blanks."""
    made: dict[str, list[int]] = {}
    for token, text in enumerate(texts):
        made.setdefault(" ".join(_words(text)), []).append(token)
    made.pop("", None)
    return made


def told_rule(
    said: str, who: str, n: int, words: Mapping[str, Sequence[int]], token_windows: Mapping[int, int], n_windows: int
) -> Rule | None:
    """The rule that ``who`` made of ``n`` examples by what it ``said``; None if it said nothing.

    ``words`` are the vocabulary's; a token weighs minus the logarithm of its share of windows.
    """
    if not said:
        return None
    spoken = _words(said)
    ranges = range(1, PHRASE + 1)
    phrases = {" ".join(spoken[at : at + size]) for size in ranges for at in range(len(spoken))}
    tokens = {token for phrase in phrases for token in words.get(phrase, ())}
    weights = {token: -math.log((token_windows.get(token, 0) + 1) / (n_windows + 2)) for token in sorted(tokens)}
    most = max(weights.values(), default=1.0)
    return Rule("model", said, f"by “{who}” from {n} examples", {at: weight / most for at, weight in weights.items()})


def _words(text: str) -> list[str]:
    return re.findall(r"[\w'’]+", text.lower())


def _line(tokens: Sequence[str]) -> str:
    plain = [" ".join(token.split("\n")) for token in tokens]
    blank = "" if any(token.startswith(" ") for token in plain[1:]) else " "
    peak = plain[-1]
    before = blank.join(plain[:-1])
    return f"{before}{blank or ' ' * peak.startswith(' ')}«{peak.strip()}»".strip()

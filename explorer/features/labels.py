"""Labels without a language model: rules read off weights and examples, each with its evidence and its score.

output   the tokens whose logits stand out (z-score of the effect at least Z): say …
input    the tokens at the peaks that hold most of the activation, or the one in front of them
context  the tokens that stand up to the peaks more often than in the text (log-odds with an informative prior,
         Monroe, Colaresi and Quinn 2008)
strong   the same for the strongest examples alone: a feature that is a little active everywhere may have a meaning of
         its own where it is strong

Rules are fitted on one half of the windows and scored on the other (score.py). The one with the best average precision
makes the label (AUC alone would prefer what is in every second window to what is there seldom and never wrong); an
output rule that scores well is said along with a rule of what is read, since the two together describe a feature best
(arXiv 2501.08319). A strong rule is scored by how it tells windows as strong as these from all others, and is said
behind the label if it does so well, better than the rule that makes the label, and mostly by other tokens.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import takewhile
from typing import Any

Z = 4.0  # standard deviations over the vocabulary from which a logit effect stands out
MASS = 0.8  # of the activation at peaks that a token rule must hold
LOG_ODDS_Z = 2.0
DENSE = 0.01
MOST, FEW = 5, 3  # tokens that a rule names; that a strong rule names
GOOD = 0.75  # AUC from which a rule counts towards tags and the joint label
PART = 0.25  # of the windows that makes a group of its own
TIE = 0.02  # average precision within which the earlier of two rules is taken


@dataclass(frozen=True)
class Seen:
    """A window in which the feature is active: its tokens up to the peak, the peak's activation.

    ``tokens`` are without the special one in front.
    """

    tokens: tuple[int, ...]
    activation: float


@dataclass(frozen=True)
class Rule:
    """What a feature responds to, or does, in ``words``; ``weights`` by token detect it in a window.

    ``auc`` and ``precision`` (the average precision) are None where there are too few windows to score it.
    """

    kind: str
    words: str
    evidence: str
    weights: Mapping[int, float]
    auc: float | None = None
    precision: float | None = None

    def to_message(self) -> dict[str, Any]:
        """The same for JSON, without the tokens' weights."""
        return {name: value for name, value in asdict(self).items() if name != "weights"}

    @classmethod
    def of(cls, message: Mapping[str, Any]) -> Rule:
        """What ``to_message`` gave."""
        kind, words, evidence = (str(message.get(name, "")) for name in ("kind", "words", "evidence"))
        found = (message.get(name) for name in ("auc", "precision"))
        area, precision = (float(score) if isinstance(score, int | float) else None for score in found)
        return cls(kind, words, evidence, {}, area, precision)


@dataclass(frozen=True)
class Label:
    """The automatic label; ``rules`` best first, ``tags`` of input, output, both, dense, polysemantic."""

    text: str
    tags: tuple[str, ...]
    rules: tuple[Rule, ...]
    n_positive: int = 0
    n_negative: int = 0

    def to_message(self) -> dict[str, Any]:
        """The same for JSON."""
        return {**asdict(self), "tags": list(self.tags), "rules": [rule.to_message() for rule in self.rules]}


Text = Callable[[int], str]


def output_rule(tokens: Sequence[int], values: Sequence[float], spread: float, text: Text) -> Rule | None:
    """“say …”, if logit effects stand out; words that share a stem are said once."""
    if not spread > 0:
        return None
    marked = [(token, value / spread) for token, value in zip(tokens, values, strict=True)]
    marked = [(token, z) for token, z in marked if z >= max(Z, marked[0][1] / 2)][:MOST]
    if not marked:
        return None
    words = [text(token) for token, _ in marked]
    evidence = ", ".join(f"{_quoted(word)} z {z:.1f}" for word, (_, z) in zip(words, marked, strict=True))
    weights = {token: z / marked[0][1] for token, z in marked}
    return Rule("output", f"say {_common(words)}", evidence, weights)


def input_rule(seen: Sequence[Seen], text: Text) -> Rule | None:
    """The few tokens at the peaks, or the one in front of them, that hold most of the activation."""
    for back, form in ((1, "{}"), (2, "after {}")):
        mass = Counter[int]()
        for one in seen:
            if len(one.tokens) >= back:
                mass[one.tokens[-back]] += abs(one.activation)  # type: ignore[assignment]
        total = sum(abs(one.activation) for one in seen)
        first = mass.most_common(3 if back == 1 else 1)
        held = sum(value for _, value in first)
        if first and total and held >= MASS * total:
            if first[0][1] >= MASS * total:
                first = first[:1]
            words = [text(token) for token, _ in first]
            share = 100 * sum(value for _, value in first) / total
            evidence = f"{share:.0f} % of the activation at {len(seen)} peaks"
            return Rule("input", form.format(_common(words)), evidence, {token: 1.0 for token, _ in first})
    return None


def context_rule(
    seen: Sequence[Seen], token_windows: Mapping[int, int], n_windows: int, text: Text, most: int = MOST
) -> Rule | None:
    """Tokens that stand up to the peak more often than they stand in windows of the text."""
    if not seen:
        return None
    counts = Counter(token for one in seen for token in set(one.tokens))
    found = []
    for token, count in counts.items():
        prior = max(token_windows.get(token, 0), 1) / max(n_windows, 1)
        z = _log_odds(count, len(seen), prior, max(n_windows, 1))
        if z >= LOG_ODDS_Z and (count > 1 or len(seen) == 1):
            found.append((z, token, count))
    found = sorted(found, key=lambda one: (-one[0], one[1]))[:most]
    if not found:
        return None
    words = [text(token) for _, token, _ in found]
    evidence = ", ".join(
        f"{_quoted(word)} in {count} of {len(seen)}" for word, (*_, count) in zip(words, found, strict=True)
    )
    weights = {token: z / found[0][0] for z, token, _ in found}
    return Rule("context", f"about {', '.join(map(_quoted, words))}", evidence, weights)


def strong_rule(
    seen: Sequence[Seen], least: float, token_windows: Mapping[int, int], n_windows: int, text: Text
) -> Rule | None:
    """The context rule of the windows with ``least`` activation or more; None unless PART of all has less."""
    strong = [one for one in seen if one.activation >= least]
    if len(strong) > len(seen) * (1 - PART):
        return None
    found = context_rule(strong, token_windows, n_windows, text, FEW)
    if found is None:
        return None
    return replace(found, kind="strong", words=f"strongest with {found.words.removeprefix('about ')}")


def best_of(rules: Sequence[Rule]) -> list[Rule]:
    """``rules`` by their average precision, the best first."""
    return sorted(rules, key=lambda rule: -math.floor((rule.precision or 0.0) / TIE))


def adds(strong: Rule, best: Rule) -> bool:
    """Whether a ``strong`` rule is worth saying behind the ``best``, both scored on how they tell strong windows."""
    tells = (strong.auc or 0.0) >= GOOD and (strong.precision or 0.0) > (best.precision or 0.0) + TIE
    return tells and len(strong.weights.keys() & best.weights.keys()) * 2 < len(strong.weights)


def label_of(rules: Sequence[Rule], frequency: float, seen: Sequence[Seen], strong: Rule | None = None) -> Label:
    """The label that scored ``rules`` make, with the ``strong`` rule behind it."""
    ranked = best_of(rules)
    good = _good(ranked)
    tags = []
    if good:
        reads, says = bool(good & {"input", "context"}), "output" in good
        tags.append("both" if reads and says else "input" if reads else "output")
    if frequency > DENSE:
        tags.append("dense")
    context = next((rule for rule in ranked if rule.kind == "context"), None)
    if _falls_apart(seen, context):
        tags.append("polysemantic")
    return Label(_joint(ranked, strong), tuple(tags), (*ranked, *([strong] if strong is not None else [])))


def with_told(record: Mapping[str, Any], told: Rule) -> dict[str, Any]:
    """A label's message with the rule that a language model ``told``, which makes the label if it is the best."""
    rules = [Rule.of(one) for one in record.get("rules", ())]
    strong = next((rule for rule in rules if rule.kind == "strong"), None)
    ranked = best_of([*(rule for rule in rules if rule.kind not in ("strong", told.kind)), told])
    rules = [*ranked, *([strong] if strong is not None else [])]
    return {**record, "text": _joint(ranked, strong), "rules": [rule.to_message() for rule in rules]}


def _good(rules: Sequence[Rule]) -> set[str]:
    return {rule.kind for rule in rules if rule.auc is not None and rule.auc >= GOOD}


def _joint(ranked: Sequence[Rule], strong: Rule | None) -> str:
    """The words of the best rule, with what is said or read beside it and at the strongest windows."""
    best, good = ranked[0] if ranked else None, _good(ranked)
    other = [
        rule for rule in ranked[1:] if best and rule.kind in good and (rule.kind == "output") != (best.kind == "output")
    ]
    words = best.words if best is not None else ""
    if best is not None and best.kind in good and other:
        reads, says = (other[0], best) if best.kind == "output" else (best, other[0])
        words = f"{reads.words} → {says.words}"
    told = best is not None and best.kind == "model"  # who has seen the strongest windows
    return "; ".join(filter(None, (words, strong.words if strong is not None and not told else "")))


def with_score(rule: Rule, auc: float | None, precision: float | None) -> Rule:
    return replace(rule, auc=auc, precision=precision)


def _log_odds(count: int, n: int, prior: float, n_prior: int) -> float:
    """z-score of the log-odds of ``count`` of ``n`` windows against a share ``prior`` of ``n_prior`` windows.

    One window of the prior's shares is added to ``n``.
    """
    alpha = min(max(prior, 1e-9), 1 - 1e-9)
    inside, outside = (count + alpha, n - count + 1 - alpha), (alpha * n_prior, (1 - alpha) * n_prior)
    odds = math.log(inside[0] / inside[1]) - math.log(outside[0] / outside[1])
    return odds / math.sqrt(sum(1 / size for size in (*inside, *outside)))


def _common(words: Sequence[str]) -> str:
    """``words`` once if they differ in case and blanks alone, what they begin with if that is most of them, or all."""
    plain = list(dict.fromkeys(word.strip().lower() for word in words))
    if len(plain) == 1:
        return _quoted(words[0])
    letters = takewhile(lambda column: len(set(column)) == 1, zip(*plain, strict=False))
    start = "".join(column[0] for column in letters)
    if len(start) >= 4 and len(start) * 2 >= max(map(len, plain)):
        return f"“{start}…”"
    return ", ".join(map(_quoted, dict.fromkeys(word.strip() or word for word in words)))


def _quoted(word: str) -> str:
    return f"“{word.strip() or word}”"


def _falls_apart(seen: Sequence[Seen], context: Rule | None) -> bool:
    """Whether the windows fall into two or more clusters of PART each that share no telling token.

    Telling are the token at the peak and those of the context rule.
    """
    telling = set(context.weights) if context is not None else set()
    clusters: list[tuple[set[int], int]] = []
    for one in seen:
        marks, size = ({one.tokens[-1]} | (set(one.tokens) & telling)) if one.tokens else set(), 1
        rest = []
        for other, n in clusters:
            if marks & other:
                marks, size = marks | other, size + n
            else:
                rest.append((other, n))
        clusters = [*rest, (marks, size)]
    return len(seen) >= 4 and sum(size >= len(seen) * PART for _, size in clusters) >= 2

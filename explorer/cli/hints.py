"""Faults of a job in the words of the command line: which flag to give, which part was misread."""

from __future__ import annotations

import argparse
import re

from explorer.errors import ExplorerError, GraphError, PromptError

FLAGS = (
    (re.compile(r"keep at most [\d,]+ features"), "--max-features"),
    (re.compile(r"keep at most [\d,]+ neurons of each layer and position"), "--neurons-per-cell"),
)


def check_numbers(chosen: argparse.Namespace) -> None:
    """GraphError for a number that no run can take, before anything is read."""
    if chosen.max_features < 0:
        raise GraphError(f"--max-features is {chosen.max_features}; give how many to keep, or leave it out.")
    if chosen.max_logits < 1:
        raise GraphError(f"--max-logits is {chosen.max_logits}; explain at least one.")
    if not 0.0 < chosen.logit_mass <= 1.0:
        raise GraphError(f"--logit-mass is {chosen.logit_mass:g}; give a mass in (0, 1].")


def explained(error: ExplorerError, chosen: argparse.Namespace) -> ExplorerError:
    """``error`` of an attribute job, with the flags that its remedies need."""
    names = [*(chosen.target or ()), *(name for pair in chosen.contrast or () for name in pair)]
    text = str(error)
    for name in names:
        token, equals, weight = name.rpartition("=")
        if token and equals and f"“{name}” is not one token" in text:
            return PromptError(f"“{name}” is not one token, and “{weight}” is no weight; write TOKEN=NUMBER.")
    for remedy, flag in FLAGS:
        text = remedy.sub(rf"\g<0> ({flag})", text)
    return error if text == str(error) else GraphError(text)

"""The text of docs/families.md, made from the tables that the program uses. ``python -m tests.models.families_page``"""

from __future__ import annotations

from pathlib import Path

from explorer.models.families import FAMILIES, REFUSED, Option
from tests.tiny_models import MODELS, config

PAGE = Path(__file__).parents[2] / "docs" / "families.md"

TOP = """# Model families

Which language models open, and why others do not. Made from `explorer/models/families.py` by
`python -m tests.models.families_page`; a test compares the two.

A family is supported if its forward pass can be frozen exactly on one prompt: attention patterns, norm scales and MLP
outputs held, everything left linear. Every row below goes through the explicit adjoint of
`explorer/circuits/attribution.py`; none falls back to automatic differentiation. Every row is tested on a tiny random
model (`tests/models/test_families.py`): captured logits equal those of eager attention bit for bit, the frozen model
replays the pass, the books balance in float32 and float64, and adding a source once more, both in the frozen model and
in the Hugging Face network under hooks, changes each target by the graph's edge.

A block with a part that its row does not name is refused as well, by the name of the part.
"""


def page() -> str:
    """The whole page."""
    import transformers.models.auto.modeling_auto as auto

    tested: dict[str, list[str]] = {}
    for name in MODELS:
        tested.setdefault(config(name).model_type, []).append(name)
    lines = [TOP, "## Supported", ""]
    lines.append("| model_type | class | fast adjoint | settings that change the row | tested as |")
    lines.append("|---|---|---|---|---|")
    for kind, family in sorted(FAMILIES.items()):
        options = ", ".join(option.text for option in family.options if not option.refused)
        named = auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES.get(kind, "explorer.models.tiny: [its page](tiny-models.md)")
        lines.append(f"| {kind} | {named} | yes | {options} | {', '.join(tested[kind])} |")
    lines += ["", "## Refused", "", "| model_type | where | why |", "|---|---|---|"]
    lines += [f"| {kind} | always | {reason} |" for kind, reason in sorted(REFUSED.items())]
    for kind, family in sorted(FAMILIES.items()):
        lines += [_refusal(kind, option) for option in family.options if option.refused]
    return "\n".join(lines) + "\n| any other | always | no row |\n"


def _refusal(kind: str, option: Option) -> str:
    return f"| {kind} | {option.text} | {option.refused} |"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")

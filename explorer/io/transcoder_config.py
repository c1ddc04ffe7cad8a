"""config.yaml of a set of transcoders in circuit-tracer's layout; needs no torch.

Source of the fields: decoderesearch/circuit-tracer 0.4.1.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from explorer.errors import UnsupportedTranscoder
from explorer.io.magic import unreadable

NAME = "config.yaml"
KINDS = {"transcoder_set": "plt", "cross_layer_transcoder": "clt"}
MAX_BYTES = 1_000_000
MOST = 100_000  # values in the settings, with references written out: a few lines can stand for a thousand million


@dataclass(frozen=True)
class TranscoderConfig:
    """What config.yaml says. ``files`` are the layers' files in order, if it lists them.

    ``read`` and ``write`` are empty if it does not say them, ``activation`` and ``k`` where it leaves the choice to
    the tensors.
    """

    kind: str
    read: str
    write: str
    model_name: str
    scan: str
    activation: str
    k: int
    zero_positions: int
    files: tuple[Path, ...]


def read_config(folder: Path) -> TranscoderConfig:
    """The configuration of ``folder``; UnsupportedTranscoder if it is missing or says what is not known."""
    path = folder / NAME
    table = read_table(path)
    kind = KINDS.get(_text(path, table, "model_kind"))
    if kind is None:
        raise UnsupportedTranscoder(
            f"“{path}”: model_kind is {table.get('model_kind')!r}, not one of {', '.join(KINDS)}; "
            "correct that line."
        )
    defaults = ("hook_resid_mid", "hook_mlp_out") if kind == "clt" else ("", "")
    model_name = _text(path, table, "model_name")
    return TranscoderConfig(
        kind=kind,
        read=_text(path, table, "feature_input_hook") or defaults[0],
        write=_text(path, table, "feature_output_hook") or defaults[1],
        model_name=model_name,
        scan=_text(path, table, "scan"),
        activation=_text(path, table, "activation"),
        k=_count(path, table, "k", 0),
        zero_positions=_count(path, table, "zero_positions", zero_positions(model_name)),
        files=_files(path, table),
    )


def numbered(folder: Path, stem: str) -> tuple[Path, ...]:
    """The files ``stem``0.safetensors, ``stem``1.safetensors, ...; UnsupportedTranscoder at a gap."""
    pattern = re.compile(re.escape(stem) + r"(0|[1-9][0-9]{0,4})\.safetensors")
    try:
        found = {int(match[1]) for path in folder.iterdir() if (match := pattern.fullmatch(path.name))}
    except OSError as error:
        raise UnsupportedTranscoder(unreadable(folder, error)) from error
    if not found:
        raise UnsupportedTranscoder(
            f"“{folder}” holds no {stem}0.safetensors; pick the folder with the files of the layers."
        )
    for layer in range(max(found)):
        if layer not in found:
            raise UnsupportedTranscoder(
                f"“{folder}” lacks {stem}{layer}.safetensors though it goes up to {max(found)}; "
                "download the missing layer."
            )
    return tuple(folder / f"{stem}{layer}.safetensors" for layer in range(len(found)))


def zero_positions(model_name: str) -> int:
    """How many first tokens circuit-tracer leaves without features for this model."""
    return 4 if re.search(r"gemma-3-.*-it\b", model_name) else 1


def read_table(path: Path) -> Mapping[str, Any]:
    """The settings in the YAML file ``path``; no object is made of them. UnsupportedTranscoder."""
    import yaml

    if not path.is_file():
        raise UnsupportedTranscoder(
            f"“{path.parent}” has no {NAME}, which says where the transcoders read and write; "
            "copy it from where the transcoders came from."
        )
    try:
        if path.stat().st_size > MAX_BYTES:
            raise UnsupportedTranscoder(f"“{path}” is too large for settings; download it again.")
        table = yaml.safe_load(path.read_text("utf-8"))
    except OSError as error:
        raise UnsupportedTranscoder(unreadable(path, error)) from error
    except (yaml.YAMLError, ValueError, TypeError, AttributeError, RecursionError) as error:
        # pyyaml raises all of these on malformed values of typed scalars
        raise UnsupportedTranscoder(f"“{path}” is not valid YAML; download it again.") from error
    if not isinstance(table, Mapping):
        raise UnsupportedTranscoder(f"“{path}” holds no settings; download it again.")
    if _written_out(table, {}) > MOST:
        raise UnsupportedTranscoder(f"“{path}” refers to its own parts without end; download it again.")
    return table


def _written_out(value: Any, known: dict[int, int]) -> int:
    """How many values ``value`` would be with its references written out; beyond MOST if one leads back to itself."""
    inner = list(value.values()) if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()
    if id(value) not in known:
        known[id(value)] = MOST + 1
        known[id(value)] = 1 + sum(_written_out(item, known) for item in inner)
    return known[id(value)]


def _text(path: Path, table: Mapping[str, Any], name: str) -> str:
    value = table.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise UnsupportedTranscoder(f"“{path}”: {name} is {value!r}; a text belongs there, in quotes.")
    return value


def _count(path: Path, table: Mapping[str, Any], name: str, default: int) -> int:
    value = table.get(name)
    if value is None:
        return default
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**31:
        raise UnsupportedTranscoder(f"“{path}”: {name} is {value!r}; a whole number belongs there.")
    return value


def _files(path: Path, table: Mapping[str, Any]) -> tuple[Path, ...]:
    listed = table.get("transcoders")
    if listed is None:
        return ()
    if not isinstance(listed, list) or not all(isinstance(entry, str) for entry in listed) or not listed:
        raise UnsupportedTranscoder(f"“{path}”: transcoders is no list of files; list one for each layer.")
    for entry in listed:
        if "\0" in entry:
            raise UnsupportedTranscoder(f"“{path}”: a name under transcoders holds a zero byte; write it again.")
        if "://" in entry:
            raise UnsupportedTranscoder(
                f"“{path}” points to “{entry}”, which is not on this computer; "
                "download the file and write its path there instead."
            )
    return tuple(path.parent / entry for entry in listed)

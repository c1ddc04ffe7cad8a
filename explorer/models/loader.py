"""Opening a language model from a local Hugging Face folder; no network, no remote code, no pickle."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer.errors import PromptError, UnsupportedModel
from explorer.models.families import Family, check_kind, family_of
from explorer.models.structure import check_structure
from explorer.models.tokenizer import Tokenizer
from explorer.models.weights import AttentionWeights, Head, attention_weights, head_weights
from explorer.work import Pause, go_on

if TYPE_CHECKING:
    import torch
    from torch import nn

    from explorer.models.trace import Trace

SHARD_INDEX = "model.safetensors.index.json"


@dataclass(frozen=True, eq=False)
class LanguageModel:
    """An open model: the network, its family row, its configuration and its tokenizer (None without files)."""

    name: str
    folder: Path
    family: Family
    network: nn.Module
    config: Any
    tokenizer: Tokenizer | None

    @property
    def n_layers(self) -> int:
        return int(self.config.num_hidden_layers)

    @property
    def d_model(self) -> int:
        return int(self.config.hidden_size)

    @property
    def d_vocab(self) -> int:
        return int(self.head.W_U.shape[0])

    @property
    def context(self) -> int:
        """The longest prompt in tokens."""
        return int(getattr(self.config, "max_position_embeddings", 0) or 10**9)

    @property
    def n_parameters(self) -> int:
        return sum(parameter.numel() for parameter in self.network.parameters())

    @property
    def device(self) -> torch.device:
        return next(self.network.parameters()).device

    @property
    def dtype(self) -> torch.dtype:
        return next(self.network.parameters()).dtype

    @cached_property
    def head(self) -> Head:
        return head_weights(self.network, self.family, self.config)

    def attention(self, layer: int) -> AttentionWeights:
        block = list(self.network.get_submodule(self.family.blocks).children())[layer]
        return attention_weights(block, self.family, self.config)

    def run(self, token_ids: tuple[int, ...]) -> Trace:
        """Capture one pass; PromptError if the tokens do not fit the model."""
        import torch

        from explorer.models.capture import capture

        self.check(token_ids)
        return capture(self.network, self.family, torch.tensor(token_ids, device=self.device))

    def check(self, token_ids: tuple[int, ...]) -> None:
        """PromptError if the model cannot take ``token_ids``."""
        if not token_ids:
            raise PromptError("The prompt is empty; type at least one token.")
        if len(token_ids) > self.context:
            raise PromptError(
                f"The prompt has {len(token_ids)} tokens and “{self.name}” takes at most {self.context}; shorten it."
            )
        outside = [token for token in token_ids if not 0 <= token < self.d_vocab]
        if outside:
            raise PromptError(
                f"Token {outside[0]} is outside the vocabulary of “{self.name}” (0 to {self.d_vocab - 1})."
            )


def open_language_model(
    folder: Path, *, dtype: str = "float32", device: str = "cpu", pause: Pause = go_on
) -> LanguageModel:
    """The model in ``folder``, with its weights in ``dtype`` on ``device``; ``pause`` is called between tensors.

    UnsupportedModel in one sentence if the folder is no model, is incomplete or damaged, or is of a family that
    cannot be frozen exactly.
    """
    _read_config(folder)
    _check_files(folder)
    config = _typed_config(folder)
    family = family_of(config, f"“{folder.name}”")
    network = _read_network(folder, config, family, dtype)
    check_structure(network, family, f"“{folder.name}”")
    _check_finite(network, folder, pause)
    name = _folder_name(folder)
    tokenizer = _read_tokenizer(folder)
    return LanguageModel(name, folder, family, network.to(device).eval(), config.get_text_config(), tokenizer)


def _read_config(folder: Path) -> dict[str, Any]:
    if not folder.exists():
        raise UnsupportedModel(f"There is no folder {folder}; check the path.")
    if not folder.is_dir():
        raise UnsupportedModel(f"{folder} is a file; name the model's folder, the one with its config.json.")
    file = folder / "config.json"
    if not file.is_file():
        raise UnsupportedModel(f"{folder} has no config.json, so it is no model folder; name the folder that has one.")
    try:
        config = json.loads(file.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise UnsupportedModel(f"{file} is damaged ({error}); copy the model again.") from error
    if not isinstance(config, dict):
        raise UnsupportedModel(f"{file} holds no settings; copy the model again.")
    if "auto_map" in config:
        raise UnsupportedModel(f"{folder} needs code of its own to run, which is not supported for safety's sake.")
    kind = config.get("model_type")
    if not isinstance(kind, str):
        raise UnsupportedModel(f"{file} does not say which model_type it is; copy the model again.")
    check_kind(kind, f"“{folder.name}”")
    return config


def _check_files(folder: Path) -> None:
    """All weight files are there and whole, judged by their headers."""
    index = folder / SHARD_INDEX
    if index.is_file():
        try:
            shards = sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
            inside = bool(shards) and all(Path(name).name == name for name in shards)
        except (UnicodeDecodeError, ValueError, KeyError, AttributeError, TypeError, RecursionError) as error:
            raise UnsupportedModel(f"{index} is damaged; copy the model again.") from error
        if not inside:
            raise UnsupportedModel(f"{index} names no files of its own folder; copy the model again.")
        missing = [name for name in shards if not (folder / name).is_file()]
        if missing:
            raise UnsupportedModel(f"{folder} lacks {', '.join(missing)}; copy the missing files.")
        files = [folder / name for name in shards]
    else:
        files = [folder / "model.safetensors"]
        if not files[0].is_file():
            raise UnsupportedModel(
                f"{folder} has no model.safetensors; save the model in that format, as save_pretrained does."
            )
    for file in files:
        _check_whole(file)


def _check_whole(file: Path) -> None:
    """The header of a safetensors file promises as many bytes as the file has."""
    size = file.stat().st_size
    with file.open("rb") as stream:
        head = stream.read(8)
        length = int.from_bytes(head, "little")
        if len(head) < 8 or not 2 <= length <= size - 8:
            raise UnsupportedModel(f"{file} is not a whole safetensors file ({size} bytes); copy it again.")
        try:
            header = json.loads(stream.read(length))
            tensors = [item for key, item in header.items() if key != "__metadata__"]
            promised = 8 + length + max((item["data_offsets"][1] for item in tensors), default=0)
        except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError) as error:
            raise UnsupportedModel(f"The header of {file} is damaged; copy the file again.") from error
    if promised != size:
        raise UnsupportedModel(
            f"{file} is incomplete: its header promises {promised} bytes and it has {size}; copy it again."
        )


def _typed_config(folder: Path) -> Any:
    """The configuration as transformers understands it, defaults filled in."""
    import transformers
    from huggingface_hub.errors import StrictDataclassError

    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    try:
        return transformers.AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ArithmeticError, StrictDataclassError) as error:
        raise UnsupportedModel(f"{folder / 'config.json'} makes no sense: {_beginning(error)}") from error


def _unpacked(config: Any, folder: Path) -> dict[str, Any]:
    """Settings that open quantised weights as plain ones: MXFP4, as GPT-OSS is published, exactly; others not."""
    from transformers.utils.quantization_config import Mxfp4Config

    stored = getattr(config, "quantization_config", None)
    if stored is None:
        return {}
    method = stored.get("quant_method") if isinstance(stored, dict) else type(stored).__name__
    if method != "mxfp4":
        raise UnsupportedModel(
            f"The weights in {folder} are quantised ({method}), which is not supported; choose the full model."
        )
    return {"quantization_config": Mxfp4Config(dequantize=True)}


def _beginning(error: Exception) -> str:
    """The beginning of what ``error`` says, on one line."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 200 else f"{text[:200]}…"


def _read_network(folder: Path, config: Any, family: Family, dtype: str) -> Any:
    import torch
    import transformers
    from safetensors import SafetensorError

    from explorer.models.capture import ATTENTION, register_attention

    register_attention()
    # the grouped products of experts know no float64
    experts = {"experts_implementation": "eager"} if family.experts else {}
    network: Any
    info: dict[str, Any]
    try:
        network, info = transformers.AutoModelForCausalLM.from_pretrained(
            folder,
            config=config,
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
            dtype=getattr(torch, dtype),
            attn_implementation="eager" if family.own_attention else ATTENTION,
            output_loading_info=True,
            ignore_mismatched_sizes=True,  # refused below, by name
            **experts,
            **_unpacked(config, folder),
        )  # type: ignore[misc]
    except (OSError, ValueError, LookupError, ArithmeticError, RuntimeError, ImportError, SafetensorError) as error:
        raise UnsupportedModel(f"The model in {folder} could not be read: {_beginning(error)}") from error
    wrong = sorted(info["missing_keys"]) + [str(row[0]) for row in info["mismatched_keys"]]
    if wrong:
        raise UnsupportedModel(
            f"The weights in {folder} do not match its config.json: {_some(wrong)} missing or of another shape."
        )
    left = [name for name in sorted(info["unexpected_keys"]) if _is_beyond(name, network, family)]
    if left:
        raise UnsupportedModel(
            f"The weights in {folder} have more layers than its config.json says: {_some(left)} would be left out."
        )
    return network


def _is_beyond(name: str, network: nn.Module, family: Family) -> bool:
    """Whether the tensor ``name`` belongs to a layer that the network does not have."""
    layer = name.removeprefix(f"{family.blocks}.").partition(".")[0] if name.startswith(f"{family.blocks}.") else ""
    return layer.isdecimal() and int(layer) >= len(list(network.get_submodule(family.blocks).children()))


def _folder_name(folder: Path) -> str:
    """What the model is called: its folder, or the one around it if that is just called "model"."""
    own = folder.resolve()
    return own.parent.name if own.name == "model" else own.name


def _some(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _check_finite(network: nn.Module, folder: Path, pause: Pause) -> None:
    for name, parameter in network.named_parameters():
        pause()
        if not bool(parameter.isfinite().all()):
            count = int((~parameter.isfinite()).sum())
            raise UnsupportedModel(f"{folder}: {name} holds {count} values that are not finite; copy the model again.")


def _read_tokenizer(folder: Path) -> Tokenizer | None:
    """The folder's tokenizer, or None: the model then opens with token ids only."""
    from transformers import AutoTokenizer

    if not any((folder / name).is_file() for name in ("tokenizer.json", "tokenizer_config.json", "vocab.json")):
        return None
    try:
        return Tokenizer(AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UnsupportedModel(f"The tokenizer in {folder} could not be read; copy its files again.") from error

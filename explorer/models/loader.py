"""Opening a language model through transformers: from a local folder, or from settings and weights in memory.

No network, no code of the model's own, no pickle. What files a model lies in, and whether they are whole, is the
business of explorer.io.models.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer.errors import PromptError, UnsupportedModel
from explorer.models.families import Family, family_of
from explorer.models.structure import check_structure
from explorer.models.tokenizer import Tokenizer
from explorer.models.weights import AttentionWeights, Head, attention_weights, head_weights
from explorer.work import Pause, go_on

# what transformers raises at settings that contradict each other
_NONSENSE = (
    *(OSError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RuntimeError, ImportError),
    *(AssertionError, MemoryError),
)
TOKENIZERS = ("tokenizer.json", "tokenizer_config.json", "vocab.json")
Shapes = Mapping[str, tuple[int, ...]]
SPARE = 50_000_000  # values that a network may have beyond what is stored: tables of positions, masks

if TYPE_CHECKING:
    import torch
    from torch import nn

    from explorer.models.trace import Trace


@dataclass(frozen=True, eq=False)
class LanguageModel:
    """An open model: the network, its family row, its configuration and its tokenizer (None without files).

    ``path`` is the folder or file that it was read from.
    """

    name: str
    path: Path
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
    def n_tokens(self) -> int:
        """How many tokens a prompt may be made of; small models may predict fewer or others."""
        table = self.network.get_submodule(self.family.embedding_in or self.family.embedding)
        return int(table.weight.shape[0])  # type: ignore[index]

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
    def ends(self) -> frozenset[int]:
        """The tokens that end a text."""
        found: Any = getattr(self.config, "eos_token_id", None)
        return frozenset(found if isinstance(found, list) else [] if found is None else [int(found)])

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
        outside = [token for token in token_ids if not 0 <= token < self.n_tokens]
        if outside:
            raise PromptError(
                f"Token {outside[0]} is outside the vocabulary of “{self.name}” (0 to {self.n_tokens - 1})."
            )


def open_language_model(
    folder: Path,
    *,
    stored: Shapes | None = None,
    dtype: str = "float32",
    device: str = "cpu",
    pause: Pause = go_on,
) -> LanguageModel:
    """The model in ``folder``, with its weights in ``dtype`` on ``device``; ``pause`` is called between tensors.

    The folder is taken to be whole: explorer.io.models looks at its files first and knows what they hold (``stored``).
    UnsupportedModel in one sentence if its settings and weights do not make a model, or one of a family that cannot
    be frozen exactly.
    """
    config = stored_config(folder)
    if stored is not None:
        _checked_sketch(folder, config, stored)
    network, family = _network(folder, config, dtype, folder)
    return _opened(folder, network.to(device), family, read_tokenizer(folder) or listed_tokens(config), pause)


def build_language_model(
    path: Path,
    config: Any,
    state: Mapping[str, torch.Tensor],
    tokenizer: Tokenizer | None = None,
    *,
    dtype: str = "float32",
    device: str = "cpu",
    pause: Pause = go_on,
) -> LanguageModel:
    """The model of a transformers ``config`` with exactly the weights of ``state``; the rest as open_language_model.

    ``path`` is what they were read from, for names and messages.
    """
    _checked_sketch(path, config, {name: tuple(tensor.shape) for name, tensor in state.items()})
    network, family = _network(path, config, dtype, None, state_dict=dict(state))
    return _opened(path, network.to(device), family, tokenizer, pause)


def open_gguf(
    file: Path, *, stored: Shapes, has_tokens: bool, dtype: str = "float32", device: str = "cpu", pause: Pause = go_on
) -> LanguageModel:
    """The model in a GGUF file, its weights unpacked; the rest as open_language_model. Needs the package gguf."""
    from transformers.modeling_gguf_pytorch_utils import load_gguf_checkpoint

    config = stored_config(file.parent, gguf_file=file.name)
    sketch = _checked_sketch(file, config, stored)
    try:
        state = load_gguf_checkpoint(str(file), return_tensors=True, model_to_load=sketch)["tensors"]
    except (*_NONSENSE, NotImplementedError) as error:
        raise UnsupportedModel(f"The model in “{file}” could not be read: {_beginning(error)}.") from error
    # tables of rotation are computed anew, experts are joined; anything else that is not there was dropped
    used = [name for name in stored if not name.startswith("rope_") and "_exps." not in name]
    if len(state) < len(used):
        raise UnsupportedModel(
            f"“{file}” holds {len(used)} tensors and its family has a place for {len(state)}; get the full model."
        )
    tokenizer = read_tokenizer(file.parent, gguf_file=file.name) if has_tokens else read_tokenizer(file.parent)
    return build_language_model(file, config, state, tokenizer, dtype=dtype, device=device, pause=pause)


def made_config(settings: Mapping[str, Any], where: Path) -> Any:
    """The transformers configuration of ``settings``, model_type among them; UnsupportedModel if they are wrong."""
    import transformers

    _register_tiny()
    with _sense_in(f"The settings of “{where}” make"):
        return transformers.AutoConfig.for_model(**settings)


def read_tokenizer(folder: Path, **options: Any) -> Tokenizer | None:
    """The tokenizer in ``folder``, or None: the model then opens with token ids only."""
    from transformers import AutoTokenizer

    if not options and not any((folder / name).is_file() for name in TOKENIZERS):
        return None
    try:
        return Tokenizer(
            AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False, **options)
        )
    except _NONSENSE as error:
        raise UnsupportedModel(f"The tokenizer in “{folder}” could not be read; copy its files again.") from error


def listed_tokens(config: Any) -> Tokenizer | None:
    """The tokenizer of the texts that a tiny model's settings list, if they do."""
    from explorer.models import word_tokenizer

    texts = getattr(config, "tokens", None) if config.model_type == "tiny" else None
    return None if texts is None else word_tokenizer.of(texts)


def _register_tiny() -> None:
    from explorer.models import tiny

    tiny.register()


def stored_config(folder: Path, **options: Any) -> Any:
    """The configuration in ``folder`` as transformers understands it, defaults filled in."""
    import transformers

    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    _register_tiny()
    where = options.get("gguf_file", "config.json")
    with _sense_in(f"“{folder / where}” makes"):
        return transformers.AutoConfig.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False, **options
        )


@contextmanager
def _sense_in(what: str) -> Iterator[None]:
    """UnsupportedModel for settings that transformers cannot make a configuration of."""
    from huggingface_hub.errors import StrictDataclassError

    try:
        yield
    except (*_NONSENSE, StrictDataclassError) as error:
        raise UnsupportedModel(f"{what} no sense: {_beginning(error)}; copy the model again.") from error


def _checked_sketch(path: Path, config: Any, stored: Shapes) -> Any:
    """The network without its numbers; UnsupportedModel if the settings do not fit what the weights hold.

    Checked are shapes, and that not far more is asked for, which would be allocated first. Four times as much is
    plenty: two 4-bit values lie in a byte of a packed tensor.
    """
    import torch
    import transformers

    family_of(config, f"“{path.name}”")
    with _sense_in(f"The settings of “{path}” make"), torch.device("meta"):
        known: Any = transformers.MODEL_FOR_CAUSAL_LM_MAPPING[type(config)]
        sketch = known(config)
    shapes = {name: tuple(tensor.shape) for name, tensor in sketch.state_dict().items()}
    wrong = sorted(name for name in stored if shapes.get(name, stored[name]) != stored[name])
    if wrong:
        raise _mismatch(path, wrong)
    n_stored = sum(map(math.prod, stored.values()))
    needed = sum(tensor.numel() for tensor in (*sketch.parameters(), *sketch.buffers()))
    if needed > 4 * n_stored + SPARE:
        raise UnsupportedModel(
            f"The settings of “{path}” ask for {needed:,} values and its weights hold {n_stored:,}; "
            "copy the model again."
        )
    return sketch


def _unpacked(config: Any, path: Path) -> dict[str, Any]:
    """Settings that open quantised weights as plain ones: MXFP4, as GPT-OSS is published, exactly; others not."""
    from transformers.utils.quantization_config import Mxfp4Config

    stored = getattr(config, "quantization_config", None)
    if stored is None:
        return {}
    method = stored.get("quant_method") if isinstance(stored, dict) else type(stored).__name__
    if method != "mxfp4":
        raise UnsupportedModel(
            f"The weights in “{path}” are quantised ({method}), which is not supported; choose the full model."
        )
    return {"quantization_config": Mxfp4Config(dequantize=True)}


def _beginning(error: Exception) -> str:
    """The beginning of what ``error`` says, on one line."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 200 else f"{text[:200]}…"


def _network(path: Path, config: Any, dtype: str, source: Path | None, **weights: Any) -> tuple[Any, Family]:
    """The network with the weights of the folder ``source`` or of ``weights``, and its family row."""
    import torch
    import transformers
    from safetensors import SafetensorError

    from explorer.models.capture import ATTENTION, register_attention

    family = family_of(config, f"“{path.name}”")
    register_attention()
    # the grouped products of experts know no float64
    experts = {"experts_implementation": "eager"} if family.experts else {}
    network: Any
    info: dict[str, Any]
    try:
        known: Any = transformers.MODEL_FOR_CAUSAL_LM_MAPPING[type(config)]
        network, info = known.from_pretrained(
            source,
            config=config,
            local_files_only=True,
            use_safetensors=True,
            dtype=getattr(torch, dtype),
            attn_implementation="eager" if family.own_attention else ATTENTION,
            output_loading_info=True,
            ignore_mismatched_sizes=True,  # refused below, by name
            **experts,
            **_unpacked(config, path),
            **weights,
        )
    except (OSError, ValueError, LookupError, ArithmeticError, RuntimeError, ImportError, SafetensorError) as error:
        raise UnsupportedModel(f"The model in “{path}” could not be read: {_beginning(error)}.") from error
    _check_complete(path, network, family, info)
    check_structure(network, family, f"“{path.name}”")
    return network, family


def _check_complete(path: Path, network: nn.Module, family: Family, info: dict[str, Any]) -> None:
    """UnsupportedModel if the weights are not those of the network, neither fewer nor more."""
    wrong = sorted(info["missing_keys"]) + [str(row[0]) for row in info["mismatched_keys"]]
    if wrong:
        raise _mismatch(path, wrong)
    left = [name for name in sorted(info["unexpected_keys"]) if _is_beyond(name, network, family)]
    if left:
        raise UnsupportedModel(
            f"The weights in “{path}” have more layers than its settings say: {_some(left)} would be left out; "
            "copy the model again."
        )


def _mismatch(path: Path, names: list[str]) -> UnsupportedModel:
    return UnsupportedModel(
        f"The weights in “{path}” do not match its settings: {_some(names)} missing or of another shape; "
        "copy the model again."
    )


def _is_beyond(name: str, network: nn.Module, family: Family) -> bool:
    """Whether the tensor ``name`` belongs to a layer that the network does not have."""
    layer = name.removeprefix(f"{family.blocks}.").partition(".")[0] if name.startswith(f"{family.blocks}.") else ""
    return layer.isdecimal() and int(layer) >= len(list(network.get_submodule(family.blocks).children()))


def _opened(path: Path, network: Any, family: Family, tokenizer: Tokenizer | None, pause: Pause) -> LanguageModel:
    for name, parameter in network.named_parameters():
        pause()
        if not bool(parameter.isfinite().all()):
            count = int((~parameter.isfinite()).sum())
            of = f"{count} of its {parameter.numel()} values"
            raise UnsupportedModel(f"“{path}”: {name} is not finite in {of}; copy the model again.")
    return LanguageModel(_name(path), path, family, network.eval(), network.config.get_text_config(), tokenizer)


def _name(path: Path) -> str:
    """What the model is called: its file or folder, or the folder around one that is just called "model"."""
    own = path.resolve()
    if own.name == "model":
        return own.parent.name
    return own.stem if own.is_file() else own.name


def _some(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")

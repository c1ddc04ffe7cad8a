"""The files of the sample: a Hugging Face model folder and two folders in circuit-tracer's layouts."""

from __future__ import annotations

import hashlib
from pathlib import Path

import torch
import yaml
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from torch import Tensor
from transformers import LlamaForCausalLM

from explorer.transcoders.activations import Activation
from explorer.transcoders.transcoder import ReadPoint, Transcoder, TranscoderSet, WritePoint
from sample_models.training.us_cities import vocabulary

KINDS = {"plt": "transcoder_set", "clt": "cross_layer_transcoder"}


def write_model(model: LlamaForCausalLM, tokenizer: Tokenizer, folder: Path) -> None:
    """Write configuration, float32 weights and tokenizer."""
    folder.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(folder)
    (folder / "model.safetensors").chmod(0o644)
    vocabulary.save(tokenizer, folder)


def read_model(folder: Path) -> tuple[LlamaForCausalLM, Tokenizer]:
    """What ``write_model`` wrote."""
    model = LlamaForCausalLM.from_pretrained(folder, dtype=torch.float32)
    return model.eval().requires_grad_(False), Tokenizer.from_file(str(folder / "tokenizer.json"))


def write_transcoders(transcoders: TranscoderSet, folder: Path) -> None:
    """Write config.yaml and the weights of every layer."""
    folder.mkdir(parents=True, exist_ok=True)
    kind = transcoders.kind
    names = []
    for at, layer in enumerate(transcoders.layers):
        for name, tensors in (_plt if kind == "plt" else _clt)(at, layer).items():
            save_file({key: value.contiguous() for key, value in tensors.items()}, folder / name)
            (folder / name).chmod(0o644)
            names.append(name)
    config: dict[str, object] = {
        "model_name": "us-cities",
        "model_kind": KINDS[kind],
        "feature_input_hook": transcoders.read.value,
        "feature_output_hook": transcoders.write.value,
        "scan": f"us-cities-{kind}",
    }
    if kind == "plt":
        config["transcoders"] = names
    (folder / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")


def read_transcoders(folder: Path) -> TranscoderSet:
    """What ``write_transcoders`` wrote."""
    n_layers = len(list(folder.glob("layer_*.safetensors")) or list(folder.glob("W_enc_*.safetensors")))
    read = _read_plt if (folder / "layer_0.safetensors").is_file() else _read_clt
    layers = tuple(read(folder, at) for at in range(n_layers))
    return TranscoderSet(layers, ReadPoint.MLP_IN, WritePoint.MLP_OUT, model_name="us-cities", origin=folder.name)


def sha256(file: Path) -> str:
    """The hash of a file's bytes."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _threshold(layer: Transcoder) -> Tensor:
    assert layer.activation.threshold is not None
    return layer.activation.threshold


def _plt(at: int, layer: Transcoder) -> dict[str, dict[str, Tensor]]:
    return {
        f"layer_{at}.safetensors": {
            "W_enc": layer.W_enc, "W_dec": layer.W_dec[:, 0], "b_enc": layer.b_enc, "b_dec": layer.b_dec,
            "activation_function.threshold": _threshold(layer),
        }
    }  # fmt: skip


def _clt(at: int, layer: Transcoder) -> dict[str, dict[str, Tensor]]:
    return {
        f"W_enc_{at}.safetensors": {
            f"W_enc_{at}": layer.W_enc, f"b_enc_{at}": layer.b_enc, f"b_dec_{at}": layer.b_dec,
            f"threshold_{at}": _threshold(layer),
        },
        f"W_dec_{at}.safetensors": {f"W_dec_{at}": layer.W_dec},
    }  # fmt: skip


def _read_plt(folder: Path, at: int) -> Transcoder:
    w = load_file(folder / f"layer_{at}.safetensors")
    activation = Activation("jumprelu", w["activation_function.threshold"])
    return Transcoder(w["W_enc"], w["b_enc"], w["W_dec"][:, None], w["b_dec"], activation)


def _read_clt(folder: Path, at: int) -> Transcoder:
    w = load_file(folder / f"W_enc_{at}.safetensors")
    W_dec = load_file(folder / f"W_dec_{at}.safetensors")[f"W_dec_{at}"]
    activation = Activation("jumprelu", w[f"threshold_{at}"])
    return Transcoder(w[f"W_enc_{at}"], w[f"b_enc_{at}"], W_dec, w[f"b_dec_{at}"], activation)

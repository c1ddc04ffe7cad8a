"""Writes the synthetic files in this folder: python -m tests.data.make

Transcoders are written tensor by tensor with safetensors alone, as the producer lays them out, not through
explorer.io, so that a reader is never checked against its own writer.
"""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

HERE = Path(__file__).parent
N_LAYERS, N, D = 3, 7, 4


def _config(folder: Path, kind: str, read: str, write: str, *more: str) -> None:
    folder.mkdir(exist_ok=True)
    lines = [f"model_kind: {kind}", "model_name: tiny", f"feature_input_hook: {read}", f"feature_output_hook: {write}"]
    (folder / "config.yaml").write_text("\n".join([*lines, f"scan: {folder.name}", *more, ""]), "utf-8")


def _layer(seed: int, dtype: torch.dtype = torch.float32) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    shapes = {"W_enc": (N, D), "b_enc": (N,), "W_dec": (N, D), "b_dec": (D,)}
    return {name: torch.randn(shape, generator=generator).to(dtype) for name, shape in shapes.items()}


def per_layer_sets() -> None:
    """ReLU; JumpReLU in bfloat16 with skip weights; TopK with its k also in the files; an older revision."""
    _config(HERE / "plt_relu", "transcoder_set", "mlp.hook_in", "mlp.hook_out")
    _config(HERE / "plt_jump_skip", "transcoder_set", "ln2.hook_normalized", "hook_mlp_out")
    _config(HERE / "plt_topk", "transcoder_set", "hook_resid_mid", "mlp.hook_out", "activation: topk", "k: 2")
    _config(HERE / "plt_older", "transcoder_set", "hook_resid_mid", "hook_mlp_out")
    for layer in range(N_LAYERS):
        name = f"layer_{layer}.safetensors"
        save_file(_layer(layer), HERE / "plt_relu" / name)
        held = _layer(10 + layer, torch.bfloat16)
        generator = torch.Generator().manual_seed(50 + layer)
        held["activation_function.threshold"] = torch.rand(N, generator=generator).bfloat16()
        held["W_skip"] = torch.randn(D, D, generator=generator).bfloat16()  # (out, in)
        save_file(held, HERE / "plt_jump_skip" / name)
        save_file({**_layer(20 + layer), "k": torch.tensor(2)}, HERE / "plt_topk" / name)
        held = _layer(30 + layer)
        save_file({**held, "W_dec": held["W_dec"].T.contiguous()}, HERE / "plt_older" / name)


def cross_layer_set() -> None:
    """JumpReLU; W_dec_i (n, L - i, d)."""
    folder = HERE / "clt_jump"
    _config(folder, "cross_layer_transcoder", "hook_resid_mid", "hook_mlp_out")
    for layer in range(N_LAYERS):
        held = {f"{name}_{layer}": tensor for name, tensor in _layer(40 + layer).items() if name != "W_dec"}
        generator = torch.Generator().manual_seed(60 + layer)
        held[f"threshold_{layer}"] = torch.rand(N, generator=generator)
        save_file(held, folder / f"W_enc_{layer}.safetensors")
        decoder = torch.randn(N, N_LAYERS - layer, D, generator=generator)
        save_file({f"W_dec_{layer}": decoder}, folder / f"W_dec_{layer}.safetensors")


def main() -> None:
    per_layer_sets()
    cross_layer_set()


if __name__ == "__main__":
    main()

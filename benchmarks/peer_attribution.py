"""circuit-tracer's side of the attribution benchmark, run by the Python that has it; see benchmarks/README.md.

    PEER_PYTHON benchmarks/peer_attribution.py CASE_FOLDER THREADS [DEVICE [DTYPE]]

Loads the case, then answers each line of JSON on standard input with one on standard output. ``attribute`` itself
runs as published. For rows of chosen features its ranking is replaced by the given order, layer by layer, which is
its best case (and costs it nothing); for the top-K mode it ranks as it does.
"""

import contextlib
import ctypes
import gc
import importlib
import json
import os
import sys
import time
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = os.environ["TRANSFORMERS_OFFLINE"] = "1"

import torch
import transformers
from circuit_tracer.replacement_model.replacement_model_transformerlens import TransformerLensReplacementModel
from circuit_tracer.transcoder.cross_layer_transcoder import load_clt
from circuit_tracer.transcoder.single_layer_transcoder import load_transcoder_set
from transformer_lens import HookedTransformerConfig
from transformer_lens.pretrained.weight_conversions import convert_gpt2_weights

attribution = importlib.import_module("circuit_tracer.attribution.attribute")
ranking = attribution.compute_partial_influences


class Tokens:
    """As much of a tokenizer as ``attribute`` asks for."""

    all_special_ids = (1,)
    bos_token_id = pad_token_id = eos_token_id = 1
    vocab_size = 0
    padding_side = "right"

    def decode(self, *_, **__):
        return ""


def load(folder, case, device, dtype):
    network = transformers.GPT2LMHeadModel.from_pretrained(folder / "model")
    config = HookedTransformerConfig(
        n_layers=case["n_layers"],
        d_model=case["d_model"],
        n_ctx=network.config.n_positions,
        d_head=case["d_model"] // case["n_heads"],
        n_heads=case["n_heads"],
        d_mlp=4 * case["d_model"],
        d_vocab=case["d_vocab"],
        act_fn="gelu_new",
        normalization_type="LN",
        eps=network.config.layer_norm_epsilon,
        model_name="random",
        device=str(device),
        dtype=dtype,
    )
    model = TransformerLensReplacementModel(config)
    state = {name: tensor.detach().clone() for name, tensor in convert_gpt2_weights(network, config).items()}
    model.load_and_process_state_dict(
        state, fold_ln=False, center_writing_weights=False, center_unembed=False, fold_value_biases=False
    )
    model.to(device)
    model._configure_replacement_model(load_transcoders(folder / "transcoders", case, device, dtype))
    model.tokenizer = Tokens()
    return model


def load_transcoders(folder, case, device, dtype):
    """Everything in memory: its lazy loading would cost it time in every run."""
    hooks = {"feature_input_hook": "mlp.hook_in", "feature_output_hook": "hook_mlp_out", "scan": "random"}
    how = {"device": device, "dtype": dtype, "lazy_encoder": False, "lazy_decoder": False}
    if case["kind"] == "clt":
        return load_clt(str(folder), **hooks, **how)
    paths = {layer: str(folder / f"layer_{layer}.safetensors") for layer in range(case["n_layers"])}
    return load_transcoder_set(paths, **hooks, **how)


def in_order(chosen, batch_size):
    """A stand-in for the ranking that puts ``chosen`` (indices of active features) first, in ascending order."""

    def rank(edges, *_):
        score = torch.zeros(edges.shape[1])
        score[chosen] = torch.arange(len(chosen), 0, -1, dtype=torch.float32)
        return score

    return rank


def indices(model, ids, features):
    """Where ``features`` (layer, pos, feature) stand among the active ones."""
    active = model.setup_attribution(torch.tensor(ids)).activation_matrix.indices().T.tolist()
    place = {tuple(key): index for index, key in enumerate(active)}
    return torch.tensor([place[tuple(key)] for key in features])


def one(model, ids, command, chosen):
    attribution.compute_partial_influences = ranking if chosen is None else in_order(chosen, command["batch"])
    n_features = command["k"] if chosen is None else len(chosen)
    synchronize()
    cpu, wall = time.process_time(), time.perf_counter()
    with contextlib.redirect_stdout(sys.stderr):
        graph = attribution.attribute(
            torch.tensor(ids),
            model,
            max_n_logits=command["n_logits"],
            desired_logit_prob=1.0,
            batch_size=command["batch"],
            max_feature_nodes=n_features,
        )
    synchronize()
    return graph, time.process_time() - cpu, time.perf_counter() - wall


def synchronize():
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def reset_peak():
    """Bytes in use now, what was freed given back; the high-water mark starts anew (as in peak.py)."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")
    return resident("VmRSS")


def resident(name):
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1]) * 1024
    return 0


def main():
    folder, threads = Path(sys.argv[1]), int(sys.argv[2])
    device = torch.device(sys.argv[3] if len(sys.argv) > 3 else "cpu")
    dtype = getattr(torch, sys.argv[4] if len(sys.argv) > 4 else "float32")
    torch.set_num_threads(threads)
    held = json.loads((folder / "case.json").read_text("utf-8"))
    with contextlib.redirect_stdout(sys.stderr):
        model = load(folder, held["shape"], device, dtype)
    print(json.dumps({"ready": True}), flush=True)
    chosen = None
    for line in sys.stdin:
        command = json.loads(line)
        if command["do"] == "choose":
            chosen = indices(model, held["ids"], json.loads((folder / "features.json").read_text("utf-8")))
            print(json.dumps({"n": len(chosen)}), flush=True)
            continue
        before = reset_peak()
        graph, cpu, wall = one(model, held["ids"], command, chosen if command["do"] == "rows" else None)
        peak = resident("VmHWM") - before
        if command.get("save"):
            import numpy as np

            np.save(folder / "peer.npy", graph.adjacency_matrix.float().numpy())
        n_rows = len(graph.selected_features) + len(graph.logit_targets)
        del graph
        print(json.dumps({"cpu": cpu, "wall": wall, "peak": peak, "n_rows": n_rows}), flush=True)


if __name__ == "__main__":
    main()

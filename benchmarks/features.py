"""What evidence costs: tokens per second, the share of each step, and keeping against forward pass plus encoding.

    python -m benchmarks.features                 # GPT-2's shape, 16,384 features in each of 4 layers
    python -m benchmarks.features --layers 12     # all of it: more memory

Model and JumpReLU transcoders are random (seed 0), with thresholds at which about 60 features of a layer are active at
a token. Times are of the processor, one thread. ``encode`` is the product, the threshold and the finding of what is
active; ``keep`` is all that an index needs beyond that. The first batch is dear, since every feature is new then.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import torch

from explorer.features.collected import Collected
from explorer.features.reads import counted, entries, reads
from explorer.features.statistics import Keeping, bytes_per_feature
from explorer.features.windows import Batch, rows_of
from explorer.models.loader import LanguageModel, build_language_model
from explorer.transcoders.activations import Activation
from explorer.transcoders.transcoder import ReadPoint, Transcoder, TranscoderSet, WritePoint

D, CONTEXT, N_ACTIVE = 768, 128, 60


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--features", type=int, default=16384)
    parser.add_argument("--batches", type=int, default=12)
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    model, keeping = _model(chosen.layers), Keeping()
    held = _transcoders(model, chosen.layers, chosen.features)
    made = Collected.empty(model, held, keeping)
    times = np.array([_one(model, held, made, _batch(number)) for number in range(chosen.batches)])
    n_tokens = rows_of(CONTEXT) * (CONTEXT - 1)
    active = sum(int(one.active.sum()) for one in made.layers) / made.n_counted / chosen.layers
    print(f"{chosen.layers} layers of {chosen.features} features, {active:.0f} active at each token and layer")
    for name, part in (("first batch", times[:1]), ("last half", times[chosen.batches // 2 :])):
        steps = part.mean(0)
        shares = zip(("forward", "encode", "keep"), steps / steps.sum(), strict=True)
        said = ", ".join(f"{step} {share:.0%}" for step, share in shares)
        ratio = steps.sum() / steps[:2].sum()
        print(f"{name}: {n_tokens / steps.sum():,.0f} tokens/s; {said}; all / (forward + encode) = {ratio:.2f}")
    size = bytes_per_feature(keeping)
    print(f"statistics: {size} bytes a feature, {400_000 * size / 1e9:.2f} GB at 400,000, whatever the text")


def _one(model: LanguageModel, held: TranscoderSet, made: Collected, batch: Batch) -> tuple[float, float, float]:
    """Seconds of the process for the forward pass, the encoders and the statistics."""
    there = torch.from_numpy(counted(batch, 1))
    started = time.process_time()
    read = reads(model, held, torch.from_numpy(batch.ids))
    ran = time.process_time()
    found = [entries(held, at, x, there) for at, x in enumerate(read)]
    encoded = time.process_time()
    for at, one in enumerate(found):
        made.layers[at].add(one, batch.first, CONTEXT)
    made._count(batch, int(there.sum()))
    return ran - started, encoded - ran, time.process_time() - encoded


def _model(n_layers: int) -> LanguageModel:
    import transformers

    torch.manual_seed(0)
    config = transformers.GPT2Config(n_layer=n_layers, n_embd=D, n_head=12, vocab_size=50257)
    network = transformers.GPT2LMHeadModel(config)
    return build_language_model(Path("random"), config, network.state_dict())


def _transcoders(model: LanguageModel, n_layers: int, n_features: int) -> TranscoderSet:
    draw = torch.Generator().manual_seed(0)
    ids = torch.from_numpy(_batch(10**6).ids)
    layers, zero = [], torch.zeros(n_features)
    for _ in range(n_layers):
        W_enc = torch.randn(n_features, D, generator=draw) / D**0.5
        layers.append(Transcoder(W_enc, zero, W_enc[:, None], torch.zeros(D), Activation("relu")))
    plain = TranscoderSet(tuple(layers), ReadPoint.MLP_IN, WritePoint.MLP_OUT)
    for at, x in enumerate(reads(model, plain, ids)):
        pre = (x[:256] @ layers[at].W_enc.T).flatten()
        threshold = pre.topk(N_ACTIVE * 256).values[-1]
        layers[at] = Transcoder(
            layers[at].W_enc, zero, layers[at].W_dec, torch.zeros(D), Activation("jumprelu", threshold)
        )
    return TranscoderSet(tuple(layers), ReadPoint.MLP_IN, WritePoint.MLP_OUT)


def _batch(number: int) -> Batch:
    """Random tokens, rare ones rarer, as in text."""
    n_rows = rows_of(CONTEXT)
    ids = np.minimum(np.random.default_rng(number).zipf(1.2, (n_rows, CONTEXT)), 50256)
    ids[:, 0] = 50256
    nothing = np.zeros(n_rows, np.int64)
    return Batch(number * n_rows, ids, np.full(n_rows, CONTEXT), nothing, nothing, 1, 0)


if __name__ == "__main__":
    main()

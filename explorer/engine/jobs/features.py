"""The jobs on evidence for features: building an index from text, and asking for one feature (docs/features.md)."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer.engine.jobs.building import Building, Text, collect, collect_on
from explorer.engine.jobs.labelling import label_index
from explorer.engine.jobs.opening import Setting, fingerprint, model_of, token_text, transcoders_of
from explorer.engine.jobs.shards import Reading
from explorer.engine.state import EngineState
from explorer.errors import GraphError, PromptError
from explorer.features.statistics import Keeping, bytes_per_feature
from explorer.io import arrays, feature_build
from explorer.io import texts as text_files
from explorer.io.digest import digest
from explorer.io.feature_index import FORMAT, VERSION, FeatureIndex
from explorer.io.feature_labels import HELD_OUT
from explorer.work import Progress, Work

if TYPE_CHECKING:
    import numpy as np

    from explorer.features.collected import Collected
    from explorer.features.statistics import LayerStatistics
    from explorer.models.loader import LanguageModel
    from explorer.transcoders.transcoder import TranscoderSet

CONTEXT = 128
SHARD = 64  # batches between two savings, and of one worker: at most so much is lost with the process


def features_build(
    state: EngineState,
    *,
    model: str,
    transcoders: str,
    texts: list[str],
    output: str,
    context: int = 0,
    limit: int = 0,
    lines: bool = False,
    n_top: int = 20,
    n_random: int = 20,
    n_logits: int = 10,
    shard: int = SHARD,
    scheduler: str = "",
    device: str = "auto",
    dtype: str = "float32",
    threads: int = 0,
    neurons: bool = False,
    told: Mapping[str, str] | None = None,
) -> Work[Mapping[str, object]]:
    """Read ``texts`` through model and transcoders and write the index in folder ``output``; a summary.

    ``context`` 0 is 128 tokens, or what the model takes. After a kill the same request goes on behind the last shard.
    With ``scheduler``, the address of a Dask cluster's, its workers read the text.
    It is always of transcoders and in float32, whatever ``dtype`` and ``neurons`` a window says with every job.
    """
    setting = Setting(device, "float32", threads, told or {})
    yield Progress(0, 0, f"Reading “{Path(model).name}”")
    opened = model_of(state, model, setting)
    yield Progress(0, 0, "Reading transcoders")
    held = transcoders_of(state, transcoders, setting.told)
    text = _text_of(opened, held, texts, lines, limit, context)
    _check_numbers(n_top, n_random, shard)
    keeping = Keeping(n_top, n_random)
    yield Progress(0, 0, "Reading the text's fingerprint")
    head = _head(state, opened, held, model, text, {**asdict(keeping), "n_logits": n_logits})
    building = Building(opened, held, text, keeping, Path(output), json.dumps(head, sort_keys=True), shard)
    collected, resumed = building.begun()
    started = time.monotonic()
    if scheduler:
        reading = _reading(building, head, model, transcoders, setting)
        yield from _on_cluster(scheduler, reading, building, collected)
    else:
        yield from collect(state, building, collected)
    if not collected.n_counted:
        raise PromptError("The text gives no token that features are counted at; name a text with words in it.")
    rate = collected.n_tokens / max(time.monotonic() - started, 1e-9)
    yield from _write(state, building, collected, n_logits)
    head["text"] |= {name.removeprefix("n_"): count for name, count in collected.counts.items()}
    labelled = yield from label_index(state, FeatureIndex(building.folder, head), opened, held)
    feature_build.write_head(building.folder, head)
    return labelled | _summary(head, collected, keeping, None if resumed else rate)


def _check_numbers(n_top: int, n_random: int, shard: int) -> None:
    if min(n_top, n_random, shard) < 1:
        raise GraphError(
            f"{n_top} strongest and {n_random} random examples of a feature, and {shard} batches in a shard, are not "
            "possible; ask for at least 1 of each."
        )


def _on_cluster(address: str, reading: Reading, building: Building, made: Collected) -> Work[None]:
    from explorer.engine.jobs.cluster import cluster

    yield Progress(0, 0, f"Reaching “{address}”")
    with cluster(address) as workers:
        yield from collect_on(workers, reading, building, made)


def _reading(
    building: Building, head: Mapping[str, Any], model: str, transcoders: str, setting: Setting
) -> Reading:
    """How workers read the same: files at the same paths, the same device and as many threads."""
    import torch

    return Reading(
        str(Path(model).resolve()),
        str(Path(transcoders).resolve()),
        head["model"]["sha256"],
        building.transcoders.sha256,
        str(building.model.device),
        torch.get_num_threads(),
        setting.told,
        building.keeping,
    )


def _text_of(
    model: LanguageModel, held: TranscoderSet, names: list[str], lines: bool, limit: int, context: int
) -> Text:
    from explorer.features.reads import check_fits

    check_fits(model, held)
    if model.tokenizer is None:
        raise PromptError(f"“{model.name}” has no tokenizer files, so it reads no text; copy them beside the model.")
    if not names:
        raise PromptError("No text is named; give at least one file.")
    files = tuple(Path(name) for name in names)
    text_files.size(files)
    if context > model.context or context < 0 or context == 1 or limit < 0:
        raise GraphError(
            f"A context of {context} and a limit of {limit} tokens are not possible; "
            f"“{model.name}” takes contexts of 2 to {model.context}."
        )
    return Text(files, lines, limit, context or min(CONTEXT, model.context))


def _head(
    state: EngineState, opened: LanguageModel, held: TranscoderSet, model: str, text: Text, how: dict[str, Any]
) -> dict[str, Any]:
    """index.json but for the counts: all that the result depends on."""
    from explorer.features.windows import rows_of

    front = opened.tokenizer.front if opened.tokenizer is not None else None
    return {
        "format": FORMAT,
        "version": VERSION,
        "model": {"name": opened.name, "sha256": fingerprint(state, model), "layers": opened.n_layers},
        "transcoders": {
            "name": Path(held.origin).name,
            "kind": held.kind,
            "sha256": held.sha256,
            "d_transcoder": [layer.d_transcoder for layer in held.layers],
        },
        "text": {
            "sha256": digest(text.files, state.raise_if_stopped),
            "files": [file.name for file in text.files],
            "n_special": 0 if front is None else 1,
        },
        "settings": {
            "context": text.context, "rows": rows_of(text.context), "limit": text.limit, "lines": text.lines, **how
        },
    }  # fmt: skip


def _write(state: EngineState, building: Building, collected: Collected, n_logits: int) -> Work[None]:
    from explorer.features.held_out import draw

    model, held, text, folder = building.model, building.transcoders, building.text, building.folder
    used = feature_build.used_windows(collected.layers)
    steps = held.n_layers + 2
    for at, one in enumerate(collected.layers):
        yield Progress(at, steps, f"Layer {at}: logit effects")
        feature_build.write_layer(folder, one, used, _about(state, model, held, one, n_logits))
    yield Progress(steps - 2, steps, "Writing examples")
    feature_build.write_windows(folder, lambda: text.batches(model), used, text.context)
    drawn = draw(text.batches(model), text.context)
    arrays.write(folder / HELD_OUT, {**drawn.arrays, "token_windows": collected.token_windows})
    yield Progress(steps - 1, steps, "Writing tokens")
    feature_build.write_tokens(folder, [token_text(model, token) for token in range(model.n_tokens)])


def _about(
    state: EngineState, model: LanguageModel, held: TranscoderSet, one: LayerStatistics, n: int
) -> dict[str, np.ndarray]:
    """What the weights alone say of the active features of a layer: norms, logit effects, token lookup."""
    import numpy as np
    import torch

    from explorer.features.vocabulary import logit_effects, token_lookup, writes

    alive = torch.from_numpy(np.flatnonzero(one.active))
    rows = writes(model, held, one.layer, alive).to(model.device)
    made = {"norms": held.layers[one.layer].decoder_rows(alive).float().norm(dim=-1).cpu().numpy()}
    if not n:
        return made
    if rows.shape[-1] == model.d_model:
        found = logit_effects(model, rows.sum(1), n, state.raise_if_stopped)
        made |= {"logits.top.token": found.top.astype(np.int32), "logits.top.value": found.top_value}
        made |= {"logits.bottom.token": found.bottom.astype(np.int32), "logits.bottom.value": found.bottom_value}
        made["logits.spread"] = found.spread
    looked = token_lookup(model, held, one.layer, alive, n, state.raise_if_stopped)
    if looked is not None:
        made |= {"reads.token": looked.top.astype(np.int32), "reads.value": looked.top_value}
    return made


def _summary(
    head: Mapping[str, Any], collected: Collected, keeping: Keeping, rate: float | None
) -> dict[str, object]:
    n_features = sum(head["transcoders"]["d_transcoder"])
    notes = []
    if collected.n_tokens < head["settings"]["context"]:
        notes.append(
            f"The text has {collected.n_tokens} tokens, less than one context of {head['settings']['context']}; "
            "its evidence is thin."
        )
    return {
        **collected.counts,
        "features": n_features,
        "active_features": sum(int((one.active > 0).sum()) for one in collected.layers),
        "tokens_per_second": rate,
        "memory_bytes": n_features * bytes_per_feature(keeping),
        "notes": notes,
    }

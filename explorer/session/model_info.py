"""ModelInfo: what the window knows of the model that the engine holds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ModelInfo:
    """An open model and its transcoders, as the engine's ``open`` job reports them.

    ``transcoder_kind`` is ``plt``, ``clt`` or empty; ``context`` the longest prompt in tokens;
    ``device`` and ``dtype`` where and in what precision graphs are computed.
    """

    name: str
    path: str
    family: str
    n_layers: int
    d_model: int
    d_vocab: int
    n_parameters: int
    context: int
    special_token: str
    special_name: str
    transcoder_kind: str
    transcoder_name: str
    transcoder_path: str
    d_transcoder: int
    device: str
    dtype: str
    threads: int

"""ModelInfo: what the window knows of the model that the engine holds."""

from __future__ import annotations

from dataclasses import dataclass, replace

NEURONS = "neurons"  # a kind of features: the model's own MLP neurons, instead of transcoders


@dataclass(frozen=True)
class ModelInfo:
    """An open model and its transcoders, as the engine's ``open`` job reports them.

    ``transcoder_kind`` is ``plt``, ``clt``, ``neurons`` or empty; ``context`` the longest prompt in tokens;
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

    @property
    def has_neurons(self) -> bool:
        """Whether its own MLP neurons are the features."""
        return self.transcoder_kind == NEURONS

    @property
    def features(self) -> str:
        """What its features are: the folder of its transcoders, ``neurons`` or nothing yet."""
        return NEURONS if self.has_neurons else self.transcoder_path


def with_neurons(model: ModelInfo) -> ModelInfo:
    """``model`` with its own MLP neurons as features."""
    return replace(model, transcoder_kind=NEURONS, transcoder_name="", transcoder_path="", d_transcoder=0)

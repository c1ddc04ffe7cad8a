"""Foreseen faults.

ExplorerError
├── LoadError                a file or folder cannot be read as what it should be
│   ├── UnsupportedModel     a model that cannot be opened or frozen exactly
│   └── UnsupportedTranscoder  transcoders that cannot be read or do not fit the model
│       └── Unsaid           what a file does not say and the user is asked
├── PromptError              a prompt or target that the model cannot take
├── GraphError               a graph, node or setting that makes no sense
├── SaveError                a file that cannot be written
├── EngineError              the compute process failed or is not there
└── Cancelled                the user stopped the work

The text of each is one sentence for the user: the file or thing, what is wrong, what to do.
Anything else that is raised is a bug.
"""

from __future__ import annotations


class ExplorerError(Exception):
    """A foreseen fault whose text is a sentence for the user."""


class LoadError(ExplorerError):
    """A file or folder cannot be read as what it should be."""


class UnsupportedModel(LoadError):
    """A model that cannot be opened or whose attention and norms cannot be frozen exactly."""


class UnsupportedTranscoder(LoadError):
    """Transcoders that cannot be read or do not fit the model."""


class Unsaid(UnsupportedTranscoder):
    """What the file or folder ``path`` does not say: ``question`` as a clause, ``choices`` if only these answer it.

    ``name`` is what the answer is called: ``--tell NAME=VALUE`` on the command line.
    """

    def __init__(self, path: object, name: str, question: str, choices: tuple[str, ...] = ()) -> None:
        values = " or ".join(choices) if choices else "VALUE"
        super().__init__(f"“{path}” does not say {question}; tell it with {name}={values}.")
        self.path = str(path)
        self.name = name
        self.question = question
        self.choices = choices


class PromptError(ExplorerError):
    """A prompt or target that the model cannot take."""


class GraphError(ExplorerError):
    """A graph, node or setting that makes no sense."""


class SaveError(ExplorerError):
    """A file that cannot be written."""


class EngineError(ExplorerError):
    """The compute process failed or is not there."""


class Cancelled(ExplorerError):
    """The user stopped the work."""

"""Errors of models and engines; each message says what is wrong and what to do.

ModelError
├── UnknownModel      no such name in the index, and no such file
├── PullError         a model could not be fetched or verified
│   └── PullCancelled who asked for it has withdrawn
├── LoadError         a model file is there but cannot be served
└── EngineError       the engine stopped or refused
    └── EngineLost    the engine's process ended while it worked
"""


class ModelError(Exception):
    """Anything about models that a user is told; `str()` is the whole message."""


class UnknownModel(ModelError):
    """No such name in the index, and no such file."""


class PullError(ModelError):
    """A model could not be fetched or verified."""


class PullCancelled(PullError):
    """Who asked for a model has withdrawn; nothing half is left in the store."""


class LoadError(ModelError):
    """A model file is there but cannot be served."""


class EngineError(ModelError):
    """The engine stopped or refused."""


class EngineLost(EngineError):
    """The engine's process ended while it worked."""

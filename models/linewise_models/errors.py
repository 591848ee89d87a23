"""Errors of models and engines; each message says what is wrong and what to do.

ModelError
├── UnknownModel      no such name in the index, and no such file
├── PullError         a model could not be fetched or verified
│   └── PullCancelled who asked for it has withdrawn
├── LoadError         a model file is there but cannot be served
│   ├── AddressError  a server's address is none
│   └── AlreadyServed an engine process serves it as it is
├── AdapterError      an adapter is damaged, is for another base, or cannot be applied
├── EngineError       the engine stopped or refused
│   └── EngineLost    the engine's process ended while it worked
└── TrainError        data could not be prepared, or a model not trained or quantised
    ├── ConfigError   a config names an unknown key or a value that cannot be
    └── DatasetError  a prepared dataset is not what it must be
"""


class ModelError(Exception):
    """Anything about models that a user is told; `str()` is the whole message."""

    exit_code = 1
    """What a command ends with: 1 where it was asked rightly and failed, 2 where it was misused."""


class UnknownModel(ModelError):
    """No such name in the index, and no such file."""

    exit_code = 2


class PullError(ModelError):
    """A model could not be fetched or verified."""


class PullCancelled(PullError):
    """Who asked for a model has withdrawn; nothing half is left in the store."""


class LoadError(ModelError):
    """A model file is there but cannot be served."""


class AddressError(LoadError):
    """A server's address is none."""

    exit_code = 2


class AlreadyServed(LoadError):
    """An engine process serves the model with the same settings already."""


class AdapterError(ModelError):
    """An adapter is damaged, is for another base, or cannot be applied."""


class EngineError(ModelError):
    """The engine stopped or refused."""


class EngineLost(EngineError):
    """The engine's process ended while it worked."""


class TrainError(ModelError):
    """Data could not be prepared, or a model could not be trained or quantised."""


class ConfigError(TrainError):
    """A config names an unknown key or a value that cannot be."""


class DatasetError(TrainError):
    """A prepared dataset is damaged, incomplete, or made for another model."""

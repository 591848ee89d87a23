"""From settings to an engine: which model, whether it is here, and who runs it.

In: settings and the user's home. Out: engine clients and the model list. Starts nothing by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from linewise_models.engine.contract import EngineClient
from linewise_models.engine.scripted import SUFFIX
from linewise_models.errors import ModelError, UnknownModel
from linewise_models.home import Home
from linewise_models.host.address import Served
from linewise_models.host.client import HostClient
from linewise_models.index import Entry, fits, load_index
from linewise_models.store import Store
from linewise_server import __version__, protocol
from linewise_server.settings import Settings


class ModelMissingError(ModelError):
    """The model is known but not on this machine yet."""

    def __init__(self, entry: Entry) -> None:
        self.entry = entry
        megabytes = round(entry.download / 1e6)
        super().__init__(
            f"The model {entry.name} is not on this machine yet ({megabytes} MB to download). "
            f"Get it with: linewise models pull {entry.name}"
        )


@dataclass(frozen=True, slots=True)
class Engines:
    """The models and engines of one user."""

    home: Home
    environ: Mapping[str, str]

    @property
    def store(self) -> Store:
        """Where model files are."""
        return Store(self.home, self.environ)

    def entry(self, name: str) -> Entry:
        """Return the index entry or the file that a model's name stands for.

        Raises UnknownModel.
        """
        return load_index().resolve(name)

    def client(self, settings: Settings, on_loading: Callable[[float], None]) -> EngineClient:
        """Return the engine that the settings ask for; nothing runs until it is asked.

        Raises UnknownModel or ModelMissingError.
        """
        return HostClient(self.served(settings), self.home.run, on_loading)

    def served(self, settings: Settings) -> Served:
        """Return what the engine process of the settings serves.

        Raises UnknownModel or ModelMissingError.
        """
        entry = self.entry(settings.model)
        if not self.store.installed(entry):
            raise ModelMissingError(entry)
        path = self.store.path(entry)
        known = entry.fim if entry.fim in ("none", "psm", "spm") else None
        return Served(
            model=path,
            threads=settings.threads,
            fim=None if path.name.endswith(SUFFIX) else known,
            idle_minutes=settings.idle_minutes,
            version=__version__,
        )

    def models(self, active: str) -> list[protocol.Model]:
        """Return the index as the model picker shows it."""
        import psutil

        free = psutil.virtual_memory().available
        return [
            protocol.Model(
                name=entry.name,
                title=entry.title,
                size=entry.size,
                licence=entry.licence.spdx,
                task=", ".join(entry.tasks),
                installed=self.store.installed(entry),
                active=entry.name == active,
                fits=fits(entry, free),
                note=entry.licence.note or entry.summary,
            )
            for entry in load_index().entries
        ]


__all__ = ["Engines", "ModelMissingError", "UnknownModel"]

"""From settings to an engine: which model, whether it is here, and who runs it.

In: settings and the user's home. Out: engine clients and the model list. Starts nothing by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from linewise_models.advice import Slow, Wish, instead_of
from linewise_models.choice import chosen_model
from linewise_models.engine.contract import EngineClient, Report
from linewise_models.engine.scripted import SUFFIX
from linewise_models.errors import ModelError, UnknownModel
from linewise_models.home import Home
from linewise_models.host.address import Served
from linewise_models.host.client import HostClient
from linewise_models.index import Entry, load_index
from linewise_models.measured import Measurements
from linewise_models.prospects import survey
from linewise_models.store import Store
from linewise_server import __version__, protocol
from linewise_server.completion.budget import least_ms
from linewise_server.settings import Settings

if TYPE_CHECKING:
    from linewise_models.engine.remote.client import RemoteClient


class ModelMissingError(ModelError):
    """The model is known but not on this machine yet."""

    def __init__(self, entry: Entry) -> None:
        self.entry = entry
        size = f" ({round(entry.download / 1e6)} MB to download)" if entry.download else ""
        super().__init__(
            f"The model {entry.name} is not on this machine yet{size}. "
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
        """Return the index entry or the file that a model's name stands for; none is the usual one.

        Raises UnknownModel.
        """
        return load_index().resolve(name or self.usual_model())

    def usual_model(self) -> str:
        """Return the model for whoever names none: the one that was chosen, or the default."""
        return chosen_model(self.home) or load_index().default

    def title(self, settings: Settings) -> str:
        """Return what people call the model that the settings serve; its name where that is all."""
        if settings.remote_url:
            return settings.remote_model or settings.remote_url
        try:
            return self.entry(settings.model).title
        except UnknownModel:
            return settings.model

    def client(self, settings: Settings, on_loading: Callable[[float], None]) -> EngineClient:
        """Return the engine that the settings ask for; nothing runs until it is asked.

        Raises UnknownModel, ModelMissingError, or LoadError for a bad remote.url.
        """
        if settings.remote_url:
            return self.remote(settings)
        return HostClient(self.served(settings), self.home.run, on_loading)

    def remote(self, settings: Settings) -> RemoteClient:
        """Return the server that `remote.url` names; nothing is sent until it is asked.

        Raises LoadError for a bad URL or a key that cannot be sent.
        """
        from linewise_models.engine.remote import key
        from linewise_models.engine.remote.address import read_address
        from linewise_models.engine.remote.client import RemoteClient
        from linewise_models.engine.remote.link import Link, new_http

        address = read_address(settings.remote_url)
        link = Link(
            address,
            new_http(address),
            key.key_from_environment(self.environ),
            lambda: key.key_from_keyring(address.host),
        )
        return RemoteClient(link, settings.remote_model, settings.remote_fim)

    def verdict(self, settings: Settings) -> tuple[str | None, str | None]:
        """Return what the model of the settings does well and what badly; None for not known."""
        try:
            entry = None if settings.remote_url else self.entry(settings.model)
        except UnknownModel:
            entry = None
        if entry is None:
            return None, None
        return entry.does_well or None, entry.does_badly or None

    def warning(self, settings: Settings) -> str | None:
        """Return what a user has to know of where code goes; None where it stays here.

        Raises AddressError.
        """
        if not settings.remote_url:
            return None
        # It brings an HTTP client, 5 MB that a local model has no use for.
        from linewise_models.engine.remote.address import read_address

        return read_address(settings.remote_url).warning

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

    def checksum(self, settings: Settings) -> str | None:
        """Return the SHA-256 of the model file that the settings serve; takes a file's hashing.

        None where another machine serves, or where the model is not here.
        """
        try:
            entry = self.entry(settings.model)
            served = not settings.remote_url and self.store.installed(entry)
            return self.store.checksum(entry) if served else None
        except (OSError, UnknownModel):
            return None

    def instead(self, settings: Settings, report: Report, latency: str) -> str:
        """Return, in plain words, what to do where the engine is too slow; reads what is on disk.

        `latency` is the key of the setting that it is too slow for.
        """
        allowed: float = getattr(settings, f"latency_{latency}")
        setting = f"linewise.latency.{latency}"
        if settings.remote_url:
            return (
                f"{report.model} at {settings.remote_url} writes {report.generation_speed:.0f} "
                f"tokens/s, the way there included, too slow for the {allowed:,.0f} ms of "
                f"{setting}. Serve a smaller model there, allow more, or empty linewise.remote.url "
                "to use the engine on this machine."
            )
        import psutil

        slow = Slow(
            self.entry(settings.model).name, report.generation_speed, least_ms(report), setting
        )
        # What the slow one takes is free once another takes its place.
        memory = psutil.virtual_memory().available + report.model_bytes + report.cache_bytes
        prospects = survey(self.store, Measurements(self.home.measured), load_index())
        return instead_of(slow, Wish("completion", memory, allowed), prospects)

    def models(self, active: str) -> list[protocol.Model]:
        """Return the models that are known as the model picker shows them."""
        import psutil

        free = psutil.virtual_memory().available
        prospects = survey(self.store, Measurements(self.home.measured), load_index())
        return [
            protocol.Model(
                name=one.entry.name,
                title=one.entry.title,
                size=one.entry.size,
                licence=one.entry.licence.spdx,
                task=", ".join(one.entry.tasks),
                installed=one.installed,
                active=one.entry.name == active,
                fits=one.memory <= free,
                note=f"{one.entry.licence.note or one.entry.summary} {one.entry.verdict}".strip(),
            )
            for one in prospects
        ]


__all__ = ["Engines", "ModelMissingError", "UnknownModel"]

"""The catalogues that a user subscribes to: addresses in, verified catalogues out.

    FOLDER/subscriptions.json   what is subscribed to: address, pinned key, ETag, what is muted
    FOLDER/ID.catalogue         the last envelope that was taken, verified whenever it is read
    FOLDER/adapters/ID/         adapters of a catalogue whose user agreed to them

A catalogue is pulled by ETag; the request says nothing about the reader. The key that signed it
first is pinned: another key, an older release or a broken signature leaves the copy as it is.
An adapter is fetched only once the user agreed to those of its catalogue.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from filelock import FileLock

from linewise_telemetry import atomic
from linewise_telemetry.catalogue.adapters import AdapterFiles, address_beside
from linewise_telemetry.catalogue.document import Adapter, Catalogue, read_document
from linewise_telemetry.catalogue.envelope import fingerprint, open_envelope
from linewise_telemetry.catalogue.errors import AdapterError, CatalogueError, KeyChangedError

_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")


@dataclass(frozen=True, slots=True)
class Pulled:
    """What an address gave; `data` is None where it has nothing newer than the ETag asked with."""

    data: bytes | None
    etag: str


Pull = Callable[[str, str], Awaitable[Pulled]]
"""(address, ETag) -> what is there."""
Fetch = Callable[[str, int], Awaitable[bytes]]
"""(address, most bytes) -> what is there."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """One catalogue that is subscribed to; `key` is the pinned public key in base64."""

    id: str
    address: str
    key: str
    etag: str
    release: int
    muted: tuple[str, ...] = ()
    adapter: bool | None = None
    """Whether its adapters may be fetched and applied; None where nobody was asked."""

    @property
    def fingerprint(self) -> str:
        """The pinned key as people compare it."""
        return fingerprint(base64.b64decode(self.key))


@dataclass(frozen=True, slots=True)
class Shelf:
    """The subscriptions kept in `folder`."""

    folder: Path

    @property
    def stamp(self) -> int:
        """Changes whenever a subscription does, also by another process."""
        try:
            return self._list.stat().st_mtime_ns
        except OSError:
            return 0

    def subscriptions(self) -> list[Subscription]:
        """Return what is subscribed to; raises CatalogueError where the list is damaged."""
        try:
            rows = json.loads(self._list.read_text("utf-8"))
            return [Subscription(**row | {"muted": tuple(row["muted"])}) for row in rows]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise CatalogueError(f"{self._list} cannot be read: {error.strerror}.") from error
        except (ValueError, TypeError, KeyError) as error:
            raise CatalogueError(f"{self._list} is damaged ({error}).") from error

    def catalogues(self) -> list[Catalogue]:
        """Return the catalogues at hand; a copy that fails its check is left out."""
        found = []
        for subscription in self.subscriptions():
            try:
                found.append(_read(self._copy(subscription.id).read_bytes(), subscription)[0])
            except (OSError, CatalogueError):
                continue
        return found

    async def add(self, address: str, pull: Pull) -> tuple[Subscription, Catalogue]:
        """Subscribe to the catalogue at an address and pin the key that signed it."""
        pulled = await pull(address, "")
        data = pulled.data or b""
        catalogue, key = _read(data, None)
        with self._locked():
            held = {s.id: s for s in self.subscriptions()}
            if catalogue.id in held:
                known = held[catalogue.id]
                raise CatalogueError(
                    f"{catalogue.id} is subscribed to already, at {known.address}."
                    f" `linewise catalogue update {catalogue.id}` pulls what is new."
                )
            added = Subscription(catalogue.id, address, key, pulled.etag, catalogue.release)
            self._keep([*held.values(), added], added.id, data)
        return added, catalogue

    async def update(self, subscription: Subscription, pull: Pull) -> Catalogue | None:
        """Return the newer catalogue of a subscription, now kept; None where there is none.

        Raises KeyChangedError, SignatureError, DocumentError or CatalogueError; the copy stays.
        """
        pulled = await pull(subscription.address, subscription.etag)
        if pulled.data is None:
            return None
        catalogue, _ = _read(pulled.data, subscription)
        if catalogue.release < subscription.release:
            raise CatalogueError(
                f"{catalogue.id} went back from release {subscription.release} to"
                f" {catalogue.release}; the newer copy stays in use."
            )
        etag, release = pulled.etag, catalogue.release
        with self._locked():
            # What was muted or agreed to while the host was asked stays said.
            rows = [
                replace(row, etag=etag, release=release) if row.id == catalogue.id else row
                for row in self.subscriptions()
            ]
            self._keep(rows, catalogue.id, pulled.data)
            self.adapters(catalogue.id).leave(catalogue.adapters)
        return catalogue if catalogue.release > subscription.release else None

    def remove(self, catalogue: str) -> None:
        """End a subscription; raises CatalogueError where there is none."""
        with self._locked():
            rows = self.subscriptions()
            left = [row for row in rows if row.id != catalogue]
            if len(left) == len(rows):
                raise CatalogueError(f"No catalogue {catalogue!r} is subscribed to.")
            self._write(left)
            self._copy(catalogue).unlink(missing_ok=True)
            self.adapters(catalogue).leave(())

    def adapters(self, catalogue: str) -> AdapterFiles:
        """Return where the adapters of a catalogue are kept."""
        return AdapterFiles(self.folder / "adapters" / self._checked(catalogue))

    def may_ask(self, catalogue: str) -> bool:
        """Return whether nobody was asked for its adapters yet, and note that somebody is now."""
        with self._locked():
            rows = self.subscriptions()
            asked = any(row.id == catalogue and row.adapter is None for row in rows)
            if asked:
                self._write([_answered(row, catalogue, yes=False) for row in rows])
            return asked

    def agree(self, catalogue: str, *, yes: bool) -> Subscription:
        """Keep what the user says of a catalogue's adapters; a no deletes those at hand.

        Raises CatalogueError where it is not subscribed to.
        """
        with self._locked():
            rows = [_answered(row, catalogue, yes=yes) for row in self.subscriptions()]
            found = next((row for row in rows if row.id == catalogue), None)
            if found is None:
                raise CatalogueError(f"No catalogue {catalogue!r} is subscribed to.")
            self._write(rows)
            if not yes:
                self.adapters(catalogue).leave(())
            return found

    async def fetch_adapter(self, catalogue: str, adapter: Adapter, fetch: Fetch) -> Path:
        """Return the file of an adapter, fetched from beside its catalogue if it is not here.

        Raises AdapterError without the user's yes, and where something else came.
        """
        held = next((each for each in self.subscriptions() if each.id == catalogue), None)
        if held is None or not held.adapter:
            raise AdapterError(
                f"The adapter of {catalogue} needs your yes first:"
                f" linewise catalogue adapter {catalogue} on"
            )
        files = self.adapters(catalogue)
        found = files.find(adapter)
        if found is None:
            data = await fetch(address_beside(held.address, adapter.file), adapter.bytes)
            found = files.keep(adapter, data)
        return found

    def mute(self, catalogue: str, announcement: str) -> None:
        """Show an announcement no more."""
        with self._locked():
            rows = self.subscriptions()
            muted = [
                replace(row, muted=(*row.muted, announcement)) if row.id == catalogue else row
                for row in rows
            ]
            self._write(muted)

    @property
    def _list(self) -> Path:
        return self.folder / "subscriptions.json"

    def _copy(self, catalogue: str) -> Path:
        return self.folder / f"{self._checked(catalogue)}.catalogue"

    def _checked(self, catalogue: str) -> str:
        if not _ID.fullmatch(catalogue):
            raise CatalogueError(f"{catalogue!r} is no catalogue's id.")
        return catalogue

    def _keep(self, rows: list[Subscription], catalogue: str, data: bytes) -> None:
        atomic.write(self._copy(catalogue), data.decode())
        self._write(rows)

    def _write(self, rows: list[Subscription]) -> None:
        atomic.write(self._list, json.dumps([asdict(row) for row in rows], indent=1) + "\n")

    def _locked(self) -> FileLock:
        self.folder.mkdir(parents=True, exist_ok=True)
        return FileLock(self.folder / "subscriptions.lock")


def _read(data: bytes, subscription: Subscription | None) -> tuple[Catalogue, str]:
    """Return a verified catalogue and its key; the pinned key and id decide where there is one."""
    opened = open_envelope(data)
    key = base64.b64encode(opened.key).decode()
    if subscription is not None and key != subscription.key:
        raise KeyChangedError(subscription.id, subscription.fingerprint, opened.fingerprint)
    catalogue = read_document(opened.payload)
    if subscription is not None and catalogue.id != subscription.id:
        raise CatalogueError(f"The address of {subscription.id} now gives {catalogue.id}.")
    return catalogue, key


def _answered(row: Subscription, catalogue: str, *, yes: bool) -> Subscription:
    return replace(row, adapter=yes) if row.id == catalogue else row

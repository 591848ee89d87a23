"""Python symbols: a source and an offset in, the documented name and its link out.

The text answers first; jedi, within a deadline, answers what the text cannot and adds signature
and summary. A definition is matched with an inventory in two ways only: its full name stands there,
or the inventory proposes a public name that jedi leads back to the same definition. Nothing is
matched by its last part alone, and only the docs of the package that defines the symbol, or of the
class that it was reached through, are asked; so a wrong link needs a wrong inventory.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from linewise_server.apidocs.inventory import Symbol
from linewise_server.apidocs.library import Library
from linewise_server.apidocs.link import Link, Reason, Resolution
from linewise_server.apidocs.packages import Package, Packages, public_home
from linewise_server.apidocs.python.definition import Definition
from linewise_server.apidocs.python.own import OwnModules
from linewise_server.apidocs.python.process import InferenceProcess
from linewise_server.apidocs.python.scope import (
    IDENTIFIER,
    NamedApi,
    defines,
    imported_name,
    name_at,
    parse,
)
from linewise_server.apidocs.source import Source, Span, Syntax

_MAX_PROPOSALS = 8
_EVERYTHING = "builtins.object"
"""jedi does not always put it last, and its special methods are documented for all classes."""
_DOCUMENTED_AS = {
    "builtins.set": "builtins.frozenset",
    "typing.TextIO": "io.TextIOBase",
    "typing.BinaryIO": "io.BufferedIOBase",
    "typing.IO": "io.IOBase",
}
"""Classes whose members the standard library documents at another class."""


@dataclass(frozen=True, slots=True)
class _Name:
    """A full name; its last `length` parts come after the module."""

    full: str
    length: int


@dataclass(frozen=True, slots=True)
class _Proposal:
    """An entry that is right if jedi leads `public` to `defined`."""

    package: Package
    symbol: Symbol
    public: str
    defined: str


class PythonResolver:
    """Resolves names of Python texts; without `inference`, by text alone."""

    def __init__(
        self,
        library: Library,
        packages: Packages,
        inference: InferenceProcess | None,
        root: Path | None = None,
    ) -> None:
        self._library = library
        self._packages = packages
        self._own = OwnModules(root, packages.environment)
        self._inference = inference
        self._canonical: dict[str, str | None] = {}
        self._stamp = packages.stamp
        self._parsed: Syntax | None = None

    async def resolve(self, source: Source, offset: int, deadline: float) -> Resolution | None:
        """Return what the identifier at `offset` is; None where none stands or is used."""
        if self._parsed is None or self._parsed.text != source.text:
            self._parsed = parse(source.text)
        return await self.resolve_in(self._parsed, source, offset, deadline)

    async def resolve_in(
        self, syntax: Syntax, source: Source, offset: int, deadline: float
    ) -> Resolution | None:
        """Do as `resolve` on a text that is parsed already."""
        ends = time.monotonic() + deadline
        node = syntax.leaf_at(offset, IDENTIFIER)
        if node is None or (defines(node) and imported_name(syntax, node) is None):
            return None
        span = syntax.span(node)
        named = name_at(syntax, offset)
        own = named is not None and not named.builtin and self.is_own(named.full, source.path)
        link = self._spelt(named) if named and not own else None
        definition, late = await self._define(source, span.start, ends)
        unsaid = late
        if definition is not None:
            own = own or self._is_own(definition, source.path)
            definition = self._without_own(definition, source.path)
        if own:
            link, late = None, False
        elif link is None and definition is not None:
            link, late = await self._link(definition, syntax.of(node), ends)
        if definition is None and named is None:
            return _unresolved(syntax.of(node), span, late=late)
        written = named.full if named else ""
        full = definition.full if definition else ""
        reached = definition.receivers[0] if definition and definition.receivers else ""
        full = full or written or f"{reached}.{syntax.of(node)}"
        package = self._packages.of(full) if not own else None
        if link is None and package is not None:
            link = self._parent(written, full)
        return Resolution(
            name=link.target if link and link.exact else written or full,
            kind=definition.kind if definition else "name",
            package=link.package if link else package.name if package else None,
            span=span,
            link=link,
            gap=None if link else self.reason(package, late=late),
            signature=definition.signature if definition else "",
            summary=definition.summary if definition else "",
            late=unsaid or late,
        )

    def lookup(self, full: str) -> Link | None:
        """Return the link of a dotted name that stands in its package's inventory as it is."""
        return self._entry(self._packages.of(full) or self._packages.python(), full)

    def is_own(self, full: str, importer: Path | None) -> bool:
        """Whether a dotted name, as `importer` imports it, is of the workspace itself."""
        return self._own.hide(full, importer)

    def reason(self, package: Package | None, *, late: bool = False) -> Reason:
        """Return why a name of `package` has no link; `late` where inference has yet to answer."""
        if package is None:
            return "late" if late else "own"
        if self._library.docset(package.name, package.version) is None:
            return "notFetched"
        return "late" if late else "notInInventory"

    def _spelt(self, named: NamedApi) -> Link | None:
        package = self._packages.python() if named.builtin else self._packages.of(named.full)
        return self._entry(package, named.full) if package is not None else None

    def _entry(self, package: Package, full: str) -> Link | None:
        symbol = self._library.find(package, public_home(full))
        return self._library.link(package, symbol) if symbol else None

    def _is_own(self, definition: Definition, importer: Path | None) -> bool:
        """Whether the workspace itself defines a name, whatever else has that name."""
        if definition.file and self._own.hold(Path(definition.file)):
            return True
        names = [definition.full] if definition.full else definition.receivers
        return any(self._own.hide(name, importer) for name in names)

    def _without_own(self, definition: Definition, importer: Path | None) -> Definition:
        """Leave out classes of the workspace whose module has the name of another."""
        receivers = tuple(r for r in definition.receivers if not self._own.hide(r, importer))
        return replace(definition, receivers=receivers)

    async def _define(
        self, source: Source, offset: int, ends: float
    ) -> tuple[Definition | None, bool]:
        """Return jedi's answer and whether it came too late."""
        if self._inference is None:
            return None, False
        left = ends - time.monotonic()
        if left <= 0:
            return None, True
        try:
            return await self._inference.define(source, offset, left), False
        except TimeoutError:
            return None, True

    async def _link(
        self, definition: Definition, attribute: str, ends: float
    ) -> tuple[Link | None, bool]:
        """Return the link of a definition and whether jedi was too late to confirm one."""
        proposals: list[_Proposal] = []
        for name in self._names(definition, attribute):
            package = self._packages.of(name.full)
            if package is None:
                continue
            symbol = self._library.find(package, public_home(name.full))
            if symbol is not None:
                return self._library.link(package, symbol), False
            proposals += self._proposals(package, name)
        try:
            await self._confirm([proposal.public for proposal in proposals], ends)
        except TimeoutError:
            return None, True
        for proposal in proposals:
            if self._canonical.get(proposal.public) == proposal.defined:
                return self._library.link(proposal.package, proposal.symbol), False
        return None, False

    def _names(self, definition: Definition, attribute: str) -> Iterator[_Name]:
        """Yield the full names that a definition goes by, nearest to what was written first.

        Of the receiver's classes those beyond the one that defines the attribute count only in the
        same package: there they document what it overrides, elsewhere they are somebody else's.
        """
        owner = self._packages.of(definition.full) if definition.full else None
        own_receiver = any(self._packages.of(receiver) is None for receiver in definition.receivers)
        if owner is None and (definition.full or own_receiver):
            return
        holder = definition.full.rpartition(".")[0]
        beyond = False
        for receiver in dict.fromkeys(definition.receivers):
            near = not beyond and receiver != _EVERYTHING
            if near or self._packages.of(receiver) == owner:
                yield _Name(f"{receiver}.{attribute}", 2)
                if receiver in _DOCUMENTED_AS:
                    yield _Name(f"{_DOCUMENTED_AS[receiver]}.{attribute}", 2)
            beyond = beyond or receiver == holder
        if definition.full:
            parts = len(definition.full.split(".")) - len(definition.module.split("."))
            yield _Name(definition.full, max(1, parts))

    def _proposals(self, package: Package, name: _Name) -> Iterator[_Proposal]:
        """Yield the entries that may be the public name of `name`, and what would prove it.

        A member that was reached through a class is proved by its class.
        """
        suffix = ".".join(name.full.split(".")[-name.length :])
        count = 0
        for symbol in self._library.ending(package, suffix):
            inside = symbol.name.partition(".")[0] in package.modules
            if (inside or package.name == "python") and count < _MAX_PROPOSALS:
                count += 1
                if name.length > 1:
                    public = symbol.name.rpartition(".")[0]
                    yield _Proposal(package, symbol, public, name.full.rpartition(".")[0])
                else:
                    yield _Proposal(package, symbol, symbol.name, name.full)

    async def _confirm(self, names: list[str], ends: float) -> None:
        if self._packages.stamp != self._stamp:
            # Other versions may define elsewhere what they are still found by.
            self._stamp = self._packages.stamp
            self._canonical.clear()
        unknown = [name for name in dict.fromkeys(names) if name not in self._canonical]
        if unknown and self._inference is not None:
            left = max(0.0, ends - time.monotonic())
            answers = await self._inference.canonical(unknown, left)
            self._canonical.update(zip(unknown, answers, strict=True))

    def _parent(self, *names: str) -> Link | None:
        """Return the page of the enclosing class or module, which is not the symbol's own."""
        for full in names:
            package = self._packages.of(full)
            parent = full.rpartition(".")[0]
            while package is not None and parent:
                symbol = self._library.find(package, public_home(parent))
                if symbol is not None:
                    return self._library.link(package, symbol, exact=False)
                parent = parent.rpartition(".")[0]
        return None


def _unresolved(name: str, span: Span, *, late: bool) -> Resolution:
    gap: Reason = "late" if late else "unresolved"
    return Resolution(name, "name", None, span, None, gap, late=late)

"""Docs for an editor: what the server asks of this package, in one place.

In: a source text and an offset, a stretch, or a name. Out: resolutions with links or gaps. Owns the
resolvers and the inference process of one root; `close` ends the latter. The index, the user's
answers and the HTTP client are shared by the roots of a window.
"""

from __future__ import annotations

import asyncio
import dataclasses
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

from linewise_server.apidocs.acquire import Acquisition
from linewise_server.apidocs.consent import Answers, Policy, permission
from linewise_server.apidocs.environment import Environment
from linewise_server.apidocs.fetcher import Fetcher
from linewise_server.apidocs.index import Index
from linewise_server.apidocs.languages import BY_LANGUAGE
from linewise_server.apidocs.library import Library
from linewise_server.apidocs.link import Reason, Resolution
from linewise_server.apidocs.packages import Package, Packages
from linewise_server.apidocs.python.process import InferenceProcess
from linewise_server.apidocs.python.resolver import PythonResolver
from linewise_server.apidocs.python.scope import parse
from linewise_server.apidocs.python.uses import called_names, used_names
from linewise_server.apidocs.source import Source, Span
from linewise_server.apidocs.sources import candidates
from linewise_server.apidocs.threads import Threads

HOVER_DEADLINE = 0.13
"""Seconds that a hover waits for inference before it shows what the text alone says.

With what is left to do then it is there within 150 ms."""
WARM_SECONDS = 15.0
"""How long the names of one text may be inferred ahead of questions."""
_WORD = re.compile(r"[\w$-]+")


async def _at_once() -> None:
    """Wait for nothing."""


class Shared:
    """What the docs of several roots have in common, kept in `folder`; used by threads, too."""

    def __init__(self, folder: Path) -> None:
        self.index = Index(folder / "index.sqlite")
        self.answers = Answers(folder / "answers.json")
        self.fetcher = Fetcher()
        self.threads = Threads()

    async def close(self) -> None:
        """Release the HTTP client, and the index once nothing reads it; close all docs before."""
        await self.fetcher.aclose()
        await self.threads.finished()
        self.index.close()


class Docs:
    """The docs of one root."""

    def __init__(
        self,
        library: Library,
        packages: Packages,
        acquisition: Acquisition,
        inference: InferenceProcess | None,
        root: Path | None = None,
    ) -> None:
        self.library = library
        self.root = root
        self.packages = packages
        self.acquisition = acquisition
        self._inference = inference
        self._python = PythonResolver(library, packages, inference, root)
        self.threads = acquisition.threads
        self._prepared: asyncio.Future[None] | None = None

    async def resolve(
        self, source: Source, offset: int, deadline: float = HOVER_DEADLINE
    ) -> Resolution | None:
        """Return what stands at `offset`, in about `deadline` seconds; None without an API."""
        if source.language == "python":
            found = await self._python.resolve(source, offset, deadline)
            return self._explained(found) if found is not None else None
        resolve = BY_LANGUAGE.get(source.language)
        return resolve(source, offset, self.library) if resolve is not None else None

    async def apis_in(self, source: Source, within: Span, deadline: float) -> list[Resolution]:
        """Return the APIs that a stretch of text uses, each once, in text order.

        The workspace's own names and names that lead nowhere are left out.
        """
        if source.language == "python":
            spans = used_names(parse(source.text), within)
        else:
            words = _WORD.finditer(source.text, within.start, within.end)
            spans = [Span(*word.span()) for word in words]
        loop = asyncio.get_running_loop()
        ends = loop.time() + deadline
        found: dict[str, Resolution] = {}
        for span in spans:
            each = await self.resolve(source, span.start, max(0.0, ends - loop.time()))
            if each is not None and each.gap not in ("own", "unresolved", "late"):
                found.setdefault(each.name, each)
        return list(found.values())

    async def calls(self, source: Source, deadline: float) -> AsyncIterator[Resolution]:
        """Yield a resolution for every call and decorator of a Python text."""
        syntax = parse(source.text)
        for span in called_names(syntax):
            found = await self._python.resolve_in(syntax, source, span.start, deadline)
            if found is not None:
                yield self._explained(found)

    def lookup(self, name: str) -> Resolution:
        """Return what is known of a dotted Python name, or a name of one of the other tables."""
        link = self._python.lookup(name)
        if link is None:
            # JavaScript's methods are said with and without the word; MDN leaves it out.
            said = name.replace(".prototype.", ".")
            for table in ("web/javascript", "web/css", "web/html", "std/cpp", "std/c"):
                symbol = self.library.find(Package(table, "", ()), said)
                if symbol is not None:
                    link = self.library.link(Package(table, "", ()), symbol)
                    break
        if link is not None:
            return Resolution(name, "name", link.package, Span(0, 0), link, None)
        package = self.packages.of(name)
        gap: Reason = self._python.reason(package) if package else "unresolved"
        owner = package.name if package else None
        return self._explained(Resolution(name, "name", owner, Span(0, 0), None, gap))

    async def find(self, name: str, deadline: float) -> Resolution:
        """Return what `lookup` does, else what inference within `deadline` seconds leads to.

        So a name is found that a base class or another module brings in, as it is in an editor.
        """
        found = self.lookup(name)
        if found.link is not None or found.package is None:
            return found
        loop = asyncio.get_running_loop()
        ends = loop.time() + deadline
        enclosing = None
        for text in _uses_of(name):
            left = max(0.0, ends - loop.time())
            each = await self.resolve(Source(text, "python"), len(text), left)
            # Without a definition it is the page of whatever encloses a name that is none.
            if each is not None and each.link is not None and each.kind != "name":
                here = dataclasses.replace(each, name=name)
                if each.link.exact:
                    return here
                enclosing = enclosing or here
        return enclosing or found

    def imported_package(self, name: str, importer: Path | None) -> Package | None:
        """Return the package of a Python name that a file imports; None for its own modules."""
        return None if self.is_own(name, importer) else self.packages.of(name)

    def is_own(self, name: str, importer: Path | None) -> bool:
        """Return whether a Python name, as a file imports it, is of the workspace itself."""
        return self._python.is_own(name, importer)

    def obtainable(self, resolution: Resolution) -> Package | None:
        """Return the package whose docs could be fetched, if the user agrees.

        That is to fill a gap, or because those at hand are of another version or old; the latter
        alone are fetched only where the user agreed before.
        """
        package = self.packages.named(resolution.package) if resolution.package else None
        if package is None:
            return None
        missing = resolution.gap == "notFetched"
        if not missing and not self.acquisition.is_outdated(package):
            return None
        policy, answers = self.acquisition.policy(), self.acquisition.answers
        allowed = permission(policy, answers, package)
        may = allowed == "granted" or (missing and allowed == "ask")
        return package if may and candidates(package) else None

    async def warm(
        self,
        source: Source,
        quiet: Callable[[], Awaitable[None]] = _at_once,
        seconds: float = WARM_SECONDS,
    ) -> None:
        """Infer names that a Python text calls, so that hovers find the answers cached.

        One question at a time, each spelling once, none after `seconds` in all, and each only after
        `quiet` returned: a hover waits for one question at most, and who types needs the processor
        more. Cancel the task to stop.
        """
        if source.language != "python":
            return
        await quiet()
        if self._prepared is None:
            self._prepared = asyncio.ensure_future(self.threads.run(self._prepare))
        await asyncio.shield(self._prepared)
        syntax = parse(source.text)
        spellings = {source.text[s.start : s.end]: s for s in reversed(called_names(syntax))}
        loop = asyncio.get_running_loop()
        left = seconds
        for span in reversed(spellings.values()):
            await quiet()
            started = loop.time()
            await self._python.resolve_in(syntax, source, span.start, left)
            left -= loop.time() - started
            if left <= 0:
                return

    async def close(self) -> None:
        """End the inference process."""
        if self._inference is not None:
            await self._inference.close()

    def _prepare(self) -> None:
        """Read what the first question would have to wait for."""
        self.packages.of("pip")
        self.library.docset("python")

    def _explained(self, resolution: Resolution) -> Resolution:
        """Say more precisely why docs are not here."""
        if resolution.gap != "notFetched" or resolution.package is None:
            return resolution
        package = self.packages.named(resolution.package)
        if package is None:
            return resolution
        policy, answers = self.acquisition.policy(), self.acquisition.answers
        if permission(policy, answers, package) == "private":
            return dataclasses.replace(resolution, gap="private")
        if not candidates(package):
            return dataclasses.replace(resolution, gap="noSource")
        return resolution


def _uses_of(name: str) -> Iterator[str]:
    """Yield Python texts that end in a dotted name, with the imports that it may need."""
    parts = name.split(".")
    if all(part.isidentifier() for part in parts):
        for cut in range(len(parts) - 1, -1, -1):
            yield f"import {'.'.join(parts[:cut])}\n{name}" if cut else name


def open_docs(
    shared: Shared,
    cache: Path,
    root: Path | None,
    environment: Environment,
    policy: Callable[[], Policy],
) -> Docs:
    """Return the docs of a root, with jedi's cache under `cache`.

    `policy` is asked at every fetch, so that a changed setting counts at once.
    """
    packages = Packages(environment)
    library = Library(shared.index, environment)
    acquisition = Acquisition(
        library, packages, policy, shared.answers, shared.fetcher, shared.threads
    )
    inference = InferenceProcess(root, environment, cache / "jedi")
    return Docs(library, packages, acquisition, inference, root)

"""The docs of the workspace that an editor window has open.

In: documents of the session. Out: sources and the `Docs` that answer for them, those of the folder
that holds each, opened when first needed. Asks the user before a fetch that needs a yes, once a
package, version and session.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any
from weakref import WeakSet

from lsprotocol import types

from linewise_models.home import Home
from linewise_server.apidocs.catalogues import Catalogues
from linewise_server.apidocs.consent import Policy, permission, private_by
from linewise_server.apidocs.docs import WARM_SECONDS, Docs, Shared, open_docs
from linewise_server.apidocs.environment import environment_at, find_environment
from linewise_server.apidocs.errors import ApiDocsError
from linewise_server.apidocs.link import Resolution
from linewise_server.apidocs.packages import Package
from linewise_server.apidocs.source import Source, Span
from linewise_server.apidocs.sources import candidates
from linewise_server.apidocs.usage import Usage
from linewise_server.lsp.documents import Document
from linewise_server.lsp.folders import Folder, path_of
from linewise_server.lsp.server import LinewiseServer
from linewise_server.settings import Settings
from linewise_telemetry.catalogue.errors import CatalogueError
from linewise_telemetry.catalogue.holding import Holding

log = logging.getLogger(__name__)

_YES, _NO = "Fetch", "Not for this package"
_PAUSE_SECONDS = 2.0
"""Without a key for so long, the processor is free for what may be asked later."""
_AT_OPEN_SECONDS = 0.3
"""Of inference for a text that nobody asked about yet: it starts jedi and reads what most texts
use. All its names are inferred only once somebody hovers there, since most texts are typed in and
never asked about, and inferring cost as much as half of the completions."""
INFERENCE_SECONDS = 15.0
"""How long an answer that nobody waits for may take: a package is slow to infer the first time."""


class WorkspaceDocs:
    """Docs of one server, with what the handlers share."""

    def __init__(
        self,
        server: LinewiseServer,
        home: Home,
        environ: Mapping[str, str],
        holding: Holding,
        usage: Usage,
    ) -> None:
        self.python_is_served = False
        """Whether the client says that another server shows Python's signatures already."""
        self.interpreters: dict[Path | None, str] = {}
        """The Python that the user chose in the client, by root; empty where it does not say."""
        self.accepted: tuple[str, str] | None = None
        """URI of the document and text of the completion that was accepted last."""
        self.notes: list[Callable[[Resolution], str | None]] = []
        """What else a hover says of a symbol, in Markdown; features add themselves."""
        self.usage = usage
        self._holding = holding
        self._server = server
        self._disturbed = 0.0
        self._home = home
        self._environ = environ
        self._docs: dict[Path | None, Docs] = {}
        self._chosen: dict[Path | None, tuple[str, str]] = {}
        """What the docs of a root were opened for: what is set, and what the client chose."""
        self._catalogues: Catalogues | None = None
        self._shared: Shared | None = None
        self._background: dict[str, Callable[[], Coroutine[Any, Any, None]]] = {}
        self._asked: set[str] = set()
        self._looked_into: WeakSet[Document] = WeakSet()
        self._tasks: dict[str, asyncio.Task[None]] = {}

    @property
    def shared(self) -> Shared:
        """What the docs of all folders have in common, opened on first use."""
        if self._shared is None:
            self._shared = Shared(self._home.root / "docs")
        return self._shared

    def docs(self, path: Path | None) -> Docs:
        """Return the docs of the folder that holds a file, for the Python that is used there.

        What no folder holds is a library's most often, so it goes with the first folder.
        """
        folder = self._folder(path)
        root = folder.path if folder is not None else None
        chosen = (self._settings(root).docs_python, self.interpreters.get(root, ""))
        if root not in self._docs or self._chosen[root] != chosen:
            self._chosen[root] = chosen
            self._open(root)
        return self._docs[root]

    @property
    def catalogues(self) -> Catalogues:
        """The catalogues that the user subscribes to, matched with what is written here."""
        if self._catalogues is None:
            self._catalogues = Catalogues(self._holding, self.shared.index, self.shared.threads)
        return self._catalogues

    def add_background(self, name: str, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Run `work` from the first document on, until the server ends."""
        self._background[name] = work

    def shows_whole(self, document: Document) -> bool:
        """Say whether a hover has signature and summary, or the link alone."""
        match self._server.session.folders.settings(document.uri).docs_hover:
            case "whole":
                return True
            case "link":
                return False
            case "automatic":
                return not (document.language == "python" and self.python_is_served)

    def noticed(self, source: Source, resolution: Resolution | None) -> None:
        """Fetch docs that a resolution lacks, if the user agreed or agrees now."""
        docs = self.docs(source.path)
        package = docs.obtainable(resolution) if resolution is not None else None
        wanted = f"{package.name} {package.version}" if package is not None else ""
        if package is not None and wanted not in self._asked:
            self._asked.add(wanted)
            self.run(f"fetch {package.name}", self._obtain(docs, package))

    def opened(self, document: Document) -> None:
        """Begin to infer a document's names in the background, and start what else runs there."""
        for name, work in self._background.items():
            if name not in self._tasks:
                self.run(name, work())
        self._look_again(document)
        self.disturbed()
        self.run("warm", self._warm(document, _AT_OPEN_SECONDS))

    def looked_into(self, document: Document) -> None:
        """Infer all names of a document in pauses from now on: somebody reads its docs."""
        if document not in self._looked_into:
            self._looked_into.add(document)
            self.run("warm", self._warm(document, WARM_SECONDS))

    def disturbed(self) -> None:
        """Note that the user does something just now."""
        self._disturbed = time.monotonic()

    async def quiet(self) -> None:
        """Wait until the user pauses."""
        # The moment moves while this waits for it.
        while (left := self._disturbed + _PAUSE_SECONDS - time.monotonic()) > 0:  # noqa: ASYNC110
            await asyncio.sleep(left)

    async def resolve_with_catalogues(self, source: Source, offset: int) -> Resolution | None:
        """Infer what stands somewhere in a pause, the symbols of subscribed catalogues included."""
        await self.read_catalogues()
        return await self.docs(source.path).resolve(source, offset, INFERENCE_SECONDS)

    async def read_catalogues(self) -> Catalogues:
        """Return the catalogues as they are now, or as they were where their list is damaged."""
        # Who watches the shelf tells the user of it.
        with contextlib.suppress(CatalogueError):
            await self.catalogues.refresh()
        return self.catalogues

    def run(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        """Run work beside the requests; work of the same name that still runs is cancelled."""
        earlier = self._tasks.pop(name, None)
        if earlier is not None:
            earlier.cancel()
        task = asyncio.create_task(work)
        self._tasks[name] = task
        task.add_done_callback(lambda done: self._ended(name, done))

    def stop(self, name: str) -> None:
        """Cancel work of this name, if it runs."""
        task = self._tasks.pop(name, None)
        if task is not None:
            task.cancel()

    async def follow_folders(self) -> None:
        """Let go of the docs of folders that left the workspace."""
        roots = {folder.path for folder in self._server.session.folders.open}
        # It may be at a folder that left; the next document that opens is warmed again.
        self.stop("warm")
        for root in [root for root in self._docs if root not in roots]:
            await self._docs.pop(root).close()

    async def close(self) -> None:
        """End what runs in the background, and the inference process."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        opened, self._docs, self._catalogues = self._docs, {}, None
        for docs in opened.values():
            await docs.close()
        shared, self._shared = self._shared, None
        if shared is not None:
            await shared.close()

    async def _warm(self, document: Document, seconds: float) -> None:
        await self.quiet()
        source = source_of(document)
        await self.docs(source.path).warm(source, self.quiet, seconds)

    async def _obtain(self, docs: Docs, package: Package) -> None:
        acquisition = docs.acquisition
        if permission(acquisition.policy(), acquisition.answers, package) == "ask":
            hosts = sorted({candidate.host for candidate in candidates(package)})
            answer = await self._server.window_show_message_request_async(
                types.ShowMessageRequestParams(
                    types.MessageType.Info,
                    f"Fetch the index of {package.name}'s docs, so that its names can be linked?"
                    f" It tells {' or '.join(hosts)} that somebody here uses {package.name}.",
                    [types.MessageActionItem(_YES), types.MessageActionItem(_NO)],
                )
            )
            if answer is None:
                return
            acquisition.answers.keep(package.name, yes=answer.title == _YES)
        try:
            await acquisition.refresh(package)
        except ApiDocsError as error:
            log.info("%s", error)

    def _look_again(self, document: Document) -> None:
        """Open the docs of a document's root anew if an environment was made there since."""
        folder = self._folder(path_of(document.uri))
        root = folder.path if folder is not None else None
        if root in self._docs:
            self._open(root)

    def _open(self, root: Path | None) -> None:
        """Open docs for the Python that a root uses now, unless those at hand are for it."""
        before = self._docs.get(root)
        environment = find_environment(root, self._configured(root), self._environ)
        if before is not None and before.packages.environment == environment:
            return
        if before is not None:
            self.run(f"close docs of {before.packages.environment.executable}", before.close())
        policy = lambda: self._policy(root)  # noqa: E731
        self._docs[root] = open_docs(self.shared, self._home.cache, root, environment, policy)

    def _configured(self, root: Path | None) -> Path | None:
        """Return the interpreter that the setting names, else what the client says is chosen."""
        said = self._settings(root).docs_python
        if said:
            said = said.replace("${workspaceFolder}", str(root or ""))
            place = (root or Path()) / Path(said).expanduser()
            if environment_at(place) is not None:
                return place
            self._server.session.tell_once(
                f"linewise.docs.python is {said}, where no Python environment is. Set it to an"
                " interpreter or to the folder of an environment; until then docs are linked for"
                " the Python that Linewise finds by itself."
            )
        chosen = self.interpreters.get(root)
        return Path(chosen) if chosen else None

    def _folder(self, path: Path | None) -> Folder | None:
        folders = self._server.session.folders
        return folders.holding(path) or next(iter(folders.open), None)

    def _settings(self, root: Path | None) -> Settings:
        folders = self._server.session.folders
        return folders.settings_in(folders.holding(root))

    def _policy(self, root: Path | None) -> Policy:
        settings = self._settings(root)
        private = (*settings.docs_private_packages, *private_by(self._environ))
        return Policy(settings.docs_fetch, private)

    def _ended(self, name: str, task: asyncio.Task[None]) -> None:
        if self._tasks.get(name) is task:
            del self._tasks[name]
        if not task.cancelled() and task.exception() is not None:
            log.error("%s", name, exc_info=task.exception())


def source_of(document: Document) -> Source:
    """Return a document as the docs see it."""
    return Source(document.snapshot().text(), document.language, path_of(document.uri))


def range_of(document: Document, span: Span) -> types.Range:
    """Return a span of the document as LSP has it."""
    snapshot = document.snapshot()
    start, end = snapshot.place(span.start), snapshot.place(span.end)
    return types.Range(document.position(*start), document.position(*end))

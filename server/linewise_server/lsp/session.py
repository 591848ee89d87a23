"""What one editor window has open: its documents, its settings, its completer, its status.

In: what the LSP handlers pass on. Out: the same to them. The handlers hold no state of their own.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import time
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any, Literal

from attrs import evolve
from lsprotocol import types

from linewise_models.engine.contract import EngineClient, Report
from linewise_models.errors import AddressError, EngineLost, ModelError, UnknownModel
from linewise_models.quotation import Definition
from linewise_server.completion.adapted import AdaptedClient, Adapters
from linewise_server.completion.ask import Ask, Suggestion
from linewise_server.completion.budget import too_slow
from linewise_server.completion.calibration import USUAL
from linewise_server.completion.completer import Completer
from linewise_server.completion.neighbours import Neighbour
from linewise_server.completion.outcome import Outcome
from linewise_server.engines import Engines, ModelMissingError
from linewise_server.lsp.documents import Documents, Edit
from linewise_server.lsp.folders import Folders
from linewise_server.lsp.keys_saved import KeysSaved
from linewise_server.lsp.listeners import Listeners
from linewise_server.lsp.silence import Silences
from linewise_server.protocol import DocumentStatus, State, Status, Trace
from linewise_server.settings import Settings, read_settings
from linewise_server.snapshot import Snapshot

log = logging.getLogger(__name__)

_LOADED = 1.0


class Session:
    """The state of one server; everything in it belongs to the event loop."""

    def __init__(
        self,
        engines: Engines,
        on_status: Callable[[Status], None],
        on_document: Callable[[DocumentStatus], None],
        on_trace: Callable[[Trace], None],
        on_problem: Callable[[str], None],
    ) -> None:
        self.engines = engines
        self.documents = Documents()
        self.folders = Folders(engines.environ)
        self.silences = Silences(self.documents, self.folders, on_document)
        self.informing = asyncio.Lock()
        """Held while the editor is asked for its settings; see `informed`."""
        self.status = Status("loading", "Starting", None, None, None, None, 0, None, None)
        self.shown: dict[str, tuple[str, Suggestion]] = {}
        """Document and suggestion by id, for what the client later says of them."""
        self.last_edit: dict[str, Edit] = {}
        """The last change of each document."""
        self.client = ""
        """What the client calls itself."""
        self.least: Callable[[], float] = lambda: USUAL
        """Mean log-probability below which nothing is shown unasked."""
        self.keys = KeysSaved(None, lambda: False)
        self.listeners = Listeners()
        self._adapters = Adapters(self.tell_once)
        self._background: set[asyncio.Task[None]] = set()
        self._on_status = on_status
        self._on_trace = on_trace
        self._on_problem = on_problem
        self._told: set[str] = set()
        self._starting = asyncio.Lock()
        self._ending: asyncio.Task[None] | None = None
        self._completer: Completer | None = None
        self._failures: list[Completer] = []
        self._numbers = itertools.count(1)
        self._advice: tuple[tuple[str, Settings], str] | None = None
        """What to do about an engine that is too slow, and about which by what settings."""

    @property
    def settings(self) -> Settings:
        """The settings of the window; those of a document are in `folders`."""
        return self.folders.window

    @settings.setter
    def settings(self, settings: Settings) -> None:
        self.folders.window = settings

    async def configure(self, section: Any) -> None:
        """Take the editor's settings; a new model or engine takes the place of the old one."""
        settings, problems = read_settings(section)
        if not settings.model:
            usual = await asyncio.to_thread(self.engines.usual_model)
            settings = evolve(settings, model=usual)
        for problem in problems:
            self.tell_once(problem)
        logging.getLogger("linewise_server").setLevel(settings.log_level.upper())
        before, self.settings = self.settings, settings
        self.silences.look_again()
        # Of an address that is none the client says so; nothing is sent.
        with contextlib.suppress(AddressError):
            if (warning := self.engines.warning(settings)) is not None:
                self.tell_once(
                    f"{warning} That is the server in linewise.remote.url; empty that setting to "
                    "keep all code on this machine."
                )
        serving = (
            "model",
            "threads",
            "idle_minutes",
            "remote_url",
            "remote_model",
            "remote_fim",
        )
        if any(getattr(before, name) != getattr(settings, name) for name in serving):
            await self.release()

    async def informed(self) -> None:
        """Wait until it is known what the editor sets; a request must not go by what was before."""
        async with self.informing:
            pass

    async def serve_model(self, name: str) -> None:
        """Serve another model from now on, whatever the settings said before."""
        self.settings = evolve(self.settings, model=name)
        await self.release()

    async def complete(self, ask: Ask) -> list[Suggestion]:
        """Return suggestions; what goes wrong is told once and shown in the status."""
        if self.silences.reason(ask.snapshot.uri, ask.snapshot.language) is not None:
            return []
        started = time.monotonic()
        try:
            completer = self._completer or self._open()
            suggestions = await completer.complete(ask)
        except ModelError as error:
            self._answered(ask, [], Outcome("failed", (time.monotonic() - started) * 1000))
            self._failed(error)
            return []
        except asyncio.CancelledError:
            self._answered(ask, [], Outcome("canceled", (time.monotonic() - started) * 1000))
            raise
        for suggestion in suggestions:
            self.shown[suggestion.id] = (ask.snapshot.uri, suggestion)
        while len(self.shown) > 200:
            self.shown.pop(next(iter(self.shown)))
        await self._ready(completer)
        return suggestions

    def completer(self) -> Completer:
        """Return what completes by the settings, for whoever looks into it. Raises ModelError."""
        return self._completer or self._open()

    def engine(self) -> EngineClient:
        """Return the engine of the settings, for what is no completion. Raises ModelError."""
        return self.completer().client

    @property
    def serves_now(self) -> bool:
        """Whether an engine is at work or about to be."""
        return self._completer is not None

    async def surround(
        self,
        snapshot: Snapshot,
        line: int,
        neighbours: list[Neighbour],
        samples: list[Definition],
    ) -> None:
        """Have completions in a document know what others say of it."""
        if self._completer is not None:
            await self._completer.surround(snapshot, line, neighbours, samples)

    async def warm_up(self, item: types.TextDocumentItem) -> None:
        """Load the model when a document opens, so that its first key need not wait for it."""
        await self.informed()
        if self.silences.reason(item.uri, str(item.language_id)) is None:
            await self.load()

    async def load(self) -> None:
        """Start the engine and load the model now."""
        try:
            await self._ready(self._completer or self._open())
        except ModelError as error:
            self._failed(error)

    def opened(self, item: types.TextDocumentItem) -> None:
        """Take a document in."""
        document = self.documents.open(item)
        self.silences.tell(document)
        for listener in self.listeners.opened:
            listener(document)

    def changed(self, params: types.DidChangeTextDocumentParams) -> None:
        """Apply what the user typed; work that it made useless ends."""
        uri = params.text_document.uri
        edits = self.documents.change(params)
        document = self.documents.get(uri)
        if document is None or not edits:
            return
        for edit in edits:
            for listener in self.listeners.edited:
                listener(document, edit)
        self.last_edit[uri] = edit
        if self._completer is not None:
            line, column = document.end_of(edit)
            self._completer.changed(document.snapshot(), line, column)

    def forget(self, uri: str) -> None:
        """Forget a document that was closed."""
        self.documents.close(uri)
        for listener in self.listeners.closed:
            listener(uri)
        self.silences.forget(uri)
        self.last_edit.pop(uri, None)
        self._adapters.choose(uri, None)
        if self._completer is not None:
            self._completer.forget(uri)

    def adapt(self, uri: str, adapter: str | None) -> None:
        """Complete a document with the adapter at a path from now on, or with none."""
        if self._adapters.choose(uri, adapter) and self._completer is not None:
            # What was said and kept without it, or with another, holds no more.
            self._completer.forget(uri)

    def accepted(self, identity: str, characters: int | None = None) -> None:
        """Note that a suggestion, or its first `characters`, is in the text now."""
        found = self.shown.get(identity)
        if found is None:
            return
        uri, suggestion = found
        if characters is None:
            for listener in self.listeners.accepted:
                listener(uri, suggestion)
        else:
            for hears in self.listeners.accepted_partly:
                hears(identity, characters)
        self.keys.tell(identity, len(suggestion.text) if characters is None else characters)
        self._show(replace(self.status, keys_saved_today=self.keys.today))

    async def refresh_keys(self) -> None:
        """Bring the keys saved today up to date: other windows save some, and days end."""
        await asyncio.to_thread(self.keys.read)
        self._show(replace(self.status, keys_saved_today=self.keys.today))

    def inserted(self, uri: str, catalogue: str, sample: str, text: str) -> None:
        """Note that a sample is in a document now."""
        for listener in self.listeners.inserted:
            listener(uri, catalogue, sample, text)

    def displayed(self, identity: str, basis: str) -> None:
        """Note that a suggestion is on the screen."""
        for listener in self.listeners.shown:
            listener(identity, basis)

    def dismissed(self, identity: str, reason: str, shown_ms: float) -> None:
        """Note that a suggestion left the screen without being accepted."""
        for listener in self.listeners.dismissed:
            listener(identity, reason, shown_ms)

    async def begin(self) -> None:
        """Start what runs beside the requests, once the client is ready."""
        async with self._starting:
            for listener in self.listeners.starting:
                if self._ending is None:
                    await listener()

    async def end(self) -> None:
        """End everything, once, whoever asks first; nothing is asked any more."""
        if self._ending is None:
            self._ending = asyncio.create_task(self._end())
        await asyncio.shield(self._ending)

    async def _end(self) -> None:
        for task in list(self._background):
            task.cancel()
        await self.release()
        # What is half started cannot be ended.
        async with self._starting:
            for listener in self.listeners.ending:
                await listener()

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something until the session ends."""
        task = asyncio.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    def tell_once(self, message: str, about: str = "") -> None:
        """Show a message to the user unless it, or another about the same, was shown before."""
        if (about or message) not in self._told:
            self._told.add(about or message)
            self._on_problem(message)

    async def release(self) -> None:
        """Let go of the engine; the next request takes it up again."""
        completer, self._completer = self._completer, None
        closing = [*self._failures, *([completer] if completer is not None else [])]
        self._failures = []
        for each in closing:
            await each.close()

    def _open(self) -> Completer:
        engine = self.engines.client(self.settings, self._loading)
        client = AdaptedClient(engine, self._adapters)
        self._completer = Completer(
            client,
            self.folders.settings,
            self._traced,
            answered=self._answered,
            least=lambda: self.least(),
            numbers=self._numbers,
        )
        return self._completer

    def _answered(self, ask: Ask, suggestions: list[Suggestion], outcome: Outcome) -> None:
        for listener in self.listeners.answered:
            listener(ask, suggestions, outcome)

    def _traced(self, trace: Trace) -> None:
        if self.settings.trace:
            self._on_trace(trace)

    def _loading(self, share: float) -> None:
        for listener in self.listeners.loading:
            listener(share)
        if share < _LOADED:
            title = self.engines.title(self.settings)
            self._show(
                replace(
                    self.status,
                    state="loading",
                    message=f"Loading {title}",
                    model=title,
                    progress=share,
                )
            )

    async def _ready(self, completer: Completer) -> None:
        report = await completer.report()
        for listener in self.listeners.served:
            listener(report)
        by_hand = self.settings.trigger == "manual"
        waits: Literal["automatic", "invoked"] = "invoked" if by_hand else "automatic"
        slow = too_slow(report, getattr(self.settings, f"latency_{waits}"))
        title = self.engines.title(self.settings)
        state: State = "tooSlow" if slow else "ready"
        speed = f"{report.generation_speed:.0f} tokens/s"
        advice = None
        if slow:
            advice = await self._instead(report, waits)
        does_well, does_badly = self.engines.verdict(self.settings)
        self._show(
            Status(
                state=state,
                message=f"{title} on {report.backend}, {speed}",
                model=title,
                backend=report.backend,
                prompt_speed=round(report.prompt_speed),
                generation_speed=round(report.generation_speed),
                keys_saved_today=self.keys.today,
                progress=None,
                advice=advice,
                does_well=does_well,
                does_badly=does_badly,
            )
        )
        if advice is not None:
            self.tell_once(advice, f"the speed of {title}")

    async def _instead(self, report: Report, latency: str) -> str:
        """Return what to do about an engine that is too slow; found out once for each."""
        about = (report.model, self.settings)
        if self._advice is None or self._advice[0] != about:
            said = await asyncio.to_thread(self.engines.instead, self.settings, report, latency)
            self._advice = about, said
        return self._advice[1]

    def _failed(self, error: ModelError) -> None:
        log.error("%s", error)
        for listener in self.listeners.failed:
            listener()
        if not isinstance(error, EngineLost):
            # Others may still wait for it, and are to hear the same; it is closed with the next.
            self._failures += [self._completer] if self._completer is not None else []
            self._completer = None
        none = isinstance(error, ModelMissingError | UnknownModel)
        state: State = "noModel" if none else "error"
        self._show(replace(self.status, state=state, message=str(error), progress=None))
        self.tell_once(str(error))

    def _show(self, status: Status) -> None:
        if status != self.status:
            self.status = status
            self._on_status(status)

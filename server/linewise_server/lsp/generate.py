"""linewise/generate, the command of the code actions that generate, and these actions themselves.

Two ways lead to the text. A client that can stream sends `linewise/generate` and draws what comes
under its partial result token. It makes the edits itself, because only it can make several of them
one step for undo: each `workspace/applyEdit` is a step of its own, so that an answer streamed by
forty of them would take forty undos to take back. For every other client the command runs here,
shows how far it is, and ends in one single `workspace/applyEdit`, which is one undo.

Both refuse to write over what the user has changed meanwhile.
"""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import Any

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from linewise_models.errors import ModelError
from linewise_server import protocol
from linewise_server.errors import LinewiseError
from linewise_server.generation.ask import Ask, Change, Outcome, Surroundings
from linewise_server.generation.beyond import Usable, apis_used, around, samples_for
from linewise_server.generation.generator import OnText, generate, prepare
from linewise_server.generation.offers import offers
from linewise_server.generation.ways import WAYS, WRITTEN, name_of, smallest_model
from linewise_server.lsp.documents import Document
from linewise_server.lsp.folders import path_of
from linewise_server.lsp.plain import field, plain
from linewise_server.lsp.position import Encoding, to_character
from linewise_server.lsp.server import LinewiseServer
from linewise_server.lsp.single_edit import SingleEdit
from linewise_server.lsp.workspace_docs import WorkspaceDocs
from linewise_server.snapshot import Snapshot

SAMPLES = types.CodeActionKind.Refactor.value + ".linewise.sample"
"""Kind of the actions that use a sample; offered to those who ask for this kind."""
_OF = "generation"
_MOST_LINKS = 4
"""In a message; a longer one is not read. The list of APIs has them all."""


def register(server: LinewiseServer, workspace: WorkspaceDocs) -> None:
    """Add the handlers to the server."""
    server.abilities["generation"] = True
    work = Generations(server, workspace)
    server.code_actions.offers.append(work.offer)
    server.code_actions.resolvers[_OF] = work.resolve

    @server.feature("linewise/generate")
    async def requested(params: Any) -> Any:
        wanted = protocol.from_wire(protocol.Generate, plain(params))
        snapshot = work.snapshot(wanted)
        encoding = server.session.documents.encoding

        def show(change: Change | None, text: str) -> None:
            if wanted.partial_result_token is not None:
                edit = edit_of(snapshot, change, encoding) if change is not None else None
                value = protocol.to_wire(protocol.GenerationProgress(edit, text))
                token = wanted.partial_result_token
                server.progress(types.ProgressParams(token, value))

        outcome = await work.run(wanted, snapshot, show)
        return protocol.to_wire(await work.answer(outcome, snapshot))

    @server.feature("linewise/generationComing")
    def coming(params: Any) -> None:
        wanted = protocol.from_wire(protocol.Generate, plain(params))
        server.session.run(work.prepare(wanted))

    @server.command(protocol.COMMAND_GENERATE)
    async def run(*arguments: Any) -> None:
        wanted = protocol.from_wire(protocol.Generate, plain(arguments[0]) if arguments else {})
        snapshot = work.snapshot(wanted)
        outcome = await SingleEdit(server, snapshot, WAYS[wanted.kind].title).make(
            lambda show: work.run(wanted, snapshot, show)
        )
        if outcome is not None:
            await work.tell_docs(outcome, snapshot)
        work.advise(wanted.kind)


class Generations:
    """What the handlers share: how an ask is read, run and answered."""

    def __init__(self, server: LinewiseServer, workspace: WorkspaceDocs) -> None:
        self._server = server
        self._workspace = workspace
        self._client_asks = False
        server.session.listeners.introduced.append(self._introduced)

    def _introduced(self, options: Any) -> None:
        """Note whether the client asks its user for what an action lacks: an instruction."""
        self._client_asks = field(options, "asksForDetail") is True

    def snapshot(self, wanted: protocol.Generate) -> Snapshot:
        """Return the document that a request is about, as the client had it when it asked."""
        document = self._server.session.documents.get(wanted.uri)
        if document is None:
            raise _failure("This document is not open.")
        reason = self._server.session.silences.reason(wanted.uri, document.language)
        if reason is not None:
            raise _failure(f"Linewise leaves this document alone: {reason}.")
        if document.version != wanted.version:
            raise JsonRpcException(
                "The text has changed since this was offered. Ask for it again.",
                types.LSPErrorCodes.ContentModified,
            )
        return document.snapshot()

    async def run(self, wanted: protocol.Generate, snapshot: Snapshot, on_text: OnText) -> Outcome:
        """Return what comes of a request; what goes wrong is the request's answer."""
        await self._workspace.read_catalogues()
        try:
            ask = self._ask(wanted, snapshot)
            client = self._server.session.engine()
            return await generate(ask, client, lambda: self._around(ask), on_text)
        except (ModelError, LinewiseError) as error:
            raise _failure(str(error)) from error

    def advise(self, kind: protocol.GenerationKind) -> None:
        """Say once for each way what to expect of the model and which would do it well."""
        way, better = WAYS[kind], self._better(kind)
        if better is not None:
            advice = f"{way.small} Better: linewise models pull {better}"
            self._server.session.tell_once(advice, f"what {kind} needs")

    def _better(self, kind: protocol.GenerationKind) -> str | None:
        settings = self._server.session.settings
        return smallest_model(WAYS[kind], settings.model) if not settings.remote_url else None

    async def prepare(self, wanted: protocol.Generate) -> None:
        """Have read what a request will begin with; if that fails, the request itself will say.

        Not on another machine: that would be told, and may charge for, what was never asked.
        """
        if self._server.session.settings.remote_url:
            return
        await self._workspace.read_catalogues()
        with contextlib.suppress(ModelError, LinewiseError, JsonRpcException):
            ask = self._ask(wanted, self.snapshot(wanted))
            await prepare(ask, self._server.session.engine(), lambda: self._around(ask))

    async def answer(self, outcome: Outcome, snapshot: Snapshot) -> protocol.Generation:
        """Return an outcome as the client is told it, with the docs of the APIs in it."""
        encoding = self._server.session.documents.encoding
        way, better = WAYS[outcome.kind], self._better(outcome.kind)
        session = self._server.session
        return protocol.Generation(
            kind=outcome.kind,
            version=snapshot.version,
            edits=[edit_of(snapshot, change, encoding) for change in outcome.changes],
            text=outcome.text,
            language=outcome.language,
            file=outcome.file,
            problems=list(outcome.problems),
            unresolved=list(outcome.unresolved),
            names_checked=outcome.names_checked,
            apis=await self._apis(outcome, snapshot),
            model=session.engines.title(session.settings) if outcome.model else "",
            advice=way.small if better else None,
            better_model=better,
            finish=outcome.finish,
            prompt_tokens=outcome.prompt_tokens,
            generated_tokens=outcome.generated_tokens,
            ttft_ms=outcome.ttft_ms,
            total_ms=outcome.total_ms,
        )

    async def tell_docs(self, outcome: Outcome, snapshot: Snapshot) -> None:
        """Say where the APIs of a text that its user has now are documented."""
        links = [f"{a.name} {a.url}" for a in await self._apis(outcome, snapshot) if a.url]
        if links:
            title, more = WAYS[outcome.kind].title.rstrip("…"), len(links) - _MOST_LINKS
            rest = f" and {more} more" if more > 0 else ""
            told = f"{title}: docs of what it uses: {', '.join(links[:_MOST_LINKS])}{rest}"
            kind = types.MessageType.Info
            self._server.window_show_message(types.ShowMessageParams(kind, told))

    async def offer(
        self, document: Document, params: types.CodeActionParams
    ) -> list[types.CodeAction]:
        """Return the actions for a range; what each of them runs is filled in when it is chosen."""
        session = self._server.session
        if session.silences.reason(document.uri, document.language) is not None:
            return []
        only = [str(getattr(kind, "value", kind)) for kind in params.context.only or ()]
        if SAMPLES in only:
            await self._workspace.read_catalogues()
            return self._samples(document, params.range)
        snapshot = document.snapshot()
        start, end = (
            snapshot.offset(*document.locate(p)) for p in (params.range.start, params.range.end)
        )
        asked = params.context.trigger_kind != types.CodeActionTriggerKind.Automatic
        kinds = types.CodeActionKind
        found = [
            action
            for kind in offers(snapshot, start, end, asked=asked)
            for action in self._actions(document, params.range, kind)
        ]
        if asked:
            found += [
                self._action(document, each.range, "fix", kinds.QuickFix, each)
                for each in params.context.diagnostics
            ]
        return [action for action in found if _is_wanted(action, only)]

    def _actions(
        self, document: Document, place: types.Range, kind: protocol.GenerationKind
    ) -> list[types.CodeAction]:
        """Return the actions of a way: one, or one for each word that its user could say.

        LSP has no way to ask for a text, so that clients which do not ask have no free instruction.
        """
        kinds = types.CodeActionKind
        if WAYS[kind].needs == "nothing":
            return [self._action(document, place, kind, kinds.Refactor)]
        if self._client_asks:
            return [self._action(document, place, kind, kinds.RefactorRewrite)]
        if kind != "translate":
            return []
        return [
            self._action(
                document,
                place,
                kind,
                kinds.RefactorRewrite,
                title=f"Translate to {name_of(language)}",
                detail=language,
            )
            for language in WRITTEN
            if name_of(language) != name_of(document.language)
        ]

    async def resolve(self, action: types.CodeAction) -> types.CodeAction:
        """Fill in what an action runs."""
        wanted = field(action.data, "generate")
        arguments = [wanted]
        action.command = types.Command(action.title, protocol.COMMAND_GENERATE, arguments=arguments)
        return action

    def _action(
        self,
        document: Document,
        place: types.Range,
        kind: protocol.GenerationKind,
        group: types.CodeActionKind | str,
        diagnostic: types.Diagnostic | None = None,
        title: str = "",
        detail: str | None = None,
    ) -> types.CodeAction:
        wanted = protocol.Generate(
            uri=document.uri,
            version=document.version,
            kind=kind,
            start_line=place.start.line,
            start_character=place.start.character,
            end_line=place.end.line,
            end_character=place.end.character,
            detail=diagnostic.message if diagnostic is not None else detail,
            partial_result_token=None,
        )
        data = {"of": _OF, "generate": protocol.to_wire(wanted)}
        title = title or WAYS[kind].title
        action = types.CodeAction(
            f"{title} (Linewise)",
            group,
            diagnostics=[diagnostic] if diagnostic is not None else None,
            data=data,
        )
        if not _resolves(self._server.client_capabilities):
            action.command = types.Command(
                title, protocol.COMMAND_GENERATE, arguments=[data["generate"]]
            )
        return action

    def _samples(self, document: Document, place: types.Range) -> list[types.CodeAction]:
        """Return an action for each sample of a catalogue whose package the document uses."""
        return [
            self._action(
                document,
                place,
                "sample",
                SAMPLES,
                title=f"Use the sample for {sample.symbols[0]}: {sample.title}",
                detail=sample.id,
            )
            for sample in self._samples_in(document.snapshot())
        ]

    def _samples_in(self, snapshot: Snapshot) -> list[Usable]:
        return samples_for(self._workspace.catalogues.current(), snapshot.text())

    def _ask(self, wanted: protocol.Generate, snapshot: Snapshot) -> Ask:
        document = self._server.session.documents.get(wanted.uri)
        if document is None:
            raise _failure("This document is not open.")
        start, end = (
            snapshot.offset(*document.locate(types.Position(line, character)))
            for line, character in (
                (wanted.start_line, wanted.start_character),
                (wanted.end_line, wanted.end_character),
            )
        )
        detail = wanted.detail or ""
        sample = ""
        if wanted.kind == "sample":
            found = [each.code for each in self._samples_in(snapshot) if each.id == detail]
            if not found:
                raise _failure(f"No catalogue that this document uses has a sample {detail!r}.")
            sample = found[0]
        return Ask(
            snapshot=snapshot,
            kind=wanted.kind,
            start=min(start, end),
            end=max(start, end),
            instruction=detail if wanted.kind == "instruction" else "",
            language=detail if wanted.kind == "translate" else "",
            sample=sample,
            diagnostics=(detail,) if wanted.kind == "fix" and detail else (),
        )

    async def _around(self, ask: Ask) -> Surroundings:
        """Return signatures of what the document imports and uses, and samples of it."""
        path = path_of(ask.snapshot.uri)
        catalogues = self._workspace.catalogues.current()
        return await around(self._workspace.docs(path), catalogues, ask, path)

    async def _apis(self, outcome: Outcome, snapshot: Snapshot) -> list[protocol.ApiLink]:
        """Return the APIs that a text uses; the list of APIs has them from now on, too."""
        if outcome.changes:
            # It is looked for where it ends up, and left out where it never does.
            self._workspace.accepted = (snapshot.uri, outcome.changes[0].text)
        path = path_of(snapshot.uri)
        docs, catalogues = self._workspace.docs(path), self._workspace.catalogues.current()
        found = await apis_used(docs, catalogues, outcome, snapshot, path)
        maker = self._workspace.usage.maker
        return [replace(each, maker=maker(each.name)) for each in found]


def edit_of(snapshot: Snapshot, change: Change, encoding: Encoding) -> protocol.GeneratedEdit:
    """Return a change in the client's positions of the document as it was asked about."""
    (line, column), (last, until) = snapshot.place(change.start), snapshot.place(change.end)
    return protocol.GeneratedEdit(
        line,
        to_character(snapshot.lines[line], column, encoding),
        last,
        to_character(snapshot.lines[last], until, encoding),
        change.text,
    )


def _failure(message: str) -> JsonRpcException:
    """Return the error that a request is answered with; whoever asked shows it."""
    return JsonRpcException(message, types.LSPErrorCodes.RequestFailed)


def _is_wanted(action: types.CodeAction, only: list[str]) -> bool:
    kind = str(getattr(action.kind, "value", action.kind))
    return not only or any(kind == one or kind.startswith(f"{one}.") for one in only)


def _resolves(capabilities: types.ClientCapabilities) -> bool:
    """Say whether a client asks for the command of an action only when it is chosen."""
    document = capabilities.text_document
    support = document.code_action.resolve_support if document and document.code_action else None
    return support is not None and "command" in support.properties

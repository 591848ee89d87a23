"""The server that speaks LSP: pygls with our documents, settings and features.

In: JSON-RPC over stdio or TCP. Out: the same. Handlers are `async`, so that `$/cancelRequest` ends
them; each is in a file of its own and only converts between LSP and the session.
"""

from __future__ import annotations

import linecache
import logging
import threading
from collections.abc import Awaitable, Callable, Generator
from dataclasses import dataclass, field
from typing import Any

from lsprotocol import types
from pygls.exceptions import JsonRpcInvalidRequest
from pygls.lsp.server import LanguageServer
from pygls.protocol import LanguageServerProtocol, lsp_method
from pygls.protocol.json_rpc import RPCRequest

from linewise_server import __version__
from linewise_server.engines import Engines
from linewise_server.lsp.documents import Document
from linewise_server.lsp.session import Session
from linewise_server.protocol import DocumentStatus, Status, Trace, to_wire

log = logging.getLogger(__name__)

# The sources that attrs generated for the protocol's 600 classes, for debuggers: 2 MB.
linecache.clearcache()

Offer = Callable[[Document, types.CodeActionParams], Awaitable[list[types.CodeAction]]]
Resolve = Callable[[types.CodeAction], Awaitable[types.CodeAction]]


@dataclass(slots=True)
class CodeActions:
    """Who offers code actions; features add themselves when they are registered."""

    offers: list[Offer] = field(default_factory=list)
    resolvers: dict[str, Resolve] = field(default_factory=dict)
    """By what they put into `data["of"]`."""


class Protocol(LanguageServerProtocol):
    """pygls's protocol with our documents in the place of its workspace's."""

    _server: LinewiseServer
    _asked_to_end = False

    @lsp_method(types.INITIALIZE)
    def lsp_initialize(
        self, params: types.InitializeParams
    ) -> Generator[Any, Any, types.InitializeResult]:
        """Answer as pygls does, and say which of our own features there are."""
        result = yield from super().lsp_initialize(params)
        result.capabilities.experimental = {"linewise": self._server.abilities}
        return result

    @lsp_method(types.TEXT_DOCUMENT_DID_OPEN)
    def lsp_text_document__did_open(
        self, params: types.DidOpenTextDocumentParams
    ) -> Generator[Any, Any, None]:
        """Take a document in, and let the features see it."""
        self._server.session.opened(params.text_document)
        yield from self._pass_on(types.TEXT_DOCUMENT_DID_OPEN, params)

    @lsp_method(types.TEXT_DOCUMENT_DID_CHANGE)
    def lsp_text_document__did_change(
        self, params: types.DidChangeTextDocumentParams
    ) -> Generator[Any, Any, None]:
        """Apply changes, and let the features see them."""
        self._server.session.changed(params)
        yield from self._pass_on(types.TEXT_DOCUMENT_DID_CHANGE, params)

    @lsp_method(types.TEXT_DOCUMENT_DID_CLOSE)
    def lsp_text_document__did_close(
        self, params: types.DidCloseTextDocumentParams
    ) -> Generator[Any, Any, None]:
        """Let a document go."""
        self._server.session.forget(params.text_document.uri)
        yield from self._pass_on(types.TEXT_DOCUMENT_DID_CLOSE, params)

    @lsp_method(types.EXIT)
    def lsp_exit(self, *_: Any) -> Generator[Any, Any, None]:
        """Leave the loop that handles messages; see `running`."""
        yield from ()
        self._server.exit_code = 0 if self._asked_to_end else 1
        self._server.stopped.set()

    def handle_message(self, message: Any) -> None:
        """Handle a message as pygls does, which never answers what is asked after a shutdown."""
        self._asked_to_end |= getattr(message, "method", "") == types.SHUTDOWN
        if self._shutdown and isinstance(message, RPCRequest):
            refusal = JsonRpcInvalidRequest("The server was shut down.")
            self._send_response(message.id, error=refusal.to_response_error())
        else:
            super().handle_message(message)

    def _run_generator(self, future: Any, *, gen: Any, result_future: Any) -> None:
        """Go on as pygls does; where what was waited for was cancelled, nothing goes on."""
        if future is not None and future.cancelled():
            result_future.cancel()
        else:
            super()._run_generator(future, gen=gen, result_future=result_future)

    def _pass_on(self, method: str, params: Any) -> Generator[Any, Any, None]:
        handler = self.fm.features.get(method)
        if handler is not None:
            yield handler, (params,), None


class LinewiseServer(LanguageServer):
    """The language server of one editor window."""

    protocol: Protocol

    def __init__(self, engines: Engines) -> None:
        super().__init__("linewise", __version__, protocol_cls=Protocol)
        self.exit_code = 0
        self._stop_event = self.stopped = threading.Event()
        """Set when the client said `exit`, or is gone."""
        self.abilities: dict[str, bool] = {}
        """Features that clients may offer, by the names that the extension knows."""
        self.code_actions = CodeActions()
        self.session = Session(
            engines, self._send_status, self._send_document, self._send_trace, self._show
        )

    def _send_status(self, status: Status) -> None:
        self.protocol.notify("linewise/statusChanged", to_wire(status))

    def _send_document(self, status: DocumentStatus) -> None:
        self.protocol.notify("linewise/documentStatus", to_wire(status))

    def _send_trace(self, trace: Trace) -> None:
        self.protocol.notify("linewise/trace", to_wire(trace))

    def _show(self, message: str) -> None:
        self.window_show_message(types.ShowMessageParams(types.MessageType.Warning, message))

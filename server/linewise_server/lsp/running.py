"""A server's life on stdio or a socket, from the first message until the client is gone.

In: a server. Out: the exit code that the protocol asks for. pygls has loops of its own for this:
they end by `SystemExit` inside a callback, which asyncio logs as a fault, lose it over stdio, and
over TCP let a second client take the connection of the first, and live on without one whose last
message broke off.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from pygls.io_ import StdinAsyncReader, StdoutWriter, run_async

from linewise_server.lsp.server import LinewiseServer

if TYPE_CHECKING:
    from pygls.io_ import AsyncReader

log = logging.getLogger(__name__)

INTERRUPTED = 130
Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


def run_on_stdio(server: LinewiseServer) -> int:
    """Serve the client at the other end of stdin and stdout; return the exit code."""
    reader = StdinAsyncReader(sys.stdin.buffer, server.thread_pool)
    server.protocol.set_writer(StdoutWriter(sys.stdout.buffer))
    try:
        asyncio.run(_converse(server, reader))
    except KeyboardInterrupt:
        # A thread waits for stdin, and would be waited for.
        os._exit(INTERRUPTED)
    server.shutdown()  # type: ignore[no-untyped-call] # pygls
    return server.exit_code


def run_on_tcp(
    server: LinewiseServer, host: str, port: int, listening: Callable[[int], None]
) -> int:
    """Serve the first client that connects; return the exit code.

    `listening` hears the port once clients can come. Raises OSError where nothing can listen.
    """
    try:
        asyncio.run(_on_tcp(server, host, port, listening))
    except KeyboardInterrupt:
        return INTERRUPTED
    finally:
        server.shutdown()  # type: ignore[no-untyped-call] # pygls
    return server.exit_code


async def _on_tcp(
    server: LinewiseServer, host: str, port: int, listening: Callable[[int], None]
) -> None:
    came: asyncio.Future[Connection] = asyncio.get_running_loop().create_future()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if came.done():
            writer.close()
        else:
            came.set_result((reader, writer))

    listener = await asyncio.start_server(connected, host, port)
    listening(listener.sockets[0].getsockname()[1])
    reader, writer = await came
    listener.close()
    server.protocol.set_writer(writer)
    await _converse(server, reader)
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


async def _converse(server: LinewiseServer, reader: AsyncReader) -> None:
    """Handle messages until the client says `exit` or hangs up; then end the session."""
    try:
        await run_async(
            server.stopped, reader, server.protocol, error_handler=server.report_server_error
        )
    except (EOFError, OSError) as error:
        log.info("The client hung up: %s", error)
    await server.session.end()

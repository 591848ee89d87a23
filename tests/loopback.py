"""A folder served on loopback, as any web server would."""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Site:
    """Where the folder is served, and which paths were asked for."""

    address: str
    asked: list[str] = field(default_factory=list)


@contextmanager
def serve(folder: Path) -> Iterator[Site]:
    """Serve `folder` while the context lasts."""

    class Quiet(SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            site.asked.append(self.path)
            super().do_GET()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it
            """Stay quiet."""

    with ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Quiet, directory=folder)
    ) as server:
        site = Site(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield site
        finally:
            server.shutdown()
            thread.join()

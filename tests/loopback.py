"""A folder served on loopback, as any web server would."""

from __future__ import annotations

import functools
import threading
import zlib
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
    unchanged: list[str] = field(default_factory=list)
    """Which paths were answered with "not modified"."""


@contextmanager
def serve(folder: Path) -> Iterator[Site]:
    """Serve `folder` while the context lasts."""

    class Quiet(SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            site.asked.append(self.path)
            if self.headers.get("If-None-Match") == self.etag():
                site.unchanged.append(self.path)
                self.send_response(304)
                self.end_headers()
            else:
                super().do_GET()

        def end_headers(self) -> None:
            self.send_header("ETag", self.etag())
            super().end_headers()

        def etag(self) -> str:
            file = Path(self.translate_path(self.path))
            return f'"{zlib.crc32(file.read_bytes())}"' if file.is_file() else '"none"'

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

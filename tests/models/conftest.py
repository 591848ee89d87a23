"""A package index and a model hub in miniature, on this machine's loopback; a model likewise."""

from __future__ import annotations

import hashlib
import os
import threading
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from linewise_models.home import Home
from linewise_models.store import Store

MakeWheel = Callable[[dict[str, bytes]], Path]


@dataclass
class Registry:
    """What the server holds, what it was asked, and a hold on every body that it sends."""

    url: str
    pages: dict[str, bytes] = field(default_factory=dict)
    headers: dict[str, dict[str, str]] = field(default_factory=dict)
    status: dict[str, int] = field(default_factory=dict)
    asked: list[tuple[str, str, str | None]] = field(default_factory=list)
    authorization: list[str | None] = field(default_factory=list)
    held: str | None = None
    halfway = threading.Event()
    release = threading.Event()

    def hold(self, path: str) -> None:
        """Send half of the body of a path, then wait for `release`."""
        self.held = path
        self.halfway, self.release = threading.Event(), threading.Event()

    def add_wheel(self, wheel: Path) -> str:
        """Offer a wheel of tiny-model in the manner of PEP 503; returns its path."""
        path = f"/files/{wheel.name}"
        self.pages[path] = wheel.read_bytes()
        self.headers["/simple/tiny-model/"] = {"Content-Type": "text/html"}
        self.pages["/simple/tiny-model/"] = f'<a href="{path}">{wheel.name}</a>'.encode()
        return path

    def add_hub_file(self, repo: str, file: str, revision: str, content: bytes) -> str:
        """Offer a file as the hub does one of its large files; returns its path."""
        path = f"/{repo}/resolve/{revision}/{file}"
        self.pages[path] = content
        self.headers[path] = {
            "X-Repo-Commit": "c0ffee",
            "X-Linked-Etag": f'"{hashlib.sha256(content).hexdigest()}"',
            "X-Linked-Size": str(len(content)),
            "ETag": '"of the redirect, not of the file"',
            "Accept-Ranges": "bytes",
        }
        return path


@pytest.fixture
def registry() -> Iterator[Registry]:
    """A server on a free port; its threads end with the test."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self) -> None:
            self.answer(b"")

        def do_GET(self) -> None:
            self.answer(served.pages.get(self.path, b""))

        def answer(self, body: bytes) -> None:
            wanted = self.headers.get("Range")
            served.asked.append((self.command, self.path, wanted))
            served.authorization.append(self.headers.get("Authorization"))
            known = self.path in served.pages
            start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
            self.send_response(
                served.status.get(self.path, 404 if not known else 206 if wanted else 200)
            )
            for name, value in served.headers.get(self.path, {}).items():
                self.send_header(name, value)
            if wanted:
                self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
            self.send_header("Content-Length", str(len(body) - start))
            self.end_headers()
            half = start + (len(body) - start) // 2
            self.wfile.write(body[start:half])
            self.wfile.flush()
            if body and self.path == served.held:
                served.halfway.set()
                served.release.wait()
            self.wfile.write(body[half:])

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """A client that hangs up halfway is what some tests are about."""

    with Server(("127.0.0.1", 0), Handler) as server:
        served = Registry(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield served
        finally:
            served.release.set()
            server.shutdown()
            thread.join()


@pytest.fixture
def clean_environ() -> dict[str, str]:
    """The environment without the settings of this machine's pip and hub client."""
    environ = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PIP_", "HF_", "UV_")) and "proxy" not in name.lower()
    }
    return {**environ, "PIP_CONFIG_FILE": os.devnull, "PIP_NO_CACHE_DIR": "1"}


@pytest.fixture
def gguf() -> bytes:
    """What passes for a model where none is loaded: a mebibyte."""
    return b"GGUF" + bytes(range(256)) * 4096


@pytest.fixture
def make_wheel(tmp_path: Path) -> MakeWheel:
    """Return what writes version 1.0 of the package tiny-model, with the files it is given."""

    def make(members: dict[str, bytes]) -> Path:
        path = tmp_path / "wheels" / "tiny_model-1.0-py3-none-any.whl"
        path.parent.mkdir(exist_ok=True)
        info = {
            "METADATA": b"Metadata-Version: 2.1\nName: tiny-model\nVersion: 1.0\n",
            "WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
            "RECORD": b"",
        }
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in members.items():
                archive.writestr(name, content)
            for name, content in info.items():
                archive.writestr(f"tiny_model-1.0.dist-info/{name}", content)
        return path

    return make


@pytest.fixture
def store(linewise_home: Path, clean_environ: dict[str, str], tmp_path: Path) -> Store:
    """A store whose pip sees the wheels of `make_wheel` and no network."""
    offline = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path / "wheels")}
    return Store(Home(linewise_home), {**clean_environ, **offline})


@pytest.fixture
def online(linewise_home: Path, clean_environ: dict[str, str], registry: Registry) -> Store:
    """A store whose pip and hub client see the registry."""
    addresses = {
        "PIP_INDEX_URL": f"{registry.url}/simple",
        "HF_ENDPOINT": registry.url,
        "HF_HOME": str(linewise_home / "hf"),
    }
    return Store(Home(linewise_home), {**clean_environ, **addresses})


@pytest.fixture(scope="session")
def vocabulary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A vocabulary of 300 tokens, learnt from a few hundred functions."""
    from linewise_models.train.bpe import learn_vocabulary
    from tests.models.train.tiny import lines

    path = tmp_path_factory.mktemp("vocabulary") / "tiny.gguf"
    learn_vocabulary(lines(0, 500), 300, path)
    return path


@pytest.fixture(scope="session")
def tiny_model(vocabulary: Path) -> Path:
    """A Llama with two layers that says something at random."""
    from tests.models.train.tiny import make_model

    path = vocabulary.parent / "model.gguf"
    make_model(vocabulary, path)
    return path

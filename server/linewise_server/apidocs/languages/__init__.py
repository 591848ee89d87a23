"""Symbols of languages other than Python, by syntax alone: one module a family, one table of them.

Each module has `resolve(source, offset, library)`, which returns a Resolution, or None where no
API stands. What needs type inference beyond one file is left without a link rather than guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from linewise_server.apidocs.languages import c, css, go, html, java, javascript, rust
from linewise_server.apidocs.library import Library
from linewise_server.apidocs.link import Resolution
from linewise_server.apidocs.source import Source

Resolve = Callable[[Source, int, Library], Resolution | None]

BY_LANGUAGE: Mapping[str, Resolve] = {
    "javascript": javascript.resolve,
    "javascriptreact": javascript.resolve,
    "typescript": javascript.resolve,
    "typescriptreact": javascript.resolve,
    "css": css.resolve,
    "scss": css.resolve,
    "less": css.resolve,
    "html": html.resolve,
    "go": go.resolve,
    "rust": rust.resolve,
    "java": java.resolve,
    "c": c.resolve,
    "cpp": c.resolve,
}
"""By LSP language id."""

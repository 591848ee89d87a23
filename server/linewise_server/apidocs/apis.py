"""The APIs of the cursor and of the last completion, as `Linewise: Open API Docs` lists them.

In: a source, an offset, the text of the completion. Out: `linewise/apisAt`'s answer. Also the links
on imports.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from linewise_server.apidocs.docs import Docs
from linewise_server.apidocs.languages import BY_LANGUAGE, rust
from linewise_server.apidocs.languages.c_headers import includes
from linewise_server.apidocs.link import EXPLANATIONS, Link, Resolution
from linewise_server.apidocs.python.scope import parse
from linewise_server.apidocs.python.uses import imports
from linewise_server.apidocs.source import Source, Span
from linewise_server.protocol import ApiLink, ApiSource

_DEADLINE = 1.5
"""Seconds; a list that somebody opened may take longer than a hover."""


def _matches(pattern: str) -> Callable[[Source], Iterator[Span]]:
    """Return what yields the first group of a pattern, line by line, where it matches."""
    compiled = re.compile(pattern, re.MULTILINE)
    return lambda source: (Span(*m.span(1)) for m in compiled.finditer(source.text))


def _included(source: Source) -> Iterator[Span]:
    return (each.span for each in includes(source.text))


_IMPORTS: Mapping[str, Callable[[Source], Iterator[Span]]] = {
    "go": _matches(r'^\s*(?:import\s+)?(?:[\w.]+\s+)?"([^"\n]+)"'),
    "rust": rust.imports,
    "java": _matches(r"^\s*import\s+(?:static\s+)?([\w.]+\w)(?:\.\*)?\s*;"),
    "c": _included,
    "cpp": _included,
}
"""Where an import may stand; the language's own resolver says whether it is one."""


@dataclass(frozen=True, slots=True)
class ImportLink:
    """An imported name that has docs; where it has no `link` yet, `open_import` finds it."""

    span: Span
    name: str
    link: Link | None


async def apis_at(docs: Docs, source: Source, offset: int, completion: str) -> list[ApiLink]:
    """Return what stands at the cursor, then what the completion uses, each API once.

    `completion` is the text that was accepted last; it counts where it still stands in the source,
    nearest to the cursor.
    """
    found: dict[str, ApiLink] = {}
    here = await docs.resolve(source, offset, _DEADLINE)
    if here is not None and here.gap not in ("own", "unresolved", "late"):
        found[here.name] = api_link(here, "cursor")
    within = _place_of(source.text, completion, offset)
    if within is not None:
        for each in await docs.apis_in(source, within, _DEADLINE):
            found.setdefault(each.name, api_link(each, "completion"))
    return list(found.values())


def import_links(docs: Docs, source: Source) -> list[ImportLink]:
    """Return the imports of a text that have docs; of Python, those with docs on this machine."""
    if source.language == "python":
        return list(_python_imports(docs, source))
    spans = _IMPORTS.get(source.language)
    found = []
    for span in spans(source) if spans else ():
        each = BY_LANGUAGE[source.language](source, span.end - 1, docs.library)
        if each is not None and each.link is not None:
            found.append(ImportLink(span, each.name, each.link))
    return found


def open_import(docs: Docs, name: str) -> Link | None:
    """Return where an imported name is documented: its entry, else the module's that has one."""
    while name:
        link = docs.lookup(name).link
        if link is not None:
            return link
        name = name.rpartition(".")[0]
    return None


def _python_imports(docs: Docs, source: Source) -> Iterator[ImportLink]:
    for each in imports(parse(source.text)):
        package = docs.imported_package(each.full, source.path)
        if package is not None and docs.library.docset(package.name, package.version):
            yield ImportLink(each.span, each.full, None)


def api_link(resolution: Resolution, source: ApiSource) -> ApiLink:
    """Return a resolved name with its page, or why it has none."""
    link = resolution.link
    caption = link.caption if link else EXPLANATIONS[resolution.gap or "unresolved"]
    if link is not None and not link.exact:
        caption = f"{caption}, at {link.target}"
    url = link.url if link else None
    return ApiLink(resolution.name, resolution.kind, url, caption, source)


def _place_of(text: str, part: str, near: int) -> Span | None:
    part = part.strip()
    if not part:
        return None
    before = text.rfind(part, 0, near + len(part))
    start = before if before >= 0 else text.find(part, near)
    return Span(start, start + len(part)) if start >= 0 else None

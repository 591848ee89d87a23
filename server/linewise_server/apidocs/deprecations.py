"""Deprecated names in a Python text: what makers say in, uses and how to rename them out.

Only names whose last part somebody deprecates are resolved, and of these only what the text alone
does not spell out is inferred.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from linewise_server.apidocs.docs import Docs
from linewise_server.apidocs.python.scope import name_at, parse
from linewise_server.apidocs.python.uses import Manner, manner_of, names_among
from linewise_server.apidocs.source import Source, Span, Syntax
from linewise_telemetry.catalogue.document import Deprecation


@dataclass(frozen=True, slots=True)
class Notice:
    """A deprecation as the installed version has it; `gone` where that lacks the symbol."""

    item: Deprecation
    catalogue: str
    gone: bool


@dataclass(frozen=True, slots=True)
class DeprecatedUse:
    """A use of a `symbol` that its maker deprecates; `gone` where the installed version lacks it.

    `rename` is what to put at all `places`, where renaming is all there is to do; `span` is one of
    them. Both are empty elsewhere.
    """

    symbol: str
    span: Span
    message: str
    url: str | None
    catalogue: str
    gone: bool
    rename: str | None = None
    places: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True)
class Uses:
    """The deprecated uses of a text; more may come where they are not `complete`."""

    found: tuple[DeprecatedUse, ...]
    complete: bool


async def find_uses(
    docs: Docs, source: Source, notices: Mapping[str, Notice], deadline: float
) -> Uses:
    """Return the uses of the symbols of `notices`, after about `deadline` seconds in all."""
    lasts = {symbol.rpartition(".")[2] for symbol in notices}
    if not any(last in source.text for last in lasts):
        return Uses((), complete=True)
    loop = asyncio.get_running_loop()
    ends = loop.time() + deadline
    syntax = parse(source.text)
    found: list[DeprecatedUse] = []
    complete = True
    for span in names_among(syntax, lasts):
        named = name_at(syntax, span.start)
        left = max(0.0, ends - loop.time()) if named is None else 0.0
        resolved = await docs.resolve(source, span.start, left)
        if resolved is None:
            continue
        complete = complete and not (named is None and resolved.gap == "late")
        if resolved.name in notices and resolved.gap != "own":
            notice = notices[resolved.name]
            page = resolved.link.url if resolved.link else None
            found.append(_use(notice, span, notice.item.guide or page))
    return Uses(tuple(_with_fix(syntax, source, notices, use, found) for use in found), complete)


def _use(notice: Notice, span: Span, url: str | None) -> DeprecatedUse:
    item = notice.item
    message = _message(item, gone=notice.gone)
    return DeprecatedUse(item.symbol, span, message, url, notice.catalogue, notice.gone)


def _message(item: Deprecation, *, gone: bool) -> str:
    if gone:
        text = f"{item.symbol} was removed in {item.removed_in}."
    else:
        ends = f" and will be removed in {item.removed_in}" if item.removed_in else ""
        text = f"{item.symbol} is deprecated since {item.since}{ends}."
    if item.replacement:
        text += f" Use {item.replacement}."
    return f"{text} {item.note}" if item.note else text


def _with_fix(
    syntax: Syntax,
    source: Source,
    notices: Mapping[str, Notice],
    use: DeprecatedUse,
    uses: Sequence[DeprecatedUse],
) -> DeprecatedUse:
    """Add the renaming to a use, where it is all that changes and breaks nothing.

    A name that `from x import old` binds is renamed in its import and wherever the text uses it.
    """
    item = notices[use.symbol].item
    rename = _last_part(item)
    if rename is None:
        return use
    same = {
        other.span: manner_of(syntax, other.span) for other in uses if other.symbol == use.symbol
    }
    together: tuple[Manner, ...] = ("bound",) if same[use.span] == "bound" else ()
    if "module" in same.values():
        together = ("bound", "module", "member")
    places = tuple(span for span, manner in same.items() if span == use.span or manner in together)
    bound = "bound" in (same[place] for place in places)
    if bound and (_is_exported(source, use.symbol) or _is_taken(syntax, rename, item.replacement)):
        return use
    return replace(use, rename=rename, places=places)


def _last_part(item: Deprecation) -> str | None:
    """Return the new last part where it is all that changes."""
    if not item.mechanical or item.replacement is None:
        return None
    before, _, _ = item.symbol.rpartition(".")
    holder, _, last = item.replacement.rpartition(".")
    return last if holder == before else None


def _is_exported(source: Source, symbol: str) -> bool:
    """Whether other files may import a name from this one."""
    last = re.escape(symbol.rpartition(".")[2])
    package = source.path is not None and source.path.name == "__init__.py"
    return package or re.search(rf"(['\"]){last}\1|\bas\s+{last}\b", source.text) is not None


def _is_taken(syntax: Syntax, name: str, replacement: str | None) -> bool:
    """Whether a name means something else than the replacement anywhere in the text."""
    for span in names_among(syntax, {name}, defined=True):
        if manner_of(syntax, span) == "bound":
            named = name_at(syntax, span.start)
            if named is None or named.full != replacement:
                return True
    return False

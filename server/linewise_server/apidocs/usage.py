"""Docs, samples, deprecations and announcements in use, told to a recorder.

In: what a hover, a list, a page or an action was about. Out: events that name it as a subscribed
catalogue does. What no catalogue lists is told to nobody; of a name below a listed one, such as a
method that the catalogue leaves out, the listed one is told. Never a path, a text or a place. The
recorder asks for consent; nothing here does, and nothing is recorded around it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from typing import Literal

from linewise_server.apidocs.link import Reason, Resolution
from linewise_server.apidocs.python.scope import name_at, parse
from linewise_server.apidocs.python.uses import used_names
from linewise_server.apidocs.source import Source, Span
from linewise_telemetry.catalogue.errors import CatalogueError
from linewise_telemetry.catalogue.holding import Holding
from linewise_telemetry.client.completions import ApiUse

Record = Callable[..., None]
Surface = Literal["hover", "completion", "link", "palette"]
Page = Literal["reference", "guide", "sample", "changelog", "support"]
DeprecationAct = Literal["seen", "fixed"]
AnnouncementAct = Literal["delivered", "opened", "muted"]

_NOT_LOOKED_UP: tuple[Reason, ...] = ("own", "unresolved", "late", "private")
_MOST_APIS = 8
"""Of one completion; a longer text that names more is rare and costs the more."""


class Usage:
    """What is told to `record` of the catalogues in `holding`. Nothing here raises."""

    def __init__(self, record: Record, holding: Holding) -> None:
        self._record = record
        self._holding = holding
        self._seen: set[tuple[str, str]] = set()

    def prepare(self) -> None:
        """Read the catalogues, which takes time: call it off the event loop, and when they change.

        Nothing that is told waits for it; until then it is told by what was read before.
        """
        with suppress(CatalogueError):
            self._holding.current()

    def shown(self, found: Resolution | None, surface: Surface) -> None:
        """Tell that what stands somewhere was looked up."""
        if found is not None and found.gap not in _NOT_LOOKED_UP:
            exact = found.link is not None and found.link.exact
            self.listed(found.name, surface, answered=exact)

    def listed(self, name: str, surface: Surface, *, answered: bool) -> None:
        """Tell that a name was shown with or without a page, and that the page is missing."""
        if (listed := self._listed(name)) is None:
            return
        catalogue, symbol = listed
        answered = answered and symbol == name
        self._record(
            "docs.shown", catalogue=catalogue, symbol=symbol, surface=surface, answered=answered
        )
        if not answered:
            self._record("docs.gap", catalogue=catalogue, symbol=symbol, kind="no_page")

    def opened(self, name: str, target: Page) -> None:
        """Tell that the page of a symbol was opened."""
        if (listed := self._listed(name)) is not None:
            self._record("docs.opened", catalogue=listed[0], symbol=listed[1], target=target)

    def rated(self, name: str, *, helped: bool, reason: str) -> None:
        """Tell that the user rated a symbol's docs."""
        if (listed := self._listed(name)) is not None:
            reason = "none" if helped else reason
            self._record(
                "docs.rated", catalogue=listed[0], symbol=listed[1], helped=helped, reason=reason
            )

    def asked_for_sample(self, name: str) -> None:
        """Tell that the actions of a symbol were listed, if its maker's samples leave it out."""
        listed, held = self._listed(name), self._holding.at_hand
        if listed is None or listed in held.sampled:
            return
        # A maker without any sample has none in mind; that is no gap of this symbol.
        if held.by_id[listed[0]].samples:
            self._record("docs.gap", catalogue=listed[0], symbol=listed[1], kind="no_sample")

    def deprecation(self, uri: str, symbol: str, act: DeprecationAct) -> None:
        """Tell what became of a deprecated use; that it was seen, once a document and symbol."""
        if act == "seen":
            if (uri, symbol) in self._seen:
                return
            self._seen.add((uri, symbol))
        if (listed := self._listed(symbol)) is not None:
            self._record("deprecation.met", catalogue=listed[0], symbol=listed[1], act=act)

    def announcement(self, catalogue: str, name: str, act: AnnouncementAct) -> None:
        """Tell what became of an announcement."""
        self._record("announcement.met", catalogue=catalogue, symbol=name, act=act)

    def maker(self, name: str) -> str | None:
        """Return who would hear of a rating of a symbol's docs; None where nobody would."""
        listed, held = self._listed(name), self._holding.at_hand
        return held.by_id[listed[0]].maker if listed is not None else None

    def may_name(self, text: str) -> bool:
        """Return whether a text has the last word of a catalogue's symbol; costs microseconds."""
        return not self._holding.at_hand.lasts.isdisjoint(_words(text))

    def apis(self, source: Source, within: Span) -> tuple[ApiUse, ...]:
        """Return the symbols of catalogues that a stretch of a Python text spells out.

        By the text alone: what only a type would tell is among `unsaid`.
        """
        held = self._holding.at_hand
        if source.language != "python":
            return ()
        syntax = parse(source.text)
        found = dict[tuple[str, str], ApiUse]()
        for span in used_names(syntax, within):
            named = name_at(syntax, span.start)
            owner = held.owners.get(named.full) if named is not None else None
            if named is not None and owner is not None:
                key = (owner, named.full)
                found[key] = ApiUse(*key, deprecated=key in held.deprecated)
        return tuple(found.values())[:_MOST_APIS]

    def unsaid(self, source: Source, within: Span) -> tuple[int, ...]:
        """Return where names stand in a stretch that bear a symbol's last word and no more.

        Such as methods on variables: whether one is the symbol, only inference can tell.
        """
        held = self._holding.at_hand
        if source.language != "python":
            return ()
        syntax = parse(source.text)
        found = (
            span.start
            for span in used_names(syntax, within)
            if source.text[span.start : span.end] in held.lasts
            and name_at(syntax, span.start) is None
        )
        return tuple(found)[:_MOST_APIS]

    def api(self, found: Resolution | None) -> ApiUse | None:
        """Return the symbol that a name was resolved to, where a catalogue lists exactly it."""
        held = self._holding.at_hand
        if found is None or found.link is None or not found.link.exact:
            return None
        owner = held.owners.get(found.name)
        if owner is None:
            return None
        return ApiUse(owner, found.name, deprecated=(owner, found.name) in held.deprecated)

    def _listed(self, name: str) -> tuple[str, str] | None:
        """Return catalogue and symbol of the nearest listed name: itself, or what holds it."""
        held = self._holding.at_hand
        while held.owners and name:
            owner = held.owners.get(name)
            if owner is not None:
                return owner, name
            name = name.rpartition(".")[0]
        return None


def _words(text: str) -> set[str]:
    return set(re.findall(r"[^\W\d]\w*", text))

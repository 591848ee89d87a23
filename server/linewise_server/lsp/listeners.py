"""Who hears of what happens in a session: the features, which so need not know of each other.

In: functions, added when features are registered. Out: lists, which the session goes through.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from linewise_models.engine.contract import Report
from linewise_server.completion.ask import Suggestion
from linewise_server.completion.completer import Answered
from linewise_server.lsp.documents import Document, Edit


@dataclass(slots=True)
class Listeners:
    """Who else hears of what happens; features add themselves when they are registered."""

    introduced: list[Callable[[Any], None]] = field(default_factory=list)
    """With the client's initialization options."""
    opened: list[Callable[[Document], None]] = field(default_factory=list)
    closed: list[Callable[[str], None]] = field(default_factory=list)
    """With the URI of a document that is open no more."""
    edited: list[Callable[[Document, Edit], None]] = field(default_factory=list)
    answered: list[Answered] = field(default_factory=list)
    """Of every request, also those that failed or were cancelled."""
    accepted: list[Callable[[str, Suggestion], None]] = field(default_factory=list)
    """With the URI of the document."""
    accepted_partly: list[Callable[[str, int], None]] = field(default_factory=list)
    """With the id and how many of its first characters are in the text."""
    inserted: list[Callable[[str, str, str, str], None]] = field(default_factory=list)
    """With the URI of the document, a catalogue, the id of its sample and the text put in."""
    shown: list[Callable[[str, str], None]] = field(default_factory=list)
    """With the id and how the client knows that it is on the screen."""
    dismissed: list[Callable[[str, str, float], None]] = field(default_factory=list)
    """With the id, the reason and the milliseconds that it stood on the screen."""
    loading: list[Callable[[float], None]] = field(default_factory=list)
    """With the share of the model that is loaded, 0.0 to 1.0."""
    served: list[Callable[[Report], None]] = field(default_factory=list)
    """When the engine is ready, again after each request."""
    failed: list[Callable[[], None]] = field(default_factory=list)
    """When the engine could not do what was asked."""
    folders: list[Callable[[], Awaitable[None]]] = field(default_factory=list)
    """When folders joined the workspace or left it."""
    starting: list[Callable[[], Awaitable[None]]] = field(default_factory=list)
    ending: list[Callable[[], Awaitable[None]]] = field(default_factory=list)

"""Which ways of generating make sense at a place, for code actions.

In: a document and a stretch of it. Out: kinds in the order of `WAYS`. It looks at the text alone,
which takes milliseconds: whether an answer would be any good is not known here.
"""

from __future__ import annotations

from linewise_server.generation.ask import Ask
from linewise_server.generation.construct import construct_at
from linewise_server.generation.errors import PlaceError
from linewise_server.generation.target import find_target
from linewise_server.generation.ways import LANGUAGES
from linewise_server.protocol import GenerationKind
from linewise_server.snapshot import Snapshot


def offers(snapshot: Snapshot, start: int, end: int, *, asked: bool) -> list[GenerationKind]:
    """Return what can be done at a stretch of text, also what needs a further word from the user.

    `asked` says that the user opened the list; unasked, only what is plainly left to do is offered.
    """
    selected: list[GenerationKind] = ["instruction", "translate"] if start < end else []
    if snapshot.language not in LANGUAGES:
        return ["explain", *selected] if asked and start < end else []
    made = construct_at(snapshot.text(), snapshot.language, start, end)
    found: list[GenerationKind] = []
    if made is not None and made.is_stub:
        found.append("implement")
    if start == end and _has_target(Ask(snapshot, "comment", start, end)):
        found.append("comment")
    if not asked:
        return [kind for kind in found if kind == "implement"]
    if made is not None:
        found.append("docstring")
        if not made.is_stub:
            found.append("tests")
    if start < end or (made is not None and not made.is_stub):
        found.append("explain")
    return [*found, *selected]


def _has_target(ask: Ask) -> bool:
    try:
        find_target(ask)
    except PlaceError:
        return False
    return True

"""Which text goes into the prompt, so that a key costs the tokens typed and not the window.

In: a snapshot, a place and sizes. Out: a `Plan`: parts from stable to volatile and the session
whose cache they extend. The window starts at a line that stays the same for many keys, and what
follows the cursor is frozen while a line is typed. Where the whole window is not in the cache and
evaluating it would break the budget, a small one is used and the whole one is warmed meanwhile.
What other files say comes first of all and changes only when it is taken in, while nobody waits.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from linewise_models.engine.contract import FimOrder, Mark, Part
from linewise_server.completion.budget import Sizes
from linewise_server.completion.held import Held, text_of
from linewise_server.snapshot import Snapshot

CHARACTERS_PER_TOKEN = 3.0
"""Of code, until measured; 2.9 for the standard library in SmolLM2's vocabulary."""
KEPT = 0.5
"""Share of the window that stays when it has to move, so that it moves seldom."""
NEAR = "#near"
"""Marks the session of a document's small window."""
CONTEXT_SHARE = 0.25
"""Share of the text before the cursor that quotations of other files may take."""
CLOSERS = ")]}\"'`;:,"


@dataclass(frozen=True, slots=True)
class Plan:
    """A prompt and where its beginning may be in the cache."""

    session: str
    parts: tuple[Part, ...]
    first_line: int
    warm: Plan | None = None
    """The whole window, to be evaluated while nobody waits."""

    @property
    def text(self) -> str:
        """The prompt as one text, marks in angle brackets; equal prompts have equal texts."""
        return text_of(self.parts)


@dataclass(slots=True)
class _Window:
    """What stays put while one document is edited."""

    first_line: int = 0
    near_line: int = 0
    """First line of the small window that serves until the whole one is warm."""
    suffix: str = ""
    context: str = ""
    """What other files say."""


class Planner:
    """Plans prompts for the documents of one server."""

    def __init__(self, fim: FimOrder, held: Held) -> None:
        """`held` knows what the cache holds."""
        self._fim = fim
        self._held = held
        self._windows: dict[str, _Window] = {}
        self._ratio = CHARACTERS_PER_TOKEN

    def plan(self, snapshot: Snapshot, line: int, column: int, sizes: Sizes) -> Plan:
        """Return the prompt for a place."""
        window = self._windows.setdefault(snapshot.uri, _Window())
        self._place(window, snapshot, line, sizes)
        suffix = self._suffix(window, snapshot, line, column, sizes)
        first, context = window.first_line, window.context
        whole = self._build(snapshot, line, column, first, suffix, snapshot.uri, context)
        if self._missing(whole) <= sizes.cold:
            return whole
        room = self._characters(sizes.cold)
        near = _size(snapshot, window.near_line, line)
        if line < window.near_line or near > 2 * room:
            window.near_line = _first_line(snapshot, line, room - column)
        small = self._build(
            snapshot, line, column, window.near_line, suffix[: room // 4], snapshot.uri + NEAR
        )
        return whole if len(small.text) >= len(whole.text) else replace(small, warm=whole)

    def measured(self, plan: Plan, tokens: int) -> None:
        """Note of how many tokens a prompt was."""
        if tokens > 50:
            self._ratio = 0.9 * self._ratio + 0.1 * len(plan.text) / tokens

    def room(self, sizes: Sizes) -> int:
        """Return how many characters other files may say."""
        return int(self._characters(sizes.prefix) * CONTEXT_SHARE)

    def shown(self, uri: str) -> str:
        """Return what other files say in a document's prompts."""
        return self._windows.setdefault(uri, _Window()).context

    def take_in(self, uri: str, context: str) -> bool:
        """Show what other files say from now on; False where that is shown already."""
        window = self._windows.setdefault(uri, _Window())
        changed, window.context = context != window.context, context
        return changed

    def forget(self, uri: str) -> None:
        """Forget a document that was closed."""
        self._windows.pop(uri, None)
        self._held.forget(uri)
        self._held.forget(uri + NEAR)

    def _characters(self, tokens: int) -> int:
        return int(tokens * self._ratio)

    def _missing(self, plan: Plan) -> int:
        """Return about how many tokens of the plan are not in the cache."""
        text = plan.text
        return int((len(text) - self._held.shared(plan.session, text)) / self._ratio)

    def _place(self, window: _Window, snapshot: Snapshot, line: int, sizes: Sizes) -> None:
        """Move the window's first line only when the cursor is above it or too far below."""
        room = self._characters(sizes.prefix) - len(window.context)
        used = _size(snapshot, window.first_line, line)
        if line < window.first_line or used > room:
            window.first_line = _first_line(snapshot, line, int(room * KEPT))

    def _suffix(
        self, window: _Window, snapshot: Snapshot, line: int, column: int, sizes: Sizes
    ) -> str:
        """Return the text after the cursor, the same one for as long as it still stands there."""
        room = self._characters(sizes.suffix)
        start = suffix_column(snapshot, line, column)
        following = snapshot.after(line, start, min(len(snapshot.lines) - 1, line + room // 8))
        kept = window.suffix
        if not kept or len(kept) < room * KEPT or not following.startswith(kept):
            cut = following[:room]
            window.suffix = cut[: cut.rfind("\n") + 1] or cut
        return window.suffix

    def _build(
        self,
        snapshot: Snapshot,
        line: int,
        column: int,
        first: int,
        suffix: str,
        session: str,
        context: str = "",
    ) -> Plan:
        quoted = Part("context", context, stable=True)
        lines = Part("lines", snapshot.before(line, 0, first), stable=True)
        typed = Part("line", snapshot.lines[line][:column])
        after = Part("suffix", suffix, stable=True)
        parts: tuple[Part, ...]
        if self._fim == "spm":
            parts = (_mark(Mark.SUFFIX), after, _mark(Mark.PREFIX), quoted, lines, typed)
        elif self._fim == "psm":
            # The line as typed follows the middle mark, so that a key leaves the suffix alone.
            parts = (
                _mark(Mark.PREFIX),
                quoted,
                lines,
                _mark(Mark.SUFFIX),
                after,
                _mark(Mark.MIDDLE),
                typed,
            )
        else:
            parts = (quoted, lines, typed)
        return Plan(session, tuple(p for p in parts if p.mark or p.text), first)


def suffix_column(snapshot: Snapshot, line: int, column: int) -> int:
    """Return where on the cursor's line the suffix begins; its end where nothing of it counts.

    Closing brackets that the editor adds and takes away must not move what follows.
    """
    rest = snapshot.lines[line][column:]
    return column if rest.strip().strip(CLOSERS) else len(snapshot.lines[line])


def _mark(mark: Mark) -> Part:
    return Part(str(mark), mark=mark, stable=True)


def _size(snapshot: Snapshot, first: int, line: int) -> int:
    """Return the characters of the lines from `first` to `line`."""
    return sum(map(len, snapshot.lines[first : line + 1]))


def _first_line(snapshot: Snapshot, line: int, room: int) -> int:
    """Return the first of the lines above `line` that together have at most `room` characters."""
    first = line
    while first and (room := room - len(snapshot.lines[first - 1])) >= 0:
        first -= 1
    return first

"""The life cycle of completions: answered, perhaps shown, and ended exactly once.

In: what the server and the editor tell. Out: events through the recorder. A completion is kept in
memory from its answer to its end; text is used only to measure, and is never recorded.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from linewise_telemetry.client.survival import Survival, Survivals

READ_MS = 750
MOST_OPEN = 256
MOST_ENDED = 256
EXPIRES_AFTER = 600.0
API_SURVIVAL_AT = 300

Record = Callable[..., None]


@dataclass(frozen=True, slots=True)
class ApiUse:
    """A symbol of a subscribed public catalogue in a completion."""

    catalogue: str
    symbol: str
    deprecated: bool


@dataclass(frozen=True, slots=True)
class Answered:
    """One completion request as it was answered; `outcome` and `origin` in the registry's words."""

    id: str
    lang: str
    trigger: str
    outcome: str
    origin: str
    total_ms: float
    ttft_ms: float
    tokens: int
    text: str
    apis: tuple[ApiUse, ...]


@dataclass(slots=True)
class _Open:
    answered: Answered
    since: float
    basis: str = "none"
    shown_at: float | None = None
    taken: int = 0


@dataclass(frozen=True, slots=True)
class _Ended:
    end: str
    read: bool
    apis: tuple[ApiUse, ...]


@dataclass(frozen=True, slots=True)
class _Kept:
    lang: str
    apis: tuple[ApiUse, ...]
    sample: tuple[str, str] | None


class Completions:
    """The completions of one server that have not ended, and what is watched of those accepted."""

    def __init__(self, record: Record, impossible: Callable[[], None]) -> None:
        self._record = record
        self._impossible = impossible
        self._open: dict[str, _Open] = {}
        self._ended: dict[str, _Ended] = {}
        self._survivals = Survivals()
        self._kept: dict[str, _Kept] = {}

    def answer(self, answered: Answered, now: float) -> None:
        """Note a request's answer; one that produced text is open from now on."""
        self._record(
            "completion.answered",
            lang=answered.lang,
            trigger=answered.trigger,
            outcome=answered.outcome,
            origin=answered.origin,
            total_ms=answered.total_ms,
            ttft_ms=answered.ttft_ms,
            tokens=answered.tokens,
        )
        if answered.outcome == "produced":
            self.begin(answered, now)

    def begin(self, answered: Answered, now: float) -> None:
        """Open a further candidate of an answer that was noted already."""
        # What is shown again after a key is the same completion, and it ends once.
        if answered.id in self._ended:
            return
        self._open.setdefault(answered.id, _Open(answered, now))
        while len(self._open) > MOST_OPEN:
            self._end(next(iter(self._open)), "expired", None, now)

    def name_apis(self, id_: str, apis: tuple[ApiUse, ...]) -> None:
        """Note further symbols of catalogues that a completion uses, also after its end."""
        if (completion := self._open.get(id_)) is not None:
            answered = completion.answered
            completion.answered = replace(answered, apis=_joined(answered.apis, apis))
        elif (ended := self._ended.get(id_)) is not None:
            for api in _joined(ended.apis, apis)[len(ended.apis) :]:
                self._use(api, ended)
            self._ended[id_] = replace(ended, apis=_joined(ended.apis, apis))
            if (kept := self._kept.get(id_)) is not None:
                self._kept[id_] = replace(kept, apis=_joined(kept.apis, apis))

    def is_read(self, id_: str) -> bool:
        """Return whether a completion is in front of the user, or was until it was read.

        Only then it is worth to find out more of it; what flew by while somebody typed is not.
        """
        ended = self._ended.get(id_)
        return id_ in self._open if ended is None else ended.read

    def show(self, id_: str, basis: str, now: float) -> None:
        """Note that a completion is on the screen, and how the client knows."""
        if (completion := self._open.get(id_)) is not None and completion.shown_at is None:
            completion.basis = basis
            completion.shown_at = now

    def take_part(self, id_: str, chars: int, now: float) -> None:
        """Note that the first `chars` characters were accepted; the completion stays open."""
        if (completion := self._open.get(id_)) is not None:
            self.show(id_, "inferred", now)
            completion.taken = max(completion.taken, chars)

    def accept(self, id_: str, uri: str, start: int | None, now: float) -> None:
        """End a completion that was accepted in whole and now stands at `start` of its document.

        `start` is None where it cannot be found there; then its survival is not measured.
        """
        completion = self._open.get(id_)
        if completion is None:
            self._impossible()
            return
        answered = completion.answered
        self.show(id_, "inferred", now)
        completion.taken = len(answered.text)
        self._end(id_, "accepted", None, now)
        if start is not None:
            self._kept[id_] = _Kept(answered.lang, answered.apis, None)
            self._survivals.watch(id_, uri, start, answered.text, now)

    def dismiss(self, id_: str, reason: str, shown_ms: float | None, now: float) -> None:
        """End a completion that left the screen; what was accepted in part counts as partial."""
        if id_ not in self._open:
            self._impossible()
            return
        self._end(id_, reason, shown_ms, now)

    def insert_sample(
        self, catalogue: str, sample: str, uri: str, start: int | None, text: str, now: float
    ) -> None:
        """Note that a sample was inserted at `start`, and watch it; None as for `accept`."""
        self._record("sample.inserted", catalogue=catalogue, symbol=sample)
        if start is None:
            return
        id_ = f"sample {catalogue} {sample} {now}"
        self._kept[id_] = _Kept("other", (), (catalogue, sample))
        self._survivals.watch(id_, uri, start, text, now)

    def edit(self, uri: str, start: int, removed: int, inserted: int) -> None:
        """Follow an edit of a document, in code points; every edit must be told."""
        self._survivals.edit(uri, start, removed, inserted)

    def tick(self, now: float, read: Callable[[str], str | None]) -> None:
        """Measure what is due, and end what nobody ended; call every few seconds."""
        for survival in list(self._survivals.due(now, read)):
            self._survived(survival)
        for id_, completion in list(self._open.items()):
            if now - completion.since >= EXPIRES_AFTER:
                self._end(id_, "expired", None, now)

    def forget(self) -> None:
        """Forget what has not ended: it began before the user agreed to what is in force now."""
        self._open.clear()
        self._ended.clear()
        self._kept.clear()

    def close(self, now: float) -> None:
        """End everything that is open, at the server's exit."""
        for id_ in list(self._open):
            self._end(id_, "expired", None, now)

    def _end(self, id_: str, end: str, shown_ms: float | None, now: float) -> None:
        # Consent may change in another thread, and everything is forgotten with it.
        completion = self._open.pop(id_, None)
        if completion is None:
            return
        answered = completion.answered
        if shown_ms is None:
            shown_ms = 0.0 if completion.shown_at is None else 1000 * (now - completion.shown_at)
        elif completion.shown_at is None and shown_ms > 0:
            completion.basis = "inferred"
        if end != "accepted" and completion.taken > 0:
            end = "partial"
        # Who takes a text in less than 750 ms has read enough of it to want it.
        read = shown_ms >= READ_MS or completion.taken > 0
        length = len(answered.text)
        self._record(
            "completion.ended",
            lang=answered.lang,
            basis=completion.basis,
            shown_ms=shown_ms,
            read=read,
            end=end,
            lines=answered.text.count("\n") + 1,
            chars=length,
            taken=100 * completion.taken / max(1, length),
        )
        ended = self._ended[id_] = _Ended(end, read, answered.apis)
        while len(self._ended) > MOST_ENDED:
            del self._ended[next(iter(self._ended))]
        for api in answered.apis:
            self._use(api, ended)

    def _use(self, api: ApiUse, ended: _Ended) -> None:
        self._record(
            "completion.api_used",
            catalogue=api.catalogue,
            symbol=api.symbol,
            end=ended.end,
            read=ended.read,
            deprecated=api.deprecated,
        )

    def _survived(self, survival: Survival) -> None:
        kept = self._kept.get(survival.id)
        if kept is None:
            return
        if kept.sample is None:
            self._record(
                "completion.survived",
                lang=kept.lang,
                at=str(survival.at),
                state=survival.state,
                kept=survival.percent or 0,
                chars=survival.chars,
            )
        if survival.at == API_SURVIVAL_AT:
            for api in kept.apis:
                self._record(
                    "completion.api_survived",
                    catalogue=api.catalogue,
                    symbol=api.symbol,
                    state=survival.state,
                )
            if kept.sample is not None:
                catalogue, sample = kept.sample
                self._record(
                    "sample.survived", catalogue=catalogue, symbol=sample, state=survival.state
                )
        if survival.at == 600:
            self._kept.pop(survival.id, None)


def _joined(one: tuple[ApiUse, ...], other: tuple[ApiUse, ...]) -> tuple[ApiUse, ...]:
    return tuple(dict.fromkeys((*one, *other)))

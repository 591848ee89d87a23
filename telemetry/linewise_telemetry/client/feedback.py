"""Feedback: what the user wrote and chose to attach, kept until its recipient has it.

In: feedback that the user previewed and sent. Out: a receipt at once; later its status and answer.
It works at every telemetry level, because pressing Send is the consent. Each feedback is two files:
the body, byte for byte as previewed, and what is known of its delivery. The body holds no install
key, and nothing is added to it.
"""

from __future__ import annotations

import json
import re
import secrets
import threading
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from linewise_telemetry import atomic
from linewise_telemetry.client.transport import Answer, Send, TransportError
from linewise_telemetry.errors import FeedbackError, NotKeptError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

MAX_TEXT = 4096
MAX_CONTACT = 254
MAX_ATTACHMENTS = 5
MAX_ATTACHMENT = 16 * 1024
KINDS = ("problem", "idea", "praise", "question")
ABOUT = ("completion", "symbol", "product", "catalogue")
SETTLED = ("fixed", "answered", "declined")
ASKED_DAYS = 365
"""So long a collector keeps feedback, and so long it is asked for an answer."""
MOST_ASKED = 20
MOST_NOTICES = 5
"""So often the user is told by itself of what becomes of one feedback, whatever a maker does."""
_RECEIPT = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Feedback:
    """What the user wrote. `subject` is a symbol or a catalogue's id, `rating` 1 to 5."""

    kind: str
    about: str
    subject: str | None
    text: str
    rating: int | None
    attachments: tuple[str, ...]
    contact: str | None


@dataclass(frozen=True, slots=True)
class Recipient:
    """Who gets feedback: a name for the user, and the collector, if there is one."""

    name: str
    origin: str
    project: str


@dataclass(frozen=True, slots=True)
class Draft:
    """What the user sees before Send: who gets the exact body, and who is asked for the answer."""

    recipient: str
    body: str
    afterwards: str
    """A sentence on what sending brings with it; empty where there is nobody to send to."""


@dataclass(frozen=True, slots=True)
class Item:
    """One feedback and what became of it; `status` is `waiting` until the recipient has it."""

    receipt: str
    recipient: Recipient
    about: str
    excerpt: str
    created: float
    status: str
    answer: str | None
    problem: str | None
    etag: str = ""
    told: str = ""
    """What the user was told of its answer."""
    notices: int = 0

    @property
    def word(self) -> str:
        """What there is to tell: the answer, or how it was settled without one; else empty."""
        return self.answer or (self.status if self.status in SETTLED else "")

    @property
    def sent(self) -> bool:
        """Whether the recipient has it."""
        return self.status not in ("waiting", "refused")


def encode(feedback: Feedback) -> bytes:
    """Return the exact body that would be sent.

    Raises FeedbackError for what cannot be taken; a text that is too long is refused, never cut.
    """
    _check(feedback)
    return (json.dumps(asdict(feedback), ensure_ascii=False, indent=1) + "\n").encode()


def draft(feedback: Feedback, recipient: Recipient, *, asked: bool) -> Draft:
    """Return what is shown before Send; `asked` says whether answers are asked for by themselves.

    Raises FeedbackError for what would not be taken.
    """
    if not recipient.origin:
        afterwards = ""
    elif asked:
        afterwards = (
            f"Until it is answered, for a year at most, {recipient.origin} is asked for the answer"
            " by the receipt alone, when a window opens and every six hours; not while telemetry"
            " is off."
        )
    else:
        afterwards = "Telemetry is off: an answer is asked for only when you open My Feedback."
    return Draft(recipient.name, encode(feedback).decode(), afterwards)


class Outbox:
    """The feedback of this user, kept in `directory`."""

    def __init__(self, directory: Path, send: Send, clock: Callable[[], float] = time.time) -> None:
        self._directory = directory
        self._send = send
        self._clock = clock
        self._lock = threading.Lock()

    def put(self, feedback: Feedback, recipient: Recipient) -> Item:
        """Keep feedback, and return it with its receipt; `deliver` sends it.

        Raises FeedbackError where it cannot be taken or kept.
        """
        body = encode(feedback)
        first_line = feedback.text.strip().splitlines()[0]
        subject = f"{feedback.about} {feedback.subject}" if feedback.subject else feedback.about
        item = Item(
            receipt=secrets.token_hex(16),
            recipient=recipient,
            about=subject,
            excerpt=first_line if len(first_line) <= 80 else first_line[:79] + "…",
            created=self._clock(),
            status="waiting",
            answer=None,
            problem=None,
        )
        try:
            atomic.write(self._path(item.receipt), body.decode())
            self._keep(item)
        except OSError as error:
            raise NotKeptError(
                f"cannot write to {self._directory} ({error.strerror}); your feedback was not kept"
            ) from error
        return item

    def deliver(self) -> list[Item]:
        """Try to send what waits, and return every item as it is now."""
        with self._lock:
            items = self.items()
            return [self._deliver(item) if item.status == "waiting" else item for item in items]

    def refresh(self) -> list[Item]:
        """Ask the recipients what became of what was sent, and return every item as it is now.

        Whoever asks reads the answers, so that they are no news any more.
        """
        self.deliver()
        for item in self._ask_all(item for item in self.items() if item.sent):
            self._tell(item)
        return self.items()

    def news(self) -> list[Item]:
        """Ask for the answers that are still to come; return the items with one, each only once.

        Nobody is asked who did not get feedback, nor once an answer is final and was told. Where
        another process is at it, nobody is asked and nothing returned.
        """
        fresh: list[Item] = []
        if not self._open_questions():
            return fresh
        with suppress(Timeout, OSError), FileLock(self._directory / "news.lock", timeout=0):
            asked = self._ask_all(self._open_questions())
            fresh += (
                self._tell(replace(item, notices=item.notices + 1))
                for item in asked
                if item.word != item.told
            )
        return fresh

    def withdraw(self, receipt: str) -> Item:
        """Have a feedback deleted by whoever has it, then here; return what it was.

        Raises FeedbackError where there is none, or its recipient did not confirm: then it stays.
        """
        item = self._read(self._state(receipt)) if _RECEIPT.fullmatch(receipt) else None
        if item is None:
            raise FeedbackError(f"there is no feedback with the receipt {receipt}")
        # A feedback of which no answer came may have arrived all the same.
        with self._lock:
            if item.recipient.origin and item.status != "refused":
                self._delete(item)
            for path in (self._path(receipt), self._state(receipt)):
                path.unlink(missing_ok=True)
        return item

    def items(self) -> list[Item]:
        """Return every item, newest first."""
        found = (self._read(path) for path in self._directory.glob("*.state.json"))
        return sorted((item for item in found if item), key=lambda item: item.created, reverse=True)

    def body(self, receipt: str) -> bytes:
        """Return the bytes of one feedback.

        Raises FeedbackError if there is none with that receipt.
        """
        if not _RECEIPT.fullmatch(receipt) or not self._path(receipt).exists():
            raise FeedbackError(f"there is no feedback with the receipt {receipt}")
        return self._path(receipt).read_bytes()

    def _deliver(self, item: Item) -> Item:
        if item.status == "refused" or not item.recipient.origin:
            return item
        headers = self._headers(item) | {"Content-Type": "application/json"}
        try:
            body = self._path(item.receipt).read_bytes()
            answer = self._send("POST", item.recipient.origin + "/v1/feedback", body, headers)
        except OSError as error:
            return self._keep(replace(item, problem=f"its file cannot be read ({error.strerror})"))
        except TransportError as error:
            return self._keep(replace(item, problem=f"not reachable ({error})"))
        if answer.status in (200, 201, 202):
            return self._keep(replace(item, status="received", problem=None))
        if answer.status in (408, 429) or answer.status >= 500:
            return self._keep(replace(item, problem=f"busy ({answer.status}); it is tried again"))
        return self._keep(replace(item, status="refused", problem=_reason(answer)))

    def _open_questions(self) -> list[Item]:
        oldest = self._clock() - ASKED_DAYS * 86_400
        return [
            item
            for item in self.items()
            if item.sent and item.created > oldest and item.notices < MOST_NOTICES
            if item.status not in SETTLED or item.word != item.told
        ][:MOST_ASKED]

    def _tell(self, item: Item) -> Item:
        return item if item.told == item.word else self._keep(replace(item, told=item.word))

    def _ask_all(self, items: Iterable[Item]) -> Iterator[Item]:
        """Yield each item as it is once its recipient was asked.

        Who does not answer is not asked again for the other items, as each try may take 10 s.
        """
        silent = set()
        for item in items:
            if item.recipient.origin not in silent:
                try:
                    yield self._ask(item)
                    continue
                except TransportError:
                    silent.add(item.recipient.origin)
            yield item

    def _delete(self, item: Item) -> None:
        url = item.recipient.origin + "/v1/feedback"
        try:
            answer = self._send("DELETE", url, None, self._headers(item))
        except TransportError as error:
            raise FeedbackError(
                f"{item.recipient.name} is not reachable ({error}); nothing was deleted, try again"
            ) from error
        if answer.status not in (200, 404):
            raise FeedbackError(
                f"{item.recipient.name} did not delete it ({answer.status}); try again"
            )

    def _ask(self, item: Item) -> Item:
        headers = self._headers(item) | ({"If-None-Match": item.etag} if item.etag else {})
        answer = self._send("GET", item.recipient.origin + "/v1/feedback", None, headers)
        said = _said(answer)
        # Not before: sending must not wait for whoever does not answer.
        with self._lock:
            # Another process may have told of it meanwhile.
            now = self._read(self._state(item.receipt)) or item
            if said is None:
                return now
            status, reply = said
            return self._keep(replace(now, status=status, answer=reply, etag=answer.etag[:80]))

    def _headers(self, item: Item) -> dict[str, str]:
        return {
            "Linewise-Project": item.recipient.project,
            "Linewise-Receipt": item.receipt,
            "User-Agent": "linewise",
        }

    def _keep(self, item: Item) -> Item:
        atomic.write(self._state(item.receipt), json.dumps(asdict(item), indent=1) + "\n")
        return item

    def _read(self, path: Path) -> Item | None:
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
            return Item(**data | {"recipient": Recipient(**data["recipient"])})
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _state(self, receipt: str) -> Path:
        return self._directory / f"{receipt}.state.json"

    def _path(self, receipt: str) -> Path:
        return self._directory / f"{receipt}.json"


def _check(feedback: Feedback) -> None:
    if feedback.kind not in KINDS:
        raise FeedbackError(f"the kind must be one of {', '.join(KINDS)}")
    if feedback.about not in ABOUT:
        raise FeedbackError(f"it must be about one of {', '.join(ABOUT)}")
    if not feedback.text.strip():
        raise FeedbackError("write something before sending")
    if len(feedback.text) > MAX_TEXT:
        over = len(feedback.text) - MAX_TEXT
        raise FeedbackError(
            f"the text is {over} characters too long: at most {MAX_TEXT} are taken, nothing is cut"
        )
    if feedback.rating is not None and not 1 <= feedback.rating <= 5:
        raise FeedbackError("the rating must be from 1 to 5")
    if feedback.subject is not None and len(feedback.subject) > 160:
        raise FeedbackError("the subject is longer than 160 characters")
    if feedback.contact is not None and len(feedback.contact) > MAX_CONTACT:
        raise FeedbackError(f"the contact is longer than {MAX_CONTACT} characters")
    _check_attachments(feedback.attachments)


def _check_attachments(attachments: Iterable[str]) -> None:
    attachments = list(attachments)
    if len(attachments) > MAX_ATTACHMENTS:
        raise FeedbackError(f"at most {MAX_ATTACHMENTS} attachments are taken")
    for number, attachment in enumerate(attachments, 1):
        if len(attachment) > MAX_ATTACHMENT:
            raise FeedbackError(f"attachment {number} is longer than {MAX_ATTACHMENT} characters")


def _said(answer: Answer) -> tuple[str, str | None] | None:
    """Return status and answer; None where nothing is new, or nothing that can be read."""
    if answer.status != 200:
        return None
    try:
        data = json.loads(answer.body)
        status, reply = data["status"], data.get("answer")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    if not isinstance(status, str) or not isinstance(reply, str | None):
        return None
    return status[:40], reply and reply[:MAX_TEXT]


def _reason(answer: Answer) -> str:
    try:
        return f"refused: {str(json.loads(answer.body)['error'])[:200]}"
    except (ValueError, KeyError, TypeError, RecursionError):
        return f"refused ({answer.status})"

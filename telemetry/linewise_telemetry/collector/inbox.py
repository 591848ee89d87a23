"""Feedback as the collector keeps it: apart from events, with nothing that joins the two.

In: the body of a feedback and the receipt that its sender made. Out: rows, once each; the status
and answer for whoever has the receipt; and for staff, lists, answers and merges.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, Row, Select, delete, func, select, update

from linewise_telemetry.collector import tables
from linewise_telemetry.collector.database import insert

if TYPE_CHECKING:
    from datetime import date

MAX_TEXT = 4096
KINDS = ("problem", "idea", "praise", "question")
ABOUT = ("completion", "symbol", "product", "catalogue")
OPEN_STATUSES = ("new", "seen", "planned")
FEEDBACK_DAYS = 365
STATUSES = ("new", "seen", "planned", "fixed", "answered", "declined")
MOST_LISTED = 500
_LIMITS = {"subject": 160, "contact": 254}


class RefusedError(Exception):
    """The body is no feedback that may be kept; `str()` says why."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which feedback to list; None takes any, an empty `assignee` what is assigned to nobody."""

    status: str | None = None
    kind: str | None = None
    subject: str | None = None
    assignee: str | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """What staff say about a feedback; None leaves a thing as it is."""

    status: str | None
    assignee: str | None
    answer: str | None
    release: str | None


def parse(body: bytes) -> dict[str, Any]:
    """Return the columns of a feedback. Raises RefusedError; nothing is cut to fit."""
    try:
        data = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise RefusedError("not JSON") from error
    wanted = {"kind", "about", "subject", "text", "rating", "attachments", "contact"}
    if not isinstance(data, dict) or data.keys() != wanted:
        raise RefusedError("the fields must be " + ", ".join(sorted(wanted)))
    if data["kind"] not in KINDS or data["about"] not in ABOUT:
        raise RefusedError("kind or about is unknown")
    if not _is_text(data["text"], MAX_TEXT) or not data["text"].strip():
        raise RefusedError(f"the text must have 1 to {MAX_TEXT} characters")
    rating = data["rating"]
    if rating is not None and not (type(rating) is int and 1 <= rating <= 5):
        raise RefusedError("the rating must be 1 to 5")
    for name, most in _LIMITS.items():
        if data[name] is not None and not _is_text(data[name], most):
            raise RefusedError(f"the {name} must be at most {most} characters")
    attachments = data["attachments"]
    if not isinstance(attachments, list) or len(attachments) > 5:
        raise RefusedError("at most 5 attachments are taken")
    if not all(_is_text(attachment, 16 * 1024) for attachment in attachments):
        raise RefusedError("an attachment must be a text of at most 16384 characters")
    return data | {"attachments": json.dumps(attachments)}


class Inbox:
    """The feedback of all projects in one database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, project: str, receipt: str, columns: dict[str, Any], today: date) -> bool:
        """Keep a feedback; return whether it is new."""
        feedback = tables.feedback
        statement = insert(self._engine, feedback).on_conflict_do_nothing(
            index_elements=[feedback.c.receipt_hash]
        )
        values = columns | {
            "project": project,
            "receipt_hash": _hash(receipt),
            "day": today,
            "status": "new",
        }
        with self._engine.begin() as connection:
            new = connection.execute(statement.values(values).returning(feedback.c.id))
            return new.scalar() is not None

    def status(self, receipt: str) -> dict[str, str | None] | None:
        """Return what the sender may know, following a merge; None for an unknown receipt."""
        feedback = tables.feedback
        with self._engine.connect() as connection:
            row = connection.execute(
                select(feedback).where(feedback.c.receipt_hash == _hash(receipt))
            ).one_or_none()
            if row is not None and row.merged_into is not None:
                merged = select(feedback).where(feedback.c.id == row.merged_into)
                row = connection.execute(merged).one_or_none() or row
        if row is None:
            return None
        status = "received" if row.status == "new" else row.status
        return {"status": status, "answer": _answer(row)}

    def remove(self, receipt: str) -> bool:
        """Delete the feedback with a receipt; return whether there was one.

        What was merged into it stays, with what was said.
        """
        feedback = tables.feedback
        own = feedback.c.receipt_hash == _hash(receipt)
        with self._engine.begin() as connection:
            _release(connection, select(feedback.c.id).where(own))
            return bool(connection.execute(delete(feedback).where(own)).rowcount)

    def find(self, project: str, wanted: Wanted) -> list[Row[Any]]:
        """Return what is wanted of a project's feedback, newest first, merged ones left out."""
        feedback = tables.feedback.c
        query = select(tables.feedback).where(
            feedback.project == project, feedback.merged_into.is_(None)
        )
        for column, value in (
            (feedback.status, wanted.status),
            (feedback.kind, wanted.kind),
            (feedback.subject, wanted.subject),
        ):
            if value is not None:
                query = query.where(column == value)
        if wanted.assignee is not None:
            # A name is typed: Ada finds what somebody assigned to ada.
            named = func.lower(func.coalesce(feedback.assignee, ""))
            query = query.where(named == func.lower(wanted.assignee))
        with self._engine.connect() as connection:
            return list(connection.execute(query.order_by(feedback.id.desc()).limit(MOST_LISTED)))

    def assignees(self, project: str) -> list[str]:
        """Return to whom feedback of a project is assigned, in order."""
        feedback = tables.feedback.c
        query = (
            select(feedback.assignee)
            .distinct()
            .where(feedback.project == project, feedback.assignee != "")
        )
        with self._engine.connect() as connection:
            return sorted(connection.execute(query).scalars(), key=str.casefold)

    def get(self, project: str, id_: int) -> Row[Any] | None:
        """Return one feedback of a project, or None."""
        feedback = tables.feedback.c
        query = select(tables.feedback).where(feedback.project == project, feedback.id == id_)
        with self._engine.connect() as connection:
            return connection.execute(query).one_or_none()

    def merged(self, project: str, id_: int) -> list[Row[Any]]:
        """Return the feedback that was merged into this one."""
        feedback = tables.feedback.c
        query = select(tables.feedback).where(
            feedback.project == project, feedback.merged_into == id_
        )
        with self._engine.connect() as connection:
            return list(connection.execute(query.order_by(feedback.id)))

    def change(self, project: str, id_: int, change: Change) -> bool:
        """Set what staff said; return whether there is such feedback that is no duplicate.

        The sender of a duplicate is told what is said of the other, and nothing else.
        """
        feedback = tables.feedback.c
        said = {
            "status": change.status if change.status in STATUSES else None,
            "assignee": change.assignee,
            "answer": change.answer,
            "release": change.release,
        }
        values = {name: value for name, value in said.items() if value is not None}
        with self._engine.begin() as connection:
            changed = connection.execute(
                update(tables.feedback)
                .where(feedback.project == project, feedback.id == id_)
                .where(feedback.merged_into.is_(None))
                .values(values or {"status": feedback.status})
            )
            return bool(changed.rowcount)

    def merge(self, project: str, id_: int, into: int) -> bool:
        """Make one feedback a duplicate of another; its sender gets the other's answer.

        What was merged into it goes along. Returns whether both exist, differ, and the other is no
        duplicate itself.
        """
        if id_ == into:
            return False
        feedback = tables.feedback.c
        both = (feedback.project == project) & feedback.id.in_([id_, into])
        duplicates = (feedback.id == id_) | (feedback.merged_into == id_)
        with self._engine.begin() as connection:
            # Nobody else may merge either meanwhile, or both could vanish into each other.
            connection.execute(update(tables.feedback).where(both).values(project=project))
            target = connection.execute(
                select(feedback.merged_into).where(both, feedback.id == into)
            ).one_or_none()
            if target is None or target.merged_into is not None:
                return False
            changed = connection.execute(
                update(tables.feedback)
                .where(feedback.project == project, duplicates)
                .values(merged_into=into)
            )
            return bool(changed.rowcount)

    def separate(self, project: str, id_: int) -> bool:
        """Make a duplicate a feedback of its own again; return whether it was one."""
        feedback = tables.feedback.c
        with self._engine.begin() as connection:
            changed = connection.execute(
                update(tables.feedback)
                .where(feedback.project == project, feedback.id == id_)
                .where(feedback.merged_into.is_not(None))
                .values(merged_into=None)
            )
            return bool(changed.rowcount)


def retire(connection: Connection, today: date) -> int:
    """Delete feedback that is past its time and not open; return how much.

    A duplicate is as open as what it was merged into. Where that goes first, its duplicates stand
    on their own from then on, with what was said of it, so that their senders still read it.
    """
    feedback, other = tables.feedback, tables.feedback.alias()
    oldest = today - timedelta(FEEDBACK_DAYS)
    closed = select(other.c.id).where(
        other.c.merged_into.is_(None), other.c.status.not_in(OPEN_STATUSES)
    )
    _release(connection, closed.where(other.c.day < oldest))
    gone = delete(feedback).where(
        feedback.c.day < oldest,
        func.coalesce(feedback.c.merged_into, feedback.c.id).in_(closed),
    )
    return connection.execute(gone).rowcount


def _release(connection: Connection, going: Select[tuple[int]]) -> None:
    """Let the duplicates of what is about to go stand on their own, with what was said of it."""
    feedback, other = tables.feedback, tables.feedback.alias()
    said = {
        name: select(other.c[name]).where(other.c.id == feedback.c.merged_into).scalar_subquery()
        for name in ("status", "answer", "release")
    }
    connection.execute(
        update(feedback)
        .where(feedback.c.merged_into.in_(going))
        .values(said | {"merged_into": None})
    )


def attachments(row: Row[Any]) -> list[str]:
    """Return the texts that the sender attached."""
    found: list[str] = json.loads(row.attachments)
    return found


def _answer(row: Row[Any]) -> str | None:
    if row.release and row.answer:
        return f"{row.answer}\nIn release {row.release}."
    if row.release:
        return f"In release {row.release}."
    return row.answer or None


def _is_text(value: object, most: int) -> bool:
    # PostgreSQL cannot keep a NUL, and a lone surrogate is no text at all.
    if not isinstance(value, str) or len(value) > most or "\x00" in value:
        return False
    return not any("\ud800" <= character <= "\udfff" for character in value)


def _hash(receipt: str) -> str:
    return hashlib.sha256(receipt.encode()).hexdigest()

"""Staff accounts, projects and sessions.

In: names and passwords. Out: sessions that end after twelve hours, each with a token against forged
requests. Passwords are kept as argon2id, tokens as hashes.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from sqlalchemy import Engine, Row, delete, func, select, update

from linewise_telemetry.collector import tables
from linewise_telemetry.collector.database import insert
from linewise_telemetry.errors import CollectorError
from linewise_telemetry.events import Field

if TYPE_CHECKING:
    from collections.abc import Iterable

SESSION = timedelta(hours=12)
LONGEST_NAME = 64
LONGEST_TITLE = 120
LEAST_PASSWORD = 12
LEAST_DIFFERENT = 5
LONGEST_PASSWORD = 1024
_SYMBOL = Field("catalogue", "symbol", "symbol", "", (), (), "")
_CATALOGUE = Field("catalogue", "catalogue", "catalogue", "", (), (), "")


@dataclass(frozen=True, slots=True)
class Session:
    """Who is logged in, and the token that a form must carry."""

    staff: str
    csrf: str


class Accounts:
    """The accounts and projects in one database."""

    def __init__(self, engine: Engine, hasher: PasswordHasher | None = None) -> None:
        self._engine = engine
        self._hasher = hasher or PasswordHasher()

    def has_staff(self) -> bool:
        """Return whether anybody can log in."""
        with self._engine.connect() as connection:
            return bool(connection.execute(select(func.count()).select_from(tables.staff)).scalar())

    def names(self) -> list[str]:
        """Return who has an account, in order."""
        with self._engine.connect() as connection:
            query = select(tables.staff.c.name).order_by(tables.staff.c.name)
            return list(connection.execute(query).scalars())

    def set_password(self, name: str, password: str) -> None:
        """Make an account, or give it another password; all its sessions end.

        Raises CollectorError for a name or a password that cannot be one.
        """
        _check(name, password)
        hashed = self._hasher.hash(password)
        statement = insert(self._engine, tables.staff).values(name=name, password=hashed)
        with self._engine.begin() as connection:
            connection.execute(
                statement.on_conflict_do_update(
                    index_elements=["name"], set_={"password": statement.excluded.password}
                )
            )
            connection.execute(delete(tables.session).where(tables.session.c.staff == name))

    def log_in(self, name: str, password: str, now: datetime) -> str | None:
        """Return the token of a new session, or None."""
        with self._engine.connect() as connection:
            row = connection.execute(
                select(tables.staff.c.password).where(tables.staff.c.name == name)
            ).one_or_none()
        if row is None:
            # Takes as long as a wrong password, so that nobody learns which names there are.
            self._hasher.hash(password)
            return None
        try:
            self._hasher.verify(row.password, password)
        except (Argon2Error, InvalidHashError):
            return None
        token = secrets.token_urlsafe(32)
        with self._engine.begin() as connection:
            connection.execute(
                tables.session.insert().values(
                    token_hash=_hash(token),
                    staff=name,
                    csrf=secrets.token_urlsafe(32),
                    expires=now + SESSION,
                )
            )
        return token

    def session(self, token: str, now: datetime) -> Session | None:
        """Return the session of a token, or None."""
        query = select(tables.session).where(tables.session.c.token_hash == _hash(token))
        with self._engine.connect() as connection:
            row = connection.execute(query).one_or_none()
        if row is None:
            return None
        expires = row.expires if row.expires.tzinfo else row.expires.replace(tzinfo=UTC)
        return Session(row.staff, row.csrf) if expires > now else None

    def log_out(self, token: str) -> None:
        """End a session."""
        with self._engine.begin() as connection:
            connection.execute(
                delete(tables.session).where(tables.session.c.token_hash == _hash(token))
            )

    def projects(self) -> list[Row[Any]]:
        """Return every project."""
        with self._engine.connect() as connection:
            return list(connection.execute(select(tables.project).order_by(tables.project.c.id)))

    def add_project(
        self, id_: str, name: str | None, kind: str, symbols: Iterable[str] | None
    ) -> str:
        """Make a project, or set its name and what its catalogue lists; return its public key.

        Without a name the one that is there stays, at first the id; so does a list of symbols.
        Raises CollectorError for an id or a symbol that no registry would allow.
        """
        names = sorted(set(symbols or ()))
        if not _CATALOGUE.allows(id_):
            raise CollectorError(
                f"{id_!r} is no id: use lower-case letters, digits, dots and dashes"
            )
        if name is not None and not 0 < len(name) <= LONGEST_TITLE:
            raise CollectorError(f"a title has 1 to {LONGEST_TITLE} characters")
        odd = next((symbol for symbol in names if not _SYMBOL.allows(symbol)), None)
        if odd is not None:
            raise CollectorError(
                f"{odd[:60]!r} is no symbol: use letters, digits and . _ : # $ ~ / -"
            )
        with self._engine.begin() as connection:
            row = connection.execute(
                select(tables.project.c.key).where(tables.project.c.id == id_)
            ).one_or_none()
            key = secrets.token_hex(16) if row is None else str(row.key)
            if row is None:
                connection.execute(
                    tables.project.insert().values(id=id_, name=name or id_, kind=kind, key=key)
                )
            elif name is not None:
                connection.execute(
                    update(tables.project).where(tables.project.c.id == id_).values(name=name)
                )
            if symbols is not None:
                connection.execute(delete(tables.symbol).where(tables.symbol.c.project == id_))
            if names:
                connection.execute(
                    tables.symbol.insert(), [{"project": id_, "name": name} for name in names]
                )
        return key

    def set_installs_known(self, project: str, installs: int | None) -> None:
        """Keep how many installs there are, as the operator knows from elsewhere."""
        with self._engine.begin() as connection:
            connection.execute(
                update(tables.project)
                .where(tables.project.c.id == project)
                .values(installs_known=installs)
            )

    def note(self, staff: str, action: str, detail: str, now: datetime) -> None:
        """Write down what staff did."""
        with self._engine.begin() as connection:
            connection.execute(
                tables.audit.insert().values(
                    at=now, staff=staff, action=action, detail=detail[:200]
                )
            )


def _check(name: str, password: str) -> None:
    if not name.strip() or name != name.strip() or len(name) > LONGEST_NAME or _odd(name):
        raise CollectorError(
            f"{name[:80]!r} is no name for an account: use 1 to {LONGEST_NAME} characters,"
            " without spaces at either end"
        )
    if _odd(password):
        raise CollectorError("the password holds a character that no form can send; use another")
    if len(password) < LEAST_PASSWORD:
        raise CollectorError(
            f"the password is shorter than {LEAST_PASSWORD} characters; take four words, for"
            " instance, that nobody would guess"
        )
    if len(password) > LONGEST_PASSWORD:
        raise CollectorError(
            f"the password is longer than {LONGEST_PASSWORD} characters; use a shorter one"
        )
    is_name = not password.casefold().replace(name.casefold(), "")
    if is_name or len(set(password)) < LEAST_DIFFERENT:
        raise CollectorError("the password is the first that anybody would guess; use another")


def _odd(text: str) -> bool:
    """Whether a text holds what neither a form nor PostgreSQL takes."""
    return any(c == "\x00" or "\ud800" <= c <= "\udfff" for c in text)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()

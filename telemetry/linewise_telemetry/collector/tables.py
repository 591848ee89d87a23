"""The collector's tables, for SQLite and PostgreSQL alike.

In: nothing. Out: SQLAlchemy tables; `migrations/` makes them, and a test compares the two. There is
no column for an address, a path, a text of an event, or a name of a user.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Date,
    DateTime,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData()

project = Table(
    "project",
    metadata,
    Column("id", String(64), primary_key=True, doc="a catalogue's id, or `linewise`"),
    Column("name", String(120), nullable=False),
    Column("kind", String(16), nullable=False, doc="product or catalogue"),
    Column("key", String(64), nullable=False, unique=True, doc="public; tells projects apart"),
    Column("installs_known", Integer, doc="as the operator knows them from elsewhere"),
)

symbol = Table(
    "symbol",
    metadata,
    Column("project", String(64), primary_key=True),
    Column("name", String(160), primary_key=True, doc="what the public catalogue lists"),
)

event = Table(
    "event",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("project", String(64), nullable=False),
    Column("name", String(64), nullable=False),
    Column("day", Date, nullable=False, index=True),
    Column("contributor", String(32), nullable=False, index=True, doc="hash of a rotating key"),
    Column("n", Integer, nullable=False),
    Column("attributes", Text, nullable=False, doc="JSON, as the registry allows"),
)

tally = Table(
    "tally",
    metadata,
    Column("project", String(64), primary_key=True),
    Column("week", Date, primary_key=True, doc="its Monday"),
    Column("metric", String(32), primary_key=True),
    Column("split", String(32), primary_key=True, doc="a field, or empty for the total"),
    Column("value", String(160), primary_key=True),
    Column("contributor", String(32), primary_key=True),
    Column("event", String(64), nullable=False, doc="that the metric counts"),
    Column("num", BigInteger, nullable=False),
    Column("den", BigInteger, nullable=False),
    Index("tally_contributor", "contributor"),
    Index("tally_week", "week"),
)

figure = Table(
    "figure",
    metadata,
    Column("project", String(64), primary_key=True),
    Column("week", Date, primary_key=True),
    Column("metric", String(32), primary_key=True),
    Column("split", String(32), primary_key=True),
    Column("value", String(160), primary_key=True),
    Column("num", BigInteger, nullable=False),
    Column("den", BigInteger, nullable=False),
    Column("installs", BigInteger, nullable=False, doc="rounded down to five"),
)

silence = Table(
    "silence",
    metadata,
    Column("project", String(64), primary_key=True),
    Column("week", Date, primary_key=True),
    Column("metric", String(32), primary_key=True),
    Column("split", String(32), primary_key=True),
    Column("cells", BigInteger, nullable=False, doc="that may not be shown"),
)

publication = Table(
    "publication",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("horizon", Date, nullable=False, doc="weeks before it may be seen"),
)

feedback = Table(
    "feedback",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("project", String(64), nullable=False, index=True),
    Column("receipt_hash", String(64), nullable=False),
    Column("day", Date, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("about", String(16), nullable=False),
    Column("subject", String(160)),
    Column("text", Text, nullable=False),
    Column("rating", Integer),
    Column("attachments", Text, nullable=False, doc="a JSON list of texts"),
    Column("contact", String(254)),
    Column("status", String(16), nullable=False),
    Column("assignee", String(64)),
    Column("answer", Text),
    Column("release", String(64)),
    Column("merged_into", Integer),
    UniqueConstraint("receipt_hash", name="feedback_receipt"),
)

staff = Table(
    "staff",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("password", String(200), nullable=False, doc="argon2id"),
)

session = Table(
    "session",
    metadata,
    Column("token_hash", String(64), primary_key=True),
    Column("staff", String(64), nullable=False),
    Column("csrf", String(64), nullable=False),
    Column("expires", DateTime(timezone=True), nullable=False),
)

release = Table(
    "release",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("project", String(64), nullable=False, index=True),
    Column("day", Date, nullable=False),
    Column("name", String(64), nullable=False),
    Column("kind", String(16), nullable=False, doc="docs, catalogue, model or product"),
)

deletion = Table(
    "deletion",
    metadata,
    Column("receipt", String(32), primary_key=True),
    Column("day", Date, nullable=False),
    Column("events", Integer, nullable=False),
)

audit = Table(
    "audit",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("staff", String(64), nullable=False),
    Column("action", String(64), nullable=False),
    Column("detail", String(200), nullable=False),
)

# Views, made by the migrations and read as tables; kept out of `metadata`, which owns none of them.
_views = MetaData()

judged = Table(
    "judged",
    _views,
    Column("project", String(64)),
    Column("week", Date),
    Column("metric", String(32)),
    Column("split", String(32)),
    Column("value", String(160)),
    Column("num", BigInteger),
    Column("den", BigInteger),
    Column("installs", BigInteger),
    Column("visible", Integer),
)

published = Table(
    "published",
    _views,
    Column("project", String(64)),
    Column("week", Date),
    Column("metric", String(32)),
    Column("split", String(32)),
    Column("value", String(160)),
    Column("num", BigInteger),
    Column("den", BigInteger),
    Column("installs", BigInteger, doc="at least so many"),
)

withheld = Table(
    "withheld",
    _views,
    Column("project", String(64)),
    Column("week", Date),
    Column("metric", String(32)),
    Column("split", String(32)),
    Column("cells", BigInteger),
)

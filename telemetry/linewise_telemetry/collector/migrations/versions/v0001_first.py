"""The first tables, and the one view through which anybody sees a figure."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# A cell is shown if it rests on at least 5 installs and 20 events (for the metric `active`, an
# install is an event), and no install gives more than half of it. Because the total is shown too,
# the sum of the hidden cells of a split can be had by subtraction. So further cells are hidden,
# smallest first, until that sum passes the same rule: its installs are at least those of its
# largest cell, and one install's part of it is at most the sum of the largest parts. `running` has
# these sums over the cells that would be hidden before each one.
_JUDGED = """
WITH cell AS (
  SELECT project, week, metric, split, value,
         SUM(num) AS num, SUM(den) AS den, COUNT(*) AS installs, MAX(den) AS top,
         CASE WHEN metric = 'active' THEN 5 ELSE 20 END AS least
  FROM tally
  WHERE week < (SELECT MAX(horizon) FROM publication) AND den > 0
  GROUP BY project, week, metric, split, value
),
judged AS (
  SELECT cell.*,
         CASE WHEN installs >= 5 AND den >= least AND 2 * top <= den THEN 1 ELSE 0 END AS ok
  FROM cell
),
running AS (
  SELECT judged.*,
         MIN(ok) OVER (PARTITION BY project, week, metric, split) AS all_ok,
         SUM(den) OVER hidden AS hidden_den,
         SUM(top) OVER hidden AS hidden_top,
         MAX(installs) OVER hidden AS hidden_installs
  FROM judged
  WINDOW hidden AS (
    PARTITION BY project, week, metric, split ORDER BY ok, den, value
    ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
  )
),
shown AS (
  SELECT running.*,
         CASE WHEN ok = 1 AND (
           all_ok = 1
           OR (hidden_installs >= 5 AND hidden_den >= least AND 2 * hidden_top <= hidden_den)
         ) THEN 1 ELSE 0 END AS visible
  FROM running
)
"""
_PUBLISHED = f"""
CREATE VIEW published AS {_JUDGED}
SELECT project, week, metric, split, value,
       CAST(num AS BIGINT) AS num, CAST(den AS BIGINT) AS den, installs
FROM shown WHERE visible = 1
"""  # noqa: S608 (put together from the text above)
_WITHHELD = f"""
CREATE VIEW withheld AS {_JUDGED}
SELECT project, week, metric, split, COUNT(*) AS cells
FROM shown WHERE visible = 0 GROUP BY project, week, metric, split
"""  # noqa: S608 (put together from the text above)


def upgrade() -> None:
    """Make everything."""
    op.create_table(
        "project",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("key", sa.String(64), nullable=False, unique=True),
        sa.Column("installs_known", sa.Integer),
    )
    op.create_table(
        "symbol",
        sa.Column("project", sa.String(64), primary_key=True),
        sa.Column("name", sa.String(160), primary_key=True),
    )
    op.create_table(
        "event",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("project", sa.String(64), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("day", sa.Date, nullable=False, index=True),
        sa.Column("contributor", sa.String(32), nullable=False, index=True),
        sa.Column("n", sa.Integer, nullable=False),
        sa.Column("attributes", sa.Text, nullable=False),
    )
    op.create_table(
        "tally",
        sa.Column("project", sa.String(64), primary_key=True),
        sa.Column("week", sa.Date, primary_key=True),
        sa.Column("metric", sa.String(32), primary_key=True),
        sa.Column("split", sa.String(32), primary_key=True),
        sa.Column("value", sa.String(160), primary_key=True),
        sa.Column("contributor", sa.String(32), primary_key=True),
        sa.Column("num", sa.BigInteger, nullable=False),
        sa.Column("den", sa.BigInteger, nullable=False),
    )
    op.create_index("tally_contributor", "tally", ["contributor"])
    op.create_table(
        "publication",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("horizon", sa.Date, nullable=False),
    )
    op.create_table(
        "feedback",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("project", sa.String(64), nullable=False, index=True),
        sa.Column("receipt_hash", sa.String(64), nullable=False),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("about", sa.String(16), nullable=False),
        sa.Column("subject", sa.String(160)),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("rating", sa.Integer),
        sa.Column("attachments", sa.Text, nullable=False),
        sa.Column("contact", sa.String(254)),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("assignee", sa.String(64)),
        sa.Column("answer", sa.Text),
        sa.Column("release", sa.String(64)),
        sa.Column("merged_into", sa.Integer),
        sa.UniqueConstraint("receipt_hash", name="feedback_receipt"),
    )
    op.create_table(
        "staff",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("password", sa.String(200), nullable=False),
    )
    op.create_table(
        "session",
        sa.Column("token_hash", sa.String(64), primary_key=True),
        sa.Column("staff", sa.String(64), nullable=False),
        sa.Column("csrf", sa.String(64), nullable=False),
        sa.Column("expires", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_table(
        "release",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("project", sa.String(64), nullable=False, index=True),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
    )
    op.create_table(
        "deletion",
        sa.Column("receipt", sa.String(32), primary_key=True),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("events", sa.Integer, nullable=False),
    )
    op.create_table(
        "audit",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("staff", sa.String(64), nullable=False),
        sa.Column("action", sa.String(64), nullable=False),
        sa.Column("detail", sa.String(200), nullable=False),
    )
    op.execute(_PUBLISHED)
    op.execute(_WITHHELD)


def downgrade() -> None:
    """Remove everything."""
    op.execute("DROP VIEW withheld")
    op.execute("DROP VIEW published")
    for name in (
        "audit", "deletion", "release", "session", "staff", "feedback", "publication", "tally",
        "event", "symbol", "project",
    ):  # fmt: skip
        op.drop_table(name)

"""Figures that stay as they were published, and a rule that looks at every part of them."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# The one place that decides what may be seen, of the weeks before the horizon.
#
# A figure has three sums: its denominator (part 2), its numerator (1), and what is left (0). A sum
# is safe if it is made of at least 5 installs and no install gives more than half of it; a
# denominator also needs 20 events (where installs are counted, an install is the event). Sums of
# safe sums are safe, so only differences can say too much, and these are the ones there are:
#
# - between the sums of one figure: a row is shown only if each of them is safe;
# - between the figures of one event, which share denominators: all figures of one event at one
#   value of a split are one row, shown or hidden together. That no other differences exist between
#   them is checked where the registry is read;
# - between a total and the rows of a split: rows are hidden, smallest first, until what is hidden
#   is safe, sum by sum. `hidden` has these sums over the rows that come before each one;
# - between numbers of installs: they are rounded down to five.
_JUDGED = """
CREATE VIEW judged AS
WITH part AS (
  SELECT project, week, event, metric, split, value, 2 AS part, den AS n FROM tally
  WHERE week < (SELECT MAX(horizon) FROM publication)
  UNION ALL
  SELECT project, week, event, metric, split, value, 1, num FROM tally
  WHERE week < (SELECT MAX(horizon) FROM publication)
  UNION ALL
  SELECT project, week, event, metric, split, value, 0, den - num FROM tally
  WHERE week < (SELECT MAX(horizon) FROM publication)
),
added AS (
  SELECT project, week, CASE WHEN split = '' THEN metric ELSE event END AS family,
         metric, split, value, part,
         CASE WHEN part = 2 AND metric <> 'active' THEN 20 ELSE 5 END AS least,
         SUM(n) AS n, COUNT(*) AS installs, MAX(n) AS top
  FROM part WHERE n > 0
  GROUP BY project, week, event, metric, split, value, part
),
line AS (
  SELECT project, week, family, split, value, MAX(n) AS size,
         MIN(CASE WHEN n >= least AND installs >= 5 AND 2 * top <= n THEN 1 ELSE 0 END) AS ok
  FROM added GROUP BY project, week, family, split, value
),
kind AS (SELECT DISTINCT project, week, family, split, metric, part, least FROM added),
hidden AS (
  SELECT line.*, kind.least,
         MIN(ok) OVER (PARTITION BY project, week, family, split) AS all_ok,
         COALESCE(SUM(added.n) OVER earlier, 0) AS hidden_n,
         COALESCE(SUM(added.top) OVER earlier, 0) AS hidden_top,
         COALESCE(MAX(added.installs) OVER earlier, 0) AS hidden_installs
  FROM line
  JOIN kind USING (project, week, family, split)
  LEFT JOIN added USING (project, week, family, split, value, metric, part)
  WINDOW earlier AS (
    PARTITION BY project, week, family, split, metric, part ORDER BY ok, size, value
    ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
  )
),
verdict AS (
  SELECT project, week, family, split, value, MIN(CASE
      WHEN ok = 0 THEN 0
      WHEN all_ok = 1 OR hidden_n = 0 THEN 1
      WHEN hidden_n >= least AND hidden_installs >= 5 AND 2 * hidden_top <= hidden_n THEN 1
      ELSE 0
    END) AS visible
  FROM hidden GROUP BY project, week, family, split, value
)
SELECT project, week, metric, split, value,
       CAST(CASE WHEN metric = 'active' THEN MAX(installs) / 5 * 5
            ELSE COALESCE(SUM(CASE WHEN part = 1 THEN n END), 0) END AS BIGINT) AS num,
       CAST(CASE WHEN metric = 'active' THEN MAX(installs) / 5 * 5
            ELSE SUM(CASE WHEN part = 2 THEN n END) END AS BIGINT) AS den,
       CAST(MAX(installs) / 5 * 5 AS BIGINT) AS installs,
       MAX(visible) AS visible
FROM added JOIN verdict USING (project, week, family, split, value)
GROUP BY project, week, metric, split, value
"""
_PUBLISHED = """
CREATE VIEW published AS
SELECT project, week, metric, split, value, num, den, installs FROM figure
UNION ALL
SELECT project, week, metric, split, value, num, den, installs FROM judged WHERE visible = 1
"""
_WITHHELD = """
CREATE VIEW withheld AS
SELECT project, week, metric, split, cells FROM silence
UNION ALL
SELECT project, week, metric, split, COUNT(*)
FROM judged WHERE visible = 0 GROUP BY project, week, metric, split
"""


# Which event each metric counted when this was written; a tally says it from here on.
_EVENT_OF = {
    "active": "session.started",
    "acceptance": "completion.ended",
    "survival": "completion.survived",
    "latency": "completion.answered",
    "failures": "completion.answered",
    "api_acceptance": "completion.api_used",
    "api_survival": "completion.api_survived",
    "deprecated_use": "completion.api_used",
    "unanswered": "docs.shown",
    "opened": "docs.opened",
    "gaps": "docs.gap",
    "rating": "docs.rated",
    "rating_reasons": "docs.rated",
    "samples": "sample.inserted",
    "sample_survival": "sample.survived",
    "deprecation_fixes": "deprecation.met",
    "deprecations_seen": "deprecation.met",
    "announcement_mutes": "announcement.met",
    "announcements": "announcement.met",
    "drops": "telemetry.health",
}


def upgrade() -> None:
    """Keep the figures that are visible as they are, and who added what to the other weeks."""
    op.create_table(
        "figure",
        *_cell(),
        sa.Column("value", sa.String(160), primary_key=True),
        sa.Column("num", sa.BigInteger, nullable=False),
        sa.Column("den", sa.BigInteger, nullable=False),
        sa.Column("installs", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "silence",
        *_cell(),
        sa.Column("cells", sa.BigInteger, nullable=False),
    )
    op.execute(
        "INSERT INTO figure"
        " SELECT project, week, metric, split, value, num, den, installs FROM published"
    )
    op.execute("INSERT INTO silence SELECT project, week, metric, split, cells FROM withheld")
    op.execute("DROP VIEW withheld")
    op.execute("DROP VIEW published")
    op.execute(
        "CREATE TABLE open_tally AS SELECT * FROM tally WHERE NOT EXISTS"
        " (SELECT 1 FROM publication WHERE horizon > tally.week)"
    )
    op.drop_table("tally")
    op.create_table(
        "tally",
        *_cell(),
        sa.Column("value", sa.String(160), primary_key=True),
        sa.Column("contributor", sa.String(32), primary_key=True),
        sa.Column("event", sa.String(64), nullable=False),
        sa.Column("num", sa.BigInteger, nullable=False),
        sa.Column("den", sa.BigInteger, nullable=False),
    )
    op.create_index("tally_contributor", "tally", ["contributor"])
    op.create_index("tally_week", "tally", ["week"])
    columns = "project, week, metric, split, value, contributor, num, den"
    for metric, event in _EVENT_OF.items():
        op.execute(
            f"INSERT INTO tally ({columns}, event) SELECT {columns}, '{event}' FROM open_tally"  # noqa: S608 (put together from the names above)
            f" WHERE metric = '{metric}'"
        )
    op.drop_table("open_tally")
    op.execute(_JUDGED)
    op.execute(_PUBLISHED)
    op.execute(_WITHHELD)


def _cell() -> list[sa.Column[Any]]:
    return [
        sa.Column("project", sa.String(64), primary_key=True),
        sa.Column("week", sa.Date, primary_key=True),
        sa.Column("metric", sa.String(32), primary_key=True),
        sa.Column("split", sa.String(32), primary_key=True),
    ]

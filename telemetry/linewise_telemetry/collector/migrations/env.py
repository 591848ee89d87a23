"""Runs migrations on the connection that `linewise_telemetry.collector.database` passes in."""

from __future__ import annotations

from alembic import context

from linewise_telemetry.collector.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()

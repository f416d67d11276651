"""Alembic's entry: runs the migrations on the connection that app.store.migrating hands over."""

from __future__ import annotations

from alembic import context

from app.store.schema import metadata

connection = context.config.attributes.get("connection")
if connection is None:
    raise RuntimeError("run migrations with `outring migrate`, which opens the configured database")
context.configure(connection=connection, target_metadata=metadata, transaction_per_migration=False)
context.run_migrations()

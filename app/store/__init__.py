"""The disk: tables, migrations and named queries, on SQLite or PostgreSQL.

`SqlStore.open(url)` for the program, `SyncStore.open()` for the simulated network; every operation is a plain function
over a `sqlalchemy.Connection`, run by `store.read(function, ...)` or `store.write(function, ...)`.
"""

from __future__ import annotations

from app.store.door import SqlStore, SyncStore
from app.store.engines import DEFAULT_URL
from app.store.errors import Duplicate, NotFound, StoreError
from app.store.migrating import migrate

__all__ = ["DEFAULT_URL", "Duplicate", "NotFound", "SqlStore", "StoreError", "SyncStore", "migrate"]

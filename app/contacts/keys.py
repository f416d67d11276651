"""What tells the contacts of a list apart: their first phone, or a key of their own. A list keeps to one way."""

from __future__ import annotations

from sqlalchemy import Connection, select

from app.store.schema import contacts, imports
from app.units import ListId


def is_keyed_by_phone(conn: Connection, list_id: ListId) -> bool | None:
    """Whether the contacts of a list are told apart by their first phone; None: there are none yet."""
    one = conn.execute(
        select(contacts.c.key, contacts.c.phone1)
        .where(contacts.c.list_id == list_id, contacts.c.deleted_at_ms.is_(None))
        .order_by(contacts.c.id)
        .limit(1)
    ).first()
    if one is None:
        return None
    mapping = conn.execute(
        select(imports.c.mapping).where(imports.c.list_id == list_id).order_by(imports.c.id.desc()).limit(1)
    ).scalar()
    return bool(one.key == one.phone1) if mapping is None else not mapping.get("key", "")

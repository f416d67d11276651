"""Undoing an import of any length, piece by piece, with calls going on between the pieces."""

from __future__ import annotations

from app.store.door import SqlStore
from app.store.errors import InUse
from app.store.undoing import called_of_import, end_import, finish_undoing, get_import, remove_piece


async def undo_import(store: SqlStore, import_id: int, now_ms: int) -> tuple[int, int]:
    """Take out the contacts that an import added; answers how many were, and how many stayed: called meanwhile.

    One that was broken off is taken back like any other. If it goes on after all, in this process or another, its next
    rows are refused (app.contacts.chunks), so that none comes after it was undone.

    Raises NotFound, InUse when one of them has been called already or it was undone before, StoreError: what was taken
    out until then stays out, and undoing again goes on.
    """
    entry = await store.read(get_import, import_id)
    if entry.undone_at_ms is not None:
        raise InUse("this import was undone already")
    if called := await store.read(called_of_import, import_id):
        raise InUse(f"contacts of this import were called already ({called}): it cannot be undone any more")
    if entry.finished_at_ms is None:
        await store.write(end_import, import_id, now_ms)
    removed = kept = after_id = 0
    async with store.long_writing():
        is_last = False
        while not is_last:
            piece = await store.write(remove_piece, import_id, after_id)
            removed, kept = removed + piece.removed, kept + piece.kept
            after_id, is_last = piece.last_contact_id, piece.is_last
    await store.write(finish_undoing, import_id, now_ms)
    return removed, kept

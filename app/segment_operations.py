"""What operators do with segments: keep, count, list, attach to a campaign, have called again; calls go on between."""

from __future__ import annotations

from app.operations import OperationError, Operations
from app.plain_yaml import FileError
from app.store import segments
from app.store.door import SqlStore
from app.store.lists import list_lists
from app.store.segments import SegmentEntry
from app.units import CampaignId, ContactId, ListId


class SegmentOperations:
    """The verbs for segments."""

    def __init__(self, *, operations: Operations, store: SqlStore) -> None:
        self._operations = operations
        self._store = store

    async def save(self, name: str, source: str) -> SegmentEntry:
        """Keep a segment. Raises OperationError with line and mend, NotFound for its campaign."""
        try:
            return await self._store.write(
                segments.save_segment, name=name, source=source, now_ms=self._operations.now_ms
            )
        except FileError as error:
            raise OperationError(str(error)) from error

    async def count(
        self, name: str, *, list_id: ListId | None = None, campaign_id: CampaignId | None = None
    ) -> tuple[int, int]:
        """How many contacts of a list, a campaign or in all it means, and of how many. Raises NotFound."""
        found = (await self._store.read(segments.get_segment, name)).segment
        met, seen, after_id = 0, 0, 0
        while True:
            piece = await self._store.read(
                segments.segment_piece, found, after_id, self._operations.now_ms, list_id=list_id,
                campaign_id=campaign_id,
            )  # fmt: skip
            met, seen = met + len(piece.met), seen + piece.seen
            if piece.after_id is None:
                return met, seen
            after_id = piece.after_id

    async def page(
        self, name: str, *, list_id: ListId | None, campaign_id: CampaignId | None, after_id: int, limit: int
    ) -> tuple[list[ContactId], int | None]:
        """Contacts it means, after a contact; and where to go on, None at the end. Raises NotFound."""
        found = (await self._store.read(segments.get_segment, name)).segment
        met: list[ContactId] = []
        while True:
            piece = await self._store.read(
                segments.segment_piece, found, after_id, self._operations.now_ms, list_id=list_id,
                campaign_id=campaign_id,
            )  # fmt: skip
            met += piece.met
            if len(met) > limit:
                return met[:limit], met[limit - 1]
            if piece.after_id is None:
                return met, None
            after_id = piece.after_id

    async def attach(self, name: str, campaign_id: CampaignId, list_id: ListId | None = None) -> int:
        """Attach whom it means, of a list or of all lists; answers how many are new to it. Raises NotFound."""
        found = (await self._store.read(segments.get_segment, name)).segment
        chosen = [one.id for one in await self._store.read(list_lists)] if list_id is None else [list_id]
        added = 0
        for one in chosen:
            after_id: int | None = 0
            while after_id is not None:
                piece, new = await self._store.write(
                    segments.attach_segment_piece, found, campaign_id, one, after_id, self._operations.now_ms
                )
                added, after_id = added + new, piece.after_id
        self._operations.contacts_added([campaign_id])
        return added

    async def requeue(self, name: str, campaign_id: CampaignId) -> int:
        """Have those of a campaign called again whom it means and who are done; answers how many. Raises NotFound."""
        found = (await self._store.read(segments.get_segment, name)).segment
        returned, after_id = 0, 0
        while True:
            piece, back = await self._store.write(
                segments.requeue_segment_piece, found, campaign_id, after_id, self._operations.now_ms
            )
            returned += back
            if piece.after_id is None:
                break
            after_id = piece.after_id
        self._operations.contacts_added([campaign_id])
        return returned

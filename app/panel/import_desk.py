"""Files being imported by people: kept for a while, looked at, loaded in the background, and told about."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from app.contacts.importing import Preview, import_list, preview
from app.contacts.problems import SheetProblem
from app.contacts.reading import ImportOptions
from app.contacts.report import ImportProgress, ImportReport
from app.store.door import SqlStore
from app.store.errors import StoreError
from app.units import DAY_MS, CampaignId

KEPT_MS: Final = DAY_MS
MAX_KEPT: Final = 50
REJECTED: Final = "rejected.csv"


@dataclass(slots=True, kw_only=True)
class Parcel:
    """One file on its way into a list. folder: its own; report, trouble: how it ended."""

    key: str
    folder: Path
    path: Path
    owner_id: int
    list_name: str
    country: str
    at_ms: int
    progress: ImportProgress | None = None
    report: ImportReport | None = None
    trouble: str = ""
    work: asyncio.Task[None] | None = field(default=None, repr=False)

    @property
    def is_running(self) -> bool:
        """Whether it is being loaded now."""
        return self.work is not None and not self.work.done()

    @property
    def rejected(self) -> Path | None:
        """The rows that were not taken, with their reasons; None: all were."""
        path = self.folder / REJECTED
        return path if path.is_file() else None


class ImportDesk:
    """Keeps the files and does the imports; one at a time for each file."""

    def __init__(
        self,
        store: SqlStore,
        folder: Path,
        now_ms: Callable[[], int],
        on_contacts_added: Callable[[CampaignId, int], None],
    ) -> None:
        self._store = store
        self._folder = folder
        self._now_ms = now_ms
        self._on_contacts_added = on_contacts_added
        self._parcels: dict[str, Parcel] = {}

    def room(self) -> Path:
        """A folder for a file that is about to come. Old files go."""
        self._sweep()
        place = self._folder / secrets.token_urlsafe(12)
        place.mkdir(parents=True, mode=0o700)
        return place

    def keep(self, path: Path, owner_id: int, list_name: str, country: str) -> Parcel:
        """A file that came, in its folder."""
        parcel = Parcel(
            key=path.parent.name, folder=path.parent, path=path, owner_id=owner_id, list_name=list_name,
            country=country, at_ms=self._now_ms(),
        )  # fmt: skip
        self._parcels[parcel.key] = parcel
        return parcel

    def find(self, key: str) -> Parcel | None:
        """A file that is still kept."""
        return self._parcels.get(key)

    async def look(self, parcel: Parcel, options: ImportOptions) -> Preview:
        """What an import would make of it. Raises SheetProblem, ValueError."""
        return await asyncio.to_thread(preview, parcel.path, parcel.country, options)

    def begin(self, parcel: Parcel, options: ImportOptions) -> None:
        """Load it in the background; harmless while it is being loaded."""
        if not parcel.is_running:
            parcel.report, parcel.trouble, parcel.progress = None, "", None
            parcel.work = asyncio.create_task(self._load(parcel, options), name=f"import {parcel.key}")

    async def _load(self, parcel: Parcel, options: ImportOptions) -> None:
        def tell(progress: ImportProgress) -> None:
            parcel.progress = progress

        try:
            parcel.report = await import_list(
                self._store,
                parcel.path,
                parcel.list_name,
                parcel.country,
                options,
                on_progress=tell,
                on_contacts_added=self._on_contacts_added,
            )
        except (SheetProblem, ValueError, StoreError) as error:
            parcel.trouble = str(error)

    def drop(self, parcel: Parcel) -> None:
        """Forget a file."""
        self._parcels.pop(parcel.key, None)
        shutil.rmtree(parcel.folder, ignore_errors=True)

    def _sweep(self) -> None:
        old = sorted(self._parcels.values(), key=lambda one: one.at_ms)
        for at, parcel in enumerate(old):
            is_old = self._now_ms() - parcel.at_ms > KEPT_MS or at < len(old) - MAX_KEPT
            if is_old and not parcel.is_running:
                self.drop(parcel)

    async def close(self) -> None:
        """Stop what is being loaded (doing it again finishes it) and forget all files."""
        for parcel in list(self._parcels.values()):
            if parcel.work is not None:
                parcel.work.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await parcel.work
            self.drop(parcel)

"""A folder that is watched: files dropped into it become contacts, and lie in done/ or failed/ with a report after.

Beside the files lies `import.toml`, which says into which list they go and how they are read. A file is taken once it
has not changed for a while, so that one still being written is left alone. Killed half-way, its import is done again at
the next start, and the rows that are in are duplicates then.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import structlog
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy import Connection, select

from app.contacts.importing import OnContactsAdded, import_list
from app.contacts.mapping import ROLES
from app.contacts.numbers import country
from app.contacts.problems import Limits, SheetProblem
from app.contacts.reading import ImportOptions
from app.contacts.sheets import open_sheet
from app.store import SqlStore, StoreError
from app.store.audit import record
from app.store.lists import list_by_name
from app.store.schema import imports

log = structlog.get_logger()

SETTINGS: Final = "import.toml"
PROBLEM: Final = "import.problem.txt"
DONE, FAILED = "done", "failed"
WHO: Final = "watched folder"
SUFFIXES: Final = frozenset({".csv", ".tsv", ".txt", ".xlsx", ".xlsm", ".xlsb", ".xls", ".ods"})
LOOK_S: Final = 2.0
SETTLED_S: Final = 5.0
"""A file that has not changed for so long is whole. Who writes more slowly writes under another name and renames."""
_AGAIN_S: Final = 30.0
EXAMPLE: Final = 'list = "Customers"\ncountry = "GB"'


class FolderSettings(BaseModel):
    """What `import.toml` says: the list, how its files are read, and which column is what over the guess."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    list: str = Field(min_length=1, max_length=128)
    country: str = Field(min_length=2, max_length=2)
    duplicates: Literal["skip", "update"] = "skip"
    key: str = ""
    encoding: str | None = None
    sheet: str = ""
    header: bool | None = None
    mapping: dict[str, str] = Field(default_factory=dict)

    def options(self, rejected_to: Path) -> ImportOptions:
        """As the importer takes it."""
        return ImportOptions(
            mapping=self.mapping,
            duplicates=self.duplicates,
            key_column=self.key,
            has_header=self.header,
            encoding=self.encoding,
            sheet=self.sheet,
            rejected_to=rejected_to,
        )


class FolderProblem(Exception):
    """A folder cannot be used as it is; its files are left where they are. The message says why, and the mend."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """How a file was when it was looked at, and since when it has been so."""

    size: int
    changed_ns: int
    since_s: float


def read_settings(folder: Path) -> FolderSettings:
    """The folder's `import.toml`. Raises FolderProblem."""
    path = folder / SETTINGS
    try:
        found = FolderSettings.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
        country(found.country)
    except FileNotFoundError:
        raise FolderProblem(f"there is no {SETTINGS} in {folder.name}/; write one, such as:\n{EXAMPLE}") from None
    except ValidationError as error:
        told = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        raise FolderProblem(f"{SETTINGS}: {told}; a whole one is:\n{EXAMPLE}") from None
    except (OSError, ValueError) as error:
        raise FolderProblem(f"{SETTINGS}: {error}") from None
    if unknown := [role for role in found.mapping if role not in (*ROLES, "phone")]:
        raise FolderProblem(f"{SETTINGS}, mapping: there is no role {unknown[0]!r}; choose of {', '.join(ROLES)}")
    return found


class WatchedFolder:
    """Watches one folder, and the folders right in it, each with settings of its own."""

    def __init__(
        self,
        store: SqlStore,
        folder: Path,
        *,
        on_contacts_added: OnContactsAdded,
        now_ms: Callable[[], int],
        monotonic_s: Callable[[], float],
        settled_s: float = SETTLED_S,
    ) -> None:
        self._store = store
        self._folder = folder
        self._on_contacts_added = on_contacts_added
        self._now_ms = now_ms
        self._monotonic_s = monotonic_s
        self._settled_s = settled_s
        self._seen: dict[Path, _Look] = {}
        self._not_before_s: dict[Path, float] = {}

    async def run(self) -> None:
        """Look again and again, until cancelled. What goes wrong is told beside the files and in the log."""
        while True:
            try:
                await self.look()
            except (OSError, StoreError) as error:
                log.warning("watched folder", folder=str(self._folder), error=str(error))
            await asyncio.sleep(LOOK_S)

    async def look(self) -> int:
        """Take the files that are whole by now; answers how many were dealt with."""
        dealt_with = 0
        for folder in await asyncio.to_thread(self._folders):
            files = await asyncio.to_thread(self._whole_files, folder)
            if not files:
                continue
            try:
                settings = await asyncio.to_thread(read_settings, folder)
                await asyncio.to_thread(_make_places, folder)
            except FolderProblem as problem:
                await asyncio.to_thread(_tell_problem, folder, str(problem))
                continue
            await asyncio.to_thread(_tell_problem, folder, "")
            for path in files:
                dealt_with += await self._take(path, settings)
        return dealt_with

    # --- which files -------------------------------------------------------------------------------------------------

    def _folders(self) -> list[Path]:
        self._folder.mkdir(parents=True, exist_ok=True)
        inner = [one for one in sorted(self._folder.iterdir()) if one.is_dir() and not one.is_symlink()]
        return [self._folder, *(one for one in inner if one.name not in (DONE, FAILED) and one.name[:1] != ".")]

    def _whole_files(self, folder: Path) -> list[Path]:
        """Files that have not changed since they were first seen so, long enough ago; the oldest first."""
        now_s = self._monotonic_s()
        whole: list[Path] = []
        found = [one for one in folder.iterdir() if _is_list(one)]
        for path in sorted(found, key=lambda one: (one.stat().st_mtime_ns, one.name)):
            facts = path.stat()
            before = self._seen.get(path)
            if before is None or (before.size, before.changed_ns) != (facts.st_size, facts.st_mtime_ns):
                self._seen[path] = _Look(size=facts.st_size, changed_ns=facts.st_mtime_ns, since_s=now_s)
            elif now_s - before.since_s >= self._settled_s and self._not_before_s.get(path, now_s) <= now_s:
                whole.append(path)
        gone = [path for path in self._seen if path.parent == folder and path not in found]
        for path in gone:
            del self._seen[path]
            self._not_before_s.pop(path, None)
        return whole

    # --- one file ----------------------------------------------------------------------------------------------------

    async def _take(self, path: Path, settings: FolderSettings) -> int:
        rejected = path.with_name(f"{path.name}.rejected.csv.part")
        try:
            report = await self._loaded(path, settings, rejected)
        except (SheetProblem, ValueError) as error:
            await asyncio.to_thread(_put_away, path, FAILED, {"result": "failed", "why": str(error)}, rejected)
            log.warning("watched folder: a file was not loaded", file=path.name, why=str(error))
            return 1
        except (StoreError, OSError) as error:  # not the file's fault: it stays
            self._not_before_s[path] = self._monotonic_s() + _AGAIN_S
            log.warning("watched folder: a file waits", file=path.name, why=str(error))
            return 0
        await asyncio.to_thread(_put_away, path, DONE, report, rejected)
        log.info("watched folder: a file was loaded", file=path.name, result=report["result"])
        return 1

    async def _loaded(self, path: Path, settings: FolderSettings, rejected: Path) -> dict[str, Any]:
        same = await self._same_as(path, settings)
        if same is not None:
            return {"result": "duplicate", "why": f"the same file as {same}: nothing was loaded again"}
        options = settings.options(rejected)
        report = await import_list(
            self._store,
            path,
            settings.list,
            settings.country,
            options,
            on_contacts_added=self._on_contacts_added,
            now_ms=self._now_ms,
        )
        told = {"result": "imported", **report.to_json()}
        counts = {name: str(told[name]) for name in ("imported", "duplicates", "rejected")}
        await self._store.write(
            record,
            who=WHO,
            what="imported",
            subject=f"list {report.list_id}",
            details={"file": path.name} | counts,
            at_ms=self._now_ms(),
        )
        return told

    async def _same_as(self, path: Path, settings: FolderSettings) -> str | None:
        """The list's last import in words, if it was of this very file; None: it was of another."""

        def digest() -> str:
            opened = open_sheet(path, limits=Limits(), encoding=settings.encoding, sheet=settings.sheet)
            with opened as sheet:
                return sheet.facts.sha256

        return await self._store.read(_last_if_same, settings.list.strip(), await asyncio.to_thread(digest))


def _last_if_same(conn: Connection, list_name: str, sha256: str) -> str | None:
    found = list_by_name(conn, list_name)
    if found is None:
        return None
    last = select(imports).where(imports.c.list_id == found.id).order_by(imports.c.id.desc()).limit(1)
    row = conn.execute(last).first()
    if row is None or row.sha256 != sha256 or row.finished_at_ms is None or row.undone_at_ms is not None:
        return None
    at = dt.datetime.fromtimestamp(row.finished_at_ms / 1_000, tz=dt.UTC)
    return f"{row.file_name}, imported {at:%Y-%m-%d %H:%M} UTC"


def _is_list(path: Path) -> bool:
    is_ours = path.name.endswith((".rejected.csv", PROBLEM)) or path.name.startswith((".", "~$", "_"))
    return path.suffix.lower() in SUFFIXES and not is_ours and path.is_file() and not path.is_symlink()


def _make_places(folder: Path) -> None:
    """Raises FolderProblem where a file could not be put away afterwards: it would be loaded again for ever."""
    for name in (DONE, FAILED):
        place = folder / name
        try:
            place.mkdir(exist_ok=True)
            probe = place / ".outring"
            probe.touch()
            probe.unlink()
        except OSError as error:
            raise FolderProblem(f"files cannot be put into {folder.name}/{name} ({error.strerror})") from None


def _tell_problem(folder: Path, problem: str) -> None:
    """What is wrong with the folder, in a file beside its files; nothing: all is well."""
    path = folder / PROBLEM
    before = path.read_text(encoding="utf-8") if path.is_file() else ""
    text = problem and problem + "\n"
    if text == before:
        return
    if problem:
        log.warning("watched folder: its files wait", folder=str(folder), why=problem)
        path.write_text(text, encoding="utf-8")
    else:
        path.unlink(missing_ok=True)


def _put_away(path: Path, where: str, report: dict[str, Any], rejected: Path) -> None:
    """Move a file with its report and rejected rows; a name that is taken gets a number."""
    place = path.parent / where
    name, count = path.name, 1
    while (place / name).exists():
        count += 1
        name = f"{path.stem}-{count}{path.suffix}"
    if rejected.is_file():
        rejected.replace(place / f"{name}.rejected.csv")
    text = json.dumps({"file": path.name, **report}, ensure_ascii=False, indent=2)
    (place / f"{name}.report.json").write_text(text + "\n", encoding="utf-8")
    path.replace(place / name)

"""A chunk of an import in one transaction: contacts, problems, counts and the campaigns that have the list.

What makes a contact the same one again is the unique index over (list, key), so that memory does not grow with the
list, and an import that was killed is finished by doing it again. A chunk is inserted by one statement over one JSON
text: the database works through it in native code while Python goes on, so that an import does not hold up calls.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from operator import itemgetter
from typing import Any

import msgspec
from sqlalchemy import (
    JSON,
    BigInteger,
    Connection,
    Select,
    Text,
    TextClause,
    bindparam,
    cast,
    func,
    insert,
    select,
    text,
    update,
)

from app.contacts.contact_rows import ContactRow
from app.contacts.keys import is_keyed_by_phone
from app.contacts.problems import RowProblem, SheetProblem, shown
from app.contacts.report import Counts
from app.model import CampaignStatus
from app.store.attaching import attach_new_contacts
from app.store.lists import create_list, grow_list, list_by_name, type_columns
from app.store.owners import give_again, has_owning
from app.store.schema import campaigns, contacts, import_problems, imports
from app.store.sql import execute
from app.store.undoing import columns_mark
from app.units import CampaignId, ContactId, ListId

_PLACE = {name: at for at, name in enumerate(ContactRow._fields)}
_WHOLE_NUMBERS = ("source_line", "priority")
_NOT_COMPARED = ("key", "fields", "source_line")


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """An import that has its place. last_contact_id: the newest contact of all lists before it."""

    import_id: int
    list_id: ListId
    last_contact_id: int
    is_dialing: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """Rows read and not yet written.

    rejected, repeats: rows not taken, and rows left out because an earlier one has their key. written: the columns of
    the table that the rows fill. done: bytes or rows of the file.
    """

    rows: list[ContactRow]
    written: tuple[str, ...]
    problems: list[RowProblem]
    rejected: int
    repeats: int
    kept_invalid: int
    done: int

    @property
    def row_count(self) -> int:
        """All rows, those not taken too."""
        return len(self.rows) + self.rejected + self.repeats


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What became of a chunk. is_dialing: a campaign is running, whose calls wait while a chunk is written."""

    counts: Counts
    problems: tuple[RowProblem, ...]
    campaigns: Mapping[CampaignId, int]
    is_dialing: bool


def begin_import(
    conn: Connection,
    *,
    list_name: str,
    country: str,
    columns: Sequence[str],
    file: str,
    sha256: str,
    mapping: Mapping[str, str],
    now_ms: int,
    column_types: Mapping[str, str] | None = None,
) -> Begun:
    """Note an import, and make its list where there is none. Raises SheetProblem when the list has other keys."""
    found = list_by_name(conn, list_name) or create_list(conn, name=list_name, country=country, now_ms=now_ms)
    if found.contacts:
        _refuse_other_keys(conn, found.id, file, mapping.get("key", ""))
    all_columns = list(dict.fromkeys((*found.columns, *columns)))
    grow_list(conn, found.id, 0, all_columns)
    type_columns(conn, found.id, {name: kind for name, kind in (column_types or {}).items() if name in columns})
    new = {
        "list_id": found.id,
        "file_name": file[-255:],
        "sha256": sha256,
        "header": columns_mark(columns),
        "mapping": dict(mapping),
        "counts": asdict(Counts()),
        "started_at_ms": now_ms,
    }
    import_id = conn.execute(insert(imports).values(new).returning(imports.c.id)).scalar_one()
    last_id, is_dialing = _last_contact_id(conn), _is_dialing(conn)
    return Begun(import_id=import_id, list_id=found.id, last_contact_id=last_id, is_dialing=is_dialing)


def write_chunk(
    conn: Connection, begun: Begun, chunk: Chunk, *, with_updates: bool, before: Counts, room: int, now_ms: int
) -> Written:
    """Write a chunk. before: the counts so far; room: how many more problems may be remembered.

    Raises SheetProblem when somebody undid the import meanwhile.
    """
    _refuse_if_undone(conn, begun.import_id)
    changed, known, rows = (
        _update(conn, begun.list_id, chunk.rows, chunk.written, now_ms) if with_updates else (0, 0, chunk.rows)
    )
    added = (begun.list_id, rows, chunk.written, now_ms, begun.import_id)
    inserted, first_id, last_id = insert_rows(conn, *added) if rows else (0, 0, 0)
    problems = list(chunk.problems)
    if inserted < len(rows):
        problems += _repeats(conn, begun, rows, first_id)
    joined: Mapping[CampaignId, int] = {}
    do_not_call = 0
    if inserted:
        grow_list(conn, begun.list_id, inserted)
        joined = attach_new_contacts(conn, begun.list_id, first_id, last_id)
        do_not_call = _do_not_call(conn, begun.list_id, first_id, last_id)
    duplicates = known + len(rows) - inserted + chunk.repeats
    counts = Counts(
        rows=chunk.row_count,
        imported=inserted,
        duplicates=duplicates,
        updated=changed,
        unchanged=duplicates - changed,
        rejected=chunk.rejected,
        do_not_call=do_not_call,
        kept_invalid=chunk.kept_invalid,
    )
    problems.sort(key=lambda problem: problem.line)
    _keep_problems(conn, begun.import_id, problems[:room])
    _set_counts(conn, begun.import_id, before + counts)
    return Written(counts=counts, problems=tuple(problems), campaigns=joined, is_dialing=_is_dialing(conn))


def finish_import(conn: Connection, import_id: int, counts: Counts, now_ms: int) -> None:
    """Note that an import came to its end. Raises SheetProblem when somebody undid it meanwhile."""
    _refuse_if_undone(conn, import_id)
    _set_counts(conn, import_id, counts, now_ms)


def import_problems_page(
    conn: Connection, import_id: int, *, after_id: int = 0, limit: int = 100
) -> list[tuple[int, RowProblem]]:
    """Problems an import remembers, in the order of its file: (id, problem), after the id `after_id`."""
    found = select(import_problems).where(import_problems.c.import_id == import_id, import_problems.c.id > after_id)
    return [
        (row.id, RowProblem(line=row.line, column=row.column, what=row.what, why=row.why, mend=row.mend))
        for row in conn.execute(found.order_by(import_problems.c.id).limit(limit))
    ]


def _refuse_other_keys(conn: Connection, list_id: ListId, file: str, key: str) -> None:
    earlier = select(imports.c.mapping).where(imports.c.list_id == list_id, imports.c.undone_at_ms.is_(None))
    mapping = conn.execute(earlier.order_by(imports.c.id.desc()).limit(1)).scalar()
    if mapping is None:  # all of it came from a program
        if is_keyed_by_phone(conn, list_id) in (None, not key):
            return
        before, now = ("a key", "the phone") if not key else ("the phone", f"the column {key}")
    elif mapping.get("key", "").casefold() == key.casefold():
        return
    else:
        before, now = (f"the column {name}" if name else "the phone" for name in (mapping.get("key", ""), key))
    raise SheetProblem(
        file=file,
        why=f"the contacts of this list are told apart by {before}, not by {now}: all would be there twice",
        mend=f"import with {before} as the key, or into a list of another name",
    )


def _refuse_if_undone(conn: Connection, import_id: int) -> None:
    """The row is locked until the chunk is written: whoever undoes the import finds all of the chunk, or none."""
    row = conn.execute(select(imports).where(imports.c.id == import_id).with_for_update()).one()
    if row.finished_at_ms is not None:
        raise SheetProblem(
            file=row.file_name,
            why="somebody undid this import while it was going on",
            mend="import the file again if it is wanted after all",
        )


def _is_dialing(conn: Connection) -> bool:
    running = select(campaigns.c.id).where(campaigns.c.status == CampaignStatus.RUNNING.value).limit(1)
    return conn.execute(running).first() is not None


def _last_contact_id(conn: Connection) -> int:
    return int(conn.execute(select(func.coalesce(func.max(contacts.c.id), 0))).scalar_one())


def insert_rows(
    conn: Connection,
    list_id: ListId,
    rows: Sequence[ContactRow],
    written: Sequence[str],
    now_ms: int,
    import_id: int | None = None,
) -> tuple[int, int, int]:
    """Insert what is not there yet: how many, and the first and last id."""
    before = _last_contact_id(conn)
    pick = itemgetter(*(_PLACE[name] for name in written))  # the rest of a row is empty: it need not be told
    parameters = {
        "rows_json": msgspec.json.encode([pick(row) for row in rows]).decode(),
        "list_id": list_id,
        "import_id": import_id,
        "now_ms": now_ms,
    }
    result = conn.execute(_insertion(conn.dialect.name, tuple(written)), parameters)
    if conn.dialect.name == "sqlite":
        # The transaction has the write lock, so that all ids from here on are of these rows.
        after = _last_contact_id(conn)
        return after - before, before + 1, after
    found = result.scalars().all()
    return (len(found), min(found), max(found)) if found else (0, 0, 0)


@lru_cache(maxsize=64)
def _insertion(dialect: str, written: tuple[str, ...]) -> TextClause:
    """The statement for rows as JSON arrays of what is written. Rows that are there already are left alone."""
    operator = {name: "->" if name == "fields" else "->>" for name in written}
    if dialect == "sqlite":
        picked = ", ".join(f"value {operator[name]} {place}" for place, name in enumerate(written))
        source, returning = "json_each(:rows_json) WHERE TRUE", ""
    else:
        picked = ", ".join(
            f"CAST(value {operator[name]} {place} AS integer)"
            if name in _WHOLE_NUMBERS
            else f"value {operator[name]} {place}"
            for place, name in enumerate(written)
        )
        source = "json_array_elements(CAST(:rows_json AS json)) WITH ORDINALITY AS given(value, place) ORDER BY place"
        returning = " RETURNING id"
    statement = text(
        f"INSERT INTO contacts ({', '.join(written)}, list_id, import_id, created_at_ms, updated_at_ms)"  # nosec B608
        f" SELECT {picked}, :list_id, :import_id, :now_ms, :now_ms FROM {source}"
        f" ON CONFLICT (list_id, key) DO NOTHING{returning}"
    )
    numbers = (bindparam(name, type_=BigInteger()) for name in ("list_id", "import_id", "now_ms"))
    return statement.bindparams(*numbers)


def _repeats(conn: Connection, begun: Begun, rows: Sequence[ContactRow], first_id: int) -> list[RowProblem]:
    """The rows that repeat an earlier row of the same file, told with that row's line."""
    line_of: dict[str, int] = {}
    if first_id > begun.last_contact_id + 1:
        line_of |= _lines(conn, begun.list_id, [row.key for row in rows], begun.last_contact_id, first_id)
    counts = Counter(row.key for row in rows)
    line_of |= _lines(conn, begun.list_id, [key for key, count in counts.items() if count > 1], first_id - 1)
    return [repeated(row, line_of[row.key]) for row in rows if line_of.get(row.key, row.source_line) != row.source_line]


def _lines(
    conn: Connection, list_id: ListId, keys: Sequence[str], after_id: int, before_id: int | None = None
) -> dict[str, int]:
    """The lines that contacts with these keys came from, of those written between two ids."""
    if not keys:
        return {}
    found = select(contacts.c.key, contacts.c.source_line).where(
        contacts.c.list_id == list_id, contacts.c.key.in_(keys_in(conn)), contacts.c.id > after_id
    )
    if before_id is not None:
        found = found.where(contacts.c.id < before_id)
    return {row.key: row.source_line for row in conn.execute(found, {"keys_json": keys_json(keys)})}


def repeated(row: ContactRow, line: int) -> RowProblem:
    """The note that a row is the contact of an earlier one."""
    return RowProblem(
        line=row.source_line,
        column="",
        what=shown(row.key),
        why=f"the same contact as in line {line}",
        mend="leave one of the two out, or name a column that tells them apart as the key",
    )


def _update(
    conn: Connection, list_id: ListId, rows: Sequence[ContactRow], written: Sequence[str], now_ms: int
) -> tuple[int, int, list[ContactRow]]:
    """Bring contacts that are there up to date: how many changed, how many are there, and the rows that are new.

    What the sheet has no column for stays as it is.
    """
    same = [name for name in written if name not in _NOT_COMPARED]
    found = select(contacts).where(contacts.c.list_id == list_id, contacts.c.key.in_(keys_in(conn)))
    there = {row.key: row._mapping for row in conn.execute(found, {"keys_json": keys_json([row.key for row in rows])})}
    changes: list[dict[str, Any]] = []
    for row in rows:
        old = there.get(row.key)
        if old is None:
            continue
        fields = {**old["fields"], **row.fields}
        if fields != old["fields"] or any(getattr(row, name) != old[name] for name in same):
            new = {name: getattr(row, name) for name in same}
            changes.append(
                {"at": old["id"], "fields": fields, "source_line": row.source_line, "updated_at_ms": now_ms, **new}
            )
    if changes:
        names = ("fields", "source_line", "updated_at_ms", *same)
        statement = update(contacts).where(contacts.c.id == bindparam("at"))
        conn.execute(statement.values({name: bindparam(name) for name in names}), changes)
        if has_owning(conn, list_id):
            for change in changes:
                give_again(conn, ContactId(change["at"]))
    fresh = [row for row in rows if row.key not in there]
    return len(changes), len(rows) - len(fresh), fresh


def keys_in(conn: Connection) -> Select[tuple[str]]:
    """The keys in the parameter `keys_json`, as rows: a chunk of them is one parameter."""
    if conn.dialect.name == "sqlite":
        return select(func.json_each(bindparam("keys_json", type_=Text())).table_valued("value").c.value)
    given = func.json_array_elements_text(cast(bindparam("keys_json", type_=Text()), JSON))
    return select(given.table_valued("value").c.value)


def keys_json(keys: Sequence[str]) -> str:
    return msgspec.json.encode(keys).decode()


def _do_not_call(conn: Connection, list_id: ListId, first_id: int, last_id: int) -> int:
    asked = {"list_id": list_id, "first_id": first_id, "last_id": last_id}
    return int(execute(conn, "count_barred", asked).scalar_one())


def _keep_problems(conn: Connection, import_id: int, problems: Iterable[RowProblem]) -> None:
    kept = [{"import_id": import_id, **asdict(problem)} for problem in problems]
    if kept:
        conn.execute(insert(import_problems), [one | {"column": one["column"][:128]} for one in kept])


def _set_counts(conn: Connection, import_id: int, counts: Counts, finished_at_ms: int | None = None) -> None:
    values: dict[str, Any] = {"counts": asdict(counts)}
    if finished_at_ms is not None:
        values["finished_at_ms"] = finished_at_ms
    conn.execute(update(imports).where(imports.c.id == import_id).values(values))

"""Somebody's own database, reached by SQLAlchemy: one table or view of it, read in keyset pages and written row by row.

All of it blocks: call it in a thread. What goes wrong is a SourceProblem in words; a password is in none of them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal, InvalidOperation
from typing import Any, Final, Self

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Date,
    DateTime,
    Engine,
    Integer,
    MetaData,
    Numeric,
    Table,
    create_engine,
    func,
    select,
    update,
)
from sqlalchemy.engine import make_url
from sqlalchemy.engine.url import URL
from sqlalchemy.exc import (
    ArgumentError,
    InterfaceError,
    NoSuchModuleError,
    NoSuchTableError,
    OperationalError,
    SQLAlchemyError,
)
from sqlalchemy.pool import NullPool

from app.contacts.column_types import date_of

PAGE: Final = 5_000
CONNECT_S: Final = 10
_BLOCKING: Final = {
    "postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg", "postgresql+asyncpg": "postgresql+psycopg",
    "mysql": "mysql+pymysql", "mysql+aiomysql": "mysql+pymysql", "mysql+asyncmy": "mysql+pymysql",
    "mariadb": "mariadb+pymysql", "sqlite+aiosqlite": "sqlite",
}  # fmt: skip
_PATIENCE: Final[Mapping[str, Mapping[str, Any]]] = {
    "psycopg": {"connect_timeout": CONNECT_S},
    "pymysql": {"connect_timeout": CONNECT_S, "read_timeout": 60, "write_timeout": 60},
    "pysqlite": {"timeout": CONNECT_S},
}


class SourceProblem(Exception):
    """The database cannot be used; the message says why, and the mend. is_outage: it cannot be reached just now."""

    def __init__(self, why: str, *, is_outage: bool = False) -> None:
        super().__init__(why)
        self.is_outage = is_outage


def source_url(text: str) -> URL:
    """An address as SQLAlchemy takes it, with a driver that blocks. Raises SourceProblem, which has nothing of it."""
    try:
        url = make_url(text)
    except ArgumentError:
        raise SourceProblem(
            "its address in the settings is none; write it as in postgresql://user:password@127.0.0.1/crm"
        ) from None
    return url.set(drivername=_BLOCKING.get(url.drivername, url.drivername))


def text_of(value: object) -> str:
    """A value as a person would write it."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case Decimal():
            return format(value.normalize(), "f") if value else "0"
        case float():
            return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
        case dt.datetime():
            is_day = not (value.hour or value.minute or value.second or value.microsecond)
            return value.date().isoformat() if is_day else value.isoformat(sep=" ")
        case bytes():
            return value.decode("utf-8", errors="replace")
        case _:
            return str(value)


class SourceDatabase:
    """One table or view. Use it as a context."""

    def __init__(self, address: str, relation: str, key: str) -> None:
        """Connect and look at the table. Raises SourceProblem."""
        url = source_url(address)
        self._secret: Final = url.password or ""
        self._engine = self._made(url)
        try:
            with self._told():
                schema, _, name = relation.rpartition(".")
                self.table: Final = Table(name, MetaData(), schema=schema or None, autoload_with=self._engine)
        except SourceProblem:
            self.close()
            raise
        self.columns: Final = tuple(str(column.name) for column in self.table.columns)
        if key not in self.columns:
            self.close()
            raise SourceProblem(f"{relation} has no column {key!r}; choose of {', '.join(self.columns[:30])}")
        self.relation: Final = relation
        self.key: Final = key

    def _made(self, url: URL) -> Engine:
        try:
            driver = url.get_dialect()().driver
            return create_engine(
                url, poolclass=NullPool, connect_args=dict(_PATIENCE.get(driver, {})), hide_parameters=True
            )
        except NoSuchModuleError:
            raise SourceProblem(
                f"SQLAlchemy has no dialect {url.drivername!r}; check the address's beginning"
            ) from None
        except ImportError as error:
            raise SourceProblem(f"its driver is not installed ({error.name}); pip install it beside Outring") from None

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except NoSuchTableError as error:
            raise SourceProblem(f"there is no table or view {error}, or nothing of it may be seen") from None
        except (OperationalError, InterfaceError) as error:
            raise SourceProblem(self._words(error), is_outage=_is_outage(error)) from None
        except (SQLAlchemyError, OSError) as error:
            raise SourceProblem(self._words(error)) from None

    def _words(self, error: Exception) -> str:
        words = " ".join(str(getattr(error, "orig", None) or error).split())[:500]
        return words.replace(self._secret, "***") if self._secret else words

    # --- reading -----------------------------------------------------------------------------------------------------

    def check_keys(self) -> None:
        """Raises SourceProblem where a key is there twice: of two such rows only one would be a contact."""
        column = self.table.c[self.key]
        twice = select(column).where(column.is_not(None)).group_by(column).having(func.count() > 1).limit(1)
        with self._told(), self._engine.connect() as conn:
            found = conn.execute(twice).first()
        if found is not None:
            raise SourceProblem(
                f"the key {self.key} is there twice in {self.relation}: {text_of(found[0])!r}; choose a column that "
                "tells rows apart"
            )

    def pages(self, size: int = PAGE) -> Iterator[list[Sequence[Any]]]:
        """All rows in the order of their key, page by page, each with a connection of its own. Raises SourceProblem."""
        column = self.table.c[self.key]
        at = self.columns.index(self.key)
        last: Any = None
        while True:
            found = select(self.table).where(column.is_not(None)).order_by(column).limit(size)
            if last is not None:
                found = found.where(column > last)
            with self._told(), self._engine.connect() as conn:
                rows: list[Sequence[Any]] = [tuple(row) for row in conn.execute(found)]
            if rows:
                yield rows
                last = rows[-1][at]
            if len(rows) < size:
                return

    # --- writing -----------------------------------------------------------------------------------------------------

    def write(self, rows: Sequence[tuple[str, Mapping[str, Any]]]) -> int:
        """Set columns of rows by their keys, in one transaction; answers how many there were. Raises SourceProblem."""
        with self._told(), self._engine.begin() as conn:
            return sum(self._set(conn, key, values) for key, values in rows)

    def change(self, key: str, column: str, is_expected: Any, value: str) -> str | None:
        """Set one column where what it holds is expected; None: it is set, else what it holds. Raises SourceProblem."""
        with self._told(), self._engine.begin() as conn:
            row = conn.execute(select(self.table).where(self._is(key)).with_for_update()).first()
            if row is None:
                return "(the row is gone)"
            cells = [text_of(one) for one in row]
            theirs = cells[self.columns.index(column)]
            if theirs == value:
                return None
            if not is_expected(cells):
                return theirs
            self._set(conn, key, {column: value})
            return None

    def _set(self, conn: Connection, key: str, values: Mapping[str, Any]) -> int:
        fitting = {name: fit(self.table.c[name], value) for name, value in values.items()}
        return int(conn.execute(update(self.table).where(self._is(key)).values(fitting)).rowcount)

    def _is(self, key: str) -> Any:
        column = self.table.c[self.key]
        return column == fit(column, key)

    def close(self) -> None:
        """Let go of it."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()


def fit(column: Column[Any], value: Any) -> Any:
    """A value as its column takes it: an instant as date and time (UTC), seconds or milliseconds, a text as a number.

    What does not fit is given as it is: the database says what is wrong.
    """
    kind = column.type
    if isinstance(value, dt.datetime):
        if isinstance(kind, Integer):
            return int(value.timestamp() * 1_000 if isinstance(kind, BigInteger) else value.timestamp())
        return value if isinstance(kind, DateTime) else value.isoformat(sep=" ", timespec="seconds")
    if not isinstance(value, str):
        return value if isinstance(kind, (Integer, Numeric, Boolean)) else str(value)
    try:
        return _of_text(kind, value)
    except (ValueError, InvalidOperation):
        return value


def _of_text(kind: Any, text: str) -> Any:
    if isinstance(kind, Boolean):
        return None if not text else text.strip().casefold() in ("yes", "true", "1", "y", "да")
    if isinstance(kind, (Integer, Numeric, Date, DateTime)) and not text.strip():
        return None
    if isinstance(kind, Integer):
        return int(text)
    if isinstance(kind, Numeric):
        return Decimal(text.replace(",", "."))
    if isinstance(kind, DateTime):
        return dt.datetime.fromisoformat(text)
    if isinstance(kind, Date):
        return date_of(text) or text
    return text


def _is_outage(error: OperationalError | InterfaceError) -> bool:
    """Whether the database cannot be reached, rather than refuses what is asked (PostgreSQL and MySQL call both so)."""
    code = getattr(error.orig, "args", (None,))[0]
    refused = (1044, 1045, 1049, 1142, 1143, 1146, 1054)  # MySQL: access denied, unknown database, table, column
    words = str(error.orig).casefold()
    return code not in refused and not any(
        one in words
        for one in ("authentication failed", "does not exist", "no such table", "no such column", "permission")
    )

"""Named queries: SQL lives in queries.sql, each under a name with a description, and is called by that name.

A query may have a variant for one database: `-- name: claim_contacts [postgresql]`. Parameters are `:name`; those that
end in `_ms` are bound as 64-bit integers, and rows are passed as one JSON text in a parameter ending in `_json`, so
that a batch of any size is one statement. What several queries ask in the same words is a macro,
`-- macro: is_barred(number, campaign)`, whose `{number}` stand for what a query gives it: `$is_barred(a.number, :id)`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Final

import msgspec
from sqlalchemy import BigInteger, Connection, CursorResult, TextClause, bindparam, text

_HEADING: Final = re.compile(r"^-- name: (?P<name>[a-z0-9_]+)(?: \[(?P<dialect>[a-z]+)\])?$", re.MULTILINE)
_PART: Final = re.compile(r"^-- part: (?P<name>[a-z0-9_]+)(?: \[(?P<dialect>[a-z]+)\])?$", re.MULTILINE)
_MACRO: Final = re.compile(r"^-- macro: (?P<name>[a-z0-9_]+)\((?P<parameters>[a-z_, ]*)\)$", re.MULTILINE)
_USE: Final = re.compile(r"\$(?P<name>[a-z0-9_]+)\((?P<given>(?:[^()]|\([^()]*\))*)\)")
_PARAMETER: Final = re.compile(r"(?<![:\w]):([a-z][a-z0-9_]*)")
_COMMENT: Final = re.compile(r"^\s*--.*$", re.MULTILINE)
_FILE: Final = Path(__file__).with_name("queries.sql")
FILLED: Final = {
    "claim_contacts": ("claim_contacts", "anyones", "anyones_of_one_list"),
    "claim_from_lanes": ("claim_contacts", "anyones", "anyones_of_lanes"),
}
"""Queries with a gap, `<<anyones>>`, and the part that fills it: name → query, gap, part."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedQuery:
    """One query of the file. dialect: the database it is for, empty for all."""

    name: str
    dialect: str
    description: str
    sql: str


def parse(source: str) -> list[NamedQuery]:
    """Read a file of named queries.

    Raises ValueError for a name given twice, a query without a description, and one without SQL.
    """
    macros, source = _macros(source)
    parts, source = _parts(source)
    headings = list(_HEADING.finditer(source))
    ends = [heading.start() for heading in headings[1:]] + [len(source)]
    queries: list[NamedQuery] = []
    seen: set[tuple[str, str]] = set()
    for heading, end in zip(headings, ends, strict=True):
        name, dialect = heading["name"], heading["dialect"] or ""
        body = source[heading.end() : end].strip()
        comments = [line.strip()[2:].strip() for line in body.splitlines() if line.strip().startswith("--")]
        sql = _written_out(_COMMENT.sub("", body).strip().rstrip(";"), macros)
        if (name, dialect) in seen:
            raise ValueError(f"query {name!r} is given twice for {dialect or 'all databases'}")
        if not sql:
            raise ValueError(f"query {name!r} has no SQL")
        if not comments and not dialect:
            raise ValueError(f"query {name!r} has no description: say in a comment under its name what it is for")
        seen.add((name, dialect))
        queries.append(NamedQuery(name=name, dialect=dialect, description=" ".join(comments), sql=sql))
    return list(_filled(queries, parts))


def _filled(queries: Sequence[NamedQuery], parts: Mapping[tuple[str, str], str]) -> Iterator[NamedQuery]:
    """Queries with their gaps filled; one with a gap is as many queries as there are parts for it."""
    for query in queries:
        if "<<" not in query.sql:
            yield query
            continue
        for name, (base, gap, part) in FILLED.items():
            if base == query.name:
                body = parts[part, query.dialect]
                yield replace(query, name=name, sql=query.sql.replace(f"<<{gap}>>", body))


def _parts(source: str) -> tuple[dict[tuple[str, str], str], str]:
    """The parts of a file by name and dialect, and the file without them."""
    parts: dict[tuple[str, str], str] = {}
    while (heading := _PART.search(source)) is not None:
        following = re.compile(r"^-- (?:name|macro|part): ", re.MULTILINE).search(source, heading.end())
        end = len(source) if following is None else following.start()
        body = _COMMENT.sub("", source[heading.end() : end]).strip().rstrip(";")
        parts[heading["name"], heading["dialect"] or ""] = body
        source = source[: heading.start()] + source[end:]
    return parts, source


@dataclass(frozen=True, slots=True, kw_only=True)
class _Macro:
    parameters: tuple[str, ...]
    sql: str


def _macros(source: str) -> tuple[dict[str, _Macro], str]:
    """The macros of a file, and the file without them."""
    macros: dict[str, _Macro] = {}
    while (heading := _MACRO.search(source)) is not None:
        following = re.compile(r"^-- (?:name|macro|part): ", re.MULTILINE).search(source, heading.end())
        end = len(source) if following is None else following.start()
        parameters = tuple(part.strip() for part in heading["parameters"].split(",") if part.strip())
        sql = _COMMENT.sub("", source[heading.end() : end]).strip().rstrip(";")
        macros[heading["name"]] = _Macro(parameters=parameters, sql=sql)
        source = source[: heading.start()] + source[end:]
    return macros, source


def _written_out(sql: str, macros: Mapping[str, _Macro]) -> str:
    """A query with its macros in full. Raises ValueError for a macro that is not there, or is given too few or many."""

    def full(use: re.Match[str]) -> str:
        macro = macros.get(use["name"])
        given = [part.strip() for part in use["given"].split(",")] if use["given"] else []
        if macro is None or len(given) != len(macro.parameters):
            raise ValueError(f"there is no macro {use['name']!r} of {len(given)} parameters")
        return macro.sql.format(**dict(zip(macro.parameters, given, strict=True)))

    return _USE.sub(full, sql)


@cache
def queries() -> Mapping[tuple[str, str], NamedQuery]:
    """All named queries by name and dialect."""
    return {(query.name, query.dialect): query for query in parse(_FILE.read_text(encoding="utf-8"))}


@cache
def clause(name: str, dialect: str) -> TextClause:
    """A query ready to execute, prepared once. Raises KeyError for a name that is not in the file."""
    query = queries().get((name, dialect)) or queries()[name, ""]
    statement = text(query.sql)
    times = {found for found in _PARAMETER.findall(query.sql) if found.endswith("_ms")}
    return statement.bindparams(*(bindparam(found, type_=BigInteger()) for found in sorted(times)))


def execute(conn: Connection, name: str, parameters: Mapping[str, Any] | None = None) -> CursorResult[Any]:
    """Run a named query on a connection, in the variant for its database."""
    return conn.execute(clause(name, conn.dialect.name), parameters)


def to_json(value: object) -> str:
    """A value as JSON text, as queries take rows and tables keep structures."""
    return msgspec.json.encode(value).decode()

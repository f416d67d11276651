"""Call strategies, as written: a version never changes, a change is a new version, and campaigns follow the newest."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select

from app.store.errors import InUse, NotFound, unique
from app.store.schema import campaigns, strategies
from app.strategy.load import load_strategy
from app.strategy.rows import CallStrategy


@dataclass(frozen=True, slots=True, kw_only=True)
class StrategyVersion:
    """One version of a strategy. version: 1, 2, …; source: the file as written."""

    name: str
    version: int
    source: str
    created_at_ms: int

    @property
    def strategy(self) -> CallStrategy:
        """What it says."""
        return _read(self.name, self.version, self.source)


@lru_cache(maxsize=256)
def _read(name: str, version: int, source: str) -> CallStrategy:
    return load_strategy(source, name, version)


def create_strategy(conn: Connection, *, name: str, source: str, now_ms: int) -> StrategyVersion:
    """Keep a strategy: the newest version of that name when it says the same, a new version when it differs."""
    newest = latest_strategy(conn, name)
    if newest and newest.source == source:
        return newest
    version = newest.version + 1 if newest else 1
    new = {"name": name, "version": version, "source": source, "created_at_ms": now_ms}
    with unique("strategy", name):  # somebody else made the same version at the same moment
        return _version(conn.execute(insert(strategies).values(new).returning(*strategies.c)).one())


def latest_strategy(conn: Connection, name: str) -> StrategyVersion | None:
    """The newest version of a name; None for no such strategy."""
    found = select(strategies).where(strategies.c.name == name).order_by(strategies.c.version.desc()).limit(1)
    row = conn.execute(found).first()
    return _version(row) if row else None


def get_strategy(conn: Connection, name: str) -> StrategyVersion:
    """The newest version of a name. Raises NotFound."""
    found = latest_strategy(conn, name)
    if found is None:
        raise NotFound("strategy", name)
    return found


def strategies_by_name(conn: Connection, names: Collection[str]) -> dict[str, CallStrategy]:
    """What the newest versions of these names say."""
    return {one.name: one.strategy for one in _newest(conn, names)} if names else {}


def list_strategies(conn: Connection) -> Sequence[StrategyVersion]:
    """The newest version of each strategy, by name."""
    return _newest(conn)


def list_strategy_versions(conn: Connection, name: str) -> Sequence[StrategyVersion]:
    """All versions of a strategy, newest first."""
    found = select(strategies).where(strategies.c.name == name).order_by(strategies.c.version.desc())
    return [_version(row) for row in conn.execute(found)]


def campaigns_of_strategy(conn: Connection, name: str) -> Sequence[int]:
    """The ids of the campaigns that follow it."""
    return (
        conn.execute(select(campaigns.c.id).where(campaigns.c.strategy == name).order_by(campaigns.c.id))
        .scalars()
        .all()
    )


def remove_strategy(conn: Connection, name: str) -> None:
    """Forget all versions of a strategy that no campaign follows. Raises NotFound, InUse."""
    if following := campaigns_of_strategy(conn, name):
        many = f"{len(following)} campaign{'' if len(following) == 1 else 's'}"
        raise InUse(f"strategy {name!r} is followed by {many}; give them another one first")
    if conn.execute(delete(strategies).where(strategies.c.name == name)).rowcount == 0:
        raise NotFound("strategy", name)


def _newest(conn: Connection, names: Collection[str] | None = None) -> list[StrategyVersion]:
    newest = select(strategies.c.name, func.max(strategies.c.version).label("version")).group_by(strategies.c.name)
    if names is not None:
        newest = newest.where(strategies.c.name.in_(names))
    last = newest.subquery()
    same = (strategies.c.name == last.c.name) & (strategies.c.version == last.c.version)
    return [_version(row) for row in conn.execute(select(strategies).join(last, same).order_by(strategies.c.name))]


def _version(row: Row[Any]) -> StrategyVersion:
    return StrategyVersion(name=row.name, version=row.version, source=row.source, created_at_ms=row.created_at_ms)

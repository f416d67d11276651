"""People who sign in, their sessions and API keys. Only hashes are kept: the caller hashes, with argon2 or SHA-256."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Connection, Row, Select, delete, func, insert, select, update

from app.store.errors import LastAdmin, NotFound, unique
from app.store.owners import mark_owners
from app.store.schema import api_keys, sessions, users


class Role(enum.Enum):
    """What a person may do; each may do what the ones after it may."""

    ADMIN = "admin"
    SUPERVISOR = "supervisor"
    AGENT = "agent"


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A person who signs in. password_hash: argon2id, never shown."""

    id: int
    name: str
    role: Role
    is_disabled: bool
    created_at_ms: int
    password_hash: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A program's way in, with its owner's rights; revoked_at_ms: None while it works."""

    id: int
    user_id: int
    user_name: str
    name: str
    created_at_ms: int
    revoked_at_ms: int | None


SIGN_IN_ID: Final = 16
"""How much of a token's hash names a sign-in: enough to be unique, and nothing to get in with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """A browser that is signed in. It ends at expires_at_ms unless it is used before."""

    id: str
    user_id: int
    user_name: str
    created_at_ms: int
    expires_at_ms: int


def add_user(conn: Connection, *, name: str, password_hash: str, role: Role, now_ms: int) -> User:
    """Add a person. Raises Duplicate."""
    new = {"name": name, "password_hash": password_hash, "role": role.value, "created_at_ms": now_ms}
    with unique("user", name):
        user_id: int = conn.execute(insert(users).values(new).returning(users.c.id)).scalar_one()
    mark_owners(conn)
    return user_by_id(conn, user_id)


def user_by_id(conn: Connection, user_id: int) -> User:
    """Raises NotFound."""
    found = _user(conn, select(users).where(users.c.id == user_id))
    if found is None:
        raise NotFound("user", user_id)
    return found


def user_by_name(conn: Connection, name: str) -> User | None:
    """The person who signs in under a name, disabled or not; None for nobody."""
    return _user(conn, select(users).where(users.c.name == name))


def list_users(conn: Connection) -> list[User]:
    """Everybody, by name."""
    return [_as_user(row) for row in conn.execute(select(users).order_by(users.c.name))]


def count_users(conn: Connection) -> int:
    """How many people there are; with none, the first is yet to be made."""
    return int(conn.execute(select(func.count()).select_from(users)).scalar_one())


def set_password(conn: Connection, user_id: int, password_hash: str) -> None:
    """Change a password; whoever is signed in with the old one is signed out. Raises NotFound."""
    change_user(conn, user_id, password_hash=password_hash)


def set_disabled(conn: Connection, user_id: int, is_disabled: bool) -> None:
    """Shut a person out, at once, or let them in again. Raises NotFound, LastAdmin."""
    change_user(conn, user_id, is_disabled=is_disabled)


def change_user(
    conn: Connection,
    user_id: int,
    *,
    is_disabled: bool | None = None,
    password_hash: str | None = None,
    role: Role | None = None,
) -> User:
    """Change what is not None, all or nothing; the person is signed out everywhere. Raises NotFound, LastAdmin."""
    if is_disabled or role not in (None, Role.ADMIN):
        _check_not_last(conn, user_id)
    given = {"is_disabled": is_disabled, "password_hash": password_hash, "role": role.value if role else None}
    values = {name: value for name, value in given.items() if value is not None}
    if values and conn.execute(update(users).where(users.c.id == user_id).values(values)).rowcount:
        conn.execute(delete(sessions).where(sessions.c.user_id == user_id))
        if is_disabled is not None:
            mark_owners(conn)
    return user_by_id(conn, user_id)


def open_session(conn: Connection, *, user_id: int, token_hash: str, now_ms: int, expires_at_ms: int) -> None:
    """Remember that a person signed in."""
    new = {"token_hash": token_hash, "user_id": user_id, "created_at_ms": now_ms, "expires_at_ms": expires_at_ms}
    conn.execute(insert(sessions).values(new))


def session_user(conn: Connection, token_hash: str, now_ms: int) -> User | None:
    """Who a session belongs to; None when it is over, unknown, or its owner is disabled."""
    found = select(users).join(sessions, sessions.c.user_id == users.c.id)
    found = found.where(sessions.c.token_hash == token_hash, sessions.c.expires_at_ms > now_ms)
    return _user(conn, found.where(users.c.is_disabled.is_(False)))


def extend_session(conn: Connection, token_hash: str, *, expires_at_ms: int) -> None:
    """Let a session that is used last longer; harmless for one that is over."""
    conn.execute(update(sessions).where(sessions.c.token_hash == token_hash).values(expires_at_ms=expires_at_ms))


def end_session(conn: Connection, token_hash: str) -> None:
    """Sign out; harmless for a session that is over."""
    conn.execute(delete(sessions).where(sessions.c.token_hash == token_hash))


def list_sessions(conn: Connection, now_ms: int, user_id: int | None = None) -> list[SignIn]:
    """The sign-ins that go on, of a person or of all, the last used first."""
    found = select(sessions, users.c.name).join(users, users.c.id == sessions.c.user_id)
    found = found.where(sessions.c.expires_at_ms > now_ms).order_by(sessions.c.expires_at_ms.desc())
    if user_id is not None:
        found = found.where(sessions.c.user_id == user_id)
    return [
        SignIn(
            id=row.token_hash[:SIGN_IN_ID],
            user_id=row.user_id,
            user_name=row.name,
            created_at_ms=row.created_at_ms,
            expires_at_ms=row.expires_at_ms,
        )
        for row in conn.execute(found)
    ]


def end_sign_in(conn: Connection, sign_in_id: str) -> None:
    """Sign a browser out: its cookie is worth nothing from now on. Raises NotFound."""
    wanted = func.substr(sessions.c.token_hash, 1, SIGN_IN_ID) == sign_in_id
    if len(sign_in_id) != SIGN_IN_ID or conn.execute(delete(sessions).where(wanted)).rowcount == 0:
        raise NotFound("sign-in", sign_in_id[:40])


def end_sessions_of(conn: Connection, user_id: int) -> int:
    """Sign a person out everywhere; answers of how many browsers."""
    return conn.execute(delete(sessions).where(sessions.c.user_id == user_id)).rowcount


def drop_expired_sessions(conn: Connection, now_ms: int) -> int:
    """Forget sessions that are over; answers how many."""
    return conn.execute(delete(sessions).where(sessions.c.expires_at_ms <= now_ms)).rowcount


def add_api_key(conn: Connection, *, user_id: int, name: str, key_hash: str, now_ms: int) -> ApiKey:
    """Add a key for a person. Raises NotFound, Duplicate (a person's keys have different names)."""
    owner = user_by_id(conn, user_id)
    new = {"user_id": user_id, "name": name, "key_hash": key_hash, "created_at_ms": now_ms}
    with unique("API key", name):
        key_id: int = conn.execute(insert(api_keys).values(new).returning(api_keys.c.id)).scalar_one()
    return ApiKey(id=key_id, user_id=user_id, user_name=owner.name, name=name, created_at_ms=now_ms, revoked_at_ms=None)


def api_key_user(conn: Connection, key_hash: str) -> User | None:
    """Whose key it is; None when it is unknown or revoked, or its owner is disabled."""
    found = select(users).join(api_keys, api_keys.c.user_id == users.c.id)
    found = found.where(api_keys.c.key_hash == key_hash, api_keys.c.revoked_at_ms.is_(None))
    return _user(conn, found.where(users.c.is_disabled.is_(False)))


def list_api_keys(conn: Connection, user_id: int | None = None) -> list[ApiKey]:
    """A person's keys, or everybody's, oldest first."""
    found = select(api_keys, users.c.name.label("user_name")).join(users, users.c.id == api_keys.c.user_id)
    if user_id is not None:
        found = found.where(api_keys.c.user_id == user_id)
    return [
        ApiKey(
            id=row.id,
            user_id=row.user_id,
            user_name=row.user_name,
            name=row.name,
            created_at_ms=row.created_at_ms,
            revoked_at_ms=row.revoked_at_ms,
        )
        for row in conn.execute(found.order_by(api_keys.c.id))
    ]


def revoke_api_key(conn: Connection, key_id: int, now_ms: int) -> None:
    """Make a key useless, for good. Raises NotFound."""
    revoked_at_ms = func.coalesce(api_keys.c.revoked_at_ms, now_ms)
    changed = conn.execute(update(api_keys).where(api_keys.c.id == key_id).values(revoked_at_ms=revoked_at_ms))
    if changed.rowcount == 0:
        raise NotFound("API key", key_id)


def _check_not_last(conn: Connection, user_id: int) -> None:
    """Two admins who shut each other out at the same moment wait for each other here. Raises LastAdmin."""
    enabled = select(users.c.id, users.c.name).where(users.c.role == Role.ADMIN.value, users.c.is_disabled.is_(False))
    admins = conn.execute(enabled.order_by(users.c.id).with_for_update()).all()
    if [admin.id for admin in admins] == [user_id]:
        raise LastAdmin(admins[0].name)


def _user(conn: Connection, found: Select[Any]) -> User | None:
    row = conn.execute(found).first()
    return _as_user(row) if row else None


def _as_user(row: Row[Any]) -> User:
    return User(
        id=row.id,
        name=row.name,
        role=Role(row.role),
        is_disabled=bool(row.is_disabled),
        created_at_ms=row.created_at_ms,
        password_hash=row.password_hash,
    )

"""The phones agents and supervisors sit at: PJSIP endpoints of the admin's Asterisk, with a label for people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, or_, select, update

from app.agents import PhoneMode
from app.store.errors import NotFound
from app.store.people import user_by_id
from app.store.schema import phones
from app.units import AgentId


@dataclass(frozen=True, slots=True, kw_only=True)
class Phone:
    """A phone. endpoint: its PJSIP section; agent_id: whose it is, None: whoever sits there.

    has_auto_answer: it answers by itself when asked to (per call).
    """

    endpoint: str
    label: str = ""
    agent_id: AgentId | None = None
    phone_mode: PhoneMode = PhoneMode.NAILED_UP
    has_auto_answer: bool = True


def put_phone(conn: Connection, phone: Phone) -> None:
    """Add a phone, or change the one of that endpoint. Raises NotFound for its agent."""
    if phone.agent_id is not None:
        user_by_id(conn, phone.agent_id)
    values = {
        "label": phone.label,
        "agent_id": phone.agent_id,
        "phone_mode": phone.phone_mode.value,
        "has_auto_answer": phone.has_auto_answer,
    }
    changed = conn.execute(update(phones).where(phones.c.endpoint == phone.endpoint).values(values)).rowcount
    if changed == 0:
        conn.execute(insert(phones).values(endpoint=phone.endpoint, **values))


def remove_phone(conn: Connection, endpoint: str) -> None:
    """Forget a phone; who sits at it works on. Raises NotFound."""
    if conn.execute(delete(phones).where(phones.c.endpoint == endpoint)).rowcount == 0:
        raise NotFound("phone", endpoint)


def get_phone(conn: Connection, endpoint: str) -> Phone:
    """Raises NotFound."""
    row = conn.execute(select(phones).where(phones.c.endpoint == endpoint)).first()
    if row is None:
        raise NotFound("phone", endpoint)
    return _phone(row)


def list_phones(conn: Connection, *, agent_id: AgentId | None = None) -> list[Phone]:
    """All phones, by endpoint; with an agent those they may sit at, their own first."""
    found = select(phones).order_by(phones.c.endpoint)
    if agent_id is not None:
        found = found.where(or_(phones.c.agent_id == agent_id, phones.c.agent_id.is_(None)))
    listed = [_phone(row) for row in conn.execute(found)]
    return sorted(listed, key=lambda phone: phone.agent_id is None) if agent_id is not None else listed


def _phone(row: Row[Any]) -> Phone:
    return Phone(
        endpoint=row.endpoint,
        label=row.label,
        agent_id=None if row.agent_id is None else AgentId(row.agent_id),
        phone_mode=PhoneMode(row.phone_mode),
        has_auto_answer=bool(row.has_auto_answer),
    )

"""What supervisors and admins change, for the audit trail: from pages and REST alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from app.store import audit
from app.store.audit import AuditNote
from app.store.door import SqlStore
from app.store.people import User

LONGEST: Final = 80


def note(who: User, what: str, subject: str, at_ms: int, details: Mapping[str, str] | None = None) -> AuditNote:
    """One line. what: a phrase in the past tense; subject: `campaign 7`, `agent 3`, `user 12`."""
    return AuditNote(who=who.name, what=what, subject=subject, at_ms=at_ms, details=dict(details or {}))


async def write(store: SqlStore, told: AuditNote) -> None:
    """Write a line for what was done elsewhere (told to the dialer, or looked at)."""
    await store.write(
        audit.record, who=told.who, what=told.what, subject=told.subject, details=told.details, at_ms=told.at_ms
    )


def differences(before: Mapping[str, object], after: Mapping[str, object]) -> dict[str, str]:
    """What changed, as `old → new` by name; long values are cut."""
    return {
        name: f"{short(before[name])} → {short(value)}" if before.get(name) else short(value)
        for name, value in after.items()
        if before.get(name) != value
    }


def short(value: object) -> str:
    """A value in a few words."""
    if isinstance(value, (tuple, list)):
        value = ", ".join(map(str, value))
    text = "–" if value is None or value == "" else str(value)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"

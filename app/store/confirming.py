"""Confirming: whether attempts claimed a while ago, or whose agent took another phone, may still be dialed."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, select

from app.commands import ConfirmAttempt
from app.compliance.library import Lawbook
from app.events import AttemptConfirmed
from app.store import law
from app.store.dnc import BARRED, is_dnc
from app.store.errors import NotFound
from app.store.schema import attempts
from app.store.sql import execute, to_json
from app.units import AttemptId, CampaignId, ContactId, Number


def confirm_attempts(
    conn: Connection, commands: Sequence[ConfirmAttempt], now_ms: int, lawbook: Lawbook
) -> dict[AttemptId, AttemptConfirmed]:
    """Whether open attempts may be dialed as of now, over the numbers they have come to."""
    if not commands:
        return {}
    rows = [[one.attempt_id, one.number] for one in commands]
    barred = set(execute(conn, "unconfirmed_attempts", {"rows_json": to_json(rows)}).scalars())
    return {one.attempt_id: _confirmed(conn, one, now_ms, lawbook, one.attempt_id in barred) for one in commands}


def why_not_over(
    conn: Connection, lawbook: Lawbook, attempt_id: AttemptId, number: Number, now_ms: int
) -> tuple[str, int | None]:
    """Why an open attempt may not be dialed over another number, in words; "": it may, until the second answer.

    Asked before an agent's choice is taken, and once more by the dialer just before the call.
    """
    found = select(attempts.c.campaign_id, attempts.c.contact_id).where(attempts.c.id == attempt_id)
    row = conn.execute(found).first()
    if row is None:
        return "", None  # its claim is not on disk any more: the dialer ends it by itself
    campaign_id, contact_id = CampaignId(row.campaign_id), ContactId(row.contact_id)
    if is_dnc(conn, number, contact_id=contact_id, campaign_id=campaign_id):
        return BARRED, None
    try:
        of = law.campaign_law(conn, lawbook, campaign_id)
    except (ValueError, NotFound) as error:
        return f"the campaign's compliance profile cannot be used: {error}", None
    asked = law.ask(conn, of, {contact_id: number}, now_ms, without=attempt_id)[contact_id]
    decision = law.decide(of, asked, now_ms)
    if decision.until_ms is None:
        return f"not allowed by law: {law.refusal(of, asked, now_ms)}", None
    return "", decision.until_ms


def _confirmed(
    conn: Connection, command: ConfirmAttempt, now_ms: int, lawbook: Lawbook, is_barred: bool
) -> AttemptConfirmed:
    reason, until_ms = BARRED if is_barred else "", None
    if command.is_chosen and not is_barred:
        reason, until_ms = why_not_over(conn, lawbook, command.attempt_id, command.number, now_ms)
    return AttemptConfirmed(
        attempt_id=command.attempt_id,
        number=command.number,
        checked_at_ms=now_ms,
        reason=reason,
        allowed_until_ms=until_ms,
    )

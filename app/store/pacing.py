"""What pacers of predictive campaigns have learned, and the people the law counts: what outlives a restart."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, case, delete, func, insert, or_, select

from app.commands import SavePacing
from app.model import Campaign, PacingMemory
from app.outcomes import ABANDONED, Outcome
from app.store.ended_calls import is_live
from app.store.ids import earliest_id
from app.store.schema import attempts, pacing
from app.units import MINUTE_MS

PIECE_MS: Final = 15 * MINUTE_MS
"""People of so much time are counted together."""


def save_pacing(conn: Connection, command: SavePacing, now_ms: int) -> None:
    """Keep it in place of what was kept before."""
    conn.execute(delete(pacing).where(pacing.c.campaign_id == command.campaign_id))
    conn.execute(
        insert(pacing).values(campaign_id=command.campaign_id, saved_at_ms=now_ms, learned=dict(command.learned))
    )


def pacing_memory(conn: Connection, campaign: Campaign, now_ms: int) -> PacingMemory:
    """What was learned, and who answered and was abandoned within the campaign's window, counted from the attempts.

    By the rule of `app.outcomes.is_live_for_agent`, and at the time of the answer, as the dialer counts while it runs.
    Who talks with an agent now, or whose agent still writes down what came of it, has answered and counts too. Calls
    that were taken for a machine's, and that no agent heard, are told beside: some of them may have been people.
    """
    learned = conn.execute(select(pacing.c.learned).where(pacing.c.campaign_id == campaign.id)).scalar()
    since_ms = now_ms - campaign.agents.pacing.window_ms
    ended = attempts.c
    at_ms = func.coalesce(ended.answered_at_ms, ended.connected_at_ms)  # an open one's answer is not written yet
    piece = (at_ms // PIECE_MS).label("piece")
    is_person = or_(
        ended.closed_at_ms.is_(None) & ended.waited_ms.is_not(None),
        ended.closed_at_ms.is_not(None) & ended.answered_at_ms.is_not(None) & is_live(),
    )
    is_machine = ended.answered_at_ms.is_not(None) & ended.waited_ms.is_(None)
    is_machine = is_machine & (ended.outcome == int(Outcome.ANSWERING_MACHINE))
    is_late = or_(
        ended.waited_ms > campaign.agents.connect_within_ms,
        ended.waited_ms.is_(None) & ended.outcome.in_([int(one) for one in ABANDONED]),
    )
    found = (
        select(
            piece,
            func.sum(case((is_person, 1), else_=0)),
            func.sum(case((is_person & is_late, 1), else_=0)),
            func.sum(case((is_machine, 1), else_=0)),
        )
        .where(ended.campaign_id == campaign.id, ended.id >= earliest_id(since_ms), or_(is_person, is_machine))
        .group_by(piece)
        .order_by(piece)
    )
    counted = tuple((int(row[0]) * PIECE_MS, *(int(count) for count in row[1:])) for row in conn.execute(found))
    return PacingMemory(learned=learned or {}, counted=counted)

"""One turn of the shell on disk: all of its commands in one transaction, in a few statements whatever their number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, assert_never

from sqlalchemy import Connection

from app.agent_commands import LogAgent, LogSupervision, OpenManual, SaveConversation
from app.agent_events import AgentSaved, ConversationSaved, SupervisionSaved
from app.commands import (
    AddDnc,
    ClaimContacts,
    CloseAttempt,
    ConfirmAttempt,
    SavePacing,
    SetCampaignStatus,
    StoreCommand,
)
from app.compliance.library import Lawbook
from app.events import AttemptClosed, CampaignStatusSaved, PacingSaved, StoreEvent
from app.model import CampaignStatus
from app.store.claiming import claim_contacts
from app.store.closing import close_attempts
from app.store.confirming import confirm_attempts
from app.store.dnc import add_dnc, lock_claims
from app.store.errors import NotFound
from app.store.floor import log_agents, log_supervisions, save_conversations
from app.store.ids import NewAttemptId
from app.store.manual import open_manual
from app.store.pacing import save_pacing
from app.store.sql import execute
from app.store.tallies import TallyBook
from app.store.telling import tell_campaign, tell_turn
from app.store.webhooks import NOBODY, Listeners

_ENDS: Final = frozenset({CampaignStatus.STOPPED, CampaignStatus.FINISHED})


def carry_out(
    conn: Connection,
    commands: Sequence[StoreCommand],
    now_ms: int,
    new_attempt_id: NewAttemptId,
    lawbook: Lawbook,
    listeners: Listeners = NOBODY,
) -> list[StoreEvent]:
    """Do all commands within the transaction of `conn`; one event for each, in their order.

    listeners: webhooks, whose deliveries are written with what they tell of; where there are none, nothing is asked.

    Whatever their order, do-not-call comes first, closings before claims: who opted out in this turn is not claimed in
    it, and a number whose call ended in this turn may be dialed again. Raises NotFound for an unknown campaign.
    """
    tallies = TallyBook()
    barred = add_dnc(conn, [command for command in commands if isinstance(command, AddDnc)], now_ms)
    if any(isinstance(command, ClaimContacts | OpenManual | ConfirmAttempt) for command in commands):
        lock_claims(conn)
    confirmed = confirm_attempts(conn, [one for one in commands if isinstance(one, ConfirmAttempt)], now_ms, lawbook)
    ends = [command for command in commands if isinstance(command, CloseAttempt)]
    ended = close_attempts(conn, ends, now_ms, tallies)
    save_conversations(conn, [command for command in commands if isinstance(command, SaveConversation)])
    log_agents(conn, [command for command in commands if isinstance(command, LogAgent)], now_ms)
    events: list[StoreEvent] = []
    for command in commands:
        match command:
            case AddDnc():
                events.append(barred.told[command])
            case ConfirmAttempt():
                events.append(confirmed[command.attempt_id])
            case CloseAttempt(result=result):
                events.append(
                    AttemptClosed(
                        attempt_id=result.attempt_id,
                        campaign_id=result.campaign_id,
                        outcome=result.outcome,
                        opens=result.next.opens,
                    )
                )
            case SetCampaignStatus():
                tell_campaign(conn, listeners, command, now_ms)
                events.append(set_campaign_status(conn, command, now_ms))
            case ClaimContacts():
                events.append(claim_contacts(conn, command, now_ms, new_attempt_id, tallies, lawbook))
            case OpenManual():
                events.append(open_manual(conn, command, now_ms, new_attempt_id, tallies, lawbook))
            case SavePacing():
                save_pacing(conn, command, now_ms)
                events.append(PacingSaved(campaign_id=command.campaign_id))
            case LogAgent():
                events.append(AgentSaved(agent_id=command.agent_id))
            case LogSupervision():
                events.append(SupervisionSaved(supervisor_id=command.supervisor_id))
            case SaveConversation():
                events.append(ConversationSaved(attempt_id=command.attempt_id))
            case _:
                assert_never(command)
    tallies.write(conn)
    log_supervisions(conn, [command for command in commands if isinstance(command, LogSupervision)])
    if listeners:
        tell_turn(conn, listeners, ended=ended, settled=tallies.settled, barred=barred.new, now_ms=now_ms)
    return events


def set_campaign_status(conn: Connection, command: SetCampaignStatus, now_ms: int) -> CampaignStatusSaved:
    """Write a campaign's status, with the time of its first start and of its end. Raises NotFound."""
    parameters = {
        "campaign_id": command.campaign_id,
        "status": command.status.value,
        "has_started": int(command.status is CampaignStatus.RUNNING),
        "has_ended": int(command.status in _ENDS),
        "now_ms": now_ms,
    }
    if execute(conn, "set_campaign_status", parameters).rowcount == 0:
        raise NotFound("campaign", command.campaign_id)
    return CampaignStatusSaved(campaign_id=command.campaign_id)

"""The floor on disk, as the dialer's turns write it: agents' time, and who talks with whom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final

from sqlalchemy import Connection, select

from app.agent_commands import LogAgent, LogSupervision, SaveConversation
from app.agents import AgentState, AgentStint
from app.store import audit
from app.store.schema import audit as trail
from app.store.sql import execute, to_json
from app.units import SessionId


def log_agents(conn: Connection, commands: Sequence[LogAgent], now_ms: int) -> None:
    """Add the stints that ended to the log, and write what each agent does now into their session."""
    stints = [_stint(command.ended) for command in commands if command.ended is not None]
    if stints:
        stints.sort(key=lambda stint: (stint["agent_id"], stint["from_ms"]))
        execute(conn, "add_stints", {"rows_json": to_json(stints)})
    present: dict[SessionId, dict[str, Any]] = {}
    for command in commands:
        before = present.get(command.session_id)
        if before is None or before["signed_out_at_ms"] is None:
            present[command.session_id] = _present(command, now_ms)
    if present:
        rows = [present[session_id] for session_id in sorted(present)]
        execute(conn, "set_presence", {"rows_json": to_json(rows)})


def save_conversations(conn: Connection, commands: Sequence[SaveConversation]) -> None:
    """Note who is with an agent; the last word of a turn on an attempt is the one that stays."""
    rows = {
        command.attempt_id: [
            command.attempt_id,
            command.agent_id,
            command.session_id,
            command.answered_at_ms,
            command.connected_at_ms,
            command.recordings,
            command.recording,
            command.waited_ms,
        ]
        for command in commands
    }
    if rows:
        execute(conn, "mark_connected", {"rows_json": to_json([rows[attempt_id] for attempt_id in sorted(rows)])})


SUPERVISION_ENDED: Final = "supervision: ended"
"""What the audit trail calls it."""


def log_supervisions(conn: Connection, commands: Sequence[LogSupervision]) -> None:
    """Write the ends of supervisions into the audit trail; one that is there already (written again) is there once."""
    for command in commands:
        subject = f"agent {command.agent_id}"
        told = {"who": command.supervisor_name[:64], "what": SUPERVISION_ENDED, "subject": subject}
        same = select(trail.c.id).filter_by(**told, at_ms=command.ended_at_ms).limit(1)
        if conn.execute(same).first() is None:
            audit.record(conn, **told, details=_heard(command), at_ms=command.ended_at_ms)


def _heard(command: LogSupervision) -> dict[str, str]:
    if not command.heard_ms:
        return {"phone": "not picked up"}
    return {mode.value: f"{length_ms / 1_000:.1f} s" for mode, length_ms in command.heard_ms}


def _stint(stint: AgentStint) -> dict[str, Any]:
    assert stint.until_ms is not None, f"a stint of agent {stint.agent_id} that goes on is not logged"
    return {
        "agent_id": stint.agent_id,
        "from_ms": stint.from_ms,
        "until_ms": stint.until_ms,
        "state": stint.state.value,
        "session_id": stint.session_id,
        "reason": stint.reason[:128],
        "is_paid": stint.is_paid,
        "campaign_id": stint.campaign_id,
        "attempt_id": stint.attempt_id,
    }


def _present(command: LogAgent, now_ms: int) -> dict[str, Any]:
    stint = command.now
    if stint is None:
        ended_at_ms = now_ms if command.ended is None else command.ended.until_ms
        return {
            "id": command.session_id,
            "state": AgentState.SIGNED_OUT.value,
            "since_ms": ended_at_ms,
            "reason": "",
            "is_paid": False,
            "campaign_id": None,
            "attempt_id": None,
            "signed_out_at_ms": ended_at_ms,
            "pause_next": None,
            "signs_out_next": False,
        }
    return {
        "id": command.session_id,
        "state": stint.state.value,
        "since_ms": stint.from_ms,
        "reason": stint.reason[:128],
        "is_paid": stint.is_paid,
        "campaign_id": stint.campaign_id,
        "attempt_id": stint.attempt_id,
        "signed_out_at_ms": None,
        "pause_next": None if command.pause_next is None else asdict(command.pause_next),
        "signs_out_next": command.signs_out_next,
    }

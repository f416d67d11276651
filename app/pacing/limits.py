"""Between how many calls and how many, before any prediction."""

from __future__ import annotations

from app.pacing.language import PacingPolicy, PacingSnapshot


def at_most(policy: PacingPolicy, snapshot: PacingSnapshot) -> int:
    """Calls the lines and the limit per agent allow."""
    in_flight = len(snapshot.ringing_ms)
    talking = len(snapshot.talking_ms)
    agents = snapshot.idle_agents + talking + len(snapshot.wrapping_ms)
    return max(
        0,
        min(
            snapshot.free_lines,
            policy.lines_limit - in_flight - talking - snapshot.people_waiting,
            max(int(policy.calls_per_agent_limit * agents), snapshot.idle_agents) - in_flight,
        ),
    )


def at_least(snapshot: PacingSnapshot, most: int) -> int:
    """One call for each idle agent that no call in flight and no waiting person is for: those are never abandoned."""
    return max(0, min(most, snapshot.idle_agents - len(snapshot.ringing_ms) - snapshot.people_waiting))

"""What the dialer's tests are made of: a trunk, a campaign, contacts and a flow, all fictional."""

from __future__ import annotations

from typing import Any, Final

from app.dialing.trunk import TrunkLine
from app.ivr.flow import Flow
from app.ivr.load import load_flow
from app.ivr.needs import prompts_needed
from app.model import Audio, CallFacts, Campaign, OpenedAttempt, Prompt, RetryPolicy, Trunk
from app.units import AttemptId, CampaignId, ContactId, FlowId, Number, TrunkId

T0: Final = 1_800_000_000_000
"""When these tests begin."""

FLOW: Final = load_flow(
    """
    name: reminder
    start: greeting
    nodes:
      greeting: {type: play, text: "Good day, {name|customer}.", next: choice}
      choice:
        type: menu
        text: "Press 1 for a person, 9 for no more calls."
        keys: {1: person, 9: no_more_calls}
        timeout_s: 5
        repeats: 0
        on_timeout: goodbye
      person: {type: transfer, context: agents, extension: "1000", on_fail: goodbye}
      no_more_calls: {type: opt_out, text: "You will not be called again."}
      goodbye: {type: hangup, text: "Goodbye."}
    """
)
SILENT_FLOW: Final = load_flow("name: nothing to say\nstart: end\nnodes:\n  end: {type: hangup}\n")
"""Needs no prompts and hangs up at once."""


def trunk(name: str = "north", **changes: Any) -> Trunk:
    """A trunk that carries everything, 10 lines, 10 calls a second."""
    facts: dict[str, Any] = {"endpoint": name, "lines": 10, "calls_per_second": 10.0, "prefixes": ("+",)}
    return Trunk(id=TrunkId(name), **(facts | changes))


def line(name: str = "north", **changes: Any) -> TrunkLine:
    """The same trunk in use since T0."""
    return TrunkLine(trunk(name, **changes), T0)


def campaign(campaign_id: int = 1, **changes: Any) -> Campaign:
    """A campaign with 5 lines and 10 calls a second over trunk `north`."""
    facts: dict[str, Any] = {
        "name": f"campaign {campaign_id}",
        "flow_id": FlowId(1),
        "trunks": (TrunkId("north"),),
        "lines": 5,
        "calls_per_second": 10.0,
        "retry": RetryPolicy(max_attempts=2, retry_ms=60_000, max_faults=3, fault_retry_ms=5_000),
    }
    return Campaign(id=CampaignId(campaign_id), **(facts | changes))


def phone(place: int) -> Number:
    """A fictional number."""
    return Number(f"+4477009{place:05d}")


def opened(place: int = 1, **changes: Any) -> OpenedAttempt:
    """Contact `place` as claimed for campaign 1, its attempt's id made of the same figure."""
    facts: dict[str, Any] = {
        "attempt_id": AttemptId(f"attempt{place:05d}"),
        "campaign_id": CampaignId(1),
        "contact_id": ContactId(place),
        "number": phone(place),
        "language": "",
        "fields": {"name": f"Person {place}"},
    }
    return OpenedAttempt(**(facts | changes))


def facts(**changes: Any) -> CallFacts:
    """A call placed at T0 over trunk `north`."""
    given: dict[str, Any] = {"trunk_id": TrunkId("north"), "placed_at_ms": T0}
    return CallFacts(**(given | changes))


def audio_of(prompts: tuple[Prompt, ...]) -> dict[Prompt, Audio]:
    """Every prompt rendered, a second long."""
    return {prompt: Audio(media=f"sound:/p/{number}", length_ms=1_000) for number, prompt in enumerate(prompts)}


def audio_for(flow: Flow, attempt: OpenedAttempt) -> dict[Prompt, Audio]:
    """All that a contact may hear of a flow."""
    return audio_of(prompts_needed(flow, attempt.fields, attempt.language or flow.language))

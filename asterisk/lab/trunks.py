"""The trunks of the laboratory's PBX, and what ARI says of calls on those that lead nowhere."""

from dataclasses import dataclass

from asterisk.lab.numbers import Reported


@dataclass(frozen=True, slots=True, kw_only=True)
class TrunkKind:
    """One PJSIP endpoint of the PBX."""

    name: str
    description: str
    is_qualified: bool = False
    """Whether the PBX keeps asking the far end if it is there (OPTIONS)."""
    reported: Reported | None = None
    """What ARI says of any call on it; None where that depends on the number, or on the far end."""


TRUNKS: tuple[TrunkKind, ...] = (
    TrunkKind(name="network", description="The telephone network: the number decides."),
    TrunkKind(
        name="rejecting",
        description="A carrier that refuses everything with 503 at once.",
        reported=Reported(dial_statuses=("CONGESTION",), cause=34, tech_cause=503),
    ),
    TrunkKind(
        name="dead",
        description="A host where nothing listens. Asterisk gives up after 32 s (SIP timer B).",
        reported=Reported(dial_statuses=("NOANSWER",), cause=18, tech_cause=408),
    ),
    TrunkKind(
        name="silent",
        description="A host that takes everything and never replies. Asterisk gives up after 32 s.",
        reported=Reported(dial_statuses=("NOANSWER",), cause=18, tech_cause=408),
    ),
    TrunkKind(
        name="unreachable",
        description="Dead like `dead`, but asked all the time if it is there (qualify): calls are refused at once.",
        is_qualified=True,
    ),
    TrunkKind(name="sipp", description="For load: SIPp, once `start_sipp` has started it."),
)

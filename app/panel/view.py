"""What the pages show, worked out from the database and the dialer's snapshot: plain records for the templates."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from app.agents import NOT_SET
from app.dialing.snapshot import CampaignPicture, Snapshot
from app.dialing.trunk import TrunkState
from app.model import CampaignStatus, Trunk
from app.outcomes import OUTCOMES, ContactStatus, Outcome, RetryClass
from app.store.attempts import AttemptEntry
from app.store.campaigns import CampaignEntry
from app.units import CampaignId

RATE_SPAN_S: Final = 5
HISTORY_S: Final = 60

STATUS_ORDER: Final = (
    ContactStatus.CONNECTED,
    ContactStatus.RETRIES_COMPLETED,
    ContactStatus.NOT_CONNECTED,
    ContactStatus.INVALID_NUMBER,
    ContactStatus.DO_NOT_CALL,
    ContactStatus.NOT_ALLOWED,
    ContactStatus.DANGLING,
    ContactStatus.IN_PROGRESS,
    ContactStatus.PENDING,
)
"""How contacts stand along the progress bar: settled first, those still to come last."""


class RateMeter:
    """New calls per second, from the dialer's own counts, sampled about once a second for the last minute."""

    def __init__(self) -> None:
        self._samples: deque[tuple[int, int]] = deque(maxlen=HISTORY_S)  # when, new calls since the sample before
        self._placed: dict[CampaignId, int] = {}
        self._last_at_ms: int | None = None

    def sample(self, snapshot: Snapshot) -> None:
        """Look at the counts again."""
        placed = {picture.id: picture.placed for picture in snapshot.campaigns}
        if self._last_at_ms is not None:
            new = sum(max(0, count - self._placed.get(key, 0)) for key, count in placed.items())
            self._samples.append((max(1, snapshot.at_ms - self._last_at_ms), new))
        self._placed, self._last_at_ms = placed, snapshot.at_ms

    @property
    def calls_per_second(self) -> float:
        """Over the last few seconds."""
        recent = list(self._samples)[-RATE_SPAN_S:]
        length_ms = sum(length for length, _ in recent)
        return 1_000 * sum(new for _, new in recent) / length_ms if length_ms else 0.0

    @property
    def history(self) -> list[float]:
        """Calls per second of the last minute, oldest first; as many numbers as seconds, zero before the start."""
        rates = [1_000 * new / length for length, new in self._samples]
        return [0.0] * (HISTORY_S - len(rates)) + rates


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A piece of a bar. kind: its colour's name; start and width: percent of the whole."""

    kind: str
    label: str
    count: int
    start: float
    width: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """An outcome with its count. width: percent of the longest; share: of all."""

    outcome: Outcome
    label: str
    kind: str
    count: int
    width: float
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignCard:
    """A campaign as a row of the live page. idle_kind and idle_detail: why nothing is dialed, and what of."""

    entry: CampaignEntry
    picture: CampaignPicture | None
    segments: tuple[Segment, ...]
    share: float
    idle: str

    @property
    def may_start(self) -> bool:
        """Whether starting, resuming or starting again makes sense."""
        return self.entry.status is not CampaignStatus.RUNNING

    @property
    def may_pause(self) -> bool:
        """Whether there is something to pause."""
        return self.entry.status is CampaignStatus.RUNNING

    @property
    def may_stop(self) -> bool:
        """Whether there is something to stop."""
        return self.entry.status in (CampaignStatus.RUNNING, CampaignStatus.PAUSED)

    @property
    def up(self) -> int:
        """Calls up."""
        return self.picture.dialing + self.picture.ringing + self.picture.answered if self.picture else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TrunkRow:
    """A trunk as it stands. kind: the colour's name of its state; state: empty while the dialer does not know it."""

    trunk: Trunk
    state: str
    kind: str
    lines_used: int
    reason: str
    width: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Calls:
    """Calls up, over campaigns."""

    dialing: int
    ringing: int
    answered: int

    @property
    def up(self) -> int:
        """All of them."""
        return self.dialing + self.ringing + self.answered


def calls_of(snapshot: Snapshot, campaign_id: CampaignId | None = None) -> Calls:
    """Calls up of one campaign, or of all."""
    pictures = [one for one in snapshot.campaigns if campaign_id in (None, one.id)]
    return Calls(
        dialing=sum(one.dialing for one in pictures),
        ringing=sum(one.ringing for one in pictures),
        answered=sum(one.answered for one in pictures),
    )


def card(entry: CampaignEntry, snapshot: Snapshot) -> CampaignCard:
    """A campaign with its progress and calls."""
    picture = next((one for one in snapshot.campaigns if one.id == entry.campaign.id), None)
    counts = entry.progress
    return CampaignCard(
        entry=entry,
        picture=picture,
        segments=tuple(_segments(counts.statuses, counts.total)),
        share=counts.settled / counts.total if counts.total else 0.0,
        idle=picture.waiting_for if picture else "",
    )


def halted(entry: CampaignEntry, snapshot: Snapshot) -> str:
    """Why a campaign places no new calls now, in a plain sentence; "": it does, or the alarms above say it already."""
    if entry.status is not CampaignStatus.RUNNING:
        return f"the campaign is {entry.status.value}"
    picture = next((one for one in snapshot.campaigns if one.id == entry.campaign.id), None)
    return picture.waiting_for if picture is not None and snapshot.is_telephony_up else ""


def _segments(statuses: Mapping[ContactStatus, int], total: int) -> Iterable[Segment]:
    start = 0.0
    for status in STATUS_ORDER:
        count = statuses.get(status, 0)
        if count and total:
            width = 100 * count / total
            kind = status.value.replace(" ", "-")
            yield Segment(kind=kind, label=status.value, count=count, start=round(start, 3), width=round(width, 3))
            start += width


def bars(outcomes: Mapping[Outcome, int]) -> list[Bar]:
    """Outcomes, the most frequent first."""
    total = sum(outcomes.values())
    most = max(outcomes.values(), default=0)
    ordered = sorted(outcomes.items(), key=lambda item: (-item[1], int(item[0])))
    return [
        Bar(
            outcome=outcome,
            label=outcome.label,
            kind=outcome_kind(outcome),
            count=count,
            width=round(100 * count / most, 2),
            share=count / total,
        )
        for outcome, count in ordered
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A disposition with how many conversations came to it. share: of all conversations; width: percent of the most."""

    code: str
    label: str
    count: int
    share: float
    width: float
    is_success: bool


def results(entry: CampaignEntry) -> list[Result]:
    """What came of a campaign's conversations, the most frequent first."""
    known = {one.code: one for one in entry.campaign.agents.dispositions}
    counts = entry.progress.dispositions
    total, most = sum(counts.values()), max(counts.values(), default=0)
    return [
        Result(
            code=code,
            label=known[code].label if code in known else "no result set" if code == NOT_SET else code,
            count=count,
            share=count / total,
            width=round(100 * count / most, 2),
            is_success=code in known and known[code].is_success,
        )
        for code, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        if count
    ]


def outcome_kind(outcome: Outcome | None) -> str:
    """The colour's name of an outcome: reached, missed, number to be mended, fault, unknown, open."""
    if outcome is None:
        return "open"
    if outcome in (Outcome.CONNECTED_TO_IVR, Outcome.CONNECTED_TO_AGENT):
        return "reached"
    match OUTCOMES[outcome].retry:
        case RetryClass.FIX:
            return "fix"
        case RetryClass.SOON:
            return "fault"
        case RetryClass.UNKNOWN:
            return "unknown"
        case RetryClass.NEVER | RetryClass.LATER | RetryClass.BACK:
            return "missed"


def trunk_rows(trunks: Iterable[Trunk], snapshot: Snapshot) -> list[TrunkRow]:
    """All trunks, those in trouble first."""
    pictures = {picture.id: picture for picture in snapshot.trunks}
    kinds = {TrunkState.IN_SERVICE: "good", TrunkState.PROBING: "trial", TrunkState.OUT: "alarm"}
    rows = []
    for trunk in trunks:
        picture = pictures.get(trunk.id)
        state, kind = (picture.state.value, kinds[picture.state]) if picture else ("", "off")
        if not trunk.is_enabled:
            state, kind = "switched off", "off"
        used = picture.lines_used if picture else 0
        reason = picture.reason if picture and kind in ("alarm", "trial") else ""
        width = min(100.0, 100 * used / trunk.lines)
        rows.append(TrunkRow(trunk=trunk, state=state, kind=kind, lines_used=used, reason=reason, width=width))
    return sorted(rows, key=lambda row: (row.kind != "alarm", row.kind != "trial", row.trunk.id))


def subject(entries: Sequence[CampaignEntry]) -> list[CampaignEntry]:
    """Whose outcomes the front page shows: campaigns that are going on; with none, the newest that made a call."""
    going = [entry for entry in entries if entry.status in (CampaignStatus.RUNNING, CampaignStatus.PAUSED)]
    return going or [entry for entry in entries if entry.progress.attempts][:1] or list(entries[:1])


def summed(entries: Iterable[CampaignEntry]) -> dict[Outcome, int]:
    """Outcomes of several campaigns together."""
    total: dict[Outcome, int] = {}
    for entry in entries:
        for outcome, count in entry.progress.outcomes.items():
            total[outcome] = total.get(outcome, 0) + count
    return total


def last_ended(attempts: Iterable[AttemptEntry]) -> list[AttemptEntry]:
    """Those with an outcome first, the last to end on top; then the open ones, newest first."""
    return sorted(attempts, key=lambda one: (one.closed_at_ms or 0, one.opened_at_ms), reverse=True)


def attempt_state(entry: AttemptEntry) -> str:
    """What an attempt is doing or came to, in words to be translated."""
    if entry.outcome is not None:
        return entry.outcome.label
    facts = entry.facts
    return "answered" if facts.answered_at_ms else "ringing" if facts.ringing_at_ms else "in progress"

"""The wallboard, worked out from the dialer's snapshot, the campaigns on disk and the meter: plain records to draw.

Pure: the same snapshot and figures give the same board. Thresholds are the ones the floor is run by; they are here and
nowhere else.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from app.agents import AgentState, DialingMode, SpyMode
from app.dialing.snapshot import AgentPicture, CampaignPicture, Snapshot
from app.model import CampaignStatus, Trunk
from app.outcomes import ContactStatus
from app.panel import view
from app.panel.budget_view import BudgetRow, Stage, budget_row
from app.panel.floor_meter import TARGET, Abandonment, FloorMeter
from app.panel.levels import BUDGET, RANK, Level, Limit
from app.store.campaigns import CampaignEntry
from app.units import SECOND_MS, AgentId, CampaignId

CONNECT: Final = Limit(amber=1 * SECOND_MS, red=2 * SECOND_MS)
WAIT: Final = Limit(amber=60 * SECOND_MS, red=180 * SECOND_MS)
WRAP_UP: Final = Limit(amber=60 * SECOND_MS, red=120 * SECOND_MS)
TRUNK: Final = Limit(amber=0.8, red=0.95)
LIST_LEFT: Final = Limit(amber=60.0, red=15.0)
"""Minutes: bad when they are few."""

BUSY: Final = frozenset({AgentState.TALKING, AgentState.ON_HOLD})
KINDS: Final = {
    AgentState.SIGNED_OUT: "offline", AgentState.AVAILABLE: "available", AgentState.RESERVED: "reserved",
    AgentState.RINGING: "ringing", AgentState.TALKING: "talking", AgentState.ON_HOLD: "hold",
    AgentState.WRAP_UP: "wrap-up", AgentState.PAUSED: "paused",
}  # fmt: skip
"""The names of the states' colours and icons."""


SIGNED_IN: Final = "signed-in"
"""The reason of the pause an agent begins with: their phone is only just being rung."""


class Kind(enum.Enum):
    """What an alert is about."""

    TELEPHONY = "telephony"
    DATABASE = "database"
    BUDGET_GONE = "budget gone"
    BUDGET = "budget"
    BUDGET_SPENT = "budget spent"
    OVER_CAP = "over cap"
    TRUNK_OUT = "trunk out"
    NO_AGENTS = "no agents"
    DANGLING = "dangling"
    LIST_ENDS = "list ends"
    PHONES_LOST = "phones lost"
    SLOW = "slow"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """Something that wants a person. subject: a name; number: how much of it; detail: words of the program."""

    kind: Kind
    level: Level
    subject: str = ""
    number: float = 0.0
    detail: str = ""
    campaign_id: CampaignId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tiles:
    """The six figures on top. Levels beside those that have limits; None where there is nothing to say yet."""

    abandonment: Abandonment
    abandonment_level: Level
    abandonment_target: float
    available: int
    signed_in: int
    ringing: int
    lines: int
    wait_since_ms: int | None
    wait_name: str
    wait_level: Level
    contacts_per_hour: float | None
    target_per_hour: int
    minutes_left: float | None
    minutes_of: str
    minutes_level: Level


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignRow:
    """A campaign on the board. budget: of a predictive one, shown in place of abandonment."""

    card: view.CampaignCard
    level: Level
    with_agents: int
    seeking: int
    seeking_since_ms: int | None
    agents: int
    available: int
    abandonment: Abandonment
    abandonment_level: Level
    wait_p95_ms: int | None
    wait_level: Level
    minutes_left: float | None
    minutes_level: Level
    budget: BudgetRow | None

    @property
    def mode(self) -> DialingMode:
        """How it dials."""
        return self.card.entry.campaign.mode


@dataclass(frozen=True, slots=True, kw_only=True)
class TrunkBar:
    """A trunk with the share of its lines in use."""

    row: view.TrunkRow
    level: Level


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentRow:
    """An agent on the board: everything its row shows, and nothing that changes by itself but the time."""

    agent_id: AgentId
    name: str
    state: AgentState
    level: Level
    since_ms: int
    deadline_ms: int | None
    endpoint: str
    reason: str
    campaign: str
    campaigns: int
    number: str
    contact: str
    attempt_id: str
    calls: int
    talked_ms: int
    phone_note: str
    is_browser_lost: bool
    is_muted: bool
    is_recording: bool
    is_conference: bool
    consult: str
    pause_next: str
    signs_out_next: bool
    spies: tuple[tuple[str, SpyMode], ...]
    waiting_for: str

    @property
    def kind(self) -> str:
        """The name of the state's colour and icon."""
        return KINDS[self.state]

    @property
    def is_busy(self) -> bool:
        """Whether they are with a person, so that there is something to listen to."""
        return self.state in BUSY

    @property
    def has_call(self) -> bool:
        """Whether there is a call that can be ended: one up, or one on its way."""
        return self.is_busy or self.state is AgentState.RINGING

    @property
    def may_go_ready(self) -> bool:
        """Whether making them available makes sense."""
        return self.state in (AgentState.PAUSED, AgentState.WRAP_UP)


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """The whole wallboard at one moment."""

    at_ms: int
    alerts: tuple[Alert, ...]
    tiles: Tiles
    campaigns: tuple[CampaignRow, ...]
    trunks: tuple[TrunkBar, ...]
    agents: tuple[AgentRow, ...]
    """Worst first: red, amber, then the calm by name, so that rows stay where they are while all is well."""


def board(
    snapshot: Snapshot,
    entries: Sequence[CampaignEntry],
    trunks: Iterable[Trunk],
    meter: FloorMeter,
) -> Board:
    """Fold everything into the board."""
    names = {entry.campaign.id: entry.campaign.name for entry in entries}
    campaigns = campaign_rows(snapshot, entries, meter)
    bars = tuple(TrunkBar(row=row, level=trunk_level(row)) for row in view.trunk_rows(trunks, snapshot))
    agents = tuple(sorted((agent_row(one, names, snapshot.at_ms) for one in snapshot.agents), key=_urgency))
    return Board(
        at_ms=snapshot.at_ms,
        alerts=tuple(alerts(snapshot, campaigns, bars, agents)),
        tiles=tiles(campaigns, agents, meter),
        campaigns=campaigns,
        trunks=bars,
        agents=agents,
    )


# --- agents ----------------------------------------------------------------------------------------------------------


def agent_row(picture: AgentPicture, names: Mapping[CampaignId, str], now_ms: int) -> AgentRow:
    """One agent. names: of campaigns, by id."""
    card = picture.card
    shown = picture.campaign_id or (picture.campaigns[0] if len(picture.campaigns) == 1 else None)
    return AgentRow(
        agent_id=picture.agent_id,
        name=picture.name,
        state=picture.state,
        level=agent_level(picture, now_ms),
        since_ms=picture.since_ms,
        deadline_ms=picture.deadline_ms,
        endpoint=picture.endpoint,
        reason=(picture.reason_label or picture.reason) if picture.state is AgentState.PAUSED else "",
        campaign=names.get(shown, "") if shown is not None else "",
        campaigns=len(picture.campaigns),
        number=card.number if card else "",
        contact=contact_name(card.fields) if card else "",
        attempt_id=card.attempt_id if card else "",
        calls=picture.calls,
        talked_ms=picture.talked_ms,
        phone_note=picture.phone_note,
        is_browser_lost=picture.is_browser_lost,
        is_muted=picture.is_muted,
        is_recording=picture.is_recording,
        is_conference=picture.is_conference,
        consult=picture.consult,
        pause_next=picture.pause_next,
        signs_out_next=picture.signs_out_next,
        spies=picture.spies,
        waiting_for=picture.waiting_for if picture.state is AgentState.AVAILABLE else "",
    )


def contact_name(fields: Mapping[str, str]) -> str:
    """What the person is called, where their list says so."""
    return next((value for key, value in fields.items() if key.strip().lower() in _NAME_COLUMNS and value), "")


_NAME_COLUMNS: Final = ("name", "full name", "full_name", "имя", "фио", "ф.и.о.", "first name", "first_name", "contact")


def agent_level(picture: AgentPicture, now_ms: int) -> Level:
    """How much an agent asks for the supervisor."""
    passed_ms = now_ms - picture.since_ms
    if picture.phone_note:
        return Level.AMBER if picture.reason == SIGNED_IN else Level.RED
    by_time = Level.CALM
    match picture.state:
        case AgentState.AVAILABLE:
            by_time = WAIT.level(passed_ms)
        case AgentState.WRAP_UP:
            by_time = WRAP_UP.level(passed_ms)
        case AgentState.PAUSED if picture.pause_limit_ms:
            by_time = Limit(amber=picture.pause_limit_ms, red=2 * picture.pause_limit_ms).level(passed_ms)
        case _:
            pass
    lost = Level.AMBER if picture.is_browser_lost else Level.CALM
    return max(by_time, lost, key=RANK.__getitem__)


def _urgency(row: AgentRow) -> tuple[int, int, str, int]:
    """Who asks most comes first, and among them who has asked longest; the others stand still, by name."""
    rank = -RANK[row.level]
    return (rank, row.since_ms if rank else 0, row.name.casefold(), row.agent_id)


# --- campaigns and trunks --------------------------------------------------------------------------------------------


def campaign_rows(snapshot: Snapshot, entries: Sequence[CampaignEntry], meter: FloorMeter) -> tuple[CampaignRow, ...]:
    """The campaigns that go on, running ones first, then by name."""
    pictures = {picture.id: picture for picture in snapshot.campaigns}
    going = [
        entry for entry in entries
        if entry.status in (CampaignStatus.RUNNING, CampaignStatus.PAUSED) or _is_alive(pictures.get(entry.campaign.id))
    ]  # fmt: skip
    rows = [campaign_row(entry, pictures.get(entry.campaign.id), snapshot, meter) for entry in going]
    return tuple(
        sorted(rows, key=lambda row: (row.card.entry.status is not CampaignStatus.RUNNING, _name(row).casefold()))
    )


def _name(row: CampaignRow) -> str:
    return row.card.entry.campaign.name


def _is_alive(picture: CampaignPicture | None) -> bool:
    return picture is not None and bool(picture.dialing or picture.ringing or picture.answered)


def campaign_row(
    entry: CampaignEntry, picture: CampaignPicture | None, snapshot: Snapshot, meter: FloorMeter
) -> CampaignRow:
    """One campaign with its calls, its agents and its figures."""
    campaign_id = entry.campaign.id
    abandonment = meter.abandonment(campaign_id)
    wait_ms = meter.wait_p95_ms(campaign_id, snapshot.at_ms)
    left = minutes_left(entry, meter.calls_per_minute(campaign_id, snapshot.at_ms))
    budget = budget_row(picture.pacing) if picture else None
    levels = {
        "abandonment": budget.alarm if budget else budget_level(abandonment),
        "wait": CONNECT.level(wait_ms) if wait_ms is not None else Level.CALM,
        "minutes": list_level(left),
    }
    longest_ms = picture.longest_wait_ms if picture and picture.seeking else 0
    return CampaignRow(
        card=view.card(entry, snapshot),
        level=max(levels.values(), key=RANK.__getitem__),
        with_agents=picture.with_agents if picture else 0,
        seeking=picture.seeking if picture else 0,
        seeking_since_ms=snapshot.at_ms - longest_ms if longest_ms else None,
        agents=picture.agents if picture else 0,
        available=picture.available if picture else 0,
        abandonment=abandonment,
        abandonment_level=levels["abandonment"],
        wait_p95_ms=wait_ms,
        wait_level=levels["wait"],
        minutes_left=left,
        minutes_level=levels["minutes"],
        budget=budget,
    )


def budget_level(abandonment: Abandonment) -> Level:
    """Of the abandonment budget. One person in a handful of calls is no trend: below the first whole one it is calm."""
    return BUDGET.level(abandonment.used) if abandonment.abandoned else Level.CALM


def minutes_left(entry: CampaignEntry, calls_per_minute: float) -> float | None:
    """How long the waiting line lasts at the present pace; None when nothing is dialed, so that nobody can say."""
    if entry.status is not CampaignStatus.RUNNING or calls_per_minute < 0.1:
        return None
    return entry.progress.waiting / calls_per_minute


def list_level(minutes: float | None) -> Level:
    """Of a list's end coming near."""
    if minutes is None:
        return Level.CALM
    return Level.RED if minutes <= LIST_LEFT.red else Level.AMBER if minutes <= LIST_LEFT.amber else Level.CALM


def trunk_level(row: view.TrunkRow) -> Level:
    """Of a trunk's lines, or of its being out."""
    if row.kind == "alarm":
        return Level.RED
    return Level.CALM if row.kind == "off" else TRUNK.level(row.lines_used / row.trunk.lines)


# --- the tiles -------------------------------------------------------------------------------------------------------


def tiles(campaigns: Sequence[CampaignRow], agents: Sequence[AgentRow], meter: FloorMeter) -> Tiles:
    """The six figures."""
    waiting = min((row for row in agents if row.state is AgentState.AVAILABLE), key=lambda r: r.since_ms, default=None)
    ending = min(
        (row for row in campaigns if row.minutes_left is not None), key=lambda r: r.minutes_left or 0.0, default=None
    )
    running = [row.card for row in campaigns if row.card.entry.status is CampaignStatus.RUNNING]
    worst = max((row.abandonment_level for row in campaigns), key=RANK.__getitem__, default=Level.CALM)
    pictures = [row.card.picture for row in campaigns if row.card.picture]
    targets = [card.entry.campaign.agents.target_per_hour for card in running]
    return Tiles(
        abandonment=meter.abandonment(),
        abandonment_level=worst,
        abandonment_target=max((row.budget.target for row in campaigns if row.budget), default=TARGET),
        available=sum(1 for row in agents if row.state is AgentState.AVAILABLE),
        signed_in=sum(1 for row in agents if row.state is not AgentState.SIGNED_OUT),
        ringing=sum(picture.dialing + picture.ringing for picture in pictures),
        lines=sum(card.entry.campaign.lines for card in running),
        wait_since_ms=waiting.since_ms if waiting else None,
        wait_name=waiting.name if waiting else "",
        wait_level=waiting.level if waiting else Level.CALM,
        contacts_per_hour=meter.contacts_per_agent_hour(),
        target_per_hour=max(targets, default=0),
        minutes_left=ending.minutes_left if ending else None,
        minutes_of=_name(ending) if ending else "",
        minutes_level=ending.minutes_level if ending else Level.CALM,
    )


# --- alerts ----------------------------------------------------------------------------------------------------------


def alerts(
    snapshot: Snapshot, campaigns: Sequence[CampaignRow], bars: Sequence[TrunkBar], agents: Sequence[AgentRow]
) -> list[Alert]:
    """What wants a person, worst first."""
    found: list[Alert] = []
    if not snapshot.is_telephony_up:
        found.append(Alert(kind=Kind.TELEPHONY, level=Level.RED, detail=snapshot.telephony_reason))
    if snapshot.disk_trouble:
        found.append(Alert(kind=Kind.DATABASE, level=Level.RED, detail=snapshot.disk_trouble))
    for row in campaigns:
        found += _of_campaign(row)
    for bar in bars:
        if bar.level is Level.RED and bar.row.kind == "alarm":
            found.append(
                Alert(kind=Kind.TRUNK_OUT, level=Level.RED, subject=str(bar.row.trunk.id), detail=bar.row.reason)
            )
    lost = [row.name for row in agents if row.phone_note and row.level is Level.RED]
    if lost:
        found.append(
            Alert(kind=Kind.PHONES_LOST, level=Level.RED, subject=", ".join(lost[:5]), number=float(len(lost)))
        )
    return sorted(found, key=lambda one: -RANK[one.level])


def _of_campaign(row: CampaignRow) -> Iterable[Alert]:
    entry = row.card.entry

    def about(kind: Kind, level: Level, number: float = 0.0) -> Alert:
        return Alert(kind=kind, level=level, subject=entry.campaign.name, number=number, campaign_id=entry.campaign.id)

    if row.budget and row.abandonment_level is not Level.CALM:
        kind = Kind.OVER_CAP if row.budget.stage is Stage.AHEAD else Kind.BUDGET_SPENT
        yield about(kind, row.abandonment_level, row.budget.share)
    elif row.abandonment_level is not Level.CALM:
        used = row.abandonment.used
        yield about(Kind.BUDGET_GONE if used >= 1 else Kind.BUDGET, row.abandonment_level, used)
    dangling = entry.progress.statuses.get(ContactStatus.DANGLING, 0)
    if dangling:
        yield about(Kind.DANGLING, Level.RED, float(dangling))
    has_nobody = not row.agents and entry.campaign.mode is not DialingMode.BROADCAST and not entry.campaign.agents.queue
    if has_nobody and entry.status is CampaignStatus.RUNNING:
        yield about(Kind.NO_AGENTS, Level.AMBER)
    if row.wait_level is Level.RED:
        yield about(Kind.SLOW, Level.RED, float(row.wait_p95_ms or 0))
    if row.minutes_level is not Level.CALM and row.minutes_left is not None:
        yield about(Kind.LIST_ENDS, row.minutes_level, row.minutes_left)

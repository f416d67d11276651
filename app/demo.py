"""`outring demo`: a broadcast and a floor of agents on a private Asterisk, which really calls a second one."""

from __future__ import annotations

import asyncio
import secrets
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from app.agents import AgentPlan, DialingMode
from app.compliance.plan import AT_ANY_TIME
from app.contacts.importing import import_list
from app.demo_floor import NAMES, RobotAgent, robots_at_work
from app.dialing.snapshot import Snapshot
from app.model import Campaign, CampaignStatus, RetryPolicy, Trunk
from app.outcomes import ContactStatus, Outcome
from app.panel.passwords import hash_password
from app.screen import campaign_screen
from app.service import Service, service
from app.settings import Settings, load
from app.store import campaigns, lists, people, progress
from app.store.campaigns import CampaignEntry
from app.store.phones import Phone, put_phone
from app.units import SECOND_MS, AgentId, CampaignId, FlowId, ListId, TrunkId
from asterisk.lab import Lab

LINES = 60
CALLS_PER_SECOND = 10.0
CALLER_ID = "+442079460000"  # a number Ofcom keeps for fiction
USER = "demo"
AGENT = "agent"
TRUNK = TrunkId("network")
RETRY = RetryPolicy(max_attempts=2, retry_ms=3 * SECOND_MS, max_faults=2, fault_retry_ms=2 * SECOND_MS)
SCRIPT = """\
# Greeting
Good day, {name}! This is Outring Telecom. Do you have a minute?
# Offer
You have been with us since {customer since}. Your plan {plan} can be a third cheaper from next month.
# Goodbye
Thank you, {name}. Have a good day!
"""
SAFE_HARBOR = "This is Outring Telecom. All our agents are busy. We are sorry for the trouble. Goodbye."
TALKED = frozenset(
    {Outcome.CONNECTED_TO_AGENT, Outcome.WRONG_PERSON, Outcome.WRONG_NUMBER, Outcome.CUSTOMER_ASKED_FOR_CALLBACK}
)
"""Outcomes of who talked with a robot."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoResult:
    """What the demo did. unaccounted: contacts without an end; 0 is well. connected: they talked with an agent."""

    contacts: int
    attempts: int
    outcomes: Mapping[str, int]
    unaccounted: int
    opted_out: int
    connected: int
    abandoned: int
    seconds: float
    url: str


async def run_demo(
    console: Console, *, exit_when_done: bool, port: int, list_file: Path | None = None, country: str = "GB"
) -> DemoResult:
    """Set everything up, run the campaigns to their end, answer what came of them; nothing stays behind.

    With a `list_file` it alone is dialed, by the broadcast; the agents have a list of the demo's own.
    Raises LabError when the laboratory cannot be started, SheetProblem when `list_file` cannot be read.
    """
    with tempfile.TemporaryDirectory(prefix="outring-demo-") as folder:
        console.print("[bold]Outring demo[/]: a PBX, a telephone network and ten agents' phones, on loopback …")
        async with Lab(phones=len(NAMES) + 2) as lab:
            settings = _settings(lab, Path(folder), port)
            async with service(settings) as running:
                password = secrets.token_urlsafe(9)
                await _add_user(running, USER, people.Role.ADMIN, password)
                await _add_user(running, AGENT, people.Role.AGENT, password)
                reminders = await _prepare_reminders(running, console, list_file, country)
                campaign_ids = [reminders]
                robots: list[RobotAgent] = []
                if list_file is None:
                    campaign_ids.append(await _prepare_offer(running, console))
                    robots = await _hire(running, lab, campaign_ids[-1])
                console.print(
                    f"Panel       [link={running.url}]{running.url}[/]   supervisor {USER}, agent {AGENT}: "
                    f"password {password}"
                )
                async with robots_at_work(robots):
                    for campaign_id in campaign_ids:
                        await running.operations.start_campaign(campaign_id)
                    result = await _watch(running, campaign_ids, console)
                    console.print(_outcome_table(result))
                    _say_result(console, result)
                    if not exit_when_done and console.is_terminal:  # with nobody at a terminal, nobody presses Ctrl-C
                        console.print(f"The panel stays open at {running.url} until you press Ctrl-C.")
                        await running.ended
                return result


def _settings(lab: Lab, folder: Path, port: int) -> Settings:
    return load(
        ari_url=lab.pbx.ari_url,
        ari_user=lab.pbx.ari_user,
        ari_password=lab.pbx.ari_password,
        database_url=f"sqlite+aiosqlite:///{folder / 'outring.db'}",
        data_dir=folder / "data",
        http_host="127.0.0.1",
        http_port=port,
        asterisk_recordings_dir=lab.pbx.recordings_dir,
        asterisk_sounds_dir=lab.pbx.sounds_dir,
    )


async def _add_user(running: Service, name: str, role: people.Role, password: str) -> people.User:
    hashed = await asyncio.to_thread(hash_password, password)
    now_ms = running.operations.now_ms
    return await running.store.write(people.add_user, name=name, password_hash=hashed, role=role, now_ms=now_ms)


async def _import(running: Service, console: Console, sheet: Path, name: str, country: str) -> ListId:
    report = await import_list(running.store, sheet, name, country)
    counts = report.counts
    console.print(f"List        {name}: {counts.imported} contacts from {sheet.name}, {counts.rejected} rejected")
    found = await running.store.read(lists.list_by_name, name)
    assert found is not None, "the list that was just imported is gone"
    return found.id


async def _prepare_reminders(running: Service, console: Console, list_file: Path | None, country: str) -> CampaignId:
    """The broadcast: a trunk, a list, a flow that asks for keys."""
    operations = running.operations
    await operations.save_trunk(
        Trunk(
            id=TRUNK,
            endpoint="network",
            lines=LINES,
            calls_per_second=CALLS_PER_SECOND,
            prefixes=("+",),
            caller_id=CALLER_ID,
        )
    )
    sheet = list_file or Path(str(files("asterisk.lab") / "sample-contacts.csv"))
    list_id = await _import(running, console, sheet, "Appointments", "GB" if list_file is None else country)
    source = (files("app.ivr") / "samples" / "appointment.yaml").read_text(encoding="utf-8")
    version, flow = await operations.save_flow("appointment", source)
    console.print(f"Flow        {flow.name}: {len(flow.nodes)} steps, {', '.join(flow.languages)}")
    plan = Campaign(
        id=CampaignId(0),
        name="Appointment reminders",
        flow_id=version.id,
        trunks=(TRUNK,),
        compliance=AT_ANY_TIME,
        lines=LINES,
        calls_per_second=CALLS_PER_SECOND,
        ring_timeout_ms=16 * SECOND_MS,
        retry=RETRY,
    )
    return (await operations.create_campaign(plan, [list_id])).campaign.id


async def _prepare_offer(running: Service, console: Console) -> CampaignId:
    """The agents' campaign: progressive, a call for each agent who is free."""
    sheet = Path(str(files("asterisk.lab") / "sample-people.csv"))
    list_id = await _import(running, console, sheet, "Customers", "GB")
    plan = Campaign(
        id=CampaignId(0),
        name="Spring offer",
        flow_id=FlowId(0),
        trunks=(TRUNK,),
        compliance=AT_ANY_TIME,
        lines=LINES,
        calls_per_second=CALLS_PER_SECOND,
        ring_timeout_ms=16 * SECOND_MS,
        retry=RETRY,
        mode=DialingMode.PROGRESSIVE,
        agents=AgentPlan(script=SCRIPT, safe_harbor=SAFE_HARBOR),
    )
    return (await running.operations.create_campaign(plan, [list_id])).campaign.id


async def _hire(running: Service, lab: Lab, campaign_id: CampaignId) -> list[RobotAgent]:
    """Robots with phones of the laboratory; the two phones left over are for whoever looks around."""
    robots = []
    names = list(lab.phones)
    for endpoint in names[len(NAMES) :]:
        await running.store.write(put_phone, Phone(endpoint=endpoint, label=f"{endpoint}, answers by itself"))
    for name, endpoint in zip(NAMES, names, strict=False):
        user = await _add_user(running, name, people.Role.AGENT, secrets.token_urlsafe(9))
        await running.store.write(put_phone, Phone(endpoint=endpoint, label=name, agent_id=AgentId(user.id)))
        robots.append(RobotAgent(running.agents, user, endpoint, [campaign_id]))
    return robots


async def _watch(running: Service, campaign_ids: Sequence[CampaignId], console: Console) -> DemoResult:
    began = time.monotonic()
    with Live(console=console, refresh_per_second=4, transient=True) as live:
        is_over = False
        while not is_over:
            if running.ended.done():
                running.ended.result()
            entries = [await running.store.read(campaigns.get_campaign, campaign_id) for campaign_id in campaign_ids]
            live.update(_screen(entries, running.operations.snapshot(), time.monotonic() - began))
            is_over = all(entry.status is CampaignStatus.FINISHED for entry in entries)
            await asyncio.sleep(0.25)
    counts = [await running.store.read(progress.get_progress, campaign_id) for campaign_id in campaign_ids]
    outcomes: Counter[Outcome] = Counter()
    for one in counts:
        outcomes.update(one.outcomes)
    return DemoResult(
        contacts=sum(one.total for one in counts),
        attempts=sum(one.attempts for one in counts),
        outcomes={outcome.label: count for outcome, count in outcomes.items()},
        unaccounted=sum(one.total - one.settled for one in counts),
        opted_out=sum(one.statuses.get(ContactStatus.DO_NOT_CALL, 0) for one in counts),
        connected=sum(count for outcome, count in outcomes.items() if outcome in TALKED),
        abandoned=outcomes[Outcome.ABANDONED_BY_DIALER],
        seconds=round(time.monotonic() - began, 1),
        url=running.url,
    )


def _screen(entries: Sequence[CampaignEntry], snapshot: Snapshot, seconds: float) -> Group:
    """A bar for each campaign, and the agents in a line."""
    pictures = {picture.id: picture for picture in snapshot.campaigns}
    parts: list[RenderableType] = []
    for entry in entries:
        picture, counts = pictures.get(entry.campaign.id), entry.progress
        placed = "" if picture is None else f", {picture.placed} placed ({picture.placed / max(seconds, 1.0):.1f}/s)"
        parts.append(Text(entry.campaign.name, style="bold"))
        parts.append(
            campaign_screen(
                settled=counts.settled,
                total=counts.total,
                outcomes={outcome.label: count for outcome, count in counts.outcomes.items()},
                up=None if picture is None else (picture.dialing, picture.ringing, picture.answered),
                waiting_for="" if picture is None else picture.waiting_for,
                beside=f"{seconds:.0f} s{placed}",
            )
        )
    states = Counter(agent.state.value for agent in snapshot.agents)
    parts.append(Text("agents: " + ", ".join(f"{count} {state}" for state, count in sorted(states.items()))))
    return Group(*parts)


def _outcome_table(result: DemoResult) -> Table:
    numbers = {outcome.label: int(outcome) for outcome in Outcome}
    table = Table(title="What came of the attempts", title_justify="left")
    table.add_column("no.", justify="right")
    table.add_column("outcome")
    table.add_column("attempts", justify="right")
    for label, count in sorted(result.outcomes.items(), key=lambda item: -item[1]):
        table.add_row(str(numbers[label]), label, str(count))
    return table


def _say_result(console: Console, result: DemoResult) -> None:
    console.print(
        f"{result.contacts} contacts, {result.attempts} attempts in {result.seconds:g} s, {result.connected} talked "
        f"with an agent, {result.abandoned} abandoned, {result.opted_out} asked not to be called again, "
        f"{result.unaccounted} unaccounted for."
    )


def as_json(result: DemoResult) -> dict[str, object]:
    """For `--json`."""
    return asdict(result)

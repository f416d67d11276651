"""`outring demo`: a real broadcast campaign on a private Asterisk that calls a second one over loopback."""

from __future__ import annotations

import asyncio
import secrets
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table

from app.contacts.importing import import_list
from app.dialing.snapshot import CampaignPicture
from app.model import Campaign, RetryPolicy, Trunk
from app.outcomes import Outcome
from app.panel.passwords import hash_password
from app.screen import campaign_screen
from app.service import Service, service
from app.settings import Settings, load
from app.store import campaigns, lists, people, progress
from app.store.progress import Progress
from app.units import SECOND_MS, CampaignId, TrunkId
from asterisk.lab import Lab

LINES = 60
CALLS_PER_SECOND = 10.0
CALLER_ID = "+442079460000"  # a number Ofcom keeps for fiction
USER = "demo"


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoResult:
    """What the demo did. unaccounted: contacts without an end; 0 when all went well."""

    contacts: int
    attempts: int
    outcomes: Mapping[str, int]
    unaccounted: int
    opted_out: int
    seconds: float
    url: str


async def run_demo(
    console: Console, *, exit_when_done: bool, port: int, list_file: Path | None = None, country: str = "GB"
) -> DemoResult:
    """Set everything up, run the campaign to its end, answer what came of it; nothing stays behind.

    Raises LabError when the laboratory cannot be started, SheetProblem when `list_file` cannot be read.
    """
    with tempfile.TemporaryDirectory(prefix="outring-demo-") as folder:
        console.print("[bold]Outring demo[/]: a PBX and a telephone network, two Asterisks on loopback …")
        async with Lab() as lab:
            settings = _settings(lab, Path(folder), port)
            async with service(settings) as running:
                password = secrets.token_urlsafe(9)
                await _add_user(running, password)
                campaign_id = await _prepare(running, console, list_file, country)
                console.print(f"Live page   [link={running.url}]{running.url}[/]   user {USER}   password {password}")
                result = await _watch(running, campaign_id, console)
                console.print(_outcome_table(await _progress(running, campaign_id)))
                _say_result(console, result)
                if not exit_when_done and console.is_terminal:  # with nobody at a terminal, nobody presses Ctrl-C
                    console.print(f"The live page stays open at {running.url} until you press Ctrl-C.")
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


async def _add_user(running: Service, password: str) -> None:
    hashed = await asyncio.to_thread(hash_password, password)
    await running.store.write(
        people.add_user, name=USER, password_hash=hashed, role=people.Role.ADMIN, now_ms=running.operations.now_ms
    )


async def _prepare(running: Service, console: Console, list_file: Path | None, country: str) -> CampaignId:
    operations = running.operations
    trunk = Trunk(
        id=TrunkId("network"),
        endpoint="network",
        lines=LINES,
        calls_per_second=CALLS_PER_SECOND,
        prefixes=("+",),
        caller_id=CALLER_ID,
    )
    await operations.save_trunk(trunk)
    sample = list_file or Path(str(files("asterisk.lab") / "sample-contacts.csv"))
    report = await import_list(running.store, sample, "Appointments", "GB" if list_file is None else country)
    console.print(
        f"List        {report.counts.imported} contacts from {sample.name}, {report.counts.rejected} rejected"
    )
    source = (files("app.ivr") / "samples" / "appointment.yaml").read_text(encoding="utf-8")
    version, flow = await operations.save_flow("appointment", source)
    console.print(f"Flow        {flow.name}: {len(flow.nodes)} steps, {', '.join(flow.languages)}")
    found = await running.store.read(lists.list_by_name, "Appointments")
    assert found is not None, "the list that was just imported is gone"
    plan = Campaign(
        id=CampaignId(0),
        name="Appointment reminders",
        flow_id=version.id,
        trunks=(trunk.id,),
        lines=LINES,
        calls_per_second=CALLS_PER_SECOND,
        ring_timeout_ms=16 * SECOND_MS,
        retry=RetryPolicy(max_attempts=2, retry_ms=3 * SECOND_MS, max_faults=2, fault_retry_ms=2 * SECOND_MS),
    )
    entry = await operations.create_campaign(plan, [found.id])
    await operations.start_campaign(entry.campaign.id)
    return entry.campaign.id


async def _progress(running: Service, campaign_id: CampaignId) -> Progress:
    return await running.store.read(progress.get_progress, campaign_id)


async def _watch(running: Service, campaign_id: CampaignId, console: Console) -> DemoResult:
    began = time.monotonic()
    with Live(console=console, refresh_per_second=4, transient=True) as live:
        while True:
            if running.ended.done():
                running.ended.result()
            counts = await _progress(running, campaign_id)
            pictures = [p for p in running.operations.snapshot().campaigns if p.id == campaign_id]
            live.update(_screen(counts, pictures[0] if pictures else None, time.monotonic() - began))
            entry = await running.store.read(campaigns.get_campaign, campaign_id)
            if not pictures and entry.status.value == "finished":
                break
            await asyncio.sleep(0.25)
    outcomes = {outcome.label: count for outcome, count in counts.outcomes.items()}
    return DemoResult(
        contacts=counts.total,
        attempts=counts.attempts,
        outcomes=outcomes,
        unaccounted=counts.total - counts.settled,
        opted_out=sum(n for status, n in counts.statuses.items() if status.value == "do-not-call"),
        seconds=round(time.monotonic() - began, 1),
        url=running.url,
    )


def _screen(counts: Progress, picture: CampaignPicture | None, seconds: float) -> Group:
    placed = "" if picture is None else f", {picture.placed} placed ({picture.placed / max(seconds, 1.0):.1f}/s)"
    return campaign_screen(
        settled=counts.settled,
        total=counts.total,
        outcomes={outcome.label: count for outcome, count in counts.outcomes.items()},
        up=None if picture is None else (picture.dialing, picture.ringing, picture.answered),
        waiting_for="" if picture is None else picture.waiting_for,
        beside=f"{seconds:.0f} s{placed}",
    )


def _outcome_table(counts: Progress) -> Table:
    table = Table(title="What came of the attempts", title_justify="left")
    table.add_column("no.", justify="right")
    table.add_column("outcome")
    table.add_column("attempts", justify="right")
    for outcome, count in sorted(counts.outcomes.items(), key=lambda item: -item[1]):
        table.add_row(str(int(outcome)), Outcome(outcome).label, str(count))
    return table


def _say_result(console: Console, result: DemoResult) -> None:
    console.print(
        f"{result.contacts} contacts, {result.attempts} attempts in {result.seconds:g} s, "
        f"{result.opted_out} asked not to be called again, {result.unaccounted} unaccounted for."
    )


def as_json(result: DemoResult) -> dict[str, object]:
    """For `--json`."""
    return asdict(result)

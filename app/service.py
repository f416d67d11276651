"""The running program: store, prompts, telephony, dialer and panel put together, and taken apart in order."""

from __future__ import annotations

import asyncio
import errno
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog

from app.agent_operations import AgentOperations
from app.asterisk.ami_address import AmiAddress, parse_ami_url
from app.asterisk.fastagi import FastAgi
from app.asterisk.telephony import LANGUAGE_FOLDER, AsteriskTelephony
from app.callers import Callers
from app.compliance.library import Lawbook
from app.contacts.watched import WatchedFolder
from app.dialing.dialer import Dialer
from app.duty import Duty
from app.ivr.prompts import PromptStudio
from app.journal import Journal
from app.operations import Operations
from app.panel.server import Panel
from app.panel.standby_door import StandbyDoor
from app.reconciling import Reconciling
from app.runtime import Runtime, SystemClock
from app.settings import Settings, SettingsError
from app.store.door import SqlStore
from app.store.duty import DutyEntry
from app.units import CampaignId
from app.voices import voices

log = structlog.get_logger()

PORT_AGAIN_S: Final = 1.0
HAND_OVER_AGAIN_S: Final = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """What runs. `url`: where the panel is. `ended`: done when the dialer has stopped working, with the reason."""

    store: SqlStore
    runtime: Runtime
    operations: Operations
    agents: AgentOperations
    studio: PromptStudio
    duty: Duty
    url: str
    ended: asyncio.Task[None]


@asynccontextmanager
async def service(
    settings: Settings,
    *,
    on_unusable: Callable[[str], None] | None = None,
    on_standby: Callable[[DutyEntry], None] = lambda entry: None,
    with_panel: bool = True,
) -> AsyncIterator[Service]:
    """Go on duty and start everything; on leaving, stop everything, leave calls to Asterisk and duty to the next.

    With `standby` in the settings this waits for as long as another dialer is on duty on the database; on_standby is
    told of each such one. on_unusable: called when Asterisk refuses us for good (wrong password, another dialer took
    the application), or another dialer has taken over duty.
    Raises SettingsError when a voice of the settings is not there or ami_url is none, OnDutyElsewhere when another
    dialer is on duty, StoreError when the database cannot be used, OSError when a port is taken or the data folder
    cannot be made.
    """
    _make_data_dir(settings.data_dir)
    studio = PromptStudio(settings.data_dir / "prompts", providers=voices(settings))
    ami = _ami(settings)
    lawbook = Lawbook(settings.compliance_dir)
    async with await SqlStore.open(settings.database_url, lawbook=lawbook) as store, AsyncExitStack() as doors:
        async with _opt_outs_handed_over(settings.data_dir, store):
            duty = await _on_duty(settings, store, on_standby, doors, with_panel=with_panel)
        telephony = _telephony(settings, ami, duty, on_unusable)

        async def has_sound(name: str) -> bool | None:
            if await asyncio.to_thread(has_sound_file, settings.asterisk_sounds_dir, name):
                return True
            return await telephony.has_sound(name)

        journal = Journal(settings.data_dir)
        runtime = Runtime(dialer=Dialer(), telephony=telephony, store=store, prompts=studio, opt_outs=journal)
        operations = Operations(
            store=store, runtime=runtime, studio=studio, has_sound=has_sound, queue_problem=telephony.queue_problem
        )
        agents = AgentOperations(
            store=store, runtime=runtime, watch_phone=telephony.watch_phone, phone_trials=telephony
        )
        panel = Panel(operations=operations, agents=agents, store=store, settings=settings)
        beside = [asyncio.create_task(_keep(duty, on_unusable), name="duty")]
        try:
            url = await _open(panel, settings, duty, beside) if with_panel else ""
            first = [*await operations.first_events(), *await agents.resume()]
            if settings.agi_port:
                await _listen_to_dialplans(settings, Callers(store=store, operations=operations), doors)
            working = asyncio.create_task(runtime.run(first), name="dialer")
            beside += [asyncio.create_task(one, name="source") for one in _sources(settings, store, operations)]
            beside.append(asyncio.create_task(panel.sources.run(), name="sources"))
            beside.append(asyncio.create_task(panel.courier.run(), name="webhooks"))
            if settings.asterisk_cdr_file is not None:
                records = Reconciling(store, operations, settings.asterisk_cdr_file)
                beside.append(asyncio.create_task(records.run(), name="call records"))
            try:
                yield Service(
                    store=store,
                    runtime=runtime,
                    operations=operations,
                    agents=agents,
                    studio=studio,
                    duty=duty,
                    url=url,
                    ended=working,
                )
            finally:
                await panel.stop()
                working.cancel()
                with suppress(asyncio.CancelledError):
                    await working
                await telephony.stop()
        finally:
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)
            await panel.stop()


async def _on_duty(
    settings: Settings,
    store: SqlStore,
    on_standby: Callable[[DutyEntry], None],
    doors: AsyncExitStack,
    *,
    with_panel: bool,
) -> Duty:
    """Go on duty, and leave it at the end. Who waits says so at the panel's door, if that is free."""
    duty = Duty(store, lease_ms=round(1_000 * settings.lease_s))
    door = StandbyDoor(settings)
    shown: set[asyncio.Task[bool]] = set()

    def waiting(entry: DutyEntry) -> None:
        log.info("standing by", on_duty=entry.place, url=entry.url)
        on_standby(entry)
        if with_panel and settings.http_port:
            shown.add(asyncio.create_task(door.show(entry)))

    try:
        await duty.obtain(stands_by=settings.standby, waiting=waiting)
    finally:
        await asyncio.gather(*shown, return_exceptions=True)
        await door.close()
    doors.push_async_callback(duty.leave)
    return duty


@asynccontextmanager
async def _opt_outs_handed_over(folder: Path, store: SqlStore) -> AsyncIterator[None]:
    """What people asked of a dialer of this folder reaches who is on duty, however long we wait for our turn."""
    journal = Journal(folder)

    async def again() -> None:
        is_done = False
        while not is_done:
            await asyncio.sleep(HAND_OVER_AGAIN_S)
            is_done = await journal.hand_over(store, SystemClock().now_ms())

    if await journal.hand_over(store, SystemClock().now_ms()):
        yield
        return
    handing_over = asyncio.create_task(again(), name="opt-outs")
    try:
        yield
    finally:
        handing_over.cancel()
        await asyncio.gather(handing_over, return_exceptions=True)


async def _keep(duty: Duty, on_unusable: Callable[[str], None] | None) -> None:
    """Renew duty; when another dialer has it, there is nothing left for this one to do."""
    await duty.keep()
    if on_unusable is not None:
        on_unusable(duty.relieved.result())


async def _open(panel: Panel, settings: Settings, duty: Duty, beside: list[asyncio.Task[None]]) -> str:
    """Open the panel. Who took over from a frozen dialer of this machine dials, and waits for the port meanwhile."""
    try:
        url = await panel.start(settings.http_host, settings.http_port)
    except OSError as error:
        if not settings.standby or error.errno != errno.EADDRINUSE:
            raise
        log.warning("the panel waits for its port", port=settings.http_port)
        beside.append(asyncio.create_task(_open_later(panel, settings, duty), name="panel"))
        return ""
    await duty.tell_url(url)
    return url


async def _open_later(panel: Panel, settings: Settings, duty: Duty) -> None:
    while True:
        await asyncio.sleep(PORT_AGAIN_S)
        with suppress(OSError):
            url = await panel.start(settings.http_host, settings.http_port)
            log.info("the panel has its port", url=url)
            await duty.tell_url(url)
            return


def _telephony(
    settings: Settings, ami: AmiAddress | None, duty: Duty, on_unusable: Callable[[str], None] | None
) -> AsteriskTelephony:
    return AsteriskTelephony(
        url=settings.ari_url,
        user=settings.ari_user,
        password=settings.ari_password.get_secret_value(),
        app=settings.ari_app,
        context=settings.ari_context,
        on_unusable=on_unusable,
        ami=ami,
        duty=duty,
    )


def _sources(settings: Settings, store: SqlStore, operations: Operations) -> list[Coroutine[None, None, None]]:
    """What brings contacts by itself while the program runs."""

    def added(campaign_id: CampaignId, _count: int) -> None:
        operations.contacts_added([campaign_id])

    if settings.watch_dir is None:
        return []
    watched = WatchedFolder(
        store,
        settings.watch_dir,
        on_contacts_added=added,
        now_ms=lambda: operations.now_ms,
        monotonic_s=time.monotonic,
    )
    return [watched.run()]


async def _listen_to_dialplans(settings: Settings, callers: Callers, doors: AsyncExitStack) -> None:
    fastagi = FastAgi(callers.scripts, host=settings.agi_host, port=settings.agi_port)
    try:
        await fastagi.start()
    except OSError as error:
        raise OSError(f"FastAGI (agi_host, agi_port): {error.strerror or error}") from error
    doors.push_async_callback(fastagi.stop)


def _ami(settings: Settings) -> AmiAddress | None:
    if not settings.ami_url:
        return None
    try:
        return parse_ami_url(settings.ami_url)
    except ValueError as error:
        raise SettingsError(f"ami_url {error}") from error


def has_sound_file(folder: Path, name: str) -> bool:
    """Whether Asterisk's folder of sounds has a file of this name, for all languages or for one.

    Asterisk plays files that its own list lacks: those right in the folder, and those put there after it started.
    """
    try:
        languages = [one for one in folder.iterdir() if LANGUAGE_FOLDER.fullmatch(one.name)]
        return any(any(place.glob(f"{name}.*")) for place in (folder, *languages))
    except (OSError, ValueError, NotImplementedError):  # not readable for us, or no name for a file
        return False


def _make_data_dir(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OSError(
            f"the data folder {folder} cannot be made ({error.strerror}); let the user Outring runs as write there, or "
            "choose another with OUTRING_DATA_DIR"
        ) from error

"""The running program: store, prompts, telephony, dialer and panel put together, and taken apart in order."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import structlog

from app.agent_operations import AgentOperations
from app.asterisk.ami_address import AmiAddress, parse_ami_url
from app.asterisk.fastagi import FastAgi
from app.asterisk.telephony import LANGUAGE_FOLDER, AsteriskTelephony
from app.callers import Callers
from app.compliance.library import Lawbook
from app.contacts.watched import WatchedFolder
from app.dialing.dialer import Dialer
from app.ivr.prompts import PromptStudio
from app.operations import Operations
from app.panel.server import Panel
from app.runtime import Runtime
from app.settings import Settings, SettingsError
from app.store.door import SqlStore
from app.units import CampaignId
from app.voices import voices

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """What runs. `url`: where the panel is. `ended`: done when the dialer has stopped working, with the reason."""

    store: SqlStore
    runtime: Runtime
    operations: Operations
    agents: AgentOperations
    studio: PromptStudio
    url: str
    ended: asyncio.Task[None]


@asynccontextmanager
async def service(
    settings: Settings, *, on_unusable: Callable[[str], None] | None = None, with_panel: bool = True
) -> AsyncIterator[Service]:
    """Start everything; on leaving, stop everything and leave calls to Asterisk.

    on_unusable: called when Asterisk refuses us for good (wrong password, another dialer took the application).
    Raises SettingsError when a voice of the settings is not there or ami_url is none, StoreError when the database
    cannot be used, OSError when a port is taken or the data folder cannot be made.
    """
    _make_data_dir(settings.data_dir)
    studio = PromptStudio(settings.data_dir / "prompts", providers=voices(settings))
    telephony = AsteriskTelephony(
        url=settings.ari_url,
        user=settings.ari_user,
        password=settings.ari_password.get_secret_value(),
        app=settings.ari_app,
        context=settings.ari_context,
        on_unusable=on_unusable,
        ami=_ami(settings),
    )

    async def has_sound(name: str) -> bool | None:
        if await asyncio.to_thread(has_sound_file, settings.asterisk_sounds_dir, name):
            return True
        return await telephony.has_sound(name)

    lawbook = Lawbook(settings.compliance_dir)
    async with await SqlStore.open(settings.database_url, lawbook=lawbook) as store, AsyncExitStack() as doors:
        runtime = Runtime(dialer=Dialer(), telephony=telephony, store=store, prompts=studio)
        operations = Operations(
            store=store, runtime=runtime, studio=studio, has_sound=has_sound, queue_problem=telephony.queue_problem
        )
        agents = AgentOperations(store=store, runtime=runtime, watch_phone=telephony.watch_phone)
        panel = Panel(operations=operations, agents=agents, store=store, settings=settings)
        # The port first: a second program on this machine must not take the calls away before it fails for the port.
        url = await panel.start(settings.http_host, settings.http_port) if with_panel else ""
        first = [*await operations.first_events(), *await agents.resume()]
        if settings.agi_port:
            await _listen_to_dialplans(settings, Callers(store=store, operations=operations), doors)
        working = asyncio.create_task(runtime.run(first), name="dialer")
        beside = [asyncio.create_task(one, name="source") for one in _sources(settings, store, operations)]
        beside.append(asyncio.create_task(panel.sources.run(), name="sources"))
        try:
            yield Service(
                store=store,
                runtime=runtime,
                operations=operations,
                agents=agents,
                studio=studio,
                url=url,
                ended=working,
            )
        finally:
            await panel.stop()
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)
            working.cancel()
            with suppress(asyncio.CancelledError):
                await working
            await telephony.stop()


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

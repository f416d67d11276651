"""The running program: store, prompts, telephony, dialer and panel put together, and taken apart in order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import structlog

from app.asterisk.telephony import AsteriskTelephony
from app.dialing.dialer import Dialer
from app.ivr.prompts import PromptStudio
from app.operations import Operations
from app.panel.server import Panel
from app.runtime import Runtime
from app.settings import Settings
from app.store.door import SqlStore

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """What runs. `url`: where the panel is. `ended`: done when the dialer has stopped working, with the reason."""

    store: SqlStore
    runtime: Runtime
    operations: Operations
    studio: PromptStudio
    url: str
    ended: asyncio.Task[None]


@asynccontextmanager
async def service(
    settings: Settings, *, on_unusable: Callable[[str], None] | None = None, with_panel: bool = True
) -> AsyncIterator[Service]:
    """Start everything; on leaving, stop everything and leave calls to Asterisk.

    on_unusable: called when Asterisk refuses us for good (wrong password, another dialer took the application).
    Raises StoreError when the database cannot be used, OSError when the panel's port is taken.
    """
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    studio = PromptStudio(settings.data_dir / "prompts")
    telephony = AsteriskTelephony(
        url=settings.ari_url,
        user=settings.ari_user,
        password=settings.ari_password.get_secret_value(),
        app=settings.ari_app,
        context=settings.ari_context,
        on_unusable=on_unusable,
    )
    async with await SqlStore.open(settings.database_url) as store:
        runtime = Runtime(dialer=Dialer(), telephony=telephony, store=store, prompts=studio)
        operations = Operations(store=store, runtime=runtime, studio=studio)
        panel = Panel(operations=operations, store=store, settings=settings)
        # The port first: a second program on this machine must not take the calls away before it fails for the port.
        url = await panel.start(settings.http_host, settings.http_port) if with_panel else ""
        working = asyncio.create_task(runtime.run(await operations.first_events()), name="dialer")
        try:
            yield Service(store=store, runtime=runtime, operations=operations, studio=studio, url=url, ended=working)
        finally:
            await panel.stop()
            working.cancel()
            with suppress(asyncio.CancelledError):
                await working
            await telephony.stop()

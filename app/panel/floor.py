"""The wallboard's wire: one websocket a viewer; figures once a second, an agent's change as soon as it happens.

Only what changed is sent, as the HTML of the block or row it is, and a block is drawn once for all viewers of a
language. A viewer that is slow gets fewer messages, never older ones: each takes what is new when it is ready for it.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Hashable, Mapping
from contextlib import suppress
from typing import Any, Final, Protocol

import structlog
from aiohttp import WSCloseCode, web

from app.dialing.snapshot import AgentPicture, Snapshot
from app.model import Trunk
from app.panel import floor_view
from app.panel.floor_meter import FloorMeter
from app.panel.floor_view import AgentRow, Board
from app.panel.language import Wording
from app.panel.live import CHECK_EVERY, CLOSE_S, MAX_VIEWERS, SEND_TIMEOUT_S, SIGNED_OUT
from app.store.campaigns import CampaignEntry
from app.store.errors import StoreError
from app.units import AgentId, CampaignId

log = structlog.get_logger()

TICK_S: Final = 1.0
PUSH_S: Final = 0.1
"""Agents' changes within this time go out together; the first of them at once."""
BLOCKS: Final = ("alerts", "tiles", "campaigns", "trunks", "states")

StillWelcome = Callable[[], Awaitable[bool]]
Parts = Callable[[str], Any]
"""The drawing macros of a language."""


class World(Protocol):
    """What the wallboard looks at."""

    @property
    def now_ms(self) -> int:
        """The dialer's time."""

    def snapshot(self) -> Snapshot:
        """The dialer now."""

    def picture(self, agent_id: AgentId) -> AgentPicture | None:
        """One agent now; None: not signed in."""

    def watch(self, changed: Callable[[frozenset[AgentId]], None]) -> Callable[[], None]:
        """Be told whose picture changed; answers what ends it."""

    async def on_disk(self) -> tuple[list[CampaignEntry], list[Trunk]]:
        """The campaigns with their progress, and the trunks."""


class Viewer:
    """One open wallboard: what it has been sent, and what it is still to get."""

    def __init__(self, socket: web.WebSocketResponse, words: Wording, name: str) -> None:
        self.socket = socket
        self.words = words
        self.name = name
        self.news = asyncio.Event()
        self.agents: set[AgentId] = set()
        self.is_tick_due = True
        self.sent: dict[str, str] = {}
        self.order: list[int] = []


class Floor:
    """Keeps the board, and every viewer's picture of it."""

    def __init__(self, world: World, meter: FloorMeter, parts: Parts) -> None:
        self.meter = meter
        self._world = world
        self._parts = parts
        self._viewers: set[Viewer] = set()
        self._board: Board | None = None
        self._rows: dict[AgentId, AgentRow] = {}
        self._names: Mapping[CampaignId, str] = {}
        self._changed: set[AgentId] = set()
        self._has_changed = asyncio.Event()
        self._drawn: dict[tuple[str, str], tuple[Hashable, str]] = {}

    # --- keeping the board -------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Keep the board until cancelled."""
        forget = self._world.watch(self._note)
        pushing = asyncio.create_task(self._push(), name="wallboard rows")
        try:
            while True:
                self.meter.sample(self._world.snapshot())
                if self._viewers:
                    with suppress(StoreError):  # the page says by itself that what it shows is old
                        await self.refresh()
                await asyncio.sleep(TICK_S)
        finally:
            forget()
            pushing.cancel()
            with suppress(asyncio.CancelledError):
                await pushing

    async def board(self) -> Board:
        """The board as it is now."""
        entries, trunks = await self._world.on_disk()
        self._names = {entry.campaign.id: entry.campaign.name for entry in entries}
        self._board = floor_view.board(self._world.snapshot(), entries, trunks, self.meter)
        self._rows = {row.agent_id: row for row in self._board.agents}
        self._drawn = {place: drawn for place, drawn in self._drawn.items() if self._is_shown(place[1])}
        return self._board

    def _is_shown(self, key: str) -> bool:
        return not key[1:].isdigit() or int(key[1:]) in self._rows

    async def refresh(self) -> None:
        """Work the board out anew and let every viewer have what is new."""
        await self.board()
        for viewer in self._viewers:
            viewer.is_tick_due = True
            viewer.news.set()

    def _note(self, agent_ids: frozenset[AgentId]) -> None:
        if self._viewers:
            self._changed |= agent_ids
            self._has_changed.set()

    async def _push(self) -> None:
        while True:
            await self._has_changed.wait()
            self._has_changed.clear()
            changed, self._changed = self._changed, set()
            now_ms = self._world.now_ms
            for agent_id in changed:
                picture = self._world.picture(agent_id)
                if picture is None:
                    self._rows.pop(agent_id, None)
                else:
                    self._rows[agent_id] = floor_view.agent_row(picture, self._names, now_ms)
            for viewer in self._viewers:
                viewer.agents |= changed
                viewer.news.set()
            await asyncio.sleep(PUSH_S)

    # --- viewers -----------------------------------------------------------------------------------------------------

    async def serve(
        self, request: web.Request, words: Wording, name: str, is_welcome: StillWelcome
    ) -> web.WebSocketResponse:
        """Show the board to one viewer until they leave."""
        if len(self._viewers) >= MAX_VIEWERS:
            raise web.HTTPServiceUnavailable(text="too many wallboards are open; close some")
        socket = web.WebSocketResponse(heartbeat=20.0, timeout=CLOSE_S, max_msg_size=4096)
        await socket.prepare(request)
        viewer = Viewer(socket, words, name)
        self._viewers.add(viewer)
        showing = asyncio.create_task(self._show(viewer, is_welcome))
        try:
            with suppress(StoreError):
                await self.refresh()
            async for _ in socket:  # nothing is expected; reading notices pings and the end
                pass
        finally:
            self._viewers.discard(viewer)
            showing.cancel()
            with suppress(asyncio.CancelledError):
                await showing
        return socket

    async def _show(self, viewer: Viewer, is_welcome: StillWelcome) -> None:
        ticks = 0
        while not viewer.socket.closed:
            await viewer.news.wait()
            viewer.news.clear()
            if self._board is None:
                continue
            if viewer.is_tick_due:
                ticks += 1
                if ticks % CHECK_EVERY == 0 and not await is_welcome():
                    await viewer.socket.close(code=SIGNED_OUT, message=b"signed out")
                    return
            message = self.message(viewer, self._board)
            try:
                async with asyncio.timeout(SEND_TIMEOUT_S):
                    await viewer.socket.send_str(json.dumps(message, ensure_ascii=False))
            except (ConnectionError, TimeoutError):
                await viewer.socket.close(code=WSCloseCode.GOING_AWAY)
                return

    def message(self, viewer: Viewer, board: Board) -> dict[str, Any]:
        """What a viewer has not got yet, and note that it has it now."""
        blocks: dict[str, str] = {}
        found: dict[str, Any] = {"now": self._world.now_ms}
        if viewer.is_tick_due:
            viewer.is_tick_due = False
            viewer.agents = set(self._rows)
            for name in BLOCKS:
                blocks[name] = self._draw(viewer.words, name, board_part(board, name))
            found["as_of"] = viewer.words.time(board.at_ms)
            order = [row.agent_id for row in board.agents if row.agent_id in self._rows]
            if order != viewer.order:
                viewer.order = found["order"] = list(order)
        rows = [self._rows[agent_id] for agent_id in viewer.agents if agent_id in self._rows]
        viewer.agents = set()
        for row in rows:
            blocks[f"a{row.agent_id}"] = self._draw(viewer.words, "agent", row, f"a{row.agent_id}")
        mine = tuple(row for row in self._rows.values() if any(name == viewer.name for name, _ in row.spies))
        blocks["mine"] = str(self._parts(viewer.words.language).mine(viewer.words, mine, viewer.name))
        news = {key: html for key, html in blocks.items() if viewer.sent.get(key) != html}
        viewer.sent |= news
        if news:
            found["html"] = news
        return found

    def _draw(self, words: Wording, macro: str, record: Any, key: str = "") -> str:
        """A block in a language, drawn anew only when what it shows has changed."""
        place = (words.language, key or macro)
        drawn = self._drawn.get(place)
        if drawn is None or drawn[0] != record:
            drawn = self._drawn[place] = (record, str(getattr(self._parts(words.language), macro)(words, record)))
        return drawn[1]

    async def close(self) -> None:
        """Send every viewer away: their pages connect again by themselves."""
        closing = (
            viewer.socket.close(code=WSCloseCode.GOING_AWAY, message=b"stopping") for viewer in list(self._viewers)
        )
        await asyncio.gather(*closing)


def board_part(board: Board, name: str) -> Any:
    """The record a block is drawn from."""
    if name == "states":
        counts: dict[str, int] = {}
        for row in board.agents:
            counts[row.kind] = counts.get(row.kind, 0) + 1
        return tuple((kind, counts[kind]) for kind in floor_view.KINDS.values() if kind in counts)
    return getattr(board, name)

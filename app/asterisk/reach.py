"""Whether phones can be reached: registered, and answering when asked.

Endpoints are listened to one by one, from the first time a phone is rung. Whoever listens to an endpoint hears its
channels' events a second time; and device states are left alone: listening to them can lock Asterisk 22.10 up.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

import structlog

from app.agent_events import PhoneReachable
from app.asterisk.ari import AriClient, AriError, AriRefused
from app.asterisk.ari import models as ari
from app.asterisk.endpoint import ENDPOINT_NAME
from app.asterisk.lanes import Lanes
from app.ports import Inbox

log = structlog.get_logger()

TECHNOLOGY: Final = "PJSIP"


SIGN_ON_AGAIN_S: Final = 0.5
"""A phone whose contact went away may come back from another address at once: so long it has not signed off."""


class Reach:
    """Listens to the endpoints of phones.

    Asterisk says first that an endpoint is offline, and a moment later what became of its contact: it was removed, or
    it does not answer. Whoever does not answer is told of at once; who signed off when no other contact follows.
    """

    def __init__(self, client: AriClient, tell: Inbox, lanes: Lanes[Any]) -> None:
        self._client = client
        self._tell = tell
        self._lanes = lanes
        self._watched: set[str] = set()
        self._is_online: dict[str, bool] = {}
        self._removed: set[str] = set()  # offline because the contact was
        self._told: dict[str, PhoneReachable] = {}

    def watch(self, endpoint: str) -> None:
        """Listen to a phone from now on, and tell how it is."""
        if endpoint not in self._watched and ENDPOINT_NAME.fullmatch(endpoint):
            self._watched.add(endpoint)
            self._lanes.begin(self._look_at(endpoint, is_in_doubt=False))

    def again(self) -> None:
        """The events broke off: listen anew, and tell what changed meanwhile.

        Who is offline then may have signed off or be silent: a call of theirs lives on for as long as it sounds.
        """
        for endpoint in self._watched:
            self._lanes.begin(self._look_at(endpoint, is_in_doubt=True))

    async def _look_at(self, endpoint: str, *, is_in_doubt: bool) -> None:
        try:
            await self._client.applications.subscribe(
                applicationName=self._client.app, eventSource=f"endpoint:{TECHNOLOGY}/{endpoint}"
            )
            found = await self._client.endpoints.get(tech=TECHNOLOGY, resource=endpoint)
        except AriError as error:
            if isinstance(error, AriRefused):
                self._watched.discard(endpoint)  # there is no such phone yet; the next ring tries again
            log.warning("a phone cannot be listened to", endpoint=endpoint, reason=str(error))
            return
        self._is_online[endpoint] = found.state != "offline"
        self._say(endpoint, is_silent=is_in_doubt)

    def hear(self, message: Any) -> None:
        """What Asterisk says of endpoints and their contacts."""
        if not isinstance(message, ari.EndpointStateChange | ari.ContactStatusChange):
            return
        endpoint = message.endpoint.resource
        if endpoint not in self._watched:
            return
        self._is_online[endpoint] = is_online = message.endpoint.state != "offline"
        status = message.contact_info.contact_status if isinstance(message, ari.ContactStatusChange) else ""
        if is_online or status == "Unreachable":
            self._removed.discard(endpoint)
            self._say(endpoint, is_silent=not is_online)
            return
        if status == "Removed":
            self._removed.add(endpoint)
        self._lanes.begin(self._say_later(endpoint))

    async def _say_later(self, endpoint: str) -> None:
        await asyncio.sleep(SIGN_ON_AGAIN_S)
        told = self._told.get(endpoint)
        is_news = told is None or told.is_reachable or endpoint in self._removed
        if not self._is_online[endpoint] and is_news:
            self._say(endpoint, is_silent=False)

    def _say(self, endpoint: str, *, is_silent: bool) -> None:
        is_reachable = self._is_online[endpoint]
        now = PhoneReachable(endpoint=endpoint, is_reachable=is_reachable, is_silent=is_silent and not is_reachable)
        if self._told.get(endpoint) != now:
            self._told[endpoint] = now
            self._tell(now)

"""Whether phones can be reached: registered, and answering when asked.

Endpoints are listened to one by one, from the first time a phone is rung. Whoever listens to an endpoint hears its
channels' events a second time; and device states are left alone: listening to them can lock Asterisk 22.10 up.
"""

from __future__ import annotations

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


class Reach:
    """Listens to the endpoints of phones."""

    def __init__(self, client: AriClient, tell: Inbox, lanes: Lanes[Any]) -> None:
        self._client = client
        self._tell = tell
        self._lanes = lanes
        self._watched: set[str] = set()
        self._reachable: dict[str, bool] = {}
        self._silent: set[str] = set()  # registered, and not answering

    def watch(self, endpoint: str) -> None:
        """Listen to a phone from now on, and tell how it is."""
        if endpoint not in self._watched and ENDPOINT_NAME.fullmatch(endpoint):
            self._watched.add(endpoint)
            self._lanes.begin(self._look_at(endpoint))

    def again(self) -> None:
        """The events broke off: listen anew, and tell what changed meanwhile."""
        for endpoint in self._watched:
            self._lanes.begin(self._look_at(endpoint))

    async def _look_at(self, endpoint: str) -> None:
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
        self._take(found)

    def hear(self, message: Any) -> None:
        """What Asterisk says of endpoints."""
        match message:
            case ari.ContactStatusChange() if message.endpoint.resource in self._watched:
                self._note(message.endpoint.resource, message.contact_info.contact_status)
            case ari.EndpointStateChange() if message.endpoint.resource in self._watched:
                self._take(message.endpoint)

    def _note(self, endpoint: str, status: str) -> None:
        """Asterisk tells of the contact before it tells of its endpoint."""
        if status == "Unreachable":
            self._silent.add(endpoint)
            return
        was_silent = endpoint in self._silent
        self._silent.discard(endpoint)
        if was_silent and status == "Removed" and self._reachable.get(endpoint) is False:
            self._tell(PhoneReachable(endpoint=endpoint, is_reachable=False))

    def _take(self, endpoint: ari.Endpoint) -> None:
        is_reachable = endpoint.state != "offline"
        if self._reachable.get(endpoint.resource) is not is_reachable:
            self._reachable[endpoint.resource] = is_reachable
            is_silent = not is_reachable and endpoint.resource in self._silent
            self._tell(PhoneReachable(endpoint=endpoint.resource, is_reachable=is_reachable, is_silent=is_silent))

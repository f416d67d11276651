"""A thin, typed client of the Asterisk REST Interface, with the names ari-py gave it.

:mod:`.models` and :mod:`.operations` are written by :mod:`.generate` from Asterisk's own rest-api JSON. Requests go
over a capped pool of HTTP connections, or over the websocket (:class:`Via`); none is ever repeated by the client, and
each failure says whether the request was certainly not carried out (:attr:`AriError.is_certainly_not_done`). Events
come over one websocket whose reader only decodes and hands on. The connection outlives Asterisk: refused, booting,
frozen, restarted and taken over by another program are told to the listener as :class:`AriUp` and :class:`AriDown`::

    inbox: asyncio.Queue[object] = asyncio.Queue()
    client = AriClient(
        "http://127.0.0.1:8088/ari", "outring", password, "outring", sink=inbox.put_nowait, listener=inbox.put_nowait
    )
    client.on_channel_event("StasisStart", lambda channel, event: print(channel.id, "answered"))
    async with client:
        try:
            await client.channels.originate(
                endpoint="PJSIP/15550100@trunk", context="outring", extension="s", priority=1, channelId="attempt-1"
            )
        except AriError as error:
            print("not placed" if error.is_certainly_not_done else "perhaps placed", error)
        while not isinstance(event := await inbox.get(), ChannelDestroyed):
            print(event)
"""

from .callbacks import Subscription
from .client import AriClient, Via
from .connection import AriDown, AriState, AriUp, ConnectionNews, DownReason
from .errors import (
    AriConflict,
    AriError,
    AriNotFound,
    AriRefused,
    AriServerError,
    AriUnauthorized,
    AriUnavailable,
    AriUnknown,
)
from .events import DIALER_EVENTS, UnknownEvent
from .models import AnyMessage
from .request import checked_id

__all__ = [
    "DIALER_EVENTS",
    "AnyMessage",
    "AriClient",
    "AriConflict",
    "AriDown",
    "AriError",
    "AriNotFound",
    "AriRefused",
    "AriServerError",
    "AriState",
    "AriUnauthorized",
    "AriUnavailable",
    "AriUnknown",
    "AriUp",
    "ConnectionNews",
    "DownReason",
    "Subscription",
    "UnknownEvent",
    "Via",
    "checked_id",
]

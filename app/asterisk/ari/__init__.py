"""A thin, typed client of the Asterisk REST Interface."""

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

"""How an operation becomes a request, and an answer a value or an error. Nothing here does I/O.

Path segments are percent-encoded whole (a recording ``2024/a`` is ``2024%2Fa``), so an argument can never reach
another path or add a parameter. POST and PUT carry what has structure or is long as JSON, which
Asterisk reads as it reads the query; all else is query string: a request without a body leaves in one piece, at once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Protocol, TypeVar
from urllib.parse import quote, urlencode, urlsplit

import msgspec

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

T = TypeVar("T")
#: Ids we give to channels, bridges, playbacks: what Asterisk takes without escaping, under its 150 characters.
ID_PATTERN = re.compile(r"[A-Za-z0-9_.:-]{1,149}")
#: Parameters that are such ids, wherever they appear.
ID_FIELDS = frozenset({"channelId", "otherChannelId", "originator", "bridgeId", "playbackId", "snoopId"})
BODY_METHODS = frozenset({"POST", "PUT"})
#: How long a value may be that goes into a query.
QUERY_CHARACTERS = 128
encode_json = msgspec.json.encode


class Call(Protocol):
    """One way of calling ARI: over HTTP, over the websocket, or whichever suits the operation."""

    async def __call__(
        self, operation: str, method: str, path: str, parameters: Mapping[str, object] | None = None, /
    ) -> bytes: ...


class Resource:
    """Base of the generated resource classes."""

    __slots__ = ("_call",)

    def __init__(self, call: Call) -> None:
        self._call = call


def checked_id(value: str) -> str:
    """``value``, when it may name a channel, bridge or playback; else ValueError."""
    if not ID_PATTERN.fullmatch(value):
        raise ValueError(f"not an ARI id (1 to 149 of letters, digits, '_', '.', ':', '-'): {value[:160]!r}")
    return value


def given(parameters: dict[str, object]) -> dict[str, object]:
    """The parameters that were given, ids checked."""
    present = {name: value for name, value in parameters.items() if value is not None}
    for name in present.keys() & ID_FIELDS:
        checked_id(str(present[name]))
    return present


def segment(value: str) -> str:
    """One path segment, wholly escaped. Empty, '.' and '..' would be another path: ValueError."""
    if value in ("", ".", ".."):
        raise ValueError(f"cannot be part of an ARI path: {value!r}")
    return quote(value, safe="")


def checked_url(url: str) -> str:
    """ARI's address without a slash at its end; ValueError when no request could ever reach it."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ValueError(f"not the address of an ARI (like http://127.0.0.1:8088/ari): {url!r}")
    if parts.username is not None:
        raise ValueError("give the ARI user and password as settings of their own, not in the URL")
    return url.rstrip("/")


def needs_body(parameters: Mapping[str, object]) -> bool:
    """Whether they are more than a short query can say: structure, length, or a comma, which a list is cut at there."""
    return not all(map(_is_short, parameters.values()))


def _is_short(value: object) -> bool:
    if type(value) is str:
        return 0 < len(value) <= QUERY_CHARACTERS and "," not in value
    return type(value) is int or type(value) is bool


def query_string(parameters: Mapping[str, object]) -> str:
    """As ARI wants it: lists joined by commas, booleans in lower case."""
    return urlencode({name: query_value(value) for name, value in parameters.items()}, quote_via=quote)


def query_value(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return value
        case list() | tuple():
            return ",".join(str(each) for each in value)
        case _:
            return str(value)


def decoded(decode: Callable[[bytes], T], answer: bytes) -> T:
    """An answer of 2xx as its model; one we cannot read leaves the result unknown."""
    try:
        return decode(answer)
    except msgspec.MsgspecError as error:
        raise AriUnknown(f"carried out, but the answer is not as described: {error}", status=200) from error


class _Reason(msgspec.Struct, gc=False):
    message: str = ""
    error: str = ""


_decode_reason = msgspec.json.Decoder(_Reason).decode
#: ARI's answer to a path that no loaded module serves.
NO_RESOURCE = "Resource not found"


def error_of(status: int, answer: bytes, method: str, path: str) -> AriError:
    """The error an answer past 299 means."""
    try:
        reason = _decode_reason(answer)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return _unreadable_error(status, method, path)
    message = reason.message or reason.error or answer[:200].decode(errors="replace")
    kind: type[AriError]
    match status:
        case 401 | 403 if status == 401 or "denied" in message.lower():
            kind, message = AriUnauthorized, f"{message} (check the ARI user and password: ari.conf)"
        case 404 if message == NO_RESOURCE:
            kind, message = AriUnavailable, f"{message}: the module that serves it is not loaded in Asterisk"
        case 404:
            kind = AriNotFound
        case 409:
            kind = AriConflict
        case 503:
            kind = AriUnavailable
        case _ if 400 <= status < 500:
            kind = AriRefused
        case _:
            kind = AriServerError
    return kind(message, status=status, method=method, path=path)


def _unreadable_error(status: int, method: str, path: str) -> AriError:
    """Asterisk's HTTP server answers HTML where ARI is not (yet) behind it; so does a proxy before it."""
    kind: type[AriError]
    match status:
        case 401:
            kind, message = AriUnauthorized, "not authorised (check the ARI user and password: ari.conf)"
        case 404:
            kind, message = (
                AriUnavailable,
                "no ARI at this address (Asterisk still booting, ARI not enabled, or the URL lacks its /ari)",
            )
        case 503:
            kind, message = AriUnavailable, "service unavailable"
        case _ if status < 400:
            kind, message = AriUnavailable, "answered by a redirect, not by ARI: is the URL right?"
        case _ if 400 <= status < 500:
            kind, message = AriRefused, "refused by the HTTP server, not by ARI"
        case _:
            kind, message = AriServerError, "failed in the HTTP server or a proxy"
    return kind(message, status=status, method=method, path=path)

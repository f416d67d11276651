"""REST over HTTP: one capped keep-alive pool, and every failure sorted into not done or unknown."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Mapping
from typing import Any

import aiohttp
from yarl import URL

from .errors import AriUnavailable, AriUnknown
from .request import BODY_METHODS, encode_json, error_of, needs_body, query_string

#: Shorter than Asterisk's ``session_keep_alive`` (15 s): a connection Asterisk is just closing must not be reused,
#: or a request on it would have an unknown result.
KEEP_ALIVE_S = 5.0
#: An answer comes back in milliseconds on a living host; longer than this to connect is a dead one.
CONNECT_TIMEOUT_S = 2.0
_JSON = {"Content-Type": "application/json"}


class HeldBack(OSError):
    """Nothing may be sent any more; nothing was."""


class GatedConnector(aiohttp.TCPConnector):
    """Asks once more whether anything may be sent when a connection is there: waiting for one can take seconds."""

    def __init__(self, gate: Callable[[], bool], *, limit: int) -> None:
        super().__init__(limit=limit, keepalive_timeout=KEEP_ALIVE_S, ttl_dns_cache=60)
        self._gate = gate

    async def connect(
        self, req: aiohttp.ClientRequest, traces: list[Any], timeout: aiohttp.ClientTimeout
    ) -> aiohttp.connector.Connection:
        """See BaseConnector. Raises HeldBack."""
        connection = await super().connect(req, traces, timeout)
        if not self._gate():
            connection.release()
            raise HeldBack("this dialer may send nothing now")
        return connection


def new_session(
    user: str, password: str, pool_limit: int, gate: Callable[[], bool] = lambda: True
) -> aiohttp.ClientSession:
    """A session bare of what ARI does not need: cookies, decompression, proxies from the environment.

    gate: asked right before each request is sent; those that may not be fail as never sent.
    """
    session = aiohttp.ClientSession(
        connector=GatedConnector(gate, limit=pool_limit),
        headers={"Authorization": "Basic " + b64encode(f"{user}:{password}".encode()).decode()},
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        trust_env=False,
        skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding"),
    )
    # aiohttp repeats GET, PUT and DELETE when a kept connection breaks after sending; there is no public way to say no.
    session._retry_connection = False
    return session


class HttpCalls:
    """Requests to one ARI. Safe for any number of tasks at once; past the pool's limit they wait their turn."""

    def __init__(self, base: str, session: aiohttp.ClientSession) -> None:
        self._base = base
        self._session = session

    async def request(
        self, method: str, path: str, parameters: Mapping[str, object] | None, *, timeout_s: float
    ) -> bytes:
        """The body of a 2xx answer. ``timeout_s`` bounds the wait for a place in the pool and, again, for the answer.

        Raises AriUnavailable when nothing was sent, AriUnknown when it was and no answer came, else what ARI said.
        """
        body: bytes | None = None
        url = f"{self._base}{path}"
        if parameters and method in BODY_METHODS and needs_body(parameters):
            body = encode_json(parameters)
        elif parameters:
            url = f"{url}?{query_string(parameters)}"
        try:
            async with self._session.request(
                method,
                URL(url, encoded=True),
                data=body,
                headers=_JSON if body is not None else None,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(
                    total=None, connect=timeout_s, sock_connect=min(timeout_s, CONNECT_TIMEOUT_S), sock_read=timeout_s
                ),
            ) as response:
                answer = await response.read()
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, HeldBack) as error:
            raise AriUnavailable(f"could not connect: {error}", method=method, path=path) from error
        except TimeoutError as error:
            raise AriUnknown(f"no answer in {timeout_s:g} s", method=method, path=path) from error
        except (aiohttp.ClientError, OSError) as error:
            raise AriUnknown(f"the connection broke: {error!r}", method=method, path=path) from error
        if response.status < 300:
            return answer
        raise error_of(response.status, answer, method, path)
